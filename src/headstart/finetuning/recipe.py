"""How a skill is fine-tuned where its developer doesn't say: steps, batch size and learning rates by the number of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

BATCH_SIZE = 16
MIN_EPOCHS = 8  # what counts from 3,600 rows on; below, it is the square root of the rows that counts


@dataclass(frozen=True)
class Recipe:
    """What fine-tuning needs to know.

    Args:
        steps: optimizer steps.
        batch_size: rows in a batch.
        learning_rate: peak learning rate of the head.
        trunk_factor: the trunk's learning rate, as a share of the head's.
        warmup: share of the steps over which learning rates rise; afterwards they fall linearly to 0.
    """

    steps: int
    batch_size: int
    learning_rate: float
    trunk_factor: float
    warmup: float


def choose_recipe(num_rows: int, from_scratch: bool = False, is_head: bool = False) -> Recipe:
    """Choose a recipe; the constants were chosen on validation rows (benchmarks/README.md).

    Args:
        num_rows: training rows of the skill.
        from_scratch: the network starts at random, not from a pretrained base, which takes more steps.
        is_head: what is trained of the trunk are low-rank adapters, which start at 0 and can't take the base's knowledge away.
    """
    steps = round((2 if from_scratch else 1) * max(30 * math.sqrt(max(num_rows, 25)), MIN_EPOCHS * num_rows / BATCH_SIZE))
    if from_scratch:
        return Recipe(steps=steps, batch_size=BATCH_SIZE, learning_rate=2e-3, trunk_factor=1.0, warmup=0.05)
    # AdamW's first steps change every weight by the learning rate: a short warmup would undo what was fitted beforehand.
    return Recipe(steps=steps, batch_size=BATCH_SIZE, learning_rate=2e-3, trunk_factor=1.0 if is_head else 0.5, warmup=0.3)


__all__ = ["Recipe", "choose_recipe"]
