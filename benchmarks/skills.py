"""Whole skills with and without transfer: each is fine-tuned on its training rows and scored on its test rows.

python benchmarks/skills.py --skills SKILLS --out benchmarks/results/skills.json NAME [NAME ...]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import mean
from typing import Any

from headstart import BASE_EN, evaluate, finetune, load_skill
from headstart.checkpoints import checkpoint_name

# What catalogs and the reject option give is measured in catalogs.py and rejection.py.
TRANSFER_ALONE: dict[str, Any] = {"gazetteers": False, "refill": 0.0, "rejection": False}


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    results = []
    for name in options.names:
        skill = load_skill(options.skills / name, allow_unseen_labels=True)
        for seed in options.seeds:
            for system in ("transfer", "no_transfer"):
                started = time.perf_counter()
                with tempfile.TemporaryDirectory() as folder:
                    nlu = finetune(
                        skill, folder, base=options.base, seed=seed, from_scratch=system == "no_transfer",
                        allow_unseen_labels=True, disable_tqdm=True, **TRANSFER_ALONE,
                    )  # fmt: skip
                seconds = round(time.perf_counter() - started, 1)
                result = {"skill": name, "system": system, "seed": seed, "train_rows": len(skill.train), "seconds": seconds}
                results.append({**result, **evaluate(nlu, skill.test)})
                print(json.dumps(results[-1]), flush=True)
    return results


def summarize(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds, one entry a skill."""
    summary = []
    for name in dict.fromkeys(result["skill"] for result in results):
        of_skill = [result for result in results if result["skill"] == name]
        entry: dict[str, Any] = {"skill": name, "train_rows": of_skill[0]["train_rows"], "test_rows": of_skill[0]["utterances"]}
        for system in ("transfer", "no_transfer"):
            runs = [result for result in of_skill if result["system"] == system]
            for metric in ("semantic_error_rate", "exact_match", "seconds"):
                entry[f"{system}_{metric}"] = round(mean(run[metric] for run in runs), 4)
        summary.append(entry)
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--base", help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("names", nargs="+", help="folders to run")
    options = parser.parse_args()
    results = run(options)
    content = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/skills.py --skills SKILLS --seeds {' '.join(map(str, options.seeds))} {' '.join(options.names)}",
        "base": checkpoint_name(options.base or BASE_EN),
        "summary": summarize(results),
        "runs": results,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in content["summary"]:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
