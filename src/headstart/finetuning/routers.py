"""Routers: what tells a skill's utterances from others before any head is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from headstart.data.rows import DataError, Row
from headstart.finetuning.probing import LEAST_DEVIATION, minimize, squares
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.routing_headstart import Router, normalize_states

BATCH_SIZE = 64
PENALTY = 1e-2  # of squared weights; chosen on validation rows, as were the states that are read (benchmarks/README.md)


def fit_router(
    model: HeadstartForJointNLU,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Row],
    out_of_scope: Sequence[str],
) -> None:
    """Fit the router of the model's only skill in place: logistic regression of its intents and "none of these", which count half.

    Args:
        model: the network with the skill, whose shared layers are those of the base.
        tokenizer: its tokenizer.
        rows: the skill's rows, with text and intent; those without an intent are left out if the skill has intents.
        out_of_scope: utterances that are none of the skill's.

    Raises:
        DataError: there is none of these.
    """
    if not out_of_scope:
        raise DataError(
            f"no out-of-scope utterance is left for skill {model.skill()['name']!r}: give a file of others with --out_of_scope."
        )
    entry = model.skill()
    rows = [row for row in rows if row["intent"] is not None or not entry["intents"]]
    states = _shared_states(model, tokenizer, [*(row["text"] for row in rows), *out_of_scope], entry["task_layers"])
    of_others = states[len(rows) :]
    mean, deviation = of_others.mean(dim=0), of_others.std(dim=0, correction=0) + LEAST_DEVIATION
    scaled = (states - mean) / deviation
    num_classes = max(len(entry["intents"]), 1)
    classes = [entry["intents"].index(str(row["intent"])) if entry["intents"] else 0 for row in rows]
    labels = torch.tensor([*classes, *[num_classes] * len(out_of_scope)])
    shares = torch.cat([torch.full((len(part),), 0.5 / len(part)) for part in (rows, out_of_scope)])
    weight = torch.zeros(num_classes + 1, scaled.shape[1], requires_grad=True)
    bias = torch.zeros(num_classes + 1, requires_grad=True)
    minimize(
        lambda: shares @ cross_entropy(scaled @ weight.T + bias, labels, reduction="none") + PENALTY * squares([weight]),
        [weight, bias],
    )
    router = cast(Router, model.routers[entry["name"]])
    with torch.no_grad():  # the router sees states as they are, and its scores are those against "none of these"
        weight, bias = (weight[:-1] - weight[-1]) / deviation, bias[:-1] - bias[-1]
        router.weight.copy_(weight)
        router.bias.copy_(bias - weight @ mean)


@torch.no_grad()
def _shared_states(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], task_layers: str
) -> torch.Tensor:
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(texts), BATCH_SIZE):
        batch = tokenizer(list(texts[start : start + BATCH_SIZE]), padding=True, truncation=True, return_tensors="pt")
        states = model.shared_states(batch["input_ids"].to(model.device), batch["attention_mask"].to(model.device), task_layers)
        parts.append(normalize_states(states).cpu())
    model.train(was_training)
    return torch.cat(parts)


__all__ = ["fit_router"]
