"""How many annotated rows `suggest` saves against random choice. Skills of others, without a network.

    python benchmarks/suggesting.py --skills SKILLS --out benchmarks/results/suggesting.json

A skill's training rows are the log, and their annotation what a person would say. Ten rows, drawn at random, are annotated first; a skill that is
trained on them suggests ten more, one that is trained on those twenty suggests ten more. Compared are skills that are trained on suggested rows and on
so many, and half as many more, rows drawn at random (the same first ten), by frames that are right of the test rows.
So that 150 trainings can be run in minutes, a skill's classifiers are fitted to the base's states, and nothing is tuned; `--steps` fine-tunes instead. Skills have 90 to 400 training rows, at least 3 intents and 20 test
rows; in the order of their names' SHA-256, the first 6 are for tuning (a quarter of the templates of their training rows is scored), the next 10
are reported. A log of runs lies beside the result file, from which the command goes on if it is stopped.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import random
import tempfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import interval
from learning import QUIET, _read, is_right, part_of
from transformers import AutoTokenizer

import headstart
from headstart import BASE_EN, HeadstartForJointNLU, NLUPipeline
from headstart.data.out_of_scope import list_out_of_scope
from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.data.templates import split_rows
from headstart.evaluation.suggesting import suggest
from headstart.finetuning.probing import INTENT_CONFIDENCE, TAG_CONFIDENCE

TUNING, REPORT, SEEDS = 6, 10, 3
MIN_ROWS, MAX_ROWS, MIN_TEST = 90, 400, 20
FIRST, MORE, BUDGETS = 10, 10, (20, 30)
NUM_UNKNOWN = 150


def choose_skills(folder: Path, part: str) -> list[str]:
    names = []
    for path in folder.iterdir():
        if path.is_dir():
            rows, test = (_read(path / f"{name}.jsonl") for name in ("train", "test"))
            if MIN_ROWS <= len(rows) <= MAX_ROWS and len(test) >= MIN_TEST and len({row["intent"] for row in rows}) >= 3:
                names.append(path.name)
    names.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return names[:TUNING] if part == "tuning" else names[TUNING : TUNING + REPORT]


@cache
def base() -> tuple[Any, Any]:
    model: Any = HeadstartForJointNLU.from_pretrained(BASE_EN)
    return model, AutoTokenizer.from_pretrained(BASE_EN)


def train(skill: Skill, rows: list[Row], seed: int, steps: int) -> NLUPipeline:
    """The skill with these rows: fine-tuned, or (without steps) with classifiers that are fitted to the base's states alone."""
    own = part_of(skill, rows)
    if steps:
        with tempfile.TemporaryDirectory() as folder:
            return headstart.finetune(own, Path(folder) / "skill", seed=seed, max_steps=steps, **QUIET)
    model, tokenizer = copy.deepcopy(base()[0]), base()[1]
    others = model.skills
    model.add_skill(own, tokenizer=tokenizer)
    for name in others:
        model.delete_skill(name)
    with tempfile.TemporaryDirectory() as folder:
        unknown = Path(folder) / "unknown.txt"
        unknown.write_text("\n".join(random.Random(seed).sample(list_out_of_scope(), NUM_UNKNOWN)), encoding="utf-8")
        encoded = headstart.training_rows(own, model, tokenizer, out_of_scope=str(unknown), out_of_scope_share=1.0, seed=seed)
    headstart.fit_classifiers(model, encoded, seed)
    classifiers = model.classifiers[own.name]
    with torch.no_grad():  # what is fitted is made less certain, for fine-tuning, which doesn't follow
        for layers, confidence in (
            ((classifiers.intent_classifier, classifiers.reject_classifier), INTENT_CONFIDENCE),
            ((classifiers.slot_classifier, classifiers.crf), TAG_CONFIDENCE),
        ):
            for parameter in (parameter for layer in layers if layer is not None for parameter in layer.parameters()):
                parameter.div_(confidence)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer)


def run(skill: Skill, test: list[Row], seed: int, steps: int) -> dict[str, Any]:
    """Share of right test rows by way of choice and number of rows."""
    rows = list({row["text"].lower(): row for row in skill.rows("train")}.values())
    order = random.Random(f"{seed} {skill.name}").sample(rows, len(rows))
    shares: dict[str, float] = {}
    chosen = order[:FIRST]
    while len(chosen) < max(BUDGETS):
        nlu = train(skill, chosen, seed, steps)
        if len(chosen) in BUDGETS:
            shares[f"suggested {len(chosen)}"] = float(np.mean(is_right(nlu, test)))
        by_text = {row["text"]: row for row in order}
        chosen = [*chosen, *(by_text[row["text"]] for row in suggest(nlu, by_text, MORE, known=chosen))]
    shares[f"suggested {len(chosen)}"] = float(np.mean(is_right(train(skill, chosen, seed, steps), test)))
    for budget in BUDGETS:
        for number in dict.fromkeys((budget, round(1.5 * budget))):
            if f"random {number}" not in shares:
                shares[f"random {number}"] = float(np.mean(is_right(train(skill, order[:number], seed, steps), test)))
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--part", choices=("tuning", "report"), default="report")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, default=0, help="of fine-tuning; 0: classifiers alone are fitted")
    options = parser.parse_args()
    torch.set_num_threads(1)
    log = options.out.with_suffix(f".{options.part}-{options.steps}.jsonl")
    runs = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    runs = [run for run in runs if run["seed"] < options.seeds]
    done = {(run["skill"], run["seed"]) for run in runs}
    for seed in range(options.seeds):
        for name in choose_skills(options.skills, options.part):
            if (name, seed) not in done:
                skill = headstart.load_skill(options.skills / name, allow_unseen_labels=True)
                test = skill.rows("test")
                if options.part == "tuning":
                    kept, test = split_rows(skill.rows("train"), 0.25)
                    skill = skill.replace(train=kept, test=None)
                runs.append({"skill": name, "seed": seed, "shares": run(skill, test, seed, options.steps)})
                print(json.dumps(runs[-1]), flush=True)
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(runs[-1]) + "\n")
    names = sorted({run["skill"] for run in runs})
    means = {
        system: interval(np.array([np.mean([run["shares"][system] for run in runs if run["skill"] == name]) for name in names]))
        for system in runs[0]["shares"]
    }
    differences = {
        f"suggested {budget} - random {round(1.5 * budget)}": interval(
            np.array(
                [
                    np.mean([run["shares"][f"suggested {budget}"] - run["shares"][f"random {round(1.5 * budget)}"] for run in runs if run["skill"] == name])
                    for name in names
                ]
            )
        )
        for budget in BUDGETS
    }  # fmt: skip
    content = {
        "date": date.today().isoformat(), "command": "python benchmarks/suggesting.py", "part": options.part, "seeds": options.seeds,
        "steps": options.steps, "skills": len(names), "exact_match": means, "differences": differences, "runs": runs,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"exact_match": means, "differences": differences}, indent=1))


if __name__ == "__main__":
    main()
