"""How unlike its own utterances a text is, measured for a skill once it is trained; see [`headstart.modeling.novelty_headstart`]."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import cast

import torch

from headstart.data.encoding import EncodedRow
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.labels_headstart import IGNORED
from headstart.modeling.novelty_headstart import Novelty
from headstart.training.collator import JointNLUCollator
from headstart.training.epochs import EpochRows

# Chosen on validation rows (benchmarks/none_of_these.py).
WEIGHT = 10.0  # what is added to the score of "none of these" between where the skill's own utterances lie and where out-of-scope ones do
MIDDLE = 0.5  # on this way, where nothing is added
LIMIT = 5.0  # of what is added, or taken away
SHRINKAGE = 1.0  # variance in all directions, in mean variances of one
FOLDS, MAX_ROWS, BATCH_SIZE = 5, 2000, 64


def fit_novelty(model: HeadstartForJointNLU, rows: EpochRows) -> None:
    """Measure, in place, what the skill's own utterances have in common, so that "none of these" can be told from how far a text is from them.

    Where a new utterance of the skill lies is seen by leaving out a fifth of the templates at a time, and where others lie by the out-of-scope
    utterances. Without those, or with a single template, nothing is added.

    Args:
        model: the network, trained on the skill.
        rows: what it was trained on, see [`headstart.training_rows`].
    """
    entry = model.entries[rows.skill_id]
    if "novelty" not in entry or not rows.out_of_scope:
        return
    novelty = cast(Novelty, model.novelties[entry["name"]])
    annotated = [number for number, row in enumerate(rows.own) if row["intent_labels"] != IGNORED]
    chosen = random.Random(rows.seed).sample(annotated, min(len(annotated), MAX_ROWS))
    if not chosen:
        return
    own, others = (_read(model, part) for part in ([rows.own[number] for number in chosen], rows.out_of_scope))
    intents = torch.tensor([rows.own[number]["intent_labels"] for number in chosen])
    empty = Novelty(own.shape[1], len(entry["intents"]), entry["novelty"])
    if measure_novelty(empty, own, intents, [rows.templates[number].pattern for number in chosen], others):
        novelty.load_state_dict(empty.state_dict())


def measure_novelty(
    novelty: Novelty, own: torch.Tensor, intents: torch.Tensor, templates: Sequence[str], others: torch.Tensor
) -> bool:
    """Fit [`Novelty`] to states; see [`fit_novelty`].

    Args:
        novelty: is fitted, on the CPU.
        own: (rows, width) float, states of the skill's own utterances.
        intents: (rows,) long, their intents.
        templates: their templates.
        others: (texts, width) float, states of out-of-scope utterances.

    Returns:
        whether there was enough to fit it to, and others are further away.
    """
    folds = _folds(templates)
    if len(folds) < 2 or not len(others):
        return False
    held_out = []
    for fold in folds:
        is_kept = torch.ones(len(own), dtype=torch.bool)
        is_kept[fold] = False
        held_out.append(_measure(novelty, own[is_kept], intents[is_kept]).distances(own[fold]))
    near = float(torch.cat(held_out).median())
    far = float(_measure(novelty, own, intents).distances(others).median())
    if far <= near:
        return False
    novelty.weigh(WEIGHT / (far - near), near + MIDDLE * (far - near), LIMIT)
    return True


def _folds(templates: Sequence[str]) -> list[list[int]]:
    """Numbers of the rows that are left out together: those of one template are, and every fifth template."""
    number_of = {template: number for number, template in enumerate(dict.fromkeys(templates))}
    folds: list[list[int]] = [[] for _ in range(min(FOLDS, len(number_of)))]
    for place, template in enumerate(templates):
        folds[number_of[template] % len(folds)].append(place)
    return folds


def _measure(novelty: Novelty, states: torch.Tensor, intents: torch.Tensor) -> Novelty:
    """Distances from these intents, an intent without rows being nowhere.

    Args:
        novelty: is filled, and returned.
        states: (rows, width) float.
        intents: (rows,) long.
    """
    present = intents.unique()
    means = torch.stack([states[intents == intent].mean(dim=0) for intent in present])
    # What an intent without rows gets is the mean of another one: the nearest is never it alone.
    all_means = means[:1].repeat(len(novelty.means), 1)
    all_means[present] = means
    apart = states - all_means[intents]
    freedom = max(len(apart) - len(present), 1)
    _, values, directions = torch.linalg.svd(apart / freedom**0.5, full_matrices=False)
    variances = values.square()
    # Where every intent has one row, all directions are alike.
    shrinkage = SHRINKAGE * float(variances.sum()) / states.shape[1] or 1.0
    kept = len(novelty.shares)
    novelty.fill(all_means, directions[:kept], (variances / (variances + shrinkage))[:kept])
    return novelty


@torch.no_grad()
def _read(model: HeadstartForJointNLU, rows: Sequence[EncodedRow]) -> torch.Tensor:
    """What the common bi-LSTM makes of the rows of one skill, (rows, width) float, on the CPU."""
    collator = JointNLUCollator(model.config.pad_token_id)
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(rows), BATCH_SIZE):
        batch = collator(list(rows[start : start + BATCH_SIZE]))
        parts.append(
            model.common_means(
                batch["input_ids"].to(model.device), batch["attention_mask"].to(model.device), rows[0]["skill_ids"]
            )
        )
    model.train(was_training)
    return torch.cat(parts).float().cpu()


__all__ = ["fit_novelty", "measure_novelty"]
