"""Rows: annotated utterances, read from JSON lines and checked.

A row is `{"text", "intent", "slots": [{"start", "end", "label"}]}`, one JSON object a line; offsets are characters of `text`, end
exclusive. A span may have a `value` too, the text at its offsets; where these contradict each other, as those of tools that count UTF-16 units do, the
value tells what is meant, and a warning says so. In the place of spans, `{label: value}` (or a list of values) names values that are looked for in the
text. `"intent": null` or `"slots": null` says that this is not annotated, where an empty list says that there is no slot.
Other fields are ignored. A skill is a file of rows, or a folder with `train.jsonl` and, if it has them, `validation.jsonl`,
`test.jsonl` and `catalogs.json` (`{slot label: [values]}`, where a value is a text, or an object with `value` and its `id` and `synonyms`).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

from headstart.data.offsets import Given, Positions
from headstart.modeling.json_headstart import distinct
from headstart.tokenization.alignment_headstart import Span
from headstart.tokenization.answers_headstart import SURROGATES

if TYPE_CHECKING:  # at run time, only who wants a Dataset waits for the library
    from datasets import Dataset

logger = logging.getLogger(__name__)

FIELDS = ("text", "intent", "slots")
CATALOGS = "catalogs.json"
SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson")  # of files of rows
MAX_VALUES = 1000  # of an utterance, each of which is looked for in all of it
SHOWN = 3  # of what is counted in a warning


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


def parse_rows(path: Path, unread: set[str] | None = None) -> list[tuple[int, Row]]:
    """The rows of a file, each with its line number; the names of fields that are ignored are added to `unread`."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; allowed: a JSON-lines file of rows.")
    rows: list[tuple[int, Row]] = []
    blank: list[int] = []
    repairs: list[str] = []
    # Not str.splitlines: it also cuts at characters such as U+2028, which JSON allows inside a string.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            rows.append((number, parse_row(line, f"{path}, line {number}", repairs, unread)))
        else:
            blank.append(number)
    if not rows:
        raise DataError(
            f'{path}: the file is empty; allowed: one row a line, such as {{"text": "stop", "intent": "Stop", "slots": []}}.'
        )
    if len(blank) > 1:  # one is the end of the file
        logger.warning(
            "%s: skipped %s, such as %s", path, counted(len(blank) - 1, "blank line"), ", ".join(map(str, blank[:SHOWN]))
        )
    warn_of_repairs(repairs)
    return rows


def warn_of_repairs(repairs: Sequence[str]) -> None:
    """Say of which spans the value was believed, not the offsets."""
    if repairs:
        kind = "spans that are where their value stands, not at their offsets"
        logger.warning("%s: %s", counted_kind(len(repairs), kind), such_as(repairs))


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
    listed = []
    for number, row in enumerate(found, start=1):
        if not isinstance(row, Mapping) or "text" not in row:
            raise DataError(f"row {number}: found {shorten(row)}; allowed: an object with text, intent and slots.")
        listed.append(Row(text=row["text"], intent=row.get("intent"), slots=row.get("slots")))
    return listed


def parse_row(line: str, where: str, repairs: list[str] | None = None, unread: set[str] | None = None) -> Row:
    """The row of a line of JSON.

    Args:
        line: the line.
        where: it stands, for a message.
        repairs: gets what was put right; without it, that is an error too.
        unread: gets the names of fields that are ignored.

    Raises:
        DataError: something in it is not as it must be.
    """
    try:
        row = json.loads(line, object_pairs_hook=distinct)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: not JSON ({error.msg} at character {error.colno}): {shorten(line)}; one object a line."
        ) from error
    except (ValueError, RecursionError) as error:  # a field twice, a number of thousands of digits, or nested too deeply
        raise DataError(f"{where}: not JSON that can be read ({error}); one object a line.") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: found {kind_of(row)}; allowed: an object with text, intent and slots.")
    for name in FIELDS:
        if name not in row:
            raise DataError(f"{where}: field {name!r} is missing; found {', '.join(map(repr, row)) or 'no field'}.")
    if unread is not None:
        unread.update(row.keys() - set(FIELDS))
    return check_row(cast(Row, row), where, repairs)


def check_row(row: Row, where: str, repairs: list[str] | None = None) -> Row:
    """The row with its fields alone, and its spans in order; see [`parse_row`].

    Raises:
        DataError: something in it is not as it must be.
    """
    text, intent = row["text"], row["intent"]
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}, field 'text': found {shorten(text)}; allowed: a string that is not blank.")
    check_characters(text, f"{where}, field 'text'")
    if intent is not None:
        if not isinstance(intent, str) or not intent.strip():
            raise DataError(
                f"{where}, field 'intent': found {shorten(intent)}; allowed: a name, or null where it is not annotated."
            )
        check_characters(intent, f"{where}, field 'intent'")
    return {"text": text, "intent": intent, "slots": parse_slots(row["slots"], text, where, repairs)}


def check_characters(text: str, where: str) -> None:
    """Raise `DataError` if a text holds half a surrogate pair, which JSON can escape but no file can hold."""
    if SURROGATES.search(text):
        raise DataError(f"{where}: found {shorten(text)} with half a surrogate pair; allowed: Unicode characters.")


def parse_slots(slots: Any, text: str, where: str, repairs: list[str] | None = None) -> list[Span] | None:
    """The spans of a row, sorted by start.

    Args:
        slots: what the row has.
        text: its text.
        where: it stands, for a message.
        repairs: gets what was put right; without it, that is an error too.

    Raises:
        DataError: something in them is not as it must be, or two overlap.
    """
    if slots is None:
        return None
    if isinstance(slots, Mapping):
        slots = list(_spans_of_values(slots, text, f"{where}, field 'slots'"))
    if not isinstance(slots, list):
        raise DataError(
            f"{where}, field 'slots': found {kind_of(slots)}; allowed: a list of spans, values by slot label, or null where slots are not annotated."
        )
    positions = Positions(text)
    parsed = [_parse_slot(slot, positions, f"{where}, field 'slots[{number}]'", repairs) for number, slot in enumerate(slots)]
    parsed.sort(key=lambda slot: slot["start"])
    for first, second in pairwise(parsed):
        if second["start"] < first["end"]:
            raise DataError(
                f"{where}, field 'slots': {first['label']!r} ({first['start']}-{first['end']}) and {second['label']!r} "
                f"({second['start']}-{second['end']}) overlap; allowed: spans that don't share a character."
            )
    return parsed


def _spans_of_values(values: Mapping[str, Any], text: str, where: str) -> Iterator[Span]:
    """The spans of values by slot label, where they stand in the text."""
    listed = [(label, value) for label, found in values.items() for value in (found if isinstance(found, list) else [found])]
    if len(listed) > MAX_VALUES:
        raise DataError(f"{where}: found {len(listed)} values in one utterance; allowed: {MAX_VALUES}.")
    for label, value in listed:
        if not isinstance(value, str) or not value.strip():
            raise DataError(
                f"{where}: found {shorten(value)} as a value of {shorten(label)}; allowed: text that stands in the utterance."
            )
        start, end = find_value(value.strip(), text, where)
        yield {"start": start, "end": end, "label": label}


def find_value(value: str, text: str, where: str) -> tuple[int, int]:
    """Start and end of the one place in a text where a value stands as whole words, in whatever case.

    Raises:
        DataError: it stands there several times, or not at all.
    """
    found = list(re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))
    if not found:
        raise DataError(f"{where}: {shorten(value)} does not stand in {shorten(text)}; allowed: whole words of the utterance.")
    if len(found) > 1:
        raise DataError(
            f"{where}: {shorten(value)} stands {len(found)} times in {shorten(text)}; allowed: once, or give its start and end."
        )
    return found[0].span()


def _parse_slot(slot: Any, positions: Positions, where: str, repairs: list[str] | None) -> Span:
    if not isinstance(slot, Mapping):
        raise DataError(f"{where}: found {kind_of(slot)}; allowed: an object with start, end and label.")
    for name in ("start", "end", "label"):
        if name not in slot:
            raise DataError(f"{where}: field {name!r} is missing; found {', '.join(map(repr, slot)) or 'no field'}.")
    start, end, label = slot["start"], slot["end"], slot["label"]
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"{where}, field 'label': found {shorten(label)}; allowed: a name.")
    check_characters(label, f"{where}, field 'label'")
    for name, value in (("start", start), ("end", end)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise DataError(f"{where}, field {name!r}: found {shorten(value)}; allowed: a whole number of characters.")
    text, value = positions.text, slot.get("value")
    place = positions.locate(Given(start, end, value)) if isinstance(value, str) and repairs is not None else None
    if place is not None:
        if place.is_repaired:
            cast("list[str]", repairs).append(f"{where}: {shorten(value)} is at {place.start}-{place.end}, not {start}-{end}")
        start, end = place.start, place.end
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"{where}: found {start}-{end}; allowed: 0 <= start < end <= {len(text)}, the characters of {shorten(text)}."
        )
    if value is not None and place is None and value != text[start:end]:
        raise DataError(
            f"{where}, field 'value': found {shorten(value)}; the text has {shorten(text[start:end])} at {start}-{end}; allowed: the text there."
        )
    if not text[start:end].strip():
        raise DataError(f"{where}: {start}-{end} is only blanks; allowed: a span that holds a word.")
    return {"start": start, "end": end, "label": label}


def kind_of(value: Any) -> str:
    """What kind of JSON value it is, for a message."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), f"an object of {type(value).__name__}")


def shorten(value: Any) -> str:
    """The value as an error message shows it."""
    try:
        text = repr(value)
    except RecursionError:
        return f"{kind_of(value)} that is nested too deeply"
    return text if len(text) <= 60 else text[:57] + "..."


def counted(count: int, noun: str) -> str:
    """So many of something, as messages say it: `1 row`, `2 rows`, `3 entities`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def counted_kind(count: int, kind: str) -> str:
    """So many of what is told in the plural and with a relative clause: `2 rows that are blank`, `rows that are blank (1)`."""
    return f"{kind} (1)" if count == 1 else f"{count} {kind}"


def such_as(examples: Sequence[str]) -> str:
    """The first few of what is counted, as a warning shows them."""
    return "; ".join(examples[:SHOWN]) + ("; ..." if len(examples) > SHOWN else "")


__all__ = [
    "CATALOGS",
    "SHOWN",
    "SUFFIXES",
    "DataError",
    "Row",
    "check_characters",
    "check_row",
    "counted",
    "counted_kind",
    "find_value",
    "kind_of",
    "list_rows",
    "parse_row",
    "parse_rows",
    "parse_slots",
    "read_rows",
    "read_text",
    "rows_to_dataset",
    "shorten",
    "such_as",
    "warn_of_repairs",
]
