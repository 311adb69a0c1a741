"""What a slot's text stands for: numbers, amounts, moments, spans and the like as values that a program can act on.

Spoken forms ("half past seven", "one oh five") and written ones ("7:30", "105") are read by a grammar ([`Grammar`]) whose words and patterns are
data, a table a language. What can't be read as a whole is not guessed at.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypedDict, cast
from zoneinfo import ZoneInfo

from .alignment_headstart import Span
from .calendar_headstart import Resolution, resolve_moment
from .grammar_headstart import Grammar, Language
from .meanings_headstart import Amount
from .operations_headstart import OPERATIONS
from .slot_types_headstart import categories_of
from .values_en_headstart import ENGLISH

# Of a request, see `NLUPipeline`.
OPTIONS = (
    "skill", "skills", "reject_threshold", "top_k", "use_gazetteers", "batch_size", "resolve", "reference_time", "time_zone", "slot_types",
)  # fmt: skip
LANGUAGES: dict[str, Language] = {"en": ENGLISH}
PLAIN = {
    "NUMBER": "number", "ORDINAL_NUMBER": "ordinal", "PERCENTAGE": "percentage", "QUANTITY": "quantity", "TEMPERATURE": "quantity", "AGE": "quantity",
    "MONEY": "money", "PHONE": "phone", "DIGITS": "digits", "FOUR_DIGITS": "digits", "CONFIRMATION": "confirmation",
}  # fmt: skip

MAX_PIECES = 12  # of a value that are tagged as slots of their own


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

    def read(
        self, spans: list[Span], text: str, slot_types: Mapping[str, str] | None
    ) -> list[tuple[Span, list[Resolution] | None]]:
        """The spans of an answer, with what each stands for; neighbouring pieces of one value are one span.

        Args:
            spans: in order.
            text: the text.
            slot_types: the skill's, by slot label.

        Returns:
            for each span its readings; None where its label has no type whose values can be resolved.
        """
        types = self._types(slot_types)
        if not types or not any(span["label"] in types for span in spans):
            return [(span, None) for span in spans]
        now = self.now()
        found: list[tuple[Span, list[Resolution] | None]] = []
        place = 0
        while place < len(spans):
            label = spans[place]["label"]
            readings: list[Resolution] | None = None
            count = 1
            if label in types:
                for count in range(_run_of(spans, place, text), 0, -1):
                    whole = text[spans[place]["start"] : spans[place + count - 1]["end"]]
                    readings = _read(whole, types[label], now, self.language)
                    if readings:
                        break
            found.append((_one_span(spans[place : place + count]), readings))
            place += count
        return found

    def _types(self, slot_types: Mapping[str, str] | None) -> dict[str, tuple[str, ...]]:
        """By slot label, what its values are read as: of a skill's labels that have a type whose values can be resolved."""
        named = {**(slot_types or {}), **(self.slot_types or {})}
        return {label: found for label, slot_type in named.items() if (found := _categories(slot_type))}


class ResolveOptions(TypedDict, total=False):
    """What a request says of resolving, checked; what it leaves out is not there.

    Args:
        resolve: False: nothing is resolved.
        reference_time, time_zone, slot_types: see [`Resolver`].
    """

    resolve: bool
    reference_time: datetime.datetime
    time_zone: datetime.tzinfo
    slot_types: Mapping[str, str]


def resolve_options(
    *, resolve: Any = None, reference_time: Any = None, time_zone: Any = None, slot_types: Any = None, **unknown: Any
) -> ResolveOptions:
    """What a request says of resolving, as it was given; None: left out.

    Args:
        resolve: True or False.
        reference_time: a datetime, or a time in ISO 8601.
        time_zone: a name of the IANA's, such as `Europe/Berlin`, or a tzinfo.
        slot_types: types by slot label.

    Raises:
        ValueError: one is not as it must be.
        TypeError: there is no such option.
    """
    for name in unknown:
        close = get_close_matches(name, OPTIONS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise TypeError(f"a request has no option {name!r}.{hint} Allowed: {', '.join(OPTIONS)}.")
    if resolve is not None and not isinstance(resolve, bool):
        raise ValueError(f"resolve is {_shown(resolve)}; it must be True or False.")
    when, zone = _time(reference_time), _zone(time_zone)
    if slot_types is not None and not (
        isinstance(slot_types, Mapping) and all(isinstance(word, str) for pair in slot_types.items() for word in pair)
    ):
        raise ValueError(
            f"slot_types is {_shown(slot_types)}; it must hold types by slot label, such as {{'when': 'AMAZON.TIME'}}."
        )
    for label, slot_type in (slot_types or {}).items():
        if not categories_of(slot_type):
            raise ValueError(
                f"slot_types has {slot_type!r} for {label!r}; its values can't be resolved: give a type such as AMAZON.DATE or number."
            )
    given = {"resolve": resolve, "reference_time": when, "time_zone": zone, "slot_types": slot_types}
    return cast(ResolveOptions, {name: value for name, value in given.items() if value is not None})


def check_typed_labels(options: ResolveOptions, slots: Iterable[Sequence[str]]) -> None:
    """See that the labels whose types a request gives are slot labels of one of the skills that may be asked.

    Args:
        options: of the request.
        slots: the slot labels of each skill.

    Raises:
        ValueError: one is none.
    """
    named = options.get("slot_types")
    if not named:
        return
    known = sorted({label for labels in slots for label in labels})
    for label in named:
        if label not in known:
            close = get_close_matches(label, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"slot_types has {label!r}, which is no slot label.{hint} Allowed: {', '.join(known)}.")


def make_resolver(options: ResolveOptions) -> Resolver | None:
    """How values are resolved; None if they are not."""
    if options.get("resolve") is False:
        return None
    return Resolver(options.get("slot_types"), options.get("reference_time"), options.get("time_zone"))


def _time(said: Any) -> datetime.datetime | None:
    if isinstance(said, str):
        try:
            return datetime.datetime.fromisoformat(said)
        except ValueError as error:
            raise ValueError(
                f"reference_time is {_shown(said)}; it must be a time in ISO 8601, such as 2026-11-18T10:30."
            ) from error
    if said is not None and not isinstance(said, datetime.datetime):
        raise ValueError(
            f"reference_time is {_shown(said)}; it must be a datetime, or a time in ISO 8601, such as 2026-11-18T10:30."
        )
    return said


def _zone(said: Any) -> datetime.tzinfo | None:
    if isinstance(said, str):
        try:
            return ZoneInfo(said)
        except (KeyError, OSError, ValueError) as error:  # what is no name of a file, too
            raise ValueError(
                f"time_zone is {_shown(said)}; it must be a name of the IANA's, such as Europe/Berlin, that this machine knows."
            ) from error
    if said is not None and not isinstance(said, datetime.tzinfo):
        raise ValueError(f"time_zone is {_shown(said)}; it must be a name of the IANA's, such as Europe/Berlin, or a tzinfo.")
    return said


def _shown(value: Any) -> str:
    return repr(value)[:80]


@lru_cache(1024)  # requests name types, too
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
        its readings, the likeliest first: two of "seven" as a time. None of them if it can't be read as a whole, or there is no such type.
    """
    return _read(text, categories_of(slot_type), now, language)


def _read(text: str, categories: tuple[str, ...], now: datetime.datetime, language: str = "en") -> list[Resolution]:
    """See [`resolve_value`]; `categories`: of the language's grammar, those that the text may be."""
    grammar = _grammar(language)
    tokens = grammar.tokenize(text)
    plain = grammar.without_fillers(tokens)
    for said in (tokens, plain) if len(plain) < len(tokens) else (tokens,):
        for category, meanings in grammar.read(said, *categories):
            found: list[Resolution] = []
            for meaning in meanings:
                found += [one for one in _readings(meaning, category, now) if one not in found]
            return found  # a date that there isn't ("june thirty first") is nothing else either
    return []


def _readings(meaning: Any, category: str, now: datetime.datetime) -> list[Resolution]:
    if category not in PLAIN:
        return resolve_moment(meaning, now)
    if isinstance(meaning, Amount):
        return [{"type": PLAIN[category], "value": meaning.number, "unit": meaning.unit}]
    return [{"type": PLAIN[category], "value": meaning}]


def _run_of(spans: list[Span], place: int, text: str) -> int:
    """How many spans from there on, of those that may be one value, have the same label, and nothing but blanks and hyphens between them."""
    count = 1
    while (
        count < MAX_PIECES
        and place + count < len(spans)
        and spans[place + count]["label"] == spans[place]["label"]
        and not text[spans[place + count - 1]["end"] : spans[place + count]["start"]].strip(" \t-")
    ):
        count += 1
    return count


def _one_span(pieces: list[Span]) -> Span:
    if len(pieces) == 1:
        return pieces[0]
    whole: Span = {**pieces[0], "end": pieces[-1]["end"]}
    scores = [piece["score"] for piece in pieces if "score" in piece]
    if scores:
        whole["score"] = min(scores)
    return whole


__all__ = [
    "LANGUAGES",
    "Resolution",
    "ResolveOptions",
    "Resolver",
    "check_typed_labels",
    "make_resolver",
    "resolve_options",
    "resolve_value",
]
