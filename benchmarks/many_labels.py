"""A skill of 1,000 slot labels in two builds, in turns: what a training step and an answer take, in time and in memory.

    python benchmarks/many_labels.py OLD NEW [--labels 1000] [--rows 200] [--rounds 3]

OLD and NEW are checkouts with a `.venv` that the package is installed in (`make install`); every process has one thread. The skill's words are generated, each row
holds as many slots as it must for all labels to be there, and it is put on the embedded base. A step is one of AdamW on a batch of 32 rows; answers are those of the
pipeline and of the exported skill. Seconds are those of the processor, the median over rounds of each round's median; memory is the growth of the process's peak over what it held before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "many_labels.json"
MEASURES = ("step", "answer", "exported_answer")
MEASURE = """
import json, re, sys, time
import torch
from headstart import export, load_skill
from headstart.data.encoding import encode_rows
from headstart.data.rows import rows_to_dataset
from headstart.loading import load_pipeline
from headstart.onnx import OnnxNLU
from headstart.training.collator import JointNLUCollator

def memory(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

def measure(work, times):
    open("/proc/self/clear_refs", "w").write("5")  # the peak is what is held now
    before, seconds = memory("VmRSS"), []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return {"seconds": sorted(seconds)[times // 2], "megabytes": memory("VmHWM") - before}

file, what, folder = sys.argv[1:]
torch.set_num_threads(1)
skill = load_skill(file)
nlu = load_pipeline("headstart-base-en")
others = nlu.model.skills
nlu.model.add_skill(skill)
for name in others:
    nlu.model.delete_skill(name)
rows = skill.rows("train")
texts = [row["text"] for row in rows[:20]]
if what == "step":
    encoded = encode_rows(rows_to_dataset(rows), nlu.tokenizer, nlu.model.skill())
    batch = JointNLUCollator(nlu.model.config.pad_token_id)(encoded.to_list()[:32])
    nlu.model.train().trunk.embed_tokens.requires_grad_(False)
    optimizer = torch.optim.AdamW([parameter for parameter in nlu.model.parameters() if parameter.requires_grad])
    def step():
        nlu.model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(json.dumps(measure(step, 5)))
else:
    answer = nlu if what == "answer" else OnnxNLU(export(nlu, folder))
    texts = iter(texts * 2)
    answer("a first one")
    print(json.dumps(measure(lambda: answer(next(texts)), 20)))
"""


def write_skill(file: Path, labels: int, rows: int) -> None:
    """Rows of generated words that hold all labels."""
    rng, each = random.Random(0), -(-labels // rows)
    with file.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            text, slots = "please set", []
            for label in range(number * each, min((number + 1) * each, labels)):
                value = " ".join(rng.choices(["green", "seven", "kitchen", "morning", "jazz", "paris"], k=rng.randint(1, 2)))
                text += f" part {label} to "
                slots.append({"start": len(text), "end": len(text) + len(value), "label": f"label_{label}"})
                text += value
            stream.write(json.dumps({"text": text, "intent": f"set_{number % 20}", "slots": slots}) + "\n")


def run(build: Path, *arguments: Any) -> dict[str, float]:
    """What one process of a build measures.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [str(build.resolve() / ".venv" / "bin" / "python"), "-c", MEASURE, *map(str, arguments)]
    done = subprocess.run(command, cwd=build, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs=2, type=Path, metavar="CHECKOUT", help="the old one and the new one")
    parser.add_argument("--labels", type=int, default=1000, help="slot labels (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=200, help="training rows (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result is written (default: %(default)s)")
    options = parser.parse_args()
    values: dict[str, dict[str, list[dict[str, float]]]] = {what: {"old": [], "new": []} for what in MEASURES}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "many.jsonl"
        write_skill(file, options.labels, options.rows)
        for number in range(options.rounds):
            for what in MEASURES:
                for name, build in zip(("old", "new"), options.builds, strict=True):
                    values[what][name].append(run(build, file, what, Path(folder) / f"{name}-{what}-{number}"))
    result: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/many_labels.py OLD NEW --labels {options.labels} --rows {options.rows} --rounds {options.rounds}",
    }
    for what, found in values.items():
        figures = {
            f"{name}_{unit}": round(median(row[unit] for row in rows), 4)
            for name, rows in found.items()
            for unit in ("seconds", "megabytes")
        }
        shares = {
            "times_as_fast": round(figures["old_seconds"] / figures["new_seconds"], 1),
            "share_of_memory": round(figures["new_megabytes"] / figures["old_megabytes"], 3),
        }
        result[what] = {**figures, **shares}
    print(json.dumps(result, indent=1))
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
