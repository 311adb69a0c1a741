"""Files that don't belong together, and what changes between two steps: a run goes on as it began or says what differs, and touches nothing of
anybody else's."""

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
import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from headstart import DataError, HeadstartForJointNLU, NLUPipeline, Skill, convert, export, finetune, load_skill, pretrain
from headstart.checkpoints import BASE_EN
from headstart.data.streaming import write_labels
from headstart.loading import load_pipeline
from headstart.modeling.weights_headstart import note_hashes
from headstart.report.options import ReportOptions
from headstart.report.transfer_report import make_report
from headstart.saving import locked, mark_complete, newest_complete
from headstart.training.command_line import parse_options
from headstart.training.options import FinetuneOptions
from headstart.training.trainer import JointNLUTrainer

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from kills import finish, start

OPTIONS: dict[str, Any] = {
    "max_steps": 6, "per_device_train_batch_size": 16, "eval_steps": 2, "probe": False, "save_total_limit": 4, "disable_tqdm": True,
    "use_cpu": True, "report_to": "none", "logging_strategy": "no",
}  # fmt: skip
OUT_OF_SCOPE = [
    f"tell me {what} about {whom}" for what in ("more", "less", "all", "nothing") for whom in ("kings", "trains", "rain")
]


class Stop(TrainerCallback):
    """Interrupts training at the checkpoint after four steps."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 4:
            raise KeyboardInterrupt


def interrupt(action: Callable[[], Any]) -> None:
    train = JointNLUTrainer.train
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(JointNLUTrainer, "train", lambda self, **kw: (self.add_callback(Stop()), train(self, **kw))[1])
        action()


@pytest.fixture(scope="module")
def begun(root: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an interrupted fine-tuning leaves, with all that it read, and beside it what the uninterrupted one comes to."""
    place = tmp_path_factory.mktemp("begun")
    skill = place / "coffee"
    skill.mkdir()
    for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
        shutil.copy(root / "examples" / "coffee_machine" / f"{source}.jsonl", skill / f"{part}.jsonl")
    (skill / "catalogs.json").write_text(json.dumps({"drink": ["latte", "flat white"]}))
    shutil.copytree(tiny_base, place / "base")
    (place / "others.txt").write_text("\n".join(OUT_OF_SCOPE))
    tune(place, "whole")
    interrupt(lambda: tune(place, "out"))
    assert newest_complete(place / "out") == place / "out" / "checkpoint-4"
    return place


@pytest.fixture
def work(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which nothing knows of the place where it began."""
    folder = Path(shutil.copytree(begun, tmp_path / "work"))
    monkeypatch.chdir(folder)
    return folder


def tune(place: Path, out: str, **options: Any) -> NLUPipeline:
    files = {"base": str(place / "base"), "out_of_scope": str(place / "others.txt")}
    return finetune(options.pop("skill", place / "coffee"), place / out, **{**OPTIONS, **files, **options})


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    text = file.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    file.write_text(changed, encoding="utf-8")


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def change_base(work: Path) -> None:
    tensors = weights_of(work / "base")
    tensors["trunk.lstm.weight_hh_l0"][0, 0] += 1e-3
    save_file(tensors, work / "base" / "model.safetensors", metadata={"format": "pt"})
    note_hashes(work / "base")


def swap(first: str, second: str) -> Callable[[str], str]:
    return lambda text: text.replace(first, "\0").replace(second, first).replace("\0", second)


# ---- what changed between an interruption and going on: (what is changed, options, what the message names)

CHANGED: dict[str, tuple[Callable[[Path], Any], dict[str, Any], str]] = {
    "an intent's name, and with it the order": (
        lambda work: [rewrite(work / f"coffee/{part}.jsonl", lambda text: text.replace("StartBrew", "ZBrew").replace('"Brew', '"ZBrew')) for part in ("train", "validation", "test")],
        {}, "intents: ",
    ),
    "a slot's label": (
        lambda work: [rewrite(work / f"coffee/{part}.jsonl", lambda text: text.replace('"label": "size"', '"label": "amount"')) for part in ("train", "validation", "test")],
        {}, "slot_labels: 'size' is gone and 'amount' is new",
    ),
    "a label, for a row": (
        lambda work: rewrite(work / "coffee/train.jsonl", lambda text: text.replace(*_two_intents(text), 1)),
        {}, "training_rows was 57 rows, sha256 ",
    ),
    "the order of the rows": (
        lambda work: rewrite(work / "coffee/train.jsonl", lambda text: "\n".join(reversed(text.splitlines()))),
        {}, "training_rows was 57 rows, sha256 ",
    ),
    "a row more": (
        lambda work: rewrite(work / "coffee/train.jsonl", lambda text: text + text.splitlines()[0].replace('"text": "', '"text": "now ').split(', "slots"')[0] + ', "slots": []}\n'),
        {}, "training_rows was 57 rows, sha256 ",
    ),
    "a validation row less": (
        lambda work: rewrite(work / "coffee/validation.jsonl", lambda text: "\n".join(text.splitlines()[1:])),
        {}, "validation_rows was ",
    ),
    "no validation rows any more": (lambda work: (work / "coffee/validation.jsonl").unlink(), {}, "validation_rows was "),
    "a value in a catalog": (
        lambda work: rewrite(work / "coffee/catalogs.json", lambda text: text.replace("flat white", "cortado")), {}, "catalogs was sha256 ",
    ),
    "the base's weights": (change_base, {}, "base was sha256 "),
    "the base's tokenizer": (
        lambda work: (rewrite(work / "base/tokenizer.json", lambda text: text.replace('"lowercase": true', '"lowercase": false')), note_hashes(work / "base")),
        {}, "base was sha256 ",
    ),
    "the out-of-scope utterances": (
        lambda work: rewrite(work / "others.txt", lambda text: text.replace("kings", "queens")), {}, "out_of_scope_utterances was sha256 ",
    ),
    "the skill's name": (lambda work: None, {"skill_name": "espresso"}, "skill was coffee, is espresso"),
    "the seed": (lambda work: None, {"seed": 7}, "seed was 42, is 7"),
    "the steps": (lambda work: None, {"max_steps": 8}, "max_steps was 6, is 8"),
    "the learning rate": (lambda work: None, {"learning_rate": 1e-4}, "learning_rate was "),
    "the trunk's learning rate": (lambda work: None, {"trunk_learning_rate": 1e-4}, "trunk_learning_rate was "),
    "the batch": (lambda work: None, {"per_device_train_batch_size": 8}, "per_device_train_batch_size was 16, is 8"),
    "the optimizer": (lambda work: None, {"optim": "sgd"}, "optim was "),
    "when it is evaluated": (lambda work: None, {"eval_steps": 1}, "eval_steps was 2, is 1"),
    "what is chosen by": (lambda work: None, {"metric_for_best_model": "exact_match"}, "metric_for_best_model was semantic_error_rate, is exact_match"),
    "refilling": (lambda work: None, {"refill": 0.0}, "refill was 0.5, is 0.0"),
    "rejection": (lambda work: None, {"rejection": False}, "rejection was True, is False"),
    "what is trained": (lambda work: None, {"tune": "head"}, "tune was all, is head"),
    "from scratch": (lambda work: None, {"from_scratch": True}, "from_scratch was False, is True"),
    "the version": (lambda work: say(work / "out/checkpoint-4", headstart="0.0.9"), {}, "headstart was 0.0.9, is "),
    "the stage": (lambda work: say(work / "out/checkpoint-4", stage="pretrain"), {}, "stage was pretrain, is finetune"),
}  # fmt: skip


def _two_intents(text: str) -> tuple[str, str]:
    names = sorted({json.loads(line)["intent"] for line in text.splitlines()})
    return f'"intent": "{names[0]}"', f'"intent": "{names[1]}"'


def say(checkpoint: Path, **facts: Any) -> None:
    """Change what a checkpoint says of its run, as if it had been written so."""
    file = checkpoint / "resume.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))
    mark_complete(checkpoint)


@pytest.mark.parametrize("name", CHANGED)
def test_what_differs_is_named_and_nothing_is_trained(name: str, work: Path) -> None:
    change, options, message = CHANGED[name]
    change(work)
    before = content(work / "out")
    with pytest.raises(ValueError) as error:
        tune(work, "out", resume_from_checkpoint="last", **options)
    said = str(error.value)
    assert message in said and "checkpoint-4" in said and "\n" not in said and "start anew" in said, said
    assert content(work / "out") == before


UNCHANGED: dict[str, tuple[Callable[[Path], Any], dict[str, Any]]] = {
    "nothing": (lambda work: None, {}),
    "how many checkpoints are kept": (lambda work: None, {"save_total_limit": 1}),
    "what is logged": (lambda work: None, {"logging_strategy": "steps", "logging_steps": 1}),
    "a default that is said": (lambda work: None, {"weight_decay": 0.01, "refill": 0.5, "tune": "all"}),
    "the learning rate that was chosen, said": (lambda work: None, {"learning_rate": "as it was"}),
    "the test rows": (lambda work: (work / "coffee/test.jsonl").unlink(), {}),
    "the file's spelling of the same rows": (
        lambda work: rewrite(work / "coffee/train.jsonl", lambda text: text.replace('": ', '" : ')), {},
    ),
    "where the skill lies": (
        lambda work: shutil.move(work / "coffee", work / "moved"), {"skill": "moved", "skill_name": "coffee"},
    ),
    "where the base lies": (lambda work: shutil.move(work / "base", work / "moved"), {"base": "moved"}),
    "the checkpoint's folder, given by name": (lambda work: None, {"resume_from_checkpoint": "out/checkpoint-4"}),
    "what it says of its run, as headstart 0.1 wrote it": (
        lambda work: [((state / "resume.json").unlink(), mark_complete(state)) for state in (work / "out").glob("checkpoint-*")], {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_changes_nothing_is_no_hindrance(name: str, work: Path) -> None:
    change, options = UNCHANGED[name]
    if options.get("learning_rate") == "as it was":
        options = {"learning_rate": json.loads((work / "whole/run.json").read_text())["options"]["learning_rate"]}
    change(work)
    tune(work, "out", **{"resume_from_checkpoint": "last", **options})
    assert same(weights_of(work / "whole"), weights_of(work / "out"))
    assert not list((work / "out").glob("checkpoint-*"))


def test_a_folder_that_was_moved_goes_on_with_its_own_best_checkpoint(begun: Path, work: Path) -> None:
    """Though another run has begun at the place where it was, of which the state still speaks."""
    interrupt(lambda: tune(work, "first"))
    (work / "first").rename(work / "moved")
    interrupt(lambda: tune(work, "first", seed=3))
    recorded = json.loads((work / "moved/checkpoint-4/trainer_state.json").read_text())["best_model_checkpoint"]
    assert Path(recorded).parent == work / "first"
    tune(work, "moved", resume_from_checkpoint="last")
    assert same(weights_of(work / "whole"), weights_of(work / "moved"))


def best_of(work: Path) -> Path:
    recorded = json.loads((work / "out/checkpoint-4/trainer_state.json").read_text())["best_model_checkpoint"]
    return work / "out" / Path(recorded).name


def test_without_the_best_checkpoint_it_does_not_go_on(work: Path, begun: Path) -> None:
    state = work / "out/checkpoint-4/trainer_state.json"
    fields = json.loads(state.read_text())
    state.write_text(json.dumps({**fields, "best_model_checkpoint": "out/checkpoint-2", "best_global_step": 2}))
    mark_complete(state.parent)
    (work / "out/checkpoint-2/model.safetensors").unlink()
    with pytest.raises(ValueError, match="the best checkpoint so far, .*checkpoint-2', is not there as it was written"):
        tune(work, "out", resume_from_checkpoint="last")


# ---- checkpoints that are put together of several


def other_run(work: Path) -> Path:
    interrupt(lambda: tune(work, "other", seed=5))
    return work / "other" / "checkpoint-4"


MIXED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "another run's checkpoint": (
        lambda work: (shutil.rmtree(work / "out/checkpoint-4"), shutil.copytree(other_run(work), work / "out/checkpoint-4")), "seed was 5, is 42",
    ),
    "another run's later checkpoint": (lambda work: shutil.copytree(other_run(work), work / "out/checkpoint-5"), "seed was 5, is 42"),
    "another run's state": (
        lambda work: shutil.copy(other_run(work) / "trainer_state.json", work / "out/checkpoint-4"), "trainer_state.json is damaged",
    ),
    "another run's weights": (
        lambda work: shutil.copy(other_run(work) / "model.safetensors", work / "out/checkpoint-4"), "model.safetensors is damaged",
    ),
    "another step's optimizer": (
        lambda work: shutil.copy(work / "out/checkpoint-2/optimizer.pt", work / "out/checkpoint-4"), "optimizer.pt is damaged",
    ),
    "another run's facts": (
        lambda work: shutil.copy(other_run(work) / "resume.json", work / "out/checkpoint-4"), "resume.json is damaged",
    ),
    "the result's configuration": (
        lambda work: shutil.copy(work / "base/config.json", work / "out/checkpoint-4"), "config.json is damaged",
    ),
    "facts that are none": (
        lambda work: ((work / "out/checkpoint-4/resume.json").write_text("[1]"), mark_complete(work / "out/checkpoint-4")),
        "resume.json' can't be read: it holds no JSON object",
    ),
    "facts that end in the middle": (
        lambda work: ((work / "out/checkpoint-4/resume.json").write_text('{"a'), mark_complete(work / "out/checkpoint-4")),
        "resume.json' can't be read: ",
    ),
    "facts that are nested deeply": (
        lambda work: ((work / "out/checkpoint-4/resume.json").write_text("[" * 100_000), mark_complete(work / "out/checkpoint-4")),
        "resume.json' can't be read: ",
    ),
    "labels of headstart 0.1 in another order": (
        lambda work: (
            (work / "out/checkpoint-4/resume.json").unlink(), mark_complete(work / "out/checkpoint-4"),
            [rewrite(work / f"coffee/{part}.jsonl", swap(*_two_intents_of(work))) for part in ("train", "validation", "test")],
            [rewrite(work / f"coffee/{part}.jsonl", lambda text: text.replace(f'"{_two_intents_of(work)[0]}"', '"zzz"')) for part in ("validation", "test", "train")],
        ),
        "intents of coffee: ",
    ),
}  # fmt: skip


def _two_intents_of(work: Path) -> tuple[str, str]:
    names = sorted({json.loads(line)["intent"] for line in (work / "coffee/train.jsonl").read_text().splitlines()})
    return names[0], names[1]


@pytest.mark.parametrize("name", MIXED)
def test_a_checkpoint_that_is_put_together_is_refused(name: str, work: Path) -> None:
    mix, message = MIXED[name]
    mix(work)
    named = max((work / "out").glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    with pytest.raises(ValueError) as error:
        tune(work, "out", resume_from_checkpoint=str(named))
    assert message in str(error.value), error.value


def test_a_report_s_or_another_model_s_run_json_is_no_part_of_going_on(work: Path) -> None:
    (work / "out/run.json").write_text('{"headstart": "9", "options": {"seed": 1}}')
    (work / "out/metrics.json").write_text("no JSON")
    tune(work, "out", resume_from_checkpoint="last")
    assert same(weights_of(work / "whole"), weights_of(work / "out"))
    assert json.loads((work / "out/run.json").read_text())["options"]["seed"] == 42


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("row", "training rows of coffee_machine was "), ("sources", "sources: "), ("slots", "slot labels of plant_care: "),
        ("width", "hidden_size was 10, is 12"), ("validation", "validation rows of plant_care was "),
    ],
)  # fmt: skip
@pytest.mark.parametrize("streaming", [False, True])
def test_pretraining_goes_on_with_the_same_corpora_alone(
    change: str, message: str, streaming: bool, material: tuple[Path, Path], tmp_path: Path
) -> None:
    corpora, names = material[1], ["coffee_machine", "plant_care"]
    options: dict[str, Any] = {
        "embeddings": "random", "min_word_count": 2, "embedding_size": 12, "hidden_size": 10, "task_hidden_size": 8, "max_steps": 6,
        "per_device_train_batch_size": 16, "save_strategy": "steps", "save_steps": 2, "streaming": streaming, "disable_tqdm": True, "use_cpu": True,
    }  # fmt: skip
    write_labels(str(corpora))
    interrupt(lambda: pretrain(corpora, tmp_path / "out", names, **options))
    if change == "row":
        rewrite(corpora / "coffee_machine/train.jsonl", lambda text: "\n".join(text.splitlines()[1:]))
    if change == "slots":
        rewrite(corpora / "plant_care/train.jsonl", lambda text: text.replace('"label": "plant"', '"label": "zplant"'))
    if change == "validation":
        rewrite(corpora / "plant_care/validation.jsonl", lambda text: "\n".join(reversed(text.splitlines())))
    write_labels(str(corpora))
    changed = {**options, "hidden_size": 12} if change == "width" else options
    with pytest.raises(ValueError) as error:
        pretrain(
            corpora, tmp_path / "out", names[::-1] if change == "sources" else names, resume_from_checkpoint="last", **changed
        )
    # A stream says by itself which of its sources read otherwise.
    assert message in str(error.value) or (streaming and "the stream can't go on" in str(error.value)), error.value


# ---- what a run finds in its folder, and did not write

FOREIGN = ("checkpoint-2024-backup/notes.txt", "checkpoint-7/weights.bin", "checkpoint-notes.md", "checkpoint-/x", "notes/a.txt", ".unfinished-mine", ".unfinished-mine-too/a")  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"save_total_limit": 1}, {"tune": "head"}, {"resume_from_checkpoint": "last"}], ids=str)
def test_what_somebody_put_into_the_folder_stays(options: dict[str, Any], work: Path) -> None:
    out = "out" if "resume_from_checkpoint" in options else "new"
    for name in FOREIGN:
        (work / out / name).parent.mkdir(parents=True, exist_ok=True)
        (work / out / name).write_text("mine")
    tune(work, out, **options)
    assert {name: (work / out / name).read_text() for name in FOREIGN} == dict.fromkeys(FOREIGN, "mine")
    assert not (work / out / "checkpoint-6").exists() and load_pipeline(
        work / out, base=work / "base" if "tune" in options else None
    )


def test_another_runs_checkpoints_stay_and_so_do_notes_in_its_own(work: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(other_run(work), work / "out/checkpoint-3")
    (work / "out/checkpoint-2/notes.txt").write_text("mine")
    kept = content(work / "out/checkpoint-3")
    tune(work, "out", resume_from_checkpoint="last", save_total_limit=1)
    assert content(work / "out/checkpoint-3") == kept
    assert content(work / "out/checkpoint-2") == {"notes.txt": b"mine"}
    assert "checkpoint-2 stays: it holds notes.txt, which training didn't write" in caplog.text
    assert sorted(path.name for path in (work / "out").glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-3"]


def test_a_checkpoint_that_was_never_finished_is_taken_away(work: Path) -> None:
    """It says whose it is before anything else is in it."""
    (work / "out/checkpoint-2/sha256.json").unlink()
    (work / "out/checkpoint-2/optimizer.pt").unlink()
    tune(work, "out", resume_from_checkpoint="last")
    assert not list((work / "out").glob("checkpoint-*"))


@pytest.mark.parametrize("step", [2, 4, 6])
def test_a_checkpoint_takes_nobodys_place(step: int, work: Path) -> None:
    mine = work / "new" / f"checkpoint-{step}" / "weights.bin"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(OSError, match=f"checkpoint-{step}' is there, and this run didn't write it"):
        tune(work, "new")
    assert content(work / "new") == {f"checkpoint-{step}/weights.bin": b"mine"}


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
    "fine-tuning": ("export", "heads", "rows", "report", "another network", "an application", "a project", "state"),
    "fine-tuning of a head": ("export", "heads", "rows", "report", "model", "a project", "state"),
    "export": ("head", "heads", "rows", "report", "model", "state"),
    "convert": ("export", "head", "report", "model", "state"),
    "save_pretrained of the network": ("export", "rows", "report", "another network", "state"),
    "save_skill": ("export", "rows", "report", "model"),
    "report": ("export", "head", "rows", "model", "state"),
    "pretraining": ("export", "rows", "report", "another network"),
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


def test_a_model_of_another_skill_leaves_no_card_behind(work: Path) -> None:
    """Pretraining writes none: the card that lay there was of what it replaces."""
    assert "coffee" in (work / "whole/README.md").read_text()
    (work / "corpora").mkdir()
    shutil.copytree(work / "coffee", work / "corpora/coffee")
    pretrain(
        work / "corpora",
        work / "whole",
        ["coffee"],
        embeddings="random",
        min_word_count=2,
        max_steps=1,
        disable_tqdm=True,
        use_cpu=True,
    )
    assert not (work / "whole/README.md").exists()


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
        (b"seed: \xff\xfe", "is not YAML that can be read"),
    ],
    ids=range(9),
)
def test_a_file_of_options_that_can_not_be_meant(text: str | bytes, message: str, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "options.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises((ValueError, SystemExit)) as error:
        parse_options(FinetuneOptions, [str(file), "--output_dir", "x", "--skill", "y"], "headstart finetune")
    said = str(error.value) + capsys.readouterr().err
    assert message in said and len(said) < 3000


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


# ---- a report's log


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "a line is what a run resulted in"),
        ('{"skill": "tea"}', "a line is what a run resulted in"),
        ("[" * 100_000, "not JSON"),
    ],
    ids=range(4),
)
def test_a_line_of_a_report_s_log_that_is_none(line: str, message: str, work: Path) -> None:
    (work / "skills").mkdir()
    shutil.copytree(work / "coffee", work / "skills/coffee")
    (work / "report").mkdir()
    (work / "report/runs.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match=r"runs\.jsonl, line 1: ") as error:
        make_report(
            ReportOptions(
                work / "skills", work / "report", base=str(work / "base"), seeds=1, jobs=1, systems=("transfer",), max_steps=1
            )
        )
    assert message in str(error.value)


def test_a_report_among_the_skills_is_refused(work: Path) -> None:
    (work / "skills").mkdir()
    with pytest.raises(ValueError, match="would be written among the skills"):
        make_report(ReportOptions(work / "skills", work / "skills/report", base=str(work / "base")))
