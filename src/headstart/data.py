"""Rows and skills on disk, checked and read into `datasets.Dataset`.

A row is `{"text", "intent", "slots": [{"start", "end", "label"}]}`, one JSON object a line; offsets are characters of `text`, end
exclusive. `"intent": null` or `"slots": null` says that this is not annotated, where an empty list says that there is no slot.
Other fields are ignored. A skill is a file of rows, or a folder with `train.jsonl` and, if it has them, `validation.jsonl`,
`test.jsonl` and `catalogs.json` (`{slot label: [values]}`).
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset, Features, List, Value

if TYPE_CHECKING:
    from headstart.templates import Template

logger = logging.getLogger(__name__)

ROW_FEATURES = Features(
    {
        "text": Value("string"),
        "intent": Value("string"),
        "slots": List({"start": Value("int64"), "end": Value("int64"), "label": Value("string")}),
    }
)
CATALOGS = "catalogs.json"
SUFFIXES = (".jsonl", ".ndjson")  # of files of rows


class DataError(ValueError):
    """Something in a user's data is not as it must be. The message names file, line and field, what was found and what is allowed."""


@dataclass
class Skill:
    """A named label space with its annotated utterances.

    Args:
        name: letters, digits, `_` and `-`.
        train: rows to train on.
        validation: rows to choose the best checkpoint on; optional.
        test: rows to report on; optional.
        catalogs: for a slot label, the values that the developer lists. A label may occur here alone.
        intents: intent names; those of `train`, sorted, if left out.
        slots: slot labels; those of `train` and `catalogs`, sorted, if left out.
        allow_unseen_labels: accept validation and test rows with labels that neither `train` nor `catalogs` has. They can
            only be counted as errors.
        templates: the samples that `train` was made of, if it was.
        slot_types: for a slot label, the platform's built-in type, such as `AMAZON.DATE`, if it has one.
        invocation: what users call the skill; None if it is not known.

    Raises:
        DataError: there is no training row, spans overlap or lie outside of their text, an intent has no rows, or validation or test
            rows have a label that training lacks.
    """

    name: str
    train: Dataset
    validation: Dataset | None = None
    test: Dataset | None = None
    catalogs: dict[str, list[str]] = field(default_factory=dict)
    intents: list[str] = field(default_factory=list)
    slots: list[str] = field(default_factory=list)
    allow_unseen_labels: bool = False
    templates: list[Template] = field(default_factory=list)
    slot_types: dict[str, str] = field(default_factory=dict)
    invocation: str | None = None

    def __post_init__(self) -> None:
        if not len(self.train):
            raise DataError(f"skill {self.name!r} has no training row; give it at least one utterance for each intent.")
        for part in ("train", "validation", "test"):
            self._check_spans(part)
        seen_intents, seen_slots = label_counts(self.train)
        self.intents = self.intents or sorted(seen_intents)
        self.slots = self.slots or sorted({*seen_slots, *self.catalogs})
        undeclared = sorted(set(self.catalogs) - set(self.slots))
        if undeclared:
            raise DataError(
                f"skill {self.name!r} has a catalog for {undeclared[0]!r}; declared slots: {', '.join(self.slots) or 'none'}."
            )
        if not self.intents and not self.slots:
            raise DataError(f"no row of skill {self.name!r} has an intent or slots: there is nothing to learn.")
        self._check_training_labels(seen_intents, seen_slots)
        if not self.allow_unseen_labels:
            for part in ("validation", "test"):
                self._check_held_out_labels(part)

    def _check_spans(self, part: str) -> None:
        """Put the spans of each row in order, and refuse those that overlap or lie outside of their text."""
        rows = [] if getattr(self, part) is None else getattr(self, part).to_list()
        checked = [
            {**row, "slots": _parse_slots(row["slots"], row["text"], f"skill {self.name!r}, {part} row {number}")}
            for number, row in enumerate(rows, start=1)
        ]
        if checked != rows:
            setattr(self, part, rows_to_dataset(checked))

    def _check_training_labels(self, intents: Counter[str], slots: Counter[str]) -> None:
        for intent in self.intents:
            if not intents[intent]:
                raise DataError(f"intent {intent!r} of skill {self.name!r} has no rows; add utterances or take the intent out.")
        for kind, found, allowed in (("intent", intents, self.intents), ("slot label", slots, self.slots)):
            extra = sorted(set(found) - set(allowed))
            if extra:
                raise DataError(f"training rows of skill {self.name!r} have {kind} {extra[0]!r}; declared: {', '.join(allowed)}.")

    def _check_held_out_labels(self, part: str) -> None:
        for number, row in enumerate(getattr(self, part) or [], start=1):
            self.check_labels(row, f"skill {self.name!r}, {part} row {number}")

    def check_labels(self, row: dict[str, Any], where: str) -> None:
        """Raise `DataError` if the row has a label that training lacks."""
        labels = [("intent", row["intent"], self.intents)] if row["intent"] is not None else []
        labels += [("slot label", slot["label"], self.slots) for slot in row["slots"] or []]
        for kind, label, known in labels:
            if label not in known:
                raise DataError(
                    f"{where}, field {'intent' if kind == 'intent' else 'slots'!r}: {kind} {label!r} is in no training row; training "
                    f"has: {', '.join(known)}. Add training rows, list a slot label in {CATALOGS}, or allow it with "
                    "allow_unseen_labels (it then counts as an error)."
                )


def label_counts(rows: Sequence[dict[str, Any]] | Dataset) -> tuple[Counter[str], Counter[str]]:
    """How often each intent and each slot label occurs in the rows."""
    intents: Counter[str] = Counter()
    slots: Counter[str] = Counter()
    for row in rows.to_list() if isinstance(rows, Dataset) else rows:
        if row["intent"] is not None:
            intents[row["intent"]] += 1
        slots.update(slot["label"] for slot in row["slots"] or [])
    return intents, slots


def slots_of_intents(rows: Dataset) -> dict[str, list[str]]:
    """The slot labels that each intent has in rows where both are annotated."""
    found: dict[str, set[str]] = {}
    for row in rows.to_list():
        if row["intent"] is not None and row["slots"] is not None:
            found.setdefault(row["intent"], set()).update(slot["label"] for slot in row["slots"])
    return {intent: sorted(labels) for intent, labels in found.items()}


def is_covered(row: dict[str, Any], intents: Sequence[str], slots: Sequence[str]) -> bool:
    """Whether the row's labels are all among these; no intents, or no slots, ask nothing of the row's."""
    labels = {slot["label"] for slot in row["slots"] or []}
    return (not intents or row["intent"] is None or row["intent"] in intents) and (not slots or labels <= set(slots))


def skill_name(text: str) -> str:
    """A name that a skill may have, made from any text: other characters than letters, digits and `-` become `_`."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_") or "skill"


def read_text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        DataError: it is not UTF-8; the message names the line.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte 0x{error.object[error.start]:02x}); save the file as UTF-8."
        ) from error


def read_rows(path: str | Path) -> Dataset:
    """Read a JSON-lines file of rows; blank lines are skipped and counted in the log.

    Raises:
        DataError: the first thing that is not as it must be, with file, line and field.
    """
    return rows_to_dataset([row for _, row in parse_rows(Path(path))])


def parse_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a file, each with its line number."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; allowed: a JSON-lines file of rows.")
    rows, blank = [], 0
    # Not str.splitlines: it also cuts at characters such as U+2028, which JSON allows inside a string.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            rows.append((number, parse_row(line, f"{path}, line {number}")))
        else:
            blank += 1
    if not rows:
        raise DataError(
            f'{path}: the file is empty; allowed: one row a line, such as {{"text": "stop", "intent": "Stop", "slots": []}}.'
        )
    if blank > 1:  # one is the end of the file
        logger.warning("%s: skipped %d blank lines", path, blank - 1)
    return rows


def rows_to_dataset(rows: Sequence[dict[str, Any]]) -> Dataset:
    """Put rows that are already checked into a `datasets.Dataset` with the columns text, intent and slots."""
    # Not Dataset.from_list, which refuses features for no rows.
    return Dataset.from_dict({name: [row.get(name) for row in rows] for name in ROW_FEATURES}, features=ROW_FEATURES)


def parse_row(line: str, where: str) -> dict[str, Any]:
    """The row of a line of JSON; `where` it stands, for a message.

    Raises:
        DataError: something in it is not as it must be.
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: not JSON ({error.msg} at character {error.colno}): {shorten(line)}; one object a line."
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or nested too deeply
        raise DataError(f"{where}: not JSON that can be read ({error}); one object a line.") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: found {kind_of(row)}; allowed: an object with text, intent and slots.")
    for name in ROW_FEATURES:
        if name not in row:
            raise DataError(f"{where}: field {name!r} is missing; found {', '.join(map(repr, row)) or 'no field'}.")
    text = row["text"]
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}, field 'text': found {shorten(text)}; allowed: a string that is not blank.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise DataError(f"{where}, field 'text': found {shorten(text)} with half a surrogate pair; allowed: Unicode characters.")
    intent = row["intent"]
    if intent is not None and (not isinstance(intent, str) or not intent.strip()):
        raise DataError(f"{where}, field 'intent': found {shorten(intent)}; allowed: a name, or null where it is not annotated.")
    return {"text": text, "intent": intent, "slots": _parse_slots(row["slots"], text, where)}


def _parse_slots(slots: Any, text: str, where: str) -> list[dict[str, Any]] | None:
    if slots is None:
        return None
    if not isinstance(slots, list):
        raise DataError(
            f"{where}, field 'slots': found {kind_of(slots)}; allowed: a list, or null where slots are not annotated."
        )
    parsed = [_parse_slot(slot, text, f"{where}, field 'slots[{number}]'") for number, slot in enumerate(slots)]
    parsed.sort(key=lambda slot: slot["start"])
    for first, second in pairwise(parsed):
        if second["start"] < first["end"]:
            raise DataError(
                f"{where}, field 'slots': {first['label']!r} ({first['start']}-{first['end']}) and {second['label']!r} "
                f"({second['start']}-{second['end']}) overlap; allowed: spans that don't share a character."
            )
    return parsed


def _parse_slot(slot: Any, text: str, where: str) -> dict[str, Any]:
    if not isinstance(slot, dict):
        raise DataError(f"{where}: found {kind_of(slot)}; allowed: an object with start, end and label.")
    for name in ("start", "end", "label"):
        if name not in slot:
            raise DataError(f"{where}: field {name!r} is missing; found {', '.join(map(repr, slot)) or 'no field'}.")
    start, end, label = slot["start"], slot["end"], slot["label"]
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"{where}, field 'label': found {shorten(label)}; allowed: a name.")
    for name, value in (("start", start), ("end", end)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise DataError(f"{where}, field {name!r}: found {shorten(value)}; allowed: a whole number of characters.")
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"{where}: found {start}-{end}; allowed: 0 <= start < end <= {len(text)}, the characters of {shorten(text)}."
        )
    value = slot.get("value", text[start:end])
    if value != text[start:end]:
        raise DataError(f"{where}, field 'value': found {shorten(value)}; the text has {text[start:end]!r} at {start}-{end}.")
    if not value.strip():
        raise DataError(f"{where}: {start}-{end} is only blanks; allowed: a span that holds a word.")
    return {"start": start, "end": end, "label": label}


def kind_of(value: Any) -> str:
    """What kind of JSON value it is, for a message."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else names[type(value)]


def shorten(value: Any) -> str:
    """The value as an error message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


__all__ = [
    "CATALOGS",
    "SUFFIXES",
    "DataError",
    "Skill",
    "is_covered",
    "kind_of",
    "label_counts",
    "parse_row",
    "parse_rows",
    "read_rows",
    "read_text",
    "rows_to_dataset",
    "shorten",
    "skill_name",
    "slots_of_intents",
]
