"""Embeddings of the tokens that training rows hold, trained by themselves.

A token that no row holds gets no gradient, but a dense optimizer reads and writes its embedding and both of its moments at every step:
with 25,000 tokens that costs as much as the bi-LSTMs of a small batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.functional import embedding


class SeenEmbedding(nn.Module):
    """Stands in for an `nn.Embedding` in training: some tokens are trained, the others stay as they are.

    Its state dict is that of the whole embedding: a checkpoint saved in the middle of training loads as any other.

    Args:
        whole: the embedding of all tokens.
        tokens: ids of those that are trained.
    """

    places: torch.Tensor
    weight: torch.Tensor

    def __init__(self, whole: nn.Embedding, tokens: Iterable[int]) -> None:
        super().__init__()
        seen = torch.tensor(sorted(set(tokens)), device=whole.weight.device)
        places = torch.full((whole.num_embeddings,), -1, device=seen.device)
        places[seen] = torch.arange(len(seen), device=seen.device)
        self.padding_idx = whole.padding_idx
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("weight", whole.weight.detach())
        self.trained = nn.Parameter(self.weight[seen])
        self.register_state_dict_post_hook(_save_whole)
        self.register_load_state_dict_pre_hook(_load_whole)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The embeddings (..., size) of ids (...)."""
        places = self.places[input_ids]
        return torch.where((places >= 0).unsqueeze(-1), self.trained[places.clamp(min=0)], embedding(input_ids, self.weight))

    def whole(self) -> nn.Embedding:
        """The embedding of all tokens, with what was learned."""
        whole: nn.Embedding = nn.Embedding.from_pretrained(self.whole_weight(), freeze=False, padding_idx=self.padding_idx)
        return whole

    @torch.no_grad()
    def whole_weight(self) -> torch.Tensor:
        """The weight of `whole`, (tokens, size)."""
        weight = self.weight.clone()
        weight[self.places >= 0] = self.trained
        return weight


def _save_whole(module: SeenEmbedding, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    del state[f"{prefix}trained"]
    state[f"{prefix}weight"] = module.whole_weight()


def _load_whole(module: SeenEmbedding, state: dict[str, Any], prefix: str, *_: Any) -> None:
    if f"{prefix}weight" in state:
        state[f"{prefix}trained"] = state[f"{prefix}weight"][module.places.to(state[f"{prefix}weight"].device) >= 0]


__all__ = ["SeenEmbedding"]
