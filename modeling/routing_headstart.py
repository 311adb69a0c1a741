"""Which of many skills an utterance is for: one pass through what all heads share, and one matrix product for all of their routers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import layer_norm, linear


class Router(nn.Linear):
    """Log-odds (batch, intents) of a skill's intents against "none of these", from [`normalize_states`] of what heads share.

    Args:
        input_size: width of the pooled IC states.
        num_intents: number of intents; 0: the skill has none, and there is one score, of the skill.
    """

    def __init__(self, input_size: int, num_intents: int) -> None:
        super().__init__(input_size, max(num_intents, 1))
        self.requires_grad_(False)  # fitted, not trained with the rest


def normalize_states(states: torch.Tensor) -> torch.Tensor:
    """What routers read of pooled IC states (batch, width): mean 0 and variance 1 over each row."""
    return layer_norm(states.float(), states.shape[1:])


def log_odds(states: torch.Tensor, routers: Sequence[Router]) -> torch.Tensor:
    """Log-odds (batch, routers) that an utterance is for a skill, whichever its intent, against that it is for none.

    Args:
        states: (batch, width) float, pooled IC states.
        routers: those of the skills.
    """
    weights = torch.cat([router.weight for router in routers]).float()
    biases = torch.cat([router.bias for router in routers]).float()
    scores = linear(normalize_states(states), weights, biases)
    owners = torch.arange(len(routers), device=scores.device).repeat_interleave(
        torch.tensor([router.out_features for router in routers], device=scores.device)
    )
    places = owners.expand(len(scores), -1)
    highest = scores.new_full((len(scores), len(routers)), -torch.inf).scatter_reduce(1, places, scores, "amax")
    return highest + torch.zeros_like(highest).scatter_add(1, places, (scores - highest.gather(1, places)).exp()).log()


__all__ = ["Router", "log_odds", "normalize_states"]
