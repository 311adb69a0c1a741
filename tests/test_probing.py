"""Classifiers fitted to a base's states before it is tuned."""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, Skill
from headstart.features import JointNLUCollator
from headstart.gazetteers import tokenize_catalogs
from headstart.probing import fit_classifiers, rows_to_fit
from headstart.refilling import EpochRows


def test_only_the_classifiers_change_and_they_fit(
    coffee: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    model.add_skill(coffee, catalogs=tokenize_catalogs(coffee.catalogs, tokenizer), rejects=True)
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    rows = EpochRows(coffee, tokenizer, model.skill(), background=["it rains in rome"], background_share=0.1).encoded
    batch = JointNLUCollator()(rows)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss = model(**batch).loss
    fit_classifiers(model, rows, steps=100)
    assert not model.training and model(**batch).loss < 0.7 * loss
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) == (not name.startswith("classifiers.")), name


def test_fitting_is_reproducible(coffee: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase) -> None:
    model.add_skill(coffee)
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    rows = EpochRows(coffee, tokenizer, model.skill()).encoded
    start = {name: value.clone() for name, value in model.state_dict().items()}
    found: list[Any] = []
    for _ in range(2):
        model.load_state_dict(start)
        torch.manual_seed(5)
        fit_classifiers(model, rows, steps=5, seed=1)
        found.append(model.classifiers[coffee.name].intent_classifier.weight.clone())
    assert torch.equal(*found)


def test_rows_of_several_epochs_are_fitted_if_they_differ(coffee: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    entry = {"name": "coffee", "intents": coffee.intents, "slots": coffee.slots}
    size = len(coffee.train)
    assert len(rows_to_fit(EpochRows(coffee, tokenizer, entry), 3 * size)) == size
    refilled = EpochRows(coffee, tokenizer, entry, refill=0.5)
    rows = rows_to_fit(refilled, 3 * size)
    assert len(rows) == 3 * size and rows[:size] != rows[size : 2 * size]
    assert refilled.encoded == EpochRows(coffee, tokenizer, entry, refill=0.5).encoded  # back at the first epoch
