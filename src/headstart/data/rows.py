"""Rows: annotated utterances, read from JSON lines and checked.

A row is `{"text", "intent", "slots": [{"start", "end", "label"}]}`, one JSON object a line; offsets are characters of `text`, end
exclusive. `"intent": null` or `"slots": null` says that this is not annotated, where an empty list says that there is no slot.
Other fields are ignored. A skill is a file of rows, or a folder with `train.jsonl` and, if it has them, `validation.jsonl`,
`test.jsonl` and `catalogs.json` (`{slot label: [values]}`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from headstart.tokenization.alignment_headstart import Span
from headstart.tokenization.answers_headstart import SURROGATES

if TYPE_CHECKING:  # at run time, only who wants a Dataset waits for the library
    from datasets import Dataset

logger = logging.getLogger(__name__)

FIELDS = ("text", "intent", "slots")
CATALOGS = "catalogs.json"
SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson")  # of files of rows


class Row(TypedDict):
    """An annotated utterance.

    Args:
        text: what was said.
        intent: name of its intent; None: not annotated.
        slots: spans of its slots, by start; None: not annotated, where an empty list says that there are none.
    """

    text: str
    intent: str | None
    slots: list[Span] | None


class DataError(ValueError):
    """Something in a user's data is not as it must be. The message names file, line and field, what was found and what is allowed."""


def read_text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        DataError: it is not UTF-8, or holds a NUL, as UTF-16 without its mark does; the message names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte 0x{error.object[error.start]:02x}); save the file as UTF-8."
        ) from error
    if (place := text.find("\0")) >= 0:
        line = text.count("\n", 0, place) + 1
        raise DataError(f"{path}, line {line}: found a NUL, as in UTF-16; save the file as UTF-8.")
    return text


def read_rows(path: str | Path) -> list[Row]:
    """Read a JSON-lines file of rows; blank lines are skipped and counted in the log.

    Raises:
        DataError: the first thing that is not as it must be, with file, line and field.
    """
    return [row for _, row in parse_rows(Path(path))]


def parse_rows(path: Path) -> list[tuple[int, Row]]:
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


def rows_to_dataset(rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """Put rows that are already checked into a `datasets.Dataset` with the columns text, intent and slots."""
    from datasets import Dataset, Features, List, Value

    spans = List({"start": Value("int64"), "end": Value("int64"), "label": Value("string")})
    features = Features({"text": Value("string"), "intent": Value("string"), "slots": spans})
    # Not Dataset.from_list, which refuses features for no rows.
    return Dataset.from_dict({name: [row.get(name) for row in rows] for name in FIELDS}, features=features)


def list_rows(rows: Dataset | Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rows of a dataset, or of anything that can be gone through, with the fields of a row alone."""
    found: Iterable[Mapping[str, Any]] = rows.to_list() if hasattr(rows, "to_list") else rows
    return [Row(text=row["text"], intent=row.get("intent"), slots=row.get("slots")) for row in found]


def parse_row(line: str, where: str) -> Row:
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
    for name in FIELDS:
        if name not in row:
            raise DataError(f"{where}: field {name!r} is missing; found {', '.join(map(repr, row)) or 'no field'}.")
    text = row["text"]
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}, field 'text': found {shorten(text)}; allowed: a string that is not blank.")
    if SURROGATES.search(text):
        raise DataError(f"{where}, field 'text': found {shorten(text)} with half a surrogate pair; allowed: Unicode characters.")
    intent = row["intent"]
    if intent is not None and (not isinstance(intent, str) or not intent.strip()):
        raise DataError(f"{where}, field 'intent': found {shorten(intent)}; allowed: a name, or null where it is not annotated.")
    return {"text": text, "intent": intent, "slots": parse_slots(row["slots"], text, where)}


def parse_slots(slots: Any, text: str, where: str) -> list[Span] | None:
    """The spans of a row, sorted by start.

    Raises:
        DataError: something in them is not as it must be, or two overlap.
    """
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


def _parse_slot(slot: Any, text: str, where: str) -> Span:
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
    "Row",
    "kind_of",
    "list_rows",
    "parse_row",
    "parse_rows",
    "parse_slots",
    "read_rows",
    "read_text",
    "rows_to_dataset",
    "shorten",
]
