"""How far a skill's own training rows contradict one another: what no system can learn from them. Test rows are not read.

    python benchmarks/contradictions.py --skills SKILLS --out benchmarks/results/contradictions.json

Two rows are twins if their texts are the same once slot values, and whatever else stands in a catalog, are masked: "if my kitchen speaker is
off" and "if my front speaker is off". A row contradicts if its intent, or which of the masked parts are which slots, is not what
most of its twins have. A lower bound: contradictions between different wordings are not seen.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from headstart import load_skill
from headstart.data.rows import Row

Part = tuple[int, int, str | None]  # of a text: start, end, slot label


def mask(row: Row, values: re.Pattern[str] | None) -> tuple[str, tuple[str | None, ...]]:
    """The text with its values masked, and the slot labels of the masked parts; None for a value that is not annotated."""
    text = row["text"].lower()
    annotated: list[Part] = [(slot["start"], slot["end"], slot["label"]) for slot in row["slots"] or []]
    found: list[Part] = [(match.start(), match.end(), None) for match in values.finditer(text)] if values else []
    free = [span for span in found if not any(span[0] < end and span[1] > start for start, end, _ in annotated)]
    spans = sorted([*annotated, *free], key=lambda span: span[:2])
    masked, position = "", 0
    for start, end, _ in spans:
        masked += text[position:start] + "_"
        position = end
    return masked + text[position:], tuple(label for *_, label in spans)


def share_contradicting(rows: list[Row], catalogs: dict[str, list[str]]) -> float:
    words = sorted({value.lower() for values in catalogs.values() for value in values if value.strip()}, key=len, reverse=True)
    values = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, words))})(?!\w)") if words else None
    twins: dict[str, Counter[Any]] = defaultdict(Counter)
    for row in rows:
        masked, labels = mask(row, values)
        twins[masked][row["intent"], labels] += 1
    return 1 - sum(max(found.values()) for found in twins.values()) / len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    options = parser.parse_args()
    shares = {}
    for path in sorted(path for path in options.skills.iterdir() if path.is_dir()):
        skill = load_skill(path, allow_unseen_labels=True)
        shares[path.name] = round(share_contradicting(skill.rows("train"), skill.catalogs), 4)
    by_source = {
        source: {"skills": len(found), "with_contradictions": sum(share > 0 for share in found), "mean_share": round(float(np.mean(found)), 4)}
        for source in sorted({name.split("__")[0] for name in shares})
        for found in [[share for name, share in shares.items() if name.startswith(f"{source}__")]]
    }  # fmt: skip
    content = {
        "date": date.today().isoformat(), "command": "python benchmarks/contradictions.py --skills SKILLS",
        "mean_share": round(float(np.mean(list(shares.values()))), 4), "by_source": by_source, "share_of_rows": shares,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"mean_share": content["mean_share"], "by_source": by_source}, indent=1))


if __name__ == "__main__":
    main()
