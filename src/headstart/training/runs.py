"""What every training run leaves behind: a self-contained checkpoint or a head, `metrics.json`, and the options in `run.json`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from headstart.hub.push import push
from headstart.modeling.folders_headstart import CARD, CHECKPOINT, HEAD_FOLDER, METRICS, RUN, FolderKind, kind_of
from headstart.modeling.weights_headstart import write_aside
from headstart.saving import newest_complete, what_is_wrong, written_aside
from headstart.tokenization import NLUPipeline
from headstart.training.arguments import HeadstartTrainingArguments
from headstart.training.options import PATHS, TrainingOptions
from headstart.training.trainer import JointNLUTrainer
from headstart.version import __version__

logger = logging.getLogger(__name__)


def last_checkpoint(options: TrainingOptions, base: str | None = None) -> str | None:
    """The checkpoint to resume from: a folder as given, the newest complete one in `output_dir` for `last` or `true`, or None.

    Args:
        options: those of the stage.
        base: a checkpoint to start from, which may be one of those.

    Raises:
        ValueError: the newest one is wanted and there is none, the given one is not complete or damaged, or none is wanted and there are some,
            which a new run must not be mixed up with.
    """
    wanted = options.resume_from_checkpoint
    if wanted is None or str(wanted).lower() in ("false", "no"):
        found = newest_complete(options.output_path)
        if found is not None and (base is None or found.resolve() != Path(base).resolve()):
            raise ValueError(
                f"{str(options.output_dir)!r} holds checkpoints of an earlier run, up to {found.name}: go on with --resume_from_checkpoint last, "
                "or delete them or give another output_dir to start anew."
            )
        return None
    if str(wanted).lower() not in ("true", "last"):
        problem = what_is_wrong(Path(str(wanted)))
        if problem is not None:
            raise ValueError(f"training can't be resumed from {str(wanted)!r}: {problem}; give another checkpoint, or 'last'.")
        return str(wanted)
    found = newest_complete(options.output_path)
    if found is None:
        raise ValueError(f"{options.output_dir} holds no checkpoint to resume from; leave out --resume_from_checkpoint.")
    return str(found)


def save_run(
    trainer: JointNLUTrainer,
    nlu: NLUPipeline,
    options: TrainingOptions,
    metrics: Mapping[str, Any],
    *,
    kind: FolderKind = CHECKPOINT,
    card: Callable[[Path], object] | None = None,
    **facts: Any,
) -> None:
    """Save a self-contained checkpoint, or a head, in `output_dir`, with `metrics.json` (figures), `run.json` (options and facts) and a card.

    Whenever it is interrupted, the folder holds what was there before, a whole result, or none. Of several processes the first one saves.

    Args:
        trainer: the finished trainer.
        nlu: the trained model with its tokenizer.
        options: those of the stage.
        metrics: figures to keep.
        kind: a head is saved without the trunk, the model's only skill.
        card: makes the card, from the folder that the weights are in; unset: none is written, and one of an earlier model goes.
        facts: further entries of `run.json`.
    """
    if not trainer.is_world_process_zero():
        return
    resolved = {name: value for name, value in trainer.args.to_dict().items() if name not in PATHS}
    cards = (CARD,) if kind_of(options.output_path) is not None else ()
    with written_aside(options.output_path, kind.mark, (*kind.outdated, *cards)) as aside:
        if kind is HEAD_FOLDER:
            nlu.model.save_skill(nlu.model.skill()["name"], aside, metrics=metrics, headstart=__version__)
        else:
            nlu.save_pretrained(aside)
        write_json(aside / METRICS, metrics)
        run = {"headstart": __version__, "date": date.today().isoformat(), **facts}
        write_json(aside / RUN, {**run, "options": {**options.described(), **resolved}})
        if card is not None:
            (aside / CARD).write_text(str(card(aside)), encoding="utf-8")


def push_run(options: TrainingOptions, args: HeadstartTrainingArguments) -> None:
    """Publish what a finished run left in `output_dir`, if `push_to_hub` asks for it (see [`headstart.hub.push.push`])."""
    if not options.push_to_hub or args.process_index > 0:
        return
    address = push(
        options.output_path,
        args.hub_model_id or options.output_path.resolve().name,
        private=args.hub_private_repo,
        revision=args.hub_revision,
        token=args.hub_token,
    )
    logger.info("published: %s", address)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, indented, in UTF-8; an interrupted writer leaves the old one."""
    write_aside(path, (json.dumps(dict(content), indent=2, ensure_ascii=False, default=str) + "\n").encode())


__all__ = ["last_checkpoint", "push_run", "save_run", "write_json"]
