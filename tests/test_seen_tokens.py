"""Training some embeddings is training all of them, when the others get no gradient."""

from __future__ import annotations

import torch
from torch import nn

from headstart.finetuning.seen_tokens import SeenEmbedding


def train(embedding: nn.Module, ids: torch.Tensor) -> None:
    optimizer = torch.optim.AdamW(embedding.parameters(), lr=0.1, weight_decay=0.0)
    for _ in range(3):
        optimizer.zero_grad()
        embedding(ids).square().sum().backward()
        optimizer.step()


def test_it_learns_what_the_whole_embedding_learns() -> None:
    torch.manual_seed(0)
    whole = nn.Embedding(30, 4, padding_idx=0)
    before = whole.weight.detach().clone()
    seen = SeenEmbedding(nn.Embedding.from_pretrained(before.clone(), padding_idx=0), [7, 2, 2, 9])
    ids = torch.tensor([[2, 7], [9, 2]])
    train(seen, ids)
    train(whole, ids)
    found = seen.whole()
    torch.testing.assert_close(found.weight, whole.weight)
    assert found.weight.requires_grad and found.padding_idx == 0
    others = [piece for piece in range(30) if piece not in (2, 7, 9)]
    assert torch.equal(found.weight[others], before[others]) and not torch.equal(found.weight[2], before[2])


def test_pieces_that_are_not_trained_are_embedded_too() -> None:
    whole = nn.Embedding(5, 3)
    ids = torch.tensor([4, 1, 0])
    assert torch.equal(SeenEmbedding(whole, [1])(ids), whole(ids))


def test_it_can_be_saved_and_resumed() -> None:
    whole, ids = nn.Embedding(6, 2), torch.tensor([1, 3])
    first, second = SeenEmbedding(whole, [1, 3]), SeenEmbedding(nn.Embedding(6, 2), [1, 3])
    train(first, ids)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.whole().weight, first.whole().weight)


def test_what_is_saved_is_the_whole_embedding() -> None:
    seen, ids = SeenEmbedding(nn.Embedding(6, 2), [1, 3]), torch.tensor([1, 3])
    train(seen, ids)
    whole = nn.Embedding(6, 2)
    whole.load_state_dict(seen.state_dict())
    assert torch.equal(whole(torch.arange(6)), seen(torch.arange(6)))
