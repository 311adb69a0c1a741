"""What a run is trained on, as its checkpoints keep it: training goes on from one only where it comes to what the uninterrupted run comes to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase
from transformers.trainer import TRAINER_STATE_NAME

from headstart.data.rows import FIELDS
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.folders_headstart import CONFIG
from headstart.saving import facts_of, what_is_wrong
from headstart.training.arguments import HeadstartTrainingArguments
from headstart.training.options import PATHS, TrainingOptions
from headstart.version import __version__

Facts = dict[str, Any]  # for JSON

# Of the Trainer's arguments, those that change what is learned; of evaluations, where they choose what is kept or when training ends.
LEARNING = (
    "adam_beta1", "adam_beta2", "adam_epsilon", "average_tokens_across_devices", "bf16", "data_seed", "dataloader_drop_last",
    "equal_lengths", "fp16", "full_determinism", "gradient_accumulation_steps", "label_smoothing_factor", "learning_rate",
    "lr_scheduler_kwargs", "lr_scheduler_type", "max_grad_norm", "max_steps", "neftune_noise_alpha", "num_train_epochs", "optim",
    "optim_args", "optim_target_modules", "per_device_train_batch_size", "seed", "tf32", "train_sampling_strategy", "warmup_steps",
    "weight_decay", "world_size", "load_best_model_at_end", "early_stopping_patience",
)  # fmt: skip
CHOOSING = ("eval_delay", "eval_on_start", "eval_steps", "eval_strategy", "greater_is_better", "metric_for_best_model")
# Of our own options, those that change nothing of it, or are known by what they come to.
OTHERWISE_KNOWN = (*PATHS, *LEARNING, *CHOOSING, "auto_bf16", "push_to_hub", "save_steps", "save_strategy", "skill_name", "language", "infer", "allow_unseen_labels",
                   "dataset", "data_licence", "compare_no_transfer", "trunk_learning_rate", "probe_seconds", "max_validation_rows", "quiet")  # fmt: skip


def run_facts(stage: str, options: TrainingOptions, args: HeadstartTrainingArguments, **content: Any) -> Facts:
    """What decides how a run ends.

    Args:
        stage: its name.
        options: those of the stage.
        args: the Trainer's, resolved.
        content: what it reads, by what messages call it: texts, numbers, or lists of names.
    """
    own = {name: getattr(options, name) for name in vars(options) if name not in (*OTHERWISE_KNOWN, "trainer")}
    is_chosen = args.load_best_model_at_end or args.early_stopping_patience
    theirs = {name: getattr(args, name) for name in (*LEARNING, *(CHOOSING if is_chosen else ()))}
    facts = {"headstart": __version__, "stage": stage, **content, "options": {**own, **theirs}}
    return dict(json.loads(json.dumps(facts, default=str)))


def rows_hash(rows: Iterable[Mapping[str, Any]]) -> str:
    """The number of some rows, and a hash of what is annotated in them."""
    digest, count = hashlib.sha256(), 0
    for row in rows:
        slots = row["slots"]
        spans = slots if slots is None else [[slot["start"], slot["end"], slot["label"]] for slot in slots]
        digest.update(json.dumps([row[FIELDS[0]], row["intent"], spans]).encode() + b"\n")
        count += 1
    return f"{count} rows, sha256 {digest.hexdigest()[:12]}"


def content_hash(content: Any) -> str:
    """A hash of anything that JSON can hold."""
    return f"sha256 {hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]}"


def weights_hash(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of what a network starts from, its trunk and its task layers, and of the tokenizer."""
    digest = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode())
    for module in (model.trunk, model.task_layers):
        for name, value in sorted(module.state_dict().items()):
            digest.update(f"{name} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return f"sha256 {digest.hexdigest()[:12]}"


def check_same_run(checkpoint: Path, facts: Mapping[str, Any], entries: Sequence[SkillEntry]) -> None:
    """See that a run may go on from a checkpoint of training. One of headstart 0.1 says of its labels alone what they were.

    Args:
        checkpoint: a complete one.
        facts: of the run.
        entries: of its skills, in the network that is trained.

    Raises:
        ValueError: something differs.
    """
    before = facts_of(checkpoint)
    now = dict(facts)
    if before is None:
        before, now = labels_of(_skills_of(checkpoint)), labels_of(entries)
    if changes := _changes(before, now):
        raise ValueError(
            f"training can't go on from {str(checkpoint)!r}, which was trained otherwise: {'; '.join(changes)}. Give what it began with, or start "
            "anew, without --resume_from_checkpoint, in another output_dir."
        )


def _skills_of(checkpoint: Path) -> list[Any]:
    try:
        return list(json.loads((checkpoint / CONFIG).read_text(encoding="utf-8")).get("skills") or [])
    except (OSError, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise ValueError(f"training can't be resumed from {str(checkpoint)!r}: its {CONFIG} can't be read ({error}).") from error


def labels_of(entries: Sequence[Mapping[str, Any]]) -> Facts:
    """The labels of some skills, by what messages call them."""
    return {f"{kind} of {entry['name']}": list(entry[kind]) for entry in entries for kind in ("intents", "slots")}


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, each as it was and as it is."""
    changes = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changes += _changes(old, new)
        elif isinstance(old, list) and isinstance(new, list):
            changes.append(f"{name}: {_list_change(old, new)}")
        else:
            changes.append(f"{name} was {_shown(old)}, is {_shown(new)}")
    return changes


def _list_change(old: list[Any], new: list[Any]) -> str:
    gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
    if not gone and not come:
        place = next((place for place, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), len(new))
        return (
            f"the order differs from number {place + 1} on, where {_shown(old[place:][:1])} was and {_shown(new[place:][:1])} is"
        )
    parts = [f"{_shown(names)} {verb}" for names, verb in ((gone, "is gone"), (come, "is new")) if names]
    return " and ".join(parts)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(repr, value[:5])) + (f" and {len(value) - 5} more" if len(value) > 5 else "") or "nothing"
    return "not set" if value is None else str(value)[:80]


def best_so_far(checkpoint: Path, facts: Mapping[str, Any], *, is_wanted: bool) -> Path | None:
    """The checkpoint that was the best when a checkpoint of training was written: beside it, wherever the folder has been moved to, or else
    where it was.

    Args:
        checkpoint: the one that training goes on from.
        facts: of the run.
        is_wanted: the best one is what shall be left.

    Raises:
        ValueError: it is wanted, and gone, or another run's.
    """
    recorded = json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf-8")).get("best_model_checkpoint")
    if recorded is None:
        return None
    places = [checkpoint.parent / Path(recorded).name, Path(recorded)]
    for place in places:
        if what_is_wrong(place) is None and facts_of(place) in (None, dict(facts)):
            return place
    if is_wanted:
        raise ValueError(
            f"training can't go on from {str(checkpoint)!r}: the best checkpoint so far, {str(places[0])!r}, is not there as it was written, "
            "and couldn't be kept in the end. Put it back, or start anew, without --resume_from_checkpoint, in another output_dir."
        )
    return None


__all__ = ["Facts", "best_so_far", "check_same_run", "content_hash", "labels_of", "rows_hash", "run_facts", "weights_hash"]
