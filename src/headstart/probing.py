"""Classifiers of a new skill, fitted to what a pretrained base makes of its rows before the base itself is tuned.

A linear probe, then fine-tuning: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution"
(ICLR 2022). Random classifiers would send random gradients through the pretrained layers; fitted ones start where the base's own
states lead. The states don't change meanwhile, so they are computed once, and a step costs a hundredth of one of fine-tuning.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.functional import dropout
from torch.nn.utils.rnn import pad_sequence

from headstart.features import JointNLUCollator
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.modeling_headstart import IGNORED
from headstart.refilling import EpochRows

BATCH_SIZE = 64


def fit_classifiers(
    model: HeadstartForJointNLU,
    rows: Sequence[dict[str, Any]],
    steps: int = 100,
    learning_rate: float = 1e-2,
    weight_decay: float = 0.01,
    seed: int = 0,
) -> None:
    """Fit the classifiers and the CRF of the model's only skill, in place; everything else stays as it is.

    Args:
        model: the base with the skill.
        rows: encoded rows (see [`headstart.features.encode_rows`]).
        steps: optimizer steps on batches of 64 rows' states.
        learning_rate: peak learning rate of AdamW; it falls linearly to 0.
        weight_decay: of AdamW.
        seed: of the choice and order of rows.
    """
    choice = random.Random(seed)
    rows = choice.sample(list(rows), min(len(rows), steps * BATCH_SIZE))
    states = _states(model, rows)
    classifiers = model.classifiers[model.skill()["name"]]
    optimizer = torch.optim.AdamW(classifiers.parameters(), lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / max(steps, 1), max(steps, 1))
    left: list[_RowStates] = []
    for _ in range(steps):
        if not left:
            left = choice.sample(states, len(states))
        batch, left = left[:BATCH_SIZE], left[BATCH_SIZE:]
        loss = _loss(model, batch)
        if loss is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()


class _RowStates(NamedTuple):
    """ST states of a row's words (words, width), its pooled IC states (width,), its intent () and its tags (words,)."""

    slot_states: torch.Tensor
    intent_states: torch.Tensor
    intent: torch.Tensor
    tags: torch.Tensor


def _loss(model: HeadstartForJointNLU, rows: Sequence[_RowStates]) -> torch.Tensor | None:
    """The loss of some rows' states, with the dropout of fine-tuning; None if nothing is annotated."""
    drop = model.config.hidden_dropout
    scores = model.classify(
        0,
        dropout(pad_sequence([row.slot_states for row in rows], batch_first=True), drop),
        dropout(torch.stack([row.intent_states for row in rows]), drop),
        torch.stack([row.intent for row in rows]),
        pad_sequence([row.tags for row in rows], batch_first=True, padding_value=IGNORED),
    )
    losses = [part.mean() for part in (scores.intent_losses, scores.slot_losses) if part is not None and len(part)]
    return torch.stack(losses).sum() if losses else None


def rows_to_fit(train: EpochRows, at_least: int = 256, max_epochs: int = 8) -> list[dict[str, Any]]:
    """The encoded rows of as many epochs as give so many rows; of one, if they can't differ."""
    rows = list(train.encoded)
    for epoch in range(1, max_epochs if train.sources else 1):
        if len(rows) >= at_least:
            break
        train.begin_epoch(epoch)
        rows += train.encoded
    train.begin_epoch(0)
    return rows


@torch.no_grad()
def _states(model: HeadstartForJointNLU, rows: Sequence[dict[str, Any]]) -> list[_RowStates]:
    collator = JointNLUCollator(model.config.pad_token_id)
    was_training = model.training
    model.eval()
    found = []
    for start in range(0, len(rows), BATCH_SIZE):
        batch = {name: part.to(model.device) for name, part in collator(list(rows[start : start + BATCH_SIZE])).items()}
        # One skill: the rows keep their order.
        states = model.task_states(batch["input_ids"], batch["attention_mask"]).states[model.skill()["task_layers"]]
        for of_slots, of_intents, intent, labels in zip(*states, batch["intent_labels"], batch["slot_labels"], strict=True):
            words = labels != IGNORED
            found.append(_RowStates(of_slots[words], of_intents, intent, labels[words]))
    model.train(was_training)
    return found


__all__ = ["fit_classifiers", "rows_to_fit"]
