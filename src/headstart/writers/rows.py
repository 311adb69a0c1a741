"""Headstart's own rows: a JSON-lines file of the training rows. Catalogs need a folder (`headstart.conversion`)."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from headstart.data.rows import Row
from headstart.data.skills import Skill

logger = logging.getLogger(__name__)


def write_skill_rows(skill: Skill, path: Path) -> None:
    """Write the training rows."""
    if skill.catalogs:
        logger.warning("%s: %d catalogs don't fit in a file of rows; give a folder to keep them", path, len(skill.catalogs))
    write_rows(skill.rows("train"), path)


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows as JSON lines."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


__all__ = ["write_rows", "write_skill_rows"]
