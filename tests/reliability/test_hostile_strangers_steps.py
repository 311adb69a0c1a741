"""What is changed between one step and the next: files edited, moved, replaced or cut, a base trained anew, two runs in one folder."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from reliability.strangers import (
    CATALOGS,
    LAMP,
    OPTIONS,
    PIZZA,
    TEXTS,
    Made,
    command,
    command_refused,
    copy,
    found,
    open_nlu,
    refused,
    refused_or,
    relabelled,
    right,
    row,
    snapshot,
    warned,
    write_rows,
)

import headstart
from headstart.onnx import OnnxNLU

pytestmark = pytest.mark.usefixtures("limited")

STEPS = OPTIONS | {"max_steps": 4, "save_strategy": "steps", "save_steps": 2}


class PowerCut(Exception):
    """None that a test takes for a refusal."""


def cut_after(step: int, skill: Path, out: Path, **options: Any) -> None:
    """Train until a checkpoint is written, and no further."""
    from transformers.trainer_callback import CallbackHandler

    real = CallbackHandler.on_save

    def stop(handler: Any, arguments: Any, state: Any, control: Any) -> Any:
        control = real(handler, arguments, state, control)
        if state.global_step >= step:
            raise PowerCut
        return control

    with mock.patch.object(CallbackHandler, "on_save", stop), pytest.raises(PowerCut):
        headstart.finetune(skill, out, **STEPS | options)


@pytest.fixture(scope="module")
def interrupted(made: Made) -> Path:
    """A run on lamps that was cut after its second step."""
    folder = made.folder / "interrupted"
    if not folder.exists():
        cut_after(2, made.skill("lamp"), folder, base=str(made.base))
    return folder


def resume(skill: Path, out: Path, made: Made, **options: Any) -> Any:
    return headstart.finetune(skill, out, resume_from_checkpoint="last", **STEPS | {"base": str(made.base)} | options)


# Between an interruption and resuming.


@pytest.mark.parametrize(
    "rows",
    [PIZZA, [*LAMP, row("what is a lamp", "DefineLamp")], relabelled(LAMP, "TurnLamp", "AATurnLamp"),
     relabelled(LAMP, "colour", "zcolour"), LAMP[:-1], LAMP[::-1], [row("dim the lamp", "AskLamp"), *LAMP[1:]]],
    ids=["of-another-skill", "one-intent-more", "an-intent-renamed", "a-slot-renamed", "a-row-less", "in-reverse", "a-row-edited"],
)  # fmt: skip
def test_a_run_is_not_resumed_on_other_rows(made: Made, interrupted: Path, tmp_path: Path, rows: list[Any]) -> None:
    """Half of the steps would have been made with other labels, or other rows: no run that anyone could repeat."""
    skill, out = copy(made.skill("lamp"), tmp_path / "lamp"), copy(interrupted, tmp_path / "out")
    write_rows(skill / "train.jsonl", rows)
    if rows[0]["intent"] not in ("TurnLamp", "AskLamp") or "zcolour" in str(rows):
        write_rows(skill / "validation.jsonl", rows[::2])
        (skill / "test.jsonl").unlink()
    before = snapshot(out)
    refused(lambda: resume(skill, out, made), "checkpoint-2")
    assert snapshot(out) == before


@pytest.mark.parametrize(
    "options",
    [{"seed": 3}, {"learning_rate": 0.5}, {"per_device_train_batch_size": 2}, {"tune": "head"}, {"gazetteers": False}],
    ids=lambda options: next(iter(options)),
)
def test_a_run_is_not_resumed_with_other_options_without_a_word(
    made: Made, interrupted: Path, tmp_path: Path, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    out = copy(interrupted, tmp_path / "out")
    try:
        resume(made.skill("lamp"), out, made, **options)
    except (ValueError, OSError) as error:
        assert next(iter(options)) in str(error), error
    else:
        assert next(iter(options)) in warned(caplog)


def test_a_run_is_not_resumed_on_the_folder_of_another_skill(made: Made, interrupted: Path, tmp_path: Path) -> None:
    out = copy(interrupted, tmp_path / "out")
    before = snapshot(out)
    refused(lambda: resume(made.skill("pizza"), out, made), "checkpoint-2")
    assert snapshot(out) == before


@pytest.mark.parametrize("other", ["retrained", "reworded"])
def test_a_run_is_not_resumed_on_another_base(made: Made, tmp_path: Path, other: str) -> None:
    """The path is the same; what is there was trained anew meanwhile, with the same words or with others."""
    out, base = tmp_path / "out", copy(made.base, tmp_path / "base")
    cut_after(2, made.skill("lamp"), out, base=str(base))
    shutil.rmtree(base)
    copy(getattr(made, other), base)
    refused(lambda: resume(made.skill("lamp"), out, made, base=str(base)), "base")


def test_a_checkpoint_of_another_run_that_was_copied_into_the_folder_is_not_gone_on_with(
    made: Made, interrupted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    cut_after(2, made.skill("pizza"), out, base=str(made.base))
    copy(interrupted / "checkpoint-2", out / "checkpoint-3")
    try:
        nlu = resume(made.skill("pizza"), out, made)
    except (ValueError, OSError) as error:
        assert "checkpoint-3" in str(error)
    else:
        alone = tmp_path / "alone"
        headstart.finetune(made.skill("pizza"), alone, **STEPS, base=str(made.base))
        assert (out / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes()
        assert found(nlu(TEXTS["pizza"])) == right("pizza")


def test_a_run_whose_folder_was_moved_ends_as_if_it_had_stayed(made: Made, interrupted: Path, tmp_path: Path) -> None:
    moved, stayed = copy(interrupted, tmp_path / "moved" / "else where é"), tmp_path / "stayed"
    resume(made.skill("lamp"), moved, made)
    headstart.finetune(made.skill("lamp"), stayed, **STEPS, base=str(made.base))
    assert (moved / "model.safetensors").read_bytes() == (stayed / "model.safetensors").read_bytes()


def test_a_run_in_another_time_zone_working_directory_and_locale_is_the_same(
    made: Made, interrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = copy(interrupted, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    for name, value in (("TZ", "Pacific/Kiritimati"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "C")):
        monkeypatch.setenv(name, value)
    time.tzset()
    try:
        resume(made.skill("lamp"), Path("out"), made)
    finally:
        monkeypatch.undo()
        time.tzset()
    headstart.finetune(made.skill("lamp"), tmp_path / "here", **STEPS, base=str(made.base))
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "here" / "model.safetensors").read_bytes()


def test_a_run_whose_end_was_brought_forward_says_so(made: Made, interrupted: Path, tmp_path: Path) -> None:
    """Two steps are made; one is asked for."""
    out = copy(interrupted, tmp_path / "out")
    try:
        resume(made.skill("lamp"), out, made, max_steps=1)
    except ValueError as error:
        assert "max_steps" in str(error)
    else:
        assert json.loads((out / "metrics.json").read_text(encoding="utf-8"))["steps"] == 2


def test_a_folder_of_another_run_is_no_checkpoint_of_this_one(made: Made, interrupted: Path, tmp_path: Path) -> None:
    other = copy(interrupted / "checkpoint-2", tmp_path / "other" / "checkpoint-2")
    options = STEPS | {"base": str(made.base), "resume_from_checkpoint": str(other)}
    refused(lambda: headstart.finetune(made.skill("pizza"), tmp_path / "out", **options), "checkpoint-2")


def test_validation_rows_that_came_after_the_interruption_are_no_silent_change(made: Made, tmp_path: Path) -> None:
    skill, out = copy(made.skill("lamp"), tmp_path / "lamp"), tmp_path / "out"
    (skill / "validation.jsonl").rename(tmp_path / "later.jsonl")
    cut_after(2, skill, out, base=str(made.base))
    (tmp_path / "later.jsonl").rename(skill / "validation.jsonl")
    try:
        nlu = resume(skill, out, made)
    except ValueError as error:
        assert "checkpoint-2" in str(error) or "validation" in str(error)
    else:
        assert found(nlu(TEXTS["lamp"])) == right("lamp")
        assert "eval_exact_match" in json.loads((out / "metrics.json").read_text(encoding="utf-8"))


# Between fine-tuning and asking.


@pytest.mark.parametrize("kind", ["run", "onnx"])
def test_a_folder_that_is_deleted_under_an_open_skill_changes_no_answer(made: Made, tmp_path: Path, kind: str) -> None:
    folder = copy(getattr(made, kind)("lamp"), tmp_path / "lamp")
    nlu = open_nlu(folder)
    shutil.rmtree(folder)
    assert found(nlu(TEXTS["lamp"])) == right("lamp")


@pytest.mark.parametrize("kind", ["run", "onnx"])
def test_a_folder_that_is_replaced_under_an_open_skill_changes_no_answer(made: Made, tmp_path: Path, kind: str) -> None:
    folder = copy(getattr(made, kind)("lamp"), tmp_path / "lamp")
    nlu = open_nlu(folder)
    shutil.rmtree(folder)
    copy(getattr(made, kind)("pizza"), folder)
    assert found(nlu(TEXTS["lamp"])) == right("lamp")


@pytest.mark.parametrize("kind", ["run", "onnx"])
def test_files_that_are_written_over_in_place_change_no_answer_of_an_open_skill(made: Made, tmp_path: Path, kind: str) -> None:
    """`cp` writes into the file that is there: what reads it by mapping it into memory answers with other weights from then on."""
    folder = copy(getattr(made, kind)("lamp"), tmp_path / "lamp")
    nlu = open_nlu(folder)
    before = nlu(TEXTS["lamp"])
    for file in folder.iterdir():
        content = file.read_bytes()
        if file.suffix in (".safetensors", ".onnx", ".npz"):
            with file.open("r+b") as opened:
                opened.seek(len(content) // 2)
                opened.write(bytes(len(content) - len(content) // 2))
    assert nlu(TEXTS["lamp"]) == before


def test_a_head_that_is_written_over_in_place_changes_no_answer_of_an_open_trunk(made: Made, tmp_path: Path) -> None:
    folder = copy(made.head("lamp"), tmp_path / "lamp")
    nlu = open_nlu(made.base)
    nlu.model.load_skill(folder)
    before = nlu(TEXTS["lamp"], skill="lamp")
    size = (folder / "head.safetensors").stat().st_size
    with (folder / "head.safetensors").open("r+b") as opened:
        opened.seek(size // 2)
        opened.write(bytes(size - size // 2))
    assert nlu(TEXTS["lamp"], skill="lamp") == before


def test_an_opened_skill_is_saved_as_it_was_opened_whatever_is_in_its_folder_now(made: Made, tmp_path: Path) -> None:
    folder = copy(made.run("lamp"), tmp_path / "lamp")
    nlu = open_nlu(folder)
    shutil.rmtree(folder)
    copy(made.run("pizza"), folder)
    nlu.save_pretrained(tmp_path / "saved")
    assert found(open_nlu(tmp_path / "saved")(TEXTS["lamp"])) == right("lamp")
    headstart.export(nlu, tmp_path / "onnx")
    assert found(OnnxNLU(tmp_path / "onnx")(TEXTS["lamp"])) == right("lamp")


def test_a_skill_opened_by_a_relative_path_stays_itself_in_another_directory(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where, name in (("here", "lamp"), ("there", "pizza")):
        copy(made.run(name), tmp_path / where / "model")
    monkeypatch.chdir(tmp_path / "here")
    nlu = open_nlu(Path("model"))
    monkeypatch.chdir(tmp_path / "there")
    headstart.export(nlu, "onnx")
    assert found(OnnxNLU("onnx")(TEXTS["lamp"])) == right("lamp") == found(nlu(TEXTS["lamp"]))


def test_a_working_directory_that_is_gone_stops_no_answer(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert found(open_nlu(made.onnx("lamp"))(TEXTS["lamp"])) == right("lamp")
    assert found(open_nlu(made.run("lamp"))(TEXTS["lamp"])) == right("lamp")


def test_catalogs_that_are_edited_after_training_change_no_answer(made: Made, tmp_path: Path) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    headstart.finetune(skill, tmp_path / "out", base=str(made.base), **OPTIONS)
    before = open_nlu(tmp_path / "out")(TEXTS["lamp"])
    (skill / "catalogs.json").write_text(json.dumps({"colour": ["on", "off"], "state": ["red"]}), encoding="utf-8")
    (skill / "train.jsonl").unlink()
    assert open_nlu(tmp_path / "out")(TEXTS["lamp"]) == before


# Between training a head and loading it.


def test_a_base_that_was_trained_anew_in_place_refuses_the_heads_of_the_old_one(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base, heads = copy(made.base, tmp_path / "base"), tmp_path / "heads"
    for name in ("lamp", "pizza"):
        headstart.finetune(made.skill(name), heads / name, base=str(base), tune="head", **OPTIONS)
    shutil.rmtree(base)
    copy(made.retrained, base)
    command_refused(capfd, "predict", heads, "--base", base, "cancel my pizza", names=("base",))
    command_refused(capfd, "export", heads / "lamp", "--base", base, "--out", tmp_path / "onnx", names=("lamp",))
    assert not (tmp_path / "onnx").exists()


def test_heads_follow_a_base_that_was_moved_and_renamed(made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    base = copy(made.base, tmp_path / "another name")
    status, output, _ = command(capfd, "predict", made.head("lamp"), "--base", base, *TEXTS["lamp"])
    assert status == 0 and [found(json.loads(line)) for line in output.splitlines()] == right("lamp")


def test_a_head_without_its_base_names_the_base(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    command_refused(capfd, "evaluate", made.head("lamp"), "--data", made.skill("lamp") / "train.jsonl", names=(made.base.name,))
    command_refused(capfd, "predict", made.head("lamp"), "--base", "no/such base", "on", names=("no/such base",))


def test_a_head_file_that_is_replaced_after_loading_is_saved_as_it_was_loaded(made: Made, tmp_path: Path) -> None:
    folder = copy(made.head("lamp"), tmp_path / "head")
    nlu = open_nlu(made.base)
    nlu.model.load_skill(folder)
    shutil.rmtree(folder)
    copy(made.head("pizza"), folder)
    nlu.model.save_skill("lamp", tmp_path / "saved")
    again = open_nlu(made.base)
    again.model.load_skill(tmp_path / "saved")
    assert found(again(TEXTS["lamp"], skill="lamp")) == right("lamp")


def test_a_head_under_two_names_answers_alike_and_leaves_the_other_when_one_is_deleted(made: Made) -> None:
    nlu = open_nlu(made.base)
    for name in ("kitchen", "bath"):
        assert nlu.model.load_skill(made.head("lamp"), as_name=name) == name
    refused(lambda: nlu.model.load_skill(made.head("lamp"), as_name="bath"), "bath")
    nlu.model.delete_skill("kitchen")
    assert found(nlu(TEXTS["lamp"], skill="bath")) == right("lamp")
    refused(lambda: nlu("on", skill="kitchen"), "kitchen")


def test_a_head_saved_into_the_folder_of_another_skill_leaves_no_file_of_it(made: Made, tmp_path: Path) -> None:
    folder = copy(made.head("pizza"), tmp_path / "head")
    nlu = open_nlu(made.base)
    nlu.model.load_skill(made.head("lamp"))
    nlu.model.save_skill("lamp", folder)
    card = folder / "README.md"
    assert "OrderPizza" not in "".join(f.read_text(encoding="utf-8") for f in folder.iterdir() if f.suffix in (".json", ".md")), (
        card
    )


# Two runs, or two kinds of results, in one folder.


def test_a_folder_that_is_trained_into_again_holds_nothing_of_the_first_skill(made: Made, tmp_path: Path) -> None:
    out = copy(made.run("pizza"), tmp_path / "out")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    (skill / "validation.jsonl").unlink()
    try:
        headstart.finetune(skill, out, base=str(made.base), **OPTIONS)
    except ValueError as error:
        assert "out" in str(error)
    else:
        assert found(open_nlu(out)(TEXTS["lamp"])) == right("lamp")
        texts = [file.read_text(encoding="utf-8") for file in out.iterdir() if file.suffix in (".json", ".md")]
        assert not any("OrderPizza" in text for text in texts)
        assert "eval_exact_match" not in (out / "metrics.json").read_text(encoding="utf-8")
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_second_run_in_the_folder_of_one_that_is_still_training_is_no_mixture(made: Made, tmp_path: Path) -> None:
    from transformers.trainer_callback import CallbackHandler

    out, real, second = tmp_path / "out", CallbackHandler.on_save, []

    def start_another(handler: Any, arguments: Any, state: Any, control: Any) -> Any:
        if not second:
            second.append("started")
            try:
                headstart.finetune(made.skill("pizza"), out, base=str(made.base), **OPTIONS)
            except (ValueError, OSError) as error:
                second.append(str(error))
        return real(handler, arguments, state, control)

    refusal = ""
    with mock.patch.object(CallbackHandler, "on_save", start_another):
        try:
            headstart.finetune(made.skill("lamp"), out, base=str(made.base), **STEPS)
        except (ValueError, OSError) as error:
            refusal = str(error)
    assert len(second) == 2 or refusal, "neither of the two said a word"
    assert all("out" in message and len(message) < 2000 for message in [*second[1:], refusal] if message)
    if (out / "config.json").exists():
        name = json.loads((out / "config.json").read_text(encoding="utf-8"))["skills"][0]["name"]
        assert found(open_nlu(out)(TEXTS[name])) == right(name)


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
def test_fine_tuning_into_a_folder_of_another_kind_changes_nothing_there(made: Made, tmp_path: Path, kind: str) -> None:
    out = copy(getattr(made, kind)("pizza"), tmp_path / "out")
    before = snapshot(out)
    options = OPTIONS | ({"tune": "head"} if kind == "run" else {})
    refused(lambda: headstart.finetune(made.skill("lamp"), out, base=str(made.base), **options), "out")
    assert snapshot(out) == before


def test_fine_tuning_into_the_folder_of_the_skill_keeps_every_file_of_the_user(made: Made, tmp_path: Path) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    (skill / "README.md").write_text("How we collected these rows.\n", encoding="utf-8")
    (skill / "config.json").write_text('{"editor": "mine"}', encoding="utf-8")
    before = snapshot(skill)
    refused_or(lambda: headstart.finetune(skill, skill, base=str(made.base), **OPTIONS) and None, None, "lamp")
    after = snapshot(skill)
    assert {name: after.get(name) for name in before} == before


def test_exporting_into_the_folder_of_the_skill_keeps_every_file_of_the_user(made: Made, tmp_path: Path) -> None:
    """A skill's folder and an export both have a catalogs.json."""
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    before = snapshot(skill)
    refused_or(lambda: headstart.export(made.run("lamp"), skill) and None, None, "lamp")
    after = snapshot(skill)
    assert {name: after.get(name) for name in before} == before


def test_exporting_over_the_base_or_into_the_checkpoint_itself_changes_nothing(made: Made, tmp_path: Path) -> None:
    folder = copy(made.run("lamp"), tmp_path / "lamp")
    before = snapshot(folder)
    refused(lambda: headstart.export(folder, folder), "lamp")
    assert snapshot(folder) == before


def test_fine_tuning_over_the_base_itself_is_refused(made: Made, tmp_path: Path) -> None:
    base = copy(made.base, tmp_path / "base")
    before = snapshot(base)
    refused(lambda: headstart.finetune(made.skill("lamp"), base, base=str(base), **OPTIONS), "base")
    assert snapshot(base) == before


def test_a_later_export_leaves_no_file_of_an_earlier_one(made: Made, tmp_path: Path) -> None:
    """The new skill has neither slots nor catalogs."""
    rows = [{**each, "slots": []} for each in LAMP]
    write_rows(tmp_path / "plain.jsonl", rows)
    headstart.finetune(tmp_path / "plain.jsonl", tmp_path / "run", base=str(made.base), **OPTIONS)
    out = copy(made.onnx("pizza"), tmp_path / "onnx")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    headstart.export(tmp_path / "run", out)
    assert not (out / "crf.npz").exists() and not (out / "catalogs.json").exists()
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert [answer["intent"]["label"] for answer in OnnxNLU(out)(TEXTS["lamp"])] == [each["intent"] for each in LAMP]


def test_an_export_that_was_made_before_retraining_still_answers_as_what_it_was_made_of(made: Made, tmp_path: Path) -> None:
    run = copy(made.run("lamp"), tmp_path / "run")
    headstart.export(run, tmp_path / "onnx")
    shutil.rmtree(run)
    copy(made.run("pizza"), run)
    assert found(OnnxNLU(tmp_path / "onnx")(TEXTS["lamp"])) == right("lamp")
    headstart.export(run, tmp_path / "onnx")
    assert found(OnnxNLU(tmp_path / "onnx")(TEXTS["pizza"])) == right("pizza")


# Back and forth between formats.


def meaning(skill: Any) -> set[str]:
    return {json.dumps([each["text"], each["intent"], each["slots"]]) for each in skill.rows("train")}


@pytest.mark.parametrize("name", ["skill.json", "nlu.yml", "rows.jsonl", "folder"])
def test_rows_survive_another_format_and_the_way_back(made: Made, tmp_path: Path, name: str) -> None:
    skill = tmp_path / "skill"
    rows = [
        *LAMP,
        row('make it {bright} (or [dim]) & "so": #1', "TurnLamp"),
        row("schalte die Lampe café-rot", "TurnLamp", colour="café-rot"),
    ]
    write_rows(skill / "train.jsonl", rows[:8] if name == "skill.json" else rows)
    (skill / "catalogs.json").write_text(json.dumps(CATALOGS["lamp"]), encoding="utf-8")
    headstart.convert(skill, tmp_path / "there" / name)
    headstart.convert(tmp_path / "there" / name, tmp_path / "back")
    there, back = headstart.load_skill(skill), headstart.load_skill(tmp_path / "back")
    assert meaning(there) <= meaning(back)
    assert set(there.intents) == set(back.intents) and set(there.slots) == set(back.slots)


def test_a_skill_that_is_converted_onto_itself_loses_nothing(made: Made, tmp_path: Path) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    before = headstart.load_skill(skill)
    kept = snapshot(skill)
    try:
        headstart.convert(skill, skill, "rows", test_share=0.3)
    except (ValueError, OSError) as error:
        assert "lamp" in str(error) and snapshot(skill) == kept
    else:
        after = headstart.load_skill(skill)
        parts = ("train", "validation", "test")
        held = [{json.dumps(each) for part in parts for each in (one.rows(part) or [])} for one in (before, after)]
        assert held[0] == held[1]


def test_converting_over_a_file_that_is_no_skill_keeps_it(made: Made, tmp_path: Path) -> None:
    notes = tmp_path / "package.json"
    notes.write_text('{"name": "my app", "dependencies": {}}', encoding="utf-8")
    try:
        headstart.convert(made.skill("lamp"), notes)
    except (ValueError, OSError) as error:
        assert "package.json" in str(error)
    assert notes.read_text(encoding="utf-8") == '{"name": "my app", "dependencies": {}}'


def test_the_same_conversion_on_another_day_and_elsewhere_writes_the_same_bytes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shutil.copy(root / "examples" / "city_bike" / "en-US.json", tmp_path / "en-US.json")
    headstart.convert(model, tmp_path / "one", test_share=0.2)
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.chdir(tmp_path)
    time.tzset()
    with mock.patch("time.time", lambda: 2e9):
        headstart.convert("en-US.json", "two", test_share=0.2)
    monkeypatch.undo()
    time.tzset()
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")
