"""examples/own_trainer.py, with transformers' own Trainer, against `train.py finetune`, on small published skills.

python benchmarks/own_trainer.py --skills SKILLS --out benchmarks/results
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import headstart

ROOT = Path(__file__).parent.parent
SEEDS = (0, 1, 2)
NUM_SKILLS, ROWS, LEAST_TEST_ROWS = 3, (40, 120), 30
METRICS = ("exact_match", "semantic_error_rate")


def choose(folder: Path) -> list[Path]:
    """Skills with 40 to 120 training rows and at least 30 test rows: the first three by the SHA-256 of their names."""
    found = []
    for path in sorted(path for path in folder.iterdir() if (path / "test.jsonl").is_file()):
        sizes = [len((path / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()) for part in ("train", "test")]
        if ROWS[0] <= sizes[0] <= ROWS[1] and sizes[1] >= LEAST_TEST_ROWS:
            found.append(path)
    return sorted(found, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())[:NUM_SKILLS]


def train(system: str, skill: Path, seed: int, out: Path) -> None:
    if system == "own_trainer":
        command = [ROOT / "examples" / "own_trainer.py", skill, out, seed]
    else:
        command = [ROOT / "train.py", "finetune", skill, "--output_dir", out, "--seed", seed, "--quiet"]
    subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    runs: list[dict[str, Any]] = []
    for skill in choose(options.skills):
        for seed in SEEDS:
            for system in ("train.py", "own_trainer"):
                with tempfile.TemporaryDirectory() as folder:
                    train(system, skill, seed, Path(folder) / "out")
                    scores = headstart.evaluate(Path(folder) / "out", skill / "test.jsonl")
                runs.append(
                    {
                        "skill": skill.name,
                        "seed": seed,
                        "system": system,
                        "test_rows": scores["utterances"],
                        **{name: scores[name] for name in METRICS},
                    }
                )
                print(runs[-1], flush=True)
    summary = {}
    for skill_name in dict.fromkeys(run["skill"] for run in runs):
        for system in ("train.py", "own_trainer"):
            of = [run for run in runs if (run["skill"], run["system"]) == (skill_name, system)]
            summary[f"{skill_name}, {system}"] = {
                name: {"mean": round(mean(run[name] for run in of), 4), "stdev": round(stdev(run[name] for run in of), 4)}
                for name in METRICS
            }
    command = "python benchmarks/own_trainer.py --skills SKILLS --out benchmarks/results"
    content = {"date": date.today().isoformat(), "command": command, "seeds": SEEDS, "summary": summary, "runs": runs}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "own_trainer.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
