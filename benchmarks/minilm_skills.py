"""MiniLM, fine-tuned, on every skill, against a transfer report's runs of the same skills and seeds: what is right, not what it costs.

    python benchmarks/minilm_skills.py --skills SKILLS --report benchmarks/results/report/runs.jsonl --out benchmarks/results/minilm_skills.json [--use_gpu]

On a GPU the whole takes minutes and not hours; seconds and latencies of such runs are not comparable and not kept (speed.py has them). Its
learning rates are those of the report, chosen on validation rows of the skills that the report leaves out, as here; its steps are in proportion to the network's.
Runs are resumed from a log beside the result file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from headstart import BASE_EN
from headstart.checkpoints import checkpoint_name
from headstart.report.cases import data_hash, find_skills
from headstart.report.engine import run_all
from headstart.report.options import SYSTEMS
from headstart.report.statistics import Results, compare, interval
from headstart.report.systems import Run

ENCODER = "sentence_encoder"
KEPT = ("skill", "group", "system", "seed", "train_rows", "validation_rows", "test_rows", "units", "steps", "validation", "test")


def summarize(results: Results, other: str) -> dict[str, Any]:
    """Mean errors over skills, and the relative reduction of transfer over MiniLM."""
    summary: dict[str, Any] = {"skills": len(results.skills), "seeds": results.seeds}
    for system in (other, ENCODER):
        exact = results.means(system, lambda run: run["test"]["exact_match"])
        summary[system] = {
            "semantic_error_rate": interval(results.errors(system)),
            "pooled_semantic_error_rate": round(results.pooled_error(system), 4),
            "exact_match": interval(exact),
        }
    difference = results.errors(other) - results.errors(ENCODER)
    return {
        **summary,
        "difference_of_semantic_error_rates": interval(difference),
        "against_minilm": compare(results.errors(other), results.errors(ENCODER)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--report", type=Path, required=True, help="log of a report's runs, runs.jsonl")
    parser.add_argument("--system", default="transfer", help="system of that report to compare with")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results; the log of runs lies beside it")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--left_out", nargs="*", default=[], help="skills that anything was tuned on")
    parser.add_argument("--use_gpu", action="store_true", help="fine-tune on a GPU, if there is one")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args()
    system = SYSTEMS[ENCODER]
    if options.use_gpu:
        system = replace(system, options={**system.options, "use_cpu": False})
    cases = find_skills(options.skills)
    runs = [Run(case, system, seed, str(BASE_EN), has_curve=False) for seed in options.seeds for case in cases]
    reported = [json.loads(line) for line in options.report.read_text(encoding="utf-8").splitlines()]
    latest = {(run["skill"], run["seed"]): run for run in reported if run["system"] == options.system}
    wanted = {(run.case.name, run.seed): replace(run, system=SYSTEMS[options.system], has_curve=True).fingerprint for run in runs}
    lacking = [key for key, fingerprint in wanted.items() if latest.get(key, {}).get("fingerprint") != fingerprint]
    if lacking:
        raise ValueError(
            f"{options.report} lacks {len(lacking)} runs of {options.system} with this base, data and recipe, the first is {lacking[0]}: run the report "
            "to its end."
        )
    found = run_all(runs, options.out.with_suffix(".jsonl"), options.jobs)
    of_report = [latest[run["skill"], run["seed"]] for run in found]
    results = Results([{name: run[name] for name in KEPT} for run in [*of_report, *found]])
    rest = results.part([skill for skill in results.skills if skill not in options.left_out])
    content = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/minilm_skills.py --skills SKILLS --report {options.report.name} --system {options.system} "
        f"--seeds {' '.join(map(str, options.seeds))}{' --use_gpu' if options.use_gpu else ''} --left_out {' '.join(options.left_out)}",
        "base": checkpoint_name(BASE_EN), "data_hash": data_hash(cases), "system": system.options,
        "summary": summarize(rest, options.system), "summary_of_all": summarize(results, options.system), "runs": results.runs,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content["summary"], indent=1))


if __name__ == "__main__":
    main()
