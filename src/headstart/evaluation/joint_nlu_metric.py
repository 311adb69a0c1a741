"""The metrics of joint NLU as an `evaluate` module that works offline, for whoever works with that library."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from headstart.evaluation.metrics import Scorable, score_annotated

_DESCRIPTION = "Intent accuracy, slot F1, exact match and semantic error rate of utterances with one intent and any slots."
_INPUTS = """
Args:
    predictions: one dict an utterance, with "intent" (a string) and "slots" (a list of label, start and end).
    references: likewise.
    has_intent, has_slots: one bool an utterance: whether its intent (its slots) are annotated, and scored; all are if it is left
        out. (evaluate takes no None, neither for a string nor for a list, so the reference itself can't say this.)
Returns:
    what `headstart.evaluation.metrics.Metrics` says.
"""


class _Description(str):
    """Text that evaluate appends to the docstrings of its methods, which are None under `python -OO`."""

    def __radd__(self, docstring: str | None) -> str:
        return (docstring or "") + str(self)


class JointNLUMetric(evaluate.Metric):
    """Scores intents and slots together; see [`headstart.evaluation.metrics.Metrics`] for the definitions."""

    def _info(self) -> evaluate.MetricInfo:
        slots = datasets.List(
            {"label": datasets.Value("string"), "start": datasets.Value("int64"), "end": datasets.Value("int64")}
        )
        row = {"intent": datasets.Value("string"), "slots": slots}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_Description(_INPUTS),
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(
        self,
        predictions: list[Scorable],
        references: list[Scorable],
        has_intent: list[bool] | None = None,
        has_slots: list[bool] | None = None,
    ) -> dict[str, Any]:
        all_of_them = [True] * len(references)
        return dict(score_annotated(predictions, references, has_intent or all_of_them, has_slots or all_of_them))


__all__ = ["JointNLUMetric"]
