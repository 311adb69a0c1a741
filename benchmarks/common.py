"""What the benchmarks over skills share: which skills, runs in parallel that can be resumed, and intervals over skills."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from headstart import BASE_EN, load_skill
from headstart.checkpoints import checkpoint_name
from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.data.templates import split_rows
from headstart.report.systems import REVISIONS, checkpoint_hash

TUNING, REPORT = 8, 20
MAX_ROWS = 250
MIN_VALUES = 10


def choose_skills(folder: Path, part: str) -> list[str]:
    """Skills with a catalog of at least 10 values and at most 250 training rows, in the order of their names' SHA-256: the first 8 are
    for tuning, the next 20 for reports."""
    names = []
    for path in folder.iterdir():
        if (path / "catalogs.json").exists():
            catalogs = json.loads((path / "catalogs.json").read_text(encoding="utf-8"))
            rows = len((path / "train.jsonl").read_text(encoding="utf-8").splitlines())
            if rows <= MAX_ROWS and any(len(values) >= MIN_VALUES for values in catalogs.values()):
                names.append(path.name)
    names.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return names[:TUNING] if part == "tuning" else names[TUNING : TUNING + REPORT]


def load(folder: Path, name: str, part: str) -> tuple[Skill, list[Row]]:
    """A skill to train on and the rows to score: its test rows, or (for tuning) a quarter of the templates of its training rows."""
    skill = load_skill(folder / name, allow_unseen_labels=True)
    if part == "report":
        return skill.replace(test=None), skill.rows("test")
    kept, held_out = split_rows(skill.rows("train"), 0.25)
    return skill.replace(train=kept, test=None), held_out


def run_all(
    run: Callable[..., dict[str, Any]], tasks: Sequence[tuple[str, str, int]], log: Path, jobs: int, *args: Any
) -> list[dict[str, Any]]:
    """Call `run(skill, system, seed, *args)` for every task, in processes of one thread, and append each result to a log; what the log
    holds already is not done again; results of other tasks in it are left out."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    if lines and not lines[-1].endswith("\n"):  # a killed run's last one
        log.write_text("".join(lines[:-1]), encoding="utf-8")
    results = [json.loads(line) for line in lines if line.endswith("\n")]
    results = [result for result in results if (result["skill"], result["system"], result["seed"]) in set(tasks)]
    done = {(result["skill"], result["system"], result["seed"]) for result in results}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, torch.set_num_threads, (1,)) as pool, log.open("a", encoding="utf-8") as stream:
        futures = [pool.submit(run, *task, *args) for task in tasks if task not in done]
        try:
            for future in tqdm(as_completed(futures), total=len(futures), desc="Fine-tuning"):
                results.append(future.result())
                stream.write(json.dumps(results[-1]) + "\n")
                stream.flush()
        except BaseException:  # else all the others would run, unlogged, before it is heard of
            pool.shutdown(cancel_futures=True)
            raise
    return results


def seed_means(results: list[dict[str, Any]], names: Sequence[str], system: str, metric: str) -> np.ndarray:
    """The mean of a metric over seeds for each skill, (skills,)."""
    values = {name: [run[metric] for run in results if run["skill"] == name and run["system"] == system] for name in names}
    return np.array([np.mean(values[name]) for name in names])


def interval(values: np.ndarray) -> dict[str, float]:
    """Mean over skills with its 95 % bootstrap interval over skills (10,000 draws)."""
    draws = np.random.default_rng(0).integers(len(values), size=(10000, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return {"mean": round(float(values.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def make_parser(description: str | None, systems: dict[str, dict[str, Any]], seeds: Sequence[int]) -> argparse.ArgumentParser:
    """The options that these benchmarks share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--part", choices=("tuning", "report"), default="report")
    parser.add_argument("--base", default=BASE_EN, help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(seeds))
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--systems", type=json.loads, default=systems, help="options by name of system, as JSON")
    return parser


def list_tasks(options: argparse.Namespace) -> list[tuple[str, str, int]]:
    """Every skill with every system and seed, one seed after the other."""
    names = choose_skills(options.skills, options.part)
    return [(name, system, seed) for seed in options.seeds for name in names for system in options.systems]


def log_path(options: argparse.Namespace) -> Path:
    """The file of finished runs: another one for other systems, part, base, or revision of the code that fine-tunes."""
    settings = json.dumps(
        [options.systems, options.part, checkpoint_hash(str(options.base)) or options.base, REVISIONS], sort_keys=True
    )
    return options.out.with_suffix(f".{hashlib.sha256(settings.encode()).hexdigest()[:8]}.jsonl")


def write_result(options: argparse.Namespace, command: str, summary: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
    """Write the result file, and print the summary."""
    content = {
        "date": date.today().isoformat(),
        "command": f"{command} --part {options.part} --seeds {' '.join(map(str, options.seeds))}",
        "base": checkpoint_name(options.base),
        "systems": options.systems,
        "summary": summary,
        "runs": results,
    }
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in summary:
        print(json.dumps(entry))
