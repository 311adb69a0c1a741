"""What `headstart check` finds: in published skills, and of faults that are put into them. No model is trained.

    python benchmarks/checking.py --skills SKILLS --examples examples --out benchmarks/results/checking.json

1. `found`: of each kind, findings and skills that have any. Figures alone: the skills are their developers'.
2. `seeded`: into every skill that a kind of fault fits (of at most 500 training rows; those of examples/ too) and that is clean of such findings, three
   faults are put, one at a time, each by another seed. It is found if a finding of an expected kind is about it. What the faults are, this script
   decides alone: nothing of the check is used to make one.
3. `--draw SEED`: prints 20 findings, drawn at random from all, to be read by a person; what came of it is noted with `--read`.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import headstart
from headstart.checking.check import check
from headstart.checking.findings import KINDS, Finding
from headstart.data.rows import Row
from headstart.data.skills import Skill

MAX_ROWS, DRAWN = 500, 20


class Fault(NamedTuple):
    """A skill with a fault in it, the kinds of findings that tell of it, and words of what they must be about: a text, or a label."""

    skill: Skill
    kinds: set[str]
    about: str


Maker = Callable[[Skill, random.Random], Fault | None]


def _rows(skill: Skill) -> list[Row]:
    return [
        {**row, "slots": None if row["slots"] is None else [dict(slot) for slot in row["slots"]]} for row in skill.rows("train")
    ]  # type: ignore[misc]


def _changed(skill: Skill, **parts: Any) -> Skill:
    return skill.replace(intents=[], slots=[], allow_unseen_labels=True, **parts)


def _pick(rows: list[Row], choice: random.Random, fits: Callable[[Row], bool]) -> int | None:
    places = [place for place, row in enumerate(rows) if fits(row)]
    return choice.choice(places) if places else None


def _other_intent(skill: Skill, row: Row, choice: random.Random) -> str | None:
    others = [intent for intent in skill.intents if intent != row["intent"]]
    return choice.choice(others) if others and row["intent"] is not None else None


def copied_text(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    row = dict(choice.choice(rows))
    row["intent"] = _other_intent(skill, row, choice)
    if row["intent"] is None:
        return None
    if choice.random() < 0.5:
        row["text"] = choice.choice([str.upper, str.capitalize, lambda text: text + "?"])(row["text"])
        row["slots"] = row["slots"] if len(row["text"]) == len(row["text"].lower()) else []
    rows.insert(choice.randrange(len(rows)), row)  # type: ignore[arg-type]
    return Fault(_changed(skill, train=rows), {"text_in_two_intents"}, row["text"])


def other_slots(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    place = _pick(rows, choice, lambda row: bool(row["slots"]))
    if place is None:
        return None
    row = json.loads(json.dumps(rows[place]))
    others = [label for label in skill.slots if label != row["slots"][0]["label"]]
    if others and choice.random() < 0.5:
        row["slots"][0]["label"] = choice.choice(others)
    else:
        del row["slots"][choice.randrange(len(row["slots"]))]
    rows.append(row)
    return Fault(_changed(skill, train=rows), {"contradicting_slots"}, row["text"])


def near_duplicate(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    place = _pick(rows, choice, lambda row: len(row["text"].split()) >= 3)
    intent = _other_intent(skill, rows[place], choice) if place is not None else None
    if place is None or intent is None:
        return None
    row = json.loads(json.dumps(rows[place]))
    ways = ["please before", "please behind", "can you"]
    values = [value for slot in row["slots"] or [] for value in skill.catalogs.get(slot["label"], [])]
    ways += ["another value"] * 2 if len({*values}) > 3 else []
    words = [match for match in re.finditer(r"\b[a-z]{6,}\b", row["text"]) if not _inside(row, *match.span())]
    ways += ["misspelt"] * 2 if words else []
    way = choice.choice(ways)
    if way == "please before":
        _insert(row, 0, "please ")
    elif way == "can you":
        _insert(row, 0, "can you ")
    elif way == "please behind":
        row["text"] += " please"
    elif way == "another value":
        slot = choice.choice([slot for slot in row["slots"] if skill.catalogs.get(slot["label"])])
        old = row["text"][slot["start"] : slot["end"]]
        _replace(
            row, slot["start"], slot["end"], choice.choice([v for v in skill.catalogs[slot["label"]] if v.lower() != old.lower()])
        )
    else:
        match = choice.choice(words)
        at = choice.randrange(match.start() + 1, match.end() - 2)
        text = row["text"]
        row["text"] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        if row["text"] == text:
            return None
    row["intent"] = intent
    rows.append(row)
    return Fault(_changed(skill, train=rows), {"same_phrase_in_two_intents", "text_in_two_intents"}, row["text"])


def _inside(row: Row, start: int, end: int) -> bool:
    return any(slot["start"] < end and start < slot["end"] for slot in row["slots"] or [])


def _insert(row: Any, place: int, text: str) -> None:
    _replace(row, place, place, text)


def _replace(row: Any, start: int, end: int, text: str) -> None:
    row["text"] = row["text"][:start] + text + row["text"][end:]
    for slot in row["slots"] or []:
        if slot["start"] >= end and (slot["start"] > start or start == end):
            slot["start"] += len(text) - (end - start)
            slot["end"] += len(text) - (end - start)
        elif slot["start"] == start:
            slot["end"] = start + len(text)


def thin_intent(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    counts = Counter(row["intent"] for row in rows)
    fit = sorted(intent for intent, count in counts.items() if intent is not None and count >= 6)
    if not fit or len(counts) < 2:
        return None
    intent, left = choice.choice(fit), choice.randrange(1, 4)
    own = choice.sample([place for place, row in enumerate(rows) if row["intent"] == intent], counts[intent] - left)
    return Fault(_changed(skill, train=[row for place, row in enumerate(rows) if place not in {*own}]), {"few_rows"}, intent)


def one_phrase(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    place = _pick(rows, choice, lambda row: row["intent"] is not None and len(row["text"].split()) > 1)
    if place is None or len(skill.intents) < 2:
        return None
    row = rows[place]
    made: list[Row] = []
    for number in range(8):
        copy = json.loads(json.dumps(row))
        slots = [slot for slot in copy["slots"] or [] if len(skill.catalogs.get(slot["label"], [])) > 8]
        if slots:
            _replace(copy, slots[-1]["start"], slots[-1]["end"], skill.catalogs[slots[-1]["label"]][number])
        else:
            _insert(copy, 0, ["", "please ", "can you ", "could you ", "hey ", "just ", "i want to ", "would you "][number])
        made.append(copy)
    kept = [other for other in rows if other["intent"] != row["intent"]]
    return Fault(_changed(skill, train=[*kept, *made]), {"few_phrases"}, str(row["intent"]))


def bare_slot(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    counts = Counter(slot["label"] for row in rows for slot in row["slots"] or [])
    fit = sorted(label for label, count in counts.items() if count >= 3)
    if not fit:
        return None
    label = choice.choice(fit)
    values = sorted(
        {row["text"][slot["start"] : slot["end"]] for row in rows for slot in row["slots"] or [] if slot["label"] == label}
    )[:2]
    for row in rows:
        for slot in sorted(row["slots"] or [], key=lambda slot: -slot["start"]):
            if slot["label"] == label:
                _replace(row, slot["start"], slot["end"], choice.choice(values))
    catalogs = {name: listed for name, listed in skill.catalogs.items() if name != label}
    types = {name: kind for name, kind in skill.slot_types.items() if name != label}
    return Fault(_changed(skill, train=rows, catalogs=catalogs, slot_types=types), {"slot_without_values"}, label)


def shared_value(skill: Skill, choice: random.Random) -> Fault | None:
    large = sorted(label for label, values in skill.catalogs.items() if len(values) >= 5)
    pairs = [(one, two) for one in large for two in large if one != two and not {*skill.catalogs[one]} & {*skill.catalogs[two]}]
    if not pairs:
        return None
    one, two = choice.choice(pairs)
    value = choice.choice(skill.catalogs[one])
    catalogs = {**skill.catalogs, two: [*skill.catalogs[two], value]}
    return Fault(_changed(skill, catalogs=catalogs), {"value_of_two_slots"}, one)


def slot_of_no_row(skill: Skill, choice: random.Random) -> Fault | None:
    if not any(row["slots"] for row in skill.rows("train")):
        return None
    catalogs = {**skill.catalogs, "shelfmark": [f"shelf {number}" for number in ("seven", "twelve", "forty", "ninety")]}
    return Fault(_changed(skill, catalogs=catalogs), {"slot_in_no_row"}, "shelfmark")


def lost_span(skill: Skill, choice: random.Random) -> Fault | None:
    """A span that is left out, of a value that is known: listed, or annotated elsewhere; other rows of the intent have the slot."""
    rows = _rows(skill)
    of_intent = Counter((row["intent"], slot["label"]) for row in rows for slot in row["slots"] or [])
    known = Counter(
        (slot["label"], row["text"][slot["start"] : slot["end"]].lower()) for row in rows for slot in row["slots"] or []
    )
    listed = {(label, value.lower()) for label, values in skill.catalogs.items() for value in values}
    spans = [
        (place, number)
        for place, row in enumerate(rows)
        for number, slot in enumerate(row["slots"] or [])
        if of_intent[row["intent"], slot["label"]] > 2
        and ((value := (slot["label"], row["text"][slot["start"] : slot["end"]].lower())) in listed or known[value] > 1)
        and len(value[1]) > 3
    ]
    if not spans:
        return None
    place, number = choice.choice(spans)
    del (rows[place]["slots"] or [])[number]
    return Fault(_changed(skill, train=rows), {"value_not_annotated", "contradicting_slots"}, rows[place]["text"])


def leaked_text(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    row = choice.choice(rows)
    return Fault(_changed(skill, test=[*skill.rows("test"), row]), {"held_out_text_in_training"}, row["text"])


def markup(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    row: Any = choice.choice(rows)
    what = choice.choice(
        ["{city}", "[tonight](time)", "<b>now</b>", "&amp;", "\ufffd", "{{ user_name }}", "\u200b", "&quot;hello&quot;"]
    )
    if choice.random() < 0.5:
        _insert(row, 0, what + " ")
    else:
        row["text"] += " " + what
    return Fault(_changed(skill, train=rows), {"markup_left"}, row["text"])


def wrong_label(skill: Skill, choice: random.Random) -> Fault | None:
    """Another label on a value that its own slot lists and the other, which lists others, doesn't."""
    rows = _rows(skill)
    listed = {label: {value.lower() for value in values} for label, values in skill.catalogs.items() if len(values) >= 3}
    spans = [
        (slot, other, row["text"])
        for row in rows
        for slot in row["slots"] or []
        for other in sorted(listed)
        if other != slot["label"]
        and (value := row["text"][slot["start"] : slot["end"]].lower()) in listed.get(slot["label"], ())
        and value not in listed[other]
    ]
    if not spans:
        return None
    slot, other, text = choice.choice(spans)
    slot["label"] = other
    return Fault(_changed(skill, train=rows), {"value_of_another_slot", "contradicting_slots"}, text)


def other_spelling(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    counts = Counter(row["intent"] for row in rows)
    fit = sorted(intent for intent, count in counts.items() if intent is not None and count >= 2 and re.search("[a-z]", intent))
    if not fit:
        return None
    intent = choice.choice(fit)
    spelled = choice.choice(
        [str.lower, str.upper, str.swapcase, lambda name: name + "Intent", lambda name: name.replace("_", " ") + " "]
    )(intent)
    if spelled == intent:
        return None
    next(row for row in rows if row["intent"] == intent)["intent"] = spelled
    return Fault(_changed(skill, train=rows), {"labels_alike"}, spelled)


def cut_span(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    fit = [
        (row, slot) for row in rows for slot in row["slots"] or []
        if slot["end"] - slot["start"] > 3 and row["text"][slot["end"] - 2 : slot["end"]].isalpha()
        and (slot["end"] == len(row["text"]) or row["text"][slot["end"]] == " ")
    ]  # fmt: skip
    if not fit:
        return None
    row, slot = choice.choice(fit)
    after = [other for other in row["slots"] or [] if other["start"] == slot["end"] + 1]
    slot["end"] += choice.choice([-1, 1]) if slot["end"] < len(row["text"]) and not after else -1
    return Fault(_changed(skill, train=rows), {"span_edges"}, row["text"])


def rambling(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    row: Any = choice.choice(rows)
    if max(len(other["text"].split()) for other in rows) > 30:
        return None
    words = "and then my neighbour said that we never see each other so we went for a walk along the river where it began to rain and we had no umbrella with us at all that day"
    row["text"] += " " + words
    return Fault(_changed(skill, train=rows), {"unbalanced_lengths"}, row["text"])


def repeated(skill: Skill, choice: random.Random) -> Fault | None:
    rows = _rows(skill)
    row = choice.choice(rows)
    return Fault(_changed(skill, train=[*rows, row]), {"repeated_rows"}, row["text"])


def moved_row(skill: Skill, choice: random.Random) -> Fault | None:
    """A row in the wrong intent, of which no copy is left in the right one: the hardest, counted by itself."""
    rows = _rows(skill)
    counts = Counter(row["intent"] for row in rows)
    place = _pick(rows, choice, lambda row: counts[row["intent"]] >= 6)
    intent = _other_intent(skill, rows[place], choice) if place is not None else None
    if place is None or intent is None:
        return None
    rows[place]["intent"] = intent
    return Fault(
        _changed(skill, train=rows),
        {"row_like_another_intent", "same_phrase_in_two_intents", "text_in_two_intents"},
        rows[place]["text"],
    )


FAULTS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        copied_text, other_slots, near_duplicate, thin_intent, one_phrase, bare_slot, shared_value, slot_of_no_row, lost_span, leaked_text,
        markup, wrong_label, other_spelling, cut_span, rambling, repeated,
    )
}  # fmt: skip
HARD: dict[str, Maker] = {"moved_row": moved_row}


def tells_of(finding: Finding, fault: Fault) -> bool:
    rows = {row.text for row in finding.rows}
    return finding.kind in fault.kinds and (fault.about in rows or fault.about in finding.labels)


def seed_faults(skills: list[Skill], makers: dict[str, Maker], show: bool, seeds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    before = {skill.name: {finding.kind for finding in check(skill).findings} for skill in skills}
    for name, maker in makers.items():
        found: list[bool] = []
        for skill in skills:
            for seed in range(seeds):
                fault = maker(skill, random.Random(f"{name} {skill.name} {seed}"))
                if fault is not None and not before[skill.name] & fault.kinds:
                    found.append(any(tells_of(finding, fault) for finding in check(fault.skill).findings))
                    if show and not found[-1]:
                        print("MISSED", name, skill.name, repr(fault.about), flush=True)
        results[name] = {"faults": len(found), "found": found.count(True)}
    return results


def load_all(options: argparse.Namespace) -> list[Skill]:
    folders = [path for path in sorted(options.skills.iterdir()) if path.is_dir()]
    return [headstart.load_skill(path, allow_unseen_labels=True) for path in folders]


def count(skills: list[Skill]) -> Iterator[tuple[str, Finding]]:
    for skill in skills:
        for finding in check(skill).findings:
            yield skill.name, finding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--examples", type=Path, help="folder of skills of one's own")
    parser.add_argument("--out", type=Path, help="JSON file of results")
    parser.add_argument("--seeds", type=int, default=3, help="faults of a kind in a skill")
    parser.add_argument("--draw", type=int, metavar="SEED", help="print findings to be read, and end")
    parser.add_argument("--read", type=json.loads, help='what reading gave, such as {"seed": 7, "true": 19, "of": 20}')
    parser.add_argument("--show", action="store_true", help="print what is missed")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    skills = load_all(options)
    findings = list(count(skills))
    if options.draw is not None:
        for name, finding in random.Random(options.draw).sample(findings, DRAWN):
            print(f"{name}: {finding.severity} {finding.kind}: {finding.reason}")
            for row in finding.rows:
                print(f"      {row.part} {row.row}: {row.text} | {row.intent} {row.slots}")
        return
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name, finding in findings:
        by_kind[finding.kind].append(name)
    table = {
        kind: {"severity": KINDS[kind].severity, "findings": len(by_kind[kind]), "skills": len({*by_kind[kind]})}
        for kind in KINDS
    }
    small = [skill for skill in skills if len(skill.rows("train")) <= MAX_ROWS]
    if options.examples:
        small += [
            headstart.load_skill(path, allow_unseen_labels=True) for path in sorted(options.examples.iterdir()) if path.is_dir()
        ]
    seeded = seed_faults(small, FAULTS, options.show, options.seeds)
    total = {name: sum(result[name] for result in seeded.values()) for name in ("faults", "found")}
    content = {
        "date": date.today().isoformat(), "command": "python benchmarks/checking.py --skills SKILLS --examples examples", "seeds": options.seeds,
        "skills": len(skills), "without_findings": len(skills) - len({name for name, _ in findings}), "found": table,
        "skills_with_faults": len(small), "seeded": seeded, "seeded_all": {**total, "share": round(total["found"] / total["faults"], 4)},
        "seeded_hard": seed_faults(small, HARD, False, options.seeds), **({"read": options.read} if options.read else {}),
    }  # fmt: skip
    print(json.dumps(content, indent=1))
    if options.out:
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
