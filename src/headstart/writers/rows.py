"""Headstart's own rows: a JSON-lines file of the training rows, or a folder, which has room for held-out rows and catalogs too."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from headstart.data.rows import CATALOGS, Row, counted, such_as
from headstart.data.rows import SUFFIXES as FILES
from headstart.data.skills import PARTS, Skill
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.modeling.folders_headstart import ROWS
from headstart.readers.rows import FACTS
from headstart.saving import write_file, written_aside

logger = logging.getLogger(__name__)

NAME = "rows"
SUFFIXES: tuple[str, ...] = (*FILES, "")  # without one: a folder
USUAL = {field.name: field.default for field in fields(CatalogValue)}  # what a value has if nothing is said of it


def write(skill: Skill, path: Path) -> None:
    """Write the training rows to a file, or everything to a folder."""
    if path.suffix.lower() not in FILES:
        _write_folder(skill, path)
        return
    if skill.catalogs:
        named = such_as([*skill.catalogs])
        logger.warning(
            "%s: not in a file of rows: %s (%s); give a folder to keep them", path, counted(len(skill.catalogs), "catalog"), named
        )
    write_file(path, _lines(skill.rows("train")))


def _write_folder(skill: Skill, folder: Path) -> None:
    """Write rows, catalogs, and what else is known of the skill, all or nothing of it.

    Raises:
        ValueError: there is a file of a skill that has more: beside this one's it would be taken for a part of it.
    """
    facts = {"invocation": skill.invocation, "slot_types": skill.slot_types}
    # A blank value is none, and would be refused where the folder is read.
    catalogs = {label: _listed(skill, label) for label in skill.catalogs}
    known = {CATALOGS: catalogs, FACTS: {key: value for key, value in facts.items() if value}}
    files = {f"{part}.jsonl": _lines(rows) for part in PARTS if (rows := skill.rows(part))}
    files |= {name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in known.items() if content}
    if left := [name for name in ROWS.published if name not in files and (folder / name).exists()]:
        raise ValueError(
            f"{str(folder)!r} holds {', '.join(left)}, and skill {skill.name!r} has nothing for it: delete it, or give a folder of its own."
        )
    with written_aside(folder, ROWS.mark) as aside:
        for name, text in files.items():
            (aside / name).write_text(text, encoding="utf-8", newline="\n")


def _listed(skill: Skill, label: str) -> list[str | dict[str, object]]:
    """The values of a label as `catalogs.json` has them: text, or an object with what is not as it is anyway."""
    return [
        value if isinstance(value, str) else {name: found for name, found in asdict(value).items() if found != USUAL.get(name)}
        for value in skill.listed(label)
        if not isinstance(value, str) or value.strip()
    ]


def _lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


__all__ = ["NAME", "SUFFIXES", "write"]
