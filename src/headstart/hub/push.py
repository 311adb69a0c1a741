"""Publish a checkpoint, a head or an exported skill on a hub: in one commit, and nothing but what loading it takes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.data.rows import counted
from headstart.hub.endpoint import endpoint_files
from headstart.modeling.folders_headstart import (
    CATALOGS,
    CHECKPOINT,
    CONFIG,
    CRF,
    EXPORT,
    EXPORTED,
    HEAD_FOLDER,
    PIPELINE_CODE,
    VALUES,
    FolderKind,
    find_heads,
    kind_of,
)
from headstart.modeling.hub_headstart import PublishError, publish
from headstart.modeling.integrity_headstart import read_seal
from headstart.modeling.json_headstart import parse_object

logger = logging.getLogger(__name__)


def push(
    model: str | Path,
    repo_id: str,
    *,
    path_in_repo: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    message: str | None = None,
    token: str | None = None,
) -> str:
    """Publish the files of a folder in one commit: if it is interrupted, no part of it is there, and it can be given again. With them go a
    `handler.py` and its `requirements.txt`, which Hugging Face's Inference Endpoints run; a folder's own ones, if it has any.

    Args:
        model: folder or short name of a checkpoint, folder of a head, or what `headstart export` wrote.
        repo_id: `owner/name`, or `name` for your own account; made if it is not there.
        path_in_repo: for a head, a folder in a repository of several, usually named after the skill; unset: at the top.
        private: True: nobody else may see it; unset: a new repository is as the account has it.
        revision: branch to push to, made if it is not there; unset: main.
        message: of the commit.
        token: of the hub; unset: the one that `hf auth login` or HF_TOKEN left.

    Returns:
        address of the commit.

    Raises:
        ValueError: the folder holds no complete model, or the name is none that a hub allows.
        PublishError: there is no token, no right to write, no network, or the repository holds something else or is public.
    """
    folder = Path(resolve_checkpoint(model))
    kind = complete_kind(folder)
    if path_in_repo is not None and kind is not HEAD_FOLDER:
        raise ValueError(
            f"path_in_repo is for heads; {str(folder)!r} holds a whole model, which goes to the top of a repository of its own."
        )
    files: dict[str, Path | bytes] = {
        path.name: path for path in sorted(path for pattern in kind.published for path in folder.glob(pattern) if path.is_file())
    }
    code = [name for name in files if name.endswith(".py")]
    if path_in_repo is None:  # endpoints look at the top alone
        files |= endpoint_files(folder, kind)
    left_out = sorted({path.name for path in folder.iterdir()} - set(files))
    shown = [name for name in files if name not in code] + [counted(len(code), "file") + " of code"] * bool(code)
    logger.info("publishing %s", ", ".join(shown))
    if left_out:
        logger.info("not published: %s", ", ".join(left_out))
    return publish(
        repo_id,
        files,
        kind.name,
        message or f"{checkpoint_name(str(folder))}, with headstart push",
        path_in_repo=path_in_repo,
        private=private,
        revision=revision,
        token=token,
    )


def complete_kind(folder: Path) -> FolderKind:
    """The kind of a folder, with all that it needs.

    Raises:
        ValueError: it is of no kind, or something is missing.
    """
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is no folder; a checkpoint is pushed from the disk.")
    kind = kind_of(folder)
    if kind is None and (heads := find_heads(folder)):
        names = ", ".join(head.name for head in heads)
        raise ValueError(f"{str(folder)!r} holds several heads ({names}): push them one by one, each with --path_in_repo.")
    kind = kind or CHECKPOINT
    needed = list(kind.needed)
    if kind is EXPORTED:
        skill = _read(folder / EXPORT).get("skill")
        skill = skill if isinstance(skill, dict) else {}
        needed += (
            [CRF] * bool(skill.get("slots")) + [CATALOGS] * bool(skill.get("gazetteer")) + [VALUES] * bool(skill.get("canonical"))
        )
    if kind is CHECKPOINT:
        needed += _code_of(folder)
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise ValueError(f"{str(folder)!r} holds no complete model: it lacks {', '.join(missing)}; {kind.remedy}.")
    seal = read_seal(folder, kind)
    seal.check(seal.hashes)  # what is damaged is not for others
    return kind


def _code_of(folder: Path) -> list[str]:
    """The files of code that a checkpoint's configuration names.

    Raises:
        ValueError: it is none of Headstart's.
    """
    config = _read(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    if config.get("model_type") != CHECKPOINT.name:
        raise ValueError(f"{str(folder)!r} holds no Headstart checkpoint (its model_type is {config.get('model_type')!r}).")
    try:
        code = [*config.get("auto_map", {}).values(), *(entry["impl"] for entry in config.get("custom_pipelines", {}).values())]
        code = [name.split(".")[0] for name in code]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{str(folder / CONFIG)!r} can't be read: its auto_map or custom_pipelines are none.") from error
    # What a Trainer leaves to resume from names no pipeline: without it, nobody else could load the checkpoint.
    return [PIPELINE_CODE] * ("custom_pipelines" not in config) + sorted({f"{name}.py" for name in code})


def _read(file: Path) -> dict[str, Any]:
    try:
        return parse_object(file.read_bytes(), repr(str(file)))
    except ValueError as error:
        raise ValueError(f"{error}.") from error


__all__ = ["PublishError", "complete_kind", "push"]
