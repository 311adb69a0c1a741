"""Tables of utterances with their intents: CSV, TSV, or with semicolons.

Intent-only corpora come so, and spreadsheets are saved so. A header names the columns, in any case and order: `text`, `utterance`,
`query`, `sentence` or `phrase`, and `intent`, `label`, `category` or `class`; other columns are not read. Without a header, a table has two
columns: text, intent. Fields in quotes may hold the delimiter and line ends. Slots are not annotated in a table.

A folder's tables are training, validation and test parts by their names.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from headstart.data.rows import DataError, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import part_in, plain_label, skill_of_parts
from headstart.readers.source import Source, SourceFile

NAME = "table"
SUFFIXES: tuple[str, ...] = (".csv", ".tsv", ".tab")
DELIMITERS = ("\t", ",", ";")
TEXT_NAMES = ("text", "utterance", "query", "sentence", "phrase")
INTENT_NAMES = ("intent", "label", "category", "class")
LOOKED_AT = 200  # records that tell the delimiter
MAX_LABEL = 60  # characters; a longer second column holds no intents


class _Table(NamedTuple):
    """How a file is cut: delimiter, whether quotes count, the columns of text and intent, and the records before the first row."""

    delimiter: str
    quoting: int
    text: int
    intent: int
    header: int


def detect(source: Source) -> bool:
    """Whether a file has a header with a text and an intent column, or two columns of which the second repeats short labels."""
    return bool(_tables(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file is a table with a text and an intent column, or it has no row.
    """
    found = _tables(source)
    if not found and source.only is not None:
        table = _layout(source.only, is_strict=False)
        found = [] if table is None else [(source.only, table)]
    if not found:
        raise DataError(
            f"{source.path}: found no table; allowed: columns {'/'.join(TEXT_NAMES)} and {'/'.join(INTENT_NAMES)} in a header, or "
            "two columns text, intent; delimited by tab, comma or semicolon."
        )
    parts: dict[str, list[Template]] = defaultdict(list)
    oddities = Oddities()
    for file, table in found:
        parts[part_in(source, file)] += _templates(file, table, oddities)
    oddities.warn(source.path)
    return skill_of_parts(name, parts)


def _tables(source: Source) -> list[tuple[SourceFile, _Table]]:
    found = []
    for file in source.candidates():
        if file.suffix in (*SUFFIXES, ".txt") and file.text_or_none is not None:
            table = _layout(file)
            if table is not None:
                found.append((file, table))
    return found


def _layout(file: SourceFile, is_strict: bool = True) -> _Table | None:
    """How the file is cut, or None if it is no such table.

    Args:
        file: the file.
        is_strict: a table without a header must be called so, and its second column must look like intents.
    """
    heads = [(delimiter, quoting, records) for delimiter in DELIMITERS for quoting, records in [_head(file.text, delimiter)]]
    for delimiter, quoting, records in heads:
        names = [cell.strip().lower() for cell in records[0]] if records else []
        text = next((names.index(name) for name in TEXT_NAMES if name in names), None)
        intent = next((names.index(name) for name in INTENT_NAMES if name in names), None)
        if text is not None and intent is not None:
            return _Table(delimiter, quoting, text, intent, header=1)
    for delimiter, quoting, records in heads:
        is_pair = bool(records) and all(len(record) == 2 for record in records)
        if is_pair and (not is_strict or (file.suffix in SUFFIXES and _are_intents(records))):
            return _Table(delimiter, quoting, text=0, intent=1, header=0)
    return None


def _are_intents(records: list[list[str]]) -> bool:
    """Whether the second column repeats short names, and the first holds sentences."""
    names = [record[1].strip() for record in records]
    are_names = all(name[:1].isalpha() and len(name) <= MAX_LABEL for name in names)
    return are_names and len(set(names)) < len(names) and any(" " in record[0].strip() for record in records)


def _head(text: str, delimiter: str) -> tuple[int, list[list[str]]]:
    """Whether quotes count, and the first records. Where quotes are not set as in CSV, they are plain characters."""
    try:
        return csv.QUOTE_MINIMAL, list(islice(_records(text, delimiter, csv.QUOTE_MINIMAL), LOOKED_AT))
    except csv.Error:
        pass
    try:
        return csv.QUOTE_NONE, list(islice(_records(text, delimiter, csv.QUOTE_NONE), LOOKED_AT))
    except csv.Error:
        return csv.QUOTE_NONE, []


def _records(text: str, delimiter: str, quoting: int) -> Iterator[list[str]]:
    strict = quoting == csv.QUOTE_MINIMAL
    # newline="": StringIO would otherwise be cut at other line ends than the file's.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=strict)  # type: ignore[arg-type]
    return (record for record in reader if any(cell.strip() for cell in record))


def _templates(file: SourceFile, table: _Table, oddities: Oddities) -> list[Template]:
    try:
        records = list(_records(file.text, table.delimiter, table.quoting))
    except csv.Error:  # a quote that is out of place below the first records
        table = table._replace(quoting=csv.QUOTE_NONE)
        try:
            records = list(_records(file.text, table.delimiter, table.quoting))
        except csv.Error as error:
            raise DataError(f"{file.where}: not a table ({shorten(str(error))}); one utterance a record.") from error
    templates = []
    for number, record in enumerate(records[table.header :], start=1 + table.header):
        cells = [" ".join(record[column].split()) for column in (table.text, table.intent) if column < len(record)]
        if len(cells) == 2 and all(cells):
            templates.append(Template(plain_label(cells[1]), (cells[0],), has_slots=False))
        else:
            oddities.leave_out("records without text or intent", record, Where(file, f"record {number}"))
    return templates


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
