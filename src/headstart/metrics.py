"""Metrics of joint intent classification and slot tagging, as an `evaluate` module that works offline.

A prediction and a reference are both `{"intent": name, "slots": [{"label", "start", "end"}]}`; the unit of start and end is the
caller's, the same on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

CALIBRATION_BINS = 15

_DESCRIPTION = "Intent accuracy, slot F1, exact match and semantic error rate of utterances with one intent and any slots."
_INPUTS = """
Args:
    predictions: one dict an utterance, with "intent" (a string) and "slots" (a list of label, start and end).
    references: likewise.
    has_intent, has_slots: one bool an utterance: whether its intent (its slots) are annotated, and scored; all are if it is left
        out. (evaluate takes no None, neither for a string nor for a list, so the reference itself can't say this.)
Returns:
    utterances: number of utterances.
    intent_accuracy: share of the annotated intents that are right; None if none is annotated.
    slot_f1: micro F1 over exact (label, start, end) spans; None if no slots are annotated.
    exact_match: share of utterances whose intent and whole set of spans are right, as far as they are annotated; utterances without any
        annotation don't count, and there is none if no other is there.
    semantic_error_rate: (wrong intents + substitutions + insertions + deletions) / (annotated intents + reference slots). A
        substitution pairs one missed with one spurious slot of the same utterance.
"""


class JointNLUMetric(evaluate.Metric):
    """Scores intents and slots together; see `_INPUTS` for the definitions."""

    def _info(self) -> evaluate.MetricInfo:
        slots = datasets.List(
            {"label": datasets.Value("string"), "start": datasets.Value("int64"), "end": datasets.Value("int64")}
        )
        row = {"intent": datasets.Value("string"), "slots": slots}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(
        self,
        predictions: list[dict[str, Any]],
        references: list[dict[str, Any]],
        has_intent: list[bool] | None = None,
        has_slots: list[bool] | None = None,
    ) -> dict[str, Any]:
        totals: Counter[str] = Counter()
        has_intent = has_intent or [True] * len(references)
        has_slots = has_slots or [True] * len(references)
        for row in zip(predictions, references, has_intent, has_slots, strict=True):
            totals.update(_count_errors(*row))
        units = totals["intents"] + totals["reference_slots"]
        errors = totals["intent_errors"] + totals["slot_errors"]
        spans = totals["reference_slots"] + totals["predicted_slots"]
        return {
            "utterances": len(references),
            "intent_accuracy": 1 - totals["intent_errors"] / totals["intents"] if totals["intents"] else None,
            "slot_f1": (2 * totals["right_slots"] / spans if spans else 1.0) if any(has_slots) else None,
            "exact_match": totals["exact"] / totals["judged"] if totals["judged"] else None,
            "semantic_error_rate": errors / units if units else None,
        }


def score(predictions: list[dict[str, Any]], references: list[dict[str, Any]]) -> dict[str, Any]:
    """Compute [`JointNLUMetric`] in memory; a reference's intent or slots that are None are not annotated, and not scored."""
    result = JointNLUMetric(keep_in_memory=True).compute(
        predictions=[_without_none(row) for row in predictions],
        references=[_without_none(row) for row in references],
        has_intent=[row["intent"] is not None for row in references],
        has_slots=[row["slots"] is not None for row in references],
    )
    return dict(result or {})


def _without_none(row: dict[str, Any]) -> dict[str, Any]:
    spans = [{name: slot[name] for name in ("label", "start", "end")} for slot in row["slots"] or []]
    return {"intent": row["intent"] or "", "slots": spans}


def _count_errors(prediction: dict[str, Any], reference: dict[str, Any], has_intent: bool, has_slots: bool) -> dict[str, int]:
    intent_wrong = has_intent and prediction["intent"] != reference["intent"]
    expected, found = (
        {(slot["label"], slot["start"], slot["end"]) for slot in row["slots"]} if has_slots else set()
        for row in (reference, prediction)
    )
    missed, spurious = len(expected - found), len(found - expected)
    return {
        "intents": has_intent,
        "intent_errors": intent_wrong,
        "reference_slots": len(expected),
        "predicted_slots": len(found),
        "right_slots": len(expected & found),
        # Each pair of a missed and a spurious slot is one substitution; the rest are deletions or insertions.
        "slot_errors": max(missed, spurious),
        "judged": has_intent or has_slots,  # the rest says nothing of an answer
        "exact": (has_intent or has_slots) and not intent_wrong and not missed and not spurious,
    }


def expected_calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float | None:
    """How far confidence and accuracy are apart, from 0 to 1, over 15 bins of equal width; None without rows.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (AAAI 2015); as in Guo et al.,
    "On Calibration of Modern Neural Networks" (ICML 2017), equation 5.

    Args:
        confidences: probability of each answer.
        correct: whether the answer is right.
    """
    if not len(confidences):
        return None
    values, right = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    bins = np.clip(np.ceil(values * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, values - right, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(values))


def roc_auc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Area under the ROC curve: how often a positive scores higher than a negative, ties counting half; None if one side is empty."""
    if not len(positives) or not len(negatives):
        return None
    ordered = np.sort(np.asarray(negatives, dtype=float))
    below = np.searchsorted(ordered, positives, side="left") + np.searchsorted(ordered, positives, side="right")
    return float(below.mean() / (2 * len(ordered)))


__all__ = ["JointNLUMetric", "expected_calibration_error", "roc_auc", "score"]
