"""Kill every stage at random moments and take it up again; what became of it goes into a table.

    python benchmarks/reliability.py --out benchmarks/results/reliability.md [--kills 12] [--seed 0]

The stages are those of tests/reliability/kills.py, on a small base and the example skills. A kill is survived if the folder then holds no model or
a whole one; a stage, if it ends with what an uninterrupted run leaves, bit for bit (a report: with the same scores).
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

from tqdm.auto import tqdm

from headstart import pretrain

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "reliability"))
from kills import QUIET, make_stages, survive

EXAMPLES = ("coffee_machine", "plant_care")


def make_material(folder: Path) -> tuple[Path, Path, Path]:
    """A small base, a skill with validation rows in a folder of skills, and two corpora."""
    for name in EXAMPLES:
        (folder / "corpora" / name).mkdir(parents=True)
        for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
            shutil.copy(ROOT / "examples" / name / f"{source}.jsonl", folder / "corpora" / name / f"{part}.jsonl")
    skill = folder / "skills" / "museum_guide"
    skill.mkdir(parents=True)
    for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
        shutil.copy(ROOT / "examples" / "museum_guide" / f"{source}.jsonl", skill / f"{part}.jsonl")
    pretrain(
        folder / "corpora", folder / "base", list(EXAMPLES), embeddings="random", min_word_count=2, embedding_size=12, hidden_size=10,
        task_hidden_size=8, max_steps=100, load_best_model_at_end=False, eval_strategy="no", save_strategy="no", **QUIET,
    )  # fmt: skip
    return folder / "base", skill, folder / "corpora"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    parser.add_argument("--kills", type=int, default=12, help="kills of each stage")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    rng, rows = random.Random(options.seed), []
    with tempfile.TemporaryDirectory() as name:
        for stage in tqdm(make_stages(*make_material(Path(name))), desc="Stages"):
            outcome = survive(stage, Path(name) / stage.name, options.kills, rng)
            rows.append((stage.name, outcome.kills - outcome.broken, outcome.kills, "yes" if outcome.is_same else "no"))
    survived, tried = (sum(row[column] for row in rows) for column in (1, 2))
    lines = [
        "# Reliability", "",
        f"{date.today().isoformat()}, `python benchmarks/reliability.py --kills {options.kills} --seed {options.seed}`: SIGKILL at random moments.",
        "Survived: the folder then holds no model, or a whole one. At the end weights, exported files and figures are those of an uninterrupted run,",
        "bit for bit; of a report, the scores.", "",
        "| stage | kills survived | of | ends as an uninterrupted run |", "| --- | --- | --- | --- |",
        *(f"| {' | '.join(map(str, row))} |" for row in [*rows, ("all", survived, tried, "")]), "",
    ]  # fmt: skip
    options.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
