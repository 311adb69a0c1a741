"""Headstart's own rows: a JSON-lines file of the training rows, or a folder, which has room for held-out rows and catalogs too."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from headstart.data.rows import CATALOGS, Row, such_as
from headstart.data.rows import SUFFIXES as FILES
from headstart.data.skills import PARTS, Skill
from headstart.readers.rows import FACTS

logger = logging.getLogger(__name__)

NAME = "rows"
SUFFIXES: tuple[str, ...] = (*FILES, "")  # without one: a folder


def write(skill: Skill, path: Path) -> None:
    """Write the training rows to a file, or everything to a folder."""
    if path.suffix.lower() not in FILES:
        _write_folder(skill, path)
        return
    if skill.catalogs:
        named = such_as([*skill.catalogs])
        logger.warning(
            "%s: %d catalogs don't fit in a file of rows (%s); give a folder to keep them", path, len(skill.catalogs), named
        )
    _write_rows(skill.rows("train"), path)


def _write_folder(skill: Skill, folder: Path) -> None:
    """Write rows, catalogs, and what else is known of the skill. Such files of an earlier skill are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        _write_or_remove(folder / f"{part}.jsonl", skill.rows(part))
    facts = {"invocation": skill.invocation, "slot_types": skill.slot_types}
    for name, content in ((CATALOGS, skill.catalogs), (FACTS, {key: value for key, value in facts.items() if value})):
        if content:
            (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            (folder / name).unlink(missing_ok=True)


def _write_or_remove(path: Path, rows: Sequence[Row]) -> None:
    """Write rows; without any, nothing of an earlier skill may stay in their place."""
    if rows:
        _write_rows(rows, path)
    else:
        path.unlink(missing_ok=True)


def _write_rows(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


__all__ = ["NAME", "SUFFIXES", "write"]
