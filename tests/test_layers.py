"""Bi-LSTMs against torch's own over packed sequences, and the CRF against brute force over all tag sequences."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from headstart.modeling.crf_headstart import ChainCRF, FactoredCRF, LinearChainCRF
from headstart.modeling.labels_headstart import POOLINGS
from headstart.modeling.layers_headstart import BiLSTM, RowLengths, TaskLayers, run_lstm
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


@pytest.mark.parametrize("input_size", [3, 6, 8])
def test_a_residual_layer_adds_what_it_reads(input_size: int) -> None:
    inputs, rows = padded([4, 2, 1], input_size, seed=1)
    torch.manual_seed(0)
    plain = BiLSTM(input_size, 3)
    torch.manual_seed(0)
    residual = BiLSTM(input_size, 3, residual=True)
    added = run_lstm(residual, inputs, rows) - run_lstm(plain, inputs, rows)
    width = min(input_size, 6)
    for row, length in enumerate([4, 2, 1]):
        torch.testing.assert_close(added[row, :length, :width], inputs[row, :length, :width])
        assert not added[row, length:].any() and not added[row, :, width:].any()


@given(st.lists(st.integers(1, 7), min_size=1, max_size=6), st.integers(0, 99), st.sampled_from(POOLINGS))
@settings(deadline=None, max_examples=25)
def test_what_is_pooled_of_a_row_is_of_its_own_tokens(lengths: list[int], seed: int, pooling: str) -> None:
    inputs, rows = padded(lengths, 6, seed)
    layers = TaskLayers(6, 4, 0.0, pooling)
    pooled = layers.pool_intents(inputs, rows)
    for row, length in enumerate(lengths):
        states = layers.intent_lstm(inputs[row : row + 1, :length])[0][0]
        wanted = states.amax(dim=0) + (states.mean(dim=0) if pooling == "max_mean" else 0)
        torch.testing.assert_close(pooled[row], wanted)


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


def transitions_of(crf: ChainCRF) -> torch.Tensor:
    """Scores (tags, tags) from row to column, term by term; those that IOB2 forbids are of no account."""
    if isinstance(crf, LinearChainCRF):
        return crf.transitions
    assert isinstance(crf, FactoredCRF)
    num_tags = 1 + 2 * crf.num_slots
    groups = [0, *(tag for tag in range(1, num_tags, 2)), *(tag for tag in range(2, num_tags, 2))]  # the order of its parameters
    place, label = {tag: place for place, tag in enumerate(groups)}, [(tag + 1) // 2 for tag in range(num_tags)]
    found = torch.zeros(num_tags, num_tags, dtype=crf.leave_scores.dtype)
    for one, two in itertools.product(range(num_tags), repeat=2):
        if two and two % 2 == 0:
            found[one, two] = crf.stay_scores[place[one] - 1] if label[one] == label[two] else -torch.inf
        else:
            found[one, two] = crf.leave_scores[place[one]] + crf.enter_scores[place[two]]
            found[one, two] += crf.again_scores[place[one]] if label[one] == label[two] else 0
    return found


def path_scores(crf: ChainCRF, emissions: torch.Tensor) -> dict[tuple[int, ...], torch.Tensor]:
    """Score of every valid sequence of one row, computed term by term."""
    words, num_tags = emissions.shape
    transitions, scores = transitions_of(crf), {}
    for tags in filter(is_valid, itertools.product(range(num_tags), repeat=words)):
        score = crf.start_scores[tags[0]] + crf.end_scores[tags[-1]]
        score = score + sum(emissions[word, tag] for word, tag in enumerate(tags))
        scores[tags] = score + sum(transitions[one, two] for one, two in itertools.pairwise(tags))
    return scores


KINDS = (LinearChainCRF, FactoredCRF)


@pytest.fixture(params=KINDS)
def crf(request: pytest.FixtureRequest) -> ChainCRF:
    torch.manual_seed(1)
    layer: ChainCRF = request.param(2)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


def ragged() -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    lengths = [4, 1, 3]
    mask = torch.arange(4) < torch.tensor(lengths).unsqueeze(1)
    return torch.randn(3, 4, 5), mask, lengths


def test_likelihood_equals_brute_force(crf: ChainCRF) -> None:
    emissions, mask, lengths = ragged()
    tags = torch.tensor([[1, 2, 0, 3], [3, 0, 0, 0], [0, 1, 1, 0]])
    losses = crf(emissions, tags, mask)
    for row, length in enumerate(lengths):
        scores = path_scores(crf, emissions[row, :length])
        expected = torch.stack(list(scores.values())).logsumexp(0) - scores[tuple(tags[row, :length].tolist())]
        torch.testing.assert_close(losses[row], expected)


def test_decoding_finds_the_best_valid_sequence(crf: ChainCRF) -> None:
    emissions, mask, lengths = ragged()
    decoded = crf.decode(emissions, mask)
    for row, length in enumerate(lengths):
        scores = path_scores(crf, emissions[row, :length])
        assert tuple(decoded[row, :length].tolist()) == max(scores, key=lambda tags: scores[tags].item())
        assert decoded[row, length:].eq(0).all()


def test_marginals_equal_brute_force(crf: ChainCRF) -> None:
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


def test_an_invalid_sequence_has_probability_zero(crf: ChainCRF) -> None:
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert crf(torch.randn(1, 2, 5), torch.tensor([[1, 4]]), mask).item() == float("inf")
    assert crf(torch.randn(1, 2, 5), torch.tensor([[2, 2]]), mask).item() == float("inf")


def test_a_row_without_words_costs_nothing(crf: ChainCRF) -> None:
    loss = crf(torch.randn(1, 2, 5), torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, 2, dtype=torch.bool))
    assert loss.tolist() == [0.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([1.0, 30.0, 1000.0]), st.integers(1, 3), st.sampled_from(KINDS))
def test_decoder_never_emits_invalid_iob2(seed: int, scale: float, num_slots: int, kind: type[ChainCRF]) -> None:
    torch.manual_seed(seed)
    layer = random_field(kind, num_slots, scale)
    emissions = torch.randn(4, 9, 1 + 2 * num_slots) * scale
    # The worst case: inside tags score best everywhere.
    emissions[:, :, 2::2] += scale
    for row in layer.decode(emissions, torch.ones(4, 9, dtype=torch.bool)).tolist():
        assert is_valid(tuple(row))


def random_field(kind: type[ChainCRF], num_slots: int, scale: float) -> ChainCRF:
    layer = kind(num_slots)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return layer


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**16),
    st.sampled_from([0.01, 3.0, 300.0]),
    st.sampled_from([0.01, 3.0, 300.0]),
    st.integers(1, 3),
    st.sampled_from(KINDS),
)
def test_everything_equals_brute_force_at_any_scale(
    seed: int, of_words: float, of_steps: float, num_slots: int, kind: type[ChainCRF]
) -> None:
    torch.manual_seed(seed)
    layer = random_field(kind, num_slots, of_steps).double()
    emissions = (torch.randn(1, 4, 1 + 2 * num_slots) * of_words).double()
    mask = torch.ones(1, 4, dtype=torch.bool)
    scores = path_scores(layer, emissions[0])
    paths = torch.tensor(list(scores))
    expected = torch.stack(list(scores.values())).softmax(0).double()
    one_hot = torch.nn.functional.one_hot(paths, 1 + 2 * num_slots).double()
    wanted = (expected[:, None, None] * one_hot).sum(0)
    best = torch.stack(list(scores.values())).argmax()
    assert layer.decode(emissions, mask)[0].tolist() == paths[best].tolist()
    tags, certain = layer.decode_scored(emissions, mask)
    assert tags[0].tolist() == paths[best].tolist()
    torch.testing.assert_close(certain[0], wanted[range(4), paths[best]], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(layer.marginals(emissions, mask)[0], wanted, atol=1e-6, rtol=1e-6)
    found = layer.float().marginals(emissions.float(), mask)
    torch.testing.assert_close(found[0].double(), wanted, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("spread", [1.0, 200.0])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_loss(kind: type[ChainCRF], spread: float) -> None:
    torch.manual_seed(2)
    layer = random_field(kind, 2, 1.0).double()
    with torch.no_grad():  # too far apart, transitions are no longer multiplied as exponentials
        (layer.transitions[1, 1] if isinstance(layer, LinearChainCRF) else layer.get_parameter("again_scores")[1]).mul_(spread)
    _, mask, _ = ragged()
    emissions = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    tags = torch.tensor([[1, 2, 0, 3], [3, 0, 0, 0], [0, 1, 1, 0]])
    names = [name for name, _ in layer.named_parameters()]

    def losses(emissions: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.func.functional_call(
            layer, dict(zip(names, parameters, strict=True)), (emissions, tags, mask)
        )
        return found

    assert torch.autograd.gradcheck(losses, (emissions, *layer.parameters()))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_stay_finite_at_extreme_scores(kind: type[ChainCRF]) -> None:
    layer = kind(2)
    emissions = (torch.randn(2, 6, 5) * 200).requires_grad_()
    layer(emissions, torch.ones(2, 6, dtype=torch.long), torch.ones(2, 6, dtype=torch.bool)).sum().backward()
    assert emissions.grad is not None and emissions.grad.isfinite().all()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in layer.parameters())
