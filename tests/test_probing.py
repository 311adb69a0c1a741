"""Classifiers fitted to a base's states before it is tuned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, evaluate, finetune
from headstart.data.rows import rows_to_dataset
from headstart.finetuning.probing import INTENT_CONFIDENCE, INTENT_PENALTY, LEAST_DEVIATION, fit_classifiers, rows_to_fit
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.training.collator import JointNLUCollator
from headstart.training.epochs import EpochRows


def test_only_the_classifiers_change_and_they_fit(
    coffee: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    model.add_skill(coffee, catalogs=tokenize_catalogs(coffee.catalogs, tokenizer), rejects=True)
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    rows = EpochRows(coffee, tokenizer, model.skill(), out_of_scope=["it rains in rome"], out_of_scope_share=0.1).encoded
    batch = JointNLUCollator()(rows)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss = model(**batch).loss
    fit_classifiers(model, rows)
    assert not model.training and model(**batch).loss < 0.9 * loss
    for name, value in model.state_dict().items():
        is_fitted = "_classifier." in name or "_scores" in name or ".transitions" in name
        assert torch.equal(value, before[name]) != is_fitted, name


def test_it_is_logistic_regression(
    coffee: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.finetuning.probing.ITERATIONS", 500)  # to its end; 15 come near
    model.add_skill(coffee, catalogs={}, rejects=False)
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    rows = EpochRows(coffee, tokenizer, model.skill()).encoded
    batch = JointNLUCollator()(rows)
    states = model(batch["input_ids"], batch["attention_mask"]).intent_states.detach().numpy()
    scaled = (states - states.mean(axis=0)) / (states.std(axis=0) + LEAST_DEVIATION)
    # scikit-learn's penalty is |W|^2 / (2 C) beside the sum of the losses, ours stands beside their mean.
    expected = LogisticRegression(C=1 / (2 * INTENT_PENALTY * len(rows)), tol=1e-8, max_iter=5000)
    expected.fit(scaled, batch["intent_labels"].numpy())
    fit_classifiers(model, rows)
    with torch.no_grad():
        found = model(batch["input_ids"], batch["attention_mask"]).intent_logits.div(INTENT_CONFIDENCE).softmax(dim=1)
    assert np.allclose(found, expected.predict_proba(scaled), atol=0.01)


def test_matches_alone_can_tell_labels_apart(
    coffee: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Values that no training row holds are tagged for standing in a catalog."""
    rows = [
        {"text": f"i would like {value} now", "intent": "Order", "slots": [{"start": 13, "end": 13 + len(value), "label": label}]}
        for label, values in {"drink": ("latte", "mocha", "espresso"), "size": ("small", "large", "double")}.items()
        for value in values
    ]
    new = [{**row, "text": row["text"].replace("latte", "decaf").replace("small", "giant")} for row in (rows[0], rows[3])]
    catalogs = {"drink": ["latte", "mocha", "espresso", "decaf"], "size": ["small", "large", "double", "giant"]}
    skill = Skill("order", rows_to_dataset(rows), catalogs=catalogs)
    model.add_skill(skill, catalogs=tokenize_catalogs(catalogs, tokenizer))
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    fit_classifiers(model.eval(), EpochRows(skill, tokenizer, model.skill()).encoded)
    answers = NLUPipeline(model=model, tokenizer=tokenizer)([row["text"] for row in new])
    assert [answer["slots"][0]["label"] for answer in answers] == ["drink", "size"]


def test_rows_of_several_epochs_are_fitted_if_they_differ(coffee: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    entry = {"name": "coffee", "intents": coffee.intents, "slots": coffee.slots}
    size = len(coffee.train)
    assert len(rows_to_fit(EpochRows(coffee, tokenizer, entry))) == size
    refilled = EpochRows(coffee, tokenizer, entry, refill=0.5)
    rows = rows_to_fit(refilled)
    assert 128 <= len(rows) < 128 + size and rows[:size] != rows[size : 2 * size]
    assert refilled.encoded == EpochRows(coffee, tokenizer, entry, refill=0.5).encoded  # back at the first epoch


def test_fine_tuning_starts_with_fitted_classifiers(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    options = {
        "base": str(tiny_base),
        "max_steps": 1,
        "learning_rate": 1e-9,
        "rejection": False,
        "disable_tqdm": True,
        "use_cpu": True,
    }
    accuracy = [
        evaluate(finetune(coffee, tmp_path / str(probe), probe=probe, **options), coffee.train)["intent_accuracy"]
        for probe in (False, True)
    ]
    assert accuracy[1] > accuracy[0] + 0.1
