"""The CRF against brute force over all tag sequences."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.modeling.layers_headstart import LinearChainCRF


def is_valid(tags: tuple[int, ...]) -> bool:
    """IOB2: an inside tag follows the begin or inside tag of the same label."""
    return all(tag == 0 or tag % 2 == 1 or before in (tag, tag - 1) for before, tag in zip((0, *tags), tags, strict=False))


def path_scores(crf: LinearChainCRF, emissions: torch.Tensor) -> dict[tuple[int, ...], torch.Tensor]:
    """Score of every valid sequence of one row, computed term by term."""
    words, num_tags = emissions.shape
    scores = {}
    for tags in filter(is_valid, itertools.product(range(num_tags), repeat=words)):
        score = crf.start_scores[tags[0]] + crf.end_scores[tags[-1]]
        score = score + sum(emissions[word, tag] for word, tag in enumerate(tags))
        scores[tags] = score + sum(crf.transitions[one, two] for one, two in itertools.pairwise(tags))
    return scores


@pytest.fixture
def crf() -> LinearChainCRF:
    torch.manual_seed(1)
    layer = LinearChainCRF(2)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


def ragged() -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    lengths = [4, 1, 3]
    mask = torch.arange(4) < torch.tensor(lengths).unsqueeze(1)
    return torch.randn(3, 4, 5), mask, lengths


def test_likelihood_equals_brute_force(crf: LinearChainCRF) -> None:
    emissions, mask, lengths = ragged()
    tags = torch.tensor([[1, 2, 0, 3], [3, 0, 0, 0], [0, 1, 1, 0]])
    losses = crf(emissions, tags, mask)
    for row, length in enumerate(lengths):
        scores = path_scores(crf, emissions[row, :length])
        expected = torch.stack(list(scores.values())).logsumexp(0) - scores[tuple(tags[row, :length].tolist())]
        torch.testing.assert_close(losses[row], expected)


def test_decoding_finds_the_best_valid_sequence(crf: LinearChainCRF) -> None:
    emissions, mask, lengths = ragged()
    decoded = crf.decode(emissions, mask)
    for row, length in enumerate(lengths):
        scores = path_scores(crf, emissions[row, :length])
        assert tuple(decoded[row, :length].tolist()) == max(scores, key=lambda tags: scores[tags].item())
        assert decoded[row, length:].eq(0).all()


def test_marginals_equal_brute_force(crf: LinearChainCRF) -> None:
    emissions, mask, lengths = ragged()
    marginals = crf.marginals(emissions, mask)
    for row, length in enumerate(lengths):
        scores = path_scores(crf, emissions[row, :length])
        probabilities = torch.stack(list(scores.values())).softmax(0)
        expected = torch.zeros(length, 5)
        for tags, probability in zip(scores, probabilities, strict=True):
            for word, tag in enumerate(tags):
                expected[word, tag] += probability
        torch.testing.assert_close(marginals[row, :length], expected, atol=1e-5, rtol=1e-4)


def test_an_invalid_sequence_has_probability_zero(crf: LinearChainCRF) -> None:
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert crf(torch.randn(1, 2, 5), torch.tensor([[1, 4]]), mask).item() == float("inf")
    assert crf(torch.randn(1, 2, 5), torch.tensor([[2, 2]]), mask).item() == float("inf")


def test_a_row_without_words_costs_nothing(crf: LinearChainCRF) -> None:
    loss = crf(torch.randn(1, 2, 5), torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, 2, dtype=torch.bool))
    assert loss.tolist() == [0.0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([1.0, 30.0, 1000.0]), st.integers(1, 3))
def test_decoder_never_emits_invalid_iob2(seed: int, scale: float, num_slots: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layer = LinearChainCRF(num_slots)
    with torch.no_grad():
        layer.transitions.copy_(torch.randn(layer.transitions.shape, generator=generator) * scale)
    emissions = torch.randn(4, 9, 1 + 2 * num_slots, generator=generator) * scale
    # The worst case: inside tags score best everywhere.
    emissions[:, :, 2::2] += scale
    for row in layer.decode(emissions, torch.ones(4, 9, dtype=torch.bool)).tolist():
        assert is_valid(tuple(row))


def test_gradients_stay_finite_at_extreme_scores() -> None:
    layer = LinearChainCRF(2)
    emissions = (torch.randn(2, 6, 5) * 200).requires_grad_()
    layer(emissions, torch.ones(2, 6, dtype=torch.long), torch.ones(2, 6, dtype=torch.bool)).sum().backward()
    assert emissions.grad is not None and emissions.grad.isfinite().all()
    assert layer.transitions.grad is not None and layer.transitions.grad.isfinite().all()
