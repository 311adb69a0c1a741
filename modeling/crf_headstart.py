"""Linear-chain conditional random fields over the words of an utterance, with IOB2 tags.

Lafferty, McCallum and Pereira, "Conditional Random Fields" (ICML 2001); as a layer on a bi-LSTM: Lample et al., "Neural Architectures for
Named Entity Recognition" (NAACL 2016). Tag 0 is `O`, tags 1 + 2k and 2 + 2k are `B-` and `I-` of slot label k. A sequence in which `I-k` does
not follow `B-k` or `I-k` has probability 0, in training and decoding.

Within this module tags stand in groups, `O B-0 B-1 ... I-0 I-1 ...`: only `B-k` and `I-k` lead to `I-k`, two scores a label, and every tag leads
to `O` and to each `B-`. How these are scored is the difference between the two kinds of fields: a [`LinearChainCRF`] has a score for each pair
of tags, and takes time and memory that grow with the square of the number of labels; a [`FactoredCRF`] has scores for each tag alone, and grows
with that number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import nn

MAX_SPREAD = 80.0  # of scores: the ratios of their exponentials are then numbers of float32
MAX_PAIRS = 2**22  # pairs of tags that are compared at once
MAX_CACHED = 2**18  # scores of tags that are worked on at once
MAX_SQUARE = 2**16  # pairs of tags whose scores are multiplied as one matrix


class WordPairs(NamedTuple):
    """Words that follow each other, each pair a row.

    Args:
        left: (pairs, tags), log-sums of all paths up to the first word, the highest of each row being 0.
        right: (pairs, tags), log-sums of all paths from the second word on, with its own score.
        totals: (pairs,), log-sums of all that lead through both.
        weights: (pairs,).
    """

    left: torch.Tensor
    right: torch.Tensor
    totals: torch.Tensor
    weights: torch.Tensor


class Steps(ABC):
    """Scores from the tag of a word to that of the next one. Tags are in groups; all tensors are float.

    Args:
        stay: (2 * labels,), from `B-` and then from `I-` to `I-` of the same label.
        others: what the scores to `O` and to each `B-` are made of.
    """

    def __init__(self, stay: torch.Tensor, *others: torch.Tensor) -> None:
        self.stay, self.others = stay, others
        self.num_labels = len(stay) // 2

    @abstractmethod
    def pairs(self, tags: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
        """Scores of pairs, in any shape, of which none leads to an `I-`."""

    @abstractmethod
    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-sums over all tags (rows, tags) before `O` and each `B-`: (rows, 1 + labels)."""

    @abstractmethod
    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-sums over `O` and each `B-` (rows, 1 + labels) behind all tags: (rows, tags)."""

    @abstractmethod
    def best_into(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The highest scores before `O` and each `B-`, and the tags that have them: (rows, 1 + labels) each."""

    @abstractmethod
    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:
        """Of `others`: sums over pairs of words of their expected steps to `O` and `B-`, times their weights. `stays` (2 * labels,) are those to
        `I-`."""

    def complete(self, gradients: Sequence[torch.Tensor], first: torch.Tensor, second: torch.Tensor) -> Sequence[torch.Tensor]:
        """What becomes of the sums of [`gradients`] of `stay` and `others` once they are those of all pairs.

        Args:
            gradients: these sums.
            first, second: (tags,), the expected tags of the pairs' first, and second, words, likewise.
        """
        return gradients

    def step(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-sums (rows, tags) over the tags (rows, tags) before each; the highest of each row is 0."""
        begins, inside = (scores[:, 1:] + self.stay).chunk(2, dim=1)
        return torch.cat([self.sum_into(scores), torch.logaddexp(begins, inside)], dim=1)

    def step_back(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-sums (rows, tags) over the tags (rows, tags) behind each; the highest of each row is 0."""
        free, inside = scores.split([1 + self.num_labels, self.num_labels], dim=1)
        outward = self.sum_out_of(free)
        stays = inside.repeat(1, 2) + self.stay
        return torch.cat([outward[:, :1], torch.logaddexp(outward[:, 1:], stays)], dim=1)

    def best_step(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The highest scores (rows, tags) before each tag, and the tags that have them."""
        free, tags = self.best_into(scores)
        begins, inside = (scores[:, 1:] + self.stay).chunk(2, dim=1)
        numbers = torch.arange(1, 1 + self.num_labels, device=scores.device) + (inside > begins) * self.num_labels
        return torch.cat([free, torch.maximum(begins, inside)], dim=1), torch.cat([tags, numbers], dim=1)

    def all_gradients(self, pairs: WordPairs) -> Sequence[torch.Tensor]:
        """Those of `stay` and of `others`, see [`gradients`]."""
        inside = pairs.right[:, 1 + self.num_labels :].repeat(1, 2)
        stays = pairs.weights @ (pairs.left[:, 1:] + self.stay + inside - pairs.totals.unsqueeze(1)).exp()
        return [stays, *self.gradients(pairs, stays)]


class DenseSteps(Steps):
    """A score for each pair: `into` (tags, 1 + labels), from each tag to `O` and each `B-`."""

    def __init__(self, stay: torch.Tensor, into: torch.Tensor) -> None:
        super().__init__(stay, into)
        self.into = into

    def pairs(self, tags: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
        """See [`Steps`], as for the rest."""
        return self.into[tags, following]

    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.stack([(row.unsqueeze(1) + self.into).logsumexp(dim=0) for row in scores])

    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.stack([(row + self.into).logsumexp(dim=1) for row in scores])

    def best_into(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(MAX_PAIRS // scores.numel(), 1)
        found = [(scores.unsqueeze(2) + part).max(dim=1) for part in self.into.split(width, dim=1)]
        return torch.cat([best for best, _ in found], dim=1), torch.cat([tags for _, tags in found], dim=1)

    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:
        counts = torch.zeros_like(self.into)
        right = pairs.right[:, : 1 + self.num_labels]
        for row, weight in enumerate(pairs.weights):
            counts += weight * (pairs.left[row, :, None] + self.into + right[row] - pairs.totals[row]).exp()
        return [counts]


class ProductSteps(DenseSteps):
    """[`DenseSteps`] whose scores are so near to each other that sums are products of matrices of their exponentials.

    One product costs as little as a small linear layer; adding (rows, tags, tags) costs more than the bi-LSTMs.
    """

    @cached_property
    def peak(self) -> torch.Tensor:
        """The highest score."""
        return self.into.detach().amax()

    @cached_property
    def ratios(self) -> torch.Tensor:
        """Exponentials of the scores, relative to that of the highest."""
        return (self.into - self.peak).exp()

    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:
        return self._sums(scores, self.ratios)

    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:
        return self._sums(scores, self.ratios.T)

    def _sums(self, scores: torch.Tensor, ratios: torch.Tensor) -> torch.Tensor:
        top = scores.amax(dim=1, keepdim=True)
        return ((scores - top).exp() @ ratios).log() + (top + self.peak)

    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:
        right = pairs.right[:, : 1 + self.num_labels]
        top = right.amax(dim=1, keepdim=True)
        scale = (top + self.peak - pairs.totals.unsqueeze(1)).exp() * pairs.weights.unsqueeze(1)
        return [self.ratios * ((pairs.left.exp() * scale).T @ (right - top).exp())]


class SquareSteps(ProductSteps):
    """[`ProductSteps`] for few tags, and words whose scores are near to each other: one matrix holds those that lead to `I-`, too."""

    @cached_property
    def square(self) -> torch.Tensor:
        """Scores of all pairs, (tags, tags), with -inf where IOB2 forbids."""
        tags = torch.arange(1, len(self.into), device=self.into.device)
        inside = self.into.new_full((len(self.into), self.num_labels), -torch.inf)
        inside[tags, (tags - 1) % self.num_labels] = self.stay
        return torch.cat([self.into, inside], dim=1)

    @cached_property
    def peak(self) -> torch.Tensor:
        return self.square.detach().amax()

    @cached_property
    def square_ratios(self) -> torch.Tensor:
        """Their exponentials, relative to that of the highest."""
        return (self.square - self.peak).exp()

    def step(self, scores: torch.Tensor) -> torch.Tensor:
        return self._sums(scores, self.square_ratios)

    def step_back(self, scores: torch.Tensor) -> torch.Tensor:
        return self._sums(scores, self.square_ratios.T)

    def best_step(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        best, tags = (scores.unsqueeze(2) + self.square).max(dim=1)
        return best, tags


class FactoredSteps(Steps):
    """From `i` to `j`, one of `O` and `B-`, the score `leave[i] + enter[j]`, and `again[i]` besides if `j` is of the same label, or both are `O`."""

    def __init__(self, stay: torch.Tensor, leave: torch.Tensor, enter: torch.Tensor, again: torch.Tensor) -> None:
        super().__init__(stay, leave, enter, again)
        self.leave, self.enter, self.again = leave, enter, again

    def pairs(self, tags: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
        """See [`Steps`], as for the rest."""
        groups = torch.where(tags > self.num_labels, tags - self.num_labels, tags)
        return self.leave[tags] + self.enter[following] + self.again[tags].where(groups == following, 0)

    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:
        left = scores + self.leave
        others = _sum_of_others(_sum_groups(left, len(self.enter)))
        return torch.logaddexp(others, _sum_groups(left + self.again, len(self.enter))) + self.enter

    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:
        entered = scores + self.enter
        others = _sum_of_others(entered)
        return torch.logaddexp(_of_groups(others), _of_groups(entered) + self.again) + self.leave

    def best_into(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        left = scores + self.leave
        # Of the tags of other groups, the best of all, or the best that is not of the best one's group.
        of_groups, tags = _best_of_groups(left, len(self.enter))
        (first, second), (group, next_group) = (part.unbind(1) for part in of_groups.topk(2, dim=1))
        is_first = torch.arange(len(self.enter), device=scores.device) == group.unsqueeze(1)
        others = torch.where(is_first, second.unsqueeze(1), first.unsqueeze(1))
        other_tags = tags.gather(1, torch.where(is_first, next_group.unsqueeze(1), group.unsqueeze(1)))
        own, own_tags = _best_of_groups(left + self.again, len(self.enter))
        return torch.maximum(others, own) + self.enter, torch.where(own > others, own_tags, other_tags)

    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:
        entered = _of_groups(pairs.right[:, : 1 + self.num_labels] + self.enter)
        same = pairs.left + (self.leave + self.again) + entered - pairs.totals.unsqueeze(1)
        return [nn.functional.pad(-stays, (1, 0)), torch.zeros_like(self.enter), pairs.weights @ same.exp()]

    def complete(self, gradients: Sequence[torch.Tensor], first: torch.Tensor, second: torch.Tensor) -> Sequence[torch.Tensor]:
        """A tag that leads to no `I-` is left; one that is no `I-` was entered."""
        stay, leave, enter, again = gradients
        return [stay, leave + first, enter + second[: 1 + self.num_labels], again]


def _sum_groups(scores: torch.Tensor, num_groups: int) -> torch.Tensor:
    """Log-sums of `O`, and of `B-` and `I-` of each label: (rows, tags) to (rows, 1 + labels)."""
    return torch.cat([scores[:, :1], torch.logaddexp(scores[:, 1:num_groups], scores[:, num_groups:])], dim=1)


def _best_of_groups(scores: torch.Tensor, num_groups: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The higher score of `B-` and `I-` of each label, beside that of `O`, and its tag: (rows, 1 + labels) each."""
    begins, inside = scores[:, 1:num_groups], scores[:, num_groups:]
    tags = torch.arange(num_groups, device=scores.device).expand(len(scores), -1)
    is_inside = nn.functional.pad(inside > begins, (1, 0))
    return torch.cat([scores[:, :1], torch.maximum(begins, inside)], dim=1), tags + is_inside * (num_groups - 1)


def _of_groups(scores: torch.Tensor) -> torch.Tensor:
    """The score of each tag's group: (rows, 1 + labels) to (rows, tags)."""
    return torch.cat([scores, scores[:, 1:]], dim=1)


def _sum_of_others(scores: torch.Tensor) -> torch.Tensor:
    """For each column, the log-sum of all others (rows, columns)."""
    top, place = scores.max(dim=1, keepdim=True)
    exponentials = (scores - top).exp()
    # Next to the sum, every column but the highest is so small that taking it away loses nothing.
    others = (exponentials.sum(dim=1, keepdim=True) - exponentials).log() + top
    without_highest = scores.scatter(1, place, -torch.inf).logsumexp(dim=1, keepdim=True)
    return others.scatter(1, place, without_highest)


class _Paths(NamedTuple):
    """Log-sums over the paths up to each word, by its tag.

    Args:
        scores: (rows, words, tags), the highest of each word being 0; kept as they are behind a row's end.
        shifts: (rows, words), what was taken away from them at each word: together, all of it.
    """

    scores: torch.Tensor
    shifts: torch.Tensor


def _paths_before(steps: Steps, start: torch.Tensor, emissions: torch.Tensor, mask: torch.Tensor) -> _Paths:
    scores: list[torch.Tensor] = []
    shifts: list[torch.Tensor] = []
    for of_word, is_word in zip(emissions.unbind(1), mask.unsqueeze(2).unbind(1), strict=True):
        reached = torch.where(is_word, steps.step(scores[-1]) + of_word, scores[-1]) if scores else start + of_word
        shifts.append(reached.detach().amax(dim=1, keepdim=True))
        scores.append(reached - shifts[-1])
    return _Paths(torch.stack(scores, dim=1), torch.cat(shifts, dim=1))


def _paths_after(
    steps: Steps, after: torch.Tensor, emissions: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-sums over the paths from each of some words on, by its tag, without its own score: (rows, words, tags), each word's but for a number of
    its own; and those of the word before them. `after` are those of the last."""
    found = [after]
    for of_word, is_word in zip(emissions.unbind(1)[::-1], mask.unsqueeze(2).unbind(1)[::-1], strict=True):
        onward = of_word + found[-1]
        found.append(torch.where(is_word, steps.step_back(onward - onward.amax(dim=1, keepdim=True)), found[-1]))
    return torch.stack(found[-2::-1], dim=1), found[-1]


def _sum_paths(paths: _Paths, end: torch.Tensor) -> torch.Tensor:
    return paths.shifts.sum(dim=1) + (paths.scores[:, -1] + end).logsumexp(dim=1)


class _LogPartition(torch.autograd.Function):
    """The log-sum over all paths of each row, (rows,). Its gradient is what is expected of a path, by the forward-backward algorithm."""

    @staticmethod
    def forward(ctx: Any, kind: Any, *inputs: torch.Tensor) -> torch.Tensor:
        """Of emissions, mask, start, end, and the tensors that the kind of steps is made of."""
        emissions, mask, start, end, *parameters = inputs
        paths = _paths_before(kind(*parameters), start, emissions, mask)
        ctx.kind = kind
        ctx.save_for_backward(*inputs, *paths)
        return _sum_paths(paths, end)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        """Weighted by what comes from above, (rows,)."""
        emissions, mask, _, end, *parameters, before, shifts = ctx.saved_tensors
        weights = mask * grads[0].unsqueeze(1)
        with torch.autocast(emissions.device.type, enabled=False):
            steps, paths = ctx.kind(*parameters), _Paths(before, shifts)
            expected, gradients = _expect(steps, end, emissions, mask, (paths, weights))
            has_next, flat = nn.functional.pad(mask[:, 1:], (0, 1)), expected.flatten(0, 1)
            first = has_next.flatten().to(flat.dtype) @ flat
            gradients = steps.complete(gradients, first, flat.sum(dim=0) - expected[:, 0].sum(dim=0))
        last = (mask.sum(dim=1) - 1).clamp(min=0)
        at_end = expected[torch.arange(len(last), device=last.device), last]
        return None, expected, None, expected[:, 0].sum(dim=0), at_end.sum(dim=0), *gradients


def _expect(
    steps: Steps, end: torch.Tensor, emissions: torch.Tensor, mask: torch.Tensor, weighted: tuple[_Paths, torch.Tensor]
) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
    """Expected tags (rows, words, tags), and sums of [`Steps.all_gradients`], of the paths before each word and weights (rows, words)."""
    (before, shifts), weights = weighted
    expected = torch.empty_like(emissions)
    gradients = [torch.zeros_like(part) for part in (steps.stay, *steps.others)]
    after = end.expand(len(emissions), -1)
    # Some words at a time, from the last: what is computed of many tags of all words at once would fit in no cache.
    size = max(MAX_CACHED // max(after.numel(), 1), 1)
    for stop in range(emissions.shape[1], 0, -size):
        words = slice(max(stop - size, 0), stop)
        behind, after = _paths_after(steps, after, emissions[:, words], mask[:, words])
        joint = before[:, words] + behind
        torch.mul(joint.softmax(dim=2), weights[:, words].unsqueeze(2), out=expected[:, words])
        second = slice(max(words.start, 1), stop)
        of_second, is_pair = slice(second.start - words.start, None), mask[:, second]
        pairs = WordPairs(
            before[:, second.start - 1 : stop - 1][is_pair],
            (emissions[:, second] + behind[:, of_second])[is_pair],
            (joint[:, of_second].logsumexp(dim=2) + shifts[:, second])[is_pair],
            weights[:, second][is_pair],
        )
        for total, part in zip(gradients, steps.all_gradients(pairs), strict=True):
            total += part
    return expected, gradients


class ChainCRF(nn.Module):
    """What both kinds of fields share; each says of its own parameters what [`Steps`] they are.

    Args:
        num_slots: number of slot labels; the field has `1 + 2 * num_slots` tags.
    """

    def __init__(self, num_slots: int) -> None:
        super().__init__()
        num_tags = 1 + 2 * num_slots
        self.num_slots = num_slots
        self.start_scores = nn.Parameter(torch.zeros(num_tags))
        self.end_scores = nn.Parameter(torch.zeros(num_tags))

    def steps(self, emissions: torch.Tensor) -> Steps:
        """Scores from one word's tag to the next one's, to compute with beside emissions in groups, in their dtype."""
        raise TypeError(f"{type(self).__name__} doesn't say how steps are scored: define its method steps.")

    def arrays(self) -> dict[str, torch.Tensor]:
        """All that decoding needs, by the names that exported skills have for it."""
        raise TypeError(f"{type(self).__name__} doesn't say what an exported skill needs: define its method arrays.")

    def tag_order(self) -> torch.Tensor:
        """(tags,) long: the tags in groups."""
        tags = torch.arange(2 * self.num_slots + 1, device=self.start_scores.device)
        return torch.cat([tags[:1], tags[1::2], tags[2::2]])

    def _grouped(self, emissions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Steps]:
        """Emissions, start and end scores, and steps, in groups; no path starts inside of a slot."""
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        order = self.tag_order()
        is_inside = torch.arange(len(order), device=order.device) > self.num_slots
        start = self.start_scores.to(dtype)[order].masked_fill(is_inside, -torch.inf)
        emissions = emissions.to(dtype).index_select(2, order)
        return emissions, start, self.end_scores.to(dtype)[order], self.steps(emissions)

    def forward(self, emissions: torch.Tensor, tags: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihood of the tags, one value a row (batch,), in nats; 0 for a row without words.

        Args:
            emissions: (batch, words, tags) float, one score a word and tag.
            tags: (batch, words) long where the mask is set; the loss of a sequence that is not valid IOB2 is infinite.
            mask: (batch, words) bool, True for words, never True after a False in the same row.
        """
        with torch.autocast(emissions.device.type, enabled=False):  # sums of many exponentials need float32
            emissions, start, end, steps = self._grouped(emissions)
            tags = tags.masked_fill(~mask, 0)
            tags = torch.where(tags > 0, (tags + 1) // 2 + self.num_slots * (tags % 2 == 0), 0)  # as they stand in groups
            score = self._path_score(emissions, tags, mask, steps, (start, end))
            if isinstance(steps, SquareSteps):  # of few tags, every operation counts, and autograd needs fewer than we do
                total = _sum_paths(_paths_before(steps, start, emissions, mask), end)
            else:
                total = _LogPartition.apply(type(steps), emissions, mask, start, end, steps.stay, *steps.others)
        return torch.where(mask.any(dim=1), total - score, 0.0)

    def _path_score(
        self,
        emissions: torch.Tensor,
        tags: torch.Tensor,
        mask: torch.Tensor,
        steps: Steps,
        boundaries: tuple[torch.Tensor, torch.Tensor],
    ) -> torch.Tensor:
        start, end = boundaries
        word_scores = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
        one, two = tags[:, :-1], tags[:, 1:]
        is_inside = two > self.num_slots
        stays = steps.stay[(one - 1).clamp(min=0)].masked_fill((one != two) & (one != two - self.num_slots), -torch.inf)
        scores = torch.where(is_inside, stays, steps.pairs(one, two.masked_fill(is_inside, 0))).masked_fill(~mask[:, 1:], 0)
        last = tags.gather(1, (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
        return start[tags[:, 0]] + end[last] + (word_scores * mask).sum(dim=1) + scores.sum(dim=1)

    @torch.no_grad()
    def decode(self, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The most probable valid IOB2 sequence of each row (Viterbi): (batch, words) long, 0 where the mask is not set."""
        order = self.tag_order()
        emissions, start, end, steps = self._grouped(emissions)
        scores = start + emissions[:, 0]
        # Where a row has ended, its last tag is carried along and cut off by the mask below.
        same = torch.arange(len(order), device=order.device).expand_as(scores)
        best_previous = []
        for word in range(1, emissions.shape[1]):
            reached, previous = steps.best_step(scores)
            is_word = mask[:, word, None]
            scores = torch.where(is_word, reached + emissions[:, word], scores)
            best_previous.append(torch.where(is_word, previous, same))
        path = [(scores + end).argmax(dim=1)]
        for previous in reversed(best_previous):
            path.append(previous.gather(1, path[-1].unsqueeze(1)).squeeze(1))
        return order[torch.stack(path[::-1], dim=1)] * mask

    @torch.no_grad()
    def marginals(self, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Probability of every tag at every word (batch, words, tags), by the forward-backward algorithm."""
        order = self.tag_order()
        emissions, start, end, steps = self._grouped(emissions)
        behind, _ = _paths_after(steps, end.expand(len(emissions), -1), emissions, mask)
        found = (_paths_before(steps, start, emissions, mask).scores + behind).softmax(dim=2)
        return torch.empty_like(found).index_copy_(2, order, found)


class LinearChainCRF(ChainCRF):
    """A field with a score for each pair of tags.

    Args:
        num_slots: number of slot labels; the field has `1 + 2 * num_slots` tags.
    """

    def __init__(self, num_slots: int) -> None:
        super().__init__(num_slots)
        self.transitions = nn.Parameter(torch.zeros(1 + 2 * num_slots, 1 + 2 * num_slots))

    def steps(self, emissions: torch.Tensor) -> DenseSteps:
        """See [`ChainCRF.steps`]. Scores that IOB2 forbids are not read."""
        scores = self.transitions.to(emissions.dtype)
        begins = torch.arange(1, 2 * self.num_slots + 1, 2, device=scores.device)
        stay = torch.cat([scores[begins, begins + 1], scores[begins + 1, begins + 1]])
        into = scores[self.tag_order()][:, torch.cat([begins.new_zeros(1), begins])]
        return _dense_kind(stay.detach(), into.detach(), emissions.detach())(stay, into)

    def arrays(self) -> dict[str, torch.Tensor]:
        """`start` (tags,), `transitions` (tags, tags), from row to column, and `end` (tags,), with -inf wherever IOB2 forbids."""
        tags = torch.arange(len(self.start_scores), device=self.start_scores.device)
        is_inside = (tags > 0) & (tags % 2 == 0)
        is_same = (tags == tags.unsqueeze(1)) | (tags == tags.unsqueeze(1) + 1)
        return {
            "start": self.start_scores.masked_fill(is_inside, -torch.inf),
            "transitions": self.transitions.masked_fill(is_inside & ~is_same, -torch.inf),
            "end": self.end_scores,
        }


def _dense_kind(stay: torch.Tensor, into: torch.Tensor, emissions: torch.Tensor) -> type[DenseSteps]:
    """The fastest kind of steps that is exact."""
    low, high = into.aminmax()
    if not len(emissions):
        return ProductSteps
    if len(into) ** 2 <= MAX_SQUARE:
        lowest, highest = torch.minimum(low, stay.amin()), torch.maximum(high, stay.amax())
        # Every `B-` can be reached from the best tag before it, and leads to its `I-`: none is further from the best tag than this.
        of_words = (emissions.amax(dim=2) - emissions.amin(dim=2)).amax()
        if of_words + 2 * (highest - lowest) <= MAX_SPREAD:
            return SquareSteps
    return ProductSteps if high - low <= MAX_SPREAD else DenseSteps


class FactoredCRF(ChainCRF):
    """A field whose transitions are sums of what is left and what is entered, for many labels (see [`FactoredSteps`]).

    Of 1,000 labels, hardly two in a million pairs are ever seen side by side, and a dense field has four million scores of them.

    Args:
        num_slots: number of slot labels; the field has `1 + 2 * num_slots` tags.
    """

    def __init__(self, num_slots: int) -> None:
        super().__init__(num_slots)
        num_tags = 1 + 2 * num_slots
        self.leave_scores = nn.Parameter(torch.zeros(num_tags))
        self.enter_scores = nn.Parameter(torch.zeros(1 + num_slots))
        self.again_scores = nn.Parameter(torch.zeros(num_tags))
        self.stay_scores = nn.Parameter(torch.zeros(2 * num_slots))

    def steps(self, emissions: torch.Tensor) -> FactoredSteps:
        """See [`ChainCRF.steps`]."""
        stay, *others = (part.to(emissions.dtype) for part in self._parts().values())
        return FactoredSteps(stay, *others)

    def _parts(self) -> dict[str, nn.Parameter]:
        return {
            "stay": self.stay_scores, "leave": self.leave_scores, "enter": self.enter_scores, "again": self.again_scores
        }  # fmt: skip

    def arrays(self) -> dict[str, torch.Tensor]:
        """`start` and `end` (tags,) as in [`LinearChainCRF.arrays`], and the fields of [`FactoredSteps`], whose tags are in groups."""
        tags = torch.arange(len(self.start_scores), device=self.start_scores.device)
        start = self.start_scores.masked_fill((tags > 0) & (tags % 2 == 0), -torch.inf)
        return {"start": start, "end": self.end_scores, **self._parts()}


__all__ = ["ChainCRF", "FactoredCRF", "LinearChainCRF", "Steps"]
