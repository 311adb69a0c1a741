"""What a skill was taught, in its folder: the rows, and the layers as they were trained, so that it can be taken back by another process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save, save_file
from torch import nn

from headstart.finetuning.learning import Learned, Taught, remember, taught_of
from headstart.loading import load_pipeline, skill_entry
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.configuration_headstart import check_entry
from headstart.modeling.folders_headstart import CHECKPOINT, HEAD_FOLDER, kind_of
from headstart.modeling.integrity_headstart import read_seal
from headstart.modeling.json_headstart import distinct
from headstart.saving import locked, written_aside
from headstart.version import __version__

# Beside a model. They are no files of it: nothing publishes them, for rows may be private.
ROWS, TRAINED = "learned.json", "learned.safetensors"


def change_folder(
    folder: str | Path, change: Callable[[Any], Learned], *, skill: str | None = None, base: str | Path | None = None
) -> Learned:
    """Load the model of a folder, change what it was taught, and save it in its place, with what is needed to take that back.

    Figures and card of the training stay; they are those of the skill as it was trained.

    Args:
        folder: of a checkpoint or a head.
        change: is given the pipeline; calls [`learn`] or [`unlearn`].
        skill: which one, of a checkpoint with several.
        base: of a head whose base is not embedded.

    Raises:
        ValueError: the folder holds neither, or another model than the one that was taught.
    """
    folder = Path(folder)
    kind = kind_of(folder)
    if kind is not CHECKPOINT and kind is not HEAD_FOLDER:
        found = "holds no model"
        if kind is not None:
            found = f"holds {kind.title}, whose weights are fixed: teach the checkpoint, and export it anew"
        raise ValueError(f"{str(folder)!r} {found}; allowed: the folder of a checkpoint or a head.")
    with locked(folder):
        nlu: Any = load_pipeline(folder, base=base)
        name = skill_entry(nlu, skill)["name"]
        taught = read_taught(folder, nlu, name)
        if taught is not None:
            remember(nlu, taught)
        result = change(nlu)
        taught = taught_of(nlu, name)
        outdated = () if taught is not None else (ROWS, TRAINED)
        with written_aside(folder, kind.mark, outdated) as aside:
            if kind is HEAD_FOLDER:
                nlu.model.save_skill(name, aside, **_facts_of(folder))
            else:
                nlu.save_pretrained(aside)
            if taught is not None:
                _write_taught(aside, nlu.model, taught)
    return result


def _facts_of(head: Path) -> dict[str, Any]:
    """What the description of a head says besides: the figures of its training, as the card has them."""
    content = read_seal(head, HEAD_FOLDER).content
    return {name: content[name] for name in ("metrics", "headstart") if name in content}


def read_taught(folder: Path, nlu: Any, name: str) -> Taught | None:
    """What the skill of a folder was taught; None: nothing.

    Raises:
        ValueError: the files are of another model, or damaged.
    """
    if not (folder / ROWS).exists():
        return None
    try:
        content = json.loads((folder / ROWS).read_text(encoding="utf-8"), object_pairs_hook=distinct)
        if content["skill"] != name:
            raise ValueError(
                f"{str(folder)!r} holds what {content['skill']!r} was taught; take that back first (headstart learn --undo)."
            )
        entry = check_entry(content["entry"])
        tensors = load_file(folder / TRAINED)
    except (KeyError, TypeError, OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{str(folder / ROWS)!r} is damaged ({type(error).__name__}): delete {ROWS} and {TRAINED}.") from error
    model: HeadstartForJointNLU = nlu.model
    if content["weights"] != _hash(model, name):
        raise ValueError(
            f"{str(folder)!r} holds another model than the one that was taught: delete {ROWS} and {TRAINED}, which are of that."
        )
    parts = {
        part: module for part, module in model.new_modules(entry).items() if any(key.startswith(f"{part}.") for key in tensors)
    }
    for part, module in parts.items():
        module.to(model.device, model.dtype).train(model.training)
        module.load_state_dict(
            {key.removeprefix(f"{part}."): tensor for key, tensor in tensors.items() if key.startswith(f"{part}.")}
        )
    return Taught(entry, parts, content["lessons"])


def _write_taught(folder: Path, model: HeadstartForJointNLU, taught: Taught) -> None:
    save_file(_tensors(taught.parts), folder / TRAINED)
    name = taught.entry["name"]
    content = {
        "headstart": __version__,
        "skill": name,
        "weights": _hash(model, name),
        "entry": taught.entry,
        "lessons": taught.lessons,
    }
    (folder / ROWS).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _tensors(parts: dict[str, nn.Module]) -> dict[str, torch.Tensor]:
    return {
        f"{part}.{name}": tensor.contiguous().clone()
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
    }


def _hash(model: HeadstartForJointNLU, name: str) -> str:
    """SHA-256 of the classifiers of a skill, which every lesson changes."""
    return hashlib.sha256(save(_tensors({"classifiers": model.classifiers[name]}))).hexdigest()


__all__ = ["ROWS", "TRAINED", "change_folder", "read_taught"]
