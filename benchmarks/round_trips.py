"""Rows to Alexa and Rasa and back: what is the same, and why the rest is not. And the canonical values of interaction models, to all that is written.

python benchmarks/round_trips.py --skills SKILLS --out benchmarks/results/round_trips.json
python benchmarks/round_trips.py --models MODELS --out benchmarks/results/round_trips_values.json
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from headstart import convert, load_skill
from headstart.data.rows import Row

FILES = {"alexa": "skill.json", "rasa": "skill.yml"}


def normalise(row: Row) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False)


def reason(row: Row, rows: list[Row]) -> str:
    """Why a row is not there again."""
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


def compare(folder: Path, name: str) -> dict[str, Any]:
    original = load_skill(folder, allow_unseen_labels=True)
    rows = original.rows("train")
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / FILES[name]
        convert(folder, path)
        again = load_skill(path, original.name)
    before, after = ({normalise(row): row for row in part} for part in (rows, again.rows("train")))
    catalogs = {label: set(values) for label, values in original.catalogs.items() if values}
    return {
        "rows": len(before),
        "lost": Counter(reason(row, rows) for key, row in before.items() if key not in after),
        "added": len(set(after) - set(before)),
        "catalogs_differ": sorted(label for label in catalogs if catalogs[label] != set(again.catalogs.get(label, []))),
    }


def compare_values(models: Path) -> dict[str, Any]:
    """The values with synonyms or an id that models have, and those that are not there again; Rasa has no ids."""
    summary = {}
    for name, file in {**FILES, "rows": "skill"}.items():
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
    for name in FILES:
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
