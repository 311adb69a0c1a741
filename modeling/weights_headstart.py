"""Files of weights, without torch: how they are written, their hashes, and the shapes that they say they hold."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from .json_headstart import parse_object

ASIDE = ".unfinished-"  # what the names of files begin with that are being written; then comes the number of the process
MAX_HEADER = 100_000_000  # bytes; what safetensors itself allows


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


def read_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a safetensors file, by name, as its header has them; nothing else is read.

    Raises:
        ValueError: it is none, or is cut off.
    """
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        size = file.stat().st_size
        if not 2 <= length <= min(MAX_HEADER, size - 8):
            raise ValueError(f"{file.name} can't be read (it is cut off, or no file of safetensors)")
        header = parse_object(stream.read(length), file.name)
    header.pop("__metadata__", None)
    shapes, end = {}, 0
    for name, found in header.items():
        shape: Any
        offsets: Any
        shape, offsets = (found.get(field) if isinstance(found, dict) else None for field in ("shape", "data_offsets"))
        if not _is_sizes(shape) or not _is_sizes(offsets) or len(offsets) != 2:
            raise ValueError(f"{file.name} can't be read (it says nothing of the shape of {name[:80]})")
        shapes[name] = tuple(shape)
        end = max(end, offsets[1])
    if 8 + length + end != size:
        raise ValueError(f"{file.name} can't be read (it has {size} bytes and should have {8 + length + end})")
    return shapes


def _is_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


__all__ = ["ASIDE", "file_hash", "read_shapes", "write_aside"]
