"""Probabilities that are honest, and when "none of these" is said, for a model and its users' own data: `headstart calibrate`.

The temperature is fitted first (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017); then the threshold is the one that accepts fewest
utterances which are none of the skill's, of those that keep as many right answers as was asked for. That trade is a risk-coverage curve (El-Yaniv and
Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 2010); what is selected by is the probability of the best intent (Hendrycks and
Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017) against "none of these".
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np

from headstart.data.out_of_scope import list_out_of_scope
from headstart.data.rows import Row, counted
from headstart.evaluation.evaluate import read_scored
from headstart.evaluation.metrics import expected_calibration_error, roc_auc
from headstart.loading import load_pipeline, skill_entry
from headstart.modeling.entries_headstart import Rejection
from headstart.modeling.folders_headstart import CHECKPOINT, KINDS, kind_of
from headstart.modeling.integrity_headstart import hashed_files, read_seal, sealed
from headstart.modeling.weights_headstart import write_aside

logger = logging.getLogger(__name__)

MIN_ROWS = 30  # of either kind, to fit a temperature to; fewer are told apart with any
GRID = [2 ** (step / 20) for step in range(-40, 61)]  # temperatures to choose from: a quarter to eight
KEPT = (1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8)  # shares of the right answers, of a curve's points
LEAST = 1e-12  # of a probability, before its logarithm is taken
BATCH_SIZE = 64


class ThresholdPoint(TypedDict):
    """A point of a curve.

    Args:
        kept: the share of the right answers of never rejecting that was asked for.
        reject_threshold: the lowest that keeps it.
        in_scope_accuracy: share of the skill's rows with the right intent, rejected ones being wrong; None without such rows.
        out_of_scope_accepted: share of the utterances that are none of the skill's which get an intent.
    """

    kept: float
    reject_threshold: float
    in_scope_accuracy: float | None
    out_of_scope_accepted: float


class Calibration(TypedDict):
    """What was measured and chosen.

    Args:
        skill: its name.
        rows, out_of_scope: how many of the skill's rows, and of utterances that are none of its, were asked.
        temperature, reject_threshold: what was chosen.
        expected_calibration_error: of the intents' probabilities on the rows, none rejected, with the temperature that was chosen; and before.
        out_of_scope_auroc: area under the ROC curve of the probability of "none of these" against the best intent, the others against the rows.
        curve: what other thresholds would do.
        is_written: whether the model has them now.
    """

    skill: str
    rows: int
    out_of_scope: int
    temperature: float
    reject_threshold: float
    expected_calibration_error: float | None
    expected_calibration_error_before: float | None
    out_of_scope_auroc: float | None
    curve: list[ThresholdPoint]
    is_written: bool


class _Asked(NamedTuple):
    """Logarithms of probabilities of the intents and, last, of "none of these", (texts, intents + 1), and the number of the right one, (texts,); that of
    "none of these" where there is none."""

    logs: np.ndarray
    labels: np.ndarray


def calibrate(
    model: str | Path,
    unknown: Sequence[str] | str | Path,
    rows: Sequence[Row] | str | Path,
    *,
    kept: float = 0.95,
    skill: str | None = None,
    base: str | Path | None = None,
    writes: bool = True,
) -> Calibration:
    """Choose temperature and threshold of "none of these" for a skill, and write them into the file that tells of the model.

    Args:
        model: folder of a checkpoint, a head or an exported skill.
        unknown: utterances that are none of the skill's, or a file of them: rows (.jsonl) or one utterance a line.
        rows: rows of the skill that it wasn't trained on, or a file or folder of them in any format, as [`headstart.evaluate`] takes them; those
            without a known intent are left out.
        kept: share of the right answers, of those that never rejecting gives, that must stay right.
        skill: which one, of a checkpoint with several.
        base: of a head whose base is not embedded.
        writes: False: the model stays as it is.

    Raises:
        ValueError: the folder holds no model, the skill can't reject, or there are no rows or no utterances to calibrate on.
    """
    folder = Path(model)
    kind = kind_of(folder)
    if kind is None or kind.name not in KINDS:
        raise ValueError(f"{str(model)!r} holds no model; give the folder of a checkpoint, a head or an exported skill.")
    if not 0 < kept <= 1:
        raise ValueError(f"kept is {kept}; it must be a share of the right answers, above 0 and at most 1.")
    nlu = load_pipeline(folder, base=base)
    entry = skill_entry(nlu, skill)
    if "rejection" not in entry:
        raise ValueError(f"skill {entry['name']!r} can't reject: fine-tune it with --rejection true.")
    annotated = read_scored(rows) if isinstance(rows, (str, Path)) else list(rows)
    known = [(row["text"], entry["intents"].index(row["intent"])) for row in annotated if row["intent"] in entry["intents"]]
    others = list_out_of_scope(unknown) if isinstance(unknown, (str, Path)) else list(unknown)
    for count, what in (
        (len(known), "row with one of the skill's intents"),
        (len(others), "utterance that is none of the skill's"),
    ):
        if not count:
            raise ValueError(f"there is no {what} to calibrate on; give at least one, better a hundred.")
    number = len(entry["intents"])
    asked = _ask(nlu, entry["name"], entry["intents"], [*known, *((text, number) for text in others)])
    weights = np.where(asked.labels == number, 0.5 / len(others), 0.5 / len(known))  # either side counts alike
    # Probabilities say the scores up to a constant: times the temperature that they were made with, they are those at 1.
    asked = asked._replace(logs=asked.logs * entry["rejection"]["temperature"])
    temperature = entry["rejection"]["temperature"]
    if min(len(known), len(others)) >= MIN_ROWS:
        temperature = fit_temperature(asked.logs, asked.labels, weights)
    else:
        logger.warning(
            "%s and %s are too few to fit a temperature, which stays %s; give at least %d of each",
            counted(len(known), "row"), counted(len(others), "unknown utterance"), temperature, MIN_ROWS,
        )  # fmt: skip
    best, against_none, is_right = _best(asked, temperature)
    is_known = asked.labels != number
    curve = [
        threshold_point(against_none[is_known], is_right[is_known], against_none[~is_known], share)
        for share in dict.fromkeys((kept, *KEPT))
    ]
    rejection: Rejection = {"temperature": temperature, "threshold": curve[0]["reject_threshold"]}
    best_before, _, _ = _best(asked, entry["rejection"]["temperature"])
    before = expected_calibration_error(best_before[is_known], is_right[is_known])
    if writes:
        _write(folder, entry["name"], rejection)
    return {
        "skill": entry["name"], "rows": len(known), "out_of_scope": len(others), "temperature": rejection["temperature"],
        "reject_threshold": rejection["threshold"], "expected_calibration_error": expected_calibration_error(best[is_known], is_right[is_known]),
        "expected_calibration_error_before": before, "out_of_scope_auroc": roc_auc(1 - against_none[~is_known], 1 - against_none[is_known]),
        "curve": sorted(curve, key=lambda point: -point["kept"]), "is_written": writes,
    }  # fmt: skip


def fit_temperature(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """The temperature with the lowest negative log-likelihood (Guo et al., equation 9), of [`GRID`].

    Args:
        logits: (rows, classes) float, of held-out rows.
        labels: (rows,) int.
        weights: (rows,) float, how much each row counts.
    """
    losses = [-(_log_softmax(logits / temperature)[np.arange(len(labels)), labels] * weights).sum() for temperature in GRID]
    return round(GRID[int(np.argmin(losses))], 4)


def threshold_point(known: np.ndarray, is_right: np.ndarray, unknown: np.ndarray, kept: float) -> ThresholdPoint:
    """The lowest threshold that keeps a share of the right answers, and what it does.

    Args:
        known: (rows,) float, the probability of the best intent against "none of these", of rows that are the skill's.
        is_right: (rows,) bool, whether that is the right one.
        unknown: (texts,) float, likewise of those that are not.
        kept: the share, of the right answers of never rejecting.
    """
    right = np.sort(known[is_right])
    least = 0.0
    if len(right):
        last = right[len(right) - int(np.ceil(kept * len(right) - 1e-9))]  # the least probable that must be accepted
        below = max((value for value in (*known, *unknown) if value < last), default=0.0)
        least = (float(last) + float(below)) / 2  # between the two: rounding and another machine shall not matter
    threshold = round(1 - least, 6)
    is_accepted = known >= 1 - threshold
    return {
        "kept": kept,
        "reject_threshold": threshold,
        "in_scope_accuracy": round(float((is_accepted & is_right).mean()), 4),
        "out_of_scope_accepted": round(float((unknown >= 1 - threshold).mean()), 4),
    }


def _ask(nlu: Any, skill: str, intents: Sequence[str], texts: Sequence[tuple[str, int]]) -> _Asked:
    answers = nlu([text for text, _ in texts], skill=skill, reject_threshold=1, top_k=len(intents), batch_size=BATCH_SIZE)
    numbers = {label: number for number, label in enumerate(intents)}
    probabilities = np.zeros((len(texts), len(intents) + 1))
    for row, answer in enumerate(answers):
        probabilities[row, -1] = answer["out_of_scope"]
        for intent in answer["intents"]:
            probabilities[row, numbers[intent["label"]]] = intent["score"]
    return _Asked(np.log(probabilities.clip(min=LEAST)), np.array([label for _, label in texts]))


def _best(asked: _Asked, temperature: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability of the best intent of each text, that against "none of these" alone, and whether it is the right one, (texts,) each, at a temperature."""
    probabilities = np.exp(_log_softmax(asked.logs / temperature))
    best = probabilities[:, :-1].max(axis=1)
    return best, best / (best + probabilities[:, -1]), probabilities[:, :-1].argmax(axis=1) == asked.labels


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _write(folder: Path, skill: str, rejection: Rejection) -> None:
    """Note how "none of these" is decided in the file that tells of a model; every other file, and what is known of it, stays."""
    kind = kind_of(folder)
    if kind is None:
        raise ValueError(f"{str(folder)!r} holds no model any more.")
    seal = read_seal(folder, kind)
    entries = seal.content["skills"] if kind is CHECKPOINT else [seal.content["skill"]]
    for entry in entries:
        if entry["name"] == skill:
            entry["rejection"] = dict(rejection)
    hashes = seal.hashes if seal.is_sealed else hashed_files(folder, kind.hashed)
    write_aside(folder / kind.mark, sealed(seal.content, kind.mark, hashes))


__all__ = ["Calibration", "ThresholdPoint", "calibrate", "fit_temperature", "threshold_point"]
