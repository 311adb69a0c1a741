"""What a slot's text stands for: numbers, amounts, moments, spans and the like as values that a program can act on.

Spoken forms ("half past seven", "one oh five") and written ones ("7:30", "105") are read by a grammar ([`Grammar`]) whose words and patterns are
data, a table a language. What can't be read as a whole is not guessed at.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .alignment_headstart import Span
from .calendar_headstart import Resolution, resolve_moment
from .grammar_headstart import Grammar, Language
from .meanings_headstart import OPERATIONS, Amount
from .slot_types_headstart import categories_of
from .values_en_headstart import ENGLISH

LANGUAGES: dict[str, Language] = {"en": ENGLISH}
PLAIN = {
    "NUMBER": "number", "ORDINAL_NUMBER": "ordinal", "PERCENTAGE": "percentage", "QUANTITY": "quantity", "TEMPERATURE": "quantity", "AGE": "quantity",
    "MONEY": "money", "PHONE": "phone", "DIGITS": "digits", "FOUR_DIGITS": "digits", "CONFIRMATION": "confirmation",
}  # fmt: skip


class Resolver(NamedTuple):
    """How values of an answer are resolved.

    Args:
        slot_types: by slot label, built-in types besides the skill's own.
        reference_time: what "tomorrow" is relative to; None: now.
        time_zone: of the reference time and of the values; None: the reference time's own, or the local one.
        language: of the texts.
    """

    slot_types: Mapping[str, str] | None = None
    reference_time: datetime.datetime | None = None
    time_zone: datetime.tzinfo | None = None
    language: str = "en"

    def now(self) -> datetime.datetime:
        """The reference time."""
        given, zone = self.reference_time, self.time_zone
        if given is None:
            return datetime.datetime.now(zone) if zone else datetime.datetime.now().astimezone()
        if zone is None:
            return given
        return given.astimezone(zone) if given.tzinfo else given.replace(tzinfo=zone)

    def types(self, slot_types: Mapping[str, str] | None) -> dict[str, tuple[str, ...]]:
        """By slot label, what its values are read as: of a skill's labels that have a type whose values can be resolved."""
        named = {**(slot_types or {}), **(self.slot_types or {})}
        return {label: found for label, slot_type in named.items() if (found := _categories(slot_type))}


def make_resolver(
    *,
    resolve: bool | None = None,
    reference_time: datetime.datetime | str | None = None,
    time_zone: datetime.tzinfo | str | None = None,
    slot_types: Mapping[str, str] | None = None,
) -> Resolver | None:
    """What a request's options say of resolving; None: nothing is resolved.

    Raises:
        ValueError: an option is not as it must be.
    """
    if resolve not in (None, True, False):
        raise ValueError(f"resolve is {_shown(resolve)}; it must be True or False.")
    when, zone = _time(reference_time), _zone(time_zone)
    if slot_types is not None and not (
        isinstance(slot_types, Mapping) and all(isinstance(word, str) for pair in slot_types.items() for word in pair)
    ):
        raise ValueError(f"slot_types is {_shown(slot_types)}; it must hold types by slot label, such as {{'when': 'AMAZON.TIME'}}.")
    for label, slot_type in (slot_types or {}).items():
        if not categories_of(slot_type):
            raise ValueError(f"slot_types has {slot_type!r} for {label!r}; its values can't be resolved: give a type such as AMAZON.DATE or number.")
    return None if resolve is False else Resolver(slot_types, when, zone)


def _time(said: Any) -> datetime.datetime | None:
    if isinstance(said, str):
        try:
            return datetime.datetime.fromisoformat(said)
        except ValueError as error:
            raise ValueError(f"reference_time is {_shown(said)}; it must be a time in ISO 8601, such as 2026-11-18T10:30.") from error
    if said is not None and not isinstance(said, datetime.datetime):
        raise ValueError(f"reference_time is {_shown(said)}; it must be a datetime, or a time in ISO 8601, such as 2026-11-18T10:30.")
    return said


def _zone(said: Any) -> datetime.tzinfo | None:
    if isinstance(said, str):
        try:
            return ZoneInfo(said)
        except (KeyError, OSError, ValueError) as error:  # what is no name of a file, too
            raise ValueError(f"time_zone is {_shown(said)}; it must be a name of the IANA's, such as Europe/Berlin, that this machine knows.") from error
    if said is not None and not isinstance(said, datetime.tzinfo):
        raise ValueError(f"time_zone is {_shown(said)}; it must be a name of the IANA's, such as Europe/Berlin, or a tzinfo.")
    return said


def _shown(value: Any) -> str:
    return repr(value)[:80]


@cache
def _categories(slot_type: str) -> tuple[str, ...]:
    return categories_of(slot_type)


@cache
def _grammar(language: str) -> Grammar:
    return Grammar(LANGUAGES[language], OPERATIONS)


def resolve_value(text: str, slot_type: str, now: datetime.datetime, language: str = "en") -> list[Resolution]:
    """What a text stands for as a value of a built-in type.

    Args:
        text: what was said, such as "half past seven".
        slot_type: the type's name, as `AMAZON.TIME`.
        now: what relative values are relative to.
        language: of the text.

    Returns:
        its readings, the likeliest first: two of "seven" as a time. None if it can't be read as a whole, or the type's values can't be resolved.
    """
    return read_value(text, categories_of(slot_type), now, language)


def read_value(text: str, categories: tuple[str, ...], now: datetime.datetime, language: str = "en") -> list[Resolution]:
    """See [`resolve_value`]; `categories`: of the language's grammar, those that the text may be."""
    grammar = _grammar(language)
    tokens = grammar.tokenize(text)
    for category in categories:
        found: list[Resolution] = []
        for meaning in grammar.read(tokens, category):
            found += [one for one in _readings(meaning, category, now) if one not in found]
        if found:
            return found
    return []


def _readings(meaning: Any, category: str, now: datetime.datetime) -> list[Resolution]:
    if category not in PLAIN:
        return resolve_moment(meaning, now)
    if isinstance(meaning, Amount):
        return [{"type": PLAIN[category], "value": meaning.number, "unit": meaning.unit}]
    return [{"type": PLAIN[category], "value": meaning}]


def join_pieces(spans: list[Span], text: str, types: Mapping[str, tuple[str, ...]], resolver: Resolver) -> list[Span]:
    """Neighbouring spans that are one value, as one: "twenty" and "five". The score of one is the lowest of its pieces'.

    Args:
        spans: in order.
        text: the text.
        types: see [`Resolver.types`].
        resolver: how values are resolved.
    """
    joined: list[Span] = []
    now = None
    place = 0
    while place < len(spans):
        run = _run_of(spans, place, text, types)
        for count in range(run, 1, -1):
            now = now or resolver.now()
            whole = text[spans[place]["start"] : spans[place + count - 1]["end"]]
            if read_value(whole, types[spans[place]["label"]], now, resolver.language):
                break
        else:
            count = 1
        pieces = spans[place : place + count]
        joined.append(pieces[0] if count == 1 else _one_span(pieces))
        place += count
    return joined


def _run_of(spans: list[Span], place: int, text: str, types: Mapping[str, tuple[str, ...]]) -> int:
    """How many spans from there on have the same label, a type, and nothing but blanks and hyphens between them."""
    count = 1
    while (
        spans[place]["label"] in types
        and place + count < len(spans)
        and spans[place + count]["label"] == spans[place]["label"]
        and not text[spans[place + count - 1]["end"] : spans[place + count]["start"]].strip(" \t-")
    ):
        count += 1
    return count


def _one_span(pieces: list[Span]) -> Span:
    whole: Span = {**pieces[0], "end": pieces[-1]["end"]}
    scores = [piece["score"] for piece in pieces if "score" in piece]
    if scores:
        whole["score"] = min(scores)
    return whole


__all__ = ["LANGUAGES", "Resolution", "Resolver", "join_pieces", "make_resolver", "read_value", "resolve_value"]
