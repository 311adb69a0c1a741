"""The temperature of slots' probabilities: it makes them less sure, and changes nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import headstart
from headstart import NLUPipeline, Skill, finetune
from headstart.data.rows import Row
from headstart.finetuning import slot_scores
from headstart.finetuning.slot_scores import GRID, default_temperature, set_slot_temperature
from headstart.loading import load_pipeline
from headstart.modeling.crf_headstart import ChainCRF, FactoredCRF, LinearChainCRF
from headstart.modeling.entries_headstart import check_skill_entry, read_entry
from headstart.onnx import OnnxNLU

TEXTS = ["make me a large latte with oat milk", "two cups of strong coffee please", "brew", "is there any water in the tank"]


@pytest.fixture(scope="module")
def trained(coffee: Skill, tmp_path_factory: pytest.TempPathFactory) -> NLUPipeline:
    """Trained without validation rows."""
    folder = tmp_path_factory.mktemp("trained") / "out"
    return finetune(coffee.replace(validation=None), folder, seed=0, max_steps=30, disable_tqdm=True)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**16), st.sampled_from([1.0, 30.0]), st.floats(1, 8), st.integers(1, 3), st.sampled_from([LinearChainCRF, FactoredCRF])
)  # fmt: skip
def test_all_scores_are_divided_and_the_best_path_stays(
    seed: int, scale: float, temperature: float, num_slots: int, kind: type[ChainCRF]
) -> None:
    torch.manual_seed(seed)
    field = kind(num_slots).double()
    for parameter in field.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    emissions, mask = torch.randn(2, 5, 1 + 2 * num_slots).double() * scale, torch.ones(2, 5, dtype=torch.bool)
    divided = copy.deepcopy(field)
    for parameter in divided.parameters():
        parameter.data /= temperature
    tags, certain = field.decode_scored(emissions, mask, temperature)
    assert torch.equal(tags, field.decode(emissions, mask))
    wanted = divided.marginals(emissions / temperature, mask).gather(2, tags.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(certain, wanted, atol=1e-8, rtol=1e-6)


def test_a_skill_without_validation_rows_has_the_default_for_its_rows(trained: NLUPipeline, coffee: Skill) -> None:
    assert trained.model.skill()["slot_temperature"] == default_temperature(coffee.rows("train"))


def test_the_more_spans_a_label_has_the_lower_is_the_default() -> None:
    row: Row = {"text": "a latte", "intent": "Order", "slots": [{"start": 2, "end": 7, "label": "drink"}]}
    found = [default_temperature([row] * number) for number in (1, 3, 20, 100, 10000)]
    assert found == sorted(found, reverse=True) and found[0] == found[1] > found[2] > found[3] > found[4] >= 1
    other: Row = {**row, "slots": [{"start": 2, "end": 7, "label": "name"}]}
    assert default_temperature([row, other] * 10) == default_temperature([row] * 10)


def test_which_slots_are_found_does_not_depend_on_it(trained: NLUPipeline) -> None:
    entry = trained.model.skill()
    own, answers = entry["slot_temperature"], {}
    for temperature in (1.0, 2.0):
        entry["slot_temperature"] = temperature
        answers[temperature] = trained(TEXTS, reject_threshold=1)
    entry["slot_temperature"] = own
    sure, less = ([slot for answer in answers[temperature] for slot in answer["slots"]] for temperature in (1.0, 2.0))
    assert sure and [{**slot, "score": 0} for slot in sure] == [{**slot, "score": 0} for slot in less]
    assert sum(slot["score"] for slot in less) < sum(slot["score"] for slot in sure) - 0.05


def test_checkpoints_heads_and_exported_skills_keep_it(trained: NLUPipeline, coffee: Skill, tmp_path: Path) -> None:
    wanted = trained(TEXTS)
    trained.save_pretrained(tmp_path / "saved")
    assert load_pipeline(tmp_path / "saved")(TEXTS) == wanted
    headstart.export(trained, tmp_path / "exported")
    for found, answer in zip(OnnxNLU(tmp_path / "exported")(TEXTS), wanted, strict=True):
        assert [slot["score"] for slot in found["slots"]] == pytest.approx([slot["score"] for slot in answer["slots"]], abs=1e-4)
    head = finetune(coffee.replace(validation=None), tmp_path / "head", tune="head", max_steps=2, disable_tqdm=True)
    assert head.model.skill(coffee.name)["slot_temperature"] == trained.model.skill()["slot_temperature"]
    assert load_pipeline(tmp_path / "head")(TEXTS, skill=coffee.name) == head(TEXTS, skill=coffee.name)


@pytest.mark.parametrize(("sure_and_right", "wanted"), [(0.98, GRID[0]), (0.6, GRID[-1])])
def test_held_out_rows_choose_it(
    trained: NLUPipeline, coffee: Skill, sure_and_right: float, wanted: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sure at 1 as it is right, it stays there; far less often right, it becomes less sure."""
    scores = {temperature: 1 / (1 + (1 / 0.98 - 1) ** (1 / temperature)) for temperature in GRID}
    entry = trained.model.skill()
    own = entry["slot_temperature"]

    def find(nlu: NLUPipeline, rows: Any) -> Any:
        is_right = np.arange(1000) < 1000 * sure_and_right
        return slot_scores._Found(np.full(1000, scores[entry["slot_temperature"]]), is_right)

    monkeypatch.setattr(slot_scores, "_find", find)
    assert set_slot_temperature(trained, coffee.rows("train"), []) == wanted == entry["slot_temperature"]
    entry["slot_temperature"] = own


def test_few_held_out_slots_choose_nothing(trained: NLUPipeline, coffee: Skill) -> None:
    rows = coffee.rows("train")
    assert set_slot_temperature(trained, rows[:5], rows) == default_temperature(rows)


def test_a_skill_without_slots_has_none(tiny_base: Path, tmp_path: Path) -> None:
    skill = Skill("two", [{"text": "go", "intent": "Go", "slots": []}, {"text": "stop", "intent": "Stop", "slots": []}])
    nlu = finetune(skill, tmp_path / "out", base=tiny_base, max_steps=2, disable_tqdm=True)
    assert "slot_temperature" not in nlu.model.skill()


@pytest.mark.parametrize(("change", "message"), [
    ({"slot_temperature": 0.5}, "slot_temperature of skill 'a' is 0.5; it must be a number from 1 to"),
    ({"slot_temperature": True}, "slot_temperature of skill 'a' is True"),
    ({"slot_temperature": float("nan")}, "slot_temperature of skill 'a' is nan"),
    ({"slot_temperature": 2, "slots": []}, "has slot_temperature, which only a skill with slots has"),
])  # fmt: skip
def test_entries_that_say_nonsense_are_refused(change: dict[str, Any], message: str) -> None:
    entry = {"name": "a", "intents": ["x"], "slots": ["y"], **change}
    with pytest.raises(ValueError, match=message):
        check_skill_entry(read_entry(entry))
