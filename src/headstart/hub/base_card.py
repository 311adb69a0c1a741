"""Model cards of pretrained bases, from a template in model_cards/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import ModelCard, ModelCardData

import headstart.model_cards
from headstart.hub.card import FIGURES, OPTIONS
from headstart.modeling import HeadstartForJointNLU
from headstart.version import __version__

TEMPLATE = Path(headstart.model_cards.__file__).parent / "own_base_template.md"


def make_base_card(
    name: str,
    model: HeadstartForJointNLU,
    *,
    train_rows: Mapping[str, int],
    metrics: Mapping[str, Any],
    options: Mapping[str, Any],
    teachers: Sequence[str] = (),
    licence: str | None = None,
) -> ModelCard:
    """The card of a base that was pretrained on one's own corpora.

    Args:
        name: of the base.
        model: the base, with one skill a corpus.
        train_rows: training rows of each corpus.
        metrics: the content of `metrics.json`.
        options: those of training.
        teachers: names of the sentence encoders that taught it.
        licence: of the weights; fine-tuned skills read it from here (see [`headstart.hub.card.licence_of`]).
    """
    config = model.config
    entries = {entry["name"]: entry for entry in model.entries}
    data = ModelCardData(
        language="en",
        license=licence,
        library_name="headstart",
        tags=["joint-nlu", "intent-classification", "slot-filling"],
        model_name=name,
    )
    card: ModelCard = ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        name=name,
        total_rows=f"{sum(train_rows.values()):,}",
        sources=[
            [source, f"{rows:,}", str(len(entries[source]["intents"])), str(len(entries[source]["slots"]))]
            for source, rows in train_rows.items()
        ],
        parameters=f"{sum(weights.numel() for weights in model.parameters()):,}",
        vocab_size=f"{config.vocab_size:,}",
        embedding_size=config.embedding_size,
        hidden_size=config.hidden_size,
        task_hidden_size=config.task_hidden_size,
        distilled=options.get("embeddings") == "distilled",
        teachers=list(teachers),
        licence=licence,
        steps=f"{metrics['steps']:,}",
        options={option.replace("_", " "): options[option] for option in OPTIONS if options.get(option) is not None},
        versions={"headstart": __version__, "transformers": transformers.__version__, "torch": torch.__version__},
        figures=_figures(metrics, list(train_rows)),
    )
    return card


def _figures(metrics: Mapping[str, Any], sources: list[str]) -> list[list[str]]:
    """Rows of the table of validation scores, to three digits."""
    rows = []
    for source in sources:
        prefix = f"eval_{source}_" if len(sources) > 1 else "eval_"
        values = [metrics.get(prefix + figure) for figure in FIGURES]
        if any(value is not None for value in values):
            rows.append([source, *("-" if value is None else f"{value:.3f}" for value in values)])
    return rows


__all__ = ["make_base_card"]
