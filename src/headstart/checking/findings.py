"""What a check finds: the kinds, how grave each is, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from headstart.checking.utterances import Utterance

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


class Kind(NamedTuple):
    """A kind of finding: its severity, and its remedy."""

    severity: str
    remedy: str


KINDS: dict[str, Kind] = {
    "text_in_two_intents": Kind(ERROR, "Decide which intent is meant and delete the other row, or make the two intents one."),
    "contradicting_slots": Kind(ERROR, "Annotate the text in one way, in all rows."),
    "markup_left": Kind(ERROR, "Write what users say: fill the placeholder, or delete the markup and the characters that nobody says."),
    "label_in_no_training_row": Kind(ERROR, "Add training rows with the label, or correct it in the held-out rows."),
    "held_out_text_in_training": Kind(WARNING, "Delete the row from one of the parts: what was trained on can't be a test."),
    "same_phrase_in_two_intents": Kind(
        WARNING, "Say in one of the rows what tells the intents apart, move it to the other intent, or make the two intents one."
    ),
    "row_like_another_intent": Kind(WARNING, "Read the row: move it to the intent that it is like, or give its own intent more such rows."),
    "few_rows": Kind(WARNING, "Write at least five utterances, better fifteen, as different as users are."),
    "few_phrases": Kind(WARNING, "Write other sentences around the slots: other verbs, other orders, a question, a word alone."),
    "unbalanced_rows": Kind(NOTE, "Write more rows for the smaller intents, or take some of the largest away."),
    "unbalanced_lengths": Kind(NOTE, "Write short and long utterances for each intent; cut a row that is no single request."),
    "repeated_rows": Kind(NOTE, "Delete the repetitions, and write another wording in their place."),
    "labels_alike": Kind(WARNING, "Choose one of the spellings for all rows."),
    "slot_without_values": Kind(
        WARNING, "List the slot's values in a catalog, give it a built-in type (slot_types in skill.json), or write rows with more values."
    ),
    "slot_in_no_row": Kind(WARNING, "Write rows in which the slot is filled and annotated, or delete it and its catalog."),
    "values_in_no_row": Kind(NOTE, "Put other values of the catalog into the rows; with --refill they are seen in training at least."),
    "value_of_two_slots": Kind(
        WARNING, "Delete the value from the catalog where it doesn't belong; where it belongs to both, the words around must tell the slots apart."
    ),
    "value_of_another_slot": Kind(WARNING, "Correct the slot label of the span, or add the value to the catalog of the slot."),
    "value_not_annotated": Kind(WARNING, "Annotate the value, or reword the row if the word means something else there."),
    "span_edges": Kind(WARNING, "Let spans begin and end with the value's own words, alike in all rows."),
}  # fmt: skip


@dataclass(frozen=True)
class RowPlace:
    """A row that a finding is about.

    Args:
        part: train, validation or test.
        row: its number, from 1. Of a format with templates, rows are numbered as they are made of them.
        text: what is said.
        intent: its intent.
        slots: its annotated values, with their labels.
    """

    part: str
    row: int
    text: str
    intent: str | None
    slots: list[tuple[str, str]]

    @classmethod
    def of(cls, utterance: Utterance) -> RowPlace:
        """The place of an utterance."""
        row = utterance.row
        slots = [(slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in row["slots"] or []]
        return cls(utterance.part, utterance.number, row["text"], row["intent"], slots)


@dataclass(frozen=True)
class Finding:
    """Something that will make a model worse.

    Args:
        kind: one of [`KINDS`].
        reason: what was found, in a sentence.
        labels: the intents, or slot labels, that it is about.
        rows: where it stands; the first few of many.
        values: of catalogs, that it is about.
    """

    kind: str
    reason: str
    labels: tuple[str, ...] = ()
    rows: tuple[RowPlace, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """`error`: no model can learn it; `warning`: it costs accuracy; `note`: worth a look."""
        return KINDS[self.kind].severity

    @property
    def remedy(self) -> str:
        """What to do."""
        return KINDS[self.kind].remedy

    def as_json(self) -> dict[str, Any]:
        """All of it, for a JSON file."""
        rows = [{**asdict(row), "slots": [{"label": label, "value": value} for label, value in row.slots]} for row in self.rows]
        return {
            "kind": self.kind, "severity": self.severity, "reason": self.reason, "remedy": self.remedy, "labels": list(self.labels),
            "values": list(self.values), "rows": rows,
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What was found in a skill.

    Args:
        skill: its name.
        rows: how many rows each part has.
        findings: the gravest first, by kind.
    """

    skill: str
    rows: dict[str, int]
    findings: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each severity there are."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    def fails(self, fail_on: str) -> bool:
        """Whether there is a finding that is as grave as this severity, or graver."""
        return any(self.counts[severity] for severity in SEVERITIES[: SEVERITIES.index(fail_on) + 1])

    def as_json(self) -> dict[str, Any]:
        """All of it, for a JSON file."""
        return {
            "skill": self.skill, "rows": self.rows, "counts": self.counts, "findings": [finding.as_json() for finding in self.findings]
        }  # fmt: skip


def places(utterances: Sequence[Utterance], most: int = 5) -> tuple[RowPlace, ...]:
    """The places of the first few."""
    return tuple(RowPlace.of(utterance) for utterance in utterances[:most])


__all__ = ["ERROR", "KINDS", "NOTE", "SEVERITIES", "WARNING", "Finding", "Report", "RowPlace", "places"]
