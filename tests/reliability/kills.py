"""Stages of Headstart that are killed at random moments and taken up again, until they are done.

A stage runs in a forked process, so that no time goes into imports, and is ended with SIGKILL, SIGTERM or SIGINT (Ctrl-C). After each kill its
folder must hold no model, or a whole one; at the end it must hold what an uninterrupted run leaves, bit for bit.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from headstart import HeadstartForJointNLU, export, finetune, pretrain
from headstart.data.streaming import write_labels
from headstart.modeling.folders_headstart import CRF, EXPORT, HEAD, HEAD_WEIGHTS, NETWORK, TOKENIZER
from headstart.onnx import OnnxNLU
from headstart.report import engine, plots  # noqa: F401 (make_report imports them; not anew in every fork)
from headstart.report.options import ReportOptions
from headstart.report.transfer_report import make_report
from headstart.saving import newest_complete

REPORT = "report.json"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
QUIET: dict[str, Any] = {"disable_tqdm": True, "use_cpu": True, "report_to": "none", "logging_strategy": "no"}


@dataclass(frozen=True)
class Stage:
    """Something that is killed.

    Args:
        name: what tables call it.
        run: does it, in the folder; with True, from where it was killed.
        files: what it leaves, and what is compared.
        load: raises if what the folder holds is not a whole result; called where `mark` is there.
        mark: the file without which there is no result.
    """

    name: str
    run: Callable[[Path, bool], Any]
    files: tuple[str, ...]
    load: Callable[[Path], Any]
    mark: str


@dataclass
class Outcome:
    """What became of a stage.

    Args:
        kills: how often it was killed while it ran.
        broken: after how many of these the folder held half a result.
        is_same: the end is that of an uninterrupted run.
    """

    kills: int = 0
    broken: int = 0
    is_same: bool = False


def make_stages(base: Path, skill: Path, corpora: Path) -> list[Stage]:
    """Pretraining, also on a stream, fine-tuning of a whole network and of a head, export, and a report.

    Args:
        base: a small checkpoint.
        skill: a skill with validation and test rows, in a folder of skills.
        corpora: folder of two corpora, `coffee_machine` and `plant_care`.
    """

    def continued(folder: Path, resumed: bool) -> dict[str, Any]:
        return {**QUIET, "resume_from_checkpoint": "last" if resumed and newest_complete(folder) else None}

    def pretrained(folder: Path, resumed: bool, **options: Any) -> None:
        pretrain(
            corpora, folder, ["coffee_machine", "plant_care"], embeddings="random", min_word_count=2, embedding_size=12, hidden_size=10,
            task_hidden_size=8, max_steps=60, per_device_train_batch_size=16, eval_strategy="steps", eval_steps=10,
            save_strategy="steps", save_steps=10, **options, **continued(folder, resumed),
        )  # fmt: skip

    def finetuned(folder: Path, resumed: bool, **options: Any) -> None:
        finetune(skill, folder, base=str(base), max_steps=60, **options, **continued(folder, resumed))

    def reported(folder: Path, resumed: bool) -> None:
        make_report(ReportOptions(skill.parent, folder, base=str(base), seeds=3, jobs=1, systems=("transfer",), max_steps=20))

    write_labels(str(corpora))
    skills = json.loads((base / "config.json").read_text(encoding="utf-8"))["skills"]
    with_slots = next(entry["name"] for entry in skills if entry["slots"])
    whole = ("model.safetensors", "tokenizer.json", "metrics.json")
    return [
        Stage("pretraining", pretrained, whole, HeadstartForJointNLU.from_pretrained, "config.json"),
        Stage(
            "pretraining on a stream",
            lambda folder, resumed: pretrained(folder, resumed, streaming=True, pool_size=80),
            whole,
            HeadstartForJointNLU.from_pretrained,
            "config.json",
        ),
        Stage("fine-tuning", finetuned, whole, HeadstartForJointNLU.from_pretrained, "config.json"),
        Stage(
            "fine-tuning of a head",
            lambda folder, resumed: finetuned(folder, resumed, tune="head"),
            (HEAD_WEIGHTS, HEAD),
            lambda folder: HeadstartForJointNLU.from_pretrained(base).load_skill(folder),
            HEAD,
        ),
        Stage(
            "export", lambda folder, _: export(str(base), folder, with_slots), (NETWORK, EXPORT, TOKENIZER, CRF), OnnxNLU, EXPORT
        ),
        Stage("report", reported, (REPORT,), lambda folder: json.loads((folder / REPORT).read_text()), REPORT),
    ]


def survive(stage: Stage, folder: Path, kills: int, rng: random.Random) -> Outcome:
    """Kill a stage again and again, and let it come to its end.

    Args:
        stage: the stage.
        folder: where it may write.
        kills: how often it is killed.
        rng: of the moments and signals.
    """
    whole, killed = folder / "whole", folder / "killed"
    started = time.perf_counter()
    finish(start(lambda: stage.run(whole, False)))
    seconds = time.perf_counter() - started
    outcome = Outcome()
    while outcome.kills < kills:
        process = start(lambda: stage.run(killed, True))
        time.sleep(rng.uniform(0, seconds))
        if not _kill(process, rng.choice(SIGNALS)):  # it was done before
            shutil.rmtree(killed)
            continue
        outcome.kills += 1
        outcome.broken += not is_whole(stage, killed)
    finish(start(lambda: stage.run(killed, True)))
    outcome.is_same = all(content_of(whole / name) == content_of(killed / name) for name in stage.files)
    return outcome


def is_whole(stage: Stage, folder: Path) -> bool:
    """The folder holds no result, or one that loads."""
    if not (folder / stage.mark).exists():
        return True
    try:
        stage.load(folder)
    except (OSError, ValueError):
        traceback.print_exc()
        return False
    return True


def content_of(file: Path) -> Any:
    """What must be equal: bytes, or figures without seconds."""
    if file.suffix != ".json" or file.name in (TOKENIZER, EXPORT):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    content = json.loads(file.read_text(encoding="utf-8"))
    content.pop("sha256", None)  # which covers the seconds that are in the same file
    if file.name == REPORT:
        return {(run["skill"], run["system"], run["seed"]): (run["test"], run["steps"]) for run in content["runs"]}
    figures = content.get("metrics", content)
    for name in [name for name in figures if name.endswith(("seconds", "runtime", "per_second"))]:
        del figures[name]
    return content


def start(work: Callable[[], Any]) -> int:
    """Do it in a forked process, whose number is returned."""
    sys.stdout.flush()
    gc.freeze()  # the fork need not go through all that was imported whenever it collects its garbage
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        torch.set_num_threads(1)
        tqdm.set_lock(threading.RLock())  # the usual one is shared by all forks: one that dies with it stops the others
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        work()
        status = 0
    except KeyboardInterrupt:
        status = 130
    except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as the test
        traceback.print_exc()
    finally:
        os._exit(status)


def finish(process: int) -> None:
    """Wait for its end.

    Raises:
        RuntimeError: it ended with an error.
    """
    _, status = os.waitpid(process, 0)
    if status:
        raise RuntimeError(f"the stage ended with status {status}; its error is in the output above")


def _kill(process: int, sent: signal.Signals) -> bool:
    """False if it had ended already."""
    ended, status = os.waitpid(process, os.WNOHANG)
    if ended:
        if status:
            raise RuntimeError(f"the stage ended with status {status}; its error is in the output above")
        return False
    os.kill(process, sent)
    os.waitpid(process, 0)
    return True
