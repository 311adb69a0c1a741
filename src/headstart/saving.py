"""Folders that are whole or not there, whenever their writer is killed or the disk is full."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from headstart.modeling.folders_headstart import HASHES, RUN_FACTS, TRAINING_FILES, training_states
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
        ValueError: the block left `last` out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    with tempfile.TemporaryDirectory(prefix=f"{ASIDE}{os.getpid()}-", dir=folder) as made:
        aside = Path(made)
        with named_write_errors(folder):
            yield aside
        files = {file.relative_to(aside): file for file in sorted(aside.rglob("*")) if not file.is_dir()}
        if Path(last) not in files:
            raise ValueError(
                f"found {', '.join(map(str, files)) or 'nothing'} to put into {str(folder)!r}; {last} must be one of them."
            )
        (folder / last).unlink(missing_ok=True)
        for name in outdated:
            if Path(name) not in files:
                (folder / name).unlink(missing_ok=True)
        newest = files.pop(Path(last))
        for place, file in files.items():
            (folder / place).parent.mkdir(exist_ok=True)
            file.replace(folder / place)
        newest.replace(folder / last)


def check_suffix(path: Path, suffix: str) -> None:
    """Raise `ValueError` if a file is called otherwise than what is written into it."""
    if path.suffix.lower() != suffix:
        raise ValueError(f"{str(path)!r}: what is written is a {suffix} file; call it so.")


def write_file(path: Path, text: str) -> None:
    """Write a text file in UTF-8: aside, and renamed, so that an interrupted writer leaves the old one. A link stays one, and what it leads to is
    written; a pipe or a device is written as it is.

    Raises:
        OSError: it can't be written; the message names it.
    """
    content = text.encode()
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            write_aside(path.resolve(), content)
    except OSError as error:
        raise OSError(f"{str(path)!r} can't be written ({error.strerror}); give a file in a folder that is there.") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a folder for whoever writes in it: another process, or thread, that wants it meanwhile gets an error. Of several processes of one
    run the first one has it.

    The lock is the system's, on the file `.NAME.lock` beside the folder, or in it where nothing can be written beside it; it ends with its
    process. The file is taken away in the end; that of a process that was killed is of no consequence.

    Raises:
        OSError: somebody else has it, or nothing can be written there.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    from filelock import FileLock, SoftFileLock, Timeout  # which imports asyncio: commands that lock nothing don't wait for it

    file = _lock_file(folder.resolve())
    lock = FileLock(file)
    try:
        holder = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
        lock.acquire(timeout=0)
    except Timeout as error:
        who = f"another run (process {holder})" if holder else "another run"
        raise OSError(f"{str(folder)!r} is being written by {who}: wait for its end, or give another folder.") from error
    try:
        if not isinstance(lock, SoftFileLock):  # which has a content of its own
            with suppress(OSError):  # on a full disk the process isn't known
                file.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):  # Windows keeps a file that is open
            file.unlink(missing_ok=True)  # before it is released: whoever opened it meanwhile finds that it is gone
        lock.release()


def _lock_file(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if os.access(folder.parent, os.W_OK) and folder.name:
        return folder.with_name(f".{folder.name}.lock")
    folder.mkdir(exist_ok=True)
    return folder / ".lock"


def _clear(folder: Path) -> None:
    """Take away what writers that were killed have left; their processes' numbers are in its name."""
    for left in folder.glob(f"{ASIDE}*-*"):
        process = left.name.removeprefix(ASIDE).split("-")[0]
        if not process.isdecimal() or _is_alive(int(process)):
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


def begin_checkpoint(checkpoint: Path, facts: Mapping[str, Any]) -> None:
    """Make the folder of a checkpoint of training, and write into it what run it is of, before anything else.

    Raises:
        OSError: there is a folder of that name that this run didn't write.
    """
    check_checkpoint_room(checkpoint, facts)
    if checkpoint.exists():  # of the same run, or half of another
        remove_checkpoint(checkpoint)
    checkpoint.mkdir(parents=True, exist_ok=True)
    write_aside(checkpoint / RUN_FACTS, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())


def check_checkpoint_room(checkpoint: Path, facts: Mapping[str, Any]) -> None:
    """See that a checkpoint of training may be written in a folder.

    Raises:
        OSError: it holds what no training wrote, or the complete checkpoint of another run.
    """
    if not checkpoint.exists() or (checkpoint.is_dir() and not any(checkpoint.iterdir())):
        return
    is_complete = (checkpoint / HASHES).is_file()
    if not _is_written(checkpoint) or (is_complete and _read_facts(checkpoint) not in (None, dict(facts))):
        raise OSError(
            f"{str(checkpoint)!r} is there, and this run didn't write it, but would put a checkpoint in its place: move it, or give another "
            "output_dir."
        )


def _is_written(checkpoint: Path) -> bool:
    """Whether training wrote, or began to write, a folder."""
    return (checkpoint / RUN_FACTS).is_file() or (checkpoint / HASHES).is_file()


def facts_of(checkpoint: Path) -> dict[str, Any] | None:
    """What a checkpoint of training says of its run; None if it says nothing, as those of headstart 0.1.

    Raises:
        ValueError: it can't be read.
    """
    try:
        facts = json.loads((checkpoint / RUN_FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{str(checkpoint / RUN_FACTS)!r} can't be read: {error}.") from error
    if not isinstance(facts, dict):
        raise ValueError(f"{str(checkpoint / RUN_FACTS)!r} can't be read: it holds no JSON object.")
    return facts


def states_of(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """The checkpoints in a folder that a run wrote, also those that are not complete: all that say so, and those of headstart 0.1, which
    don't say of which run they are. Those of most steps come first."""
    return [state for state in training_states(folder) if _is_written(state) and _read_facts(state) in (None, dict(facts))]


def _read_facts(checkpoint: Path) -> dict[str, Any] | None:
    try:
        return facts_of(checkpoint)
    except ValueError:
        return {}  # nobody's


def remove_checkpoint(checkpoint: Path) -> None:
    """Take away what training wrote in a folder; if anything else lies there, that stays, and the log says so."""
    (checkpoint / HASHES).unlink(missing_ok=True)
    files = sorted(
        file for pattern in TRAINING_FILES for file in checkpoint.glob(pattern) if file.name != RUN_FACTS and file.is_file()
    )
    for file in [*dict.fromkeys(files), checkpoint / RUN_FACTS]:  # which says whose it is until the end
        file.unlink(missing_ok=True)
    if left := sorted(path.name for path in checkpoint.iterdir()):
        logger.warning("%s stays: it holds %s, which training didn't write", checkpoint, ", ".join(left[:5]))
    else:
        checkpoint.rmdir()


def rotate(states: Sequence[Path], limit: int | None, kept: Sequence[Path]) -> None:
    """Take away checkpoints until there are no more of them than wanted.

    Args:
        states: those of the run, those of most steps first.
        limit: how many are wanted; None or 0: all.
        kept: those that must stay: the newest, and the best.
    """
    stay = {path.resolve() for path in kept}
    goable = [state for state in states if state.resolve() not in stay]
    for state in reversed(goable[max(limit - (len(states) - len(goable)), 0) :] if limit else []):
        remove_checkpoint(state)


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


__all__ = [
    "begin_checkpoint",
    "check_checkpoint_room",
    "check_suffix",
    "facts_of",
    "locked",
    "mark_complete",
    "named_write_errors",
    "newest_complete",
    "remove_checkpoint",
    "rotate",
    "states_of",
    "what_is_wrong",
    "write_file",
    "written_aside",
]
