"""Embeddings of the pieces that training rows hold, trained by themselves.

A piece that no row holds gets no gradient, but a dense optimizer reads and writes its embedding and both of its moments at every step:
with 25,000 pieces that costs as much as the bi-LSTMs of a small batch.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.functional import embedding


class SeenEmbedding(nn.Module):
    """Stands in for an `nn.Embedding` in training: some pieces are trained, the others stay as they are.

    Args:
        whole: the embedding of all pieces.
        pieces: ids of those that are trained.
    """

    places: torch.Tensor
    weight: torch.Tensor

    def __init__(self, whole: nn.Embedding, pieces: Iterable[int]) -> None:
        super().__init__()
        seen = torch.tensor(sorted(set(pieces)), device=whole.weight.device)
        places = torch.full((whole.num_embeddings,), -1, device=seen.device)
        places[seen] = torch.arange(len(seen), device=seen.device)
        self.padding_idx = whole.padding_idx
        self.register_buffer("places", places)
        self.register_buffer("weight", whole.weight.detach())
        self.trained = nn.Parameter(self.weight[seen])

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The embeddings (..., size) of ids (...)."""
        places = self.places[input_ids]
        return torch.where((places >= 0).unsqueeze(-1), self.trained[places.clamp(min=0)], embedding(input_ids, self.weight))

    def whole(self) -> nn.Embedding:
        """The embedding of all pieces, with what was learned."""
        weight = self.weight.clone()
        weight[self.places >= 0] = self.trained.detach()
        return nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=self.padding_idx)


__all__ = ["SeenEmbedding"]
