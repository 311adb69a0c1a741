"""Training in two processes on one machine (gloo): the same rows in each step and, but for dropout, the same losses as in one; written once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headstart.data.streaming import write_labels

pytestmark = pytest.mark.slow

STEPS = 24
OPTIONS = (
    "--embeddings random --min_word_count 2 --embedding_size 12 --hidden_size 10 --task_hidden_size 8 --word_dropout 0 --hidden_dropout 0 "
    f"--max_steps {STEPS} --eval_strategy steps --eval_steps 8 --save_strategy steps --save_steps 8 --logging_steps 1 --learning_rate 0.01 "
    "--use_cpu true --report_to none --disable_tqdm true --save_total_limit 9"
).split()


@pytest.fixture
def corpora(root: Path, tmp_path: Path) -> Path:
    for name in ("coffee_machine", "plant_care", "museum_guide"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
            shutil.copy(root / "examples" / name / f"{source}.jsonl", folder / f"{part}.jsonl")
    return tmp_path / "data"


def train(root: Path, corpora: Path, out: Path, processes: int, batch_size: int, *more: str) -> dict[str, list[Any]]:
    """Run `train.py pretrain`, and return what was logged, by name, step by step."""
    config = root / "configs" / "accelerate" / "two-processes-cpu.yaml"
    launch = (
        ["-m", "accelerate.commands.launch", "--config_file", str(config), "--num_processes", str(processes)]
        if processes > 1
        else []
    )
    sources = ("coffee_machine", "plant_care", "museum_guide")
    command = [
        sys.executable, *launch, str(root / "train.py"), "pretrain", "--data_dir", str(corpora), "--output_dir", str(out), "--sources", *sources,
        "--per_device_train_batch_size", str(batch_size), *OPTIONS, *more,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-8000:]
    state = json.loads((out / f"checkpoint-{STEPS}" / "trainer_state.json").read_text())
    logged: dict[str, list[Any]] = {}
    for entry in state["log_history"]:
        for name, value in entry.items():
            logged.setdefault(name, []).append(value)
    return logged


def test_two_processes_learn_as_one(root: Path, corpora: Path, tmp_path: Path) -> None:
    one = train(root, corpora, tmp_path / "one", 1, 16)
    two = train(root, corpora, tmp_path / "two", 2, 8)
    # Until the first epoch ends, where two processes fill the last batch up, the rows of each step are the same.
    first_epoch = 183 // 16
    assert two["loss"][:first_epoch] == pytest.approx(one["loss"][:first_epoch], rel=0.03)
    assert sum(two["loss"][first_epoch:]) == pytest.approx(sum(one["loss"][first_epoch:]), rel=0.1)
    assert two["learning_rate"] == one["learning_rate"] and two["epoch"] == one["epoch"]
    # Every validation row is counted once, in the first process as in one alone.
    assert two["eval_utterances"] == one["eval_utterances"] == [67] * 3
    assert two["eval_exact_match"][-1] == pytest.approx(one["eval_exact_match"][-1], abs=0.1)
    final = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two")]
    assert final[0].keys() == final[1].keys()
    assert {path.name for path in (tmp_path / "one").iterdir()} == {path.name for path in (tmp_path / "two").iterdir()}


@pytest.mark.parametrize("more", [(), ("--streaming", "true", "--pool_size", "64"), ("--bf16", "true")], ids=" ".join)
def test_two_processes_go_on_where_they_were(more: tuple[str, ...], root: Path, corpora: Path, tmp_path: Path) -> None:
    write_labels(str(corpora))
    losses = ("--sentence_loss", "1", "--word_loss", "1", "--teacher_cache", str(tmp_path / "cache"), *more)
    train(root, corpora, tmp_path / "whole", 2, 8, *losses)
    (tmp_path / "half").mkdir()
    (tmp_path / "whole" / "checkpoint-16").rename(tmp_path / "half" / "checkpoint-16")
    train(root, corpora, tmp_path / "half", 2, 8, "--resume_from_checkpoint", "last", *losses)
    whole, half = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "half"))
    assert whole == half
