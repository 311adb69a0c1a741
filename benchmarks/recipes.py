"""What a recipe gives, a base or options of fine-tuning: few-shot SNIPS, and 30 skills, all on validation rows. Log: benchmarks/recipes.md.

    python benchmarks/recipes.py --data DATA --skills SKILLS --out benchmarks/results/tuning/recipes.json --name "more dropout" \\
        [--base BASE] [--set OPTION=VALUE ...]

    python benchmarks/recipes.py ... --probe --num_skills 200 --max_rows 400      # a base alone: its classifiers are fitted, nothing is tuned

SNIPS: n rows of each intent, 3 draws, scored on the validation part of 1,345 rows. Skills: of those with at most 500 training rows the first 30 by
the SHA-256 of their names; a fifth of the templates of their training rows is held out and scored. Test rows are not read. Runs
are resumed from a log beside the result file, to which the recipe is added under its name.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from fewshot_snips import FewShotCase

from headstart import BASE_EN
from headstart.checkpoints import checkpoint_name
from headstart.report.cases import SkillCase
from headstart.report.engine import run_all
from headstart.report.options import System
from headstart.report.systems import Run, checkpoint_hash

NUM_SKILLS, MAX_ROWS = 30, 500
SHOTS, SEEDS = (5, 10, 40), 3


PROBE = {"max_steps": 1, "learning_rate": 1e-12, "trunk_learning_rate": 1e-12}  # as good as no step


def choose_skills(folder: Path, number: int, max_rows: int) -> list[Path]:
    small = [
        path
        for path in folder.iterdir()
        if path.is_dir() and len((path / "train.jsonl").read_text(encoding="utf-8").splitlines()) <= max_rows
    ]
    return sorted(small, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())[:number]


def make_runs(options: argparse.Namespace, settings: dict[str, Any]) -> list[Run]:
    settings = {**(PROBE if options.probe else {}), **settings}
    of_snips = System("few-shot", "few-shot", options={"refill": 0, **settings})
    of_skills = System("skills", "skills", options=settings)
    shots = [
        Run(FewShotCase(options.data / "snips", shots), of_snips, seed, options.base, has_curve=False, is_tuning=True)
        for shots in SHOTS
        for seed in range(options.draws)
    ]
    skills = [
        Run(SkillCase(path), of_skills, 0, options.base, has_curve=False, is_tuning=True)
        for path in choose_skills(options.skills, options.num_skills, options.max_rows)
    ]
    return [*skills, *shots]


def summarize(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over draws of SNIPS, and means and pooled errors over the skills."""
    summary: dict[str, Any] = {}
    for shots in SHOTS:
        runs = [result["validation"] for result in results if result["skill"] == f"snips-{shots}"]
        summary[f"snips, {shots}"] = {
            name: [round(float(statistic([run[name] for run in runs])), 4) for statistic in (np.mean, np.std)]
            for name in ("exact_match", "semantic_error_rate", "intent_accuracy", "slot_f1")
        }
    runs = [result for result in results if not result["skill"].startswith("snips-")]
    errors = [run["validation"]["semantic_error_rate"] for run in runs]
    summary["skills"] = {
        "skills": len(runs),
        "semantic_error_rate": round(float(np.mean(errors)), 4),
        "wrong_units": round(sum(error * run["units"] for error, run in zip(errors, runs, strict=True))),
        "units": sum(run["units"] for run in runs),
        "exact_match": round(float(np.mean([run["validation"]["exact_match"] for run in runs])), 4),
        "intent_accuracy": round(float(np.mean([run["validation"]["intent_accuracy"] or 0.0 for run in runs])), 4),
    }
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of all recipes; the log of runs lies beside it")
    parser.add_argument("--name", required=True, help="what the recipe is called")
    parser.add_argument("--base", default=str(BASE_EN), help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", help="options of fine-tuning, as JSON values")
    parser.add_argument("--probe", action="store_true", help="fit the classifiers to the base's states, and tune nothing")
    parser.add_argument("--num_skills", type=int, default=NUM_SKILLS, help="skills, at most")
    parser.add_argument("--max_rows", type=int, default=MAX_ROWS, help="training rows of a skill, at most")
    parser.add_argument("--draws", type=int, default=SEEDS, help="draws of SNIPS' rows")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args()
    settings = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in options.set)}
    runs = make_runs(options, settings)
    log = options.out.parent / f"recipes-{hashlib.sha256(options.name.encode()).hexdigest()[:8]}.jsonl"
    summary = summarize(run_all(runs, log, options.jobs))
    recipes = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    recipes[options.name] = {
        "date": date.today().isoformat(), "base": checkpoint_name(options.base), "base_hash": checkpoint_hash(str(options.base)),
        "set": options.set, **({"probe": True} if options.probe else {}), **summary,
    }  # fmt: skip
    options.out.write_text(json.dumps(recipes, indent=1) + "\n", encoding="utf-8")
    log.unlink()
    print(json.dumps({options.name: recipes[options.name]}, indent=1))


if __name__ == "__main__":
    main()
