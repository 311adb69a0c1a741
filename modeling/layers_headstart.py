"""The parts that Headstart's network is made of: bi-LSTMs over rows of different lengths, task layers, and classifiers with a linear-chain
CRF over words.

What a recurrent layer says of a row doesn't depend on how far the row is padded.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, cast

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .crf_headstart import ChainCRF, FactoredCRF, LinearChainCRF
from .labels_headstart import UNSEEN_PRIOR


class RowLengths:
    """Tokens in each row of a batch that is padded on the right, and what follows from them.

    Args:
        lengths: (batch,) long, on the CPU; each at least 1.
        num_tokens: width of the batch.
        device: of the batch.
    """

    def __init__(self, lengths: torch.Tensor, num_tokens: int, device: torch.device) -> None:
        self.lengths = lengths
        self.num_tokens = num_tokens
        self.device = device

    @cached_property
    def any_padding(self) -> bool:
        """Some row is shorter than the batch is wide."""
        return bool(self.lengths.amin() < self.num_tokens)

    @cached_property
    def is_mostly_padding(self) -> bool:
        """More than half of the batch is padding."""
        return bool(2 * self.lengths.sum() < len(self.lengths) * self.num_tokens)

    @cached_property
    def is_padding(self) -> torch.Tensor:
        """(batch, tokens, 1) bool."""
        return (self._positions >= self.lengths.to(self.device).unsqueeze(1)).unsqueeze(2)

    @cached_property
    def reversal(self) -> torch.Tensor:
        """(batch * tokens,) long: the place, in the flattened batch, of what stands at each place once the rows are reversed, padding left alone."""
        lengths, positions = self.lengths.to(self.device).unsqueeze(1), self._positions
        reversed_positions = torch.where(positions < lengths, lengths - 1 - positions, positions)
        starts = torch.arange(len(lengths), device=self.device).unsqueeze(1) * self.num_tokens
        return (starts + reversed_positions).flatten()

    @cached_property
    def _positions(self) -> torch.Tensor:
        return torch.arange(self.num_tokens, device=self.device)

    def reverse(self, states: torch.Tensor) -> torch.Tensor:
        """States (batch, tokens, width) with every row from its last token to its first."""
        return states.flatten(0, 1).index_select(0, self.reversal).view_as(states)


class BiLSTM(nn.LSTM):
    """One bidirectional LSTM layer, batch first; [`run_lstm`] runs it.

    Args:
        input_size: width of what it reads.
        hidden_size: units, for each direction.
        residual: what it reads is added to its states, see [`add_inputs`].
    """

    def __init__(self, input_size: int, hidden_size: int, residual: bool = False) -> None:
        super().__init__(input_size, hidden_size, batch_first=True, bidirectional=True)
        self.residual = residual

    @property
    def weight_list(self) -> list[torch.Tensor]:
        """All weights and biases, as torch's kernel wants them (private in `nn.LSTM`, which calls it with them itself)."""
        return cast(list[torch.Tensor], self._flat_weights)

    @property
    def weight_names(self) -> list[str]:
        """Their names, in that order (private in `nn.LSTM`)."""
        return self._flat_weights_names


def run_lstm(lstm: BiLSTM, inputs: torch.Tensor, rows: RowLengths, adapter: nn.Module | None = None) -> torch.Tensor:
    """The states (batch, tokens, 2 * hidden) of a bi-LSTM, 0 at padding.

    Args:
        lstm: the bi-LSTM.
        inputs: (batch, tokens, input size), anything at padding.
        rows: the lengths of the rows.
        adapter: a head's [`LoraLSTM`] of it.
    """
    states = _run_layer(lstm, inputs, rows, adapter)
    return add_inputs(states, inputs).masked_fill(rows.is_padding, 0) if lstm.residual else states


def add_inputs(states: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """States of a bi-LSTM and what it read, added up: He et al., "Deep Residual Learning" (CVPR 2016), for stacked LSTMs Wu et al., "Google's
    Neural Machine Translation System" (2016). What is narrower than the states is added to the first of their values.

    Args:
        states: (batch, tokens, width) float.
        inputs: (batch, tokens, input size) float.
    """
    return states + nn.functional.pad(inputs, (0, states.shape[2] - inputs.shape[2]))


def _run_layer(lstm: BiLSTM, inputs: torch.Tensor, rows: RowLengths, adapter: nn.Module | None) -> torch.Tensor:
    """[`run_lstm`], without what a residual layer adds."""
    weights: list[torch.Tensor] = lstm.weight_list if adapter is None else adapter(lstm)
    # cuDNN knows rows of different lengths. On a CPU, packing costs more than it saves, but for one long row among short ones.
    if inputs.is_cuda or (rows.is_mostly_padding and not torch.is_grad_enabled()):
        packed = pack_padded_sequence(inputs, rows.lengths, batch_first=True, enforce_sorted=False)
        packed = packed._replace(data=_states(packed.data, weights, lstm.hidden_size, packed.batch_sizes))
        return pad_packed_sequence(packed, batch_first=True, total_length=rows.num_tokens)[0]
    if not rows.any_padding:
        return _states(inputs, weights, lstm.hidden_size)
    # The gradient of a packed sequence writes all of it anew at every time step, and oneDNN takes rows of one length alone. But a direction by
    # itself never sees the padding that stands behind a row.
    half = len(weights) // 2
    forward = _states(inputs, weights[:half], lstm.hidden_size)
    backward = rows.reverse(_states(rows.reverse(inputs), weights[half:], lstm.hidden_size))
    return torch.cat([forward, backward], dim=2).masked_fill(rows.is_padding, 0)


def _states(
    inputs: torch.Tensor, weights: list[torch.Tensor], hidden_size: int, batch_sizes: torch.Tensor | None = None
) -> torch.Tensor:
    """The states of one LSTM layer, of one direction (4 weights) or both (8); `inputs` are padded rows, or the data of a packed sequence."""
    # What nn.LSTM.forward calls. torch.func.functional_call would put a head's weights into the shared module while it runs, where another
    # thread's head would read them.
    both = len(weights) == 8
    num_rows = len(inputs) if batch_sizes is None else int(batch_sizes[0])
    zeros = inputs.new_zeros(1 + both, num_rows, hidden_size)
    keeps_gradients = torch.is_grad_enabled()
    if batch_sizes is None:
        return torch._VF.lstm(inputs, [zeros, zeros], weights, True, 1, 0.0, keeps_gradients, both, True)[0]
    return torch._VF.lstm(inputs, batch_sizes, [zeros, zeros], weights, True, 1, 0.0, keeps_gradients, both)[0]


class TaskLayers(nn.Module):
    """The two bi-LSTMs on top of the trunk, a skill's own or shared: one for slot tagging (ST), one for intent classification (IC).

    Args:
        input_size: width of the trunk's states.
        hidden_size: units of each bi-LSTM, for each direction.
        dropout: of their states, in training.
        pooling: see [`pool_states`].
    """

    def __init__(self, input_size: int, hidden_size: int, dropout: float, pooling: str = "max") -> None:
        super().__init__()
        self.pooling = pooling
        self.slot_lstm = BiLSTM(input_size, hidden_size)
        self.intent_lstm = BiLSTM(input_size, hidden_size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        slot_inputs: torch.Tensor,
        intent_inputs: torch.Tensor,
        rows: RowLengths,
        slot_adapter: nn.Module | None = None,
        intent_adapter: nn.Module | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """ST states (batch, tokens, 2 * hidden) and pooled IC states (batch, 2 * hidden), as a head's adapters make them."""
        slot_states = self.dropout(run_lstm(self.slot_lstm, slot_inputs, rows, slot_adapter))
        return slot_states, self.pool_intents(intent_inputs, rows, intent_adapter)

    def pool_intents(self, inputs: torch.Tensor, rows: RowLengths, adapter: nn.Module | None = None) -> torch.Tensor:
        """Pooled IC states alone."""
        states = run_lstm(self.intent_lstm, inputs, rows, adapter)
        pooled: torch.Tensor = self.dropout(pool_states(states, rows.is_padding, self.pooling))
        return pooled


def pool_states(states: torch.Tensor, is_padding: torch.Tensor, pooling: str) -> torch.Tensor:
    """One state (rows, width) of each row, for all of its tokens.

    Args:
        states: (rows, tokens, width) float, anything at padding.
        is_padding: (rows, tokens, 1) bool.
        pooling: `max`, the maximum over tokens, or `max_mean`, the sum of maximum and mean: a maximum alone hears one token for each value, and passes
            gradients to it alone.
    """
    # The maximum can't pick padding: it is filled with the lowest number.
    highest = states.masked_fill(is_padding, torch.finfo(states.dtype).min).amax(dim=1)
    if pooling == "max":
        return highest
    return highest + states.masked_fill(is_padding, 0).sum(dim=1) / (~is_padding).sum(dim=1).to(states.dtype)


class Scores(NamedTuple):
    """What the classifiers of a skill say; None for a task that it lacks.

    Args:
        intents: (rows, intents) float; if the skill can reject, the last column is that of "none of these".
        tags: (rows, tokens, tags) float, before the CRF.
    """

    intents: torch.Tensor | None
    tags: torch.Tensor | None


class DecodedTags(NamedTuple):
    """Tags of words, side by side at the front of each row.

    Args:
        tags: (rows, words) long, 0 behind a row's last word.
        scores: (rows, words) float, the marginal probability of each, 0 behind a row's last word; None if nobody wanted them.
        mask: (rows, words) bool, True for words.
    """

    tags: torch.Tensor
    scores: torch.Tensor | None
    mask: torch.Tensor


class SkillClassifiers(nn.Module):
    """One skill's label space: an intent classifier, and a tag classifier with its CRF. Either may be absent.

    The network, its export and the sentence encoder that it is compared with all score and decode with these.

    Args:
        input_size: width of the task layers' output.
        num_intents: number of intents.
        num_slots: number of slot labels.
        has_rejection: the intents compete with "none of these", which has a classifier of its own.
        is_factored: the CRF is the one for many labels.
    """

    intent_classifier: nn.Linear | None
    reject_classifier: nn.Linear | None
    slot_classifier: nn.Linear | None
    crf: ChainCRF | None

    def __init__(
        self, input_size: int, num_intents: int, num_slots: int, *, has_rejection: bool = False, is_factored: bool = False
    ) -> None:
        super().__init__()
        self.intent_classifier = nn.Linear(input_size, num_intents) if num_intents else None
        self.reject_classifier = nn.Linear(input_size, 1) if num_intents and has_rejection else None
        self.slot_classifier = nn.Linear(input_size, 1 + 2 * num_slots) if num_slots else None
        self.crf = (FactoredCRF if is_factored else LinearChainCRF)(num_slots) if num_slots else None

    def forward(
        self,
        slot_states: torch.Tensor,
        intent_states: torch.Tensor,
        of_catalogs: tuple[torch.Tensor, torch.Tensor | None] | None = None,
        novelty: torch.Tensor | None = None,
    ) -> Scores:
        """Scores of intents and tags.

        Args:
            slot_states: (rows, tokens, input_size), what tags are read from.
            intent_states: (rows, input_size), what intents are read from.
            of_catalogs: what the skill's catalogs add, see [`Gazetteer.scores`].
            novelty: (rows, 1), what is added to the score of "none of these", if the skill can reject.
        """
        intents = tags = None
        added_tags, added_intents = of_catalogs or (None, None)
        if self.intent_classifier is not None:
            intents = self.intent_classifier(intent_states)
            if self.reject_classifier is not None:
                rejects = self.reject_classifier(intent_states)
                intents = torch.cat([intents, rejects if novelty is None else rejects + novelty], dim=1)
            if added_intents is not None:
                intents = intents + added_intents
        if self.slot_classifier is not None:
            tags = self.slot_classifier(slot_states)
            if added_tags is not None:
                tags = tags + added_tags
        return Scores(intents, tags)

    def decode_tags(
        self,
        scores: torch.Tensor,
        word_starts: torch.Tensor,
        priors: torch.Tensor | None = None,
        *,
        with_scores: bool = True,
        temperature: float = 1.0,
    ) -> DecodedTags:
        """The most probable valid tags of the words.

        Args:
            scores: (rows, tokens, tags) float, those of [`Scores`].
            word_starts: (rows, tokens) bool, True at the first token of each word.
            priors: what the intents say of the tags, see [`slot_label_priors`].
            with_scores: compute their marginal probabilities too.
            temperature: of these, see [`ChainCRF.decode_scored`].

        Raises:
            ValueError: the skill has no slots.
        """
        if self.crf is None:
            raise ValueError("a skill without slots has no tags to decode.")
        emissions, mask, _ = gather_words(scores if priors is None else scores + priors, word_starts)
        if not with_scores:
            return DecodedTags(self.crf.decode(emissions, mask), None, mask)
        return DecodedTags(*self.crf.decode_scored(emissions, mask, temperature), mask)


def gather_words(
    scores: torch.Tensor, words: torch.Tensor, labels: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Move the marked positions of each row to its front: scores (batch, words, tags), mask and labels (batch, words)."""
    counts = words.sum(dim=1)
    width = max(int(counts.max()) if len(counts) else 0, 1)
    order = (~words).to(torch.uint8).argsort(dim=1, stable=True)[:, :width]
    emissions = scores.gather(1, order.unsqueeze(2).expand(-1, -1, scores.shape[2]))
    mask = torch.arange(width, device=words.device) < counts.unsqueeze(1)
    return emissions, mask, order if labels is None else labels.gather(1, order)


def slot_label_priors(intent_scores: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """What the probable intents of rows add to the scores of their tags at every word, (rows, 1, tags) float, from log(.02) to 0.

    For each slot label, the logarithm of the probability that the row's intent is one that was seen with it, against the same
    probability where nothing is known of the intent: an uncertain intent says nothing. A label that no intent was seen with is free.

    Args:
        intent_scores: (rows, intents) float, without "none of these".
        seen: (intents, slot labels) float, the table of `labels_headstart.seen_slots`.
    """
    table = seen.to(intent_scores)
    allowed = intent_scores.softmax(dim=1) @ table
    priors = (allowed / table.mean(dim=0)).clamp(min=UNSEEN_PRIOR, max=1).log()
    return nn.functional.pad(priors.repeat_interleave(2, dim=1), (1, 0)).unsqueeze(1)


__all__ = [
    "BiLSTM",
    "DecodedTags",
    "RowLengths",
    "Scores",
    "SkillClassifiers",
    "TaskLayers",
    "add_inputs",
    "gather_words",
    "pool_states",
    "run_lstm",
    "slot_label_priors",
]
