"""What a head changes in a network that it shares with other heads: every weight matrix of the three bi-LSTMs by a product of two thin ones.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022), for LSTMs. The shared weights stay as they are, and so does what other
heads answer.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn

from .layers_headstart import BiLSTM

DIRECTIONS = ("", "_reverse")  # as torch names their weights


class LowRankChange(nn.Module):
    """A change of one bi-LSTM's weights: `weight + up @ down` for each matrix, and a free change of the biases.

    Args:
        input_size: width of the bi-LSTM's input.
        hidden_size: its units, for each direction.
        rank: columns of `up` and rows of `down`.
    """

    def __init__(self, input_size: int, hidden_size: int, rank: int) -> None:
        super().__init__()
        self.input_size = input_size
        # Of both directions. The weights of the input and of the last state are changed together, as one matrix.
        self.down = nn.Parameter(torch.empty(2, rank, input_size + hidden_size))
        self.up = nn.Parameter(torch.empty(2, 4 * hidden_size, rank))
        self.bias = nn.Parameter(torch.empty(2, 4 * hidden_size))

    def forward(self, lstm: BiLSTM) -> list[torch.Tensor]:
        """All weights and biases of the changed bi-LSTM, as torch orders them."""
        changed, names = self.weights(lstm), cast(list[str], lstm._flat_weights_names)
        return [changed.get(name, getattr(lstm, name)) for name in names]

    def weights(self, lstm: BiLSTM) -> dict[str, torch.Tensor]:
        """The changed weights and biases of a bi-LSTM, by torch's names; the second bias of each direction is not changed."""
        changed: dict[str, torch.Tensor] = {}
        dtype = cast(torch.Tensor, lstm.weight_ih_l0).dtype
        for direction, down, up, bias in zip(DIRECTIONS, *(part.to(dtype) for part in self.parameters()), strict=True):
            for name, part in zip(
                ("weight_ih_l0", "weight_hh_l0"), down.split([self.input_size, lstm.hidden_size], dim=1), strict=True
            ):
                changed[name + direction] = torch.addmm(getattr(lstm, name + direction), up, part)
            changed["bias_ih_l0" + direction] = getattr(lstm, "bias_ih_l0" + direction) + bias
        return changed


def merged(lstm: BiLSTM, change: LowRankChange | None) -> BiLSTM:
    """A bi-LSTM that is changed for good, the shared one being left as it is; without a change, that one itself."""
    if change is None:
        return lstm
    result = copy.deepcopy(lstm)
    with torch.no_grad():
        for name, weight in change.weights(lstm).items():
            getattr(result, name).copy_(weight)
    return result


class HeadChanges(nn.Module):
    """What a head changes in the common bi-LSTM and in the ST and IC bi-LSTMs that it shares.

    Args:
        embedding_size, hidden_size, task_hidden_size: those of the network.
        rank: of every change.
    """

    def __init__(self, embedding_size: int, hidden_size: int, task_hidden_size: int, rank: int) -> None:
        super().__init__()
        self.trunk = LowRankChange(embedding_size, hidden_size, rank)
        self.slot_lstm = LowRankChange(2 * hidden_size, task_hidden_size, rank)
        self.intent_lstm = LowRankChange(2 * hidden_size, task_hidden_size, rank)


__all__ = ["HeadChanges", "LowRankChange", "merged"]
