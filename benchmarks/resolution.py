"""Which value of a catalog was meant: what is found of values that were misheard or misspelt, how fast, and whether everything finds the same.

python benchmarks/resolution.py --skills SKILLS --choose --out benchmarks/results/tuning/resolution.json
python benchmarks/resolution.py --skills SKILLS [--models MODELS] --out benchmarks/results/resolution.json

Skills whose name's SHA-256 is even are for choosing: the share of letters, the logistic regression and the threshold in
`modeling/resolution_headstart.py` are what the first command says. The second one looks at the others: at their catalogs alone, and, fine-tuned, at
their test rows with one value garbled each, where the slot is found. MODELS is a folder of interaction models, called like the skills without `ask__`,
whose synonyms and ids the skills' catalogs lack. Values have at least three letters; a garbled one that is listed itself is drawn anew.

*Unlisted* are values that are said as they are, and were taken out of the catalog with all that stands for them: whatever is found for one is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from garbling import garble

from headstart import BASE_EN, CatalogValue, Skill, export, finetune, load_skill
from headstart.checkpoints import checkpoint_name
from headstart.evaluation.metrics import expected_calibration_error
from headstart.loading import load_pipeline
from headstart.modeling import resolution_headstart as resolution
from headstart.modeling.resolution_headstart import THRESHOLD, Catalog, Nearness, letters_of, pack_values, unpack_values
from headstart.onnx import OnnxNLU

MIN_LETTERS = 3
PER_LABEL = 10  # values of a label that are garbled, twice each
MAX_UNLISTED, MAX_WRONG = 0.05, 0.01  # what is allowed where it is chosen
MAX_ROWS, MIN_SAID = 400, 15  # training rows, and listed values in test rows, of a skill that is fine-tuned
TRAINED, STEPS = 8, 150  # how many are, and how long
GARBLED_AGAIN = 4  # times that every test row is garbled for the comparison of torch, remote code and ONNX
REMOTE = """
import json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("headstart", "modeling", "tokenization"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from transformers import pipeline

nlu = pipeline("joint-nlu", model=sys.argv[1], trust_remote_code=True)
print(json.dumps(nlu(json.load(sys.stdin), batch_size=1)))
"""


class Case(NamedTuple):
    """A value that is said: garbled, or as it is where it is not listed."""

    skill: str
    label: str
    kind: str
    letters: str
    said: str


def skills_of(folder: Path, models: Path | None, is_choosing: bool) -> Iterator[Skill]:
    """The skills with catalogs of one part."""
    for path in sorted(folder.iterdir()):
        is_even = int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % 2 == 0
        if not (path / "catalogs.json").is_file() or is_even != is_choosing:
            continue
        skill = load_skill(path, allow_unseen_labels=True)
        model = None if models is None else models / f"{path.name.removeprefix('ask__')}.json"
        if model is not None and model.is_file():
            skill = with_values_of(skill, load_skill(model))
        if any(map(eligible, skill.catalogs.values())):
            yield skill


def with_values_of(skill: Skill, model: Skill) -> Skill:
    """The skill with the synonyms and ids of an interaction model, where its catalogs list the same."""
    found = {
        label: values
        for label, values in model.canonical.items()
        if {form for value in values for form in value.forms} <= set(skill.catalogs.get(label, []))
    }
    return skill.replace(canonical=found)


def eligible(values: list[str]) -> list[str]:
    """Values that can be garbled and still be known."""
    return [value for value in values if sum(map(str.isalpha, value)) >= MIN_LETTERS]


def catalogs_of(skill: Skill) -> dict[str, Catalog]:
    listed = {label: skill.listed(label) for label in skill.catalogs}
    return {label: Catalog(values) for label, values in unpack_values(*pack_values(listed)).items()}


def cases_of(skill: Skill, drawn: random.Random) -> Iterator[tuple[Case, Catalog]]:
    """Values of each catalog, garbled, and as they are where they are not listed; the same list of two labels is looked at once."""
    seen: set[tuple[str, ...]] = set()
    for label, catalog in catalogs_of(skill).items():
        values = eligible(skill.catalogs[label])
        forms = {letters_of(form) for form in skill.catalogs[label]}
        if tuple(sorted(values)) in seen or len(forms) < 2:
            continue
        seen.add(tuple(sorted(values)))
        for value in drawn.sample(values, min(PER_LABEL, len(values))):
            for _ in range(2):
                said = garble(value, drawn, lambda text, forms=forms: letters_of(text) in forms)
                if said is not None:
                    yield Case(skill.name, label, "garbled", letters_of(value), said), catalog
            if len(forms) > 2:
                yield Case(skill.name, label, "unlisted", letters_of(value), value), catalog


def is_right(catalog: Catalog, letters: str, found: str) -> bool:
    """Whether a form that was found stands for what a value stands for."""
    return not catalog.numbers(letters).isdisjoint(catalog.numbers(found))


# ---- choosing


def choose(options: argparse.Namespace) -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression

    drawn = random.Random(options.seed)
    cases = [case for skill in skills_of(options.skills, options.models, True) for case in cases_of(skill, drawn)]
    is_garbled = np.array([case.kind == "garbled" for case, _ in cases])
    rows = []
    for share in np.arange(0, 11) / 10:
        resolution.OF_LETTERS = float(share)
        near = [catalog.nearest(case.said, case.letters if case.kind == "unlisted" else None) for case, catalog in cases]
        right = np.array(
            [
                found is not None and case.kind == "garbled" and is_right(catalog, case.letters, found[0])
                for (case, catalog), found in zip(cases, near, strict=True)
            ]
        )
        nearness = [Nearness(0.0, 0.0, 1) if found is None else found[1] for found in near]
        inputs = np.array([[found.similarity, found.margin, np.log(found.length + 1)] for found in nearness])
        fitted = LogisticRegression(C=100, max_iter=1000).fit(inputs, right)
        probabilities = fitted.predict_proba(inputs)[:, 1] / np.where(inputs[:, 1] > 0, 1, 2)
        for threshold in np.arange(30, 100) / 100:
            taken = probabilities >= threshold
            rows.append({
                "letters": float(share), "threshold": float(threshold), "right": rate((right & taken)[is_garbled]),
                "wrong": rate((~right & taken)[is_garbled]), "unlisted": rate(taken[~is_garbled]),
                "logistic": dict(zip(("constant", "similarity", "margin", "length"),
                                     np.round([*fitted.intercept_, *fitted.coef_[0]], 2).tolist(), strict=True)),
            })  # fmt: skip
    allowed = [row for row in rows if row["unlisted"] <= MAX_UNLISTED and row["wrong"] <= MAX_WRONG]
    best = [
        max(found, key=lambda row: row["right"])
        for share in sorted({row["letters"] for row in allowed})
        if (found := [row for row in allowed if row["letters"] == share])
    ]
    most = max(row["right"] for row in best)
    error = (most * (1 - most) / is_garbled.sum()) ** 0.5
    # Recognisers write other words, of which sounds tell more than of the single letters that are garbled here: within one standard error, more of sounds.
    chosen = min((row for row in best if row["right"] >= most - error), key=lambda row: row["letters"])
    return {"skills": len({case.skill for case, _ in cases}), "garbled": int(is_garbled.sum()), "unlisted": int((~is_garbled).sum()),
            "chosen": chosen, "best_of_each_share_of_letters": best}  # fmt: skip


def rate(values: Any) -> float:
    return round(float(np.mean(values)), 4) if len(values) else 0.0


# ---- catalogs alone


def look_at_catalogs(skills: list[Skill], seed: int) -> dict[str, Any]:
    drawn = random.Random(seed)
    counts = {"garbled": [0, 0, 0], "unlisted": [0, 0, 0]}  # right, wrong, none
    judged: list[tuple[float, bool]] = []
    for skill in skills:
        for case, catalog in cases_of(skill, drawn):
            found = catalog.nearest(case.said, case.letters if case.kind == "unlisted" else None)
            is_taken = found is not None and found[1].probability >= THRESHOLD
            right = found is not None and case.kind == "garbled" and is_right(catalog, case.letters, found[0])
            counts[case.kind][0 if is_taken and right else 1 if is_taken else 2] += 1
            if is_taken and case.kind == "garbled":
                judged.append((found[1].probability, right))
    shares = {
        kind: {
            "values": sum(found),
            **{name: round(count / sum(found), 4) for name, count in zip(("right", "wrong", "none"), found, strict=True)},
        }
        for kind, found in counts.items()
    }
    return {
        "skills": len(skills),
        **shares,
        "expected_calibration_error": round(expected_calibration_error(*zip(*judged, strict=True)), 4),
    }


# ---- answers


class Said(NamedTuple):
    """A test row with one value garbled: the text, and where its slot is, of which label, and what was said before."""

    text: str
    label: str
    start: int
    end: int
    letters: str


def said_rows(skill: Skill, catalogs: dict[str, Catalog], drawn: random.Random) -> list[Said]:
    """Each slot of each test row whose value is listed, garbled."""
    found = []
    for row in skill.rows("test"):
        for slot in row["slots"] or []:
            value, catalog = row["text"][slot["start"] : slot["end"]], catalogs.get(slot["label"])
            if catalog is None or not eligible([value]) or not catalog.numbers(letters_of(value)):
                continue
            garbled = garble(value, drawn, lambda text, catalog=catalog: bool(catalog.numbers(letters_of(text))))
            if garbled is not None:
                text = row["text"][: slot["start"]] + garbled + row["text"][slot["end"] :]
                found.append(Said(text, slot["label"], slot["start"], slot["start"] + len(garbled), letters_of(value)))
    return found


def look_at_answers(skill: Skill, options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A fine-tuned skill, asked its test rows with a value garbled; and what [`compare`] finds."""
    catalogs = catalogs_of(skill)
    rows = said_rows(skill, catalogs, random.Random(f"{options.seed} {skill.name}"))
    nlu: Any = finetune(
        skill.replace(test=None),
        folder,
        base=options.base,
        seed=options.seed,
        allow_unseen_labels=True,
        disable_tqdm=True,
        max_steps=STEPS,
    )
    result = {
        "skill": skill.name,
        "train_rows": len(skill.rows("train")),
        "garbled": len(rows),
        "found": 0,
        "right": 0,
        "wrong": 0,
        "none": 0,
    }
    for row, answer in zip(rows, nlu([row.text for row in rows]), strict=True):
        slot = next((slot for slot in answer["slots"] if (slot["label"], slot["start"], slot["end"]) == row[1:4]), None)
        if slot is not None:
            values = [catalogs[row.label].values[number] for number in catalogs[row.label].numbers(row.letters)]
            readings = slot["resolution"]
            right = bool(readings) and any(
                readings[0]["value"] == value.value and readings[0].get("id") == value.id for value in values
            )
            result["found"] += 1
            result["right" if right else "wrong" if readings else "none"] += 1
    print(json.dumps(result), file=sys.stderr, flush=True)
    again = [said_rows(skill, catalogs, random.Random(f"{number} {skill.name}")) for number in range(GARBLED_AGAIN)]
    compared = compare([row["text"] for row in skill.rows("test")], [row.text for rows in again for row in rows], folder)
    return result, {"skill": skill.name, **compared}


def resolutions(answers: list[Any]) -> list[Any]:
    return [
        [(slot["label"], slot["start"], slot["end"], [(reading["value"], reading.get("id"), round(reading["score"], 9)) for reading in slot.get("resolution", [])])
         for slot in answer["slots"]]
        for answer in answers
    ]  # fmt: skip


def compare(said: list[str], garbled: list[str], folder: Path) -> dict[str, Any]:
    """How many texts torch, remote code and an exported skill resolve otherwise than each other, and the exported skill's milliseconds."""
    nlu: Any = load_pipeline(folder)
    exported = OnnxNLU(export(nlu, folder.parent / f"{folder.name}-onnx"))
    texts = [*said, *garbled]
    of_torch, of_onnx = resolutions(nlu(texts)), resolutions(exported(texts))
    with tempfile.TemporaryDirectory() as modules:
        environment = {**os.environ, "HF_MODULES_CACHE": modules, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run([sys.executable, "-c", REMOTE, str(folder)], input=json.dumps(texts), env=environment, cwd=modules,
                              capture_output=True, text=True, check=True)  # fmt: skip
    of_remote = resolutions(json.loads(done.stdout.splitlines()[-1]))
    found = {
        "utterances": len(texts),
        "resolved_slots": sum(bool(slot[3]) for slots in of_torch for slot in slots),
        "remote_code_differs": sum(a != b for a, b in zip(of_torch, of_remote, strict=True)),
        "onnx_differs": sum(a != b for a, b in zip(of_torch, of_onnx, strict=True)),
        "onnx_ms": {"said_as_listed": time_answers(exported, said), "garbled": time_answers(exported, garbled)},
    }
    print(json.dumps(found), file=sys.stderr, flush=True)
    return found


def time_answers(nlu: OnnxNLU, texts: list[str]) -> dict[str, float]:
    """Median milliseconds of processor time of one text, with and without saying what values mean, in turns."""
    times: dict[str, list[float]] = {"with": [], "without": []}
    for text in texts * 3:
        for name, resolve in (("with", True), ("without", False)):
            started = time.thread_time()
            nlu(text, resolve=resolve)
            times[name].append((time.thread_time() - started) * 1000)
    return {name: round(statistics.median(found), 3) for name, found in times.items()}


# ---- time


def time_lookups(num_values: int, seed: int) -> dict[str, Any]:
    """Milliseconds of processor time of one lookup among generated names of three words."""
    drawn = random.Random(seed)
    onsets, vowels, ends = (
        [
            "b",
            "br",
            "c",
            "ch",
            "d",
            "f",
            "g",
            "gr",
            "h",
            "j",
            "k",
            "l",
            "m",
            "n",
            "p",
            "r",
            "s",
            "sh",
            "st",
            "t",
            "th",
            "tr",
            "v",
            "w",
        ],
        ["a", "e", "i", "o", "u", "ai", "ee", "oo", "ou"],
        ["", "n", "r", "s", "t", "l", "ck", "m", "nd"],
    )

    def word() -> str:
        return "".join(
            drawn.choice(onsets) + drawn.choice(vowels) + drawn.choice(ends) for _ in range(drawn.choice((1, 2, 2, 3)))
        )

    names: dict[str, None] = {}
    while len(names) < num_values:
        names[" ".join(word() for _ in range(3))] = None
    values = list(names)
    started = time.thread_time()
    catalog = Catalog([CatalogValue(value) for value in values])
    table = time.thread_time() - started
    started = time.thread_time()
    catalog.resolve("xyz")
    index = time.thread_time() - started
    asked = drawn.sample(values, 1000)
    garbled = [said for value in asked if (said := garble(value, drawn, names.__contains__)) is not None]
    found = [catalog.resolve(said) for said in garbled]
    right = sum(bool(readings) and readings[0]["value"] == value for value, readings in zip(asked, found, strict=False))
    return {
        "values": num_values, "table_s": round(table, 2), "index_s": round(index, 2),
        "listed_ms": quantiles([clocked(catalog, value) for value in asked]),
        "garbled_ms": quantiles([clocked(catalog, said) for said in garbled]), "garbled_right": round(right / len(garbled), 4),
    }  # fmt: skip


def clocked(catalog: Catalog, text: str) -> float:
    started = time.thread_time()
    catalog.resolve(text)
    return (time.thread_time() - started) * 1000


def quantiles(times: list[float]) -> dict[str, float]:
    return {
        "p50": round(statistics.median(times), 3),
        "p95": round(float(np.quantile(times, 0.95)), 3),
        "max": round(max(times), 3),
    }


def to_train(skills: list[Skill]) -> list[Skill]:
    """The first skills by the SHA-256 of their names that are small, and whose test rows have values that can be garbled."""
    found = [
        skill for skill in skills
        if len(skill.rows("train")) <= MAX_ROWS and len(said_rows(skill, catalogs_of(skill), random.Random(0))) >= MIN_SAID
    ]  # fmt: skip
    return sorted(found, key=lambda skill: hashlib.sha256(skill.name.encode()).hexdigest())[:TRAINED]


def report(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What is found, after each skill that is fine-tuned."""
    skills = list(skills_of(options.skills, options.models, False))
    result: dict[str, Any] = {
        "catalogs": look_at_catalogs(skills, options.seed),
        "time": [time_lookups(n, options.seed) for n in (1000, 100_000)],
    }
    yield result
    answers, parity = [], []
    for skill in to_train(skills):
        with tempfile.TemporaryDirectory() as folder:
            found, compared = look_at_answers(skill, options, Path(folder) / skill.name)
        answers.append(found)
        parity.append(compared)
        yield result | summary_of(answers, parity)


def summary_of(answers: list[dict[str, Any]], parity: list[dict[str, Any]]) -> dict[str, Any]:
    totals = {name: sum(found[name] for found in answers) for name in ("garbled", "found", "right", "wrong", "none")}
    shares = {name: round(totals[name] / max(totals["found"], 1), 4) for name in ("right", "wrong", "none")}
    names = ("utterances", "resolved_slots", "remote_code_differs", "onnx_differs")
    times = {
        kind: {name: round(statistics.mean(found["onnx_ms"][kind][name] for found in parity), 3) for name in ("with", "without")}
        for kind in ("said_as_listed", "garbled")
    }
    return {
        "answers": {"skills": len(answers), **totals, "of_found": shares, "by_skill": answers},
        "onnx_ms": times,
        "parity": {**{name: sum(found[name] for found in parity) for name in names}, "by_skill": parity},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skills")
    parser.add_argument("--models", type=Path, help="folder of their interaction models")
    parser.add_argument("--choose", action="store_true", help="fit and choose, on the other part of the skills")
    parser.add_argument("--base", default=BASE_EN)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    command = "python benchmarks/resolution.py --skills SKILLS" + " --models MODELS" * bool(options.models)
    head = {"date": date.today().isoformat(), "command": command + " --choose" * options.choose, "seed": options.seed}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(sys.stderr):
        for found in [choose(options)] if options.choose else report(options):
            options.out.write_text(
                json.dumps({**head, "base": checkpoint_name(options.base), **found}, indent=1) + "\n", encoding="utf-8"
            )


if __name__ == "__main__":
    main()
