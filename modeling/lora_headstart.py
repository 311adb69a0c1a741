"""Low-rank adapters (LoRA): what a head changes in bi-LSTMs that it shares with other heads, every weight matrix by a product of two thin ones.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022), for LSTMs. The shared weights stay as they are, and so does what other
heads answer.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from .layers_headstart import BiLSTM

DIRECTIONS = ("", "_reverse")  # as torch names their weights


class LoraLSTM(nn.Module):
    """The adapter of one bi-LSTM: `weight + lora_B @ lora_A` for each matrix, and a free change of the biases.

    Args:
        input_size: width of the bi-LSTM's input.
        hidden_size: its units, for each direction.
        rank: columns of `lora_B` and rows of `lora_A`.
    """

    def __init__(self, input_size: int, hidden_size: int, rank: int) -> None:
        super().__init__()
        self.input_size = input_size
        # Of both directions. The weights of the input and of the last state are changed together, as one matrix.
        self.lora_A = nn.Parameter(torch.empty(2, rank, input_size + hidden_size))
        self.lora_B = nn.Parameter(torch.empty(2, 4 * hidden_size, rank))
        self.bias = nn.Parameter(torch.empty(2, 4 * hidden_size))

    def forward(self, lstm: BiLSTM) -> list[torch.Tensor]:
        """All weights and biases of the changed bi-LSTM, as torch orders them."""
        changed = self.weights(lstm)
        return [changed.get(name, getattr(lstm, name)) for name in lstm.weight_names]

    def weights(self, lstm: BiLSTM) -> dict[str, torch.Tensor]:
        """The changed weights and biases of a bi-LSTM, by torch's names; the second bias of each direction is not changed."""
        changed: dict[str, torch.Tensor] = {}
        dtype = lstm.get_parameter("weight_ih_l0").dtype
        for direction, down, up, bias in zip(DIRECTIONS, *(part.to(dtype) for part in self.parameters()), strict=True):
            for name, part in zip(
                ("weight_ih_l0", "weight_hh_l0"), down.split([self.input_size, lstm.hidden_size], dim=1), strict=True
            ):
                changed[name + direction] = torch.addmm(getattr(lstm, name + direction), up, part)
            changed["bias_ih_l0" + direction] = getattr(lstm, "bias_ih_l0" + direction) + bias
        return changed


def merged(lstm: BiLSTM, adapter: LoraLSTM | None) -> BiLSTM:
    """A bi-LSTM that is changed for good, the shared one being left as it is; without an adapter, that one itself."""
    if adapter is None:
        return lstm
    result = copy.deepcopy(lstm)
    with torch.no_grad():
        for name, weight in adapter.weights(lstm).items():
            getattr(result, name).copy_(weight)
    return result


class HeadAdapters(nn.Module):
    """A head's adapters of the common bi-LSTM and of the ST and IC bi-LSTMs that it shares.

    Args:
        embedding_size, hidden_size, task_hidden_size: those of the network.
        rank: of every adapter.
    """

    def __init__(self, embedding_size: int, hidden_size: int, task_hidden_size: int, rank: int) -> None:
        super().__init__()
        self.trunk = LoraLSTM(embedding_size, hidden_size, rank)
        self.slot_lstm = LoraLSTM(2 * hidden_size, task_hidden_size, rank)
        self.intent_lstm = LoraLSTM(2 * hidden_size, task_hidden_size, rank)


__all__ = ["HeadAdapters", "LoraLSTM", "merged"]
