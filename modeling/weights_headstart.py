"""Weights that are what was saved: their SHA-256 stands in the configuration beside them, and is compared when they are loaded."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .folders_headstart import CONFIG

FIELD = "weights_sha256"
ASIDE = ".unfinished-"  # what the names of files begin with that are being written; then comes the number of the process


def write_aside(path: Path, content: bytes) -> None:
    """Write aside and rename, so that an interrupted writer leaves the old file or the new one."""
    aside = path.with_name(f"{ASIDE}{os.getpid()}-{path.name}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def note_hashes(folder: Path, variant: str | None = None) -> None:
    """Write the hashes of the weights that were just saved in a folder, whole or in shards, into its configuration."""
    config = _read(folder)
    stem = "model" if variant is None else f"model.{variant}"
    files = [path for pattern in (f"{stem}.safetensors", f"{stem}-*-of-*.safetensors") for path in sorted(folder.glob(pattern))]
    config[FIELD] = {path.name: file_hash(path) for path in files}
    write_aside(folder / CONFIG, (json.dumps(config, indent=2, sort_keys=True) + "\n").encode())


def check_hashes(folder: Path) -> None:
    """Raise `ValueError` if a folder's weights are not those that its configuration was saved with; nothing is known of others.

    Raises:
        ValueError: a file is missing, cut off or changed, or the configuration can't be read.
    """
    if not (folder / CONFIG).is_file():
        return
    hashes = _read(folder).get(FIELD)
    if not isinstance(hashes, dict):
        return
    is_empty = not any(folder.glob("model*.safetensors"))
    for name, wanted in hashes.items():
        file = folder / Path(name).name
        if not file.is_file() and (is_empty or len(hashes) > 1):  # one variant may have been taken away for another
            raise ValueError(f"the checkpoint {str(folder)!r} is not complete: it lacks {file.name}. Copy or save it anew.")
        if not file.is_file():
            continue
        if file_hash(file) != wanted:
            raise ValueError(
                f"the checkpoint {str(folder)!r} is damaged: {file.name} is not what {CONFIG} was saved with. Copy or save it anew; if "
                f"you changed its weights on purpose, take {FIELD!r} out of {CONFIG}."
            )


def _read(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"the checkpoint {str(folder)!r} is damaged: {CONFIG} can't be read ({error}). Copy or save it anew."
        ) from error
    if not isinstance(config, dict):
        raise ValueError(f"the checkpoint {str(folder)!r} is damaged: {CONFIG} holds no JSON object. Copy or save it anew.")
    return config


__all__ = ["ASIDE", "check_hashes", "file_hash", "note_hashes", "write_aside"]
