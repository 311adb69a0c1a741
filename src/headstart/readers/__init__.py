"""Readers of the formats that skills are written in: one module a format, found from content.

A reader module has `NAME`, `detect(source) -> bool` (whether the path is in its format: cheap, and `DataError` at most) and
`read(source, name) -> Skill`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

from headstart.data.rows import DataError, shorten
from headstart.data.skills import Skill, skill_name
from headstart.readers import (
    alexa,
    alexa_text,
    conll,
    dialogflow,
    jovo,
    luis,
    luis_lu,
    massive,
    rasa,
    rasa_markdown,
    rows,
    snips,
    table,
)
from headstart.readers.source import Source

logger = logging.getLogger(__name__)

# In the order in which they are asked: formats that say what they are come before those that are only guessed.
_MODULES = (massive, rows, jovo, dialogflow, luis, snips, alexa_text, alexa, rasa, rasa_markdown, luis_lu, conll, table)
# Fields of formats that are often taken for one of these.
KNOWN_OTHERS = (
    (("service_name", "intents"), "a schema of the Schema-Guided Dialogue corpus"),
    (("resource", "metadata"), "an Amazon Lex export"),
)
READERS: dict[str, ModuleType] = {module.NAME: module for module in _MODULES}


def load_skill(path: str | Path, name: str | None = None, allow_unseen_labels: bool = False, format: str | None = None) -> Skill:
    """Read a skill in any format that is known.

    Args:
        path: a file, a folder, or a zip archive.
        name: the skill's name; made from the name of the file or folder if it is left out.
        allow_unseen_labels: see [`Skill`].
        format: one of `headstart.readers.READERS`; found from the content if it is left out.

    Raises:
        DataError: the path or something in it is not as it must be, or no reader knows it.
        ValueError: there is no such format.
    """
    if format is not None and format not in READERS:
        raise ValueError(f"there is no format {format!r}; known: {', '.join(READERS)}.")
    if not _exists(path):
        raise DataError(f"{path}: there is no such file or folder. A skill is a file or folder in one of: {', '.join(READERS)}.")
    try:
        return _read(Source(path), name, allow_unseen_labels, format)
    except DataError as error:
        # Names that a message quotes may have line ends.
        message = " ".join(str(error).splitlines())
        raise DataError(message if str(Path(path)) in message else f"{path}: {message}") from error


def _read(source: Source, name: str | None, allow_unseen_labels: bool, format: str | None) -> Skill:
    reader = READERS[format] if format is not None else find_reader(source)
    if reader is not rows:
        skill = reader.read(source, skill_name(name or source.name))
        # Checks the labels of validation and test rows, which readers leave to their caller.
        skill = skill.replace(allow_unseen_labels=allow_unseen_labels)
        logger.info(
            "%s: %s, %d intents, %d slots, %d rows",
            source.path,
            reader.NAME,
            len(skill.intents),
            len(skill.slots),
            len(skill.rows("train")),
        )
        return skill
    skill = rows.read(source, name or rows.default_name(source))
    if not allow_unseen_labels and source.only is None:
        rows.check_held_out(skill, source.path)
    return skill.replace(allow_unseen_labels=allow_unseen_labels)


def _exists(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # such as a name that is too long
        return False


def find_reader(source: Source) -> ModuleType:
    """The reader that knows the source.

    Raises:
        DataError: none does; the message says what was found.
    """
    if rows.is_folder_of_rows(source):
        return rows
    for reader in _MODULES:
        if reader.detect(source):
            return reader
    raise DataError(f"{source.path}: {describe(source)}; known formats: {', '.join(READERS)}.")


def describe(source: Source) -> str:
    """What a source looks like, for the message that it is not known."""
    if source.only is None:
        if any(file.name.split("/")[-1] == "train.jsonl" for file in source.files):
            return "found train.jsonl inside an archive or another folder; give the folder that holds it, unpacked"
        names = ", ".join(file.name for file in source.files[:6]) or "nothing"
        return f"found a folder or archive with {names}, none of which is a skill's file"
    if not source.only.text.strip():
        return "the file is empty"
    content = source.only.json
    first = content[0] if isinstance(content, list) and content else content
    if isinstance(first, dict):
        for fields, what in KNOWN_OTHERS:
            if set(fields) <= set(first):
                return f"found {what}, which holds no sample utterances that can be read"
    if isinstance(content, dict):
        return f"found a JSON object with the fields {', '.join(map(repr, list(content)[:6])) or '(none)'}"
    if isinstance(content, list):
        return f"found a JSON list of {len(content)} that is no skill's"
    return f"found text that begins with {shorten(source.only.text.strip().splitlines()[0])}"


__all__ = ["READERS", "find_reader", "load_skill"]
