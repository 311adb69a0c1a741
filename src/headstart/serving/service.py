"""What every protocol asks: answers to texts, within the limits of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from headstart.data.rows import counted
from headstart.serving.batching import Batcher, Overloaded, Unanswerable
from headstart.serving.metrics import Metrics
from headstart.serving.models import Models, ask
from headstart.serving.options import ServeOptions
from headstart.serving.reloading import Reloader
from headstart.tokenization.answers_headstart import SURROGATES, Answer


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        detail: what was wrong, and what is allowed.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Service:
    """Answers texts from the models of a server.

    Args:
        options: of the server.

    Raises:
        ValueError, OSError, ImportError: a model can't be loaded.
    """

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.metrics = Metrics()
        self._reloader = Reloader(options.models, options.base, options.threads, self._heard_reload)
        self._batcher = Batcher(options.max_batch, options.max_waiting, self.metrics.batches.observe)
        self.metrics.watch_waiting(lambda: self._batcher.num_waiting)
        self._watcher: asyncio.Task[None] | None = None

    @property
    def models(self) -> Models:
        """The models as they are now."""
        return self._reloader.models

    @property
    def is_ready(self) -> bool:
        """Whether texts are answered."""
        return self._batcher.is_alive

    async def start(self) -> None:
        """Begin to answer, and to look at the models' folders."""
        self._batcher.start()
        if self.options.reload_seconds:
            self._watcher = asyncio.create_task(self._reloader.watch(self.options.reload_seconds))

    async def stop(self) -> None:
        """Answer what was asked, and end."""
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        await self._batcher.close()

    async def answer(self, texts: Sequence[str], **asked: Any) -> list[Answer]:
        """The answers to some texts.

        Args:
            texts: at most `max_texts`, of at most `max_chars` characters each.
            asked: see [`headstart.serving.models.ask`].

        Raises:
            Refused: they are not answered.
        """
        self._check(texts)
        try:
            wanted = ask(**asked)
            plan = self.models.plan(wanted)
        except (ValueError, ImportError) as error:
            raise Refused(422, str(error)) from error
        try:
            answers = await self._batcher.answer(texts, plan, wanted)
        except Overloaded as error:
            raise Refused(503, "too many texts wait; ask again in a moment.") from error
        except Unanswerable as error:
            raise Refused(500, "a text could not be answered; the server's log says why.") from error
        for answer in answers:
            self.metrics.answers.labels(answer["skill"] or "", answer["intent"]["label"] is not None).inc()
        return answers

    def _check(self, texts: Sequence[str]) -> None:
        limits = self.options
        if len(texts) > limits.max_texts:
            raise Refused(422, f"{counted(len(texts), 'text')}; a request may have {limits.max_texts}.")
        for text in texts:
            if len(text) > limits.max_chars:
                raise Refused(422, f"a text of {len(text)} characters; it may have {limits.max_chars}.")
            if SURROGATES.search(text):
                raise Refused(422, "a text holds half of a character (a lone surrogate), which no UTF-8 has.")

    def _heard_reload(self, has_succeeded: bool) -> None:
        self.metrics.reloads.labels(has_succeeded).inc()


__all__ = ["Refused", "Service"]
