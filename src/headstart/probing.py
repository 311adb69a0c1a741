"""Classifiers of a new skill, fitted to what a pretrained base makes of its rows before the base itself is tuned.

A linear probe, then fine-tuning: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution"
(ICLR 2022). Random classifiers would send random gradients through the pretrained layers; fitted ones start where the base's own
states lead. The states don't change meanwhile, so they are computed once, and what is left is logistic regression.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from headstart.features import JointNLUCollator
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.modeling_headstart import IGNORED
from headstart.refilling import EpochRows

ITERATIONS = 30
# Both chosen on validation rows (benchmarks/README.md).
PENALTY = 1e-3  # of the squared weights
CONFIDENCE = 0.15  # what fitted scores are multiplied by; see `_fit`
MIN_ROWS, MAX_ROWS, MAX_EPOCHS = 128, 4000, 8
BATCH_SIZE = 64


def fit_classifiers(model: HeadstartForJointNLU, rows: Sequence[dict[str, Any]], seed: int = 0) -> None:
    """Fit the classifiers of intents and tags of the model's only skill, in place; the CRF and everything else stay as they are.

    Two logistic regressions, of intents on pooled IC states and of tags on ST states, by L-BFGS (Liu and Nocedal, 1989).

    Args:
        model: the base with the skill.
        rows: encoded rows (see [`headstart.features.encode_rows`]); of more than 4,000, some are drawn.
        seed: of that choice.
    """
    if len(rows) > MAX_ROWS:
        rows = random.Random(seed).sample(list(rows), MAX_ROWS)
    states = _states(model, rows)
    classifiers: Any = model.classifiers[model.skill()["name"]]
    intents = [layer for layer in (classifiers.intent_classifier, classifiers.reject_classifier) if layer is not None]
    tags = [layer for layer in (classifiers.slot_classifier,) if layer is not None]
    _fit(intents, states.of_intents, states.intents)
    _fit(tags, states.of_words, states.tags)


def _fit(layers: Sequence[nn.Linear], states: torch.Tensor, labels: torch.Tensor) -> None:
    """Fit layers whose outputs stand side by side in one softmax.

    A few dozen rows can be told apart almost with certainty, and what is certain sends no gradient to the layers below, which are
    tuned next: the scores are made smaller afterwards. Answers stay the same.
    """
    states, labels = states[labels != IGNORED], labels[labels != IGNORED]
    if not layers or not len(labels):
        return
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()
    optimizer = torch.optim.LBFGS(parameters, max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        penalty = torch.stack([layer.weight.square().sum() for layer in layers]).sum()
        loss = cross_entropy(torch.cat([layer(states) for layer in layers], dim=1), labels) + PENALTY * penalty
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    step: Callable[[Callable[[], torch.Tensor]], Any] = optimizer.step
    step(closure)
    optimizer.zero_grad()
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_(CONFIDENCE)


def rows_to_fit(train: EpochRows) -> list[dict[str, Any]]:
    """The encoded rows of as many epochs (8 at most) as give 128 rows; of one, if they can't differ."""
    rows = list(train.encoded)
    for epoch in range(1, MAX_EPOCHS if train.sources else 1):
        if len(rows) >= MIN_ROWS:
            break
        train.begin_epoch(epoch)
        rows += train.encoded
    train.begin_epoch(0)
    return rows


class _States(NamedTuple):
    """Pooled IC states (rows, width) and intents (rows,) of rows; ST states (words, width) and tags (words,) of their words."""

    of_intents: torch.Tensor
    intents: torch.Tensor
    of_words: torch.Tensor
    tags: torch.Tensor


@torch.no_grad()
def _states(model: HeadstartForJointNLU, rows: Sequence[dict[str, Any]]) -> _States:
    collator = JointNLUCollator(model.config.pad_token_id)
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(rows), BATCH_SIZE):
        batch = {name: part.to(model.device) for name, part in collator(list(rows[start : start + BATCH_SIZE])).items()}
        # One skill: the rows keep their order.
        of_slots, of_intents = model.task_states(batch["input_ids"], batch["attention_mask"]).states[model.skill()["task_layers"]]
        words = batch["slot_labels"] != IGNORED
        parts.append((of_intents, batch["intent_labels"], of_slots[words], batch["slot_labels"][words]))
    model.train(was_training)
    return _States(*(torch.cat(list(part)) for part in zip(*parts, strict=True)))


__all__ = ["fit_classifiers", "rows_to_fit"]
