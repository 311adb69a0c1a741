"""Model cards of fine-tuned skills, from the template in model_cards/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

import headstart.model_cards

TEMPLATE = Path(headstart.model_cards.__file__).parent / "template.md"
LICENCES = {"headstart-base-en": "cc-by-sa-4.0"}  # what is fine-tuned from shared-alike weights stays under their licence
PARTS = (("validation", "eval_"), ("test", "test_"))  # and what the names of their figures begin with
FIGURES = ("intent_accuracy", "slot_f1", "exact_match", "semantic_error_rate")


def make_card(
    skill: dict[str, Any], metrics: dict[str, Any], base: str | None, train_rows: int, example: str, *, is_head: bool = False
) -> ModelCard:
    """The card of a fine-tuned skill.

    Args:
        skill: the skill's entry in the configuration (name, intents, slots, gazetteer, rejection).
        metrics: the content of `metrics.json`.
        base: name of the checkpoint that it was fine-tuned from; None if it started at random.
        train_rows: number of training utterances.
        example: a request to show.
        is_head: it is a head, which needs the base.
    """
    data = ModelCardData(
        language="en",
        license=LICENCES.get(base or ""),
        library_name="headstart",
        tags=["joint-nlu", "intent-classification", "slot-filling", *(["headstart-head"] if is_head else [])],
        base_model=base,
        model_name=skill["name"],
        eval_results=_results(skill["name"], metrics),
    )
    return ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        skill=skill["name"],
        is_head=is_head,
        base=base,
        rank=skill.get("rank"),
        intents=skill["intents"],
        slots=skill["slots"],
        catalogs=skill.get("gazetteer", {}).get("slots", []),
        rejection=skill.get("rejection"),
        calibrated=metrics.get("temperature") is not None,
        origin=f"fine-tuned from `{base}`" if base else "trained from a random start",
        train_rows=train_rows,
        steps=metrics["steps"],
        example=repr(example),
        figures=figure_rows(metrics),
    )


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
    """One row of the card's table for each part that was measured: its name, utterances, and figures to three digits."""
    rows = []
    for part, prefix in PARTS:
        if f"{prefix}utterances" in metrics:
            values = [metrics.get(prefix + name) for name in FIGURES]
            shown = ["-" if value is None else f"{value:.3f}" for value in values]
            rows.append([part, str(metrics[f"{prefix}utterances"]), *shown])
    return rows


__all__ = ["figure_rows", "make_card"]
