"""Texts of many requests, answered together: whatever waits when the last ones are answered goes next, and nothing waits for others to come."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from headstart.serving.models import Asked, Plan, answer
from headstart.tokenization.answers_headstart import Answer

logger = logging.getLogger(__name__)

# The time of texts that are answered together is that of as many of the longest: those of a length go together, in parts of so many, and without
# those that are longer than twice the shortest and so many characters.
PART, SHORT = 32, 32


class Overloaded(Exception):
    """More texts wait than may."""


class Unanswerable(Exception):
    """A text could not be answered, and the log says why."""


class _Job:
    """The texts of a request."""

    __slots__ = ("answers", "asked", "future", "missing", "plan", "texts")

    def __init__(self, texts: Sequence[str], plan: Plan, asked: Asked, future: asyncio.Future[list[Answer]]) -> None:
        self.texts, self.plan, self.asked, self.future = texts, plan, asked, future
        self.answers: list[Any] = [None] * len(texts)
        self.missing = len(texts)


class Batcher:
    """Answers texts in a thread of its own, up to `max_batch` at once.

    Args:
        max_batch: texts that are answered at once.
        max_waiting: texts that wait, at most.
        heard: is told of every batch how many texts it has.
    """

    def __init__(self, max_batch: int, max_waiting: int, heard: Callable[[int], object] = lambda _: None) -> None:
        self._max_batch, self._max_waiting, self._heard = max_batch, max_waiting, heard
        self._waiting: deque[tuple[_Job, int]] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="headstart-batches", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin, in the loop that will ask."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether texts that are given now will be answered."""
        return self._thread.is_alive() and not self._is_closed

    @property
    def num_waiting(self) -> int:
        """Texts that wait."""
        return len(self._waiting)

    async def answer(self, texts: Sequence[str], plan: Plan, asked: Asked) -> list[Answer]:
        """The answers to some texts, in order.

        Raises:
            Overloaded: too many wait already, or the server stops.
            Unanswerable: one of them can't be answered.
        """
        if not texts:
            return []
        job = _Job(texts, plan, asked, asyncio.get_running_loop().create_future())
        with self._changed:
            if self._is_closed or len(self._waiting) + len(texts) > self._max_waiting:
                raise Overloaded
            self._waiting.extend((job, number) for number in range(len(texts)))
            self._changed.notify()
        return await job.future

    async def close(self) -> None:
        """Answer what waits, and end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while batch := self._next():
            self._heard(len(batch))
            done = []
            for group in _groups(batch):
                done += _answer_group(group)
            if done and self._loop is not None:
                self._loop.call_soon_threadsafe(_tell, done)

    def _next(self) -> list[tuple[_Job, int]]:
        """Up to `max_batch` texts that wait; none when all is done."""
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]


def _groups(batch: Sequence[tuple[_Job, int]]) -> list[list[tuple[_Job, int]]]:
    """Those that ask the same of the same models, of about the same length; without those that nobody waits for any more."""
    alike: dict[tuple[Plan, Asked], list[tuple[_Job, int]]] = {}
    for job, number in batch:
        if not job.future.done():
            alike.setdefault((job.plan, job.asked), []).append((job, number))
    return [group for texts in alike.values() for group in _by_length(texts)]


def _by_length(texts: list[tuple[_Job, int]]) -> Iterator[list[tuple[_Job, int]]]:
    texts.sort(key=lambda place: len(place[0].texts[place[1]]))
    group: list[tuple[_Job, int]] = []
    longest = 0
    for job, number in texts:
        length = len(job.texts[number])
        if group and (len(group) == PART or length > longest):
            yield group
            group = []
        if not group:
            longest = 2 * length + SHORT
        group.append((job, number))
    yield group


def _answer_group(group: Sequence[tuple[_Job, int]]) -> list[tuple[_Job, BaseException | None]]:
    """Answer texts that ask the same; those jobs that are done with it, with what went wrong. If they can't be answered together, each is
    answered alone, so that a text fails for no other one's sake."""
    job = group[0][0]
    try:
        answers: list[Any] = list(answer(job.plan, [job.texts[number] for job, number in group], job.asked))
    except Exception:
        if len(group) > 1:
            return [done for one in group for done in _answer_group([one])]
        logger.exception("a text of %d characters could not be answered", len(job.texts[group[0][1]]))
        return [(job, Unanswerable())]
    done: list[tuple[_Job, BaseException | None]] = []
    for (job, number), found in zip(group, answers, strict=True):
        job.answers[number] = found
        job.missing -= 1
        if not job.missing:
            done.append((job, None))
    return done


def _tell(done: Sequence[tuple[_Job, BaseException | None]]) -> None:
    for job, error in done:
        if job.future.done():  # whoever asked has gone, or another of its texts has failed
            continue
        if error is None:
            job.future.set_result(job.answers)
        else:
            job.future.set_exception(error)


__all__ = ["Batcher", "Overloaded", "Unanswerable"]
