"""Publish a checkpoint, or an exported skill, on a hub: in one commit, and nothing but what loading it takes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, get_token, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.onnx import SKILL

logger = logging.getLogger(__name__)

# No pickle is ever published: neither optimizer states nor training_args.bin, nor whatever else lies in the folder.
PUBLISHED = ("*.safetensors", "*.json", "*.py", "README.md", "*.onnx", "*.npz")
CONFIG = "config.json"


class PublishError(OSError):
    """A push did not go through; the message says what to do."""


def push(
    model: str | Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    message: str | None = None,
    token: str | None = None,
) -> str:
    """Publish the files of a folder in one commit: if it is interrupted the repository stays as it was, and it can be given again.

    Args:
        model: folder or short name of a checkpoint, or what `headstart export` wrote.
        repo_id: `owner/name`, or `name` for your own account; made if it is not there.
        private: who may see a new repository; unset: as the account has it.
        revision: branch to push to, made if it is not there; unset: main.
        message: of the commit.
        token: of the hub; unset: the one that `hf auth login` or HF_TOKEN left.

    Returns:
        address of the commit.

    Raises:
        ValueError: the folder holds no complete model, or the name is none that a hub allows.
        PublishError: there is no token, no right to write, no network, or the repository holds something else.
    """
    folder = Path(resolve_checkpoint(model))
    kind = _kind_of(folder)
    left_out = sorted({path.name for path in folder.iterdir()} - {path.name for path in _published(folder)})
    if left_out:
        logger.info("not published: %s", ", ".join(left_out))
    if token is None and get_token() is None:
        raise PublishError("there is no token for the hub: run `hf auth login`, or set HF_TOKEN.")
    api = HfApi(token=token)
    with _explained(repo_id):
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        _check_remote(api, repo_id, kind)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id, folder_path=folder, revision=revision, allow_patterns=list(PUBLISHED), ignore_patterns=["*/*"],
            commit_message=message or f"{checkpoint_name(str(folder))}, with headstart push",
        )  # fmt: skip
    return str(commit.commit_url)


def _kind_of(folder: Path) -> str:
    """`headstart` for a checkpoint, `onnx` for an exported skill."""
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is no folder; a checkpoint is pushed from the disk.")
    if (folder / SKILL).is_file():
        return "onnx"
    config = folder / CONFIG
    found = json.loads(config.read_text(encoding="utf-8")).get("model_type") if config.is_file() else None
    missing = [name for name in ("model.safetensors", "tokenizer.json") if not (folder / name).is_file()]
    if found != "headstart" or missing:
        what = f"its model_type is {found!r}" if found != "headstart" else f"{missing[0]} is missing"
        raise ValueError(f"{str(folder)!r} holds no complete Headstart checkpoint ({what}): save it with save_pretrained.")
    return "headstart"


def _published(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and any(path.match(pattern) for pattern in PUBLISHED)]


def _check_remote(api: HfApi, repo_id: str, kind: str) -> None:
    """Raise `PublishError` if the repository holds a model of another kind, which a push would mix with this one."""
    files = api.list_repo_files(repo_id)
    found = "onnx" if SKILL in files else None
    if CONFIG in files:
        config = json.loads(Path(hf_hub_download(repo_id, CONFIG, token=api.token)).read_text(encoding="utf-8"))
        found = str(config.get("model_type"))
    if found not in (None, kind):
        names = {"onnx": "an exported skill", "headstart": "a Headstart checkpoint"}
        raise PublishError(f"{repo_id} holds {names.get(found, f'a model of type {found}')} already; push to another name.")


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """The hub's errors in one line that says what to do."""
    try:
        yield
    except PublishError:
        raise
    except HFValidationError as error:
        raise ValueError(f"{repo_id!r} is no name of a repository: {_first_line(error)}") from error
    except OfflineModeIsEnabled as error:
        raise PublishError("HF_HUB_OFFLINE is set, so nothing can be pushed: unset it.") from error
    except HfHubHTTPError as error:
        raise PublishError(_of_status(repo_id, error)) from error
    except (OSError, RuntimeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise PublishError(
            f"the hub can't be reached, or broke off ({_first_line(error)}); {repo_id} is as it was: push again."
        ) from error
    except Exception as error:
        if not type(error).__module__.startswith("httpx"):
            raise
        raise PublishError(f"the hub can't be reached ({_first_line(error)}); {repo_id} is as it was: push again.") from error


def _of_status(repo_id: str, error: Any) -> str:
    status: int = getattr(getattr(error, "response", None), "status_code", 0)
    reasons = {
        401: "the hub doesn't accept the token: run `hf auth login` again, or set HF_TOKEN to one that can write.",
        403: f"this token may not write to {repo_id}: take a name of your own account, or a token that can write.",
        404: f"{repo_id} is not there, or is private and not yours: check the name and the token.",
        412: f"somebody else has pushed to {repo_id} meanwhile: push again.",
    }
    return reasons.get(status, f"the hub refused ({_first_line(error)}); {repo_id} is as it was: push again.")


def _first_line(error: BaseException) -> str:
    return re.split(r"\n|\(Request ID", str(error))[0].strip() or type(error).__name__


__all__ = ["PublishError", "push"]
