"""Classifiers of a trained skill, fitted anew to what is taught, so that what it knew stays.

The bi-LSTMs are left as they are, so states are computed once, and what is left is convex: a change of the scores, linear in the states, that is as small
as it can be (a penalty on its weights, as L2-SP has it: Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning", ICML 2018). Rows
that the skill was trained on hold their answers; where there are none, its own answers to out-of-scope utterances do (Li and Hoiem, "Learning
without Forgetting", ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, normalize

from headstart.data.encoding import EncodedRow
from headstart.finetuning.probing import LEAST_DEVIATION, States, minimize, read_states, squares
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.crf_headstart import ChainCRF
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.labels_headstart import IGNORED
from headstart.modeling.novelty_headstart import Novelty
from headstart.modeling.routing_headstart import Router, normalize_states
from headstart.training.collator import JointNLUCollator

BATCH_SIZE = 64
NO_ROUTE = -30.0  # log-odds of an intent by which a skill is not found
NEAREST = 0.1  # share of the out-of-scope utterances that may be what is taught


@dataclass(frozen=True)
class Refit:
    """How classifiers are fitted; chosen on held-out training rows (benchmarks/learning.py).

    Args:
        taught: what a taught row counts, in rows that the skill was trained on.
        others: what all out-of-scope utterances count, in rows that it was trained on, as a share of these.
        intent_penalty: of squared changes of the weights of intents.
        tag_penalty: likewise of tags.
        transition_penalty: likewise of the CRF.
        iterations: of L-BFGS.
    """

    taught: float = 3.0
    others: float = 0.5
    intent_penalty: float = 1e-3
    tag_penalty: float = 1e-4
    transition_penalty: float = 1e-3
    iterations: int = 15


class RowsToFit(NamedTuple):
    """Encoded rows: those that are taught, those that the skill was trained on (as the larger entry numbers their labels), and out-of-scope utterances."""

    taught: Sequence[EncodedRow]
    known: Sequence[EncodedRow]
    others: Sequence[EncodedRow]


def refit(
    model: HeadstartForJointNLU,
    entries: tuple[SkillEntry, SkillEntry],
    parts: Mapping[str, nn.Module],
    rows: RowsToFit,
    how: Refit,
) -> None:
    """Fit copies of a skill's layers to rows, in place.

    Args:
        model: the network.
        entries: the skill's as it was trained, and the larger one (see `enlarging`).
        parts: the copies.
        rows: what they are fitted to.
        how: weights and penalties.
    """
    old, entry = entries
    listed = [*rows.taught, *rows.known]
    weights = torch.tensor([how.taught] * len(rows.taught) + [1.0] * len(rows.known))
    states = read_states(model, listed, weights.to(model.device))
    if entry["intents"]:
        others = read_states(model, rows.others, torch.ones(len(rows.others), device=model.device)) if rows.others else None
        _fit_intents(model, (old, entry), parts, rows, (states, others), how)
    if "routers" in parts and len(entry["intents"]) > len(old["intents"]):
        _route_new_intents(model, entries, cast(Router, parts["routers"]), rows, how.intent_penalty)
    classifiers = cast(Any, parts["classifiers"])
    if classifiers.crf is not None and states.mask.any():
        direct = cast(Any, parts["gazetteers"]).tag_scores if "gazetteers" in parts else None
        _fit_tags(classifiers.slot_classifier, classifiers.crf, direct, states, how)


def _route_new_intents(
    model: HeadstartForJointNLU, entries: tuple[SkillEntry, SkillEntry], router: Router, rows: RowsToFit, penalty: float
) -> None:
    """Let the skill be found, among others, by what is taught of new intents: logistic regression of each against out-of-scope utterances, which count half,
    as in `routers`."""
    old, entry = entries
    new = range(len(old["intents"]), len(entry["intents"]))
    own = [row for row in rows.taught if row["intent_labels"] in new]
    router.bias.data[new.start :] = NO_ROUTE
    if not own or not rows.others:
        return
    with torch.no_grad():
        batches = _batches(model, [*own, *rows.others])
        states = [model.shared_states(batch["input_ids"], batch["attention_mask"], entry["task_layers"]) for batch in batches]
        found = torch.cat([normalize_states(part) for part in states])
    scaled = (found - (middle := found.mean(dim=0))) / (deviation := found.std(dim=0, correction=0) + LEAST_DEVIATION)
    for intent in {row["intent_labels"] for row in own}:
        labels = torch.tensor([float(row["intent_labels"] == intent) for row in (*own, *rows.others)], device=found.device)
        shares = labels / (2 * labels.sum()) + (1 - labels) / (2 * (1 - labels).sum())
        weight = torch.zeros(found.shape[1], device=found.device, requires_grad=True)
        bias = torch.zeros(1, device=found.device, requires_grad=True)

        def loss(
            weight: torch.Tensor = weight, bias: torch.Tensor = bias, labels: torch.Tensor = labels, shares: torch.Tensor = shares
        ) -> torch.Tensor:
            return shares @ binary_cross_entropy_with_logits(
                scaled @ weight + bias, labels, reduction="none"
            ) + penalty * squares([weight])

        minimize(loss, [weight, bias])
        with torch.no_grad():
            router.weight[intent] = weight / deviation
            router.bias[intent] = bias[0] - (weight / deviation) @ middle


def _fit_intents(
    model: HeadstartForJointNLU,
    entries: tuple[SkillEntry, SkillEntry],
    parts: Mapping[str, nn.Module],
    rows: RowsToFit,
    states: tuple[States, States | None],
    how: Refit,
) -> None:
    (old, entry), (own, others) = entries, states
    classifiers = cast(Any, parts["classifiers"])
    layers = [layer for layer in (classifiers.intent_classifier, classifiers.reject_classifier) if layer is not None]
    direct = cast(Any, parts["gazetteers"]).intent_scores if "gazetteers" in parts else None
    novelty = cast(Novelty | None, parts.get("novelties"))
    means = _means(model, [*rows.taught, *rows.known, *rows.others]) if novelty is not None else None
    if novelty is not None and means is not None:
        _place_new_intents(novelty, means[: len(rows.taught)], own.intents[: len(rows.taught)], len(old["intents"]))
    is_annotated = own.intents != IGNORED
    found, matches = own.of_intents, own.intent_matches
    if others is not None:
        found, matches = torch.cat([found, others.of_intents]), torch.cat([matches, others.intent_matches])
    scores = torch.cat([layer(found) for layer in layers], dim=1).detach()
    if direct is not None:
        scores = scores + direct(matches).detach()
    if novelty is not None and means is not None:
        scores[:, -1:] += novelty(means.to(scores.device)).to(scores)
    added = slice(len(old["intents"]), len(entry["intents"]))
    known = torch.ones(scores.shape[1], dtype=torch.bool, device=scores.device)
    known[added] = False
    num_own = len(own.intents)
    shares = own.intent_weights * is_annotated
    targets = torch.zeros_like(scores)
    targets[:num_own][is_annotated, own.intents[is_annotated]] = 1.0
    if others is not None:  # they shall be answered as before
        targets[num_own:, known] = scores[num_own:, known].softmax(dim=1)
        total = how.others * max(float(is_annotated[len(rows.taught) :].sum()), float(len(rows.taught)))
        kept = _unlike(others.of_intents, own.of_intents[: len(rows.taught)])
        shares = torch.cat([shares, total * kept / kept.sum().clamp(min=1)])
    # A new intent begins where it is as probable as the best one, so that its rows pull it up at once.
    with torch.no_grad():
        layers[0].bias[added] = scores[:, known].amax(dim=1).mean() - 4
    scores[:, added] = layers[0].bias[added].detach()
    deviation, middle = found.std(dim=0, correction=0) + LEAST_DEVIATION, found.mean(dim=0)
    scaled = (found - middle) / deviation
    change = torch.zeros(scores.shape[1], found.shape[1], device=scores.device, requires_grad=True)
    shift = torch.zeros(scores.shape[1], device=scores.device, requires_grad=True)
    shares = shares / shares.sum()

    def loss() -> torch.Tensor:
        changed = scores + scaled @ change.T + shift
        return shares @ cross_entropy(changed, targets, reduction="none") + how.intent_penalty * squares([change])

    minimize(loss, [change, shift], how.iterations)
    with torch.no_grad():
        weight = change / deviation
        bias = shift - weight @ middle
        start = 0
        for layer in layers:
            stop = start + layer.out_features
            layer.weight.add_(weight[start:stop].to(layer.weight))
            layer.bias.add_(bias[start:stop].to(layer.bias))
            start = stop


def _place_new_intents(novelty: Novelty, means: torch.Tensor, intents: torch.Tensor, num_known: int) -> None:
    """Say where new intents are, by the rows that are taught; those of which there is none are where another one is.

    Args:
        novelty: is changed.
        means: (rows, width) float, of the taught rows.
        intents: (rows,) long, theirs.
        num_known: intents that the skill had before.
    """
    with torch.no_grad():
        for intent in range(num_known, len(novelty.means)):
            own = means[(intents == intent).to(means.device)]
            novelty.means[intent] = own.mean(dim=0) if len(own) else novelty.means[0]


def _unlike(others: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """1 for out-of-scope utterances, 0 for those that are most like what is taught, (texts,) float: they may well be asked of the skill now."""
    middle, deviation = others.mean(dim=0), others.std(dim=0).clamp(min=1e-6)
    likeness = (normalize((others - middle) / deviation, dim=1) @ normalize((taught - middle) / deviation, dim=1).T).amax(dim=1)
    kept = torch.ones(len(others), device=others.device)
    kept[likeness.topk(round(NEAREST * len(others))).indices] = 0
    return kept


def _fit_tags(classifier: nn.Linear, crf: ChainCRF, direct: nn.Linear | None, states: States, how: Refit) -> None:
    with torch.no_grad():
        emissions = classifier(states.of_words)
        if direct is not None:
            emissions = emissions + direct(states.word_matches)
    words = states.of_words[states.mask]
    deviation, middle = words.std(dim=0, correction=0) + LEAST_DEVIATION, words.mean(dim=0)
    scaled = (states.of_words - middle) / deviation
    change = torch.zeros_like(classifier.weight, requires_grad=True)
    shift = torch.zeros_like(classifier.bias, requires_grad=True)
    transitions: list[torch.Tensor] = [parameter.requires_grad_(True) for parameter in crf.parameters()]
    before = [parameter.detach().clone() for parameter in transitions]
    num_words = states.row_weights @ states.mask.sum(dim=1).float()

    def loss() -> torch.Tensor:
        likelihood: torch.Tensor = (
            states.row_weights @ crf(emissions + scaled @ change.T + shift, states.tags, states.mask) / num_words
        )
        moved = squares([now - old for now, old in zip(transitions, before, strict=True)])
        return likelihood + how.tag_penalty * squares([change]) + how.transition_penalty * moved

    minimize(loss, [change, shift, *transitions], how.iterations)
    with torch.no_grad():
        weight = change / deviation
        classifier.weight.add_(weight)
        classifier.bias.add_(shift - weight @ middle)


@torch.no_grad()
def _means(model: HeadstartForJointNLU, rows: Sequence[EncodedRow]) -> torch.Tensor:
    """What the common bi-LSTM makes of the rows of one skill, (rows, width) float."""
    skill_id = rows[0]["skill_ids"]
    parts = [model.common_means(batch["input_ids"], batch["attention_mask"], skill_id) for batch in _batches(model, rows)]
    return torch.cat(parts).float()


def _batches(model: HeadstartForJointNLU, rows: Sequence[EncodedRow]) -> Iterator[dict[str, torch.Tensor]]:
    collator = JointNLUCollator(model.config.pad_token_id)
    for start in range(0, len(rows), BATCH_SIZE):
        yield {name: part.to(model.device) for name, part in collator(list(rows[start : start + BATCH_SIZE])).items()}


__all__ = ["Refit", "RowsToFit", "refit"]
