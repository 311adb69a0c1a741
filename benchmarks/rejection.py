"""The reject option: each skill is fine-tuned with and without it, and asked its own test rows and utterances that it can't serve.

python benchmarks/rejection.py --skills SKILLS --clinc DATA/clinc150 --out benchmarks/results/rejection.json [--jobs 2]

Unknown to a skill: the out-of-scope utterances of clinc150, and the rows of the other skills. Which skills: see `common.choose_skills`;
with --part tuning, neither a test row nor clinc150's test part is read. Runs are appended to a .jsonl file beside the result.
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
    "with reject option": {"max_steps": 300},
    "without": {"rejection": False, "max_steps": 300},
}
ALWAYS = ("exact_match", "semantic_error_rate", "expected_calibration_error")
OF_REJECTION = (
    "rejection_auroc",
    "auroc_clinc_oos",
    "auroc_other_skills",
    "rejected_known",
    "rejected_unknown",
    "exact_match_never_rejecting",
)


def run(
    name: str, system: str, seed: int, folder: Path, part: str, options: dict[str, Any], base: str, clinc: Path
) -> dict[str, Any]:
    skill, rows = load(folder, name, part)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True, **options[system])
    result = {"skill": name, "system": system, "seed": seed, "train_rows": len(skill.train)}
    result["seconds"] = round(time.perf_counter() - started, 1)
    if "rejection" not in nlu.model.skill():
        return {**result, **evaluate(nlu, rows)}
    out_of_scope = read_out_of_scope(clinc / f"{'test' if part == 'report' else 'validation'}.jsonl")
    others = [text for other in choose_skills(folder, part) if other != name for text in load(folder, other, part)[1]["text"]]
    result |= evaluate(nlu, rows, unknown=[*out_of_scope, *others])
    for which, unknown in (("clinc_oos", out_of_scope), ("other_skills", others)):
        result[f"auroc_{which}"] = evaluate(nlu, rows, unknown=unknown)["rejection_auroc"]
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
            *(OF_REJECTION if any("rejection_auroc" in run for run in results if run["system"] == system) else ()),
        ]
        entry: dict[str, Any] = {"system": system, "skills": len(names)}
        entry |= {metric: interval(seed_means(results, names, system, metric)) for metric in metrics}
        values, baseline = (seed_means(results, names, which, "exact_match") for which in (system, last))
        summary.append({**entry, "exact_match_difference": interval(values - baseline)})
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--clinc", type=Path, required=True, help="folder of clinc150")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--part", choices=("tuning", "report"), default="report")
    parser.add_argument("--base", default=BASE_EN, help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--systems", type=json.loads, default=SYSTEMS, help="options by name of system, as JSON")
    options = parser.parse_args()
    names = choose_skills(options.skills, options.part)
    tasks = [(name, system, seed) for seed in options.seeds for name in names for system in options.systems]
    further = (options.skills, options.part, options.systems, options.base, options.clinc)
    results = run_all(run, tasks, options.out.with_suffix(".jsonl"), options.jobs, *further)
    content = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/rejection.py --skills SKILLS --clinc DATA/clinc150 --part {options.part} --seeds {' '.join(map(str, options.seeds))}",
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
