"""What a trained skill is taught: it answers so, keeps what it knew, and forgets it again to the bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from headstart import DataError, Skill, finetune
from headstart.cli import main
from headstart.finetuning.learning import count_right
from headstart.loading import load_pipeline

NEW = [
    {"text": "water the plant on the desk", "intent": "WaterPlant", "slots": {"place": "desk"}},
    {"text": "give the fern on the shelf some water", "intent": "WaterPlant", "slots": {"place": "shelf"}},
    {"text": "the plant by the window is thirsty", "intent": "WaterPlant", "slots": {"place": "window"}},
    {"text": "water all plants", "intent": "WaterPlant", "slots": {}},
    {"text": "please water the flowers in the hall", "intent": "WaterPlant", "slots": {"place": "hall"}},
]


@pytest.fixture(scope="module")
def folder(coffee: Skill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded base, fine-tuned."""
    folder = tmp_path_factory.mktemp("learning") / "coffee"
    finetune(coffee, folder, seed=0, max_steps=60, disable_tqdm=True, quiet=True)
    return folder


@pytest.fixture
def nlu(folder: Path) -> Any:
    return load_pipeline(folder)


def weights(nlu: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in nlu.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_new_intent_is_learnt_and_what_was_known_stays(nlu: Any, coffee: Skill) -> None:
    rows = coffee.rows("train")
    before = count_right(nlu, rows, "coffee_machine")
    found = nlu.learn(NEW, skill_rows=coffee)
    assert found.new_intents == ["WaterPlant"] and found.new_slots == ["place"]
    assert found.right == found.rows == len(NEW)
    answer = nlu("water the roses on the balcony")
    assert answer["intent"]["label"] == "WaterPlant"
    assert [slot["value"] for slot in answer["slots"]] == ["balcony"]
    assert count_right(nlu, rows, "coffee_machine") >= before - 1
    assert nlu("what is the capital of france")["intent"]["label"] != "WaterPlant"


def test_it_is_taken_back_to_the_bit(nlu: Any, coffee: Skill) -> None:
    before, entry = weights(nlu), dict(nlu.model.skill())
    nlu.learn(NEW, skill_rows=coffee)
    assert not same(weights(nlu), before)
    found = nlu.unlearn()
    assert found.rows == 0
    assert same(weights(nlu), before) and nlu.model.skill() == entry
    with pytest.raises(ValueError, match="was taught 0 times"):
        nlu.unlearn()


def test_one_call_or_several_are_the_same(nlu: Any, folder: Path, coffee: Skill) -> None:
    nlu.learn(NEW, skill_rows=coffee)
    again = load_pipeline(folder)
    again.learn(NEW[:2], skill_rows=coffee)
    again.learn(NEW[2:])
    assert same(weights(nlu), weights(again))
    again.unlearn(1)
    third = load_pipeline(folder)
    third.learn(NEW[:2], skill_rows=coffee)
    assert same(weights(third), weights(again))


def test_a_correction_of_one_text_is_learnt(nlu: Any, coffee: Skill) -> None:
    text = "i could do with something hot"
    for intent in (intent for intent in coffee.intents if intent != nlu(text)["intent"]["label"]):
        nlu.learn(text, intent, {}, skill_rows=coffee)
        answer = nlu(text)
        assert answer["intent"]["label"] == intent and not answer["slots"]
        nlu.unlearn()


def test_an_intent_alone_says_nothing_of_slots(nlu: Any, coffee: Skill) -> None:
    text = "prepare two espressos"
    slots = nlu(text)["slots"]
    nlu.learn(text, "DescaleMachine" if "DescaleMachine" in coffee.intents else coffee.intents[-1], skill_rows=coffee)
    assert slots and {slot["label"] for slot in slots} <= {slot["label"] for slot in nlu(text)["slots"]}
    nlu.learn(text, coffee.intents[-1], {})  # that it has none is another thing to say
    assert nlu(text)["slots"] == []


def test_requests_that_are_being_answered_keep_their_skill(nlu: Any, coffee: Skill) -> None:
    taken = nlu.model.skill_set()
    classifiers = taken.classifiers(0)
    kept = {name: tensor.clone() for name, tensor in classifiers.state_dict().items()}
    nlu.learn(NEW, skill_rows=coffee)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in classifiers.state_dict().items())
    assert nlu.model.skill_set().classifiers(0) is not classifiers


def test_without_rows_it_learns_and_says_what_is_missing(nlu: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert nlu.learn(NEW).right == len(NEW)
    assert "without the rows that it was trained on" in caplog.text


@pytest.mark.parametrize(
    ("lesson", "message"),
    [
        (("stop it",), "neither intent nor slots"),
        (("stop it", "Stop", {"room": "kitchen"}), "kitchen"),
        (([],), "no row to learn"),
        (([{"intent": "Stop"}],), "allowed: an object with text"),
    ],
)
def test_what_is_no_row_is_refused(nlu: Any, lesson: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        nlu.learn(*lesson)


def test_a_folder_is_taught_and_undone_by_commands(
    folder: Path, coffee: Skill, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, rows = tmp_path / "model", tmp_path / "new.jsonl"
    shutil.copytree(folder, model)
    rows.write_text("".join(json.dumps(row) + "\n" for row in NEW), encoding="utf-8")
    before = (model / "model.safetensors").read_bytes()
    trained_on = str(Path(__file__).parent.parent / "examples" / "coffee_machine")
    assert main(["learn", str(model), "--rows", str(rows), "--trained_on", trained_on]) == 0
    assert json.loads(capsys.readouterr().out)["new_intents"] == ["WaterPlant"]
    taught = (model / "model.safetensors").read_bytes()
    assert main(["learn", str(model), "--text", "sprinkle my cactus", "--intent", "WaterPlant", "--trained_on", trained_on]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == len(NEW) + 1
    assert load_pipeline(model)("sprinkle my cactus")["intent"]["label"] == "WaterPlant"
    assert (model / "metrics.json").exists()
    assert main(["learn", str(model), "--undo", "1", "--trained_on", trained_on]) == 0
    assert (model / "model.safetensors").read_bytes() == taught
    assert main(["learn", str(model), "--undo"]) == 0
    assert (model / "model.safetensors").read_bytes() == before
    assert not (model / "learned.json").exists()
    assert main(["learn", str(model), "--undo"]) == 2


def test_lessons_of_another_model_are_refused(folder: Path, coffee: Skill, tmp_path: Path) -> None:
    from headstart.finetuning.lessons import change_folder

    model = tmp_path / "model"
    load_pipeline(folder).save_pretrained(model)
    change_folder(model, lambda nlu: nlu.learn(NEW, skill_rows=coffee))
    load_pipeline(folder).save_pretrained(model)  # trained anew, as it were
    with pytest.raises(ValueError, match="another model than the one that was taught"):
        change_folder(model, lambda nlu: nlu.unlearn())


@pytest.mark.slow
def test_a_head_is_found_by_its_new_intent(coffee: Skill, tmp_path: Path) -> None:
    head = tmp_path / "heads" / "coffee"
    finetune(coffee, head, tune="head", seed=0, max_steps=60, disable_tqdm=True, quiet=True)
    other = Skill(
        "lamp",
        train=[{"text": "turn on the lamp", "intent": "On", "slots": []}, {"text": "lamp off", "intent": "Off", "slots": []}],
    )
    finetune(other, tmp_path / "heads" / "lamp", tune="head", seed=0, max_steps=30, disable_tqdm=True, quiet=True)
    nlu: Any = load_pipeline(tmp_path / "heads")
    nlu.learn(NEW, skill="coffee_machine", skill_rows=coffee)
    answer = nlu("please water the plant by the window")
    assert (answer["skill"], answer["intent"]["label"]) == ("coffee_machine", "WaterPlant")
    assert nlu("turn on the lamp")["skill"] == "lamp"
