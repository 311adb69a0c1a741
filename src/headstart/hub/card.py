"""Model cards of fine-tuned skills, from the template in model_cards/."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from huggingface_hub import EvalResult, ModelCard, ModelCardData

import headstart.model_cards
from headstart.data.rows import Row
from headstart.modeling.entries_headstart import SkillEntry
from headstart.version import __version__

logger = logging.getLogger(__name__)

TEMPLATE = Path(headstart.model_cards.__file__).parent / "template.md"
PARTS = (("validation", "eval_"), ("test", "test_"))  # and what the names of their figures begin with
NO_TRANSFER = "no_transfer_"  # what the names of the figures of the same network without transfer begin with
FIGURES = ("intent_accuracy", "slot_f1", "exact_match", "semantic_error_rate")
OPTIONS = ("learning_rate", "trunk_learning_rate", "per_device_train_batch_size", "seed")
LONGEST_EXAMPLE = 80  # characters


@dataclass(frozen=True)
class Facts:
    """What a card says of a training run.

    Args:
        metrics: the content of `metrics.json`.
        base: name of the checkpoint that it was fine-tuned from; None if it started at random.
        rows: the training rows.
        options: those of training.
        megabytes: size of the weights' file.
        latency_ms: median milliseconds of one request, see [`headstart.evaluation.latency.median_latency`].
        dataset: name of the data on a hub.
        data_licence: licence of the data.
        base_licence: licence of the base; what is fine-tuned from share-alike weights stays under theirs.
        is_head: it is a head, which needs the base.
    """

    metrics: dict[str, Any]
    base: str | None
    rows: Sequence[Row]
    options: dict[str, Any] = field(default_factory=dict)
    megabytes: float | None = None
    latency_ms: float | None = None
    dataset: str | None = None
    data_licence: str | None = None
    base_licence: str | None = None
    is_head: bool = False


def licence_of(checkpoint: str) -> str | None:
    """The licence that a checkpoint's own card names, with a warning if there is no such card or licence.

    Args:
        checkpoint: its folder or repository.
    """
    own = Path(checkpoint) / "README.md"
    try:
        licence = ModelCard.load(own if Path(checkpoint).is_dir() else checkpoint).data.license
    except (OSError, ValueError) as error:  # no card, no network, or a card that is none
        logger.debug("card of %s: %s", checkpoint, error)
        licence = None
    if licence is None:
        logger.warning(
            "the card of %s names no licence, so that what is fine-tuned from it has none: add `license:` to both", checkpoint
        )
    return cast(str | None, licence)


def make_card(skill: SkillEntry, facts: Facts) -> ModelCard:
    """The card of a fine-tuned skill.

    Args:
        skill: the skill's entry in the configuration (name, intents, slots, gazetteer, rejection).
        facts: what is known of its training.
    """
    metrics, base = facts.metrics, facts.base
    data = ModelCardData(
        language="en",
        license=facts.base_licence,
        library_name="headstart",
        tags=["joint-nlu", "intent-classification", "slot-filling", *(["headstart-head"] if facts.is_head else [])],
        base_model=base,
        datasets=[facts.dataset] if facts.dataset else None,
        model_name=skill["name"],
        eval_results=_results(skill["name"], metrics),
    )
    card: ModelCard = ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        skill=skill["name"],
        is_head=facts.is_head,
        base=base,
        rank=skill.get("rank"),
        intents=_with_examples(skill["intents"], _intent_examples(facts.rows)),
        slots=_with_examples(skill["slots"], _slot_examples(facts.rows)),
        catalogs=skill["gazetteer"]["slots"] if "gazetteer" in skill else [],
        resolved=skill["canonical"]["slots"] if "canonical" in skill else [],
        rejection=skill.get("rejection"),
        calibrated=metrics.get("temperature") is not None,
        calibration_error=metrics.get("test_expected_calibration_error"),
        origin=f"fine-tuned from `{base}`" if base else "trained from a random start",
        train_rows=len(facts.rows),
        dataset=facts.dataset,
        data_licence=facts.data_licence,
        options={name.replace("_", " "): facts.options[name] for name in OPTIONS if name in facts.options},
        versions={"headstart": __version__, "transformers": transformers.__version__, "torch": torch.__version__},
        steps=metrics["steps"],
        megabytes=facts.megabytes,
        latency_ms=facts.latency_ms,
        example=repr(facts.rows[0]["text"]),
        figures=figure_rows(metrics),
        is_compared=any(name.startswith(NO_TRANSFER) for name in metrics),
    )
    return card


def _results(skill: str, metrics: dict[str, Any]) -> list[EvalResult] | None:
    """The scores of the parts that were measured, as the hub's `model-index` has them; None if there are none."""
    return [
        EvalResult(
            task_type="token-classification" if name == "slot_f1" else "text-classification",
            dataset_type=skill,
            dataset_name=skill,
            dataset_split=part,
            metric_type="f1" if name == "slot_f1" else "accuracy" if name == "intent_accuracy" else name,
            metric_name=name.replace("_", " "),
            metric_value=round(metrics[prefix + name], 4),
        )
        for part, prefix in PARTS
        for name in FIGURES
        if metrics.get(prefix + name) is not None
    ] or None


def figure_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Rows of the card's table for each part that was measured, below it those without transfer: name, utterances, and figures to three digits."""
    rows = []
    for part, prefix in PARTS:
        for title, origin in ((part, ""), (f"{part}, no transfer", NO_TRANSFER)):
            if f"{origin}{prefix}utterances" in metrics:
                values = [metrics.get(origin + prefix + name) for name in FIGURES]
                shown = ["-" if value is None else f"{value:.3f}" for value in values]
                rows.append([title, str(metrics[f"{origin}{prefix}utterances"]), *shown])
    return rows


def _intent_examples(rows: Sequence[Row]) -> dict[str, str]:
    """The first utterance of each intent."""
    examples: dict[str, str] = {}
    for row in rows:
        if row["intent"] is not None:
            examples.setdefault(row["intent"], row["text"])
    return examples


def _slot_examples(rows: Sequence[Row]) -> dict[str, str]:
    """The first value of each slot label."""
    examples: dict[str, str] = {}
    for row in rows:
        for slot in row["slots"] or []:
            examples.setdefault(slot["label"], row["text"][slot["start"] : slot["end"]])
    return examples


def _with_examples(labels: Sequence[str], examples: dict[str, str]) -> list[list[str]]:
    return [[_cell(label), _cell(examples.get(label, "-"))] for label in labels]


def _cell(text: str) -> str:
    """A text as a cell of a Markdown table: on one line, not too long, nothing in it read as markup."""
    line = " ".join(text.split())
    cut = line if len(line) <= LONGEST_EXAMPLE else line[: LONGEST_EXAMPLE - 1] + "…"
    for character in "\\`*_<[|":
        cut = cut.replace(character, f"\\{character}")
    return cut


__all__ = ["Facts", "figure_rows", "make_card"]
