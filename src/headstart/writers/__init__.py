"""Writers: a skill in the formats of other platforms, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headstart.data.skills import Skill
from headstart.writers.alexa import write_alexa
from headstart.writers.rasa import write_rasa
from headstart.writers.rows import write_skill_rows

WRITERS: dict[str, Callable[[Skill, Path], None]] = {"rows": write_skill_rows, "alexa": write_alexa, "rasa": write_rasa}

__all__ = ["WRITERS"]
