"""Two builds of the package side by side, in turns: how soon commands start, how long a request and a fine-tuning take, and whether the answers are the same.

    python benchmarks/builds.py OLD NEW --texts FILE [--out FILE.json]

OLD and NEW are checkouts with a `.venv` that the package is installed in (`make install`); every process has one thread. Times of commands are CPU seconds of user and system; the
median of the rounds is given, and NEW's share of OLD's. Answers are compared on the texts, one a line: of the embedded base (skill `massive`), and of three example skills that each build
fine-tunes with one seed and exports; through torch one by one and in batches, and through onnxruntime.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

SKILLS = ("coffee_machine", "museum_guide", "plant_care")
SEED = 3
BASE, BASE_SKILL = "headstart-base-en", "massive"
# Runs in either build: where `load_pipeline` is differs.
ASK = """
import json, sys, time
try:
    from headstart.loading import load_pipeline
except ImportError:
    from headstart.evaluation import load_pipeline
model, skill, texts, out = sys.argv[1:]
texts = [text for text in open(texts, encoding="utf-8").read().split("\\n") if text]
nlu = load_pipeline(model)
for text in texts[:50]:
    nlu(text, skill=skill)
times, answers = [], []
for text in texts:
    started = time.perf_counter()
    answers.append(nlu(text, skill=skill))
    times.append(time.perf_counter() - started)
json.dump([answers, nlu(texts, skill=skill, batch_size=32)], open(out, "w", encoding="utf-8"))
print(sorted(times)[len(times) // 2])
"""


class Build:
    """A checkout with its environment."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root, self.work = root.resolve(), work
        self.work.mkdir()

    def run(self, program: str, *arguments: Any) -> tuple[float, float, str]:
        """CPU and wall seconds of a program of the environment, and what it printed.

        Raises:
            RuntimeError: it failed.
        """
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        command = [str(self.root / ".venv" / "bin" / program), *map(str, arguments)]
        log, started = self.work / "log.txt", time.perf_counter()
        with (
            log.open("wb") as file,
            subprocess.Popen(command, cwd=self.root, env=environment, stdout=file, stderr=file) as process,
        ):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        printed = log.read_text(encoding="utf-8")
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{printed[-3000:]}")
        return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, printed

    def finetune(self, skill: str) -> float:
        """CPU seconds."""
        shutil.rmtree(self.work / skill, ignore_errors=True)
        arguments = ("--skill", self.root / "examples" / skill, "--output_dir", self.work / skill, "--seed", SEED)
        return self.run("headstart", "finetune", *arguments)[0]

    def ask(self, model: str | Path, skill: str, texts: Path, name: str) -> float:
        """The median seconds of a request; the answers are kept under the name."""
        *_, printed = self.run("python", "-c", ASK, model, skill, texts, self.work / f"{name}.json")
        return float(printed.splitlines()[-1])

    def answers(self, name: str) -> list[dict[str, Any]]:
        """Those one by one, then those in batches."""
        single, batched = json.loads((self.work / f"{name}.json").read_text(encoding="utf-8"))
        return [*single, *batched]


def in_turns(builds: list[Build], measure: Callable[[Build], float], rounds: int) -> dict[str, Any]:
    """The medians of both, NEW's share of OLD's, and every value."""
    values: list[list[float]] = [[], []]
    for _ in range(rounds):
        for number, build in enumerate(builds):
            values[number].append(measure(build))
    old, new = map(median, values)
    return {"old": round(old, 5), "new": round(new, 5), "share": round(new / old, 4), "values": values}


def compare(builds: list[Build], name: str) -> dict[str, Any]:
    """On how many texts labels or spans differ, and the largest difference of a score."""
    different, largest = 0, 0.0
    pairs = list(zip(*(build.answers(name) for build in builds), strict=True))
    for pair in pairs:
        labels = [
            (
                answer["intent"] and answer["intent"]["label"],
                [(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]],
            )
            for answer in pair
        ]
        scores = [
            [answer["intent"]["score"] if answer["intent"] else 0.0, *(slot["score"] for slot in answer["slots"])]
            for answer in pair
        ]
        different += labels[0] != labels[1]
        largest = max([largest, *(abs(one - other) for one, other in zip(*scores, strict=False))])
    return {"answers": len(pairs), "labels_or_spans_differ": different, "largest_difference_of_scores": largest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs=2, type=Path, metavar="CHECKOUT", help="the old one and the new one")
    parser.add_argument("--texts", type=Path, required=True, help="one a line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="where the result is written")
    options = parser.parse_args()
    texts = options.texts.resolve()
    with tempfile.TemporaryDirectory() as place:
        builds = [Build(root, Path(place) / name) for root, name in zip(options.builds, ("old", "new"), strict=True)]
        convert = ("convert", "examples/city_bike/en-US.json", "--out")
        result: dict[str, Any] = {
            "date": date.today().isoformat(),
            "rounds": options.rounds,
            "version_cpu_seconds": in_turns(builds, lambda build: build.run("headstart", "--version")[0], 2 * options.rounds),
            "convert_cpu_seconds": in_turns(
                builds,
                lambda build: build.run("headstart", *convert, Path(tempfile.mkdtemp(dir=place)) / "out")[0],
                options.rounds,
            ),
            "finetune_cpu_seconds": in_turns(builds, lambda build: build.finetune(SKILLS[0]), options.rounds),
        }
        result["request_seconds"] = in_turns(
            builds, lambda build: build.ask(build.work / SKILLS[0], SKILLS[0], texts, SKILLS[0]), options.rounds
        )
        result["answers"] = {}
        for build in builds:
            build.ask(BASE, BASE_SKILL, texts, BASE)
            for skill in SKILLS:
                if skill != SKILLS[0]:
                    build.finetune(skill)
                    build.ask(build.work / skill, skill, texts, skill)
                build.run("headstart", "export", build.work / skill, "--out", build.work / f"{skill}-onnx")
                build.ask(build.work / f"{skill}-onnx", skill, texts, f"{skill}-onnx")
        for name in (BASE, *SKILLS, *(f"{skill}-onnx" for skill in SKILLS)):
            result["answers"][name] = compare(builds, name)
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
