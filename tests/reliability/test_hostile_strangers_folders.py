"""Folders copied in part, moved, linked and left beside others, and the streams of a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reliability.strangers import (
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
    make,
    refused,
    refused_or,
    relabelled,
    right,
    write_rows,
)

import headstart


@pytest.fixture(scope="module")
def made(tiny_base: Path) -> Made:
    return make(tiny_base)


@pytest.fixture(autouse=True)
def _limited(made: Made) -> Iterator[None]:
    with limit():
        yield


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
    assert scores["intent_accuracy"] == 0.75 and "QueryLamp" in caplog.text


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
    for name in ("notes.txt", ".gitignore", "train.jsonl"):
        (out / name).write_text("mine", encoding="utf-8")
    (out / "logs").mkdir()
    (out / "logs" / "day.log").write_text("mine", encoding="utf-8")
    trained(made.skill("lamp"), out, made, kind)
    assert answers_of(out, made) == right("lamp")
    assert {(out / name).read_text(encoding="utf-8") for name in ("notes.txt", ".gitignore", "train.jsonl", "logs/day.log")} == {
        "mine"
    }


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
            assert whole or name in caplog.text


# Counts that were made once.


def test_labels_that_were_counted_before_the_rows_changed_are_named(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("lamp", "pizza"):
        copy(made.skill(name), tmp_path / "corpora" / name)
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
