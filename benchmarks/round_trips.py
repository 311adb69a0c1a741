"""Rows to Alexa and Rasa and back: what is the same, and why the rest is not.

python benchmarks/round_trips.py --skills SKILLS --out benchmarks/results/round_trips.json
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
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
