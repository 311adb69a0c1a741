"""Folders that hold something already, or that somebody else writes in, skills that are converted onto themselves, and options that can't be meant."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headstart import HeadstartForJointNLU, Skill, convert, export, finetune, load_skill, pretrain
from headstart.checkpoints import BASE_EN
from headstart.loading import load_pipeline
from headstart.report.options import ReportOptions
from headstart.report.transfer_report import make_report
from headstart.saving import locked
from headstart.training.command_line import parse_options
from headstart.training.options import FinetuneOptions

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from interrupted import OPTIONS, content, rewrite, tune
from kills import finish, start

# ---- folders of two kinds


def put(work: Path, name: str) -> Path:
    """A folder that holds something already."""
    folder = work / name.replace(" ", "-")
    if name == "export":
        return export(load_pipeline(work / "whole"), folder)
    if name == "head":
        model = HeadstartForJointNLU.from_pretrained(work / "base")
        model.save_skill("travel", folder)
    elif name == "heads":
        put(work, "head").rename(work / "put")
        folder.mkdir()
        (work / "put").rename(folder / "travel")
    elif name == "model":
        shutil.copytree(work / "whole", folder)
    elif name == "state":
        shutil.copytree(work / "out/checkpoint-4", folder)
    elif name == "rows":
        shutil.copytree(work / "coffee", folder)
    else:
        folder.mkdir()
        file, text = {
            "report": ("report.json", "{}"), "another network": ("config.json", '{"model_type": "bert"}'), "an application": ("config.json", '{"port": 80}'),
            "a project": ("README.md", "# My project\n"),
        }[name]  # fmt: skip
        (folder / file).write_text(text)
    return folder


WRITERS: dict[str, Callable[[Path, Path], Any]] = {
    "fine-tuning": lambda work, out: tune(work, out.name),
    "fine-tuning of a head": lambda work, out: tune(work, out.name, tune="head"),
    "export": lambda work, out: export(load_pipeline(work / "whole"), out),
    "convert": lambda work, out: convert(work / "coffee", out),
    "save_pretrained of the network": lambda work, out: load_pipeline(work / "whole").model.save_pretrained(out),
    "save_skill": lambda work, out: HeadstartForJointNLU.from_pretrained(work / "base").save_skill("travel", out),
    "report": lambda work, out: make_report(ReportOptions(work / "coffee", out, base=str(work / "base"))),
    "pretraining": lambda work, out: pretrain(work, out, ["coffee"], embeddings="random", max_steps=1),
}
HELD = {
    "fine-tuning": ("export", "head", "heads", "rows", "report", "another network", "an application", "a project", "state"),
    "fine-tuning of a head": ("export", "heads", "rows", "report", "model", "a project", "state"),
    "export": ("head", "heads", "rows", "report", "model", "state"),
    "convert": ("export", "head", "report", "model", "state"),
    "save_pretrained of the network": ("export", "head", "heads", "rows", "report", "another network", "state"),
    "save_skill": ("export", "rows", "report", "model"),
    "report": ("export", "head", "rows", "model", "state"),
    "pretraining": ("export", "head", "rows", "report", "another network"),
}


@pytest.mark.parametrize(("writer", "held"), [(writer, held) for writer, kinds in HELD.items() for held in kinds])
def test_nothing_is_written_into_a_folder_of_another_kind(writer: str, held: str, work: Path) -> None:
    out = put(work, held)
    before = content(out)
    with pytest.raises(ValueError, match=r"of (its|their) own|no card of a model") as error:
        WRITERS[writer](work, out)
    assert str(out) in str(error.value) and "\n" not in str(error.value)
    assert content(out) == before


@pytest.mark.parametrize(("out", "options"), [("base", {}), ("coffee", {}), ("link", {}), ("base", {"tune": "head"})], ids=str)
def test_a_run_does_not_write_over_what_it_starts_from(out: str, options: dict[str, Any], work: Path) -> None:
    (work / "link").symlink_to(work / "base")
    before = content(work / "base") | content(work / "coffee")
    with pytest.raises(ValueError, match=r"output_dir is the (base|skill) itself|folder of its own"):
        tune(work, out, **options)
    assert content(work / "base") | content(work / "coffee") == before


def test_a_skill_in_memory_may_be_called_as_its_folder(work: Path) -> None:
    skill = load_skill(work / "coffee").replace(name="new")
    for _ in range(2):
        tune(work, "new", skill=skill)
    alexa = work / "assistant"
    convert(work / "coffee", alexa / "en-US.json")
    with pytest.raises(ValueError, match="output_dir is the skill itself"):
        tune(work, "assistant", skill=alexa)


def test_nor_over_the_embedded_base(work: Path) -> None:
    with pytest.raises(ValueError, match="output_dir is the base itself"):
        finetune(work / "coffee", BASE_EN, **OPTIONS)


def test_a_head_beside_an_export_is_neither(work: Path) -> None:
    folder = put(work, "export")
    shutil.copytree(put(work, "head"), folder, dirs_exist_ok=True)
    with pytest.raises(ValueError, match=r"holds a head \(head.json\) and an exported skill \(headstart.json\): move one"):
        load_pipeline(folder, base=work / "base")


def test_a_card_of_what_is_replaced_is_left_nowhere(work: Path) -> None:
    assert "coffee" in (work / "whole/README.md").read_text()
    (work / "corpora").mkdir()
    shutil.copytree(work / "coffee", work / "corpora/drinks")
    pretrain(
        work / "corpora",
        work / "whole",
        ["drinks"],
        embeddings="random",
        min_word_count=2,
        max_steps=1,
        disable_tqdm=True,
        use_cpu=True,
    )
    card = (work / "whole/README.md").read_text()
    assert "| drinks |" in card and "coffee" not in card


# ---- converting


def linked(work: Path, name: str, target: str) -> Path:
    (work / name).symlink_to(work / target)
    return work / name


ITSELF: dict[str, Callable[[Path], tuple[Any, Any]]] = {
    "the folder": lambda work: ("coffee", "coffee"),
    "the folder, by another spelling": lambda work: (work / "coffee", "coffee/../coffee/."),
    "the folder, through a link": lambda work: ("coffee", linked(work, "link", "coffee")),
    "a file inside of the folder": lambda work: ("coffee", "coffee/alexa.json"),
    "a folder inside of the folder": lambda work: ("coffee", "coffee/rows"),
    "a link that leads into it": lambda work: ("coffee", linked(work, "out.jsonl", "coffee/train.jsonl")),
    "the file": lambda work: ("coffee/train.jsonl", "coffee/train.jsonl"),
    "the file, by another name": lambda work: ("coffee/train.jsonl", (os.link(work / "coffee/train.jsonl", work / "hard.jsonl"), "hard.jsonl")[1]),
    "the folder that the file lies in": lambda work: ("coffee/train.jsonl", "coffee"),
    "a file that a link in the folder leads to": lambda work: (
        (shutil.move(work / "coffee/catalogs.json", work / "c.json"), linked(work, "coffee/catalogs.json", "c.json"), "coffee")[2], "c.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ITSELF)
def test_a_skill_is_not_converted_onto_itself(name: str, work: Path) -> None:
    source, out = ITSELF[name](work)
    before = content(work)
    with pytest.raises(ValueError, match="is a part of the skill itself") as error:
        convert(source, out)
    assert "\n" not in str(error.value) and content(work) == before


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
def test_a_converted_file_takes_no_place_in_a_model(name: str, work: Path) -> None:
    before = content(work / "whole")
    with pytest.raises(ValueError, match="is a file of a Headstart checkpoint"):
        convert(work / "coffee", work / "whole" / name)
    assert content(work / "whole") == before


@pytest.mark.parametrize("out", ["rows", "rows.jsonl", "alexa.json", "rasa.yml"])
def test_a_conversion_that_fails_leaves_the_earlier_one(out: str, work: Path) -> None:
    """On a disk that is full sooner or later."""
    convert(work / "coffee", work / out)
    rewrite(work / "coffee/train.jsonl", lambda text: text.replace("coffee", "matcha"))
    before = content(work)
    for room in (0, 100, 2000):

        def convert_in_little_room(room: int = room) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            with pytest.raises(OSError):
                convert(work / "coffee", work / out)

        finish(start(convert_in_little_room))
        assert content(work) == before


def test_a_pipe_is_written_as_it_is(work: Path) -> None:
    os.mkfifo(work / "pipe.jsonl")
    process = start(lambda: convert(work / "coffee", work / "pipe.jsonl"))
    assert len((work / "pipe.jsonl").read_text().splitlines()) == len(load_skill(work / "coffee").rows("train"))
    finish(process)


# ---- one folder, two runs


@pytest.fixture
def holder(work: Path) -> Iterator[int]:
    """A process that writes into `new`, and doesn't come to its end."""
    ready, said = os.pipe()

    def hold() -> None:
        with locked(work / "new"):
            os.write(said, b"!")
            signal.pause()

    process = start(hold)
    assert os.read(ready, 1) == b"!"
    yield process
    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


@pytest.mark.parametrize("writer", ["fine-tuning", "fine-tuning of a head", "export", "convert", "pretraining", "report"])
def test_the_second_of_two_runs_is_told_and_a_killed_one_is_no_hindrance(writer: str, work: Path, holder: int) -> None:
    if writer == "report":
        action: Callable[[], Any] = lambda: make_report(
            ReportOptions(work / "skills", work / "new", base=str(work / "base"), jobs=1)
        )
    else:
        action = lambda: WRITERS[writer](work, work / "new")
    with pytest.raises(
        OSError, match=rf"new' is being written by another run \(process {holder}\): wait for its end, or give another folder"
    ):
        action()
    assert not (work / "new").exists()
    if writer not in ("export", "fine-tuning", "convert"):
        return
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert (work / ".new.lock").exists()  # nobody took it away
    action()
    assert not (work / ".new.lock").exists() and not [path for path in (work / "new").rglob("*lock*")]


def test_a_folder_that_is_released_can_be_had_again_and_its_data_workers_hold_nothing(work: Path) -> None:
    for _ in range(2):
        with locked(work / "new"), pytest.raises(OSError, match=f"process {os.getpid()}"), locked(work / "new/../new"):
            pass
    with locked(work / "new"):
        tune(work, "other", dataloader_num_workers=2)
        with pytest.raises(OSError, match="being written"), locked(work / "new"):
            pass


# ---- what belongs together is written together


def test_a_comparison_that_is_interrupted_leaves_a_card_of_the_model_beside_it(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(work, "new")

    def stop(*args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("headstart.finetuning.finetune._without_transfer", stop)
    skill = load_skill(work / "coffee").replace(name="espresso")
    with pytest.raises(KeyboardInterrupt):
        tune(work, "new", skill=skill, compare_no_transfer=True)
    assert load_pipeline(work / "new").model.skills == ["espresso"]
    assert "**espresso**" in (work / "new/README.md").read_text()
    assert json.loads((work / "new/run.json").read_text())["skill"] == "espresso"


# ---- options, and rows that nothing can be chosen on


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nrefill: 0.1\nseed: 2\n", "seed stands in line 1 and in line 3"),
        ('{"seed": 1, "seed": 2}', "seed stands in line 1 and in line 1"),
        ("seed: " + "[" * 100_000, "is not YAML that can be read"),
        ('{"lr_scheduler_kwargs": ' + '{"a":' * 100_000, "is not YAML that can be read"),
        ("seed: &a [*a]\n", "seed"),
        ("1: 2\n", "must hold options by name"),
        ("? [a]\n: 2\n", "is not YAML that can be read"),
        ("seed: !!python/name:os.system x\n", "is not YAML that can be read"),
        ("max_steps: [2, 3]\n", "max_steps is [2, 3]"),
        ("tune: [all, --seed, 7]\n", "tune is ['all', '--seed', 7] in"),
        ("report_to: [--seed, 7]\n", "report_to is ['--seed', 7]"),
        ("skill_name: on\n", "skill_name is True in"),
        ("skill_name: 1:30\n", "skill_name is 90 in"),
        ("lr_scheduler_kwargs: {a: 2020-01-01}\n", "lr_scheduler_kwargs is {'a': datetime"),
        ("lr_scheduler_kwargs: &a {a: *a}\n", "lr_scheduler_kwargs is {'a': {...}}"),
        ("max_steps: {a: 1}\n", "max_steps is {'a': 1}"),
        ("seed: 1\n\ttune: all\n", "is not YAML that can be read: line 2, "),
        (b"seed: \xff\xfe", "options.yaml, line 1: not UTF-8 (byte 0xff)"),
    ],
    ids=range(18),
)
def test_a_file_of_options_that_can_not_be_meant(text: str | bytes, message: str, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "options.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises((ValueError, SystemExit)) as error:
        parse_options(FinetuneOptions, [str(file), "--output_dir", "x", "--skill", "y"], "headstart finetune")
    said = str(error.value) + capsys.readouterr().err
    assert message in said and len(said) < 3000


def test_a_list_of_a_file_of_options_sets_no_other_option(tmp_path: Path) -> None:
    """Words that look like options are items of their list, and what is typed takes the list's place."""
    file = tmp_path / "options.yaml"
    file.write_text("report_to: [--seed=7, -x, b]\nskill: --seed\neval_strategy: no\nlr_scheduler_kwargs: {a: yes}\n")
    said = parse_options(FinetuneOptions, [str(file), "--output_dir", "x"], "headstart finetune")
    assert said.trainer["report_to"] == ["--seed=7", "-x", "b"] and said.skill == "--seed" and said.seed == 42
    assert said.eval_strategy == "no" and said.trainer["lr_scheduler_kwargs"] == '{"a": true}'
    typed = parse_options(FinetuneOptions, [str(file), "--output_dir", "x", "--report_to", "c", "d"], "headstart finetune")
    assert typed.trainer["report_to"] == ["c", "d"]


def test_a_json_file_of_options_is_read_as_json(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_text('{\n\t"skill": "a\\/\\ud83c\\udf75",\n\t"learning_rate": 1e-3}', encoding="utf-8-sig")
    said = parse_options(FinetuneOptions, [str(file), "--output_dir", "x"], "headstart finetune")
    assert said.skill == "a/\U0001f375" and said.learning_rate == 0.001
    file.write_text('{"skill": "a", "skill": "b"}')
    with pytest.raises(ValueError, match="options.json can't be read .an object has 'skill' twice"):
        parse_options(FinetuneOptions, [str(file), "--output_dir", "x"], "headstart finetune")


@pytest.mark.parametrize("slots", [None, []])
def test_validation_rows_without_annotation_choose_nothing(slots: Any, work: Path, caplog: pytest.LogCaptureFixture) -> None:
    coffee = load_skill(work / "coffee")
    blank = [{**row, "intent": None, "slots": slots} for row in coffee.rows("validation")]
    tune(work, "new", skill=Skill("coffee", train=coffee.rows("train"), validation=blank))
    assert "validation rows has an annotated intent or slot: no checkpoint is chosen on them" in caplog.text
    assert json.loads((work / "new/metrics.json").read_text())["steps"] == 6
    with pytest.raises(ValueError, match="need validation rows"):
        tune(work, "other", skill=Skill("coffee", train=coffee.rows("train"), validation=blank), load_best_model_at_end=True)


@pytest.mark.parametrize("metric", ["f1", "eval_accuracy", "intent_accuracy"])
def test_a_metric_that_the_rows_do_not_have(metric: str, work: Path) -> None:
    coffee = load_skill(work / "coffee")
    slots_only = [{**row, "intent": None} for row in coffee.rows("validation")]
    with pytest.raises(
        ValueError, match=f"metric_for_best_model is '{metric}', which the validation rows don't have: they have .*slot_f1"
    ):
        tune(work, "new", skill=coffee.replace(validation=slots_only), metric_for_best_model=metric)


def test_a_report_among_the_skills_is_refused(work: Path) -> None:
    (work / "skills").mkdir()
    with pytest.raises(ValueError, match="would be written among the skills"):
        make_report(ReportOptions(work / "skills", work / "skills/report", base=str(work / "base")))
