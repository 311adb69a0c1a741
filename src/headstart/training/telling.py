"""What a training says while it goes on: what was read, what will be done, loss and scores as they come, what came of it, and what to do next.

All of it is logged at the level INFO by this module's logger, so that whoever has set logging up gets it there. Where nobody has, it goes to standard
error while the training runs. Warnings of what was read come from the modules that read it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from headstart.progress import bars_on_terminals

logger = logging.getLogger(__name__)

TOLD = (
    ("exact_match", "exact match"),
    ("semantic_error_rate", "semantic error rate"),
    ("intent_accuracy", "intents"),
    ("slot_f1", "slots' F1"),
)
LOGS = 10  # times that the loss is told of a training, if its options don't say when


@contextmanager
def telling(is_quiet: bool = False) -> Iterator[None]:
    """While a training runs: tell what it does, and draw progress bars where somebody sees them.

    Args:
        is_quiet: nothing but warnings, and no bars.
    """
    ours = logging.getLogger("headstart")
    level, handler = ours.level, None
    if is_quiet:
        ours.setLevel(logging.WARNING)
    elif not ours.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        ours.addHandler(handler)
        ours.setLevel(logging.INFO)
    try:
        with bars_on_terminals(not is_quiet):
            yield
    finally:
        ours.setLevel(level)
        if handler is not None:
            ours.removeHandler(handler)


def tell(text: str, *values: object) -> None:
    """Tell something, in the first of several processes; see [`telling`]."""
    if os.environ.get("RANK", "0") == "0":
        logger.info(text, *values)


def scores_in_words(metrics: Mapping[str, Any], prefix: str = "") -> str:
    """The scores in some figures, whose names begin with the prefix."""
    found = ((title, metrics.get(prefix + name)) for name, title in TOLD)
    return ", ".join(f"{title} {value:.3f}" for title, value in found if value is not None)


class Told(TrainerCallback):
    """Tells the loss and the scores of validation rows as they come.

    Args:
        best: the metric that chooses what is kept, and whether it is better when greater; None: nothing is chosen.
    """

    def __init__(self, best: tuple[str, bool] | None) -> None:
        self.best = best
        self.is_running = False

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The evaluations that follow are of the training."""
        self.is_running = state.is_world_process_zero

    def on_train_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Those that follow are not."""
        self.is_running = False

    def on_log(
        self, args: Any, state: TrainerState, control: TrainerControl, logs: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Tell the loss."""
        if self.is_running and logs is not None and "loss" in logs:
            tell("step %d of %d: loss %.3f", state.global_step, state.max_steps, logs["loss"])

    def on_evaluate(
        self, args: Any, state: TrainerState, control: TrainerControl, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Tell the scores of the validation rows."""
        if self.is_running and metrics is not None:
            tell(
                "step %d of %d: validation rows: %s%s",
                state.global_step,
                state.max_steps,
                scores_in_words(metrics, "eval_"),
                self._note(metrics, state.best_metric),
            )

    def _note(self, metrics: Mapping[str, float], best: float | None) -> str:
        name, is_greater = self.best or ("", False)
        value = metrics.get(f"eval_{name.removeprefix('eval_')}")
        is_better = value is not None and (best is None or (value > best if is_greater else value < best))
        return " (the best so far)" if is_better else ""


class Bar(ProgressCallback):
    """transformers' progress bar, without the figures that it prints in between: [`Told`] tells them."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Nothing."""


def replace_printers(trainer: Any) -> None:
    """Have a trainer tell, and not print, what it does."""
    args = trainer.args
    has_bar = trainer.pop_callback(ProgressCallback) is not None
    trainer.remove_callback(PrinterCallback)
    if has_bar and not args.disable_tqdm:
        trainer.add_callback(Bar())
    chooses = args.load_best_model_at_end and args.metric_for_best_model is not None
    trainer.add_callback(Told((args.metric_for_best_model, bool(args.greater_is_better)) if chooses else None))


__all__ = ["LOGS", "Told", "replace_printers", "scores_in_words", "tell", "telling"]
