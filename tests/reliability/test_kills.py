"""Training, export and report are killed and taken up again. benchmarks/reliability.py does it more often."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from headstart.report.options import ReportOptions
from headstart.report.transfer_report import make_report

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from kills import make_stages, start, survive

NAMES = ("pretraining", "pretraining on a stream", "fine-tuning", "fine-tuning of a head", "export", "report")
# A script to be stopped with Ctrl-C: a shell's background job ignores it, and so would what the job starts.
WITH_CTRL_C = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_stage_is_taken_up_again(name: str, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path) -> None:
    (stage,) = [stage for stage in make_stages(tiny_base, *material) if stage.name == name]
    outcome = survive(stage, tmp_path, kills=2, rng=random.Random(0))
    assert (outcome.kills, outcome.broken, outcome.is_same) == (2, 0, True)


def test_ctrl_c_ends_training_in_one_line(
    root: Path, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path, zygote: Any
) -> None:
    out, number = tmp_path / "skill", tmp_path / "number"
    options = ["--skill", material[0], "--output_dir", out, "--base", tiny_base, "--max_steps", 100_000, "--use_cpu", "true"]
    options += ["--save_strategy", "steps", "--save_steps", 5]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(zygote.run, WITH_CTRL_C, number, root / "train.py", "finetune", *options)
        while not running.done() and not list(out.glob("checkpoint-*")):
            time.sleep(0.05)
        has_checkpoint = bool(list(out.glob("checkpoint-*")))
        os.kill(int(number.read_text()), signal.SIGINT)
        done = running.result()
    assert has_checkpoint, done.stderr
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert "headstart: stopped; if it saved checkpoints" in done.stderr


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
