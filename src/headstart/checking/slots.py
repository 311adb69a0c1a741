"""Checks of slots: without values, without rows, values of two slots, values that nobody annotated, spans that hold more than their value."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from headstart.checking.findings import Finding, places
from headstart.checking.utterances import Utterance, words_of
from headstart.data.inferred_types import infer_types
from headstart.data.offsets import is_inside
from headstart.data.rows import counted, shorten
from headstart.data.skills import Skill
from headstart.tokenization.alignment_headstart import Span

Words = tuple[str, ...]
MANY_VALUES = 10  # in rows: a slot that has so many needs no catalog
SAME_TYPE = 0.6  # share of the smaller catalog from which on two slots have one kind of value, on purpose
FEW_SHOWN, MIN_CATALOG = 2, 5  # values of a slot that all rows show, of a catalog of at least so many
MIN_LETTERS = 3  # of a value that is looked for in rows
MIN_DISTINCT = 6  # of a single word that is hardly another by chance
OFTEN = 2  # times that a value is annotated for each time that it is not: then that is an oversight
# What may stand at the beginning of a value by oversight.
LEADING = frozenset({"the", "a", "an", "in", "at", "on", "to", "from", "for", "of", "my", "with", "by"})
MIN_SPANS, MOST_ODD = 6, 0.2  # spans of a label, and the share of them that is an oversight and not the rule


def without_values(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Slots without type, catalog and values that tell of their type."""
    inferred = infer_types(skill)
    rows_of = _annotated(utterances)
    for label in skill.slots:
        if skill.slot_types.get(label) or skill.catalogs.get(label) or label in inferred or label not in rows_of:
            continue
        values = {words for row in rows_of[label] for its, words in row.values if its == label}
        if len(values) < MANY_VALUES:
            number = counted(len(values), "different value")
            reason = f"the slot {label!r} has neither type nor catalog, and {number} in the training rows."
            yield Finding("slot_without_values", reason, (label,), places(rows_of[label]))


def in_no_row(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Slots that no training row has, and catalogs of which rows show next to nothing."""
    rows_of = _annotated(utterances)
    if not any(row.part == "train" and row.row["slots"] is not None for row in utterances):
        return  # slots are not annotated at all
    for label in skill.slots:
        listed = {words_of(value) for value in skill.catalogs.get(label, [])}
        if label not in rows_of:
            of_catalog = f", which has a catalog of {counted(len(listed), 'value')}" if listed else ""
            reason = f"no training row has the slot {label!r}{of_catalog}."
            yield Finding("slot_in_no_row", reason, (label,), (), tuple(skill.catalogs.get(label, [])[:5]))
            continue
        shown = {words for row in rows_of[label] for its, words in row.values if its == label} & listed
        if len(shown) <= FEW_SHOWN and len(listed) >= max(MIN_CATALOG, len(shown) + 3) and len(rows_of[label]) > FEW_SHOWN:
            unseen = [value for value in skill.catalogs[label] if words_of(value) not in shown]
            reason = f"the slot {label!r} stands in {counted(len(rows_of[label]), 'training row')}, with {len(shown)} of its catalog's {counted(len(listed), 'value')}."
            yield Finding("values_in_no_row", reason, (label,), places(rows_of[label], 3), tuple(unseen[:5]))


def of_two_slots(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Values that stand in the catalogs of two slots, which don't share their kind of value."""
    listed = {label: {words_of(value): value for value in values} for label, values in skill.catalogs.items() if values}
    for first, second in combinations(listed, 2):
        common = [value for words, value in listed[first].items() if words in listed[second]]
        smaller = min(len(listed[first]), len(listed[second]))
        if common and len(common) < SAME_TYPE * smaller and skill.slot_types.get(first) != (skill.slot_types.get(second) or ""):
            shown = ", ".join(map(shorten, common[:3])) + (", ..." if len(common) > 3 else "")
            verb = "stands" if len(common) == 1 else "stand"
            reason = f"{shown} {verb} in the catalogs of {first!r} and {second!r}."
            rows = [
                row
                for row in utterances
                for label, words in row.values
                if label in (first, second) and words in map(words_of, common)
            ]
            yield Finding("value_of_two_slots", reason, (first, second), places(rows, 2), tuple(common[:5]))


def of_another_slot(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Annotated values that stand in the catalog of another slot, and not in that of their own."""
    listed = {label: {words_of(value) for value in values} for label, values in skill.catalogs.items() if values}
    found: dict[tuple[str, str, Words], list[Utterance]] = defaultdict(list)
    for row in utterances:
        for label, words in row.values:
            if len(listed.get(label, ())) >= 3 and words not in listed[label]:
                for other, values in listed.items():
                    if words in values:
                        found[label, other, words].append(row)
    for (label, other, words), rows in found.items():
        reason = f"{' '.join(words)!r} is annotated as {label!r}, whose catalog lacks it; that of {other!r} has it."
        yield Finding("value_of_another_slot", reason, (label, other), places(rows), (" ".join(words),))


def not_annotated(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Values that stand in a row without being annotated, where the intent has the slot, and other rows annotate the value or have the slot in its place."""
    labels_of: dict[str | None, set[str]] = defaultdict(set)
    spans, phrases = Counter[tuple[str | None, str, Words]](), set()
    for row in utterances:
        if row.part == "train":
            labels_of[row.intent].update(label for label, _ in row.values)
            phrases.add((row.intent, row.phrase))
        spans.update((row.intent, *value) for value in set(row.values))
    listed = {(label, words_of(value)) for label, values in skill.catalogs.items() for value in values}
    by_first: dict[str, list[tuple[str, Words]]] = defaultdict(list)
    for label, words in dict.fromkeys((*listed, *(span[1:] for span in spans))):
        if sum(map(len, words)) >= MIN_LETTERS and not set(words) <= LEADING:
            by_first[words[0]].append((label, words))
    free: dict[tuple[str, Words, str | None], list[Utterance]] = defaultdict(list)
    for row in utterances:
        if row.row["slots"] is not None:
            for label, words in dict.fromkeys(_free_values(row, by_first, labels_of[row.intent])):
                free[label, words, row.intent].append(row)
    for (label, words, intent), rows in free.items():
        in_place = [row for row in rows if (intent, _with_slot(row, label, words)) in phrases]
        if in_place:
            why = f"the same phrase has the slot {label!r} in other rows"
        elif (count := spans[intent, label, words]) >= OFTEN * len(rows):
            why = f"{count} other rows of the intent have it as {label!r}"
        elif (label, words) in listed and len(rows) == 1 and (len(words) > 1 or len(words[0]) >= MIN_DISTINCT):
            why = f"it is listed for {label!r}, a slot of the intent"
        else:
            continue
        found = in_place or rows
        reason = f"{' '.join(words)!r} is not annotated in {shorten(found[0].row['text'])}; {why}."
        yield Finding("value_not_annotated", reason, (label,), places(found), (" ".join(words),))


def _free_values(row: Utterance, by_first: dict[str, list[tuple[str, Words]]], labels: set[str]) -> Iterator[tuple[str, Words]]:
    """Values of these slots that the row holds outside of its spans."""
    text, pieces, end = row.row["text"], [], 0
    for slot in row.row["slots"] or []:
        pieces.append(text[end : slot["start"]])
        end = slot["end"]
    taken = {label for label, _ in row.values}
    for piece in (*pieces, text[end:]):
        words = words_of(piece)
        for place, word in enumerate(words):
            for label, value in by_first.get(word, ()):
                if label in labels and label not in taken and words[place : place + len(value)] == value:
                    yield label, value


def _with_slot(row: Utterance, label: str, words: Words) -> Words:
    """The phrase of the row if the value were annotated."""
    match = re.search(r"\b" + r"\W+".join(map(re.escape, words)) + r"\b", row.row["text"], re.IGNORECASE)
    if match is None:  # such as one in another form of Unicode
        return ()
    span: Span = {"start": match.start(), "end": match.end(), "label": label}
    slots = sorted([*(row.row["slots"] or []), span], key=lambda slot: slot["start"])
    return Utterance(row.part, row.number, {**row.row, "slots": slots}).phrase


def edges(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Spans that cut a word, hold blanks or signs at their ends, or an article that other spans of the slot leave out."""
    odd: dict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    leading: dict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    listed = defaultdict(set, {label: {words_of(value) for value in values} for label, values in skill.catalogs.items()})
    known = defaultdict(set, {label: set(values) for label, values in listed.items()})
    for row in utterances:
        for label, words in row.values:
            known[label].add(words)
    count: Counter[str] = Counter()
    for row in utterances:
        text = row.row["text"]
        for slot in row.row["slots"] or []:
            label, value = slot["label"], text[slot["start"] : slot["end"]]
            count[label] += 1
            if value != value.strip(" \t,;:!?") or _cuts(text, slot["start"]) or _cuts(text, slot["end"]):
                odd[label].append((value, row))
            first, _, rest = value.lower().partition(" ")
            if first in LEADING and words_of(rest) in known[label] and words_of(value) not in listed[label]:
                leading[label].append((value, row))
    for label, found in odd.items():
        reason = (
            f"{_spans(len(found))} of {label!r} cuts a word, or has a blank or sign at its end, such as {shorten(found[0][0])}."
        )
        yield Finding("span_edges", reason, (label,), places([row for _, row in found]))
    for label, found in leading.items():
        if count[label] >= MIN_SPANS and len(found) <= MOST_ODD * count[label]:
            reason = f"{len(found)} of {count[label]} spans of {label!r} begin with a word that others leave out, such as {shorten(found[0][0])}."
            yield Finding("span_edges", reason, (label,), places([row for _, row in found]))


def _spans(count: int) -> str:
    return "a span" if count == 1 else f"each of {count} spans"


def _cuts(text: str, place: int) -> bool:
    return 0 < place < len(text) and is_inside(text[place - 1], text[place])


def _annotated(utterances: list[Utterance]) -> dict[str, list[Utterance]]:
    """The training rows of each slot label."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for row in utterances:
        if row.part == "train":
            for label in dict.fromkeys(label for label, _ in row.values):
                found[label].append(row)
    return found


CHECKS = (without_values, in_no_row, of_two_slots, of_another_slot, not_annotated, edges)

__all__ = ["CHECKS"]
