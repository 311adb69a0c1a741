"""Files of weights, without torch: how they are written, their hashes, and the shapes that they say they hold."""

from __future__ import annotations

import functools
import hashlib
import os
import time
from pathlib import Path
from typing import Any

from .json_headstart import parse_object

ASIDE = ".unfinished-"  # what the names of files begin with that are being written; then comes the number of the process
PART = 2**23  # bytes
LARGE, SETTLED = 2**18, 4 * 10**9  # bytes; nanoseconds
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
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        # Large parts: a thread that hashes waits for others after each of them.
        while part := stream.read(PART):
            digest.update(part)
    return digest.hexdigest()


def seen_hash(path: Path) -> str:
    """[`file_hash`], without reading a large file again that this process has read, and that has not been written since."""
    found = path.stat()
    # A clock may stand still for as long: what was just written could be written again without a trace.
    if found.st_size < LARGE or time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < SETTLED:
        return file_hash(path)
    return _seen_hash(path.resolve(), (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@functools.lru_cache(maxsize=256)
def _seen_hash(path: Path, state: tuple[int, ...]) -> str:
    return file_hash(path)


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


__all__ = ["ASIDE", "file_hash", "read_shapes", "seen_hash", "write_aside"]
