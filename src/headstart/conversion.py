"""Skills from any format that is read to any that is written."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from headstart.data.rows import counted
from headstart.data.skills import PARTS, Skill, make_skill, sizes_of
from headstart.data.templates import split_rows
from headstart.modeling.folders_headstart import ROWS, check_file_room, check_room
from headstart.readers import READERS, load_skill
from headstart.readers.source import Source
from headstart.saving import locked
from headstart.writers import WRITERS, Writer, find_writer, rows

logger = logging.getLogger(__name__)


def convert(
    path: str | Path,
    out: str | Path,
    format: str | None = None,
    *,
    source_format: str | None = None,
    language: str | None = None,
    name: str | None = None,
    test_share: float = 0.0,
    seed: int = 0,
    **filling: Any,
) -> Skill:
    """Read a skill and write it in another format.

    Args:
        path: what [`headstart.load_skill`] reads.
        out: file to write; for rows, a `.jsonl` file (training rows alone) or a folder (catalogs and held-out rows too).
        format: one of `headstart.writers.WRITERS`; from the suffix of `out` if it is left out.
        source_format: one of `headstart.readers.READERS`; found from the content if it is left out.
        language: see [`headstart.load_skill`].
        name: the skill's name; made from the path if it is left out.
        test_share: share of each intent's templates that becomes `test.jsonl` of the folder.
        seed: of filling templates, and of the choice of test templates.
        filling: `max_utterances` and `fills` of [`headstart.data.templates.fill_templates`].

    Returns:
        the skill that was written.

    Raises:
        DataError: the skill's files are not as they must be.
        ValueError: the format is not known, test rows are asked for where they can't be written, what would be written is a part of what is
            read, or of a model, or would take the place of a file of another kind.
        OSError: it can't be written, or another process writes there.
    """
    out = Path(out)
    writer = find_writer(out) if format is None else WRITERS.get(format)
    if writer is None:
        suffixes = ", ".join(suffix for known in WRITERS.values() for suffix in known.SUFFIXES if suffix)
        raise ValueError(
            f"can't tell the format of {str(out)!r}; name it with --format {'|'.join(WRITERS)}, or give a folder or {suffixes}."
        )
    is_folder = "" in writer.SUFFIXES and not (out.suffix and out.suffix.lower() in writer.SUFFIXES)
    if test_share and not is_folder:
        raise ValueError(f"test rows need a folder of rows, not {str(out)!r}: leave out test_share, or give --out FOLDER.")
    _check_apart(Path(path), out, [out / name for name in ROWS.published] if is_folder else [out])
    if is_folder:
        check_room(out, ROWS)
    else:
        check_file_room(out)
        _check_replaceable(out, writer)
    skill = _fill_anew(load_skill(path, name, allow_unseen_labels=True, format=source_format, language=language), seed, filling)
    if test_share and skill.has("test"):
        raise ValueError(f"{path} has test rows of its own ({len(skill.rows('test'))}): leave out test_share.")
    if test_share:
        kept, held_out = split_rows(skill.rows("train"), test_share, seed)
        if not held_out:
            logger.warning("%s: no template can be held out: every intent needs at least two", path)
        skill = skill.replace(train=kept, test=held_out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with locked(out) if is_folder else nullcontext():
        writer.write(skill, out)
    if not is_folder:
        _warn_of_held_out_rows(skill, out)
    logger.info("%s: %s, %s", out, writer.NAME, sizes_of(skill))
    return skill


def _check_apart(path: Path, out: Path, files: list[Path]) -> None:
    """See that none of the files that would be written is read, or would be when the skill is read again, under whatever name.

    Raises:
        ValueError: one is.
    """
    is_inside = path.is_dir() and out.resolve().is_relative_to(path.resolve())
    read = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    known = {(status.st_dev, status.st_ino) for status in (file.stat() for file in read if file.is_file())}
    for file in files:
        if is_inside or (file.is_file() and ((status := file.stat()).st_dev, status.st_ino) in known):
            raise ValueError(f"{str(out)!r} is a part of the skill itself, {str(path)!r}; write to a place of its own.")


def _check_replaceable(out: Path, writer: Writer) -> None:
    """See that a file that is there, and not empty, is a skill in the format that is written: anything else is somebody's.

    Raises:
        ValueError: it is something else.
    """
    if not out.is_file() or not out.stat().st_size:  # a pipe or a device is written as it is
        return
    source, reader = Source(out), READERS[writer.NAME]
    try:
        is_one = reader.detect(source)
        if is_one and reader is READERS[rows.NAME]:  # known by the suffix alone
            reader.read(source, "skill")
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError(f"{str(out)!r} is there, and no skill of the format {writer.NAME}: delete it, or give another name.")


def _fill_anew(skill: Skill, seed: int, filling: dict[str, Any]) -> Skill:
    """The skill with rows made of its templates as it is wanted; as it is, if nothing is wanted of them."""
    is_open = any(template.is_open for template in skill.templates)
    if not ((is_open and (seed or filling)) or (skill.templates and "max_utterances" in filling)):
        return skill
    made = make_skill(
        skill.name, skill.templates, catalogs={label: skill.listed(label) for label in skill.catalogs}, slot_types=skill.slot_types, invocation=skill.invocation,
        seed=seed, **filling,
    )  # fmt: skip
    held_out = {part: skill.rows(part) for part in PARTS[1:] if skill.has(part)}
    return made.replace(**held_out, allow_unseen_labels=True)


def _warn_of_held_out_rows(skill: Skill, out: Path) -> None:
    """Say which rows a single file has no place for."""
    sizes = {part: len(rows) for part in PARTS[1:] if (rows := skill.rows(part))}
    if sizes:
        left_out = " and ".join(counted(size, f"{part} row") for part, size in sizes.items())
        logger.warning("%s: %s are not written, only a folder has a place for them; give a folder to keep them", out, left_out)


__all__ = ["convert"]
