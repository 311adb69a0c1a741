"""Templates, and the utterances that they stand for.

A template is a sample utterance with slots in it: `order a {size} coffee`. An annotated utterance is a template whose slots have
their values already. Filling is deterministic by its seed: every template is used before any is used again, and every value of a
catalog before any comes again.
"""

from __future__ import annotations

import logging
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from headstart.data.builtin.values import builtin_values
from headstart.data.offsets import is_inside
from headstart.data.rows import Row, counted
from headstart.tokenization.alignment_headstart import Span

logger = logging.getLogger(__name__)

FILLS = 3  # utterances made of a template with open slots
MAX_UTTERANCES = 5000
FREE_TEXT = "AMAZON.SearchQuery"  # what fills a slot of which no value is known


class Slot(NamedTuple):
    """A slot of a template: its label, and its value where the sample gives one (None: open)."""

    label: str
    value: str | None = None


@dataclass(frozen=True)
class Template:
    """A sample utterance of one intent.

    Args:
        intent: name of the intent; None if it is not annotated.
        parts: pieces of literal text and slots, in order; joined without anything between them.
        has_slots: False if slots are not annotated at all.
    """

    intent: str | None
    parts: tuple[str | Slot, ...]
    has_slots: bool = True

    @property
    def slots(self) -> list[Slot]:
        """The slots in order."""
        return [part for part in self.parts if isinstance(part, Slot)]

    @property
    def is_open(self) -> bool:
        """Some slot has no value yet."""
        return any(slot.value is None for slot in self.slots)

    @property
    def pattern(self) -> str:
        """The text with `{label}` for every slot, lower case: what two utterances of one template share."""
        parts = (f"{{{part.label}}}" if isinstance(part, Slot) else part.lower() for part in self.parts)
        return " ".join("".join(parts).split())

    def fill(self, values: Sequence[str]) -> Row:
        """The row with these values in the slots, in order.

        Raises:
            ValueError: there are more or fewer values than slots, or a value is blank.
        """
        if len(values) != len(self.slots) or not all(value.strip() for value in values):
            raise ValueError(
                f"template {self.pattern!r} needs {counted(len(self.slots), 'value')}, not blank, got {list(values)!r}."
            )
        texts: list[str] = []
        spans: list[Span] = []
        rest, end = iter(values), 0
        for part in self.parts:
            texts.append(next(rest) if isinstance(part, Slot) else part)
            start, end = end, end + len(texts[-1])
            if isinstance(part, Slot):
                spans.append({"start": start, "end": end, "label": part.label})
        return {"text": "".join(texts), "intent": self.intent, "slots": spans if self.has_slots else None}


def row_template(row: Row, trim: bool = False) -> Template:
    """The template of a row: its slots keep their values.

    Args:
        row: an annotated utterance.
        trim: spans hold whole words: outer blanks become part of the text around them, and what is cut of a word, part of the value, so that
            another value doesn't stick to its neighbours.
    """
    parts: list[str | Slot] = []
    end = 0
    for slot in row["slots"] or []:
        value, start = row["text"][slot["start"] : slot["end"]], slot["start"]
        if trim:
            start += len(value) - len(value.lstrip())
            value = value.strip()
        parts += [row["text"][end:start], Slot(slot["label"], value)]
        end = start + len(value)
    parts = [part for part in [*parts, row["text"][end:]] if part]
    return Template(row["intent"], tuple(whole_words(parts) if trim else parts), row["slots"] is not None)


def whole_words(parts: Sequence[str | Slot]) -> list[str | Slot]:
    """The parts with every value widened to the words that it cuts; of two values in one word, the first has it, as when rows are encoded."""
    whole: list[str | Slot] = []
    closed: list[str | Slot] = []  # what stands together without an open slot
    for part in parts:
        if isinstance(part, Slot) and part.value is None:
            whole += [*_with_whole_words(closed), part]
            closed = []
        else:
            closed.append(part)
    return whole + _with_whole_words(closed)


def _with_whole_words(parts: Sequence[str | Slot]) -> list[str | Slot]:
    """[`whole_words`] of text and slots that have values."""
    text = "".join(part if isinstance(part, str) else part.value or "" for part in parts)
    whole: list[str | Slot] = []
    end = stop = 0  # of the last value, as it is widened; of the last part, as it is given
    for part in parts:
        start, stop = stop, stop + len(part if isinstance(part, str) else part.value or "")
        if isinstance(part, str) or not text[max(start, end) : stop].strip():
            continue
        if start < end:
            start = stop - len(text[end:stop].lstrip())
        while start > end and is_inside(text[start - 1], text[start]):
            start -= 1
        last = stop
        while last < len(text) and is_inside(text[last - 1], text[last]):
            last += 1
        whole += [text[end:start], Slot(part.label, text[start:last])]
        end = last
    return [part for part in [*whole, text[end:]] if part]


def parse_template(text: str, intent: str | None, slot: re.Pattern[str], make_slot: Callable[[re.Match[str]], Slot]) -> Template:
    """Cut a sample into text and slots, with blanks between words made single and outer ones dropped.

    Args:
        text: the sample as its developer wrote it.
        intent: its intent.
        slot: what a slot looks like in it.
        make_slot: the slot of a match.
    """
    parts: list[str | Slot] = []
    end = 0
    for match in slot.finditer(text):
        parts += [text[end : match.start()], make_slot(match)]
        end = match.end()
    parts.append(text[end:])
    return Template(intent, tuple(tidy(parts)))


def tidy(parts: Iterable[str | Slot]) -> list[str | Slot]:
    """Parts with single blanks in literal text, none at either end, and no empty text."""
    cleaned: list[str | Slot] = [
        Slot(part.label, None if part.value is None else " ".join(part.value.split()) or None)
        if isinstance(part, Slot)
        else re.sub(r"\s+", " ", part)
        for part in parts
    ]
    if cleaned and isinstance(cleaned[0], str):
        cleaned[0] = cleaned[0].lstrip()
    if cleaned and isinstance(cleaned[-1], str):
        cleaned[-1] = cleaned[-1].rstrip()
    return [part for part in cleaned if part]


class ShuffledOrder:
    """An endless, seeded order of the numbers below `size`: all come before any comes again.

    Args:
        size: how many numbers.
        seed: of the order.
    """

    def __init__(self, size: int, seed: str) -> None:
        self.size = size
        self.seed = seed
        self._lap: tuple[int, list[int]] = (-1, [])

    def __getitem__(self, position: int) -> int:
        lap, place = divmod(position, self.size)
        if self._lap[0] != lap:
            self._lap = (lap, random.Random(f"{self.seed} {lap}").sample(range(self.size), self.size))
        return self._lap[1][place]


class ValueSource:
    """The values of one slot in an endless, seeded order: the listed ones all come before any comes again.

    Args:
        values: what the developer lists.
        draw: a generator of further values; where there are both, they take turns.
        seed: of the order.
    """

    def __init__(self, values: Sequence[str], draw: Callable[[random.Random], str] | None, seed: str) -> None:
        distinct = {" ".join(value.split()).lower(): " ".join(value.split()) for value in reversed(values)}
        self.values = [value for key, value in sorted(distinct.items()) if key]
        self.draw = draw
        self.seed = seed
        self._order = ShuffledOrder(len(self.values), seed)

    def value(self, number: int) -> str:
        """The value number `number` (from 0) of the order."""
        if self.draw is not None and (number % 2 or not self.values):
            return self.draw(random.Random(f"{self.seed} {number}"))
        return self.values[self._order[number if self.draw is None else number // 2]]


def value_sources(
    labels: Iterable[str],
    catalogs: dict[str, list[str]],
    slot_types: dict[str, str],
    templates: Iterable[Template] = (),
    seed: int = 0,
) -> dict[str, ValueSource]:
    """Where the values of each slot come from; a label of which nothing is known has no entry.

    Args:
        labels: slot labels.
        catalogs: values that the developer lists.
        slot_types: names of built-in types, for those that have one.
        templates: samples whose own values are used too.
        seed: of the order of the values.
    """
    seen = defaultdict(list)
    for template in templates:
        for slot in whole_words(template.parts):
            if isinstance(slot, Slot) and slot.value is not None:
                seen[slot.label].append(slot.value)
    sources = {}
    for label in dict.fromkeys(labels):
        source = ValueSource(
            [*catalogs.get(label, []), *seen[label]], builtin_values(slot_types.get(label, "")), f"{seed} {label}"
        )
        if source.values or source.draw is not None:
            sources[label] = source
    return sources


def fill_templates(
    templates: Sequence[Template],
    catalogs: dict[str, list[str]] | None = None,
    slot_types: dict[str, str] | None = None,
    *,
    max_utterances: int = MAX_UTTERANCES,
    fills: int = FILLS,
    seed: int = 0,
) -> list[Row]:
    """Make rows of templates, without repeating a row.

    Args:
        templates: samples; values that they hold themselves stay, open slots are filled.
        catalogs: values by slot label.
        slot_types: built-in types by slot label, whose values are generated (see `headstart.data.builtin.values`).
        max_utterances: rows at most. Where there are more templates, every intent gets its turn.
        fills: rows of each template that has open slots, if there are values enough.
        seed: of the choice and order of templates and values.

    Raises:
        ValueError: `max_utterances` or `fills` is below 1.
    """
    if max_utterances < 1 or fills < 1:
        raise ValueError(f"max_utterances is {max_utterances} and fills {fills}; both must be at least 1.")
    labels = {slot.label for template in templates for slot in template.slots}
    sources = value_sources(labels, catalogs or {}, slot_types or {}, templates, seed)
    _fill_unknown(templates, sources, seed)
    chosen = _choose(templates, max_utterances, seed)
    taken: Counter[str] = Counter()
    rows: dict[tuple[str, str | None], Row] = {}
    for lap in range(fills):
        for template in chosen:
            if len(rows) < max_utterances and (template.is_open or lap == 0):
                row = template.fill([_next_value(slot, sources, taken) for slot in template.slots])
                rows.setdefault((row["text"], row["intent"]), row)
    return list(rows.values())


def _fill_unknown(templates: Sequence[Template], sources: dict[str, ValueSource], seed: int) -> None:
    open_labels = {slot.label for template in templates for slot in template.slots if slot.value is None}
    unknown = sorted(open_labels - set(sources))
    for label in unknown:
        sources[label] = ValueSource([], builtin_values(FREE_TEXT), f"{seed} {label}")
    if unknown:
        logger.warning(
            "no value is known of %s: general phrases fill what is open: %s",
            counted(len(unknown), "slot"),
            ", ".join(unknown[:8]),
        )


def _next_value(slot: Slot, sources: dict[str, ValueSource], taken: Counter[str]) -> str:
    if slot.value is not None:
        return slot.value
    taken[slot.label] += 1
    return sources[slot.label].value(taken[slot.label] - 1)


def _choose(templates: Sequence[Template], limit: int, seed: int) -> list[Template]:
    """All templates or, where there are more than the limit, a seeded choice in which intents take turns."""
    if len(templates) <= limit:
        return list(templates)
    by_intent = defaultdict(list)
    for template in templates:
        by_intent[template.intent].append(template)
    shuffled = [random.Random(f"{seed} {intent}").sample(group, len(group)) for intent, group in by_intent.items()]
    return [template for turn in zip_longest(*shuffled) for template in turn if template is not None][:limit]


def split_rows(rows: Sequence[Row], share: float = 0.2, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """Hold out whole templates: no template, and no text, is in both parts.

    Args:
        rows: rows of a skill.
        share: share of each intent's templates that is held out; every intent keeps at least one.
        seed: of the choice.

    Returns:
        the rows kept and the rows held out. Rows whose slot labels would then occur in the held-out part alone are kept.

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; it must lie between 0 and 1.")
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row_template(row).pattern].append(row)
    by_intent: dict[str | None, list[str]] = defaultdict(list)
    for pattern, group in groups.items():
        if len({row["intent"] for row in group}) == 1:  # one of several intents stays
            by_intent[group[0]["intent"]].append(pattern)
    held_out: set[str] = set()
    for intent, patterns in by_intent.items():
        held_out.update(random.Random(f"{seed} {intent}").sample(patterns, min(round(len(patterns) * share), len(patterns) - 1)))
    labels_left = {
        slot["label"] for pattern in groups for row in groups[pattern] if pattern not in held_out for slot in row["slots"] or []
    }
    texts_left = {row["text"].lower() for pattern in groups if pattern not in held_out for row in groups[pattern]}
    is_changed = True
    while is_changed:  # what is put back may share a text with what was looked at before
        is_changed = False
        for pattern in sorted(held_out):
            group = groups[pattern]
            labels = {slot["label"] for row in group for slot in row["slots"] or []}
            if not labels <= labels_left or any(row["text"].lower() in texts_left for row in group):
                held_out.discard(pattern)
                labels_left |= labels
                texts_left |= {row["text"].lower() for row in group}
                is_changed = True
    kept = [row for pattern, group in groups.items() if pattern not in held_out for row in group]
    return kept, [row for pattern in groups if pattern in held_out for row in groups[pattern]]


__all__ = [
    "ShuffledOrder",
    "Slot",
    "Template",
    "ValueSource",
    "fill_templates",
    "parse_template",
    "row_template",
    "split_rows",
    "tidy",
    "value_sources",
    "whole_words",
]
