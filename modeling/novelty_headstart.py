"""How unlike a skill's own utterances a text is, for the score of "none of these".

A classifier compares intents with each other, and an utterance of none of them may lie far beyond all of them on the side of one. The Mahalanobis
distance of a text from the nearest intent, with one covariance for all (Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples
and Adversarial Attacks", NeurIPS 2018; for intents Podolskiy et al., "Revisiting Mahalanobis Distance for Transformer-Based Out-of-Domain Detection",
AAAI 2021), says how far. It is taken between mean states of the common bi-LSTM: fine-tuning makes those of the task layers tell the skill's own intents
apart, and nothing else.
"""

from __future__ import annotations

import torch
from torch import nn

from .layers_headstart import add_inputs

NOVELTY_RANK = 16  # directions of the covariance that are kept


class Novelty(nn.Module):
    """What is added to the score of "none of these"; nothing until [`headstart.fit_novelty`] has fitted it.

    The covariance is that of the skill's utterances around the means of their intents, in its strongest directions, with the same variance in all
    others: then a distance takes two small products.

    Args:
        width: of the states.
        num_intents: number of intents.
        rank: directions that are kept.
    """

    means: torch.Tensor
    directions: torch.Tensor
    shares: torch.Tensor
    scale: torch.Tensor

    def __init__(self, width: int, num_intents: int, rank: int = NOVELTY_RANK) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(num_intents, width))
        self.register_buffer("directions", torch.zeros(rank, width))
        self.register_buffer("shares", torch.zeros(rank))
        self.register_buffer("scale", torch.zeros(3))

    @torch.no_grad()
    def fill(self, means: torch.Tensor, directions: torch.Tensor, shares: torch.Tensor) -> None:
        """Take what distances are measured by.

        Args:
            means: (intents, width) float, of each intent.
            directions: (at most rank, width) float, orthonormal.
            shares: (as many,) float, what a difference in each direction counts less by, from 0 to 1.
        """
        self.means.copy_(means)
        for kept, given in ((self.directions, directions), (self.shares, shares)):
            kept.zero_()[: len(given)] = given

    @torch.no_grad()
    def weigh(self, weight: float, middle: float, limit: float) -> None:
        """Say how a distance becomes a score: `weight * (distance - middle)`, between `-limit` and `limit`. Without a limit, a name that no training row
        has would reject an utterance of which the classifier has no doubt."""
        self.scale.copy_(self.scale.new_tensor([weight, weight * middle, limit]))

    def distances(self, states: torch.Tensor) -> torch.Tensor:
        """From the nearest intent, (rows,) float, of mean states (rows, width)."""
        # In float32 whatever the network is in, and from the middle of the intents: what is squared stays small.
        means, directions = self.means.float(), self.directions.float()
        middle = means.mean(dim=0)
        means, states = means - middle, states.float() - middle
        between = states.square().sum(dim=1, keepdim=True) - 2 * states @ means.T + means.square().sum(dim=1)
        along = (states @ directions.T).unsqueeze(1) - means @ directions.T
        squares: torch.Tensor = between - along.square() @ self.shares.float()
        return squares.amin(dim=1).clamp(min=0).sqrt()

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Scores (rows, 1) of mean states of the common bi-LSTM (rows, width), in their dtype."""
        scale = self.scale.float()
        added = torch.minimum(torch.maximum(scale[0] * self.distances(states) - scale[1], -scale[2]), scale[2])
        return added.unsqueeze(1).to(states.dtype)


def common_means(states: torch.Tensor, read: torch.Tensor | None, is_padding: torch.Tensor) -> torch.Tensor:
    """What the common bi-LSTM makes of whole rows, (rows, width) float.

    Args:
        states: (rows, tokens, width) float, its states.
        read: (rows, tokens, embedding size) float, the embeddings that are in them, too, if it is residual: they say which words these are, and drown
            what they say together.
        is_padding: (rows, tokens, 1) bool.
    """
    own = states if read is None else add_inputs(states, -read)
    return own.masked_fill(is_padding, 0).sum(dim=1) / (~is_padding).sum(dim=1).to(states.dtype)


__all__ = ["NOVELTY_RANK", "Novelty", "common_means"]
