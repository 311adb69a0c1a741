"""Publish a checkpoint, a head or an exported skill on a hub: in one commit, and nothing but what loading it takes. And pull the latter two."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.modeling.heads_headstart import DESCRIPTION, WEIGHTS
from headstart.modeling.hub_headstart import PublishError, publish
from headstart.onnx import CATALOGS, CRF, NETWORK, SKILL, TOKENIZER

logger = logging.getLogger(__name__)

CONFIG, CARD = "config.json", "README.md"
# By name: a folder of training holds pickles, states of the optimizer and paths of the machine, and may hold anything besides.
NEEDED = {
    "headstart": (CONFIG, "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    "onnx": (NETWORK, TOKENIZER, SKILL),
    "head": (WEIGHTS, DESCRIPTION),
}
PUBLISHED = {
    "headstart": (*NEEDED["headstart"], "*_headstart.py", "metrics.json", "run.json", CARD),
    "onnx": (*NEEDED["onnx"], CRF, CATALOGS, CARD),
    "head": (*NEEDED["head"], "metrics.json", "run.json", CARD),
}


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
    """Publish the files of a folder in one commit: if it is interrupted, no part of it is there, and it can be given again.

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
    kind = _kind_of(folder)
    if path_in_repo is not None and kind != "head":
        raise ValueError(
            f"path_in_repo is for heads; {str(folder)!r} holds a whole model, which goes to the top of a repository of its own."
        )
    files = sorted(path for pattern in PUBLISHED[kind] for path in folder.glob(pattern) if path.is_file())
    left_out = sorted({path.name for path in folder.iterdir()} - {path.name for path in files})
    logger.info("publishing %s", ", ".join(path.name for path in files))
    if left_out:
        logger.info("not published: %s", ", ".join(left_out))
    return publish(
        repo_id,
        {path.name: path for path in files},
        kind,
        message or f"{checkpoint_name(str(folder))}, with headstart push",
        path_in_repo=path_in_repo,
        private=private,
        revision=revision,
        token=token,
    )


def pull(repo_id: str, revision: str | None = None, token: str | bool | None = None) -> Path | None:
    """The folder in the cache with the heads or the exported skill of a repository; None if it holds neither or can't be looked into.

    A whole checkpoint is none of these: transformers loads it, and says what is wrong with a repository that isn't there.

    Args:
        repo_id: its name.
        revision: branch, tag or commit.
        token: of the hub.
    """
    hub: dict[str, Any] = {"revision": revision, "token": token}
    try:
        folder = Path(snapshot_download(repo_id, allow_patterns=[CONFIG, SKILL, DESCRIPTION, f"*/{DESCRIPTION}"], **hub))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        logger.debug("%s was not looked into: %s", repo_id, error)
        return None
    if (folder / CONFIG).is_file():
        return None
    if (folder / SKILL).is_file():
        return Path(snapshot_download(repo_id, allow_patterns=list(PUBLISHED["onnx"]), **hub))
    if [*folder.glob(DESCRIPTION), *folder.glob(f"*/{DESCRIPTION}")]:
        patterns = [pattern for name in NEEDED["head"] for pattern in (name, f"*/{name}")]
        return Path(snapshot_download(repo_id, allow_patterns=patterns, **hub))
    return None


def _kind_of(folder: Path) -> str:
    """`headstart` for a checkpoint, `onnx` for an exported skill, `head` for a head, each with all that it needs.

    Raises:
        ValueError: it is neither, or something is missing.
    """
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is no folder; a checkpoint is pushed from the disk.")
    is_head = (folder / DESCRIPTION).is_file() and not (folder / CONFIG).is_file()
    kind = "onnx" if (folder / SKILL).is_file() else "head" if is_head else "headstart"
    needed = list(NEEDED[kind])
    if kind == "onnx":
        skill = _read(folder / SKILL).get("skill", {})
        needed += [CRF] * bool(skill.get("slots")) + [CATALOGS] * bool(skill.get("gazetteer"))
        remedy = "export it anew"
    elif kind == "head":
        remedy = "train it again, or save it with model.save_skill"
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


__all__ = ["PublishError", "pull", "push"]
