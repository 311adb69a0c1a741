"""Tables of utterances with their intents: CSV, TSV, or with semicolons.

Spreadsheets are saved so, and corpora come so. A header names the columns, in any case and order: `text`, `utterance`, `query`, `sentence` or
`phrase`; `intent`, `label`, `category` or `class`; for slots, if they are annotated, `slots`, `slot_labels`, `entities` or the like (see
`slot_cells`); and `split` or `partition`, which says of each record whether it is for training, validation or test. Other columns are not
read, which is said in the log. Without a header, a table has two columns: text, intent. Where there is no column for slots, texts may have Rasa's marks,
`a [large](size) tea`: if one has, all are read so, and a record with damaged marks is left out and counted.

Cells in quotes may hold the delimiter, line ends, and quotes written twice (see `records`). Every record has as many cells as the header.

A folder's tables are training, validation and test parts by their names, unless they have a column for it.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from headstart.data.rows import DataError, counted, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.oddities import Oddities
from headstart.readers.parts import PART_WORDS, parts_in, plain_label, skill_of_parts
from headstart.readers.rasa_markdown import MarkupError
from headstart.readers.records import Record, records
from headstart.readers.slot_cells import marked_template, slots_template
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

NAME = "table"
SUFFIXES: tuple[str, ...] = (".csv", ".tsv", ".tab")
DELIMITERS = {"\t": "a tab", ",": "a comma", ";": "a semicolon"}
TEXT_NAMES = ("text", "utterance", "query", "sentence", "phrase")
INTENT_NAMES = ("intent", "label", "category", "class")
SLOT_NAMES = ("slots", "slot_labels", "entities", "slot_tags", "bio_tags", "ner_tags", "bio", "iob")
PART_NAMES = ("split", "partition")
LOOKED_AT = 200  # records that tell the delimiter
MARKED = re.compile(r"\[[^\[\]]{1,200}+\](?:\([\w:.-]{1,200}+\)|\{\s*\"entity\")")
ONE_COLUMN = 'slots go into one column called slots, such as {"room": "kitchen"}'  # what users of a column each are told
MAX_LABEL = 60  # characters; a longer second column holds no intents


class _Table(NamedTuple):
    """How a file is cut: its delimiter, its header (nothing without one), and the columns that are read, None for those that it lacks."""

    delimiter: str
    header: Sequence[str]
    text: int
    intent: int
    slots: int | None = None
    part: int | None = None


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
    _name_others(source, found)
    part_of_file = parts_in(source, (file for file, table in found if table.part is None))
    for file, table in found:
        for part, template in _templates(file, table, oddities):
            parts[part or part_of_file[file.name]].append(template)
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


def _name_others(source: Source, found: Sequence[tuple[SourceFile, _Table]]) -> None:
    """Say which of a folder's tables are not read."""
    read = {file.name for file, _ in found}
    others = [file.name for file in source.find(*SUFFIXES) if file.name not in read]
    if others:
        logger.warning(
            "%s: tables without a text and an intent column, which are not read: %s", source.path, ", ".join(others[:8])
        )


def _layout(file: SourceFile, is_strict: bool = True) -> _Table | None:
    """How the file is cut, or None if it is no such table.

    Args:
        file: the file.
        is_strict: a table without a header must be called so, and its second column must look like intents.
    """
    heads = [(delimiter, list(islice(records(file.text, delimiter), LOOKED_AT))) for delimiter in DELIMITERS]
    for delimiter, head in heads:
        header = [cell.strip().lower() for cell in head[0].cells] if head else []
        while header and not header[-1]:
            header.pop()
        text, intent, slots, part = (_column(names, header) for names in (TEXT_NAMES, INTENT_NAMES, SLOT_NAMES, PART_NAMES))
        if text is not None and intent is not None:
            return _Table(delimiter, header, text, intent, slots, part)
    for delimiter, head in heads:
        is_pair = bool(head) and all(len(record.cells) == 2 for record in head)
        if is_pair and (not is_strict or (file.suffix in SUFFIXES and _are_intents(head))):
            return _Table(delimiter, (), text=0, intent=1)
    return None


def describe_header(file: SourceFile) -> str:
    """What the first line of a table lacks, for the message that it is none."""
    first = file.text.strip().splitlines()[0]
    header = [cell.strip().lower() for cell in first.split(max(DELIMITERS, key=first.count))]
    missing = [names for names in (TEXT_NAMES, INTENT_NAMES) if _column(names, header) is None]
    others = [cell for cell in header if cell not in (*TEXT_NAMES, *INTENT_NAMES)]
    near = [(cell, close[0]) for names in missing for cell in others if (close := difflib.get_close_matches(cell, names, n=1))]
    wanted = " and ".join(f"{names[0]} (or {', '.join(names[1:])})" for names in missing)
    meant = "".join(f"; {shorten(cell)} is perhaps meant as {name}" for cell, name in near)
    return f"found a table that begins with {shorten(first)}; its first line must name the columns, of which none is called {wanted}{meant}"


def _column(names: Sequence[str], header: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _are_intents(head: list[Record]) -> bool:
    """Whether the second column repeats short names, and the first holds sentences."""
    names = [record.cells[1].strip() for record in head]
    are_names = all(name[:1].isalpha() and len(name) <= MAX_LABEL for name in names)
    return are_names and len(set(names)) < len(names) and any(" " in record.cells[0].strip() for record in head)


def _templates(file: SourceFile, table: _Table, oddities: Oddities) -> Iterator[tuple[str | None, Template]]:
    """The samples of a table, each with its part where a column says it."""
    _check_header(file, table)
    found = list(records(file.text, table.delimiter))[1 if table.header else 0 :]
    for record in found:
        _check_width(record, file, table)
    _check_quotes(found, file, table)
    is_marked = table.slots is None and any(MARKED.search(record.cells[table.text]) for record in found)
    for record in found:
        if _is_header(record, file, table):
            continue
        where, place = (f"{name}, line {record.first}" for name in (file.where, file.name))
        text, intent = record.cells[table.text], plain_label(record.cells[table.intent])
        if record.has_stray:
            oddities.note("quotes that open a cell and don't close it, which are read as characters", f"{place}: {text}")
        if not text.strip() or not intent:
            oddities.note("records without text or intent, which are left out", place)
            continue
        part = None if table.part is None else _part(record.cells[table.part], f"{where}, column {table.header[table.part]!r}")
        if is_marked:
            template = _marked_template(text, intent, place, oddities)
            if template is not None:
                yield part, template
            continue
        cell = "" if table.slots is None else record.cells[table.slots]
        where = "" if table.slots is None else f"{where}, column {table.header[table.slots]!r}"
        yield part, slots_template(text, cell, intent, where, oddities)


def _marked_template(text: str, intent: str, place: str, oddities: Oddities) -> Template | None:
    """The template of a text with Rasa's marks; None, counted, if they are damaged."""
    try:
        return marked_template(text, intent)
    except MarkupError as error:
        oddities.leave_out(f"records with {error}", f"{place}: {text}")
        return None


def _part(cell: str, where: str) -> str:
    part = PART_WORDS.get(cell.strip().lower())
    if part is None:
        raise DataError(f"{where}: found {shorten(cell)}; allowed: train, validation or test, or another name for the column.")
    return part


def _is_header(record: Record, file: SourceFile, table: _Table) -> bool:
    """Whether the header stands here again, as where files were put behind each other."""
    cells = [cell.strip("\ufeff ").lower() for cell in record.cells[: len(table.header)]]
    if not table.header or sorted(cells) != sorted(table.header):
        return False
    if cells != list(table.header):
        raise DataError(
            f"{file.where}, line {record.first}: found a header with its columns in another order; allowed: one table a file."
        )
    logger.warning("%s, line %d: found the header again, which is left out", file.where, record.first)
    return True


def _check_header(file: SourceFile, table: _Table) -> None:
    """Refuse a column that is there twice, and say which are not read."""
    columns = [column for column in (table.text, table.intent, table.slots, table.part) if column is not None]
    if not table.header:
        return
    read = [table.header[column] for column in columns]
    for name in read:
        if table.header.count(name) > 1:
            raise DataError(f"{file.where}, line 1: found {table.header.count(name)} columns {name!r}; allowed: one.")
    unread = [name or f"number {number}" for number, name in enumerate(table.header, start=1) if number - 1 not in columns]
    if unread:
        hint = "" if table.slots is not None else f"; {ONE_COLUMN}"
        logger.warning("%s: columns that are not read: %s; read are %s%s", file.where, ", ".join(unread), ", ".join(read), hint)


def _check_width(record: Record, file: SourceFile, table: _Table) -> None:
    """Refuse a record with more or fewer cells than the header; blank ones behind its last column are nothing."""
    width = len(table.header) or 2
    if len(record.cells) < width or any(cell.strip() for cell in record.cells[width:]):
        raise DataError(
            f"{file.where}, line {record.first}: found {counted(len(record.cells), 'cell')} where the {'header' if table.header else 'first lines'} "
            f"{'has' if table.header else 'have'} {width}: {shorten(table.delimiter.join(record.cells))}; a cell that holds "
            f"{DELIMITERS[table.delimiter]} must be in double quotes."
        )


def _check_quotes(found: Sequence[Record], file: SourceFile, table: _Table) -> None:
    """Refuse a record over several lines of which one looks like a record itself: its quote was not meant to go that far."""
    intents = {record.cells[table.intent].strip() for record in found if record.first == record.last}
    lines = file.text.split("\n")
    for record in found:
        for line in lines[record.first - 1 : record.last - 1]:
            cells = line.split(table.delimiter)
            if len(cells) == (len(table.header) or 2) and cells[table.intent].strip() in intents:
                raise DataError(
                    f"{file.where}, line {record.first}: a quote opens here and closes in line {record.last}, with other records between them; "
                    "close it in its line, or take it out."
                )


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
