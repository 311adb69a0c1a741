"""The validation semantic error rate along a fine-tuning run, and what it costs to get there."""

from __future__ import annotations

import math
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

# Training arguments with which a trainer evaluates before the first step, and then only when the curve says so.
EVALUATION: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": 10**9, "eval_on_start": True}
FIRST_POINT, GROWTH = 5, 1.25  # of a curve's steps


class Curve(TrainerCallback):
    """The validation semantic error rate before fine-tuning, after 5 steps, 10, and then every quarter more.

    Args:
        is_wanted: score it; otherwise only the steps' time is measured.
    """

    def __init__(self, is_wanted: bool = True) -> None:
        self.points: list[tuple[int, float, float]] = []
        self.scoring_seconds = 0.0
        self._next: float = FIRST_POINT if is_wanted else float("inf")
        self._started = time.perf_counter()
        self._last = 0.0  # when training was last left off
        self._is_asked = is_wanted  # before the first step

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """What comes first is the score before fine-tuning."""
        self._last = time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Ask for scores where the curve has a point."""
        if state.global_step >= self._next or (self._next < float("inf") and state.global_step == state.max_steps):
            self._next = max(self._next * GROWTH, self._next + FIRST_POINT)
            control.should_evaluate = self._is_asked = True
        self._last = time.perf_counter()

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Keep the point."""
        now = time.perf_counter()
        seconds = self._last - self._started - self.scoring_seconds
        self.scoring_seconds += now - self._last
        self._last = now
        if self._is_asked:  # not the last evaluation, after training
            self._is_asked = False
            error = kwargs["metrics"]["eval_semantic_error_rate"]
            self.points.append((state.global_step, round(seconds, 3), round(error, 5)))

    def shifted(self, probe_seconds: float) -> list[tuple[int, float, float]]:
        """The points, with as many more steps as take the time in which classifiers were fitted before the first one."""
        if len(self.points) < 2 or not probe_seconds:
            return self.points
        (first, began, _), (last, ended, _) = self.points[0], self.points[-1]
        more = math.ceil(probe_seconds / ((ended - began) / (last - first)))
        return [(step + more, seconds, error) for step, seconds, error in self.points]


__all__ = ["EVALUATION", "Curve"]
