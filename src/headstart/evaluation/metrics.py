"""Metrics of joint intent classification and slot tagging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

CALIBRATION_BINS = 15


class Scorable(TypedDict):
    """A prediction or a reference.

    Args:
        intent: name of the intent; None: none was found, or none is annotated.
        slots: each with `label`, `start` and `end`, whose unit is the caller's; None: not annotated.
    """

    intent: str | None
    slots: Sequence[Mapping[str, Any]] | None


class Metrics(TypedDict):
    """How good predictions are.

    Args:
        utterances: number of utterances.
        intent_accuracy: share of the annotated intents that are right; None if none is annotated.
        slot_f1: micro F1 over exact (label, start, end) spans; None if no slots are annotated.
        exact_match: share of utterances whose intent and whole set of spans are right, as far as they are annotated; utterances without any
            annotation don't count, and there is none if no other is there.
        semantic_error_rate: (wrong intents + substitutions + insertions + deletions) / (annotated intents + reference slots). A
            substitution pairs one missed with one spurious slot of the same utterance.
    """

    utterances: int
    intent_accuracy: float | None
    slot_f1: float | None
    exact_match: float | None
    semantic_error_rate: float | None


def score(predictions: Sequence[Scorable], references: Sequence[Scorable]) -> Metrics:
    """The [`Metrics`] of predictions; a reference's intent or slots that are None are not annotated, and not scored."""
    has_intent = [row["intent"] is not None for row in references]
    return score_annotated(predictions, references, has_intent, [row["slots"] is not None for row in references])


def score_annotated(
    predictions: Sequence[Scorable], references: Sequence[Scorable], has_intent: Sequence[bool], has_slots: Sequence[bool]
) -> Metrics:
    """[`score`], where the references themselves don't say what of them is annotated.

    Args:
        predictions: one an utterance.
        references: likewise.
        has_intent, has_slots: whether an utterance's intent, and its slots, are annotated.
    """
    totals: Counter[str] = Counter()
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


def _count_errors(prediction: Scorable, reference: Scorable, has_intent: bool, has_slots: bool) -> dict[str, int]:
    intent_wrong = has_intent and (prediction["intent"] or "") != (reference["intent"] or "")
    expected, found = (
        {(slot["label"], slot["start"], slot["end"]) for slot in row["slots"] or ()} if has_slots else set()
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


__all__ = ["Metrics", "Scorable", "expected_calibration_error", "roc_auc", "score", "score_annotated"]
