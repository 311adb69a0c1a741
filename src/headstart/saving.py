"""Folders that are whole or not there, whenever their writer is killed or the disk is full."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from headstart.modeling.folders_headstart import HASHES, training_states
from headstart.modeling.weights_headstart import ASIDE, file_hash, write_aside

# What torch.save says of a failed write, by version and moment.
_TORCH_WRITE_ERRORS = ("PytorchStreamWriter", "inline_container", "iostream error")

logger = logging.getLogger(__name__)


@contextmanager
def named_write_errors(folder: Path) -> Iterator[None]:
    """Turns what libraries raise where the disk is full, or can't be written, into an `OSError` that names the folder."""
    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        if isinstance(error, SafetensorError) or any(words in str(error) for words in _TORCH_WRITE_ERRORS):
            raise OSError(f"{str(folder)!r} can't be written, the disk may be full: {str(error).splitlines()[0]}") from error
        raise


@contextmanager
def written_aside(folder: Path, last: str, outdated: Sequence[str] = ()) -> Iterator[Path]:
    """A folder to write files in, which take their places in `folder` when the block ends; if it fails, `folder` stays as it was.

    For one writer at a time.

    Args:
        folder: made if it is not there.
        last: the file without which nothing loads the folder. An old one is taken away before any other file is replaced, and the new one
            comes after all others: in between the folder holds no model, rather than half of one and half of another.
        outdated: files of an earlier writer, which go, in this order, where there is no new one.

    Raises:
        ValueError: the block left `last` out, or made a folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    with tempfile.TemporaryDirectory(prefix=f"{ASIDE}{os.getpid()}-", dir=folder) as made:
        aside = Path(made)
        with named_write_errors(folder):
            yield aside
        files = {file.name: file for file in aside.iterdir()}
        if last not in files or any(file.is_dir() for file in files.values()):
            raise ValueError(
                f"found {', '.join(sorted(files)) or 'nothing'} to put into {str(folder)!r}; it must be files, and {last} one of them."
            )
        (folder / last).unlink(missing_ok=True)
        for name in outdated:
            if name not in files:
                (folder / name).unlink(missing_ok=True)
        for file in [*(file for name, file in files.items() if name != last), files[last]]:
            file.replace(folder / file.name)


def _clear(folder: Path) -> None:
    """Take away what writers that were killed have left."""
    for left in folder.glob(f"{ASIDE}*"):
        process = left.name.removeprefix(ASIDE).split("-")[0]
        if process.isdecimal() and _is_alive(int(process)):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def mark_complete(checkpoint: Path) -> None:
    """Write the hashes of a checkpoint's files beside them."""
    hashes = {path.name: file_hash(path) for path in sorted(checkpoint.iterdir()) if path.is_file() and path.name != HASHES}
    write_aside(checkpoint / HASHES, (json.dumps(hashes, indent=1) + "\n").encode())


def what_is_wrong(checkpoint: Path) -> str | None:
    """Why training can't be resumed from a checkpoint; None if it is complete and as it was written."""
    if not checkpoint.is_dir():
        return "there is no such folder"
    try:
        hashes = json.loads((checkpoint / HASHES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"it is not complete, or of an earlier version: it has no {HASHES}, which is written last"
    except ValueError:
        return f"{HASHES} can't be read"
    if not isinstance(hashes, dict):
        return f"{HASHES} can't be read"
    for name, wanted in hashes.items():
        file = checkpoint / Path(name).name
        if not file.is_file():
            return f"it lacks {file.name}"
        if file_hash(file) != wanted:
            return f"{file.name} is damaged"
    return None


def newest_complete(folder: Path) -> Path | None:
    """The newest checkpoint of training in a folder that can be resumed from; the log names newer ones that can't."""
    for checkpoint in training_states(folder):
        problem = what_is_wrong(checkpoint)
        if problem is None:
            return checkpoint
        logger.warning("%s is left out: %s", checkpoint, problem)
    return None


__all__ = ["mark_complete", "named_write_errors", "newest_complete", "what_is_wrong", "written_aside"]
