"""Publish a checkpoint, or an exported skill, on a hub: in one commit, and nothing but what loading it takes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi, get_token, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RevisionNotFoundError

from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.onnx import CATALOGS, CRF, NETWORK, SKILL, TOKENIZER

logger = logging.getLogger(__name__)

CONFIG, CARD = "config.json", "README.md"
# By name: a folder of training holds pickles, states of the optimizer and paths of the machine, and may hold anything besides.
NEEDED = {
    "headstart": (CONFIG, "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    "onnx": (NETWORK, TOKENIZER, SKILL),
}
PUBLISHED = {
    "headstart": (*NEEDED["headstart"], "*_headstart.py", "metrics.json", "run.json", CARD),
    "onnx": (*NEEDED["onnx"], CRF, CATALOGS, CARD),
}
NAMES = {"headstart": "a Headstart checkpoint", "onnx": "an exported skill"}


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
    """Publish the files of a folder in one commit: if it is interrupted, no part of it is there, and it can be given again.

    Args:
        model: folder or short name of a checkpoint, or what `headstart export` wrote.
        repo_id: `owner/name`, or `name` for your own account; made if it is not there.
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
    kind = _kind_of(folder)
    files = sorted(path for pattern in PUBLISHED[kind] for path in folder.glob(pattern) if path.is_file())
    left_out = sorted({path.name for path in folder.iterdir()} - {path.name for path in files})
    logger.info("publishing %s", ", ".join(path.name for path in files))
    if left_out:
        logger.info("not published: %s", ", ".join(left_out))
    token = token or get_token()
    if token is None:
        raise PublishError("there is no token for the hub: run `hf auth login`, or set HF_TOKEN.")
    api = HfApi(token=token)
    with _explained(repo_id):
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        head = _check_remote(api, repo_id, kind, private, revision)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        commit = api.create_commit(
            repo_id,
            [CommitOperationAdd(path.name, path) for path in files],
            commit_message=message or f"{checkpoint_name(str(folder))}, with headstart push",
            revision=revision,
            parent_commit=head,
        )
    return str(commit.commit_url)


def _kind_of(folder: Path) -> str:
    """`headstart` for a checkpoint, `onnx` for an exported skill, each with all that it needs.

    Raises:
        ValueError: it is neither, or something is missing.
    """
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is no folder; a checkpoint is pushed from the disk.")
    kind = "onnx" if (folder / SKILL).is_file() else "headstart"
    needed = list(NEEDED[kind])
    if kind == "onnx":
        skill = _read(folder / SKILL).get("skill", {})
        needed += [CRF] * bool(skill.get("slots")) + [CATALOGS] * bool(skill.get("gazetteer"))
        remedy = "export it anew"
    else:
        config = _read(folder / CONFIG) if (folder / CONFIG).is_file() else {}
        if config.get("model_type") != "headstart":
            raise ValueError(f"{str(folder)!r} holds no Headstart checkpoint (its model_type is {config.get('model_type')!r}).")
        if "custom_pipelines" not in config:  # what a Trainer leaves to resume from: without it, nobody else could load it
            needed.append("pipeline_headstart.py")
        code = [*config.get("auto_map", {}).values(), *(entry["impl"] for entry in config.get("custom_pipelines", {}).values())]
        needed += sorted({f"{name.split('.')[0]}.py" for name in code})
        remedy = "push what finetune saved, or save it with NLUPipeline.save_pretrained"
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise ValueError(f"{str(folder)!r} holds no complete model: it lacks {', '.join(missing)}; {remedy}.")
    return kind


def _read(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{str(file)!r} holds no JSON object.")
    return content


def _check_remote(api: HfApi, repo_id: str, kind: str, private: bool | None, revision: str | None) -> str | None:
    """See that a push would neither publish what shall be private, nor mix two kinds of models.

    Returns:
        the commit that was looked at, if the branch is there already.
    """
    try:
        info = api.model_info(repo_id, revision=revision)
        head = info.sha
    except RevisionNotFoundError:  # it will start from main
        info, head = api.model_info(repo_id), None
    if private and not info.private:
        raise PublishError(f"{repo_id} is there already, and public: make it private in its settings, or push to another name.")
    files = [sibling.rfilename for sibling in info.siblings or []]
    found = "onnx" if SKILL in files else None
    if CONFIG in files:
        found = str(_read(Path(hf_hub_download(repo_id, CONFIG, revision=info.sha, token=api.token))).get("model_type"))
    if found not in (None, kind):
        raise PublishError(f"{repo_id} holds {NAMES.get(found, f'a model of type {found}')} already; push to another name.")
    return head


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """The hub's errors in one line that says what to do; those of this machine as they are."""
    try:
        yield
    except HFValidationError as error:
        raise ValueError(f"{repo_id!r} is no name of a repository: {_first_line(error)}") from error
    except OfflineModeIsEnabled as error:
        raise PublishError("HF_HUB_OFFLINE is set, so nothing can be pushed: unset it.") from error
    except HfHubHTTPError as error:
        raise PublishError(_of_status(repo_id, error)) from error
    except (ConnectionError, TimeoutError, RuntimeError) as error:
        raise PublishError(f"the hub broke off ({_first_line(error)}); no commit was made: push again.") from error
    except Exception as error:
        if not type(error).__module__.startswith("httpx"):
            raise
        raise PublishError(f"the hub can't be reached ({_first_line(error)}); no commit was made: push again.") from error


def _of_status(repo_id: str, error: HfHubHTTPError) -> str:
    status = error.response.status_code
    reasons = {
        401: "the hub doesn't accept the token: run `hf auth login` again, or set HF_TOKEN to one that can write.",
        403: f"this token may not write to {repo_id}: take a name of your own account, or a token that can write.",
        404: f"{repo_id} is not there, or is private and not yours: check the name and the token.",
        412: f"somebody else has pushed to {repo_id} meanwhile: push again.",
    }
    said = error.server_message or _first_line(error)
    advice = ": push again" if status == 429 or status >= 500 else ""
    return reasons.get(status, f"the hub refused with status {status} ({said}); no commit was made{advice}.")


def _first_line(error: BaseException) -> str:
    return re.split(r"\n|\(Request ID", str(error))[0].strip() or type(error).__name__


__all__ = ["PublishError", "push"]
