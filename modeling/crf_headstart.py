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

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from .crf_steps_headstart import (
    MAX_SPREAD,
    DenseSteps,
    FactoredProductSteps,
    FactoredSteps,
    ProductSteps,
    SquareSteps,
    Steps,
    WordPairs,
)

MAX_CACHED = 2**18  # scores of tags that are worked on at once
MAX_SQUARE = 2**16  # pairs of tags whose scores are multiplied as one matrix


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


class _Reordered(torch.autograd.Function):
    """Emissions with their tags in another order: `index_select`, whose own gradient takes longer, since the order might hold a tag twice."""

    @staticmethod
    def forward(ctx: Any, emissions: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        """Of emissions (rows, words, tags), and a permutation (tags,) of the tags."""
        ctx.save_for_backward(order)
        return emissions.index_select(2, order)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        """Back in the order in which they were."""
        (order,) = ctx.saved_tensors
        return torch.empty_like(grads[0]).index_copy_(2, order, grads[0]), None


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

    def _grouped(self, emissions: torch.Tensor) -> _Grouped:
        """Emissions, start and end scores, and steps, in groups; no path starts inside of a slot."""
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        order = self.tag_order()
        is_inside = torch.arange(len(order), device=order.device) > self.num_slots
        start = self.start_scores.to(dtype)[order].masked_fill(is_inside, -torch.inf)
        emissions = _Reordered.apply(emissions.to(dtype), order)
        return _Grouped(emissions, start, self.end_scores.to(dtype)[order], self.steps(emissions))

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
        return self.tag_order()[_best_path(self._grouped(emissions), mask)] * mask

    @torch.no_grad()
    def marginals(self, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Probability of every tag at every word (batch, words, tags), by the forward-backward algorithm."""
        found = _marginals(self._grouped(emissions), mask)
        return torch.empty_like(found).index_copy_(2, self.tag_order(), found)

    @torch.no_grad()
    def decode_scored(
        self, emissions: torch.Tensor, mask: torch.Tensor, temperature: float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What [`decode`] finds, and its [`marginals`], (batch, words) float, 0 where the mask is not set; these with all scores divided by a
        temperature of at least 1."""
        grouped = self._grouped(emissions)
        path = _best_path(grouped, mask)
        certain = (
            _marginals(grouped if temperature == 1 else _tempered(grouped, temperature), mask)
            .gather(2, path.unsqueeze(2))
            .squeeze(2)
        )
        return self.tag_order()[path] * mask, certain * mask


class _Grouped(NamedTuple):
    """What is computed with, the tags in groups: emissions (rows, words, tags), start and end scores (tags,), and steps."""

    emissions: torch.Tensor
    start: torch.Tensor
    end: torch.Tensor
    steps: Steps


def _best_path(grouped: _Grouped, mask: torch.Tensor) -> torch.Tensor:
    """(rows, words) long; anything where the mask is not set."""
    emissions, start, end, steps = grouped
    scores = start + emissions[:, 0]
    # Where a row has ended, its last tag is carried along.
    same = torch.arange(len(start), device=start.device).expand_as(scores)
    best_previous = []
    for of_word, is_word in zip(emissions.unbind(1)[1:], mask.unsqueeze(2).unbind(1)[1:], strict=True):
        reached, previous = steps.best_step(scores)
        scores = torch.where(is_word, reached + of_word, scores)
        best_previous.append(torch.where(is_word, previous, same))
    path = [(scores + end).argmax(dim=1)]
    for previous in reversed(best_previous):
        path.append(previous.gather(1, path[-1].unsqueeze(1)).squeeze(1))
    return torch.stack(path[::-1], dim=1)


def _tempered(grouped: _Grouped, temperature: float) -> _Grouped:
    """All scores divided, which lie nearer to each other then: the kind of steps stays exact."""
    emissions, start, end, steps = grouped
    nearer = type(steps)(steps.stay / temperature, *(scores / temperature for scores in steps.others))
    return _Grouped(emissions / temperature, start / temperature, end / temperature, nearer)


def _marginals(grouped: _Grouped, mask: torch.Tensor) -> torch.Tensor:
    """(rows, words, tags), the tags in groups."""
    emissions, start, end, steps = grouped
    behind, _ = _paths_after(steps, end.expand(len(emissions), -1), emissions, mask)
    return (_paths_before(steps, start, emissions, mask).scores + behind).softmax(dim=2)


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
        if _widest(emissions) + 2 * (highest - lowest) <= MAX_SPREAD:
            return SquareSteps
    return ProductSteps if high - low <= MAX_SPREAD else DenseSteps


def _widest(emissions: torch.Tensor) -> torch.Tensor:
    """The widest range of one word's scores (rows, words, tags)."""
    found = emissions.detach()
    return (found.amax(dim=2) - found.amin(dim=2)).amax()


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
        stay, *others = parts = [part.to(emissions.dtype) for part in self._parts().values()]
        spread = torch.stack([part.detach().abs().amax() for part in parts]).sum()
        is_near = len(emissions) and _widest(emissions) + 4 * spread <= MAX_SPREAD
        return (FactoredProductSteps if is_near else FactoredSteps)(stay, *others)

    def _parts(self) -> dict[str, nn.Parameter]:
        return {
            "stay": self.stay_scores, "leave": self.leave_scores, "enter": self.enter_scores, "again": self.again_scores
        }  # fmt: skip

    def arrays(self) -> dict[str, torch.Tensor]:
        """`start` and `end` (tags,) as in [`LinearChainCRF.arrays`], and the fields of [`FactoredSteps`], whose tags are in groups."""
        tags = torch.arange(len(self.start_scores), device=self.start_scores.device)
        start = self.start_scores.masked_fill((tags > 0) & (tags % 2 == 0), -torch.inf)
        return {"start": start, "end": self.end_scores, **self._parts()}


__all__ = ["ChainCRF", "FactoredCRF", "LinearChainCRF"]
