"""What a factored CRF costs in accuracy where a dense one could be had: the same fine-tunings with either, scored on validation rows.

    python benchmarks/dense_labels.py --data DATA [--corpora massive multidogo topv2] [--rows 500] [--seeds 3]

DATA holds corpora, each with train.jsonl and validation.jsonl; of each, some training rows are drawn for a skill, and as many validation rows at most are scored. Written for the
choice of `MAX_DENSE_LABELS` in modeling/entries_headstart.py.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import tempfile
from datetime import date
from pathlib import Path
from statistics import mean
from typing import Any
from unittest.mock import patch

from tqdm.auto import tqdm

from headstart import Skill, evaluate, finetune
from headstart.data.rows import read_rows
from headstart.data.skills import is_covered
from headstart.modeling import entries_headstart

RESULTS = Path(__file__).parent / "results" / "dense_labels.json"
FIELDS = ("semantic_error_rate", "slot_f1", "intent_accuracy")
KINDS = {"dense": 10**6, "factored": 0}


def draw(folder: Path, rows: int, seed: int) -> Skill:
    """A skill of some rows of a corpus, with validation rows whose labels these hold."""
    train = random.Random(seed).sample(read_rows(folder / "train.jsonl"), rows)
    skill = Skill(f"drawn_{folder.name}", train)
    held_out = [row for row in read_rows(folder / "validation.jsonl") if is_covered(row, skill.intents, skill.slots)]
    return skill.replace(test=random.Random(seed).sample(held_out, min(len(held_out), rows)))


def measure(skill: Skill, limit: int, seed: int) -> dict[str, float]:
    """Scores of one fine-tuning, with a dense CRF for at most so many labels."""
    with patch.object(entries_headstart, "MAX_DENSE_LABELS", limit), tempfile.TemporaryDirectory() as folder:
        quiet: dict[str, Any] = {"disable_tqdm": True, "use_cpu": True, "report_to": "none"}
        nlu = finetune(skill.replace(test=[]), folder, seed=seed, **quiet)
        scores = evaluate(nlu, skill.rows("test"))
    return {field: float(scores[field]) for field in FIELDS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--corpora", nargs="+", default=["massive", "multidogo", "topv2"])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    found: dict[str, Any] = {}
    work = [(name, seed, kind) for name in options.corpora for seed in range(options.seeds) for kind in KINDS]
    for name, seed, kind in tqdm(work, desc="Fine-tunings"):
        skill = draw(options.data / name, options.rows, seed)
        entry = found.setdefault(name, {"labels": [], **{of: [] for of in KINDS}})
        entry["labels"].append(len(skill.slots))
        entry[kind].append(measure(skill, KINDS[kind], seed))
    means = {
        name: {kind: {field: round(mean(run[field] for run in entry[kind]), 4) for field in FIELDS} for kind in KINDS}
        for name, entry in found.items()
    }
    command = f"python benchmarks/dense_labels.py --data DATA --corpora {' '.join(options.corpora)} --rows {options.rows} --seeds {options.seeds}"
    result = {"date": date.today().isoformat(), "command": command, "means": means, "runs": found}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(means, indent=1))


if __name__ == "__main__":
    main()
