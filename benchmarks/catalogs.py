"""What a skill's catalogs give: each skill is fine-tuned with and without them, and scored on its test rows.

python benchmarks/catalogs.py --skills SKILLS --out benchmarks/results/catalogs.json [--jobs 2]

Which skills: see `common.choose_skills`; with --part tuning, no test row is read. Runs are appended to a .jsonl file beside the result.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from common import choose_skills, interval, load, run_all, seed_means

from headstart import BASE_EN, evaluate, finetune
from headstart.checkpoints import checkpoint_name

SYSTEMS: dict[str, dict[str, Any]] = {
    "without gazetteers": {"gazetteers": False, "refill": 0.0, "rejection": False, "max_steps": 300},
    "with gazetteers": {"gazetteers": True, "refill": 0.0, "rejection": False, "max_steps": 300},
    "with gazetteers and refilling": {"gazetteers": True, "refill": 0.5, "rejection": False, "max_steps": 300},
}
METRICS = ("semantic_error_rate", "exact_match")


def run(name: str, system: str, seed: int, folder: Path, part: str, options: dict[str, Any], base: str) -> dict[str, Any]:
    skill, rows = load(folder, name, part)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True, **options[system])
    result = {"skill": name, "system": system, "seed": seed, "train_rows": len(skill.train)}
    result["seconds"] = round(time.perf_counter() - started, 1)
    return {**result, **evaluate(nlu, rows)}


def summarize(results: list[dict[str, Any]], systems: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over skills of the means over seeds, also of the difference to the first system."""
    names = sorted({result["skill"] for result in results})
    first = next(iter(systems))
    summary = []
    for system in systems:
        entry: dict[str, Any] = {"system": system, "skills": len(names)}
        for metric in METRICS:
            values, baseline = (seed_means(results, names, which, metric) for which in (system, first))
            entry[metric] = interval(values)
            entry[f"{metric}_difference"] = interval(values - baseline)
        values, baseline = (seed_means(results, names, which, METRICS[0]) for which in (system, first))
        entry["wins"], entry["losses"] = int((values < baseline).sum()), int((values > baseline).sum())
        summary.append(entry)
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--part", choices=("tuning", "report"), default="report")
    parser.add_argument("--base", default=BASE_EN, help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--systems", type=json.loads, default=SYSTEMS, help="options by name of system, as JSON")
    options = parser.parse_args()
    names = choose_skills(options.skills, options.part)
    tasks = [(name, system, seed) for seed in options.seeds for name in names for system in options.systems]
    further = (options.skills, options.part, options.systems, options.base)
    results = run_all(run, tasks, options.out.with_suffix(".jsonl"), options.jobs, *further)
    content = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/catalogs.py --skills SKILLS --part {options.part} --seeds {' '.join(map(str, options.seeds))}",
        "base": checkpoint_name(options.base),
        "systems": options.systems,
        "summary": summarize(results, options.systems),
        "runs": results,
    }
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in content["summary"]:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
