"""What a fine-tuning does, decided once: what its options say, and what the recipe chooses where they say nothing."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import torch

from headstart.finetuning.recipe import Recipe, choose_recipe
from headstart.training.arguments import HeadstartTrainingArguments, training_arguments
from headstart.training.options import FinetuneOptions
from headstart.training.telling import LOGS

EVALUATIONS = 10  # in a training, where the options don't say when


@dataclass(frozen=True)
class EpochSize:
    """Rows of one epoch.

    Args:
        own: the skill's rows.
        out_of_scope: out-of-scope utterances. They make batches larger, so that a step still sees as many of the skill's own rows.
        names: names of intents, which are such rows themselves.
    """

    own: int
    out_of_scope: int = 0
    names: int = 0


@dataclass(frozen=True)
class FinetunePlan:
    """A fine-tuning.

    Args:
        recipe: what was chosen by the number of rows.
        max_steps: optimizer steps.
        per_device_train_batch_size: rows in a batch.
        learning_rate: peak learning rate of the head.
        trunk_learning_rate: that of the trunk.
        warmup_steps: steps, or below 1 the share of all steps, over which rates rise.
        eval_strategy: when validation rows are scored: no, steps or epoch.
        eval_steps: how often, with `steps`.
        save_strategy: when a checkpoint to resume from is saved.
        save_steps: how often, with `steps`; None: as transformers has it.
        keeps_best: the best checkpoint on the validation rows is what is left.
    """

    recipe: Recipe
    max_steps: int
    per_device_train_batch_size: int
    learning_rate: float
    trunk_learning_rate: float
    warmup_steps: float
    eval_strategy: str
    eval_steps: float | None
    save_strategy: str
    save_steps: float | None
    keeps_best: bool

    def arguments(self, options: FinetuneOptions) -> HeadstartTrainingArguments:
        """The Trainer's arguments."""
        steps: dict[str, float | None] = {"eval_steps": self.eval_steps, "save_steps": self.save_steps}
        if options.trainer.keys().isdisjoint(("logging_steps", "logging_strategy")):
            steps["logging_steps"] = max(self.max_steps // LOGS, 1)
        return training_arguments(
            options,
            max_steps=self.max_steps,
            per_device_train_batch_size=self.per_device_train_batch_size,
            learning_rate=self.learning_rate,
            warmup_steps=self.warmup_steps,
            eval_strategy=self.eval_strategy,
            save_strategy=self.save_strategy,
            load_best_model_at_end=self.keeps_best,
            **{name: value for name, value in steps.items() if value is not None},
        )


def plan_finetuning(options: FinetuneOptions, size: EpochSize, has_validation: bool) -> FinetunePlan:
    """Decide what the options leave open; how often to evaluate follows from the steps.

    Args:
        options: what was said.
        size: rows of an epoch.
        has_validation: there are validation rows.

    Raises:
        ValueError: an option needs validation rows and there are none.
    """
    recipe = choose_recipe(size.own, options.from_scratch, options.is_head)
    learning_rate = recipe.learning_rate if options.learning_rate is None else options.learning_rate
    trunk_rate = options.trunk_learning_rate
    num_all = size.own + size.out_of_scope
    batch_size = options.per_device_train_batch_size or round(recipe.batch_size * num_all / size.own)
    steps = options.max_steps if options.max_steps is not None and options.max_steps > 0 else None
    if steps is None and options.num_train_epochs is not None:
        batches = math.ceil((num_all + size.names) / (batch_size * _devices_of_a_process(options)))
        accumulated = int(options.trainer.get("gradient_accumulation_steps", 1))
        steps = math.ceil(math.ceil(batches / accumulated) * options.num_train_epochs)
    steps = recipe.steps if steps is None else steps
    evaluations = _plan_evaluations(options, steps) if has_validation else _no_evaluations(options)
    return FinetunePlan(
        recipe=recipe,
        max_steps=steps,
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        trunk_learning_rate=learning_rate * recipe.trunk_factor if trunk_rate is None else trunk_rate,
        warmup_steps=recipe.warmup if options.warmup_steps is None else options.warmup_steps,
        eval_strategy=evaluations.eval_strategy,
        eval_steps=evaluations.eval_steps,
        save_strategy=evaluations.save_strategy,
        save_steps=evaluations.save_steps,
        keeps_best=evaluations.keeps_best,
    )


def _devices_of_a_process(options: FinetuneOptions) -> int:
    """Devices that a batch is divided among: several GPUs, if they are one process's."""
    is_alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    return max(torch.cuda.device_count(), 1) if is_alone and not options.trainer.get("use_cpu") else 1


@dataclass(frozen=True)
class _Evaluations:
    """See [`FinetunePlan`]."""

    eval_strategy: str
    eval_steps: float | None
    save_strategy: str
    save_steps: float | None
    keeps_best: bool


def _plan_evaluations(options: FinetuneOptions, steps: int) -> _Evaluations:
    """Evaluate ten times if the options don't say when, and keep the best checkpoint.

    Where only saving was chosen, evaluation goes with it: the best can be kept only among checkpoints that were evaluated.
    """
    save_strategy, save_steps = _save_strategy(options), options.save_steps
    eval_strategy = "steps" if options.eval_strategy in (None, "no") else str(options.eval_strategy)
    eval_steps = options.eval_steps
    if eval_strategy == "steps":
        eval_steps = eval_steps or (save_steps if save_strategy == "steps" else None) or max(steps // EVALUATIONS, 1)
    keeps_best = options.load_best_model_at_end is not False
    if keeps_best:
        save_strategy, save_steps = eval_strategy, eval_steps or save_steps
    return _Evaluations(eval_strategy, eval_steps, save_strategy, save_steps, keeps_best)


def _save_strategy(options: FinetuneOptions) -> str:
    """When checkpoints to resume from are saved: whoever says how often wants some."""
    return options.save_strategy or ("no" if options.save_steps is None else "steps")


def _no_evaluations(options: FinetuneOptions) -> _Evaluations:
    if options.eval_strategy not in (None, "no") or options.early_stopping_patience or options.load_best_model_at_end:
        raise ValueError(
            "eval_strategy, early_stopping_patience and load_best_model_at_end need validation rows: give the skill a "
            "validation.jsonl, or leave them out."
        )
    return _Evaluations("no", None, _save_strategy(options), options.save_steps, keeps_best=False)


__all__ = ["EpochSize", "FinetunePlan", "plan_finetuning"]
