"""Training, export and report are killed and taken up again. benchmarks/reliability.py does it more often."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from headstart.report.options import ReportOptions
from headstart.report.transfer_report import make_report

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from kills import make_stages, start, survive

NAMES = ("pretraining", "pretraining on a stream", "fine-tuning", "fine-tuning of a head", "export", "report")
# A script to be stopped with Ctrl-C: a shell's background job ignores it, and so would what the job starts.
WITH_CTRL_C = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_stage_is_taken_up_again(name: str, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path) -> None:
    (stage,) = [stage for stage in make_stages(tiny_base, *material) if stage.name == name]
    outcome = survive(stage, tmp_path, kills=2, rng=random.Random(0))
    assert (outcome.kills, outcome.broken, outcome.is_same) == (2, 0, True)


def test_ctrl_c_ends_training_in_one_line(root: Path, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        WITH_CTRL_C,
        str(root / "train.py"),
        "finetune",
        "--skill",
        str(material[0]),
        "--output_dir",
        str(tmp_path / "skill"),
    ]
    options = [
        "--base",
        str(tiny_base),
        "--max_steps",
        "100000",
        "--save_strategy",
        "steps",
        "--save_steps",
        "5",
        "--use_cpu",
        "true",
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        while not list((tmp_path / "skill").glob("checkpoint-*")) and process.poll() is None:
            time.sleep(0.05)
        has_checkpoint = bool(list((tmp_path / "skill").glob("checkpoint-*")))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert has_checkpoint, errors
    assert process.returncode == 130, errors
    assert "Traceback" not in errors and "headstart: stopped; training goes on with --resume_from_checkpoint last" in errors


def test_a_killed_report_takes_its_processes_with_it(tiny_base: Path, material: tuple[Path, Path], tmp_path: Path) -> None:
    options = ReportOptions(
        material[0].parent, tmp_path / "report", base=str(tiny_base), systems=("transfer",), seeds=4, jobs=2, max_steps=100_000
    )
    process = psutil.Process(start(lambda: make_report(options)))
    workers: list[psutil.Process] = []
    while len(workers) < 2 and process.status() != psutil.STATUS_ZOMBIE:
        workers = [child for child in process.children(recursive=True) if any("LokyProcess" in word for word in child.cmdline())]
        time.sleep(0.05)
    process.kill()
    os.waitpid(process.pid, 0)
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=60)
    for worker in alive:
        worker.kill()
    assert not alive
