"""What a skill's catalogs give: each skill is fine-tuned with and without them, and scored on its test rows.

python benchmarks/catalogs.py --skills SKILLS --out benchmarks/results/catalogs.json [--jobs 2]

Which skills: see `common.choose_skills`; with --part tuning, no test row is read. Runs are appended to a .jsonl file beside the result.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from common import interval, list_tasks, load, log_path, make_parser, run_all, seed_means, write_result

from headstart import evaluate, finetune

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
    result = {"skill": name, "system": system, "seed": seed, "train_rows": len(skill.rows("train"))}
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
    parser = make_parser(__doc__, SYSTEMS, range(5))
    options = parser.parse_args()
    further = (options.skills, options.part, options.systems, options.base)
    results = run_all(run, list_tasks(options), log_path(options), options.jobs, *further)
    write_result(options, "python benchmarks/catalogs.py --skills SKILLS", summarize(results, options.systems), results)


if __name__ == "__main__":
    main()
