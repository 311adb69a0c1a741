"""What Headstart's network returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from transformers.utils.generic import ModelOutput


@dataclass
class HeadstartModelOutput(ModelOutput):
    """Output of the trunk.

    Args:
        last_hidden_state: (batch, tokens, 2 * hidden_size) float, both directions side by side, 0 at padding.
    """

    last_hidden_state: torch.Tensor | None = None


@dataclass
class HeadstartJointNLUOutput(ModelOutput):
    """Output of `HeadstartForJointNLU`.

    Args:
        loss: () float, `intent_loss + slot_loss` of what is annotated; None without labels.
        intent_loss: () float, mean negative log-likelihood of the intents over the rows that have an intent label, in nats.
        slot_loss: () float, mean negative log-likelihood of the tag sequences over the rows that have slot labels, in nats.
        intent_logits: (batch, intents) float. Where the rows belong to several skills, the width is that of the largest
            one and the columns that a row's skill lacks hold the dtype's lowest number. None if no skill has intents.
        reject_logits: (batch,) float, the score of "none of these", which competes with the intents in one softmax; the dtype's
            lowest number for skills that can't reject. None if no skill of the batch can.
        slot_logits: (batch, tokens, tags) float, scores of the tags `O, B-0, I-0, B-1, ...` before the CRF, likewise.
        slot_states: (batch, tokens, 2 * task_hidden_size) float, states of the ST bi-LSTM, which the tags are read from.
        intent_states: (batch, 2 * task_hidden_size) float, pooled states of the IC bi-LSTM, which the intents are read from.
    """

    loss: torch.Tensor | None = None
    intent_logits: torch.Tensor | None = None
    slot_logits: torch.Tensor | None = None
    reject_logits: torch.Tensor | None = None
    intent_loss: torch.Tensor | None = None
    slot_loss: torch.Tensor | None = None
    slot_states: torch.Tensor | None = None
    intent_states: torch.Tensor | None = None


@dataclass
class HeadstartDecoding(ModelOutput):
    """What `HeadstartForJointNLU.decode` chose. The tags are valid IOB2: `I-k` only after `B-k` or `I-k`.

    Args:
        intents: (batch,) long, index into the intents of the row's skill; -1 if it is none of these, -100 if the skill has none.
        intent_scores: (batch,) float, the softmax probability of that intent, or of "none of these".
        reject_scores: (batch,) float, the softmax probability of "none of these"; 0 if the skill can't reject.
        intent_probabilities: (batch, intents) float, the softmax probabilities of all intents, which add up to 1 with that of "none of these"; 0
            behind the last one of a skill with fewer than others in the batch.
        tags: (batch, words) long, 0 = `O`, 1 + 2k = `B-`, 2 + 2k = `I-` of slot label k; -100 after the last word, and
            everywhere if the row's skill has no slots.
        tag_scores: (batch, words) float, the marginal probability of each of these tags; 0 after the last word.
    """

    intents: torch.Tensor | None = None
    intent_scores: torch.Tensor | None = None
    reject_scores: torch.Tensor | None = None
    intent_probabilities: torch.Tensor | None = None
    tags: torch.Tensor | None = None
    tag_scores: torch.Tensor | None = None


class TaskStates(NamedTuple):
    """What the classifiers read.

    Args:
        order: (batch,) long, the rows in the order of their skills: those that share bi-LSTMs stand together. None: as they are, all of one skill.
        rows_of: by index of a skill, its rows in that order.
        states: by index of a skill, ST states (rows, tokens, 2 * task_hidden_size) and pooled IC states (rows,
            2 * task_hidden_size) of its rows.
        matches: by index of a skill with catalogs, what is seen of their matches in its rows, (rows, tokens, 2 * catalogs).
        novelty: by index of a skill that measures it, what is added to the score of "none of these", (rows, 1).
    """

    order: torch.Tensor | None
    rows_of: dict[int, slice]
    states: dict[int, tuple[torch.Tensor, torch.Tensor]]
    matches: dict[int, torch.Tensor]
    novelty: dict[int, torch.Tensor]


class SkillScores(NamedTuple):
    """Scores of one skill's rows, and the losses of those that are annotated; None for what the skill or the rows lack.

    Args:
        intent_logits: (rows, intents) float.
        reject_logits: (rows, 1) float.
        slot_logits: (rows, tokens, tags) float.
        intent_losses, slot_losses: (annotated rows,) float, negative log-likelihoods in nats.
    """

    intent_logits: torch.Tensor | None
    reject_logits: torch.Tensor | None
    slot_logits: torch.Tensor | None
    intent_losses: torch.Tensor | None
    slot_losses: torch.Tensor | None


__all__ = ["HeadstartDecoding", "HeadstartJointNLUOutput", "HeadstartModelOutput", "SkillScores", "TaskStates"]
