"""Rows to Alexa, Rasa, Dialogflow ES and CoNLL and back, and templates to Lex V2 and hassil and back: what is the same, and why the rest is not. And the
canonical values of interaction models, to all that is written.

python benchmarks/round_trips.py --skills SKILLS --out benchmarks/results/round_trips.json
python benchmarks/round_trips.py --models MODELS --out benchmarks/results/round_trips_values.json
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import tempfile
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from headstart import Skill, convert, load_skill
from headstart.data.rows import Row
from headstart.data.templates import row_template

FILES = {
    "alexa": "skill.json", "rasa": "skill.yml", "dialogflow": "skill.zip", "conll": "skill.conll", "lex": "skill.zip", "hassil": "skill.yaml",
}  # fmt: skip
VALUED = ("alexa", "rasa")  # that have canonical values
OPEN = ("lex", "hassil")  # whose samples have no values: templates are compared
NAMES = {
    "dialogflow": r"[^A-Za-z0-9_-]",
    "lex": r"[^A-Za-z0-9_-]|[_-]{2,}",
    "hassil": r"[{}<>|:;()\[\]\\]",
}  # characters that names lose
SIGNS = str.maketrans("{}", "()")


def normalise(row: Row, format: str) -> str:
    """A row as it is compared: with its values, without its offsets where blanks are made single."""
    if format in ("alexa", "rasa"):
        return json.dumps(row, sort_keys=True, ensure_ascii=False)
    if format in OPEN:
        return json.dumps([row["intent"], row_template(row).pattern.translate(SIGNS)], ensure_ascii=False)
    slots = [(slot["label"], " ".join(row["text"][slot["start"] : slot["end"]].split())) for slot in row["slots"] or []]
    return json.dumps([" ".join(row["text"].split()), row["intent"], slots], ensure_ascii=False)


def reason(row: Row, rows: list[Row], format: str) -> str:
    """Why a row is not there again."""
    if format in NAMES and any(
        re.search(NAMES[format], name) for name in (row["intent"] or "", *(slot["label"] for slot in row["slots"] or []))
    ):
        return "names with characters that the format refuses"
    if format == "conll" and any(
        cuts_word_between_blanks(row["text"], slot["start"], slot["end"]) for slot in row["slots"] or []
    ):
        return "values beside which there is no blank"
    if any(other["text"].lower() == row["text"].lower() and other["intent"] != row["intent"] for other in rows):
        return "its text, in whatever case, is in several intents"
    if any(other["text"].lower() == row["text"].lower() and other["slots"] != row["slots"] for other in rows):
        return "its text, in whatever case, has several annotations"
    if any(
        first["label"] == second["label"] and not row["text"][first["end"] : second["start"]].strip()
        for first, second in pairwise(row["slots"] or [])
    ):
        return "two values of one slot beside each other"
    if row["text"] != " ".join(row["text"].split()):
        return "white space"
    return "other"


def cuts_word_between_blanks(text: str, start: int, end: int) -> bool:
    return bool(text[start - 1 : start].strip() or text[end : end + 1].strip())


def compare(folder: Path, name: str) -> dict[str, Any]:
    original = load_skill(folder, allow_unseen_labels=True)
    rows = original.rows("train")
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / FILES[name]
        convert(folder, path, name)
        again = load_skill(path, original.name)
    before = {normalise(row, name): row for row in rows}
    after = {normalise(row, name) for row in (again.rows("train") if name not in OPEN else opened(again))}
    catalogs = {label: set(values) for label, values in original.catalogs.items() if values}
    return {
        "rows": len(before),
        "lost": Counter(reason(row, rows, name) for key, row in before.items() if key not in after),
        "added": len(set(after) - set(before)),
        "catalogs_differ": sorted(
            label for label in catalogs if name in ("alexa", "rasa") and catalogs[label] != set(again.catalogs.get(label, []))
        ),
    }


def opened(skill: Skill) -> list[Row]:
    """A row for each template, which stands for it."""
    return [template.fill([slot.value or slot.label for slot in template.slots]) for template in skill.templates]


def compare_values(models: Path) -> dict[str, Any]:
    """The values with synonyms or an id that models have, and those that are not there again; Rasa has no ids."""
    summary = {}
    for name, file in {**{name: FILES[name] for name in VALUED}, "rows": "skill"}.items():
        totals: Counter[str] = Counter()
        for path in tqdm(sorted(models.glob("*.json")), desc=name):
            original = load_skill(path, allow_unseen_labels=True)
            with tempfile.TemporaryDirectory() as work:
                convert(path, Path(work) / file)
                again = load_skill(Path(work) / file, original.name)
            for label, values in original.canonical.items():
                there = {(value.value, value.id, value.synonyms) for value in again.canonical.get(label, [])}
                listed = set(again.catalogs.get(label, []))
                for value in values:
                    wanted = (value.value, None if name == "rasa" else value.id, value.synonyms)
                    is_there = wanted in there or (wanted[1:] == (None, ()) and value.value in listed)
                    totals.update(
                        {"values": 1, "ids": value.id is not None, "synonyms": len(value.synonyms), "lost": not is_there}
                    )
        summary[name] = {"models": len(list(models.glob("*.json"))), **{key: int(count) for key, count in totals.items()}}
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, help="folder of skill folders")
    parser.add_argument("--models", type=Path, help="folder of interaction models, whose values are looked at")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--formats", nargs="+", choices=list(FILES), default=list(FILES))
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    if (options.skills is None) == (options.models is None):
        parser.error("give --skills or --models")
    if options.models is not None:
        head = {"date": date.today().isoformat(), "command": "python benchmarks/round_trips.py --models MODELS"}
        options.out.write_text(json.dumps({**head, **compare_values(options.models)}, indent=1) + "\n", encoding="utf-8")
        return
    folders = sorted(path.parent for path in options.skills.glob("*/train.jsonl"))
    summary = {}
    for name in options.formats:
        results = {folder.name: compare(folder, name) for folder in tqdm(folders, desc=name)}
        lost = sum((result["lost"] for result in results.values()), Counter())
        summary[name] = {
            "skills": len(results),
            "identical": sum(
                not result["lost"] and not result["added"] and not result["catalogs_differ"] for result in results.values()
            ),
            "distinct_rows": sum(result["rows"] for result in results.values()),
            "lost_rows": dict(lost),
            "added_rows": sum(result["added"] for result in results.values()),
            "skills_with_other_catalogs": [skill for skill, result in results.items() if result["catalogs_differ"]],
            "skills_that_lose_rows": {skill: dict(result["lost"]) for skill, result in results.items() if result["lost"]},
        }
    content = {"date": date.today().isoformat(), "command": "python benchmarks/round_trips.py --skills SKILLS", **summary}
    options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(content, ensure_ascii=False))


if __name__ == "__main__":
    main()
