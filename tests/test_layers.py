"""Bi-LSTMs against torch's own over packed sequences, and the CRF against brute force over all tag sequences."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from headstart.modeling.layers_headstart import BiLSTM, LinearChainCRF, RowLengths, run_lstm
from headstart.training.arguments import bf16_fault


def padded(lengths: list[int], width: int, seed: int = 0) -> tuple[torch.Tensor, RowLengths]:
    """A batch with noise where its padding is, and room behind its longest row."""
    torch.manual_seed(seed)
    num_tokens = max(lengths) + seed % 2
    inputs = torch.randn(len(lengths), num_tokens, width, requires_grad=True)
    return inputs, RowLengths(torch.tensor(lengths), num_tokens, inputs.device)


def packed_states(lstm: BiLSTM, inputs: torch.Tensor, rows: RowLengths) -> torch.Tensor:
    packed = pack_padded_sequence(inputs, rows.lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=rows.num_tokens)[0]


def gradients(lstm: BiLSTM, inputs: torch.Tensor, states: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad((states * torch.arange(states.shape[2])).sum(), (inputs, *lstm.parameters()))


@given(st.lists(st.integers(1, 7), min_size=1, max_size=6), st.integers(0, 99), st.booleans())
@settings(deadline=None, max_examples=25)
def test_rows_of_different_lengths_equal_packed_ones(lengths: list[int], seed: int, training: bool) -> None:
    inputs, rows = padded(lengths, 5, seed)
    lstm = BiLSTM(5, 3).train(training)
    states, expected = run_lstm(lstm, inputs, rows), packed_states(lstm, inputs, rows)
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(gradients(lstm, inputs, states), gradients(lstm, inputs, expected))
    with torch.no_grad():
        torch.testing.assert_close(run_lstm(lstm, inputs, rows), expected)


@pytest.mark.skipif(bf16_fault() is not None, reason="wants a processor with AVX-512")
@pytest.mark.parametrize("lengths", [[6, 2, 4], [4, 4]], ids=str)
def test_bfloat16_is_near_float32(lengths: list[int]) -> None:
    inputs, rows = padded(lengths, 8)
    lstm = BiLSTM(8, 16)
    expected = run_lstm(lstm, inputs, rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = run_lstm(lstm, inputs, rows)
    assert states.dtype == torch.bfloat16
    torch.testing.assert_close(states.float(), expected, rtol=0.05, atol=0.02)
    assert all(gradient.isfinite().all() for gradient in gradients(lstm, inputs, states.float()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU")
def test_cudnn_equals_the_cpu() -> None:
    inputs, rows = padded([6, 2, 4], 5)
    lstm = BiLSTM(5, 3)
    expected = run_lstm(lstm, inputs, rows)
    states = run_lstm(lstm.cuda(), inputs.cuda(), RowLengths(rows.lengths, rows.num_tokens, torch.device("cuda")))
    torch.testing.assert_close(states.cpu(), expected, rtol=1e-3, atol=1e-4)


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
