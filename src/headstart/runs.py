"""What every training run leaves behind: a self-contained checkpoint or a head, `metrics.json`, and the options in `run.json`."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

from transformers.trainer_utils import get_last_checkpoint

from headstart.modeling.heads_headstart import DESCRIPTION, WEIGHTS
from headstart.publishing import push
from headstart.tokenization import NLUPipeline
from headstart.trainer import JointNLUTrainer
from headstart.training_args import HeadstartTrainingArguments
from headstart.version import __version__

logger = logging.getLogger(__name__)


def last_checkpoint(args: HeadstartTrainingArguments) -> str | None:
    """The checkpoint to resume from: a folder as given, the newest one in `output_dir` for `last` or `true`, or None.

    Raises:
        ValueError: the newest one is wanted and there is none.
    """
    wanted = args.resume_from_checkpoint
    if wanted is None or str(wanted).lower() in ("false", "no"):
        return None
    if str(wanted).lower() not in ("true", "last"):
        return str(wanted)
    found = get_last_checkpoint(str(args.output_dir)) if args.output_path.is_dir() else None
    if found is None:
        raise ValueError(f"{args.output_dir} holds no checkpoint to resume from; leave out --resume_from_checkpoint.")
    return found


def save_run(trainer: JointNLUTrainer, nlu: NLUPipeline, metrics: dict[str, Any], *, is_head: bool = False, **facts: Any) -> None:
    """Save a self-contained checkpoint, or a head, in `output_dir`, with `metrics.json` (figures) and `run.json` (options and facts).

    Args:
        trainer: the finished trainer.
        nlu: the trained model with its tokenizer.
        metrics: figures to keep.
        is_head: save the model's only skill as a head, without the trunk.
        facts: further entries of `run.json`.
    """
    folder = Path(str(trainer.args.output_dir))
    if is_head:
        nlu.model.save_skill(nlu.model.skill()["name"], folder, metrics=metrics, headstart=__version__)
    else:
        for name in (DESCRIPTION, WEIGHTS):  # a head that was trained into the same folder before
            (folder / name).unlink(missing_ok=True)
        nlu.save_pretrained(folder)
    write_json(folder / "metrics.json", metrics)
    options = {name: value for name, value in trainer.args.to_dict().items() if name not in _PATHS}
    write_json(folder / "run.json", {"headstart": __version__, "date": date.today().isoformat(), **facts, "options": options})


def push_run(args: HeadstartTrainingArguments) -> None:
    """Publish what a finished run left in `output_dir`, if `push_to_hub` asks for it (see [`headstart.publishing.push`])."""
    if not args.publishes:
        return
    address = push(
        args.output_path,
        args.hub_model_id or args.output_path.resolve().name,
        private=args.hub_private_repo,
        revision=args.hub_revision,
        token=args.hub_token,
    )
    logger.info("published: %s", address)


# Folders of the machine that trained say nothing to the receiver of a checkpoint.
_PATHS = {"output_dir", "data_dir", "skill", "base", "resume_from_checkpoint", "sentence_cache", "starting_embeddings"}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file, indented, in UTF-8."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


__all__ = ["last_checkpoint", "push_run", "save_run", "write_json"]
