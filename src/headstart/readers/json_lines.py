"""JSON lines, whose lines nobody has checked."""

from __future__ import annotations

import json
from collections.abc import Iterator

from headstart.modeling.json_headstart import distinct
from headstart.readers.fields import Fields
from headstart.readers.oddities import Oddities, Where
from headstart.readers.source import SourceFile


def parse_object(line: str) -> Fields | None:
    """The object of a line; None if it is none, or has a field twice."""
    try:
        row = json.loads(line, object_pairs_hook=distinct)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def first_objects(file: SourceFile, most: int) -> list[Fields]:
    """The objects of a file's first lines, up to the first that is none; those that hold nothing are left out."""
    found = []
    head = file.content[: 2**16].lstrip(b"\xef\xbb\xbf \t\r\n")
    for line in head.split(b"\n")[:most] if head.startswith(b"{") else ():
        row = parse_object(line.decode("utf-8", "replace")) if line.strip() else {}
        if row is None:
            break
        found += [row] if row else []
    return found


def json_lines(file: SourceFile, oddities: Oddities) -> Iterator[tuple[Where, Fields]]:
    """The objects of a file's lines, with where they stand; other lines are counted.

    Raises:
        DataError: the file is not text.
    """
    for number, line in enumerate(file.text.split("\n"), start=1):
        row = parse_object(line) if line.strip() else {}
        where = Where(file, f"line {number}")
        if row is None:
            oddities.leave_out("lines that are not a JSON object, or have a field twice", line, where)
        elif row:
            yield where, row


__all__ = ["first_objects", "json_lines", "parse_object"]
