"""Files that don't belong together, and what changes between two steps: a run goes on as it began or says what differs, and touches nothing of
anybody else's."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from headstart import pretrain
from headstart.data.streaming import write_labels
from headstart.loading import load_pipeline
from headstart.modeling.integrity_headstart import note_hashes
from headstart.saving import mark_complete

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from interrupted import content, interrupt, rewrite, same, tune, weights_of


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


def test_a_folder_that_was_moved_goes_on_with_its_own_best_checkpoint(work: Path) -> None:
    """Though another run has begun at the place where it was, of which the state still speaks."""
    interrupt(lambda: tune(work, "first"))
    (work / "first").rename(work / "moved")
    interrupt(lambda: tune(work, "first", seed=3))
    recorded = json.loads((work / "moved/checkpoint-4/trainer_state.json").read_text())["best_model_checkpoint"]
    assert Path(recorded).parent == work / "first"
    tune(work, "moved", resume_from_checkpoint="last")
    assert same(weights_of(work / "whole"), weights_of(work / "moved"))


def test_without_the_best_checkpoint_it_does_not_go_on(work: Path) -> None:
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
    ("change", "message", "streaming"),
    [
        ("row", "training rows of coffee_machine was ", False), ("sources", "sources: ", False), ("slots", "slot labels of plant_care: ", False),
        ("width", "hidden_size was 10, is 12", False), ("validation", "validation rows of plant_care was ", False),
        ("row", "coffee_machine", True), ("validation", "validation rows of plant_care was ", True),
    ],
)  # fmt: skip
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
