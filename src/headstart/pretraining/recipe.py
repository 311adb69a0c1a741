"""How a base is pretrained where its options don't say: as the embedded one was (configs/base.yaml), on as many rows as there are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from headstart.training.options import PretrainOptions

Chosen = dict[str, Any]  # options by name
EPOCHS, LEAST_STEPS = 5, 300  # few rows are read more often
BATCH_SIZE, SMALL_BATCH_SIZE = 128, 16
MANY_ROWS = 100_000  # from here on, batches are of the larger size, and a word must occur 20 times to be a token
EVALUATIONS = 10
SENTENCE_LOSS = 5.0


def resolve(options: PretrainOptions, num_rows: int, has_validation: bool = True) -> PretrainOptions:
    """The options with what they leave open.

    Args:
        options: what was said.
        num_rows: training rows of all sources.
        has_validation: some source has validation rows; without, nothing is evaluated, and the last step is kept.
    """
    is_distilled = options.embeddings == "distilled"
    share = min(num_rows / MANY_ROWS, 1.0)
    own: Chosen = {
        "min_word_count": max(2, round(20 * share)),
        "sentence_loss": SENTENCE_LOSS if is_distilled and not options.streaming else 0.0,
        "train_embeddings": not is_distilled,
    }
    chosen = {name: value for name, value in own.items() if getattr(options, name) is None}
    return replace(options, **chosen, trainer={**_trainer_options(options, num_rows, share, has_validation), **options.trainer})


def _trainer_options(options: PretrainOptions, num_rows: int, share: float, has_validation: bool) -> Chosen:
    """What transformers' Trainer is told where nothing was said."""
    batch_size = max(SMALL_BATCH_SIZE, round(BATCH_SIZE * share))
    said = options.trainer
    chosen: Chosen = {
        "per_device_train_batch_size": batch_size, "per_device_eval_batch_size": 2 * BATCH_SIZE, "warmup_steps": 0.02,
    }  # fmt: skip
    steps = options.max_steps
    if steps is None:
        rows = said.get("per_device_train_batch_size", batch_size) * said.get("gradient_accumulation_steps", 1)
        epochs = said.get("num_train_epochs") or max(EPOCHS, LEAST_STEPS * rows / num_rows)
        steps = math.ceil(num_rows / rows * epochs)
        chosen["num_train_epochs"] = math.ceil(epochs)
    if "logging_strategy" not in said:
        chosen["logging_steps"] = max(1, steps // EVALUATIONS)
    if has_validation and said.get("eval_strategy") is None and said.get("save_strategy") is None:
        every = max(1, steps // EVALUATIONS)
        chosen |= {
            "eval_strategy": "steps",
            "eval_steps": every,
            "save_strategy": "steps",
            "save_steps": every,
            "load_best_model_at_end": True,
        }
    return chosen


__all__ = ["resolve"]
