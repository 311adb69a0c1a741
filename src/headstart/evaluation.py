"""Scores of a model on annotated rows, in characters of the rows' own texts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

from datasets import Dataset
from transformers import pipeline

from headstart.checkpoints import resolve_checkpoint
from headstart.data import label_counts, read_rows
from headstart.metrics import score
from headstart.tokenization import NLUPipeline

logger = logging.getLogger(__name__)


def evaluate(
    model: NLUPipeline | str | Path, rows: Dataset | str | Path, skill: str | None = None, batch_size: int = 64
) -> dict[str, Any]:
    """Predict the rows and score the predictions.

    Args:
        model: a pipeline, or the folder or repository of a checkpoint.
        rows: a dataset with the columns text, intent and slots, or a JSON-lines file.
        skill: the skill to ask; may be left out if the model has one.
        batch_size: rows predicted at once.

    Returns:
        `utterances`, `intent_accuracy`, `slot_f1`, `exact_match` and `semantic_error_rate`, defined in
        [`headstart.metrics.JointNLUMetric`]; None where nothing is annotated. Labels that the skill lacks count as errors.
    """
    nlu = model if isinstance(model, NLUPipeline) else load_pipeline(model)
    rows = rows if isinstance(rows, Dataset) else read_rows(rows)
    entry = nlu.model.skill(skill)
    _report_unknown_labels(rows, entry)
    references = rows.to_list()
    # Rows of similar length together: less padding, and the answers are put back in order.
    order = sorted(range(len(references)), key=lambda number: len(references[number]["text"]))
    answers = nlu([references[number]["text"] for number in order], skill=entry["name"], batch_size=batch_size)
    predictions: list[dict[str, Any]] = [{} for _ in references]
    for number, answer in zip(order, answers, strict=True):
        intent = answer["intent"]
        predictions[number] = {"intent": intent["label"] if intent else None, "slots": answer["slots"]}
    return score(predictions, references)


def load_pipeline(model: str | Path, **options: Any) -> NLUPipeline:
    """The pipeline `joint-nlu` of a checkpoint, by folder, repository or short name."""
    return cast(Any, pipeline)("joint-nlu", model=resolve_checkpoint(model), **options)


def _report_unknown_labels(rows: Dataset, entry: dict[str, Any]) -> None:
    intents, slots = label_counts(rows)
    for kind, found, known in (("intent", intents, entry["intents"]), ("slot label", slots, entry["slots"])):
        unknown = sorted(set(found) - set(known))
        if unknown:
            logger.warning(
                "skill %s lacks %d %ss of the rows, which count as errors (%d times): %s",
                entry["name"], len(unknown), kind, sum(found[label] for label in unknown), ", ".join(unknown[:8]),
            )  # fmt: skip


__all__ = ["evaluate", "load_pipeline"]
