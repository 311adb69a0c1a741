"""Scores of each intent and each slot label: which are found, and what is taken for what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from headstart.data.rows import Row
from headstart.tokenization.answers_headstart import Answer

NONE = "none of these"
SHOWN_LABELS = 30  # of each kind in a text; the worst come first where there are more


@dataclass(frozen=True)
class IntentScore:
    """How often an intent was found.

    Args:
        intent: its name.
        rows: rows that have it.
        right: of these, how many were answered with it.
        taken_for: what the others were answered with most often; None where all are right.
    """

    intent: str
    rows: int
    right: int
    taken_for: str | None


@dataclass(frozen=True)
class SlotScore:
    """How often the spans of a slot label were found, whole and with that label.

    Args:
        slot: the label.
        spans: spans that have it.
        found: spans that were answered with it.
        right: those that are both.
    """

    slot: str
    spans: int
    found: int
    right: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.spans + self.found)


@dataclass(frozen=True)
class LabelScores:
    """The scores of all labels that occur in references or answers, by name."""

    intents: list[IntentScore]
    slots: list[SlotScore]


def score_labels(answers: Sequence[Answer], references: Sequence[Row]) -> LabelScores:
    """The scores of each label.

    Args:
        answers: one a reference, in words or characters as these are.
        references: annotated rows; what is not annotated is not counted.
    """
    confusions: dict[str, Counter[str]] = defaultdict(Counter)
    spans, found, right = Counter[str](), Counter[str](), Counter[str]()
    for answer, row in zip(answers, references, strict=True):
        if row["intent"] is not None:
            intent = answer["intent"]["label"] if answer["intent"] else None
            confusions[row["intent"]][intent or NONE] += 1
        if row["slots"] is not None:
            wanted = {(slot["label"], slot["start"], slot["end"]) for slot in row["slots"]}
            given = {(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]}
            for counts, which in ((spans, wanted), (found, given), (right, wanted & given)):
                counts.update(label for label, _, _ in which)
    intents = [
        IntentScore(intent, counts.total(), counts[intent], _most_frequent(counts, intent))
        for intent, counts in sorted(confusions.items())
    ]
    return LabelScores(
        intents, [SlotScore(label, spans[label], found[label], right[label]) for label in sorted({*spans, *found})]
    )


def _most_frequent(counts: Counter[str], right: str) -> str | None:
    return next((label for label, _ in counts.most_common() if label != right), None)


def label_table(scores: LabelScores) -> str:
    """The scores as lines of text."""
    intents = sorted(scores.intents, key=lambda score: score.right / score.rows) if _is_long(scores.intents) else scores.intents
    slots = sorted(scores.slots, key=lambda score: score.f1) if _is_long(scores.slots) else scores.slots
    of_intents = [[score.intent, str(score.rows), str(score.right), score.taken_for or ""] for score in intents[:SHOWN_LABELS]]
    of_slots = [[s.slot, str(s.spans), str(s.found), str(s.right), f"{s.f1:.2f}"] for s in slots[:SHOWN_LABELS]]
    blocks = []
    for header, lines, total in (
        (["intent", "rows", "right", "else mostly"], of_intents, len(intents)),
        (["slot", "spans", "found", "right", "F1"], of_slots, len(slots)),
    ):
        if lines:
            blocks.append(_columns([header, *lines]))
        if total > SHOWN_LABELS:
            blocks[-1] += f"\n  and {total - SHOWN_LABELS} more, which are no worse"
    return "\n\n".join(blocks)


def _is_long(scores: Sequence[object]) -> bool:
    return len(scores) > SHOWN_LABELS


def _columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines with their cells below each other: names on the left, numbers on the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = [all(cell.replace(".", "").isdigit() for cell in column) for column in zip(*lines[1:], strict=True)]
    return "\n".join(
        ("  " + "  ".join(cell.rjust(width) if is_number else cell.ljust(width) for cell, width, is_number in zip(line, widths, numbers, strict=True))).rstrip()
        for line in lines
    )  # fmt: skip


__all__ = ["IntentScore", "LabelScores", "SlotScore", "label_table", "score_labels"]
