"""Files that belong together: the one that tells what a folder is (`config.json`, `head.json` or `headstart.json`) holds the SHA-256 of every
file that an answer depends on, and of itself, and they are compared wherever the folder is loaded from. Needs nothing but Python.

Its own hash is that of its bytes with [`BLANK`] in the place of that hash. Cards, figures and options of training change no answer, and are
not covered (`FolderKind.hashed` says what is).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .folders_headstart import CARD, CHECKPOINT, CONFIG, HEAD, HEAD_WEIGHTS, KINDS, METRICS, RUN, FolderKind, find_heads, kind_of
from .json_headstart import parse_object
from .weights_headstart import file_hash, seen_hash, write_aside

FIELD = "sha256"
OLD_FIELD = "weights_sha256"  # of checkpoints before, with nothing but weights in it
BLANK = hashlib.sha256(b"the file that holds this").hexdigest()  # as long as a hash, and not what a label is called


@dataclass(frozen=True)
class Seal:
    """What is known of a folder's files.

    Args:
        folder: where they lie.
        kind: of the folder.
        content: of the file that tells the kind, without hashes.
        hashes: by name, of the other files; empty if nothing is known of them.
        is_sealed: whether that file holds a table of hashes with its own in it.
    """

    folder: Path
    kind: FolderKind
    content: dict[str, Any]
    hashes: dict[str, str]
    is_sealed: bool

    def damaged(self, problem: str) -> ValueError:
        """The error to raise."""
        return damaged(self.folder, self.kind, problem)

    def check(self, names: Iterable[str], folder: Path | None = None) -> None:
        """Compare those of these files that are there, and of which something is known.

        Args:
            names: of files.
            folder: where they lie, if it isn't here.

        Raises:
            ValueError: a file is not what was saved.
        """
        for name in names:
            file = (folder or self.folder) / name
            if name in self.hashes and file.is_file() and seen_hash(file) != self.hashes[name]:
                raise self.changed(name)

    def changed(self, name: str) -> ValueError:
        """The error that a file is not what was saved."""
        written = f"{name} is not what {'was saved' if name == self.kind.mark else self.kind.mark + ' was saved with'}"
        return ValueError(f"{_the(self.kind, self.folder)} is damaged: {written}. {_remedy(self.folder)}")

    def missing(self, name: str) -> ValueError:
        """The error that a file is not there."""
        return ValueError(f"{_the(self.kind, self.folder)} is not complete: it lacks {name}. {_remedy(self.folder)}")

    def check_strays(self, names: Iterable[str]) -> None:
        """Raise `ValueError` if one of these files, which change what is read, lies in a folder that was saved without it."""
        for name in names:
            if self.is_sealed and name not in self.hashes and (self.folder / name).is_file():
                raise ValueError(
                    f"{_the(self.kind, self.folder)} holds {name}, which it was not saved with: take it away; if it belongs there, "
                    f"call headstart.accept_changes({str(self.folder)!r})."
                )


def damaged(folder: Path, kind: FolderKind, problem: str) -> ValueError:
    """The error that a file of a folder can't be used."""
    return ValueError(f"{_the(kind, folder)} is damaged: {problem}. {_remedy(folder, is_on_purpose=False)}")


def read_seal(folder: Path, kind: FolderKind, *, is_checked: bool = True) -> Seal:
    """Read the file that tells of which kind a folder is.

    Args:
        folder: with that file in it.
        kind: of the folder.
        is_checked: False: read it though it may have been changed.

    Raises:
        ValueError: it can't be read, or is not what was saved.
    """
    raw = (folder / kind.mark).read_bytes()
    try:
        content = parse_object(raw, kind.mark)
    except ValueError as error:
        raise damaged(folder, kind, str(error)) from error
    table, old = content.pop(FIELD, None), content.pop(OLD_FIELD, None)
    is_sealed = table is not None
    if not is_sealed:
        # One flipped bit can hide the table's name or its own entry, not both.
        is_hidden = any(isinstance(value, dict) and kind.mark in value for value in content.values())
        table = old if isinstance(old, dict) and not is_hidden else {}
        if is_hidden and is_checked:
            raise damaged(folder, kind, f"the table of hashes in {kind.mark} has lost its name")
    is_table = isinstance(table, dict) and all(
        isinstance(value, str) and Path(name).name == name for name, value in table.items()
    )
    if is_checked and (not is_table or (is_sealed and kind.mark not in table)):
        raise damaged(folder, kind, f"the table of hashes in {kind.mark} is none")
    hashes = dict(table) if is_table else {}
    own = hashes.pop(kind.mark, None)
    seal = Seal(folder, kind, content, hashes, is_sealed)
    if is_checked and own is not None and _own_hash(raw, own) != own:
        raise seal.changed(kind.mark)
    return seal


def hashed_files(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """The hashes of a folder's files that fit one of some patterns, by name."""
    names = {path.name for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {name: file_hash(folder / name) for name in sorted(names)}


def sealed(content: Mapping[str, Any], mark: str, hashes: Mapping[str, str]) -> bytes:
    """The bytes of the file that tells the kind of a folder, with the hashes of the others and its own."""
    is_config = mark == CONFIG  # as transformers writes it
    fields = {name: value for name, value in content.items() if name not in (FIELD, OLD_FIELD)}
    text = json.dumps(
        {**fields, FIELD: dict(sorted({**hashes, mark: BLANK}.items()))},
        ensure_ascii=is_config,
        indent=2 if is_config else 1,
        sort_keys=is_config,
    )
    raw = (text + "\n").encode()
    return raw.replace(BLANK.encode(), hashlib.sha256(raw).hexdigest().encode())


def known_seal(folder: Path, kind: FolderKind) -> Seal:
    """What a folder says of its files, whether or not they are so; nothing if it holds none of that kind, or that can't be read."""
    try:
        return read_seal(folder, kind, is_checked=False)
    except (OSError, ValueError):
        return Seal(folder, kind, {}, {}, False)


def drop_figures(old: Seal, skills: Iterable[Mapping[str, Any]]) -> None:
    """Take away what tells of weights that others take the place of: figures and options of their training, and the card if none of its skills
    stays.

    Args:
        old: what was known of the folder, which held a model.
        skills: entries of the skills whose weights take their place.
    """
    content = old.content.get("skills", [old.content.get("skill")])
    before = [_labels(entry) for entry in content if isinstance(entry, dict)] if isinstance(content, list) else []
    stays = any(_labels(entry) in before for entry in skills)
    for name in (METRICS, RUN, *([] if stays else [CARD])):
        (old.folder / name).unlink(missing_ok=True)


def _labels(entry: Mapping[str, Any]) -> list[Any]:
    return [entry.get(field) for field in ("name", "intents", "slots")]


def note_hashes(folder: Path, patterns: Iterable[str] = CHECKPOINT.hashed, kept: Mapping[str, str] | None = None) -> None:
    """Write the hashes of files that were just saved in a folder into its configuration, which must be complete: nothing may be written to
    it afterwards.

    Args:
        folder: of a checkpoint.
        patterns: of the files that were saved.
        kept: hashes of others that are to stay as they were known, by name; those of files that are no longer there are dropped.
    """
    mode = (folder / CONFIG).stat().st_mode
    for path in (path for pattern in patterns for path in folder.glob(pattern)):
        if path.stat().st_mode != mode:  # safetensors 0.8 writes files that nobody else can read, whatever the umask
            path.chmod(mode)
    still_there = {name: value for name, value in (kept or {}).items() if (folder / name).is_file()}
    content = read_seal(folder, CHECKPOINT, is_checked=False).content
    write_aside(folder / CONFIG, sealed(content, CONFIG, {**still_there, **hashed_files(folder, patterns)}))


def accept_changes(folder: str | Path) -> list[str]:
    """Go on deliberately with a checkpoint, head or exported skill whose files were changed by hand: note the files as they are now.

    Args:
        folder: of a checkpoint, a head or an exported skill.

    Returns:
        names of the files that were not as they were noted before, or not noted.

    Raises:
        ValueError: the folder holds no model, or the file that tells its kind can't be read.
    """
    folder = Path(folder)
    kind = kind_of(folder)
    if kind is None:
        names = ", ".join(str(path) for path in find_heads(folder)[:8])
        hint = (
            f"; these folders hold heads: {names}" if names else ", which has " + " or ".join(KINDS[name].mark for name in KINDS)
        )
        raise ValueError(f"{str(folder)!r} holds no model: name the folder of one{hint}.")
    seal = read_seal(folder, kind, is_checked=False)
    hashes = hashed_files(folder, kind.hashed)
    content = seal.content
    if kind.mark == HEAD:
        content["weights"] = hashes.get(HEAD_WEIGHTS)  # where headstart 0.1 looks for it
    changed = sorted(name for name, value in hashes.items() if seal.hashes.get(name) != value)
    try:
        is_as_noted = read_seal(folder, kind).is_sealed
    except ValueError:
        is_as_noted = False
    if not is_as_noted:
        changed.append(kind.mark)
    write_aside(folder / kind.mark, sealed(content, kind.mark, hashes))
    return changed


def _own_hash(raw: bytes, own: str) -> str:
    return hashlib.sha256(raw.replace(own.encode(), BLANK.encode())).hexdigest()


def _the(kind: FolderKind, folder: Path) -> str:
    return f"the {kind.title.partition(' ')[2]} {str(folder)!r}"


def _remedy(folder: Path, *, is_on_purpose: bool = True) -> str:
    cache = next((path.parent for path in folder.parents if path.name == "snapshots"), None)
    if cache is not None:  # of the hub: what lies there is not for changing
        return f"Delete {str(cache)!r}, where it was downloaded to, and load it again."
    advice = f"; if you changed it on purpose, call headstart.accept_changes({str(folder)!r})" if is_on_purpose else ""
    return f"Copy or save it anew{advice}."


__all__ = [
    "BLANK",
    "FIELD",
    "Seal",
    "accept_changes",
    "damaged",
    "drop_figures",
    "hashed_files",
    "known_seal",
    "note_hashes",
    "read_seal",
    "sealed",
]
