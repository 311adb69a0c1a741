"""What inferred types give: a skill's rows, without the types of its slots, are fine-tuned with types told by their values, without, and with the true ones.

nice -n 5 python benchmarks/inferred_types.py --out benchmarks/results/inferred_types.json

The skill is an Alexa model of our own, below, with AMAZON.NUMBER, AMAZON.DATE and AMAZON.DURATION, whose samples have their values in them, short ones, as people write
rows. Test utterances are written by hand: 20 a type, whose values have several words and are in no training row. A value is whole if one slot of its label covers it
exactly; it is split if two or more slots lie in it. Nothing was chosen by them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from headstart import Skill, convert, finetune, load_skill

SYSTEMS: dict[str, tuple[bool, dict[str, Any]]] = {  # whether the skill keeps its types, and options
    "with the types": (True, {}),
    "without types, inferred": (False, {}),
    "without types, --no_infer": (False, {"infer": False}),
}
SAMPLES = {
    "SetTimer": (
        "set a timer for {ten minutes|time}", "wake the oven in {an hour|time}", "let it bake for {40 minutes|time}", "remind me in {30 seconds|time}",
        "timer {5 minutes|time}", "keep it warm for {a minute|time}",
    ),
    "AddEggs": (
        "add {5|count} eggs", "I bought {ten|count} eggs", "put {two|count} eggs on the list", "we need {12|count} eggs", "there are {four|count} eggs left", "{3|count} eggs please",
    ),
    "PlanMeal": (
        "plan a dinner for {tomorrow|day}", "what do we eat {today|day}", "cook pasta on {monday|day}", "is there a meal on {friday|day}", "move the roast to {sunday|day}",
        "show the menu for {tuesday|day}",
    ),
    "Recipe": ("find a recipe", "what can I cook", "show me something with potatoes", "read the recipe", "next step please", "how do I make a pie"),
}  # fmt: skip
TYPES = {"time": "AMAZON.DURATION", "count": "AMAZON.NUMBER", "day": "AMAZON.DATE"}
VALUES = {
    "time": (
        "twenty five minutes", "an hour and a half", "three quarters of an hour", "two and a half hours", "half an hour", "forty five seconds", "one hour ten minutes",
        "ninety minutes", "a couple of hours", "an hour and twenty minutes", "six hours", "thirty two minutes", "two days", "five and a half minutes", "a quarter of an hour",
        "one minute thirty seconds", "seventy five minutes", "three hours fifteen minutes", "eighteen minutes", "two weeks",
    ),
    "count": (
        "twenty five", "one hundred and twelve", "thirty six", "forty eight", "two hundred", "sixty four", "ninety nine", "one hundred", "seventy two", "three hundred fifty",
        "twenty four", "eighty one", "five hundred and six", "thirty three", "fifty seven", "one thousand", "two hundred and ten", "forty two", "six hundred", "twenty nine",
    ),
    "day": (
        "next monday", "the day after tomorrow", "on the third of may", "next week", "this saturday", "june the twelfth", "december twenty fourth", "on friday the thirteenth",
        "the second of july", "next weekend", "march fifth", "new year's eve", "in two weeks", "the last sunday of the month", "on august twenty first", "this evening",
        "tomorrow evening", "the first of april", "on tuesday next week", "february the twenty eighth",
    ),
}  # fmt: skip
CARRIERS = {
    "time": ("set a timer for {0}", "let it simmer for {0}", "please remind me in {0}", "bake the bread for {0}"),
    "count": ("add {0} eggs", "we have {0} eggs now", "put {0} eggs in the basket", "make it {0} eggs"),
    "day": ("plan a dinner for {0}", "what is there to eat {0}", "we cook together {0}", "show me the menu for {0}"),
}
SEEDS = (0, 1, 2)


def make_skills(folder: Path) -> tuple[Skill, Skill]:
    """The skill with its types, and its rows alone."""
    intents = [
        {
            "name": intent,
            "slots": [{"name": label, "type": kind} for label, kind in TYPES.items() if f"|{label}}}" in samples[0]],
            "samples": list(samples),
        }
        for intent, samples in SAMPLES.items()
    ]
    model = {"interactionModel": {"languageModel": {"invocationName": "kitchen help", "intents": intents, "types": []}}}
    (folder / "en-US.json").write_text(json.dumps(model), encoding="utf-8")
    typed = convert(folder / "en-US.json", folder / "rows.jsonl", name="kitchen")
    return typed, load_skill(folder / "rows.jsonl", "kitchen")


def test_rows() -> list[tuple[str, str, str, int, int]]:
    """Type, label, text, start and end of the value."""
    rows = []
    for label, values in VALUES.items():
        for number, value in enumerate(values):
            before, after = CARRIERS[label][number % len(CARRIERS[label])].split("{0}")
            rows.append((TYPES[label], label, before + value + after, len(before), len(before) + len(value)))
    return rows


def outcome(answer: dict[str, Any], label: str, start: int, end: int) -> str:
    """Whether a value was found whole, split, or otherwise."""
    inside = [slot for slot in answer["slots"] if slot["start"] < end and start < slot["end"]]
    if [(slot["start"], slot["end"], slot["label"]) for slot in inside] == [(start, end, label)]:
        return "whole"
    return "split" if len(inside) > 1 else "otherwise"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args()
    results, counts = [], {}
    with tempfile.TemporaryDirectory() as folder:
        typed, plain = make_skills(Path(folder))
        known = {row["text"].lower() for row in plain.rows("train")}
        rows = [row for row in test_rows() if row[2].lower() not in known]
        for system, (has_types, further) in SYSTEMS.items():
            found: dict[str, Counter[str]] = {kind: Counter() for kind in TYPES.values()}
            for seed in options.seeds:
                skill = typed if has_types else plain
                nlu = finetune(skill, Path(folder, system, str(seed)), seed=seed, disable_tqdm=True, **further)
                for kind, label, text, start, end in rows:
                    result = outcome(nlu(text), label, start, end)
                    found[kind][result] += 1
                    results.append({"system": system, "seed": seed, "type": kind, "text": text, "outcome": result})
            counts[system] = {kind: dict(counter) for kind, counter in found.items()}
            print(system, counts[system], flush=True)
    summary = {
        system: {outcome: sum(each.get(outcome, 0) for each in by_type.values()) for outcome in ("whole", "split", "otherwise")}
        for system, by_type in counts.items()
    }
    content = {
        "date": date.today().isoformat(), "command": "nice -n 5 python benchmarks/inferred_types.py --out OUT", "seeds": list(options.seeds),
        "training_rows": len(plain.rows("train")), "test_utterances": len(rows), "summary": summary, "by_type": counts, "results": results,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
