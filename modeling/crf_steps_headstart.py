"""What leads from the tag of a word to that of the next one in a linear-chain CRF (`crf_headstart`, which says in which order tags stand)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import nn

MAX_SPREAD = 80.0  # of scores: the ratios of their exponentials are then numbers of float32
MAX_PAIRS = 2**22  # pairs of tags that are compared at once


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

    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return torch.stack([(row.unsqueeze(1) + self.into).logsumexp(dim=0) for row in scores])

    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return torch.stack([(row + self.into).logsumexp(dim=1) for row in scores])

    def best_into(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: D102
        width = max(MAX_PAIRS // scores.numel(), 1)
        found = [(scores.unsqueeze(2) + part).max(dim=1) for part in self.into.split(width, dim=1)]
        return torch.cat([best for best, _ in found], dim=1), torch.cat([tags for _, tags in found], dim=1)

    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:  # noqa: D102
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

    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self._sums(scores, self.ratios)

    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self._sums(scores, self.ratios.T)

    def _sums(self, scores: torch.Tensor, ratios: torch.Tensor) -> torch.Tensor:
        top = scores.amax(dim=1, keepdim=True)
        return ((scores - top).exp() @ ratios).log() + (top + self.peak)

    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:  # noqa: D102
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
    def peak(self) -> torch.Tensor:  # noqa: D102
        return self.square.detach().amax()

    @cached_property
    def square_ratios(self) -> torch.Tensor:
        """Their exponentials, relative to that of the highest."""
        return (self.square - self.peak).exp()

    def step(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self._sums(scores, self.square_ratios)

    def step_back(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self._sums(scores, self.square_ratios.T)

    def best_step(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: D102
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

    def sum_into(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        left = scores + self.leave
        others = _sum_of_others(_sum_groups(left, len(self.enter)))
        return torch.logaddexp(others, _sum_groups(left + self.again, len(self.enter))) + self.enter

    def sum_out_of(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        entered = scores + self.enter
        others = _sum_of_others(entered)
        return torch.logaddexp(_of_groups(others), _of_groups(entered) + self.again) + self.leave

    def best_into(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: D102
        left = scores + self.leave
        # Of the tags of other groups, the best of all, or the best that is not of the best one's group.
        of_groups, tags = _best_of_groups(left, len(self.enter))
        (first, second), (group, next_group) = (part.unbind(1) for part in of_groups.topk(2, dim=1))
        is_first = torch.arange(len(self.enter), device=scores.device) == group.unsqueeze(1)
        others = torch.where(is_first, second.unsqueeze(1), first.unsqueeze(1))
        other_tags = tags.gather(1, torch.where(is_first, next_group.unsqueeze(1), group.unsqueeze(1)))
        own, own_tags = _best_of_groups(left + self.again, len(self.enter))
        return torch.maximum(others, own) + self.enter, torch.where(own > others, own_tags, other_tags)

    def gradients(self, pairs: WordPairs, stays: torch.Tensor) -> Sequence[torch.Tensor]:  # noqa: D102
        entered = _of_groups(pairs.right[:, : 1 + self.num_labels] + self.enter)
        same = pairs.left + (self.leave + self.again) + entered - pairs.totals.unsqueeze(1)
        return [nn.functional.pad(-stays, (1, 0)), torch.zeros_like(self.enter), pairs.weights @ same.exp()]

    def complete(self, gradients: Sequence[torch.Tensor], first: torch.Tensor, second: torch.Tensor) -> Sequence[torch.Tensor]:
        """A tag that leads to no `I-` is left; one that is no `I-` was entered."""
        stay, leave, enter, again = gradients
        return [stay, leave + first, enter + second[: 1 + self.num_labels], again]


class FactoredProductSteps(FactoredSteps):
    """[`FactoredSteps`] that are near to each other, as are the scores of words: sums are those of exponentials, and take half the time."""

    @cached_property
    def _leaving(self) -> torch.Tensor:
        return self.leave.exp()

    @cached_property
    def _repeating(self) -> torch.Tensor:
        return self.again.exp()

    @cached_property
    def _entering(self) -> torch.Tensor:
        return self.enter.exp()

    @cached_property
    def _staying(self) -> torch.Tensor:
        return self.stay.exp()

    def step(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        paths = scores.exp()
        left, (begins, inside) = paths * self._leaving, (paths[:, 1:] * self._staying).chunk(2, dim=1)
        free = _add_groups(left * self._repeating, self.num_labels) + _add_others(_add_groups(left, self.num_labels))
        return torch.cat([free * self._entering, begins + inside], dim=1).log()

    def step_back(self, scores: torch.Tensor) -> torch.Tensor:  # noqa: D102
        paths = scores.exp()
        entered = paths[:, : 1 + self.num_labels] * self._entering
        outward = (_of_groups(_add_others(entered)) + _of_groups(entered) * self._repeating) * self._leaving
        outward[:, 1:] += paths[:, 1 + self.num_labels :].repeat(1, 2) * self._staying
        return outward.log()


def _add_groups(values: torch.Tensor, num_labels: int) -> torch.Tensor:
    """Sums of `O`, and of `B-` and `I-` of each label: (rows, tags) to (rows, 1 + labels)."""
    return torch.cat([values[:, :1], values[:, 1 : 1 + num_labels] + values[:, 1 + num_labels :]], dim=1)


def _add_others(values: torch.Tensor) -> torch.Tensor:
    """For each column, the sum of all others (rows, columns); none is below 0."""
    place = values.argmax(dim=1, keepdim=True)
    # Next to the sum, every column but the highest is so small that taking it away loses nothing.
    others = values.sum(dim=1, keepdim=True) - values
    return others.scatter_(1, place, values.scatter(1, place, 0).sum(dim=1, keepdim=True))


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


__all__ = ["DenseSteps", "FactoredProductSteps", "FactoredSteps", "ProductSteps", "SquareSteps", "Steps", "WordPairs"]
