"""Offsets of spans: counted in characters, as here, or in what other tools count; and whether a span cuts a word.

JavaScript, Java and C# count UTF-16 units, where a character beyond U+FFFF is two; others count the bytes of UTF-8. Where a span also says what
stands there, that tells how it was counted.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

UNITS = ("characters", "UTF-16 units", "bytes")  # the most probable first
NEAR = 1000  # characters from its offset in which a value is looked for
# Blocks of characters that the tokenizer takes for words of their own.
IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


class Given(NamedTuple):
    """A span as a file gives it.

    Args:
        start, end: its offsets, end exclusive.
        value: what is said to stand there, if that is said.
    """

    start: int
    end: int
    value: str | None = None


class Place(NamedTuple):
    """Where a span is, in characters, end exclusive.

    Args:
        start, end: the characters.
        is_repaired: it isn't where its offsets say, by the unit that was given.
    """

    start: int
    end: int
    is_repaired: bool = False


class Positions:
    """The positions of a text, by the unit in which they are counted.

    Args:
        text: the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._characters: dict[str, dict[int, int]] = {}  # by unit: the character of each position at which one begins or ends

    def characters(self, start: int, end: int, unit: str) -> tuple[int, int] | None:
        """The characters between two positions; None if they are outside of the text, reversed, or inside of a character."""
        if self.text.isascii() or unit == UNITS[0]:
            return (start, end) if 0 <= start < end <= len(self.text) else None
        if unit not in self._characters:
            widths = (1 + (character > "\uffff") if unit == UNITS[1] else len(character.encode()) for character in self.text)
            self._characters[unit] = {position: number for number, position in enumerate(accumulate(widths, initial=0))}
        known = self._characters[unit]
        return (known[start], known[end]) if start < end and start in known and end in known else None

    def matches(self, given: Given, unit: str) -> tuple[int, int] | None:
        """The characters of a span in that unit, without blanks at their ends, if its value stands there; case and blanks don't count."""
        found = self.characters(given.start, given.end, unit)
        if found is None or given.value is None or found[1] - found[0] > len(given.value) + NEAR:
            return None
        text = self.text[found[0] : found[1]]
        if _plain(text) != _plain(given.value) or not text.strip():
            return None
        start = found[0] + len(text) - len(text.lstrip())
        return start, start + len(text.strip())

    def nearest(self, given: Given) -> tuple[int, int] | None:
        """Where the value stands nearest to the start, as whole words; None if it does not, or twice as near."""
        value = (given.value or "").strip()
        if not value or len(value) > len(self.text) or not -NEAR < given.start < 4 * len(self.text) + NEAR:
            return None
        middle = min(max(given.start, 0), len(self.text))
        first, last = max(middle - NEAR, 0), middle + NEAR + len(value)
        found: list[tuple[int, int]] = []
        start = self.text.find(value, first, last)
        while start >= 0:
            if not cuts_word(self.text, start, start + len(value)):
                found.append((abs(start - given.start), start))
            start = self.text.find(value, start + 1, last)
        found.sort()
        if not found or (len(found) > 1 and found[0][0] == found[1][0]):
            return None
        return found[0][1], found[0][1] + len(value)

    def locate(self, given: Given, unit: str = UNITS[0], *, may_be_normal: bool = False) -> Place | None:
        """Where a span is; None if its offsets and its value contradict each other and nothing tells which is right.

        Args:
            given: the span.
            unit: in which its offsets should be.
            may_be_normal: the value may be a normal form, which need not stand in the text: then offsets that cut no word are believed.
        """
        own = self.characters(given.start, given.end, unit)
        if own is not None and given.value is None:
            return Place(*own)
        for other in (unit, *UNITS):
            found = self.matches(given, other)
            if found is not None:
                return Place(*found, is_repaired=other != unit)
        nearest = self.nearest(given)
        if own is not None and may_be_normal and not cuts_word(self.text, *own):
            is_elsewhere = nearest is not None and (nearest[1] <= own[0] or own[1] <= nearest[0])
            return None if is_elsewhere else Place(*own)
        return None if nearest is None else Place(*nearest, is_repaired=True)


def choose_unit(spans: Iterable[tuple[Positions, Given]], units: Sequence[str] = UNITS) -> str:
    """The unit in which a file's offsets are counted: the first of those in which most values stand where they should, and fewest spans
    cut a word or lie outside of their text.

    Args:
        spans: of the file, each with its text.
        units: to choose from, the most probable first.
    """
    scores: Counter[str] = Counter()
    for positions, given in spans:
        for unit in () if positions.text.isascii() else units:
            found = positions.characters(given.start, given.end, unit)
            is_wrong = found is None or cuts_word(positions.text, *found)
            scores[unit] += (positions.matches(given, unit) is not None) - is_wrong
    return max(units, key=lambda unit: scores[unit])


def cuts_word(text: str, start: int, end: int) -> bool:
    """Whether a span begins or ends inside of a word."""
    return is_inside(text[start - 1 : start], text[start : start + 1]) or is_inside(text[end - 1 : end], text[end : end + 1])


def is_inside(before: str, after: str) -> bool:
    """Whether there is one word on both sides of a place, by the characters (or none) before and after it: a run of letters, or of digits."""
    return bool(before and after) and _kind(before) == _kind(after) != ""


@cache
def _kind(character: str) -> str:
    """L or N where the character is part of a run of letters or digits; otherwise nothing. Combining marks are letters."""
    if any(first <= ord(character) <= last for first, last in IDEOGRAPHS):
        return ""
    kind = unicodedata.category(character)[0]
    return {"M": "L"}.get(kind, kind) if kind in "LMN" else ""


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


__all__ = ["UNITS", "Given", "Place", "Positions", "choose_unit", "cuts_word", "is_inside"]
