"""The reject option: each skill is fine-tuned with and without it, and asked its own test rows and utterances that it can't serve.

python benchmarks/rejection.py --skills SKILLS --clinc DATA/clinc150 --out benchmarks/results/rejection.json [--jobs 2]

Out of scope of a skill: the out-of-scope utterances of clinc150, and the rows of the other skills. Which skills: see `common.choose_skills`;
with --part tuning, neither a test row nor clinc150's test part is read. Runs are appended to a .jsonl file beside the result.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from common import choose_skills, interval, list_tasks, load, log_path, make_parser, run_all, seed_means, write_result

from headstart import evaluate, finetune

SYSTEMS: dict[str, dict[str, Any]] = {
    "with reject option": {"max_steps": 300},
    "without": {"rejection": False, "max_steps": 300},
}
ALWAYS = ("exact_match", "semantic_error_rate", "expected_calibration_error")
OF_REJECTION = (
    "out_of_scope_auroc",
    "auroc_clinc_oos",
    "auroc_other_skills",
    "rejected_in_scope",
    "rejected_out_of_scope",
    "exact_match_never_rejecting",
)


def run(
    name: str, system: str, seed: int, folder: Path, part: str, options: dict[str, Any], base: str, clinc: Path
) -> dict[str, Any]:
    skill, rows = load(folder, name, part)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True, **options[system])
    result = {"skill": name, "system": system, "seed": seed, "train_rows": len(skill.rows("train"))}
    result["seconds"] = round(time.perf_counter() - started, 1)
    if "rejection" not in nlu.model.skill():
        return {**result, **evaluate(nlu, rows)}
    out_of_scope = read_out_of_scope(clinc / f"{'test' if part == 'report' else 'validation'}.jsonl")
    others = [row["text"] for other in choose_skills(folder, part) if other != name for row in load(folder, other, part)[1]]
    result |= evaluate(nlu, rows, out_of_scope=[*out_of_scope, *others])
    for which, unknown in (("clinc_oos", out_of_scope), ("other_skills", others)):
        result[f"auroc_{which}"] = evaluate(nlu, rows, out_of_scope=unknown)["out_of_scope_auroc"]
    result["exact_match_never_rejecting"] = evaluate(nlu, rows, reject_threshold=1)["exact_match"]
    return result


def read_out_of_scope(path: Path) -> list[str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows if row["intent"] == "oos"]


def summarize(results: list[dict[str, Any]], systems: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over skills of the means over seeds, also of the difference in exact match to the last system."""
    names = sorted({result["skill"] for result in results})
    *_, last = systems
    summary = []
    for system in systems:
        metrics = [
            *ALWAYS,
            *(OF_REJECTION if any("out_of_scope_auroc" in run for run in results if run["system"] == system) else ()),
        ]
        entry: dict[str, Any] = {"system": system, "skills": len(names)}
        entry |= {metric: interval(seed_means(results, names, system, metric)) for metric in metrics}
        values, baseline = (seed_means(results, names, which, "exact_match") for which in (system, last))
        summary.append({**entry, "exact_match_difference": interval(values - baseline)})
    return summary


def main() -> None:
    parser = make_parser(__doc__, SYSTEMS, range(3))
    parser.add_argument("--clinc", type=Path, required=True, help="folder of clinc150")
    options = parser.parse_args()
    further = (options.skills, options.part, options.systems, options.base, options.clinc)
    results = run_all(run, list_tasks(options), log_path(options), options.jobs, *further)
    write_result(
        options,
        "python benchmarks/rejection.py --skills SKILLS --clinc DATA/clinc150",
        summarize(results, options.systems),
        results,
    )


if __name__ == "__main__":
    main()
