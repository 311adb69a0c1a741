"""What Headstart survives: kills, full disks, hostile inputs, long service, several processes. Each part adds its figures to a table.

    python benchmarks/reliability.py [--parts kills tests serving processes] [--kills 11] [--seed 0] [--utterances 1000000]

The stages that are killed are those of tests/reliability/kills.py, on a small base and the example skills. A kill is survived if the folder then holds
no model or a whole one; a stage, if it ends with what an uninterrupted run leaves, bit for bit (a report: with the same scores). The table also takes up
what benchmarks/streaming.py measured.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tqdm.auto import tqdm

from headstart import pretrain

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests" / "reliability"
sys.path.insert(0, str(TESTS))
from kills import QUIET, make_stages, survive
from test_processes import train
from test_serving import SERVE

RESULTS = Path(__file__).parent / "results"
EXAMPLES = ("coffee_machine", "plant_care")
FILES = {
    "test_hostile.py": "hostile inputs",
    "test_full_disk.py": "stages on a full disk",
    "test_saving.py": "damaged and interrupted folders",
}


def make_material(folder: Path) -> tuple[Path, Path, Path]:
    """A small base, a skill with validation rows in a folder of skills, and two corpora."""
    for name in EXAMPLES:
        (folder / "corpora" / name).mkdir(parents=True)
        for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
            shutil.copy(ROOT / "examples" / name / f"{source}.jsonl", folder / "corpora" / name / f"{part}.jsonl")
    skill = folder / "skills" / "museum_guide"
    skill.mkdir(parents=True)
    for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
        shutil.copy(ROOT / "examples" / "museum_guide" / f"{source}.jsonl", skill / f"{part}.jsonl")
    pretrain(
        folder / "corpora", folder / "base", list(EXAMPLES), embeddings="random", min_word_count=2, embedding_size=12, hidden_size=10,
        task_hidden_size=8, max_steps=100, load_best_model_at_end=False, eval_strategy="no", save_strategy="no", **QUIET,
    )  # fmt: skip
    return folder / "base", skill, folder / "corpora"


def kills(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kill every stage at random moments and take it up again."""
    rng = random.Random(options.seed)
    stages = [
        (stage.name, survive(stage, folder / stage.name, options.kills, rng))
        for stage in tqdm(make_stages(*make_material(folder)), desc="Stages")
    ]
    return {
        "stages": [
            {
                "stage": name,
                "kills": outcome.kills,
                "survived": outcome.kills - outcome.broken,
                "ends_as_uninterrupted": outcome.is_same,
            }
            for name, outcome in stages
        ]
    }


def tests(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run the tests of what comes in and of what goes wrong, and count."""
    counts = {}
    for name, title in FILES.items():
        report = folder / f"{name}.xml"
        command = [sys.executable, "-m", "pytest", "-q", str(TESTS / name), f"--junitxml={report}"]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        suite = ElementTree.parse(report).getroot()[0]
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        tried = int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
        counts[title] = {"tried": tried, "handled": tried - failed}
    return {"counts": counts}


def serving(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Ask one pipeline of a small base again and again, and note its memory eleven times."""
    base, _, _ = make_material(folder)
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(base), str(options.utterances)], stdout=subprocess.PIPE, text=True, check=True
    )
    return {"calls": options.utterances, "megabytes": [round(value, 1) for value in json.loads(done.stdout.splitlines()[-1])]}


def processes(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The losses of the same training in one process and in two, with batches half as large."""
    make_material(folder)
    shutil.copytree(folder / "corpora" / EXAMPLES[0], folder / "corpora" / "museum_guide")
    found = {str(number): train(ROOT, folder / "corpora", folder / f"{number}", number, 16 // number) for number in (1, 2)}
    return {number: {"loss": logged["loss"], "eval_exact_match": logged["eval_exact_match"]} for number, logged in found.items()}


PARTS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "kills": kills, "tests": tests, "serving": serving, "processes": processes
}  # fmt: skip


def render(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    lines = ["# Reliability", ""]

    def add(title: str, part: dict[str, Any], *text: str) -> None:
        lines.extend([f"## {title}", "", f"{part['date']}, `{part['command']}`", "", *text, ""])

    if "kills" in found:
        rows = [(row["stage"], row["survived"], row["kills"], "yes" if row["ends_as_uninterrupted"] else "no")
                for row in found["kills"]["stages"]]  # fmt: skip
        rows.append(("all", *(sum(row[column] for row in rows) for column in (1, 2)), ""))
        add(
            "Kills", found["kills"],
            "SIGKILL, SIGTERM or SIGINT at random moments. Survived: the folder then holds no model, or a whole one. At the end weights, exported files and",
            "figures are those of an uninterrupted run, bit for bit; of a report, the scores.", "",
            *_table(["stage", "kills survived", "of", "ends as an uninterrupted run"], rows),
        )  # fmt: skip
    if "tests" in found:
        rows = [(title, count["handled"], count["tried"]) for title, count in found["tests"]["counts"].items()]
        add("Bad input and bad luck", found["tests"], *_table(["what", "handled", "of"], rows))
    if "serving" in found:
        curve = found["serving"]["megabytes"]
        calls = [round(found["serving"]["calls"] * part / 10) for part in range(11)]
        add("Memory of one pipeline, in MB", found["serving"], *_table(["calls", *calls], [("MB", *curve)]))
    if "streaming" in found:
        lines.extend(_streaming(found["streaming"]))
    if "processes" in found:
        part = found["processes"]
        steps = list(range(0, len(part["1"]["loss"]), 3))
        rows = [
            (f"{number} process{'es' if number == '2' else ''}", *(round(part[number]["loss"][step], 2) for step in steps))
            for number in "12"
        ]
        add("The same training in one process and in two: loss by step", part, *_table(["", *(step + 1 for step in steps)], rows))
    return "\n".join(lines)


def _streaming(found: dict[str, Any]) -> list[str]:
    rows = []
    for size in found["sizes"]:
        curve = [megabytes for _, megabytes in size["reading"]["megabytes"]]
        rows.append((f"{size['rows']:,}", curve[0], curve[9], curve[-1], size["reading"]["rows_per_second"], size["reading"]["first_batch_seconds"],
                     size["training"]["most_megabytes"], size["training"]["first_step_seconds"]))  # fmt: skip
    titles = ["rows", "MB after 5 %", "50 %", "100 %", "rows a second", "first batch, s", "MB of training", "first step, s"]
    loaded = next((size["training_loaded"] for size in found["sizes"] if "training_loaded" in size), None)
    text = (
        f"Loaded instead of streamed, training on {found['sizes'][0]['rows']:,} rows holds {loaded['most_megabytes']} MB."
        if loaded
        else ""
    )
    return [
        "## Streams of growing size, read through once",
        "",
        f"{found['date']}, `{found['command']}`",
        "",
        *_table(titles, rows),
        "",
        text,
        "",
    ]


def _table(titles: list[Any], rows: list[tuple[Any, ...]]) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (titles, ["---"] * len(titles), *rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="what is measured anew (default: all)")
    parser.add_argument("--kills", type=int, default=11, help="kills of each stage (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of their moments (default: %(default)s)")
    parser.add_argument("--utterances", type=int, default=1_000_000, help="calls of one pipeline (default: %(default)s)")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    results = RESULTS / "reliability.json"
    found = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    arguments = {"kills": f" --kills {options.kills} --seed {options.seed}", "serving": f" --utterances {options.utterances}"}
    for name in options.parts:
        command = f"python benchmarks/reliability.py --parts {name}{arguments.get(name, '')}"
        with tempfile.TemporaryDirectory() as folder:
            found[name] = {"date": date.today().isoformat(), "command": command, **PARTS[name](Path(folder), options)}
        results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    streaming = RESULTS / "streaming.json"
    shown = {**found, "streaming": json.loads(streaming.read_text(encoding="utf-8"))} if streaming.exists() else found
    (RESULTS / "reliability.md").write_text(render(shown), encoding="utf-8")
    print(render(shown))


if __name__ == "__main__":
    main()
