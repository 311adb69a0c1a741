"""Few-shot SNIPS: the first n training rows of each intent after a seeded shuffle, scored on a whole held-out part.

    python benchmarks/fewshot_snips.py --data DATA/snips --out benchmarks/results/fewshot_snips.json [--part validation]

SNIPS is in no pretraining source. Anything that is chosen by this script is chosen with `--part validation`.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from headstart import BASE_EN, Skill, evaluate, finetune
from headstart.checkpoints import checkpoint_name
from headstart.data import read_rows, rows_to_dataset


def draw(rows: list[dict[str, Any]], per_intent: int, seed: int) -> list[dict[str, Any]]:
    """The first rows of each intent after a seeded shuffle, in shuffled order."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    taken: dict[str, int] = defaultdict(int)
    drawn = []
    for row in rows:
        if taken[row["intent"]] < per_intent:
            taken[row["intent"]] += 1
            drawn.append(row)
    return drawn


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    pool = read_rows(options.data / "train.jsonl").to_list()
    held_out = read_rows(options.data / f"{options.part}.jsonl")
    extra = dict(pair.split("=", 1) for pair in options.set)
    results = []
    for per_intent in options.n:
        for seed in options.seeds:
            rows = rows_to_dataset(draw(pool, per_intent, seed))
            for system in options.systems:
                started = time.perf_counter()
                with tempfile.TemporaryDirectory() as folder:
                    nlu = finetune(
                        Skill("fewshot", train=rows),
                        folder,
                        base=options.base,
                        seed=seed,
                        from_scratch=system == "no_transfer",
                        disable_tqdm=True,
                        **{name: json.loads(value) for name, value in extra.items()},
                    )
                seconds = time.perf_counter() - started
                result = {"system": system, "n": per_intent, "seed": seed, "rows": len(rows), "seconds": round(seconds, 1)}
                results.append({**result, **evaluate(nlu, held_out)})
                print(json.dumps(results[-1]), flush=True)
    return results


def summarize(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean and standard deviation over seeds, for each system and n."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["system"], result["n"]].append(result)
    summary = []
    for (system, per_intent), runs in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        entry: dict[str, Any] = {"system": system, "n": per_intent, "seeds": len(runs)}
        for name in ("exact_match", "semantic_error_rate", "intent_accuracy", "slot_f1", "seconds"):
            values = [run[name] for run in runs]
            entry[name] = round(mean(values), 4)
            entry[f"{name}_sd"] = round(stdev(values), 4) if len(values) > 1 else None
        summary.append(entry)
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus snips")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--base", help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--part", default="test", choices=["validation", "test"], help="held-out part to score")
    parser.add_argument("--n", type=int, nargs="+", default=[5, 10, 40], help="rows of each intent")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--systems", nargs="+", default=["transfer", "no_transfer"], choices=["transfer", "no_transfer"])
    parser.add_argument(
        "--set",
        nargs="*",
        default=["rejection=false", "refill=0"],  # transfer alone, as in the prototypes and the paper
        metavar="OPTION=VALUE",
        help="options of fine-tuning, as JSON values (default: %(default)s)",
    )
    options = parser.parse_args()
    results = run(options)
    content = {
        "date": date.today().isoformat(),
        "command": "python benchmarks/fewshot_snips.py --data DATA/snips "
        f"--part {options.part} --n {' '.join(map(str, options.n))} --seeds {' '.join(map(str, options.seeds))} --set {' '.join(options.set)}",
        "base": checkpoint_name(options.base or BASE_EN),
        "systems": options.systems,
        "options": options.set,
        "summary": summarize(results),
        "runs": results,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in content["summary"]:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
