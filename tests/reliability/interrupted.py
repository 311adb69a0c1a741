"""A small fine-tuning, and the same interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from headstart import NLUPipeline, finetune
from headstart.training.trainer import JointNLUTrainer

OPTIONS: dict[str, Any] = {
    "max_steps": 6, "per_device_train_batch_size": 16, "eval_steps": 2, "probe": False, "save_total_limit": 4, "disable_tqdm": True,
    "use_cpu": True, "report_to": "none", "logging_strategy": "no",
}  # fmt: skip
OUT_OF_SCOPE = [
    f"tell me {what} about {whom}" for what in ("more", "less", "all", "nothing") for whom in ("kings", "trains", "rain")
]


class Stop(TrainerCallback):
    """Interrupts training at the checkpoint after four steps."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 4:
            raise KeyboardInterrupt


def interrupt(action: Callable[[], Any]) -> None:
    train = JointNLUTrainer.train
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(JointNLUTrainer, "train", lambda self, **kw: (self.add_callback(Stop()), train(self, **kw))[1])
        action()


def tune(place: Path, out: str, **options: Any) -> NLUPipeline:
    files = {"base": str(place / "base"), "out_of_scope": str(place / "others.txt")}
    return finetune(options.pop("skill", place / "coffee"), place / out, **{**OPTIONS, **files, **options})


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    text = file.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    file.write_text(changed, encoding="utf-8")


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
