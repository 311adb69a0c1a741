"""Few-shot SNIPS: the first n training rows of each intent after a seeded shuffle, scored on a whole held-out part.

    python benchmarks/fewshot_snips.py --data DATA/snips --out benchmarks/results/fewshot_snips.json [--part validation] [--n 5 10 40 all]

SNIPS is in no pretraining source. Anything that is chosen by this script is chosen with `--part validation`. Runs are resumed from a log
beside the result file.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from headstart import BASE_EN, Skill
from headstart.checkpoints import checkpoint_name
from headstart.data.rows import Row, read_rows
from headstart.report.cases import SkillCase
from headstart.report.engine import run_all
from headstart.report.options import SYSTEMS, System
from headstart.report.systems import Run, checkpoint_hash, distill

# Chosen on SNIPS' validation part (recipes.md); everything else is as the package has it.
CHOSEN: dict[str, dict[str, Any]] = {"sentence_encoder": {"learning_rate": 2e-4, "pace": 40, "refill": 0}}
MEASURES = ("exact_match", "semantic_error_rate", "intent_accuracy", "slot_f1")


@dataclass(frozen=True)
class FewShotCase(SkillCase):
    """SNIPS with few rows.

    Args:
        path: folder of the corpus.
        per_intent: training rows of each intent; unset: all.
    """

    per_intent: int | None = 10

    @property
    def name(self) -> str:
        return f"snips-{self.per_intent or 'all'}"

    def load(self, seed: int) -> Skill:
        rows = read_rows(self.path / "train.jsonl")
        if self.per_intent is not None:
            rows = draw(rows, self.per_intent, seed)
        validation, test = (read_rows(self.path / f"{part}.jsonl") for part in ("validation", "test"))
        return Skill("snips", rows, validation, test, allow_unseen_labels=True)


def draw(rows: list[Row], per_intent: int, seed: int) -> list[Row]:
    """The first rows of each intent after a seeded shuffle, in shuffled order."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    taken: dict[str | None, int] = defaultdict(int)
    drawn = []
    for row in rows:
        if taken[row["intent"]] < per_intent:
            taken[row["intent"]] += 1
            drawn.append(row)
    return drawn


def make_runs(options: argparse.Namespace) -> list[Run]:
    settings = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in options.set)}
    named = [SYSTEMS[name] for name in options.systems]
    systems = [
        system
        if system.kind == "classical"
        else replace(system, options={**system.options, **CHOSEN.get(system.name, {}), **settings})
        for system in named
    ]
    systems += [
        System(title, title, kind, more if kind == "classical" else {**settings, **more})
        for title, (kind, more) in options.more.items()
    ]
    distilled = distill(options.base, options.out.parent) if "embeddings_only" in options.systems else None
    return [
        Run(
            FewShotCase(options.data, per_intent), system, seed, options.base,
            has_curve=False, distilled=distilled, is_tuning=options.part == "validation",
        )
        for per_intent in options.n
        for system in systems
        for seed in options.seeds
    ]  # fmt: skip


def summarize(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean and standard deviation over seeds of the scores on the held-out part, for each system and n."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["skill"].removeprefix("snips-"), result["system"]].append(result)
    summary = []
    for (per_intent, system), runs in groups.items():
        entry: dict[str, Any] = {"n": per_intent, "system": system, "seeds": len(runs), "train_rows": runs[0]["train_rows"]}
        for name in MEASURES:
            values = [run["test"][name] for run in runs]
            entry[name] = round(mean(values), 4)
            entry[f"{name}_sd"] = round(stdev(values), 4) if len(values) > 1 else None
        summary.append({**entry, "seconds": round(mean(run["seconds"] for run in runs), 1)})
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus snips")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results; the log of runs lies beside it")
    parser.add_argument("--base", default=str(BASE_EN), help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--part", default="test", choices=["validation", "test"], help="held-out part to score")
    parser.add_argument(
        "--n",
        nargs="+",
        type=lambda value: None if value == "all" else int(value),
        default=[5, 10, 40],
        help="rows of each intent; all: whatever there is (default: 5 10 40)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument(
        "--systems",
        nargs="*",
        default=["transfer", "no_transfer", "sentence_encoder"],
        choices=SYSTEMS,
        help="see headstart report",
    )
    parser.add_argument("--more", type=json.loads, default={}, help="further systems: [kind, options] by name, as JSON")
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="OPTION=VALUE",
        help="other options of all networks, as JSON values",
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args()
    results = run_all(make_runs(options), options.out.with_suffix(".jsonl"), options.jobs)
    per_intent = " ".join(str(value or "all") for value in options.n)
    content = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/fewshot_snips.py --data DATA/snips --part {options.part} --n {per_intent} "
        f"--seeds {' '.join(map(str, options.seeds))} --systems {' '.join(options.systems)}"
        + (f" --set {' '.join(options.set)}" if options.set else "")
        + (f" --more '{json.dumps(options.more)}'" if options.more else ""),
        "base": checkpoint_name(options.base), "base_hash": checkpoint_hash(str(options.base)),
        "systems": [*options.systems, options.more], "summary": summarize(results), "runs": results,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in content["summary"]:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
