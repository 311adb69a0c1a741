"""The parts that Headstart's network is made of: packed bi-LSTMs, task layers, and a linear-chain CRF over words.

Every recurrent layer works on packed sequences: a row's result doesn't depend on the rows beside it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence


class BiLSTM(nn.LSTM):
    """One bidirectional LSTM layer, batch first. Input and output are packed sequences."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, batch_first=True, bidirectional=True)


def map_packed(function: nn.Module, packed: PackedSequence) -> PackedSequence:
    """Apply an element-wise module to the values of a packed sequence."""
    return packed._replace(data=function(packed.data))


def run_lstm(lstm: BiLSTM, inputs: PackedSequence, change: nn.Module | None = None) -> PackedSequence:
    """The states of a bi-LSTM, packed; `change`: a head's [`LowRankChange`] of it."""
    states: PackedSequence = lstm(inputs)[0] if change is None else change(lstm, inputs)
    return states


class TaskLayers(nn.Module):
    """A head's two bi-LSTMs on top of the trunk: one for slot tagging (ST), one for intent classification (IC)."""

    def __init__(self, input_size: int, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.slot_lstm = BiLSTM(input_size, hidden_size)
        self.intent_lstm = BiLSTM(input_size, hidden_size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        slot_inputs: PackedSequence,
        intent_inputs: PackedSequence,
        num_tokens: int,
        slot_change: nn.Module | None = None,
        intent_change: nn.Module | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """ST states (batch, tokens, 2 * hidden) and pooled IC states (batch, 2 * hidden), as a head's changes make them."""
        slot_states, _ = pad_packed_sequence(
            run_lstm(self.slot_lstm, slot_inputs, slot_change), batch_first=True, total_length=num_tokens
        )
        return self.dropout(slot_states), self.pool_intents(intent_inputs, num_tokens, intent_change)

    def pool_intents(self, inputs: PackedSequence, num_tokens: int, change: nn.Module | None = None) -> torch.Tensor:
        """Pooled IC states alone."""
        # The maximum over tokens can't pick padding: it is filled with the lowest number.
        states, _ = pad_packed_sequence(
            run_lstm(self.intent_lstm, inputs, change),
            batch_first=True,
            total_length=num_tokens,
            padding_value=torch.finfo(inputs.data.dtype).min,
        )
        pooled: torch.Tensor = self.dropout(states.amax(dim=1))
        return pooled


class LinearChainCRF(nn.Module):
    """Linear-chain conditional random field over the words of an utterance, with IOB2 tags.

    Lafferty, McCallum and Pereira, "Conditional Random Fields" (ICML 2001); as a layer on a bi-LSTM: Lample et al.,
    "Neural Architectures for Named Entity Recognition" (NAACL 2016). Tag 0 is `O`, tags 1 + 2k and 2 + 2k are `B-` and `I-`
    of slot label k. A sequence in which `I-k` does not follow `B-k` or `I-k` has probability 0, in training and decoding.

    Args:
        num_slots: number of slot labels; the field has `1 + 2 * num_slots` tags.
    """

    def __init__(self, num_slots: int) -> None:
        super().__init__()
        num_tags = 1 + 2 * num_slots
        self.transitions = nn.Parameter(torch.zeros(num_tags, num_tags))
        self.start_scores = nn.Parameter(torch.zeros(num_tags))
        self.end_scores = nn.Parameter(torch.zeros(num_tags))

    def allowed_scores(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Start scores (tags,) and transitions (tags, tags), from row to column, with -inf wherever IOB2 forbids."""
        forbidden = torch.zeros_like(self.transitions, dtype=torch.bool)
        forbidden[:, 2::2] = True
        inside = torch.arange(2, len(forbidden), 2, device=forbidden.device)
        forbidden[inside - 1, inside] = False
        forbidden[inside, inside] = False
        starts_inside = torch.zeros_like(self.start_scores, dtype=torch.bool)
        starts_inside[2::2] = True
        return (
            self.start_scores.masked_fill(starts_inside, -torch.inf),
            self.transitions.masked_fill(forbidden, -torch.inf),
        )

    def forward(self, emissions: torch.Tensor, tags: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood of the tags, one value a row (batch,), in nats; 0 for a row without words.

        Args:
            emissions: (batch, words, tags) float, one score a word and tag.
            tags: (batch, words) long where the mask is set; the loss of a sequence that is not valid IOB2 is infinite.
            mask: (batch, words) bool, True for words, never True after a False in the same row.
        """
        with torch.autocast(emissions.device.type, enabled=False):  # sums of many exponentials need float32
            emissions = emissions.float()
            log_likelihood = self._path_score(emissions, tags, mask) - self._forward_scores(emissions, mask)[-1].add(
                self.end_scores
            ).logsumexp(dim=1)
        return torch.where(mask.any(dim=1), -log_likelihood, 0.0)

    def _path_score(self, emissions: torch.Tensor, tags: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        start, transitions = self.allowed_scores()
        tags = tags.masked_fill(~mask, 0)
        word_scores = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
        steps = transitions[tags[:, :-1], tags[:, 1:]].masked_fill(~mask[:, 1:], 0)
        last = tags.gather(1, (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
        return start[tags[:, 0]] + self.end_scores[last] + (word_scores * mask).sum(dim=1) + steps.sum(dim=1)

    def _forward_scores(self, emissions: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """For each word, the log-sum over all paths up to it by their last tag: (batch, tags); kept as it is after a row's end."""
        start, transitions = self.allowed_scores()
        peak = transitions.amax().detach()
        weights = (transitions - peak).exp()
        scores = [start + emissions[:, 0]]
        for word in range(1, emissions.shape[1]):
            reached = _log_product(scores[-1], weights) + peak + emissions[:, word]
            scores.append(torch.where(mask[:, word, None], reached, scores[-1]))
        return scores

    def decode(self, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The most probable valid IOB2 sequence of each row (Viterbi): (batch, words) long, 0 where the mask is not set."""
        start, transitions = self.allowed_scores()
        scores = start + emissions[:, 0]
        best_previous = []
        for word in range(1, emissions.shape[1]):
            reached, previous = (scores.unsqueeze(2) + transitions).max(dim=1)
            is_word = mask[:, word, None]
            scores = torch.where(is_word, reached + emissions[:, word], scores)
            # Where a row has ended, its last tag is carried along and cut off by the mask below.
            same = torch.arange(scores.shape[1], device=scores.device).expand_as(previous)
            best_previous.append(torch.where(is_word, previous, same))
        path = [(scores + self.end_scores).argmax(dim=1)]
        for previous in reversed(best_previous):
            path.append(previous.gather(1, path[-1].unsqueeze(1)).squeeze(1))
        return torch.stack(path[::-1], dim=1) * mask

    def marginals(self, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Probability of every tag at every word (batch, words, tags), by the forward-backward algorithm."""
        _, transitions = self.allowed_scores()
        peak = transitions.amax()
        weights = (transitions.T - peak).exp()
        after = [self.end_scores.expand(len(emissions), -1)]
        for word in range(emissions.shape[1] - 1, 0, -1):
            reached = _log_product(emissions[:, word] + after[-1], weights) + peak
            after.append(torch.where(mask[:, word, None], reached, after[-1]))
        before = self._forward_scores(emissions, mask)
        return (torch.stack(before, dim=1) + torch.stack(after[::-1], dim=1)).softmax(dim=2)


def _log_product(scores: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """log(exp(scores) @ weights), (batch, tags), computed relative to each row's largest score.

    One matrix product costs as little as a small linear layer; adding (batch, tags, tags) tensors costs more than the bi-LSTMs.
    """
    top = scores.amax(dim=1, keepdim=True).detach()
    product = (scores - top).exp() @ weights
    return product.clamp(min=torch.finfo(product.dtype).tiny).log() + top


class SkillClassifiers(nn.Module):
    """One skill's label space: an intent classifier, and a tag classifier with its CRF. Either may be absent.

    Args:
        input_size: width of the task layers' output.
        num_intents: number of intents.
        num_slots: number of slot labels.
        has_rejection: the intents compete with "none of these", which has a classifier of its own.
    """

    intent_classifier: nn.Linear | None
    reject_classifier: nn.Linear | None
    slot_classifier: nn.Linear | None
    crf: LinearChainCRF | None

    def __init__(self, input_size: int, num_intents: int, num_slots: int, has_rejection: bool = False) -> None:
        super().__init__()
        self.intent_classifier = nn.Linear(input_size, num_intents) if num_intents else None
        self.reject_classifier = nn.Linear(input_size, 1) if num_intents and has_rejection else None
        self.slot_classifier = nn.Linear(input_size, 1 + 2 * num_slots) if num_slots else None
        self.crf = LinearChainCRF(num_slots) if num_slots else None


__all__ = ["BiLSTM", "LinearChainCRF", "SkillClassifiers", "TaskLayers", "map_packed", "run_lstm"]
