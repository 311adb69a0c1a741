"""What training says: what was read, the plan, losses and scores, a table of labels, where it was saved, and what to do next."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart import DataError, Skill
from headstart.cli import main
from headstart.evaluation.by_label import label_table, score_labels
from headstart.pretraining.recipe import resolve
from headstart.training.command_line import parse_options
from headstart.training.options import FinetuneOptions, PretrainOptions
from headstart.training.telling import Told, telling

OPTIONS: dict[str, Any] = {"max_steps": 10, "use_cpu": True}
TELLER = "headstart.training.telling"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == TELLER]


def test_a_fine_tuning_tells_what_it_read_does_and_came_to(
    coffee: Skill, tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "headstart")
    headstart.finetune(coffee, tmp_path / "out", base=str(tiny_base), **OPTIONS)
    lines = told(caplog)
    assert lines[0].startswith(
        "read: skill coffee_machine, rows: 57 train, 22 test; 6 intents, 10 slots; catalogs of 5 slots with 33 values"
    )
    assert "no validation rows" in lines[1]
    assert lines[2].startswith("plan: 10 steps of 19 rows from ") and "none of the skill's: 9, names of intents: 6" in lines[2]
    losses = [line for line in lines if "loss" in line]
    assert losses[0].startswith("step 1 of 10: loss ") and len(losses) == 10
    table = next(line for line in lines if line.startswith("test rows: exact match "))
    assert "BrewCoffee" in table and "drink" in table
    assert lines[-2].startswith(f"saved: {tmp_path / 'out'}, a checkpoint")
    assert lines[-1] == f"next: headstart predict {tmp_path / 'out'} '{coffee.rows('test')[0]['text']}'"


def test_scores_of_validation_rows_come_as_they_are_found(
    coffee: Skill, tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "headstart")
    for part, source in (("train", "train"), ("validation", "test")):
        write(tmp_path / "coffee", *map(json.dumps, coffee.rows(source)), part=part)
    headstart.finetune(tmp_path / "coffee", tmp_path / "out", base=str(tiny_base), **OPTIONS)
    lines = told(caplog)
    scores = [line for line in lines if "validation rows: exact match" in line]
    assert len([line for line in scores if line.startswith("step ")]) == 10 and "(the best so far)" in scores[0]
    hint = next(line for line in lines if line.startswith("There were no test rows"))
    assert "which flatters it" in hint and "headstart convert" in hint and "--test_share 0.2" in hint


def test_without_held_out_rows_it_says_that_nothing_is_known(
    tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "headstart")
    rows = [{"text": f"light {word}", "intent": word, "slots": []} for word in ("on", "off")]
    headstart.finetune(rows, tmp_path / "out", base=str(tiny_base), **OPTIONS)
    lines = told(caplog)
    assert any("fewer than 5 training rows" in line and "off (1), on (1)" in line for line in lines)
    assert any("nothing says how good it is" in line for line in lines)


def test_quiet_says_nothing_and_json_prints_one_object(
    root: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skill = str(root / "examples" / "coffee_machine")
    options = ["--base", str(tiny_base), "--max_steps", "2", "--use_cpu", "true"]
    alexa = str(root / "examples" / "city_bike" / "en-US.json")
    assert main(["finetune", alexa, "--output_dir", str(tmp_path / "bike"), *options, "--quiet"]) == 0
    assert "INFO" not in capsys.readouterr().err
    assert main(["finetune", skill, "--output_dir", str(tmp_path / "out"), *options, "--quiet", "--json"]) == 0
    output, errors = capsys.readouterr()
    (line,) = output.splitlines()
    summary = json.loads(line)
    assert (summary["skill"], summary["tune"], summary["part"]) == ("coffee_machine", "all", "test")
    assert summary["rows"] == {"train": 57, "test": 22} and 0 <= summary["metrics"]["test_exact_match"] <= 1
    assert summary["labels"]["intents"][0] == {**summary["labels"]["intents"][0], "intent": "BrewCoffee", "rows": 6}
    assert not [told for told in errors.splitlines() if not told.startswith("WARNING")]
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert "quiet" not in run["options"]


def test_a_file_gets_no_progress_bars(root: Path, tiny_base: Path, tmp_path: Path) -> None:
    """Nor what transformers prints of its own accord."""
    code = (
        "import sys, headstart; nlu = headstart.finetune(sys.argv[1], sys.argv[2], base=sys.argv[3], max_steps=2, use_cpu=True); "
        "headstart.evaluate(sys.argv[2], sys.argv[1] + '/test.jsonl')"
    )
    command = [sys.executable, "-c", code, root / "examples" / "coffee_machine", tmp_path / "out", tiny_base]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "" and "it/s" not in done.stderr and "\r" not in done.stderr
    assert "read: skill coffee_machine" in done.stderr and "next: headstart predict" in done.stderr


def test_logging_is_left_as_it_was() -> None:
    ours = logging.getLogger("headstart")
    before = ours.level, list(ours.handlers)
    with telling(is_quiet=True):
        assert ours.level == logging.WARNING
    assert (ours.level, list(ours.handlers)) == before


def test_the_best_so_far_is_the_lowest_error() -> None:
    callback = Told(("semantic_error_rate", False))
    notes = [callback._note({"eval_semantic_error_rate": 0.5}, best) for best in (None, 0.4, 0.5, 0.6)]
    assert [bool(note) for note in notes] == [True, False, False, True]


def test_each_label_is_scored_and_what_it_is_taken_for() -> None:
    references: Any = [
        {"text": "a b", "intent": "x", "slots": [{"label": "s", "start": 0, "end": 1}]},
        {"text": "a b", "intent": "x", "slots": None},
        {"text": "a b", "intent": "y", "slots": []},
        {"text": "a b", "intent": None, "slots": []},
    ]
    answers: Any = [
        {"intent": {"label": "x"}, "slots": [{"label": "s", "start": 0, "end": 1}]},
        {"intent": {"label": None}, "slots": [{"label": "s", "start": 0, "end": 1}]},
        {"intent": {"label": "x"}, "slots": [{"label": "t", "start": 0, "end": 1}]},
        {"intent": {"label": "y"}, "slots": []},
    ]
    scores = score_labels(answers, references)
    assert [(score.intent, score.rows, score.right, score.taken_for) for score in scores.intents] == [
        ("x", 2, 1, "none of these"),
        ("y", 1, 0, "x"),
    ]
    assert [(score.slot, score.spans, score.found, score.right, score.f1) for score in scores.slots] == [
        ("s", 1, 1, 1, 1.0),
        ("t", 0, 1, 0, 0.0),
    ]
    assert label_table(scores).splitlines() == [
        "  intent  rows  right  else mostly",
        "  x          2      1  none of these",
        "  y          1      0  x",
        "",
        "  slot  spans  found  right    F1",
        "  s         1      1      1  1.00",
        "  t         0      1      0  0.00",
    ]


def test_evaluate_prints_four_digits_and_a_table_beside(
    root: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("text,intent\nto paris,book\nno more,cancel\nbook it,book\n", encoding="utf-8")
    assert main(["evaluate", str(tiny_base), "--skill", "travel", "--data", str(table)]) == 0
    output, errors = capsys.readouterr()
    assert all(len(str(value)) <= 6 for value in json.loads(output).values()) and "  book" in errors
    assert main(["evaluate", str(tiny_base), "--skill", "travel", "--data", str(table), "--quiet"]) == 0
    assert "  book" not in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["finetune", "pretrain"])
def test_help_is_a_page_and_help_all_is_all(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for option in ("--help", "--help_all"):
        with pytest.raises(SystemExit) as caught:
            main([stage, option])
        assert caught.value.code == 0
        pages.append(capsys.readouterr().out)
    assert len(pages[0].splitlines()) <= 60 < len(pages[1].splitlines())
    assert "--output_dir" in pages[0] and "--adam_beta1" not in pages[0]
    assert "--adam_beta1" in pages[1] and "--word_dropout" in pages[1] if stage == "pretrain" else "--name_rows" in pages[1]


def test_the_first_argument_is_the_skill_or_a_file_of_options(root: Path, tmp_path: Path) -> None:
    """Skills are JSON and YAML files, too."""
    options = tmp_path / "options.yaml"
    options.write_text("skill: rows.jsonl\nseed: 3\n", encoding="utf-8")
    rasa = tmp_path / "nlu.yml"
    rasa.write_text('version: "3.1"\nnlu:\n- intent: on\n', encoding="utf-8")
    alexa = root / "examples" / "city_bike" / "en-US.json"
    for place in (rasa, alexa, tmp_path / "rows.jsonl", tmp_path):
        assert parse_options(FinetuneOptions, [str(place), "--output_dir", "o"], "finetune").skill == str(place)
    said = parse_options(FinetuneOptions, [str(options), "--output_dir", "o"], "finetune")
    assert (said.skill, said.seed) == ("rows.jsonl", 3)
    both = parse_options(FinetuneOptions, [str(alexa), str(options), "--output_dir", "o"], "finetune")
    assert (both.skill, both.seed) == (str(alexa), 3)


# ---- pretraining on one's own corpora


def write(folder: Path, *lines: str, part: str = "train") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")


def test_all_faults_of_a_folder_are_in_one_message(tmp_path: Path) -> None:
    write(tmp_path / "one", '{"text": "on", "intent": "a", "slots": []}', '{"text": "on"}', "no json")
    write(tmp_path / "two", '{"text": "on", "intent": "a", "slots": []}')
    write(tmp_path / "two", "[]", part="validation")
    with pytest.raises(DataError) as caught:
        headstart.pretrain(tmp_path, tmp_path.parent / "base", ["one", "three"], without_slots=["four"])
    message = str(caught.value)
    for fault in (
        "no corpus 'four'",
        "no corpus 'three'",
        "one/train.jsonl, line 2",
        "one/train.jsonl, line 3",
        "two/validation.jsonl, line 1",
    ):
        assert fault in message
    assert message.startswith(f"{tmp_path} has 5 faults:")


def test_a_folder_without_corpora_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    with pytest.raises(
        DataError, match="no folder with train.jsonl in it; its folders csv hold none. headstart convert FILE --out FOLDER/NAME"
    ):
        headstart.pretrain(tmp_path, tmp_path.parent / "base")
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        headstart.pretrain("nowhere")


def test_a_base_from_a_folder_of_rows_and_nothing_else(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither validation nor test rows, nor a file of options; the result lies beside."""
    for name in ("coffee_machine", "plant_care"):
        write(tmp_path / "mine" / name, (root / "examples" / name / "train.jsonl").read_text(encoding="utf-8"))
    sizes = ["--embedding_size", "16", "--hidden_size", "16", "--task_hidden_size", "16", "--max_steps", "20"]
    assert main(["pretrain", str(tmp_path / "mine"), "--embeddings", "random", *sizes, "--use_cpu", "true", "--json"]) == 0
    summary, log = json.loads(capsys.readouterr().out), caplog.text
    assert summary["output_dir"] == f"{tmp_path / 'mine'}-base" and set(summary["rows"]) == {"coffee_machine", "plant_care"}
    assert "held out by template" in log and "next: headstart finetune SKILL --base" in log
    assert headstart.finetune(root / "examples" / "museum_guide", tmp_path / "skill", base=summary["output_dir"], **OPTIONS)(
        "hello"
    )


def test_a_corpus_of_which_nothing_can_be_held_out_is_pretrained_on(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "lamp", *(json.dumps({"text": text, "intent": text, "slots": []}) for text in ("on", "off")))
    sizes = {"embedding_size": 8, "hidden_size": 8, "task_hidden_size": 8, "max_steps": 2, "use_cpu": True}
    nlu = headstart.pretrain(tmp_path / "mine", embeddings="random", **sizes)
    assert nlu("on")["skill"] == "lamp"
    assert json.loads((tmp_path / "mine-base" / "metrics.json").read_text(encoding="utf-8")) == {"steps": 2}


def test_what_is_left_open_follows_from_the_rows_and_what_is_said_stays() -> None:
    few, many = (resolve(PretrainOptions(data_dir="d"), rows) for rows in (160, 288_036))
    assert (few.min_word_count, few.trainer["per_device_train_batch_size"], few.trainer["num_train_epochs"]) == (2, 16, 30)
    assert (many.min_word_count, many.trainer["per_device_train_batch_size"], many.trainer["num_train_epochs"]) == (20, 128, 5)
    assert (many.sentence_loss, many.train_embeddings) == (5.0, False)
    said = PretrainOptions.of(data_dir="d", min_word_count=7, embeddings="random", num_train_epochs=2, eval_strategy="no")
    kept = resolve(said, 160)
    assert (kept.min_word_count, kept.trainer["num_train_epochs"], kept.trainer["eval_strategy"]) == (7, 2, "no")
    assert (kept.sentence_loss, kept.train_embeddings) == (0.0, True) and "save_strategy" not in kept.trainer
