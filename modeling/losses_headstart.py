"""Losses of annotated rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .crf_headstart import ChainCRF
from .labels_headstart import IGNORED
from .layers_headstart import gather_words


def intent_losses(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each annotated row, (annotated,), of scores (rows, intents)."""
    annotated = labels != IGNORED
    return nn.functional.cross_entropy(scores[annotated], labels[annotated], reduction="none")


def slot_losses(crf: ChainCRF, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of each annotated row's tags, (annotated,), of scores (rows, tokens, tags)."""
    words = labels != IGNORED
    annotated = words.any(dim=1)
    emissions, mask, tags = gather_words(scores[annotated], words[annotated], labels[annotated])
    losses: torch.Tensor = crf(emissions, tags, mask)
    return losses


def mean_of(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean over the rows of all parts, of which there is one at least; a zero that still has a gradient where no row is annotated."""
    values = torch.cat(list(parts))
    return values.sum() / max(len(values), 1)


__all__ = ["intent_losses", "mean_of", "slot_losses"]
