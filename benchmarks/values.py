"""Spoken values: libraries and headstart on tables of phrases, by kind.

python benchmarks/values.py --venvs FOLDER                    every system, on all parts of the tables
python benchmarks/values.py --systems headstart --failures    what headstart reads wrongly or not at all, of the part that it was tuned on

A library answers in a virtual environment of its own (`value_libraries.py`), with its pinned version, which is made in FOLDER if it isn't there.
headstart is right if its first reading is one of the phrase's, a library if any of its readings is; a library that gives a moment where a period
was said is right if the moment lies in it. `complete`: all readings, in order, and no other.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import json
import re
import subprocess
import venv
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TABLES = tuple(
    HERE / f"values_en{part}.tsv" for part in ("", "_second", "_third", "_fourth", "_fifth", "_sixth", "_seventh", "_eighth")
)
RESULT = HERE / "results" / "values.json"
NOW = datetime.datetime(2026, 11, 18, 10, 30)  # a Wednesday
TYPES = {
    "date": "AMAZON.DATE", "time": "AMAZON.TIME", "datetime": "@sys.date-time", "interval": "builtin.datetimeV2.daterange",
    "duration": "AMAZON.DURATION", "recurrence": "builtin.datetimeV2.set", "number": "AMAZON.NUMBER", "ordinal": "AMAZON.Ordinal",
    "quantity": "duckling/quantity", "percentage": "@sys.percentage", "money": "@sys.unit-currency", "phone": "AMAZON.PhoneNumber",
    "confirmation": "AMAZON.Confirmation",
}  # fmt: skip
LIBRARIES = {
    "text2num": ["text2num==3.1.0"],
    "dateparser": ["dateparser==1.5.0"],
    "ctparse": ["ctparse==0.3.6", "setuptools<81"],
    "timefhuman": ["timefhuman==0.1.5"],
    "parsedatetime": ["parsedatetime==2.6"],
    "quantulum3": ["quantulum3==0.10.0", "setuptools<81"],
    "recognizers": ["recognizers-text-suite==1.0.2a2", "emoji==1.7.0", "setuptools<81"],
}
PARTS_OF_DAY = {"TMO": (5, 12), "TAF": (12, 18), "TEV": (17, 23), "TNI": (18, 24)}
SECONDS = {"Y": 31536000, "M": 2628000, "W": 604800, "D": 86400, "H": 3600, "TM": 60, "S": 1}


class Phrase(NamedTuple):
    kind: str
    text: str
    readings: tuple[str, ...]
    part: str


def part_of(path: Path, text: str) -> str:
    """The first table is two parts, by the hash of the phrase; the others are parts of their own: see README.md."""
    if "_" in path.stem.removeprefix("values_en"):
        return path.stem.rpartition("_")[2]
    return "held_out" if int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2 else "tuning"


def read_table(path: Path) -> list[Phrase]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Phrase(
            row["kind"],
            row["phrase"],
            tuple(() if row["readings"] == "-" else row["readings"].split(" | ")),
            part_of(path, row["phrase"]),
        )
        for row in rows
    ]


def ask_headstart(phrases: list[Phrase]) -> list[list[str]]:
    from headstart.tokenization.values_headstart import resolve_value

    answers = []
    for phrase in phrases:
        found = resolve_value(phrase.text, TYPES[phrase.kind], NOW)
        answers.append(
            [
                " ".join(filter(None, [_plain(one["value"]), one.get("unit"), "time" in one and f"@ {one['time']}"]))
                for one in found
            ]
        )
    return answers


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.7g}" if isinstance(value, float) else str(value)


def ask_library(name: str, phrases: list[Phrase], folder: Path) -> list[list[str] | None]:
    """Each phrase's readings; None where the library doesn't claim to know the kind."""
    place = folder / name
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *LIBRARIES[name]], check=True)
    asked = json.dumps([[phrase.kind, phrase.text] for phrase in phrases])
    answered = subprocess.run(
        [python, "-W", "ignore", HERE / "value_libraries.py", name, NOW.isoformat()],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    if answered.returncode:
        raise SystemExit(answered.stderr)
    found: list[list[str] | None] = json.loads(answered.stdout.splitlines()[-1])
    return found


def is_right(kind: str, wanted: str, found: str) -> bool:
    if kind == "duration":
        return is_as_long(seconds_of(wanted), seconds_of(found))
    if kind == "interval":
        return len(found.split("/")) == 2 and all(map(is_moment, wanted.split("/"), found.split("/")))
    if kind in ("date", "time", "datetime"):
        return is_moment(wanted, found)
    if kind in ("number", "percentage", "ordinal"):
        return is_number(wanted, found)
    if kind in ("quantity", "money"):
        (number, unit), (other, _, its_unit) = wanted.split(), found.partition(" ")
        return is_number(number, other) and unit == its_unit
    return wanted == found


def is_as_long(wanted: float | str, found: float | str) -> bool:
    """Months may be of 30 days, and years of 360."""
    if isinstance(wanted, str) or isinstance(found, str):
        return wanted == found
    return abs(wanted - found) <= (0.02 * wanted if wanted > 27 * SECONDS["D"] else 0.001)


def is_number(wanted: str, found: str) -> bool:
    try:
        return abs(float(wanted) - float(found)) < 1e-6 * max(1, abs(float(wanted)))
    except ValueError:
        return wanted == found


def is_moment(wanted: str, found: str) -> bool:
    """Whether the same is meant, or a moment lies in the period that was meant; `?T19:00` has a date that nobody asked for."""
    if wanted == found or ".." in (wanted, found):
        return wanted == found
    date, _, clock = wanted.partition("T")
    its_date, _, its_clock = found.partition("T")
    if date and not (first_and_last(date)[0] <= (its_date or "?") <= first_and_last(date)[1] or date == its_date):
        return False
    if clock in ("MO", "AF", "EV", "NI"):
        least, most = PARTS_OF_DAY["T" + clock]
        return its_clock == clock or its_clock[:2].isdecimal() and least <= int(its_clock[:2]) < most
    return not clock or its_clock[: len(clock)] == clock or its_clock == clock[:5]


def first_and_last(date: str) -> tuple[str, str]:
    if week := re.fullmatch(r"(\d{4})-W(\d\d)(-WE)?", date):
        days = [datetime.date.fromisocalendar(int(week[1]), int(week[2]), day) for day in ((6, 7) if week[3] else (1, 7))]
        return days[0].isoformat(), days[1].isoformat()
    if quarter := re.fullmatch(r"(\d{4})-Q(\d)", date):
        return f"{quarter[1]}-{3 * int(quarter[2]) - 2:02}-01", f"{quarter[1]}-{3 * int(quarter[2]):02}-31"
    if season := re.fullmatch(r"(\d{4})-(SP|SU|FA|WI)", date):
        first = {"SP": 3, "SU": 6, "FA": 9, "WI": 12}[season[2]]
        return f"{season[1]}-{first:02}-01", f"{int(season[1]) + (first > 10)}-{(first + 1) % 12 + 1:02}-31"
    if decade := re.fullmatch(r"(\d{3})X", date):
        return f"{decade[1]}0-01-01", f"{decade[1]}9-12-31"
    return date + "-01-01"[len(date) - 4 :] if len(date) < 10 else date, (date + "-12-31"[len(date) - 4 :]) if len(
        date
    ) < 10 else date


def seconds_of(duration: str) -> float | str:
    match = re.fullmatch(r"P([\dYMWD.]*)(?:T([\dHMS.]*))?", duration)
    if not match:
        return duration
    parts = [(count, unit) for count, unit in re.findall(r"([\d.]+)([YMWD])", match[1])]
    parts += [(count, "TM" if unit == "M" else unit) for count, unit in re.findall(r"([\d.]+)([HMS])", match[2] or "")]
    return sum(float(count) * SECONDS[unit] for count, unit in parts)


def judge(phrase: Phrase, found: list[str], is_library: bool) -> str:
    if not found:
        return "none" if phrase.readings else "right"
    if not phrase.readings:
        return "wrong"
    return (
        "right"
        if any(is_right(phrase.kind, wanted, one) for wanted in phrase.readings for one in (found if is_library else found[:1]))
        else "wrong"
    )


def is_complete(phrase: Phrase, found: list[str]) -> bool:
    """Whether all readings are there, in order, and no other."""
    return len(found) == len(phrase.readings) and all(
        is_right(phrase.kind, *pair) for pair in zip(phrase.readings, found, strict=True)
    )


def measure(phrases: list[Phrase], answers: list[list[str] | None], is_library: bool) -> dict[str, dict[str, dict[str, int]]]:
    """By part and kind, how many are right, none and wrong, and (`complete`) how many have all readings in order."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for phrase, found in zip(phrases, answers, strict=True):
        if found is None:
            continue
        for kind in (phrase.kind, "all"):
            of_kind = counts[phrase.part][kind]
            of_kind[judge(phrase, found, is_library)] += 1
            of_kind["complete"] += is_complete(phrase, found)
    names = ("right", "none", "wrong", "complete")
    return {
        part: {kind: {name: found[name] for name in names} for kind, found in kinds.items()}
        for part, kinds in sorted(counts.items())
    }


def show(name: str, scores: dict[str, dict[str, dict[str, int]]]) -> None:
    for part, kinds in scores.items():
        for kind, found in kinds.items():
            total = found["right"] + found["none"] + found["wrong"]
            print(
                f"{name:14} {part:9} {kind:12} {found['right'] / total:6.1%} right {found['none']:3} none {found['wrong']:3} wrong of {total:3}, {found['complete']} complete"
            )


def show_failures(phrases: list[Phrase], answers: list[list[str]], part: str) -> None:
    for phrase, found in zip(phrases, answers, strict=True):
        if phrase.part == part and not is_complete(phrase, found):
            print(f"{judge(phrase, found, False):6} {phrase.kind:11} {phrase.text!r}: {found}, not {list(phrase.readings)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["headstart", *LIBRARIES], choices=["headstart", *LIBRARIES])
    parser.add_argument("--venvs", type=Path, help="where the libraries' virtual environments are made")
    parser.add_argument("--failures", action="store_true", help="print the failures of the part to tune on")
    parser.add_argument("--out", type=Path, help=f"result file to write or to add to, such as {RESULT.name}")
    options = parser.parse_args()
    phrases = [phrase for table in TABLES for phrase in read_table(table)]
    results: dict[str, object] = {}
    for name in options.systems:
        if name == "headstart":
            answers = ask_headstart(phrases)
            if options.failures:
                show_failures(phrases, answers, "tuning")
        else:
            answers = ask_library(name, phrases, options.venvs)
        scores = measure(phrases, answers, name != "headstart")
        show(name, scores)
        results[name] = {"versions": LIBRARIES.get(name, []), "scores": scores}
    if options.out:
        known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
        systems = {**known.get("systems", {}), **results}
        content = {
            **known,
            "date": datetime.date.today().isoformat(),
            "tables": [table.name for table in TABLES],
            "phrases": len(phrases),
            "reference": NOW.isoformat(),
            "systems": systems,
        }
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
