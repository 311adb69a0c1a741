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

from headstart.features import JointNLUCollator
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.gazetteer_headstart import DIRECT_SCALE
from headstart.modeling.layers_headstart import LinearChainCRF
from headstart.modeling.losses_headstart import IGNORED
from headstart.refilling import EpochRows

INTENT_ITERATIONS, TAG_ITERATIONS = 30, 15  # one of the CRF takes several times as long
# Chosen on validation rows (benchmarks/README.md).
INTENT_PENALTY = 1e-3  # of squared weights
TAG_PENALTY = 1e-4
TRANSITION_PENALTY = 1e-3
INTENT_CONFIDENCE = 0.15  # what fitted scores are multiplied by; see `_make_less_certain`
TAG_CONFIDENCE = 0.15
LEAST_DEVIATION = 0.05  # added to that of a state: one that hardly varies shall not be blown up
MIN_ROWS, MAX_ROWS, MAX_EPOCHS = 128, 1000, 8
MAX_WORDS = 64  # of rows that tags are fitted to: all are padded to the longest
BATCH_SIZE = 64


def fit_classifiers(model: HeadstartForJointNLU, rows: Sequence[dict[str, Any]], seed: int = 0) -> None:
    """Fit the classifiers of the model's only skill in place, that of tags with its CRF; everything else stays as it is.

    Logistic regression of intents on pooled IC states, and a linear-chain CRF of tags on ST states, both by L-BFGS (Liu and
    Nocedal, 1989).

    Args:
        model: the base with the skill.
        rows: encoded rows (see [`headstart.features.encode_rows`]); of more than 1,000, some are drawn.
        seed: of that choice.
    """
    if len(rows) > MAX_ROWS:
        rows = _draw(rows, MAX_ROWS, seed)
    states = _states(model, rows)
    entry = model.skill()
    classifiers: Any = model.classifiers[entry["name"]]
    direct: Any = dict(model.gazetteers.items()).get(entry["name"])
    intents = [layer for layer in (classifiers.intent_classifier, classifiers.reject_classifier) if layer is not None]
    if intents and (states.intents != IGNORED).any():
        _fit_intents(intents, direct and direct.intent_scores, states)
    if classifiers.crf is not None and states.mask.any():
        _fit_tags(classifiers.slot_classifier, classifiers.crf, direct and direct.tag_scores, states)


def _draw(rows: Sequence[dict[str, Any]], size: int, seed: int) -> list[dict[str, Any]]:
    """Some of the rows; intents take turns, so that a rare one is not left out."""
    by_intent = defaultdict(list)
    for row in random.Random(seed).sample(list(rows), len(rows)):
        by_intent[row["intent_labels"]].append(row)
    return [row for turn in zip_longest(*by_intent.values()) for row in turn if row is not None][:size]


def _fit_intents(layers: Sequence[nn.Linear], direct: nn.Linear | None, states: _States) -> None:
    """Fit layers whose outputs stand side by side in one softmax, and the one that catalog matches go to."""
    annotated = states.intents != IGNORED
    intents, found = states.intents[annotated], states.of_intents[annotated]
    matches = states.intent_matches[annotated] if direct is not None else None
    mean, deviation = found.mean(dim=0), found.std(dim=0, correction=0) + LEAST_DEVIATION
    scaled = (found - mean) / deviation
    fitted = [*layers, *([direct] if direct is not None else [])]
    parameters, weights = _start_at_zero(fitted), [layer.weight for layer in fitted]

    def loss() -> torch.Tensor:
        scores = torch.cat([layer(scaled) for layer in layers], dim=1)
        if direct is not None:
            scores = scores + direct(matches)
        return cross_entropy(scores, intents) + INTENT_PENALTY * _squares(weights)

    _minimize(loss, parameters, INTENT_ITERATIONS)
    with torch.no_grad():
        for layer in layers:  # the layers see states as they are
            layer.weight.div_(deviation)
            layer.bias.sub_(layer.weight @ mean)
    _make_less_certain(parameters, INTENT_CONFIDENCE)


def _fit_tags(classifier: nn.Linear, crf: LinearChainCRF, direct: nn.Linear | None, states: _States) -> None:
    """Fit the tag classifier, its CRF, and the layer that catalog matches go to."""
    parameters = _start_at_zero([classifier, crf, *([direct] if direct is not None else [])])
    num_words = states.mask.sum()

    def loss() -> torch.Tensor:
        emissions = classifier(states.of_words)
        if direct is not None:
            emissions = emissions + direct(states.word_matches)
        likelihood = crf(emissions, states.tags, states.mask).sum() / num_words
        weights = [layer.weight for layer in (classifier, direct) if layer is not None]
        return likelihood + TAG_PENALTY * _squares(weights) + TRANSITION_PENALTY * _squares(list(crf.parameters()))

    _minimize(loss, parameters, TAG_ITERATIONS)
    _make_less_certain(parameters, TAG_CONFIDENCE)


def _squares(parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum()


def _start_at_zero(layers: Sequence[nn.Module]) -> list[nn.Parameter]:
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()
    return parameters


def _minimize(loss: Callable[[], torch.Tensor], parameters: Sequence[nn.Parameter], iterations: int) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=iterations, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
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


def rows_to_fit(train: EpochRows) -> list[dict[str, Any]]:
    """The encoded rows of as many epochs (8 at most) as give 128 rows; of one, if they can't differ."""
    rows = list(train.encoded)
    for epoch in range(1, MAX_EPOCHS if train.sources else 1):
        if len(rows) >= MIN_ROWS:
            break
        train.begin_epoch(epoch)
        rows += train.encoded
    train.begin_epoch(0)
    return rows


class _States(NamedTuple):
    """Pooled IC states (rows, width) and intents (rows,); ST states (rows, words, width), tags and mask (rows, words) of rows with
    annotated slots; and the features that the skill's catalog matches are of both, (rows, features) and (rows, words, features)."""

    of_intents: torch.Tensor
    intents: torch.Tensor
    intent_matches: torch.Tensor
    of_words: torch.Tensor
    tags: torch.Tensor
    mask: torch.Tensor
    word_matches: torch.Tensor


@torch.no_grad()
def _states(model: HeadstartForJointNLU, rows: Sequence[dict[str, Any]]) -> _States:
    collator = JointNLUCollator(model.config.pad_token_id)
    was_training = model.training
    model.eval()
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in _States._fields if name != "mask"}
    for start in range(0, len(rows), BATCH_SIZE):
        batch = {name: part.to(model.device) for name, part in collator(list(rows[start : start + BATCH_SIZE])).items()}
        found = model.task_states(batch["input_ids"], batch["attention_mask"])
        slot_states, intent_states = found.states[model.skill()["task_layers"]]  # one skill: the rows keep their order
        matches = DIRECT_SCALE * found.matches.get(0, slot_states.new_zeros(*slot_states.shape[:2], 0))
        parts["of_intents"].append(intent_states)
        parts["intents"].append(batch["intent_labels"])
        parts["intent_matches"].append(matches.amax(dim=1) if matches.shape[2] else matches[:, 0])
        for row, words in enumerate(batch["slot_labels"] != IGNORED):
            if 0 < words.sum() <= MAX_WORDS:
                parts["of_words"].append(slot_states[row, words])
                parts["tags"].append(batch["slot_labels"][row, words])
                parts["word_matches"].append(matches[row, words])
    model.train(was_training)
    return _join(parts)


def _join(parts: dict[str, list[torch.Tensor]]) -> _States:
    of_intents, intents, intent_matches = (torch.cat(parts[name]) for name in ("of_intents", "intents", "intent_matches"))
    if not parts["tags"]:
        empty = of_intents.new_zeros(0, 0)
        return _States(of_intents, intents, intent_matches, empty, empty, empty.bool(), empty)
    of_words, tags, word_matches = (pad_sequence(parts[name], batch_first=True) for name in ("of_words", "tags", "word_matches"))
    num_words = torch.tensor([len(row) for row in parts["tags"]], device=tags.device)
    mask = torch.arange(tags.shape[1], device=tags.device) < num_words.unsqueeze(1)
    return _States(of_intents, intents, intent_matches, of_words, tags, mask, word_matches)


__all__ = ["fit_classifiers", "rows_to_fit"]
