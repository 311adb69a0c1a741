"""What of a skill contradicts itself: a text that is annotated in two ways, labels that differ by a sign alone, held-out texts that are trained on.

All of it is allowed, for corpora hold such rows; but nobody should find out from what a model has learnt.
"""

from __future__ import annotations

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Sequence

from headstart.data.rows import Row, counted_kind, shorten, such_as
from headstart.data.skills import PARTS, Skill
from headstart.data.texts import plain_text

logger = logging.getLogger(__name__)

ENDS = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb .,;:!?"  # what labels that are meant as one may have at their ends


def warn_of_contradictions(skill: Skill, where: object) -> None:
    """Log each kind of contradiction once: the first few with the rows where they stand, and their count.

    Args:
        skill: to look at.
        where: what messages call it.
    """
    rows = skill.rows("train")
    found = {
        "texts are in two intents": _in_two_intents(rows),
        "texts of one intent have different slots": _with_other_slots(rows),
        **{f"{part} rows have the text of a training row": _trained_on(rows, skill.rows(part)) for part in PARTS[1:]},
        "intents have names that are nearly the same": _alike(_intents(skill)),
        "slot labels are nearly the same": _alike(_slot_labels(skill)),
    }
    for what, examples in found.items():
        if examples:
            logger.warning("%s: %s: %s", where, counted_kind(len(examples), what), such_as(examples))


def _in_two_intents(rows: Sequence[Row]) -> list[str]:
    intents: dict[str, dict[str, int]] = defaultdict(dict)  # by text: the first row of each intent
    for number, row in enumerate(rows, start=1):
        if row["intent"] is not None:
            intents[plain_text(row["text"])].setdefault(row["intent"], number)
    return [_told(text, seen) for text, seen in intents.items() if len(seen) > 1]


def _with_other_slots(rows: Sequence[Row]) -> list[str]:
    annotations: dict[tuple[str, str | None], dict[Hashable, int]] = defaultdict(dict)  # the first row of each
    for number, row in enumerate(rows, start=1):
        if row["slots"] is not None:
            values = tuple((slot["label"], plain_text(row["text"][slot["start"] : slot["end"]])) for slot in row["slots"])
            annotations[plain_text(row["text"]), row["intent"]].setdefault(values, number)
    return [_told(text, seen) for (text, _), seen in annotations.items() if len(seen) > 1]


def _told(text: str, seen: dict[Hashable, int] | dict[str, int]) -> str:
    """A text with the first two of its annotations."""
    first, second = list(seen.items())[:2]
    return f"{shorten(text)}, {shorten(first[0])} in row {first[1]}, {shorten(second[0])} in row {second[1]}"


def _trained_on(rows: Sequence[Row], held_out: Sequence[Row]) -> list[str]:
    known = {plain_text(row["text"]): number for number, row in reversed(list(enumerate(rows, start=1)))}
    found = ((number, row, known.get(plain_text(row["text"]))) for number, row in enumerate(held_out, start=1))
    return [f"row {number}, {shorten(row['text'])}, is row {place}" for number, row, place in found if place is not None]


def _intents(skill: Skill) -> dict[str, str]:
    """Where each intent occurs first."""
    places: dict[str, str] = {}
    for part in PARTS:
        for number, row in enumerate(skill.rows(part), start=1):
            if row["intent"] is not None:
                places.setdefault(row["intent"], f"{part} row {number}")
    return places


def _slot_labels(skill: Skill) -> dict[str, str]:
    """Where each slot label occurs first."""
    places: dict[str, str] = {}
    for part in PARTS:
        for number, row in enumerate(skill.rows(part), start=1):
            for slot in row["slots"] or []:
                places.setdefault(slot["label"], f"{part} row {number}")
    return {**{label: "the catalogs" for label in skill.catalogs}, **places}


def _alike(places: dict[str, str]) -> list[str]:
    """The labels that are nearly the same as one before them, each with both forms and where they occur."""
    first: dict[str, str] = {}
    found = []
    for label, place in places.items():
        before = first.setdefault(_label_key(label), label)
        if before != label:
            found.append(f"{shorten(label)} ({place}) and {shorten(before)} ({places[before]})")
    return found


def _label_key(label: str) -> str:
    """What two labels share that are nearly the same: without case, quotes, signs and blanks at the ends, forms of Unicode, invisible characters."""
    text = unicodedata.normalize("NFKC", label).casefold()
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(visible.strip(ENDS).split()) or label


__all__ = ["warn_of_contradictions"]
