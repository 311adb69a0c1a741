"""The decoding half of `headstart.modeling.crf_headstart` in numpy, for exported skills: most probable tags, and their probabilities.

Tags stand in groups, `O B-0 B-1 ... I-0 I-1 ...`, as there; rows of `counts` words are padded to the longest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

MAX_SPREAD = 600.0  # of transitions: the ratios of their exponentials are then numbers of float64
MAX_PAIRS = 2**22  # pairs of tags that are compared at once
MAX_RANGE = (
    1300.0  # of what the words of a row and the steps between them can add up to: probabilities are then numbers of float64
)


class _Steps(Protocol):
    """See [`headstart.modeling.crf_headstart.Steps`]."""

    stay: np.ndarray

    def sum_into(self, scores: np.ndarray) -> np.ndarray: ...

    def sum_out_of(self, scores: np.ndarray) -> np.ndarray: ...

    def best_into(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class _DenseSteps:
    """See [`headstart.modeling.crf_headstart.DenseSteps`]; `transitions` (tags, tags) are those of [`LinearChainCRF.arrays`]."""

    def __init__(self, transitions: np.ndarray, order: np.ndarray) -> None:
        num_labels = len(order) // 2
        begins, inside = order[1 : 1 + num_labels], order[1 + num_labels :]
        self.stay = np.concatenate([transitions[begins, inside], transitions[inside, inside]]).astype(np.float64)
        self.into = transitions[order][:, order[: 1 + num_labels]]
        self._peak = float(self.into.max())
        spread = self._peak - float(self.into.min())
        self._ratios = np.exp(self.into.astype(np.float64) - self._peak) if spread <= MAX_SPREAD else None

    def sum_into(self, scores: np.ndarray) -> np.ndarray:
        if self._ratios is None:
            return np.stack([_log_sum(row[:, None] + self.into, axis=0) for row in scores])
        return self._sums(scores, self._ratios)

    def sum_out_of(self, scores: np.ndarray) -> np.ndarray:
        if self._ratios is None:
            return np.stack([_log_sum(row + self.into, axis=1) for row in scores])
        return self._sums(scores, self._ratios.T)

    def _sums(self, scores: np.ndarray, ratios: np.ndarray) -> np.ndarray:
        top = scores.max(axis=1, keepdims=True)
        sums: np.ndarray = np.log(np.exp(scores - top) @ ratios) + (top + self._peak)
        return sums

    def best_into(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        width = max(MAX_PAIRS // scores.size, 1)
        best, tags = [], []
        for start in range(0, self.into.shape[1], width):
            reached = scores[:, :, None] + self.into[:, start : start + width]
            tags.append(reached.argmax(axis=1))
            best.append(reached.max(axis=1))
        return np.concatenate(best, axis=1), np.concatenate(tags, axis=1)


class _FactoredSteps:
    """See [`headstart.modeling.crf_headstart.FactoredSteps`]."""

    def __init__(self, stay: np.ndarray, leave: np.ndarray, enter: np.ndarray, again: np.ndarray) -> None:
        self.stay, self.leave, self.enter, self.again = (part.astype(np.float64) for part in (stay, leave, enter, again))

    def sum_into(self, scores: np.ndarray) -> np.ndarray:
        left = scores + self.leave
        others = _sum_of_others(_sum_groups(left, len(self.enter)))
        own: np.ndarray = np.logaddexp(others, _sum_groups(left + self.again, len(self.enter))) + self.enter
        return own

    def sum_out_of(self, scores: np.ndarray) -> np.ndarray:
        entered = scores + self.enter
        others = _sum_of_others(entered)
        outward: np.ndarray = np.logaddexp(_of_groups(others), _of_groups(entered) + self.again) + self.leave
        return outward

    def best_into(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, left = np.arange(len(scores)), scores + self.leave
        of_groups, tags = _best_of_groups(left, len(self.enter))
        group = of_groups.argmax(axis=1)
        others = np.repeat(of_groups[rows, group][:, None], len(self.enter), axis=1)
        other_tags = np.repeat(tags[rows, group][:, None], len(self.enter), axis=1)
        rest = of_groups.copy()
        rest[rows, group] = -np.inf
        second = rest.argmax(axis=1)
        others[rows, group], other_tags[rows, group] = rest[rows, second], tags[rows, second]
        own, own_tags = _best_of_groups(left + self.again, len(self.enter))
        return np.maximum(others, own) + self.enter, np.where(own > others, own_tags, other_tags)


def make_field(arrays: Mapping[str, np.ndarray]) -> Field:
    """The field of what [`headstart.modeling.crf_headstart.ChainCRF.arrays`] gives.

    Raises:
        KeyError: one of these is missing.
    """
    return _SquareField(arrays) if "transitions" in arrays else Field(arrays)


class Field:
    """A linear-chain CRF that decodes. Its time grows with the number of labels, if the arrays are those of a factored one, and no scores are too
    large for it.

    Args:
        arrays: see [`make_field`].
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        tags = np.arange(len(arrays["start"]))
        self._order = order = np.concatenate([tags[:1], tags[1::2], tags[2::2]])
        self._start, self._end = (arrays[name].astype(np.float64)[order] for name in ("start", "end"))
        self._num_labels = len(order) // 2
        self._steps: _Steps = (
            _DenseSteps(arrays["transitions"], order)
            if "transitions" in arrays
            else _FactoredSteps(*(arrays[name] for name in ("stay", "leave", "enter", "again")))
        )

    def decode(self, emissions: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The most probable tags (Viterbi) of emissions (rows, words, tags): (rows, words), `O` after a row's last word."""
        num_rows, num_words, num_tags = emissions.shape
        emissions, steps = emissions[:, :, self._order], self._steps
        goes_on = _rows_that_go_on(counts)
        same = np.broadcast_to(np.arange(num_tags), (num_rows, num_tags))
        inside = same[:, 1 + self._num_labels :]
        scores = self._start + emissions[:, 0]
        best_previous = []
        for word in range(1, num_words):
            free, previous = steps.best_into(scores)
            stays = scores[:, 1:] + steps.stay
            of_begins, of_inside = stays[:, : self._num_labels], stays[:, self._num_labels :]
            tags = np.concatenate([previous, np.where(of_inside > of_begins, inside, inside - self._num_labels)], axis=1)
            reached = np.concatenate([free, np.maximum(of_begins, of_inside)], axis=1) + emissions[:, word]
            # Where a row has ended, its last tag is carried along.
            best_previous.append(_keep_ended(tags, same, goes_on[word]))
            scores = _keep_ended(reached, scores, goes_on[word])
        path = self._order[_follow(best_previous, (scores + self._end).argmax(axis=1))]
        found: np.ndarray = path * (np.arange(num_words) < counts[:, None])
        return found

    def certainty(self, emissions: np.ndarray, counts: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """Marginal probabilities of these tags, (rows, words), by the forward-backward algorithm; 0 after a row's last word."""
        num_words = emissions.shape[1]
        emissions = emissions[:, :, self._order].astype(np.float64)
        goes_on = _rows_that_go_on(counts)
        # Numbers are taken relative to the highest of each word: that changes no marginal.
        before = [_relative(self._start + emissions[:, 0])]
        for word in range(1, num_words):
            reached = _relative(self._step(before[-1]) + emissions[:, word])
            before.append(_keep_ended(reached, before[-1], goes_on[word]))
        after = [np.broadcast_to(self._end, before[0].shape)]
        for word in range(num_words - 1, 0, -1):
            reached = _relative(self._step_back(after[-1] + emissions[:, word]))
            after.append(_keep_ended(reached, after[-1], goes_on[word]))
        joint = np.exp(_relative(np.stack(before, axis=1) + np.stack(after[::-1], axis=1)))
        places = np.argsort(self._order)[tags]
        found = np.take_along_axis(joint, places[:, :, None], axis=2)[:, :, 0] / joint.sum(axis=2)
        certain: np.ndarray = found * (np.arange(num_words) < counts[:, None])
        return certain

    def _step(self, scores: np.ndarray) -> np.ndarray:
        stays = scores[:, 1:] + self._steps.stay
        inside = np.logaddexp(stays[:, : self._num_labels], stays[:, self._num_labels :])
        return np.concatenate([self._steps.sum_into(scores), inside], axis=1)

    def _step_back(self, scores: np.ndarray) -> np.ndarray:
        outward = self._steps.sum_out_of(scores[:, : 1 + self._num_labels])
        inside = scores[:, 1 + self._num_labels :]
        outward[:, 1:] = np.logaddexp(outward[:, 1:], np.concatenate([inside, inside], axis=1) + self._steps.stay)
        return outward


class _SquareField(Field):
    """A field of few labels, as most are: with all pairs of tags at once and without logarithms, it takes half the time."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self.start, self.transitions, self.end = (arrays[name] for name in ("start", "transitions", "end"))
        self._weights = np.exp(self.transitions.astype(np.float64) - self.transitions.max())
        allowed = self.transitions[np.isfinite(self.transitions)]
        self._spread = float(allowed.max() - allowed.min())

    def decode(self, emissions: np.ndarray, counts: np.ndarray) -> np.ndarray:
        num_rows, num_words, num_tags = emissions.shape
        if num_rows * num_tags**2 > MAX_PAIRS:
            return super().decode(emissions, counts)
        goes_on = _rows_that_go_on(counts)
        same = np.broadcast_to(np.arange(num_tags), (num_rows, num_tags))
        scores = self.start + emissions[:, 0]
        best_previous = []
        for word in range(1, num_words):
            reached = scores[:, :, None] + self.transitions
            # Where a row has ended, its last tag is carried along.
            best_previous.append(_keep_ended(reached.argmax(axis=1), same, goes_on[word]))
            scores = _keep_ended(reached.max(axis=1) + emissions[:, word], scores, goes_on[word])
        path = _follow(best_previous, (scores + self.end).argmax(axis=1))
        found: np.ndarray = path * (np.arange(num_words) < counts[:, None])
        return found

    def certainty(self, emissions: np.ndarray, counts: np.ndarray, tags: np.ndarray) -> np.ndarray:
        num_words = emissions.shape[1]
        highest = emissions.max(axis=2, keepdims=True)
        if ((highest[:, :, 0] - emissions.min(axis=2)) + self._spread).sum(axis=1).max() > MAX_RANGE:
            return super().certainty(emissions, counts, tags)
        goes_on = _rows_that_go_on(counts)
        # Each word's weights are scaled by its largest one, and each product to the sum 1: neither changes a marginal.
        weights = np.exp((emissions - highest).astype(np.float64))
        before = [_normalized(np.exp(self.start - self.start.max()) * weights[:, 0])]
        for word in range(1, num_words):
            reached = _normalized((before[-1] @ self._weights) * weights[:, word])
            before.append(_keep_ended(reached, before[-1], goes_on[word]))
        after = [np.broadcast_to(np.exp(self.end - self.end.max()), before[0].shape)]
        for word in range(num_words - 1, 0, -1):
            reached = _normalized((after[-1] * weights[:, word]) @ self._weights.T)
            after.append(_keep_ended(reached, after[-1], goes_on[word]))
        marginals = _normalized(np.stack(before, axis=1) * np.stack(after[::-1], axis=1))
        return np.take_along_axis(marginals, tags[:, :, None], axis=2)[:, :, 0] * (np.arange(num_words) < counts[:, None])


def _follow(best_previous: list[np.ndarray], last: np.ndarray) -> np.ndarray:
    """The tags (rows, words) of the best paths, from the best tag before each tag (rows, tags) of all words but the first, and those of the last."""
    rows, path = np.arange(len(last)), [last]
    for previous in reversed(best_previous):
        path.append(previous[rows, path[-1]])
    return np.stack(path[::-1], axis=1)


def _rows_that_go_on(counts: np.ndarray) -> list[np.ndarray | None]:
    """For each word, the rows (rows, 1) that have it; None: all of them."""
    columns = np.arange(counts.max())[:, None] < counts
    return [None if column.all() else column[:, None] for column in columns]


def _keep_ended(new: np.ndarray, old: np.ndarray, goes_on: np.ndarray | None) -> np.ndarray:
    """The new values (rows, tags) of rows that go on, the old ones of those that have ended."""
    return new if goes_on is None else np.where(goes_on, new, old)


def _normalized(weights: np.ndarray) -> np.ndarray:
    shares: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def _relative(scores: np.ndarray) -> np.ndarray:
    """Scores relative to the highest of the last dimension."""
    relative: np.ndarray = scores - scores.max(axis=-1, keepdims=True)
    return relative


def _log_sum(scores: np.ndarray, axis: int) -> np.ndarray:
    top = scores.max(axis=axis, keepdims=True)
    sums: np.ndarray = np.log(np.exp(scores - top).sum(axis=axis)) + top.squeeze(axis)
    return sums


def _sum_groups(scores: np.ndarray, num_groups: int) -> np.ndarray:
    """Log-sums of `O`, and of `B-` and `I-` of each label: (rows, tags) to (rows, 1 + labels)."""
    return np.concatenate([scores[:, :1], np.logaddexp(scores[:, 1:num_groups], scores[:, num_groups:])], axis=1)


def _best_of_groups(scores: np.ndarray, num_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """The higher score of `B-` and `I-` of each label, beside that of `O`, and its tag: (rows, 1 + labels) each."""
    best, tags = scores[:, :num_groups].copy(), np.tile(np.arange(num_groups), (len(scores), 1))
    is_inside = scores[:, num_groups:] > best[:, 1:]
    best[:, 1:][is_inside] = scores[:, num_groups:][is_inside]
    tags[:, 1:] += is_inside * (num_groups - 1)
    return best, tags


def _of_groups(scores: np.ndarray) -> np.ndarray:
    """The score of each tag's group: (rows, 1 + labels) to (rows, tags)."""
    return np.concatenate([scores, scores[:, 1:]], axis=1)


def _sum_of_others(scores: np.ndarray) -> np.ndarray:
    """For each column, the log-sum of all others (rows, columns)."""
    rows, place = np.arange(len(scores)), scores.argmax(axis=1)
    top = scores[rows, place][:, None]
    exponentials = np.exp(scores - top)
    with np.errstate(divide="ignore"):  # the highest one's may be nothing; it is put in below
        # Next to the sum, every column but the highest is so small that taking it away loses nothing.
        others: np.ndarray = np.log(exponentials.sum(axis=1, keepdims=True) - exponentials) + top
    rest = scores.copy()
    rest[rows, place] = -np.inf
    others[rows, place] = _log_sum(rest, axis=1)
    return others


__all__ = ["Field", "make_field"]
