"""Folders copied in part, moved, linked and left beside others, the streams of a process, and what a program does to an open skill."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

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
    limit,
    open_nlu,
    refused,
    refused_or,
    relabelled,
    right,
    snapshot,
    warned,
    write_rows,
)

import headstart

pytestmark = pytest.mark.usefixtures("limited")


# Copied in part.


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("state", ["missing", "empty", "half", "pointer"])
def test_a_checkpoint_that_was_copied_in_part_names_what_it_lacks(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str], file: str, state: str
) -> None:
    """`pointer`: what Git LFS leaves where it wasn't installed."""
    folder = copy(made.run("lamp"), tmp_path / "partly")
    content = (folder / file).read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 41180\n"
    (folder / file).write_bytes({"missing": b"", "empty": b"", "half": content[: len(content) // 2], "pointer": pointer}[state])
    if state == "missing":
        (folder / file).unlink()
    status, output, errors = command(capfd, "predict", folder, "turn off the green lamp")
    if status == 0:
        assert file == "tokenizer_config.json" and found(json.loads(output)) == right("lamp")[5]
    else:
        assert status == 2 and len(errors) == 1 and len(errors[0]) < 2000 and file.split(".")[0] in errors[0], errors


def test_a_folder_that_never_was_is_named_and_is_no_matter_of_the_network(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    command_refused(capfd, "predict", "runs/lampp", "turn on the lamp", names=("runs/lampp",))


# Files that are none, or change.


def test_rows_whose_labels_were_renamed_since_training_count_as_errors_and_are_named(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", relabelled(LAMP, "AskLamp", "QueryLamp"))
    scores = headstart.evaluate(made.run("lamp"), rows)
    assert scores["intent_accuracy"] == 0.75 and "QueryLamp" in warned(caplog)


@pytest.mark.parametrize("bytes_left", [-3, -20])
def test_rows_that_were_cut_in_the_last_line_are_refused_with_its_number(made: Made, tmp_path: Path, bytes_left: int) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    content = (skill / "train.jsonl").read_bytes()
    (skill / "train.jsonl").write_bytes(content[:bytes_left])
    assert "8" in refused(lambda: headstart.load_skill(skill), "train.jsonl")


def test_a_pipe_in_the_place_of_rows_is_refused_at_once(made: Made, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    (skill / "validation.jsonl").unlink()
    os.mkfifo(skill / "validation.jsonl")
    with limit(10):
        refused(lambda: headstart.load_skill(tmp_path / "rows.jsonl"), "rows.jsonl")
        refused_or(lambda: headstart.load_skill(skill).validation, None, "validation.jsonl")


def test_a_link_that_leads_round_in_a_circle_is_refused(made: Made, tmp_path: Path) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    (skill / "catalogs.json").unlink()
    (skill / "catalogs.json").symlink_to(skill / "catalogs.json")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    refused(lambda: headstart.load_skill(skill), "catalogs.json")
    refused(lambda: headstart.load_skill(tmp_path / "round"), "round")


def test_a_folder_in_the_place_of_a_file_is_refused(made: Made, tmp_path: Path) -> None:
    for file in ("validation.jsonl", "catalogs.json", "skill.json"):
        skill = copy(made.skill("lamp"), tmp_path / file / "lamp")
        (skill / file).unlink()
        (skill / file).mkdir()
        refused(lambda skill=skill: headstart.load_skill(skill), file)


# Where results go.


def trained(skill: Path, out: Path, made: Made, kind: str) -> Path:
    """A result of one of the three kinds, written to a folder."""
    if kind == "onnx":
        return headstart.export(made.run("lamp"), out)
    headstart.finetune(skill, out, base=str(made.base), **OPTIONS | ({"tune": "head"} if kind == "head" else {}))
    return out


def answers_of(out: Path, made: Made) -> Any:
    from headstart.loading import load_pipeline

    head = (out / "head.json").exists()
    return found(load_pipeline(out, **({"base": made.base} if head else {}))(TEXTS["lamp"]))


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
def test_a_linked_output_folder_stays_a_link_to_where_the_result_is(made: Made, tmp_path: Path, kind: str) -> None:
    disk, link = tmp_path / "large disk", tmp_path / "out"
    disk.mkdir()
    (disk / "notes.txt").write_text("mine", encoding="utf-8")
    link.symlink_to(disk)
    trained(made.skill("lamp"), link, made, kind)
    assert link.is_symlink() and answers_of(disk, made) == right("lamp")
    assert (disk / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
def test_the_working_directory_can_be_the_output_folder(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "notes.txt").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(here)
    trained(made.skill("lamp"), Path("."), made, kind)
    assert answers_of(here, made) == right("lamp") and (here / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert Path.cwd() == here


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
@pytest.mark.parametrize(
    "name", ["a [b]*? {c}", "%s %d 100%", "é ü 灯", "-rf", "model.safetensors", "x.json", 'a\'b "c" $HOME ~']
)
def test_an_odd_name_of_a_folder_is_a_name_like_any_other(made: Made, tmp_path: Path, name: str, kind: str) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "skills" / name)
    options = {"name": "lamp"}
    refused_or(
        lambda: headstart.load_skill(skill, **options).rows("train"), headstart.load_skill(made.skill("lamp")).rows("train")
    )
    out = trained(made.skill("lamp"), tmp_path / "out" / name, made, kind)
    assert answers_of(out, made) == right("lamp")


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
def test_a_file_in_the_place_of_the_output_folder_is_kept(made: Made, tmp_path: Path, kind: str) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    refused(lambda: trained(made.skill("lamp"), tmp_path / "out", made, kind), "out")
    refused(lambda: trained(made.skill("lamp"), tmp_path / "out" / "below", made, kind), "out")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
def test_a_second_result_replaces_the_first_and_no_file_beside_it(made: Made, tmp_path: Path, kind: str) -> None:
    out = copy(getattr(made, kind)("pizza"), tmp_path / "out")
    for name in ("notes.txt", ".gitignore"):
        (out / name).write_text("mine", encoding="utf-8")
    (out / "logs").mkdir()
    (out / "logs" / "day.log").write_text("mine", encoding="utf-8")
    trained(made.skill("lamp"), out, made, kind)
    assert answers_of(out, made) == right("lamp")
    assert {(out / name).read_text(encoding="utf-8") for name in ("notes.txt", ".gitignore", "logs/day.log")} == {"mine"}


@pytest.mark.parametrize("kind", ["run", "head", "onnx"])
def test_no_result_is_put_beside_rows(made: Made, tmp_path: Path, kind: str) -> None:
    """Folders of rows are a kind of their own, also where a model lies in them."""
    out = copy(getattr(made, kind)("pizza"), tmp_path / "out")
    (out / "train.jsonl").write_text("mine", encoding="utf-8")
    before = snapshot(out)
    refused(lambda: trained(made.skill("lamp"), out, made, kind), "out", "rows of a skill")
    assert snapshot(out) == before


# What other programs leave beside files.


LITTER = (".DS_Store", "._nlu.yml", "nlu.yml~", "nlu.yml.orig", ".nlu.yml.swp", "#nlu.yml#", "nlu.yml.part", "Thumbs.db")
NLU = "nlu:\n- intent: TurnLamp\n  examples: |\n    - turn on the [red](colour) lamp\n    - turn off the lamp\n"


@pytest.mark.parametrize("name", LITTER)
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_what_an_editor_or_a_system_left_beside_a_file_is_no_data(tmp_path: Path, name: str, zipped: bool) -> None:
    folder = tmp_path / "lamp"
    folder.mkdir()
    (folder / "nlu.yml").write_text(NLU, encoding="utf-8")
    where = folder / "__MACOSX" if zipped and name.startswith("._") else folder
    where.mkdir(exist_ok=True)
    old = NLU.replace("TurnLamp", "OldName").encode()
    (where / name).write_bytes(b"\x00\x05\x16\x07Mac OS X\x00" if name in (".DS_Store", "._nlu.yml", "Thumbs.db") else old)
    path = Path(shutil.make_archive(str(tmp_path / "lamp"), "zip", folder)) if zipped else folder
    skill = headstart.load_skill(path)
    assert skill.intents == ["TurnLamp"] and len(skill.rows("train")) == 2


@pytest.mark.parametrize(
    "name", ["train.jsonl.bak", "._train.jsonl", "train (copy).jsonl", "train_old.jsonl", ".train.jsonl.swp"]
)
def test_a_copy_beside_the_rows_is_no_part_of_them(made: Made, tmp_path: Path, name: str) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    write_rows(skill / name, PIZZA)
    refused_or(lambda: headstart.load_skill(skill).intents, ["AskLamp", "TurnLamp"], name)


@pytest.mark.parametrize(
    "name", ["Train.jsonl", "train.JSONL", "train.json", "train.jsonl.txt", "training.jsonl", "dev.jsonl", "val.jsonl"]
)
def test_a_part_under_a_name_that_is_nearly_right_is_not_left_out_without_a_word(
    made: Made, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    (skill / ("train.jsonl" if name.lower().startswith("train") else "validation.jsonl")).rename(skill / name)
    with caplog.at_level("WARNING", "headstart"):
        try:
            loaded = headstart.load_skill(skill)
        except ValueError as error:
            assert "lamp" in str(error)
        else:
            whole = len(loaded.rows("train")) == 8 and len(loaded.rows("validation") or []) == 4
            assert whole or name in warned(caplog)


# Counts that were made once.


def test_labels_that_were_counted_before_the_rows_changed_are_named(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, rows in (("lamp", LAMP), ("pizza", PIZZA)):
        write_rows(tmp_path / "corpora" / name / "train.jsonl", rows)
        for part in ("validation", "test"):
            write_rows(tmp_path / "corpora" / name / f"{part}.jsonl", rows[:1])
    status, _, errors = command(capfd, "labels", tmp_path / "corpora")
    assert status == 0, errors
    write_rows(tmp_path / "corpora" / "lamp" / "train.jsonl", relabelled(LAMP, "AskLamp", "QueryLamp"))
    sizes = {"embedding_size": 12, "hidden_size": 10, "task_hidden_size": 8, "sentence_loss": 0}
    out = tmp_path / "out"
    refused(
        lambda: headstart.pretrain(tmp_path / "corpora", out, ["lamp", "pizza"], streaming=True, **sizes, **OPTIONS),
        "labels.json",
    )
    assert not (out / "config.json").exists()


# The streams of a process.


def answering(made: Made, *arguments: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`headstart predict` on an exported lamp, in a process of its own, with streams as a shell sets them."""
    line = f'"$PYTHON" -c "import sys; from headstart.cli import main; sys.exit(main())" predict "$MODEL" "$@" {shell}'
    settings = os.environ | {"PYTHON": sys.executable, "MODEL": str(made.onnx("lamp"))} | environment
    return subprocess.run(["bash", "-c", line, "bash", *arguments], env=settings, capture_output=True, timeout=50, check=False)


def test_a_terminal_that_knows_only_ascii_gets_an_answer_or_one_line(made: Made) -> None:
    ended = answering(made, "turn on the red lamp é 🟥", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert b"Traceback" not in ended.stderr
    if ended.returncode == 0:
        assert json.loads(ended.stdout)["text"] == "turn on the red lamp é 🟥"
    else:
        assert ended.returncode == 2 and ended.stderr.count(b"\n") == 1


def test_a_closed_standard_input_is_no_text_or_one_line(made: Made) -> None:
    ended = answering(made, shell="<&-")
    assert b"Traceback" not in ended.stderr and ended.returncode in (0, 2) and not ended.stdout


def test_a_full_disk_behind_standard_output_is_one_line(made: Made) -> None:
    ended = answering(made, "turn on the red lamp", shell="> /dev/full")
    assert ended.returncode == 2 and b"Traceback" not in ended.stderr and ended.stderr.strip().count(b"\n") == 0


def test_a_reader_that_leaves_gets_what_it_read_and_no_traceback(made: Made) -> None:
    ended = answering(made, *["turn on the red lamp"] * 20, shell="| head -n 1")
    assert json.loads(ended.stdout)["intent"]["label"] == "TurnLamp" and b"Traceback" not in ended.stderr


def test_a_hidden_module_in_the_working_directory_is_not_run(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnxruntime", "tokenizers", "json", "headstart", "torch"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    script = Path(sys.executable).with_name("headstart")
    ended = subprocess.run(
        [script, "predict", made.onnx("lamp"), "turn off the green lamp"], capture_output=True, timeout=50, check=False
    )
    assert ended.returncode == 0 and json.loads(ended.stdout)["intent"]["label"] == "TurnLamp"
    assert not (tmp_path / "was run").exists()


# Folders of heads.


def test_folders_of_heads_that_changed_names_give_no_skill_under_the_name_of_another(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The folder `lamp` holds the head of pizzas, and the other way round."""
    copy(made.head("lamp"), tmp_path / "heads" / "pizza")
    copy(made.head("pizza"), tmp_path / "heads" / "lamp")
    status, output, errors = command(capfd, "predict", tmp_path / "heads", "--base", made.base, "--skill", "lamp", *TEXTS["lamp"])
    if status == 0:
        assert [found(json.loads(line)) for line in output.splitlines()] == right("lamp")
    else:
        assert status == 2 and len(errors) == 1 and "lamp" in errors[0]
    nlu = open_nlu(made.base)

    def ask() -> Any:
        name = nlu.model.load_skill(tmp_path / "heads", "lamp")
        return found(nlu(TEXTS["lamp"], skill=name))

    refused_or(ask, right("lamp"), "lamp")


@pytest.mark.parametrize("name", ["../heads/pizza", "/", ".", "", "LAMP", "lamp/"])
def test_a_head_is_found_by_its_name_and_by_nothing_that_leads_elsewhere(made: Made, tmp_path: Path, name: str) -> None:
    copy(made.head("lamp"), tmp_path / "heads" / "lamp")
    copy(made.head("pizza"), tmp_path / "heads" / "pizza")
    nlu = open_nlu(made.base)
    refused_or(lambda: nlu.model.load_skill(tmp_path / "heads", name), "lamp" if name == "lamp/" else None)
    assert "pizza" not in [entry["name"] for entry in nlu.model.config.skills]


@pytest.mark.parametrize("without_hashes", [False, True], ids=["hashes", "no-hashes"])
def test_pickles_in_a_checkpoint_of_a_training_are_not_run_when_it_is_resumed(
    made: Made, tmp_path: Path, without_hashes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that was downloaded, say. Earlier versions wrote no hashes."""
    from transformers.trainer_callback import CallbackHandler

    out, real = tmp_path / "out", CallbackHandler.on_save
    steps = OPTIONS | {"base": str(made.base), "max_steps": 4, "save_strategy": "steps", "save_steps": 2}

    def stop(handler: Any, arguments: Any, state: Any, control: Any) -> Any:
        real(handler, arguments, state, control)
        raise RuntimeError("cut")

    with pytest.MonkeyPatch.context() as patched, pytest.raises(RuntimeError, match="cut"):
        patched.setattr(CallbackHandler, "on_save", stop)
        headstart.finetune(made.skill("lamp"), out, **steps)
    target = tmp_path / "run-from-a-pickle"
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
        (out / "checkpoint-2" / name).write_bytes(f"cos\nsystem\n(S'touch {target}'\ntR.".encode())
    if without_hashes:
        (out / "checkpoint-2" / "sha256.json").unlink()
    try:
        headstart.finetune(made.skill("lamp"), out, resume_from_checkpoint="last", **steps)
    except (ValueError, OSError) as error:
        assert "checkpoint-2" in f"{error} {warned(caplog)}"
    finally:
        assert not target.exists()


# What a program does to an open skill.


@pytest.fixture(params=["run", "onnx"])
def lamp(made: Made, request: pytest.FixtureRequest) -> Any:
    return open_nlu(getattr(made, request.param)("lamp"))


def test_an_answer_that_is_changed_by_its_reader_changes_no_later_one(lamp: Any) -> None:
    first = lamp(TEXTS["lamp"][0])
    first["slots"].clear()
    first["intent"]["label"] = "Mine"
    first["text"] = ""
    assert found(lamp(TEXTS["lamp"])) == right("lamp")


def test_several_threads_get_the_answers_to_their_own_texts(lamp: Any) -> None:
    def ask(number: int) -> Any:
        return found(lamp(TEXTS["lamp"][number % 8]))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(64))) == right("lamp") * 8


def test_a_network_that_was_set_to_training_answers_as_before(made: Made) -> None:
    nlu = open_nlu(made.run("lamp"))
    before = nlu(TEXTS["lamp"])
    nlu.model.train()
    refused_or(lambda: nlu(TEXTS["lamp"]), before, "train")


def test_another_default_type_of_torch_changes_no_answer(made: Made) -> None:
    import torch

    torch.set_default_dtype(torch.float64)
    try:
        refused_or(lambda: found(open_nlu(made.run("lamp"))(TEXTS["lamp"])), right("lamp"), "float")
    finally:
        torch.set_default_dtype(torch.float32)


def test_random_numbers_that_a_program_drew_before_change_no_training(made: Made, tmp_path: Path) -> None:
    import numpy
    import torch

    random.seed(99)
    numpy.random.seed(99)
    torch.manual_seed(99)
    headstart.finetune(made.skill("lamp"), tmp_path / "out", base=str(made.base), **OPTIONS)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (made.run("lamp") / "model.safetensors").read_bytes()


def test_rows_and_options_that_a_program_gives_are_not_changed(made: Made, tmp_path: Path) -> None:
    rows, catalogs, options = deepcopy(LAMP), deepcopy(CATALOGS["lamp"]), deepcopy(OPTIONS)
    skill = headstart.Skill("lamp", rows, rows[::2], catalogs=catalogs)
    headstart.finetune(skill, tmp_path / "out", base=str(made.base), **options)
    headstart.evaluate(tmp_path / "out", rows)
    assert (rows, catalogs, options) == (LAMP, CATALOGS["lamp"], OPTIONS)


def test_rows_that_a_program_changes_after_making_a_skill_are_not_learned(made: Made, tmp_path: Path) -> None:
    rows = deepcopy(LAMP)
    skill = headstart.Skill("lamp", rows, catalogs=deepcopy(CATALOGS["lamp"]))
    for each in rows:
        each["intent"] = "Wrong"
        each["slots"].clear()
    nlu = headstart.finetune(skill, tmp_path / "out", base=str(made.base), **OPTIONS)
    refused_or(lambda: found(nlu(TEXTS["lamp"])), right("lamp"))


def test_a_copy_of_a_pipeline_answers_as_itself_after_the_other_lost_its_skill(made: Made) -> None:
    nlu = open_nlu(made.base)
    nlu.model.load_skill(made.head("lamp"))
    other = deepcopy(nlu)
    nlu.model.delete_skill("lamp")
    assert found(other(TEXTS["lamp"], skill="lamp")) == right("lamp")
    refused(lambda: nlu(TEXTS["lamp"], skill="lamp"), "lamp")
