"""What Headstart survives: kills, full disks, hostile inputs, long service, several processes. Each part adds its figures to a table.

    python benchmarks/reliability.py [--parts faults kills tests threads serving processes] [--kills 11] [--seed 0] [--utterances 1000000]

The stages that are killed are those of tests/reliability/kills.py, on a small base and the example skills. A kill is survived if the folder then holds
no model or a whole one; a stage, if it ends with what an uninterrupted run leaves, bit for bit (a report: with the same scores). The table also takes up
what benchmarks/streaming.py, many_labels.py and integrity.py measured.
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
sys.path.insert(0, str(Path(__file__).parent))
from faults import FAULTS
from kills import QUIET, make_stages, survive
from test_processes import train
from test_serving import SERVE

RESULTS = Path(__file__).parent / "results"
EXAMPLES = ("coffee_machine", "plant_care")
FILES = {
    "test_hostile.py": "hostile inputs, the first ones",
    "test_hostile_readers.py": "files that don't belong together, damaged and changed files of skills",
    "test_hostile_annotations.py": "annotations that contradict",
    "test_hostile_folders.py": "files of models that don't belong together",
    "test_hostile_places.py": "what is no base or no model, and what lies where a result is to be",
    "test_hostile_outputs.py": "output folders",
    "test_hostile_runs.py": "runs whose files changed between steps",
    "test_hostile_commands.py": "standard input, arguments, options, environments",
    "test_report_log.py": "logs of reports",
    "test_consent.py": "checkpoints that bring code",
    "test_hostile_strangers_files.py": "of somebody who hasn't read the code: files that don't belong together",
    "test_hostile_strangers_steps.py": "likewise: changed between steps",
    "test_hostile_strangers_folders.py": "likewise: folders and streams",
    "test_hostile_strangers_inputs.py": "likewise: rows, tables, archives, texts, options",
    "test_flipped_bytes.py": "a byte flipped in each file",
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


def count(report: Path, *arguments: str) -> dict[str, int]:
    """Run tests with pytest, and count those that were tried and those that passed."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments, f"--junitxml={report}"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    suite = ElementTree.parse(report).getroot()[0]
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    tried = int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
    return {"tried": tried, "handled": tried - failed}


def tests(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run the tests of what comes in and of what goes wrong, and count."""
    counts = {title: count(folder / f"{name}.xml", str(TESTS / name)) for name, title in tqdm(FILES.items(), desc="Tests")}
    return {"counts": counts}


def faults(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run the tests of each fault that was found, and count."""
    rows = []
    for fault in tqdm(FAULTS, desc="Faults"):
        names = [str(ROOT / "tests" / name.removesuffix("::*")) for name in fault.tests]
        rows.append({**fault._asdict(), **count(folder / "fault.xml", "-m", "not slow", *names)})
    return {"rows": rows}


def threads(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """16 threads ask while 4 others load, rename and delete heads, until 20,000 answers are there; all are compared."""
    found = count(folder / "threads.xml", "-m", "slow", str(TESTS / "test_threads.py"))
    return {"answers": 20_000, "threads": 16, "all_right": found["tried"] == found["handled"] == 1}


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
    "faults": faults, "kills": kills, "tests": tests, "threads": threads, "serving": serving, "processes": processes
}  # fmt: skip


def render(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    lines = ["# Reliability", ""]

    def add(title: str, part: dict[str, Any], *text: str) -> None:
        lines.extend([f"## {title}", "", f"{part['date']}, `{part['command']}`", "", *text, ""])

    if "faults" in found:
        rows = [
            (
                row["number"],
                row["what"],
                row["now"],
                "<br>".join(f"`{name}`" for name in row["tests"]),
                f"{row['handled']} of {row['tried']}",
            )
            for row in found["faults"]["rows"]
        ]
        add(
            "Faults that were found, and what happens now",
            found["faults"],
            *_table(["", "fault", "now", "tests", "passed"], rows),
        )
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
    if "threads" in found:
        part = found["threads"]
        result = "none is wrong, and no error but that a skill is away" if part["all_right"] else "FAILED"
        text = (
            f"{part['threads']} threads ask while others load, rename and delete heads: of {part['answers']:,} answers {result}."
        )
        add("Threads", part, text)
    if "serving" in found:
        curve = found["serving"]["megabytes"]
        calls = [round(found["serving"]["calls"] * part / 10) for part in range(11)]
        add("Memory of one pipeline, in MB", found["serving"], *_table(["calls", *calls], [("MB", *curve)]))
    if "streaming" in found:
        lines.extend(_streaming(found["streaming"]))
    if "many_labels" in found:
        part = found["many_labels"]
        rows = [
            (what.replace("_", " "), *(part[what][f"{build}_{unit}"] for unit in ("seconds", "megabytes") for build in ("old", "new")), part[what]["times_as_fast"], part[what]["share_of_memory"])
            for what in part if isinstance(part[what], dict)
        ]  # fmt: skip
        titles = ["", "before, s", "now, s", "before, MB", "now, MB", "times as fast", "share of memory"]
        add("1,000 slot labels, 200 rows, against the build before", part, *_table(titles, rows))
    if "integrity" in found:
        part = found["integrity"]
        fields = ("first_wall_s", "first_cpu_s", "again_wall_s", "again_cpu_s")
        rows = [(name, *(entry[field]["ratio"] for field in fields)) for name, entry in part["models"].items()]
        titles = ["", "in a fresh process, wall", "processor", "again in the same process, wall", "processor"]
        part = {**part, "command": f"python benchmarks/integrity.py --rounds {part['rounds']}"}
        add("Loading with the comparison of hashes, against loading without", part, *_table(titles, rows))
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
    others = {name: RESULTS / f"{name}.json" for name in ("streaming", "many_labels", "integrity")}
    shown = found | {name: json.loads(file.read_text(encoding="utf-8")) for name, file in others.items() if file.exists()}
    (RESULTS / "reliability.md").write_text(render(shown), encoding="utf-8")
    print(render(shown))


if __name__ == "__main__":
    main()
