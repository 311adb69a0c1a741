"""Classifiers of a new skill, fitted to what a pretrained base makes of its rows before the base itself is tuned.

A linear probe, then fine-tuning: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution"
(ICLR 2022). Random classifiers would send random gradients through the pretrained layers; fitted ones start where the base's own
states lead. The states don't change meanwhile, so they are computed once; what is left is logistic regression and a CRF on fixed features.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from headstart.data.encoding import EncodedRow
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.crf_headstart import ChainCRF
from headstart.modeling.gazetteer_headstart import DIRECT_SCALE
from headstart.modeling.labels_headstart import IGNORED
from headstart.training.collator import JointNLUCollator
from headstart.training.epochs import EpochRows

ITERATIONS = 15
# Chosen on validation rows (benchmarks/README.md).
INTENT_PENALTY = 1e-3  # of squared weights
TAG_PENALTY = 1e-4
TRANSITION_PENALTY = 1e-3
INTENT_CONFIDENCE = 0.15  # what fitted scores are multiplied by; see `_make_less_certain`
TAG_CONFIDENCE = 0.05
LEAST_DEVIATION = 0.05  # added to that of a state: one that hardly varies shall not be blown up
MIN_ROWS, MAX_ROWS, MAX_EPOCHS = 128, 1000, 8
MAX_WORDS = 64  # of rows that tags are fitted to: all are padded to the longest
BATCH_SIZE = 64


def fit_classifiers(model: HeadstartForJointNLU, rows: Sequence[EncodedRow] | EpochRows, seed: int = 0) -> None:
    """Fit the classifiers of the rows' skill in place, that of tags with its CRF; everything else stays as it is.

    Logistic regression of intents on pooled IC states, and a linear-chain CRF of tags on ST states, both by L-BFGS (Liu and
    Nocedal, 1989).

    Args:
        model: the base with the skill.
        rows: encoded rows of one skill (see [`headstart.data.encoding.encode_rows`]), or [`EpochRows`], of which as many epochs are read as are needed; of more
            than 1,000 distinct rows, some are drawn.
        seed: of that choice.
    """
    rows = rows_to_fit(rows) if isinstance(rows, EpochRows) else rows
    distinct, weights = _weigh(rows)
    if len(distinct) > MAX_ROWS:
        chosen = _draw(distinct, MAX_ROWS, seed)
        distinct, weights = [distinct[number] for number in chosen], weights[chosen]
    states = read_states(model, distinct, weights.to(model.device))
    entry = model.entries[rows[0]["skill_ids"]]
    classifiers: Any = model.classifiers[entry["name"]]
    direct: Any = dict(model.gazetteers.items()).get(entry["name"])
    intents = [layer for layer in (classifiers.intent_classifier, classifiers.reject_classifier) if layer is not None]
    if intents and (states.intents != IGNORED).any():
        _fit_intents(intents, direct and direct.intent_scores, states)
    if classifiers.crf is not None and states.mask.any():
        _fit_tags(classifiers.slot_classifier, classifiers.crf, direct and direct.tag_scores, states)


def _weigh(rows: Sequence[EncodedRow]) -> tuple[list[EncodedRow], torch.Tensor]:
    """The distinct rows and how often each one occurs, (rows,) float: one without slots is the same in all epochs."""
    numbers: dict[tuple[Any, ...], int] = {}
    distinct: list[EncodedRow] = []
    counts: list[float] = []
    for row in rows:
        number = numbers.setdefault((*row["input_ids"], *row["slot_labels"], row["intent_labels"]), len(distinct))
        if number == len(distinct):
            distinct.append(row)
            counts.append(0.0)
        counts[number] += 1
    return distinct, torch.tensor(counts)


def _draw(rows: Sequence[EncodedRow], size: int, seed: int) -> list[int]:
    """The numbers of some of the rows; intents take turns, so that a rare one is not left out."""
    by_intent = defaultdict(list)
    for number in random.Random(seed).sample(range(len(rows)), len(rows)):
        by_intent[rows[number]["intent_labels"]].append(number)
    return [number for turn in zip_longest(*by_intent.values()) for number in turn if number is not None][:size]


def _fit_intents(layers: Sequence[nn.Linear], direct: nn.Linear | None, states: States) -> None:
    """Fit layers whose outputs stand side by side in one softmax, and the one that catalog matches go to."""
    annotated = states.intents != IGNORED
    intents, found = states.intents[annotated], states.of_intents[annotated]
    matches = states.intent_matches[annotated] if direct is not None else None
    shares = states.intent_weights[annotated] / states.intent_weights[annotated].sum()
    mean = shares @ found
    deviation = (shares @ (found - mean).square()).sqrt() + LEAST_DEVIATION
    scaled = (found - mean) / deviation
    fitted = [*layers, *([direct] if direct is not None else [])]
    parameters, weights = _start_at_zero(fitted), [layer.weight for layer in fitted]

    def loss() -> torch.Tensor:
        scores = torch.cat([layer(scaled) for layer in layers], dim=1)
        if direct is not None:
            scores = scores + direct(matches)
        return shares @ cross_entropy(scores, intents, reduction="none") + INTENT_PENALTY * squares(weights)

    minimize(loss, parameters)
    with torch.no_grad():
        for layer in layers:  # the layers see states as they are
            layer.weight.div_(deviation)
            layer.bias.sub_(layer.weight @ mean)
    _make_less_certain(parameters, INTENT_CONFIDENCE)


def _fit_tags(classifier: nn.Linear, crf: ChainCRF, direct: nn.Linear | None, states: States) -> None:
    """Fit the tag classifier, its CRF, and the layer that catalog matches go to."""
    parameters = _start_at_zero([classifier, crf, *([direct] if direct is not None else [])])
    num_words = states.row_weights @ states.mask.sum(dim=1).float()

    def loss() -> torch.Tensor:
        emissions = classifier(states.of_words)
        if direct is not None:
            emissions = emissions + direct(states.word_matches)
        likelihood: torch.Tensor = states.row_weights @ crf(emissions, states.tags, states.mask) / num_words
        weights = [layer.weight for layer in (classifier, direct) if layer is not None]
        return likelihood + TAG_PENALTY * squares(weights) + TRANSITION_PENALTY * squares(list(crf.parameters()))

    minimize(loss, parameters)
    _make_less_certain(parameters, TAG_CONFIDENCE)


def squares(parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """The sum of all squared numbers."""
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum()


def _start_at_zero(layers: Sequence[nn.Module]) -> list[nn.Parameter]:
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()
    return parameters


def minimize(loss: Callable[[], torch.Tensor], parameters: Sequence[torch.Tensor], iterations: int | None = None) -> None:
    """Minimize a loss over parameters, in place, by L-BFGS (Liu and Nocedal, 1989), in at most so many iterations (15)."""
    optimizer = torch.optim.LBFGS(parameters, max_iter=iterations or ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    step: Callable[[Callable[[], torch.Tensor]], Any] = optimizer.step
    step(closure)
    optimizer.zero_grad()


@torch.no_grad()
def _make_less_certain(parameters: Sequence[nn.Parameter], confidence: float) -> None:
    """Make the scores smaller; answers stay the same.

    A few dozen rows can be told apart almost with certainty, and what is certain sends no gradient to the layers below, which are
    tuned next.
    """
    for parameter in parameters:
        parameter.mul_(confidence)


def rows_to_fit(train: EpochRows) -> list[EncodedRow]:
    """The encoded rows of as many epochs (8 at most) as give 128 rows; of one, if they can't differ."""
    rows = list(train.encoded)
    for epoch in range(1, MAX_EPOCHS if train.sources else 1):
        if len(rows) >= MIN_ROWS:
            break
        train.begin_epoch(epoch)
        rows += train.encoded
    train.begin_epoch(0)
    return rows


class States(NamedTuple):
    """Pooled IC states (rows, width), intents (rows,) and weights (rows,); ST states (rows, words, width), tags and mask (rows, words),
    and weights of rows with annotated slots; and the features that the skill's catalog matches are of both, (rows, features) and
    (rows, words, features)."""

    of_intents: torch.Tensor
    intents: torch.Tensor
    intent_weights: torch.Tensor
    intent_matches: torch.Tensor
    of_words: torch.Tensor
    tags: torch.Tensor
    mask: torch.Tensor
    row_weights: torch.Tensor
    word_matches: torch.Tensor


@torch.no_grad()
def read_states(model: HeadstartForJointNLU, rows: Sequence[EncodedRow], weights: torch.Tensor) -> States:
    """What the task layers make of encoded rows of one skill, whose weights are (rows,) float."""
    collator = JointNLUCollator(model.config.pad_token_id)
    was_training = model.training
    model.eval()
    skill_id = rows[0]["skill_ids"]
    of_intents, intents, intent_matches, of_words, tags, word_matches, tagged = [], [], [], [], [], [], []
    for start in range(0, len(rows), BATCH_SIZE):
        batch = {name: part.to(model.device) for name, part in collator(list(rows[start : start + BATCH_SIZE])).items()}
        found = model.task_states(batch["input_ids"], batch["attention_mask"], batch["skill_ids"])
        slot_states, intent_states = found.states[skill_id]  # one skill: the rows keep their order
        matches = DIRECT_SCALE * found.matches.get(skill_id, slot_states.new_zeros(*slot_states.shape[:2], 0))
        of_intents.append(intent_states)
        intents.append(batch["intent_labels"])
        intent_matches.append(matches.amax(dim=1) if matches.shape[2] else matches[:, 0])
        for row, words in enumerate(batch["slot_labels"] != IGNORED):
            if 0 < words.sum() <= MAX_WORDS:
                of_words.append(slot_states[row, words])
                tags.append(batch["slot_labels"][row, words])
                word_matches.append(matches[row, words])
                tagged.append(start + row)
    model.train(was_training)
    of_rows = (torch.cat(of_intents), torch.cat(intents), weights, torch.cat(intent_matches))
    if not tags:
        empty = of_intents[0].new_zeros(0, 0)
        return States(*of_rows, empty, empty, empty.bool(), empty[:, :0].sum(dim=1), empty)
    num_words = torch.tensor([len(row) for row in tags], device=weights.device)
    mask = torch.arange(int(num_words.max()), device=weights.device) < num_words.unsqueeze(1)
    words, padded_tags, padded_matches = (pad_sequence(parts, batch_first=True) for parts in (of_words, tags, word_matches))
    return States(*of_rows, words, padded_tags, mask, weights[tagged], padded_matches)


__all__ = ["LEAST_DEVIATION", "States", "fit_classifiers", "minimize", "read_states", "rows_to_fit", "squares"]
