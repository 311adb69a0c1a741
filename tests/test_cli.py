"""The command lines, as a user types them."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from headstart.cli import main, train_main


def test_predict_prints_one_object_a_line(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tiny_base), "--skill", "travel", "Brew café", "stop"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["text"] for answer in answers] == ["Brew café", "stop"]
    assert set(answers[0]) == {"text", "skill", "intent", "slots"}


def test_a_text_may_begin_with_a_dash(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tiny_base), "--skill", "travel", "--", "-5 degrees", "--help"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["text"] for answer in answers] == ["-5 degrees", "--help"]


def test_predict_reads_standard_input(
    tiny_base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"brew\n\nstop\n")))
    assert main(["predict", str(tiny_base), "--skill", "bank"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["text"] for answer in answers] == ["brew", "", "stop"]
    assert answers[1]["intent"]["label"] is None


def test_a_line_of_standard_input_is_answered_before_the_next_is_read(
    tiny_base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = []

    def lines() -> Iterator[bytes]:
        for text in (b"brew", b"stop", b"help"):
            yield text + b"\n"
            answered.append(capsys.readouterr().out)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=lines()))
    assert main(["predict", str(tiny_base), "--skill", "travel"]) == 0
    assert [json.loads(line)["text"] for line in answered] == ["brew", "stop", "help"]


def test_a_base_is_for_heads(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tiny_base), "brew", "--skill", "travel", "--base", "/no/such/base"]) == 2
    assert "a base is for heads" in capsys.readouterr().err


def test_train_then_evaluate(root: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skill = root / "examples" / "coffee_machine"
    options = ["--skill", str(skill), "--output_dir", str(tmp_path), "--base", str(tiny_base), "--max_steps", "4"]
    assert train_main(["finetune", *options, "--disable_tqdm", "true"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path), "--data", str(skill / "test.jsonl")]) == 0
    scores = json.loads(capsys.readouterr().out)
    figures = [
        "utterances",
        "intent_accuracy",
        "slot_f1",
        "exact_match",
        "semantic_error_rate",
        "expected_calibration_error",
        "slot_calibration_error",
    ]
    assert list(scores) == figures
    assert scores["utterances"] == 22
    (tmp_path / "unknown.txt").write_text("who won the match\nsing me a song\n", encoding="utf-8")
    command = ["calibrate", str(tmp_path), "--unknown", str(tmp_path / "unknown.txt"), "--data", str(skill / "test.jsonl")]
    assert main([*command, "--kept", "0.9"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["out_of_scope"], found["is_written"]) == (22, 2, True)
    (entry,) = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["skills"]
    assert entry["rejection"] == {"temperature": found["temperature"], "threshold": found["reject_threshold"]}


def test_catalogs_and_rejection_can_be_switched_off(
    root: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skill = root / "examples" / "coffee_machine"
    options = ["--skill", str(skill), "--output_dir", str(tmp_path), "--base", str(tiny_base), "--max_steps", "4"]
    assert main(["finetune", *options, "--disable_tqdm", "true", "--reject_threshold", "0"]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path), "a small latte"]) == 0
    assert main(["predict", str(tmp_path), "a small latte", "--reject_threshold", "1"]) == 0
    assert main(["predict", str(tmp_path), "a small latte", "--reject_threshold", "1", "--without_gazetteers"]) == 0
    rejected, answered, plain = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert rejected["intent"]["label"] is None and answered["intent"]["label"] is not None
    assert answered["intent"]["score"] != plain["intent"]["score"]
    unknown = tmp_path / "unknown.txt"
    unknown.write_text("who won the match\n", encoding="utf-8")
    command = ["evaluate", str(tmp_path), "--data", str(skill / "test.jsonl"), "--out_of_scope", str(unknown)]
    assert main([*command, "--without_gazetteers", "--reject_threshold", "1"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["out_of_scope_utterances"] == 1 and scores["rejected_out_of_scope"] == scores["rejected_in_scope"] == 0
    assert 0 <= scores["out_of_scope_auroc"] <= 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["predict", "{base}", "brew"], "has 3 skills: name one"),
        (["predict", "{base}", "--skill", "music", "brew"], "no skill 'music'"),
        (["predict", "./no/such/folder", "brew"], "there is no folder './no/such/folder'; give the folder of a checkpoint"),
        (["predict", "headstart-base-fr", "brew"], "there is no folder 'headstart-base-fr'; give the folder of a checkpoint"),
        (["evaluate", "{base}", "--skill", "bank", "--data", "none.jsonl"], "none.jsonl: there is no such file"),
        (["finetune", "--skill", "nowhere", "--output_dir", "out"], "nowhere: there is no such file or folder"),
        (["finetune", "--skil", "nowhere"], "unknown option 'skil' in the command line. Did you mean skill"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    tiny_base: Path, command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([part.format(base=tiny_base) for part in command]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("headstart: ")]
    assert message in line


@pytest.mark.parametrize("argv", [["--help"], ["predict", "--help"], ["finetune", "--help"], ["pretrain", "--help"]])
def test_help(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert re.search(r"usage: headstart", text)
    if argv[0] == "finetune":
        assert "--from_scratch" in text and "no transfer" in text


def test_a_stage_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        train_main(["evaluate"])
    assert caught.value.code == 2
    assert "invalid choice: 'evaluate'" in capsys.readouterr().err


def test_unknown_options_are_errors(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["predict", str(tiny_base), "brew", "--skil", "bank"])
    assert caught.value.code == 2
    assert "unrecognized arguments: --skil" in capsys.readouterr().err


def test_the_installed_commands_start() -> None:
    done = subprocess.run([Path(sys.executable).parent / "headstart", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("headstart "), done.stderr
