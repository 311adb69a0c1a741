"""Losses of annotated rows, scores of several skills' rows in one batch, and what an intent says of the slots."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .layers_headstart import LinearChainCRF

IGNORED = -100  # label of a position or a row without annotation, as everywhere in transformers
# Least share of its probability that a slot's word keeps with an intent which has the slot in no training row.
UNSEEN_PRIOR = 0.02


def intent_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each annotated row, (annotated,), of scores (rows, intents)."""
    annotated = labels != IGNORED
    return nn.functional.cross_entropy(logits[annotated], labels[annotated], reduction="none")


def slot_losses(crf: LinearChainCRF, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of each annotated row's tags, (annotated,), of scores (rows, tokens, tags)."""
    words = labels != IGNORED
    annotated = words.any(dim=1)
    emissions, mask, tags = gather_words(logits[annotated], words[annotated], labels[annotated])
    return crf(emissions, tags, mask)


def gather_words(
    logits: torch.Tensor, words: torch.Tensor, labels: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Move the marked positions of each row to its front: scores (batch, words, tags), mask and labels (batch, words)."""
    counts = words.sum(dim=1)
    width = max(int(counts.max()) if len(counts) else 0, 1)
    order = (~words).to(torch.uint8).argsort(dim=1, stable=True)[:, :width]
    emissions = logits.gather(1, order.unsqueeze(2).expand(-1, -1, logits.shape[2]))
    mask = torch.arange(width, device=words.device) < counts.unsqueeze(1)
    return emissions, mask, order if labels is None else labels.gather(1, order)


def mean_of(parts: list[torch.Tensor]) -> torch.Tensor | None:
    """Mean over the rows of all parts; a zero that still has a gradient where no row is annotated; None without parts."""
    if not parts:
        return None
    values = torch.cat(parts)
    return values.sum() / max(len(values), 1)


def merge_rows(parts: list[tuple[slice, torch.Tensor]], order: torch.Tensor) -> torch.Tensor | None:
    """Put the scores of several skills' rows back into the batch's order, padded with the lowest number to the widest skill."""
    if not parts:
        return None
    first = parts[0][1]
    if len(parts) == 1 and len(first) == len(order):
        merged = first
    else:
        width = max(scores.shape[-1] for _, scores in parts)
        merged = first.new_full((len(order), *first.shape[1:-1], width), torch.finfo(first.dtype).min)
        for rows, scores in parts:
            merged[rows, ..., : scores.shape[-1]] = scores
    return merged[order.argsort()]


def seen_slots(entry: dict[str, Any]) -> torch.Tensor:
    """(intents, slot labels) float, 1 where an intent was seen with a label, or where that says nothing; see [`slot_priors`].

    Args:
        entry: the skill's entry in the configuration, with `intents`, `slots` and `slots_of_intents`.
    """
    seen = {intent: set(labels) for intent, labels in entry["slots_of_intents"].items()}
    free = set(entry["slots"]).difference(*seen.values())
    return torch.tensor(
        [
            [float(intent not in seen or label in seen[intent] or label in free) for label in entry["slots"]]
            for intent in entry["intents"]
        ]
    )


def slot_priors(intent_logits: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """What the probable intents of rows add to the scores of their tags at every word, (rows, 1, tags) float, from log(.02) to 0.

    For each slot label, the logarithm of the probability that the row's intent is one that was seen with it, against the same
    probability where nothing is known of the intent: an uncertain intent says nothing. A label that no intent was seen with is free.

    Args:
        intent_logits: (rows, intents) float.
        seen: (intents, slot labels) float, of [`seen_slots`].
    """
    table = seen.to(intent_logits)
    allowed = intent_logits.softmax(dim=1) @ table
    priors = (allowed / table.mean(dim=0)).clamp(min=UNSEEN_PRIOR, max=1).log()
    return nn.functional.pad(priors.repeat_interleave(2, dim=1), (1, 0)).unsqueeze(1)


__all__ = ["IGNORED", "gather_words", "intent_losses", "mean_of", "merge_rows", "seen_slots", "slot_losses", "slot_priors"]
