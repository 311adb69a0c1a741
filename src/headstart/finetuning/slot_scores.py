"""How sure a fine-tuned skill is of the slots that it finds: the temperature of their probabilities.

Scores are divided by it before the CRF's marginal probabilities are taken (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, for a
whole sequence of tags), so that which slots are found stays as it is.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from headstart.data.rows import Row
from headstart.tokenization import NLUPipeline
from headstart.tokenization.alignment_headstart import align_spans

# Of a skill without validation rows: chosen on held-out rows of small skills and of few-shot SNIPS (benchmarks/calibration.py). Up to so many training
# spans a slot label it is the highest one, and what it has above 1 falls with the square root of more.
HIGHEST, FEW_SPANS = 1.6, 3
MIN_SLOTS = 50  # that are found in validation rows, to choose one for the skill
MAX_ROWS = 500
GRID = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0)
LEAST = 1e-6  # of a probability, before its logarithm is taken


class _Found(NamedTuple):
    """Slots that were found: their scores, and which are right, (slots,) each."""

    scores: np.ndarray
    is_right: np.ndarray


def default_temperature(rows: Sequence[Row]) -> float:
    """What a skill with these training rows has if no held-out ones say better."""
    labels = [span["label"] for row in rows for span in row["slots"] or ()]
    return round(1 + (HIGHEST - 1) * math.sqrt(min(1.0, FEW_SPANS * len(set(labels)) / max(len(labels), 1))), 4)


def set_slot_temperature(nlu: NLUPipeline, rows: Sequence[Row], train: Sequence[Row]) -> float | None:
    """Set the temperature of slots' probabilities of the model's only skill: of [`GRID`] the one with the least log loss on held-out rows, or, where
    there are too few slots in them, [`default_temperature`].

    Args:
        nlu: the fine-tuned skill.
        rows: held-out rows of it.
        train: rows that it was trained on.

    Returns:
        the temperature; None if the skill has no slots.
    """
    entry = nlu.model.skill()
    if not entry["slots"]:
        return None
    annotated = [row for row in rows if row["slots"] is not None]
    held_out = random.Random(0).sample(annotated, min(len(annotated), MAX_ROWS))
    entry["slot_temperature"] = default_temperature(train)
    if held_out and len(_find(nlu, held_out).scores) >= MIN_SLOTS:
        losses = {}
        for temperature in GRID:
            entry["slot_temperature"] = temperature
            losses[temperature] = _log_loss(_find(nlu, held_out))
        entry["slot_temperature"] = min(losses, key=lambda temperature: losses[temperature])
    return float(entry["slot_temperature"])


def _find(nlu: NLUPipeline, rows: Sequence[Row]) -> _Found:
    answers = nlu([row["text"] for row in rows], batch_size=64, reject_threshold=1, resolve=False)
    scores, is_right = [], []
    for answer, row in zip(answers, rows, strict=True):
        spans = align_spans(row["slots"] or (), nlu.words(row["text"]))[0]
        right = {(span["label"], span["start"], span["end"]) for span in spans}
        scores += [slot["score"] for slot in answer["slots"]]
        is_right += [(slot["label"], slot["start"], slot["end"]) in right for slot in answer["slots"]]
    return _Found(np.array(scores, dtype=float), np.array(is_right, dtype=bool))


def _log_loss(found: _Found) -> float:
    scores = found.scores.clip(LEAST, 1 - LEAST)
    return float(-np.log(np.where(found.is_right, scores, 1 - scores)).mean())


__all__ = ["default_temperature", "set_slot_temperature"]
