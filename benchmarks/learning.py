"""What `learn` gives against full retraining: gain, time, and rows that were right before. Skills of others, without a network.

    python benchmarks/learning.py --skills SKILLS --out benchmarks/results/learning.json --work WORK

Of skills with 40 to 130 training rows, 3 intents and 10 test rows, in the order of their names' SHA-256: the first 4 are for tuning (scored on held-out
training rows alone), the next 20 are reported. Each skill is one of two cases, in turn:

- rows: whole templates of the training rows are held back. Ten of their rows are taught; scored are the other held-back rows, and the test rows.
- intent: one intent is held back with all of its rows, and with slots that no other has. All of them (30 at most) are taught; scored are the test rows.

`before` is fine-tuned on what isn't held back; `retrained` on that and what is taught, from the base again; `learned` is `before` after `learn`. Seconds are
of the processor, of one thread, since others use the machine. Models before are kept in WORK, from which the command goes on if it is stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch

import headstart
from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.data.templates import row_template, split_rows
from headstart.loading import load_pipeline

TUNING, REPORT = 4, 20
MIN_ROWS, MAX_ROWS, MIN_TEST, MIN_INTENTS = 40, 130, 10, 3
HELD_BACK, TAUGHT, MAX_TAUGHT = 0.3, 10, 30
QUIET = {"quiet": True, "use_cpu": True, "disable_tqdm": True, "report_to": "none"}


def choose_skills(folder: Path, part: str) -> list[str]:
    names = []
    for path in folder.iterdir():
        if path.is_dir():
            rows, test = (_read(path / f"{name}.jsonl") for name in ("train", "test"))
            intents = {row["intent"] for row in rows}
            if MIN_ROWS <= len(rows) <= MAX_ROWS and len(test) >= MIN_TEST and len(intents) >= MIN_INTENTS:
                names.append(path.name)
    names.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return names[:TUNING] if part == "tuning" else names[TUNING : TUNING + REPORT]


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def part_of(skill: Skill, rows: list[Row]) -> Skill:
    """The skill with these training rows alone, and the catalogs of slots that they have."""
    labels = {slot["label"] for row in rows for slot in row["slots"] or []}
    catalogs = {label: values for label, values in skill.catalogs.items() if label in labels}
    return skill.replace(train=rows, test=None, intents=[], slots=[], catalogs=catalogs)


def make_case(skill: Skill, kind: str, seed: int, is_tuning: bool) -> dict[str, Any]:
    """Rows that are kept, taught and scored."""
    rows, test = skill.rows("train"), skill.rows("test")
    if is_tuning:
        rows, test = split_rows(rows, 0.25, seed=100 + seed)
    choice = random.Random(f"{seed} {skill.name}")
    if kind == "rows":
        kept, held = split_rows(rows, HELD_BACK, seed=seed)
        by_template: dict[str, list[Row]] = {}
        for row in choice.sample(held, len(held)):
            by_template.setdefault(row_template(row).pattern, []).append(row)
        turns = [group[turn] for turn in range(len(held)) for group in by_template.values() if turn < len(group)]
        return {"kept": kept, "taught": turns[:TAUGHT], "scored": [*turns[TAUGHT:], *test]}
    counts = {intent: sum(row["intent"] == intent for row in rows) for intent in skill.intents}
    tested = {row["intent"] for row in test}
    fit = [intent for intent, count in counts.items() if count >= 5 and intent in tested and count <= 0.6 * len(rows)]
    intent = choice.choice(sorted(fit))
    own = [row for row in rows if row["intent"] == intent]
    return {
        "kept": [row for row in rows if row["intent"] != intent],
        "taught": choice.sample(own, min(len(own), MAX_TAUGHT)),
        "scored": test,
        "intent": intent,
    }


def is_right(nlu: Any, rows: list[Row]) -> list[bool]:
    """Of each row, whether intent and all slots are answered as annotated, in whole words."""
    from headstart.tokenization.alignment_headstart import align_spans

    right = []
    for row, answer in zip(rows, nlu([row["text"] for row in rows]), strict=True):
        wanted, _ = align_spans(row["slots"] or [], nlu.words(row["text"]))
        found = {(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]}
        same_slots = row["slots"] is None or found == {(slot["label"], slot["start"], slot["end"]) for slot in wanted}
        right.append(bool(answer["intent"] and answer["intent"]["label"] == row["intent"]) and same_slots)
    return right


def prepare(options: argparse.Namespace, name: str, kind: str) -> dict[str, Any]:
    """The models before and retrained; what they answer, and how long they took."""
    folder = options.work / f"{name}-{kind}-{options.seed}"
    done = folder / "prepared.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    skill = headstart.load_skill(options.skills / name, allow_unseen_labels=True)
    case = make_case(skill, kind, options.seed, options.part == "tuning")
    found: dict[str, Any] = {"skill": name, "kind": kind, **case}
    for model, rows in (("before", case["kept"]), ("retrained", [*case["kept"], *case["taught"]])):
        started = time.process_time()
        nlu = headstart.finetune(part_of(skill, rows), folder / model, seed=options.seed, **QUIET)
        found[f"{model}_seconds"] = time.process_time() - started
        found[f"{model}_right"] = {part: is_right(nlu, case[part]) for part in ("kept", "taught", "scored")}
    shutil.rmtree(folder / "retrained")
    done.write_text(json.dumps(found), encoding="utf-8")
    return found


def measure(options: argparse.Namespace, found: dict[str, Any]) -> dict[str, Any]:
    """What `learn` makes of the model before."""
    folder = options.work / f"{found['skill']}-{found['kind']}-{options.seed}"
    nlu: Any = load_pipeline(folder / "before")
    skill = headstart.load_skill(options.skills / found["skill"], allow_unseen_labels=True)
    rows = part_of(skill, found["kept"]) if options.with_rows else None
    started = time.process_time()
    nlu.learn(found["taught"], skill_rows=rows, **options.set)
    seconds = time.process_time() - started
    right = {part: is_right(nlu, found[part]) for part in ("kept", "taught", "scored")}
    before, after = ([value for part in ("kept", "scored") for value in flags[part]] for flags in (found["before_right"], right))
    nlu.unlearn()
    undone = {part: is_right(nlu, found[part]) for part in ("kept", "taught", "scored")} == found["before_right"]
    return {
        "skill": found["skill"], "kind": found["kind"], "rows": len(found["kept"]), "taught": len(found["taught"]), "scored": len(found["scored"]),
        "scored_right": {
            "before": sum(found["before_right"]["scored"]), "learned": sum(right["scored"]), "retrained": sum(found["retrained_right"]["scored"]),
        },
        "taught_right": {
            "before": sum(found["before_right"]["taught"]), "learned": sum(right["taught"]), "retrained": sum(found["retrained_right"]["taught"]),
        },
        "right_before": sum(before),
        "of_them_right": {
            "learned": sum(old and new for old, new in zip(before, after, strict=True)),
            "retrained": sum(
                old and new
                for part in ("kept", "scored")
                for old, new in zip(found["before_right"][part], found["retrained_right"][part], strict=True)
            ),
        },
        "undone": undone,
        "seconds": {"learn": round(seconds, 3), "retrain": round(found["retrained_seconds"], 3)},
    }  # fmt: skip


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Pooled over skills: counts of rows, shares of them, and of the time."""

    def total(name: str, model: str) -> int:
        return sum(run[name][model] for run in runs)

    gains = {model: total("scored_right", model) - total("scored_right", "before") for model in ("learned", "retrained")}
    right = sum(run["right_before"] for run in runs)
    return {
        "skills": len(runs),
        "scored": sum(run["scored"] for run in runs),
        "scored_right": {model: total("scored_right", model) for model in ("before", "learned", "retrained")},
        "share_of_gain": round(gains["learned"] / gains["retrained"], 4) if gains["retrained"] > 0 else None,
        "taught": sum(run["taught"] for run in runs),
        "taught_right": {model: total("taught_right", model) for model in ("before", "learned", "retrained")},
        "right_before": right,
        "stayed_right": {model: round(total("of_them_right", model) / right, 4) for model in ("learned", "retrained")},
        "undone_exactly": sum(run["undone"] for run in runs),
        "share_of_time": round(sum(run["seconds"]["learn"] for run in runs) / sum(run["seconds"]["retrain"] for run in runs), 4),
        "greatest_share_of_time": round(max(run["seconds"]["learn"] / run["seconds"]["retrain"] for run in runs), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--work", type=Path, required=True, help="folder of models before, about 40 MB each")
    parser.add_argument("--part", choices=("tuning", "report"), default="report")
    parser.add_argument("--kinds", nargs="+", choices=("rows", "intent"), help="both for every skill; unset: in turn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prepare", action="store_true", help="fine-tune alone")
    parser.add_argument("--prepared", action="store_true", help="cases alone whose models are in WORK")
    parser.add_argument("--without_rows", dest="with_rows", action="store_false", help="learn without the skill's own rows")
    parser.add_argument("--set", type=json.loads, default={}, help="options of learn, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    runs = []
    for number, name in enumerate(choose_skills(options.skills, options.part)):
        for kind in options.kinds or [("rows", "intent")[number % 2]]:
            if options.prepared and not (options.work / f"{name}-{kind}-{options.seed}" / "prepared.json").exists():
                continue
            found = prepare(options, name, kind)
            print(name, kind, "prepared", flush=True)
            if not options.prepare:
                runs.append(measure(options, found))
                print(json.dumps(runs[-1]), flush=True)
    if options.prepare:
        return
    kinds = {"all": runs, **{kind: [run for run in runs if run["kind"] == kind] for kind in ("rows", "intent")}}
    summary = {kind: summarize(own) for kind, own in kinds.items() if own}
    content = {
        "date": date.today().isoformat(), "command": "python benchmarks/learning.py", "part": options.part, "seed": options.seed,
        "with_rows": options.with_rows, "set": options.set, "summary": summary, "runs": runs,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
