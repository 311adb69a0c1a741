"""Resolutions in whole answers: whether PyTorch, the code that travels with a checkpoint and ONNX give the same, and what they add to the time.

python benchmarks/value_answers.py CHECKPOINT SKILL --out benchmarks/results/values.json

CHECKPOINT was fine-tuned on SKILL, whose slots have built-in types: `headstart finetune --skill examples/city_bike/en-US.json --output_dir CHECKPOINT`.
Utterances are filled from its templates, every value drawn anew; times are of an exported skill that answers each with and without resolving, in turns.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headstart import export, load_skill
from headstart.data.templates import fill_templates
from headstart.loading import load_pipeline
from headstart.onnx import OnnxNLU

REFERENCE = "2026-11-18T10:30"
ROUNDS = 5
# Run where headstart can't be imported.
REMOTE = """
import json, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("headstart", "modeling", "tokenization"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from transformers import pipeline
nlu = pipeline("joint-nlu", model=sys.argv[1], trust_remote_code=True)
print(json.dumps(nlu(json.load(sys.stdin), reference_time=sys.argv[2], batch_size=64)))
"""


def utterances(skill: Path, number: int) -> list[str]:
    """Different ones, filled from the skill's templates."""
    read = load_skill(str(skill))
    texts: dict[str, None] = {}
    for seed in range(100):
        rows = fill_templates(list(read.templates), read.catalogs, read.slot_types, seed=seed, fills=8)
        texts.update(dict.fromkeys(row["text"] for row in rows))
        if len(texts) >= number:
            break
    return list(texts)[:number]


def resolutions(answers: Sequence[Any]) -> list[Any]:
    return [
        [(slot["label"], slot["start"], slot["end"], slot.get("resolution")) for slot in answer["slots"]] for answer in answers
    ]


def same_answers(checkpoint: Path, exported: Path, texts: list[str]) -> dict[str, int]:
    answers = resolutions(load_pipeline(checkpoint)(texts, reference_time=REFERENCE, batch_size=64))
    onnx = resolutions(OnnxNLU(exported)(texts, reference_time=REFERENCE, batch_size=64))
    with tempfile.TemporaryDirectory() as modules:
        environment = {**os.environ, "HF_MODULES_CACHE": modules}
        asked = [sys.executable, "-W", "ignore", "-c", REMOTE, str(checkpoint.resolve()), REFERENCE]
        done = subprocess.run(
            asked, input=json.dumps(texts), capture_output=True, text=True, env=environment, cwd=modules, check=False
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    remote = [
        [(label, start, end, found) for label, start, end, found in row]
        for row in resolutions(json.loads(done.stdout.splitlines()[-1]))
    ]
    slots = [slot for row in answers for slot in row]
    return {
        "utterances": len(texts), "slots": len(slots), "slots_with_a_type": sum(slot[3] is not None for slot in slots),
        "resolved": sum(bool(slot[3]) for slot in slots), "onnx_differs": sum(map(lambda one, two: one != two, answers, onnx)),
        "remote_code_differs": sum(map(lambda one, two: one != two, answers, remote)),
    }  # fmt: skip


def latency(exported: Path, texts: list[str]) -> dict[str, float]:
    """Milliseconds of the processor, of utterances with a typed slot, one thread; each is answered both ways in turns, and the least of its rounds
    counts: others use the machine, too."""
    nlu = OnnxNLU(exported)
    typed = [text for text in texts if any("resolution" in slot for slot in nlu(text)["slots"])]
    least: dict[bool, list[float]] = {True: [], False: []}
    for text in typed:
        times: dict[bool, list[float]] = {True: [], False: []}
        for number in range(2 * ROUNDS):
            resolve = number % 2 == 0
            started = time.process_time()
            nlu(text, resolve=resolve, reference_time=REFERENCE)
            times[resolve].append(1000 * (time.process_time() - started))
        for resolve, found in times.items():
            least[resolve].append(min(found))
    result: dict[str, float] = {"utterances": len(typed), "rounds": ROUNDS}
    for name, of in (("p50", statistics.median), ("mean", statistics.fmean)):
        with_, without = of(least[True]), of(least[False])
        result |= {
            f"{name}_ms": round(with_, 3),
            f"{name}_ms_without": round(without, 3),
            f"{name}_ratio": round(with_ / without, 3),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("skill", type=Path)
    parser.add_argument("--number", type=int, default=1000, help="of utterances (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="result file to add to")
    options = parser.parse_args()
    texts = utterances(options.skill, options.number)
    found: dict[str, object] = {
        "date": datetime.date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "skill": options.skill.name,
    }
    with tempfile.TemporaryDirectory() as folder:
        load_pipeline(options.checkpoint).save_pretrained(Path(folder) / "checkpoint")  # with the code of today
        for weights in ("float32", "int8"):
            exported = export(str(options.checkpoint), Path(folder) / weights, int8=weights == "int8")
            if weights == "float32":
                found["same"] = same_answers(Path(folder) / "checkpoint", exported, texts)
            found[f"latency_{weights}"] = latency(exported, texts)
    print(json.dumps(found, indent=1))
    if options.out:
        known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
        options.out.write_text(json.dumps({**known, "answers": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
