"""Bases that are none, results in the place of others, and what becomes of what lay there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reliability.strangers import LAMP, OPTIONS, TEXTS, Made, copy, found, open_nlu, refused, right, snapshot, warned
from transformers import pipeline

import headstart
from headstart.loading import load_pipeline
from headstart.report.options import ReportOptions
from headstart.report.transfer_report import make_report

pytestmark = pytest.mark.usefixtures("limited")


# What is given as a base.


def without_tokenizer(made: Made, place: Path) -> Path:
    (copy(made.base, place) / "tokenizer.json").unlink()
    return place


def a_file(made: Made, place: Path) -> Path:
    place.write_text("{}", encoding="utf-8")
    return place


def empty(made: Made, place: Path) -> Path:
    place.mkdir()
    return place


def two_heads(made: Made, place: Path) -> Path:
    for name in ("lamp", "pizza"):
        copy(made.head(name), place / name)
    return place


BASES: dict[str, tuple[Callable[[Made, Path], Any], str]] = {
    "a head": (lambda made, place: made.head("pizza"), "holds a head"),
    "an export": (lambda made, place: made.onnx("pizza"), "holds an exported skill"),
    "rows": (lambda made, place: made.skill("pizza"), "holds no model"),
    "heads": (two_heads, "holds heads in folders"),
    "a file": (a_file, "folder"),
    "an empty folder": (empty, "holds no model"),
    "nothing": (lambda made, place: "runs/lampp", "there is no folder"),
    "no whole one": (without_tokenizer, "lacks tokenizer.json"),
}
USES: dict[str, Callable[[Made, Path, str], Any]] = {
    "finetune": lambda made, out, base: headstart.finetune(made.skill("lamp"), out, base=base, **OPTIONS),
    "predict": lambda made, out, base: load_pipeline(made.head("lamp"), base=base),
    "report": lambda made, out, base: make_report(ReportOptions(made.skill("lamp"), out, base=base)),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("given", BASES)
def test_what_is_no_base_is_named_in_one_line(made: Made, tmp_path: Path, given: str, use: str) -> None:
    make_it, said = BASES[given]
    base = str(make_it(made, tmp_path / "base"))
    message = refused(lambda: USES[use](made, tmp_path / "out", base), base, said)
    assert "\n" not in message
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("given", ["rows", "an empty folder", "nothing", "no whole one"])
def test_what_is_no_model_is_named_in_one_line(made: Made, tmp_path: Path, given: str) -> None:
    make_it, said = BASES[given]
    model = str(make_it(made, tmp_path / "model"))
    for call in (
        lambda: load_pipeline(model),
        lambda: headstart.evaluate(model, LAMP),
        lambda: headstart.export(model, tmp_path / "o"),
    ):
        assert "\n" not in refused(call, model, said)


def test_heads_that_are_nowhere_are_named(made: Made) -> None:
    assert "\n" not in refused(lambda: open_nlu(made.base).model.load_skill("heads/lampp"), "heads/lampp", "there is no folder")


# What lay where a network or a head is saved.


FIGURES = {"metrics.json", "run.json"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("whole", [True, False], ids=["pipeline", "network"])
def test_a_network_saved_in_the_place_of_another_skill_leaves_no_figure_or_card_of_it(
    made: Made, tmp_path: Path, whole: bool
) -> None:
    out, nlu = copy(made.run("pizza"), tmp_path / "out"), open_nlu(made.run("lamp"))
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (nlu if whole else nlu.model).save_pretrained(out)
    assert found(open_nlu(out)(TEXTS["lamp"])) == right("lamp")
    assert not names(out) & {*FIGURES, "README.md"} and "notes.txt" in names(out)


def test_a_network_saved_in_its_own_place_keeps_them(made: Made, tmp_path: Path) -> None:
    out = copy(made.run("lamp"), tmp_path / "out")
    before = snapshot(out)
    open_nlu(out).save_pretrained(out)
    assert {name: snapshot(out)[name] for name in (*FIGURES, "README.md")} == {
        name: before[name] for name in (*FIGURES, "README.md")
    }


def test_other_weights_of_the_same_skill_leave_its_card_and_no_figures(made: Made, tmp_path: Path) -> None:
    """A card may have been written by hand; figures are of weights."""
    out, head = copy(made.run("lamp"), tmp_path / "out"), copy(made.head("lamp"), tmp_path / "head")
    open_nlu(made.run("lamp7")).save_pretrained(out)
    nlu = open_nlu(made.base)
    nlu.model.load_skill(head)
    nlu.model.save_skill("lamp", head)
    assert names(head) >= FIGURES
    nlu.model.classifiers["lamp"].intent_classifier.bias.data += 1
    nlu.model.save_skill("lamp", head)
    for folder in (out, head):
        assert "README.md" in names(folder) and not names(folder) & FIGURES


def test_a_network_saved_beside_the_tokenizer_of_another_says_so(
    made: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlu = open_nlu(made.run("lamp"))
    nlu.model.save_pretrained(copy(made.run("pizza"), tmp_path / "same"))
    assert not warned(caplog)
    nlu.model.save_pretrained(copy(made.run("lamp_reworded"), tmp_path / "other"))
    assert "tokenizer.json there is not the one" in warned(caplog)
    nlu.save_pretrained(tmp_path / "other")
    assert found(open_nlu(tmp_path / "other")(TEXTS["lamp"])) == right("lamp")


def test_a_readme_in_a_folder_without_a_model_stays(made: Made, tmp_path: Path) -> None:
    for folder in (tmp_path / "run", tmp_path / "head"):
        folder.mkdir()
        (folder / "README.md").write_text("mine", encoding="utf-8")
    nlu = open_nlu(made.base)
    nlu.save_pretrained(tmp_path / "run")
    nlu.model.load_skill(made.head("lamp"))
    nlu.model.save_skill("lamp", tmp_path / "head")
    assert all((tmp_path / name / "README.md").read_text(encoding="utf-8") == "mine" for name in ("run", "head"))


# What a file is in whose place a skill is written.


OTHERS = {
    "package.json": '{"name": "my app", "dependencies": {}}',
    "broken.json": '{"interactionModel": ',
    "log.jsonl": '{"time": 1, "message": "started"}\n',
    "rows.jsonl": '{"text": "hi", "intent": "Greet", "slots": []}\n{"text": \n',
    "compose.yml": "services:\n  web:\n    image: web\n",
    "domain.yaml": "intents:\n- greet\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_is_no_such_skill_is_not_written_over(made: Made, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    out.write_text(OTHERS[name], encoding="utf-8")
    refused(lambda: headstart.convert(made.skill("lamp"), out), name, "delete it")
    assert out.read_text(encoding="utf-8") == OTHERS[name]


@pytest.mark.parametrize("name", ["en-US.json", "nlu.yml", "rows.jsonl"])
def test_an_earlier_skill_or_an_empty_file_is_written_over(made: Made, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    out.touch()
    for skill in ("pizza", "lamp"):
        headstart.convert(made.skill(skill), out)
    assert headstart.load_skill(out).intents == ["AskLamp", "TurnLamp"]


# What an open network answers from.


@pytest.mark.parametrize("load", [headstart.HeadstartModel.from_pretrained, headstart.HeadstartForJointNLU.from_pretrained])
def test_weights_do_not_follow_their_file(made: Made, tmp_path: Path, load: Callable[[Path], Any]) -> None:
    folder = copy(made.base, tmp_path / "base")
    model = load(folder)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with (folder / "model.safetensors").open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size // 8)
        file.write(bytes(size - size // 8))
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())


def test_a_network_in_training_answers_nothing_and_stays_in_training(made: Made) -> None:
    nlu = pipeline("joint-nlu", model=str(made.run("lamp")))
    nlu.model.train()
    for texts in ("turn on the red lamp", TEXTS["lamp"]):
        refused(lambda texts=texts: nlu(texts), "in training", "model.eval()")
    assert nlu.model.training
    nlu.model.eval()
    assert found(nlu(TEXTS["lamp"])) == right("lamp")


def test_a_folder_of_a_head_has_the_name_of_its_skill(made: Made, tmp_path: Path) -> None:
    copy(made.head("lamp"), tmp_path / "heads" / "kitchen")
    nlu = open_nlu(made.base)
    refused(lambda: nlu.model.load_skill(tmp_path / "heads", "kitchen"), "'kitchen'", "'lamp'", "as_name")
    assert nlu.model.load_skill(tmp_path / "heads" / "kitchen", as_name="kitchen") == "kitchen"
    assert found(nlu(TEXTS["lamp"], skill="kitchen")) == right("lamp")
