"""Slot labels that an intent was never seen with are less probable where it is found."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill
from headstart.data.rows import rows_to_dataset
from headstart.loading import load_pipeline
from headstart.modeling.entries_headstart import check_skill_entry
from headstart.modeling.labels_headstart import seen_slots
from headstart.modeling.layers_headstart import slot_label_priors

ENTRY = {"name": "a", "task_layers": "a", "intents": ["Add"], "slots": ["item"]}


def row(text: str, intent: str, value: str, label: str) -> dict[str, object]:
    start = text.index(value)
    return {"text": text, "intent": intent, "slots": [{"start": start, "end": start + len(value), "label": label}]}


@pytest.fixture
def skill() -> Skill:
    rows = [row("add apple to the list", "Add", "apple", "item"), row("call apple", "Call", "apple", "company")]
    return Skill("office", rows_to_dataset(rows), catalogs={"never_seen": ["apple"]})


def answer(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, text: str) -> list[str]:
    return [slot["label"] for slot in NLUPipeline(model=model, tokenizer=tokenizer)(text)["slots"]]


def prefer(model: HeadstartForJointNLU, intent: int, slot: int, margin: float) -> None:
    """Make the model sure of an intent, and let it find one slot a little better than all others everywhere."""
    classifiers = model.classifiers["office"]
    for parameter in classifiers.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        classifiers.intent_classifier.bias[intent] = 20
        classifiers.slot_classifier.bias[1::2] = 1
        classifiers.slot_classifier.bias[1 + 2 * slot] += margin


def test_a_label_of_other_intents_needs_more_evidence(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, skill: Skill
) -> None:
    assert skill.label_priors() == {"Add": ["item"], "Call": ["company"]}
    assert skill.slots == ["company", "item", "never_seen"]
    model.add_skill(skill, catalogs={}, rejects=False)
    for name in ("travel", "bank", "tables"):
        model.delete_skill(name)
    model.eval()
    add, company, never_seen = skill.intents.index("Add"), skill.slots.index("company"), skill.slots.index("never_seen")
    prefer(model, add, company, 1.0)
    assert "company" not in answer(model, tokenizer, "apple")
    prefer(model, add, company, 9.0)
    assert "company" in answer(model, tokenizer, "apple")
    prefer(model, add, never_seen, 1.0)  # no intent was seen with it: nothing is known
    assert "never_seen" in answer(model, tokenizer, "apple")
    prefer(model, skill.intents.index("Call"), company, 1.0)
    assert "company" in answer(model, tokenizer, "apple")


def test_an_uncertain_intent_says_nothing() -> None:
    priors = {"a": ["of_a", "of_all"], "b": ["of_all"], "c": ["of_all"]}
    table = torch.tensor(seen_slots(["a", "b", "c"], ["of_a", "of_all", "of_none"], priors))
    scores = torch.tensor([[0.0, 0, 0], [20, 0, 0], [0, 20, 0]])
    uncertain, sure_of_a, sure_of_b = slot_label_priors(scores, table).squeeze(1)
    assert uncertain.abs().max() < 1e-6 and sure_of_a.abs().max() < 1e-6
    assert sure_of_b.tolist() == pytest.approx([0, math.log(0.02), math.log(0.02), 0, 0, 0, 0], abs=1e-5)


def test_it_survives_saving(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, skill: Skill, tmp_path: Path
) -> None:
    model.add_skill(skill, catalogs={}, rejects=False)
    NLUPipeline(model=model, tokenizer=tokenizer).save_pretrained(tmp_path)
    assert load_pipeline(tmp_path).model.skill("office")["label_priors"] == {"Add": ["item"], "Call": ["company"]}


def test_malformed_entries_are_refused() -> None:
    with pytest.raises(ValueError, match="'colour', which is none of its slots"):
        check_skill_entry({**ENTRY, "label_priors": {"Add": ["colour"]}})
    for found in ({"Sing": ["item"]}, {"Add": None}):
        with pytest.raises(ValueError, match="by intent"):
            check_skill_entry({**ENTRY, "label_priors": found})


def test_several_skills_in_one_batch(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, skill: Skill) -> None:
    texts = ["call apple", "add apple to the list", "apple"]
    model.add_skill(skill, catalogs={}, rejects=True)
    model.eval()
    batch = tokenizer(texts, padding=True, return_tensors="pt")

    def decode(names: list[str], rows: slice) -> list[list[int]]:
        ids, mask, skills = batch["input_ids"][rows], batch["attention_mask"][rows], model.skill_ids(names)
        return model.decode(model(ids, mask, skill_ids=skills), ids, mask, skills).tags.tolist()

    together = decode(["office", "travel", "office"], slice(0, 3))
    for row, name in enumerate(("office", "travel", "office")):
        assert together[row] == decode([name], slice(row, row + 1))[0] + [-100] * (len(together[row]) - len(texts[row].split()))
