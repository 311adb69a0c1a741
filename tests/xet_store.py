"""What Xet's client has stored under a `local://` address: it keeps chunks ("xorbs") and shards there itself, without a server.

A shard lists files by their Xet hash, with their SHA-256 beside it; the hub, which knows files by the latter, looks the former up here. The layout of
a shard is that of xet-core's mdb_shard: records of 48 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

RECORD = 48
WITH_VERIFICATION, WITH_METADATA = 1 << 31, 1 << 30
END = b"\xff" * 32


def xet_hashes(folder: Path) -> dict[str, str]:
    """Xet hashes of the files in a store by their SHA-256, both in hexadecimal digits."""
    return {sha256: xet for shard in folder.rglob("*.mdb") for sha256, xet in _files(shard.read_bytes())}


def _files(shard: bytes) -> Iterator[tuple[str, str]]:
    position = RECORD  # after the header
    while position + RECORD <= len(shard) and shard[position : position + 32] != END:
        xet, flags, entries = shard[position : position + 32], *struct.unpack_from("<II", shard, position + 32)
        position += RECORD * (1 + entries + (entries if flags & WITH_VERIFICATION else 0))
        if flags & WITH_METADATA:
            yield _digits(shard[position : position + 32]), _digits(xet)
            position += RECORD


def _digits(hash_: bytes) -> str:
    """A hash is four numbers, each with its lowest byte first."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", hash_))
