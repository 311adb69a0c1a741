"""Readers of the formats that skills are written in: one module a format, found from content.

To add a format, write a module here that is a [`Reader`], import it below and put it in `_FORMATS`; every place that takes a skill, and every
command, then knows it. `headstart.readers.table` is a short one to start from. What readers share is in

- `source`: the files behind a path, decoded and parsed (`Source.candidates` gives those to look at);
- `fields`: what strangers' JSON and YAML may hold;
- `patterns`: samples of LUIS with optional and alternative parts;
- `sentences`: sentence templates of voice assistants;
- `entities`: values with synonyms, by entity, and the slots that have them;
- `json_lines`: JSON lines that nobody has checked;
- `alexa_parts`: what the old and the new format of Alexa have in common;
- `records`, `slot_cells`: tables, and slots that stand in a column of one;
- `tags`: words with a tag each;
- `parts`: utterances cut into text and slots, and the skill that templates make;
- `languages`: what is read if there are several languages, or another one than English;
- `others`: what formats are called that are known and not read;
- `normal_forms`: which canonical values are said, and so belong in a catalog;
- `oddities`: what is counted because it is not as it should be;
- `memory`: skills that are no files: rows, datasets, frames.

A seed of the format in tests/reader_seeds.py has the reader tried on damaged files; tests/test_readers_fuzz.py asks for one.
"""

from __future__ import annotations

import difflib
import logging
from pathlib import Path
from typing import Any, Protocol

from headstart.data.contradictions import warn_of_contradictions
from headstart.data.rows import DataError, counted_kind, shorten, such_as
from headstart.data.skills import PARTS, Skill, label_counts, sizes_of, skill_name
from headstart.readers import (
    alexa,
    alexa_text,
    conll,
    dialogflow,
    dialogflow_cx,
    hassil,
    jovo,
    lex,
    luis,
    luis_lu,
    massive,
    padatious,
    rasa,
    rasa_markdown,
    rhasspy,
    rows,
    slurp,
    snips,
    table,
    tag_patterns,
    tagged_rows,
    top,
    watson,
)
from headstart.readers.languages import LOCALE
from headstart.readers.memory import is_path, skill_from_memory
from headstart.readers.others import check_is_text, describe_other, describe_rows
from headstart.readers.source import Source

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What a module of this package has if it reads a format.

    Args:
        NAME: what users call the format.
        SUFFIXES: of files that a skill may be, in lower case and with the dot; those of files that only stand beside another are left out.
    """

    NAME: str
    SUFFIXES: tuple[str, ...]

    def detect(self, source: Source) -> bool:
        """Whether the source is in the format; cheap, for every path is shown to all readers up to the one that knows it.

        Raises:
            DataError: what is asked about can't be read.
        """

    def read(self, source: Source, name: str) -> Skill:
        """Read the skill; also from a source that `detect` does not know, for a user may name the format.

        Args:
            source: the files.
            name: what the skill is to be called.

        Raises:
            DataError: something is not as it must be; the message names the file, and says what is allowed.
        """


# In the order in which they are asked (a folder of rows is known before that, by its train.jsonl): formats that say what they are come before those that are only guessed.
_FORMATS: tuple[Reader, ...] = (
    slurp,
    massive,
    tagged_rows,
    rows,
    lex,
    dialogflow_cx,
    watson,
    jovo,
    dialogflow,
    luis,
    snips,
    alexa_text,
    alexa,
    tag_patterns,
    hassil,
    rasa,
    rasa_markdown,
    luis_lu,
    padatious,
    rhasspy,
    top,
    conll,
    table,
)
NAMELESS = ("intents", "nlu", "model", "data", "skill", "sentences", "interaction_model", "interactionmodel")
CORPORA: tuple[Reader, ...] = (massive, slurp, top)
READERS: dict[str, Reader] = {reader.NAME: reader for reader in _FORMATS}
KNOWN = f"{len(_FORMATS)} formats are known: headstart convert --help names them, docs/formats.md has samples"
SKILL_SUFFIXES = frozenset(
    {".zip", *(suffix for reader in _FORMATS for suffix in reader.SUFFIXES)}
)  # of files that may be skills


def load_skill(
    source: Any,
    name: str | None = None,
    allow_unseen_labels: bool = False,
    format: str | None = None,
    *,
    language: str | None = None,
) -> Skill:
    """Read a skill in any format that is known, or take one from memory.

    Args:
        source: path of a file, a folder, or a zip archive; a list of rows, a `datasets.Dataset` or a pandas frame (columns are found by their names,
            see [`headstart.readers.memory`]); such by part, as a `datasets.DatasetDict` has them; or a [`Skill`].
        name: the skill's name; if it is left out, made from the name of the file or folder, and `skill` for what is in memory. A file that is called
            after its language, part or kind alone (`en-US.json`, `train.jsonl`, `intents.json`) is named by its invocation, or else its folder.
        allow_unseen_labels: see [`Skill`].
        format: of a path, one of `headstart.readers.READERS`; found from the content if it is left out.
        language: of a path, which is read of several languages, such as `de-DE`, or `de` whatever the region; if it is left out, the one that the
            source's manifest says, else English, else the one with most in it (the log says which).

    Raises:
        DataError: the path or something in it is not as it must be, or no reader knows it.
        ValueError: there is no such format.
    """
    if not is_path(source):
        if format is not None:
            raise ValueError(f"format is {format!r}; it is for files: leave it out for what is in memory.")
        skill = skill_from_memory(source, name, allow_unseen_labels)
        warn_of_contradictions(skill, f"skill {skill.name!r}")
        return skill
    path = Path(source)
    if format is not None and format not in READERS:
        raise ValueError(f"there is no format {format!r}; known: {', '.join(READERS)}.")
    if not _exists(path):
        near = difflib.get_close_matches(path.name, _names_beside(path), cutoff=0.8)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise DataError(f"{path}: there is no such file or folder.{hint}")
    try:
        skill = _read(Source(path, language), name, allow_unseen_labels, format)
    except DataError as error:
        # Names that a message quotes may have line ends.
        message = " ".join(str(error).splitlines())
        raise DataError(message if str(Path(path)) in message else f"{path}: {message}") from error
    warn_of_contradictions(skill, path)
    return skill


def _read(source: Source, name: str | None, allow_unseen_labels: bool, format: str | None) -> Skill:
    reader = READERS[format] if format is not None else find_reader(source)
    if reader is rows:
        return _read_rows(source, name, allow_unseen_labels)
    skill = reader.read(source, skill_name(name or _default_name(source)))
    if name is None and skill.invocation is not None and _is_unnamed(source):
        skill = skill.replace(name=skill_name(skill.invocation))
    _name_unreadable(source, reader)
    if reader in CORPORA and not allow_unseen_labels:
        _name_unseen(skill, source)
    else:  # checks the labels of validation and test rows, which readers leave to their caller
        skill = skill.replace(allow_unseen_labels=allow_unseen_labels)
    logger.info("%s: %s, %s", source.path, reader.NAME, sizes_of(skill))
    return skill


def _name_unseen(skill: Skill, source: Source) -> None:
    """Say which labels held-out rows of a corpus have alone: nobody who reads one can add rows to it."""
    intents, slots = label_counts(row for part in PARTS[1:] for row in skill.rows(part))
    unseen = sorted({*intents} - {*skill.intents}) + sorted({*slots} - {*skill.slots})
    if unseen:
        kind = "labels of held-out rows that no training row has, which count as errors"
        logger.warning("%s: %s: %s", source.path, counted_kind(len(unseen), kind), such_as([repr(label) for label in unseen]))


def _read_rows(source: Source, name: str | None, allow_unseen_labels: bool) -> Skill:
    """Read rows, whose skill keeps the name that it is given, and whose errors name the line."""
    try:
        skill = rows.read(source, name or _default_name(source))
    except DataError as error:  # rows of other formats have other fields
        other = describe_rows(source.only) if source.only is not None else None
        if other is None:
            raise
        raise DataError(f"{source.path}: {other}.") from error
    if not allow_unseen_labels and source.only is None:
        rows.check_held_out(skill, source.path)
    return skill.replace(allow_unseen_labels=allow_unseen_labels)


def _default_name(source: Source) -> str:
    """The skill's name by its path: that of the file or folder, or of the folder that the file is in where its own says nothing."""
    return skill_name(source.path.resolve().parent.name if _is_unnamed(source) else source.name)


def _is_unnamed(source: Source) -> bool:
    """Whether a file is called after its language, its part or its kind alone, such as en-US.json, train.jsonl or intents.json."""
    name = source.name
    return source.only is not None and (LOCALE.fullmatch(name) is not None or name.lower() in (*PARTS, *NAMELESS))


def _name_unreadable(source: Source, reader: Reader) -> None:
    """Say which of a folder's files can't be read, which might be of the skill by their suffixes."""
    for file in source.find(*reader.SUFFIXES) if source.only is None and reader.SUFFIXES else ():
        try:
            _ = file.json if file.suffix == ".json" else file.text
        except DataError as error:
            logger.warning("a file of the folder is not read: %s", error)


def _names_beside(path: Path) -> list[str]:
    """The names of what is in the folder where a path was looked for."""
    try:
        return sorted(file.name for file in path.parent.iterdir())
    except OSError:  # there is no such folder, or nobody may look into it
        return []


def _exists(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # such as a name that is too long
        return False


def find_reader(source: Source) -> Reader:
    """The reader that knows the source.

    Raises:
        DataError: none does; the message says what was found.
    """
    if rows.is_folder_of_rows(source):
        return rows
    check_is_text(source)
    for reader in _FORMATS:
        if reader.detect(source):
            return reader
    hint = "" if _is_table(source) else f" Simplest is a table (.csv, .tsv) with the columns text and intent; {KNOWN}."
    raise DataError(f"{source.path}: {describe(source)}.{hint}")


def _is_table(source: Source) -> bool:
    """Whether a file says by its name that it is a table, and has a first line."""
    return source.only is not None and source.only.suffix in table.SUFFIXES and bool(source.only.text.strip())


def describe(source: Source) -> str:
    """What a source looks like, for the message that it is not known."""
    if source.only is not None and not source.only.text.strip():
        return "the file is empty"
    other = describe_other(source)
    if other is not None:
        return other
    if source.only is None:
        if any(file.name.split("/")[-1] == "train.jsonl" for file in source.files):
            return "found train.jsonl inside an archive or another folder; give the folder that holds it, unpacked"
        names = ", ".join(file.name for file in source.files[:6]) or "nothing"
        return f"found a folder or archive with {names}, none of which is a skill's file"
    content = source.only.json
    if isinstance(content, dict):
        return f"found a JSON object with the fields {', '.join(map(repr, list(content)[:6])) or '(none)'}"
    if isinstance(content, list):
        return f"found a JSON list of {len(content)} that is no skill's"
    if source.only is not None and _is_table(source):
        return table.describe_header(source.only)
    return f"found text that begins with {shorten(source.only.text.strip().splitlines()[0])}"


__all__ = ["READERS", "SKILL_SUFFIXES", "Reader", "find_reader", "load_skill"]
