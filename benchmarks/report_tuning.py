"""Settings of the report's systems, compared on the validation rows of skills that its tables leave out.

python benchmarks/report_tuning.py --skills SKILLS --out benchmarks/results/tuning/report.json [--systems '{"name": ["kind", {options}]}']

The skills: the 8 that catalogs were tuned on (see `common.choose_skills`), and the next 4 with at most 800 training rows in the order of
their names' SHA-256. A fifth of the templates of their training rows is held out and scored; test rows are not read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from common import choose_skills

from headstart import BASE_EN
from headstart.checkpoints import checkpoint_name
from headstart.finetuning.recipe import choose_recipe
from headstart.report.cases import SkillCase
from headstart.report.engine import run_all
from headstart.report.options import System
from headstart.report.systems import Run, distill

MORE, MAX_ROWS = 4, 800
CLASSICAL: dict[str, dict[str, Any]] = {
    "as it is": {}, "no refilled rows": {"refilled": 0}, "10 refilled": {"refilled": 10}, "C 10": {"intent_c": 10.0},
    "l1 .1": {"slot_l1": 0.1}, "l2 .1": {"slot_l2": 0.1},
}  # fmt: skip
SYSTEMS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"classical, {name}": ("classical", options) for name, options in CLASSICAL.items()},
    **{
        f"{system}, learning rate {rate}": ("finetune", {**options, "learning_rate": rate})
        for system, options in {
            "transfer": {}, "no transfer": {"from_scratch": True},
            "embeddings only": {"from_scratch": True, "starting_embeddings": "distilled"},
        }.items()
        for rate in (1e-3, 2e-3, 4e-3)
    },
    **{
        f"transfer, without {name}": ("finetune", {option: False})
        for option, name in {
            "name_rows": "names of intents", "label_priors": "label priors", "probe": "fitting before", "gazetteers": "gazetteers",
        }.items()
    },
    "transfer, twice the steps": ("finetune", {"times": 2}),
    "no transfer, half the steps": ("finetune", {"from_scratch": True, "times": 0.5}),
    "embeddings only, half the steps": ("finetune", {"from_scratch": True, "starting_embeddings": "distilled", "times": 0.5}),
    "embeddings only, trained": ("finetune", {"from_scratch": True, "starting_embeddings": "distilled", "train_embeddings": True}),
    **{
        f"sentence encoder, {rate}, heads {head}": ("sentence_encoder", {"learning_rate": rate, "head_learning_rate": head})
        for rate, head in ((5e-5, 1e-3), (1e-4, 1e-3), (1e-4, 2e-3), (2e-4, 2e-3))
    },
}  # fmt: skip


def tuning_skills(folder: Path) -> list[str]:
    """The skills that settings are tuned on."""
    first = choose_skills(folder, "tuning")
    others = [path.name for path in folder.iterdir() if path.is_dir() and path.name not in first]
    small = [name for name in others if len((folder / name / "train.jsonl").read_text(encoding="utf-8").splitlines()) <= MAX_ROWS]
    return [*first, *sorted(small, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:MORE]]


def make_run(case: SkillCase, title: str, spec: tuple[str, dict[str, Any]], *, seed: int, base: str, distilled: Path) -> Run:
    """A run on the validation rows; `times` as many steps as those of the recipe."""
    kind, options = spec[0], dict(spec[1])
    times = options.pop("times", None)
    steps = times and round(times * choose_recipe(len(case.load(seed).rows("train")), "from_scratch" in options).steps)
    return Run(
        case, System(title, title, kind, options), seed, base, max_steps=steps, has_curve=False, distilled=distilled, is_tuning=True
    )  # fmt: skip


def summarize(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over skills and seeds of the scores on validation rows."""
    summary = []
    for system in dict.fromkeys(result["system"] for result in results):
        runs = [result for result in results if result["system"] == system]
        means = {name: round(float(np.mean([run["validation"][name] for run in runs])), 4)
                 for name in ("semantic_error_rate", "exact_match", "intent_accuracy")}  # fmt: skip
        seconds = round(float(np.mean([run["seconds"] for run in runs])), 1)
        summary.append({"system": system, "runs": len(runs), **means, "seconds": seconds})
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results; the log of runs lies beside it")
    parser.add_argument("--base", default=BASE_EN, help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--systems", type=json.loads, default=SYSTEMS, help="[kind, options] by name, as JSON")
    options = parser.parse_args()
    names = tuning_skills(options.skills)
    distilled = distill(options.base, options.out.parent)
    runs = [
        make_run(SkillCase(options.skills / name), title, spec, seed=seed, base=options.base, distilled=distilled)
        for seed in range(options.seeds) for name in names for title, spec in options.systems.items()
    ]  # fmt: skip
    results = run_all(runs, options.out.with_suffix(".jsonl"), options.jobs)
    content = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/report_tuning.py --skills SKILLS --seeds {options.seeds}",
        "skills": names, "base": checkpoint_name(options.base), "systems": options.systems, "summary": summarize(results), "runs": results,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in content["summary"]:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
