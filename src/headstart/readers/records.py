"""Delimited text cut into records, each with its lines.

Not Python's `csv`: it takes a quote that is never closed for the rest of the file, or, where quotes are switched off for one that is out of
place, leaves all others in their cells. Here a quote counts only where it opens a cell and is closed before a delimiter or line end; every
other one is a character, in its own cell alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple


class Record(NamedTuple):
    """The cells of a record, its first and last line (from 1), and whether a cell begins with a quote that is a character."""

    cells: list[str]
    first: int
    last: int
    has_stray: bool = False


@cache
def _patterns(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A cell in quotes, with blanks around them, up to its delimiter or line end; and any other one."""
    return re.compile(rf' *+"((?:[^"]++|"")*+)" *+(?=[{delimiter}\n]|\Z)'), re.compile(rf"[^{delimiter}\n]*+")


def records(text: str, delimiter: str) -> Iterator[Record]:
    """The records of a text that hold more than blanks; in time linear in its length.

    Args:
        text: with line ends as `\\n`.
        delimiter: one character.
    """
    position, line = 0, 1
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        if text.find('"', position, end) < 0:
            record = Record(text[position:end].split(delimiter), line, line)
            position = end + 1
        else:
            record, position = _quoted_record(text, delimiter, position, line)
        if any(cell.strip() for cell in record.cells):
            yield record
        line = record.last + 1


def _quoted_record(text: str, delimiter: str, position: int, first: int) -> tuple[Record, int]:
    """The record that begins at the position, in that line, and the position behind its line end."""
    quoted, plain = _patterns(delimiter)
    cells: list[str] = []
    line, has_stray = first, False
    while True:
        match = quoted.match(text, position)
        if match is not None:
            cells.append(match[1].replace('""', '"'))
            line += match[1].count("\n")
        else:
            match = plain.match(text, position)
            assert match is not None  # it matches nothing, too
            cells.append(match[0])
            has_stray |= match[0].lstrip(" ").startswith('"')
        position = match.end()
        if text[position : position + 1] != delimiter:
            return Record(cells, first, line, has_stray), position + 1
        position += 1


__all__ = ["Record", "records"]
