"""Commands that need no model of torch start without it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headstart import finetune
from headstart.exporting import export
from headstart.loading import load_pipeline

SLOW = ("torch", "transformers", "datasets")
COMMANDS = (
    "predict", "evaluate", "calibrate", "check", "learn", "suggest", "convert", "report", "export", "demo", "push", "serve", "labels", "pretrain", "finetune",
)  # fmt: skip
# Runs commands one after the other in one interpreter, and says after each how it ended and what has been imported by then.
RUN = f"""
import contextlib, io, json, sys
from headstart.cli import main
for command in json.loads(sys.argv[1]):
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            status = main(command)
        except SystemExit as end:
            status = end.code or 0
    slow = [name for name in {SLOW!r} if name in sys.modules]
    print(json.dumps([command, status, slow, output.getvalue(), errors.getvalue()]))
"""


def run_all(*commands: list[Any], environment: dict[str, str] | None = None) -> list[tuple[list[str], int, list[str], str, str]]:
    orders = json.dumps([[str(part) for part in command] for command in commands])
    done = subprocess.run([sys.executable, "-c", RUN, orders], capture_output=True, text=True, check=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def exported(root: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a checkpoint beside it; there is a head, too."""
    folder = tmp_path_factory.mktemp("start")
    skill = root / "examples" / "coffee_machine"
    options = {"skill": str(skill), "base": str(tiny_base), "max_steps": 2, "use_cpu": True}
    finetune(**options, output_dir=str(folder / "coffee"))
    finetune(**options, output_dir=str(folder / "head"), head="lora")
    return export(load_pipeline(folder / "coffee"), folder / "export")


def test_without_torch(root: Path, exported: Path, tmp_path: Path) -> None:
    skill = root / "examples" / "coffee_machine"
    (tmp_path / "corpora" / "coffee").mkdir(parents=True)
    for part, rows in (("train", "train"), ("validation", "test"), ("test", "test")):
        shutil.copy(skill / f"{rows}.jsonl", tmp_path / "corpora" / "coffee" / f"{part}.jsonl")
    right = [
        ["--version"],
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["convert", root / "examples" / "city_bike" / "en-US.json", "--out", tmp_path / "bike"],
        ["labels", tmp_path / "corpora"],
        ["predict", exported, "make a coffee"],
        ["evaluate", exported, "--data", skill / "test.jsonl"],
    ]
    wrong = [
        [],
        ["brew"],
        *([command, "--no_such_option", "1"] for command in COMMANDS),
        ["convert", tmp_path / "nothing", "--out", tmp_path / "there"],
        ["finetune", "--skill", tmp_path / "nothing"],
        ["finetune", "--skill", skill, "--learning_rate", "fast"],
        ["predict", tmp_path / "nothing", "brew"],
        ["evaluate", exported, "--data", tmp_path / "nothing.jsonl"],
        ["push", exported, "no/valid/name"],
        ["push", tmp_path, "alice/nothing"],
    ]
    found = run_all(*right, *wrong)
    assert len(found) == len(right) + len(wrong)
    for number, (command, status, slow, _, errors) in enumerate(found):
        assert (command, slow) == (command, [])
        assert (command, status) == (command, 0 if number < len(right) else 2), errors
        assert "Traceback" not in errors
        assert errors or number < len(right), command
    answers = {command[0]: output for command, _, _, output, _ in found[: len(right)]}
    assert json.loads(answers["predict"])["skill"] == "coffee_machine"
    assert "intent_accuracy" in json.loads(answers["evaluate"])


def test_push_without_torch(exported: Path, client: Any) -> None:
    folders = (exported, exported.parent / "coffee", exported.parent / "head")
    found = run_all(*(["push", folder, f"alice/{folder.name}"] for folder in folders), environment=client())
    assert [(status, slow) for _, status, slow, _, _ in found] == [(0, [])] * len(folders), found


def test_import_headstart_imports_neither_torch_nor_transformers() -> None:
    code = f"import sys, headstart; print([name for name in {SLOW!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
