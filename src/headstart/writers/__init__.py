"""Writers: a skill in the formats of other platforms, one module a format.

To add a format, write a module here that is a [`Writer`], import it below and put it in `_FORMATS`: `headstart convert` then knows its name and its suffixes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from headstart.data.skills import Skill
from headstart.writers import alexa, conll, dialogflow, hassil, lex, rasa, rows


class Writer(Protocol):
    """What a module of this package has if it writes a format.

    Args:
        NAME: what users call the format.
        SUFFIXES: of the files, in lower case and with the dot, by which it is chosen; "": of a folder. Without any, it must be named.
    """

    NAME: str
    SUFFIXES: tuple[str, ...]

    def write(self, skill: Skill, path: Path) -> None:
        """Write the skill; what the format can't express is warned of, or annotated so that our reader finds it again."""


_FORMATS: tuple[Writer, ...] = (rows, alexa, rasa, conll, lex, dialogflow, hassil)
WRITERS: dict[str, Writer] = {writer.NAME: writer for writer in _FORMATS}


def find_writer(path: Path) -> Writer | None:
    """The writer that the suffix of a file, or its lack, stands for."""
    return next((writer for writer in _FORMATS if path.suffix.lower() in writer.SUFFIXES), None)


__all__ = ["WRITERS", "Writer", "find_writer"]
