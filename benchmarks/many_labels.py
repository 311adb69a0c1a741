"""A skill of 1,000 slot labels in two builds, in turns: what a training step and an answer take, in time and in memory.

    python benchmarks/many_labels.py OLD NEW [--labels 1000] [--rows 200] [--rounds 3]

OLD and NEW are checkouts with a `.venv` that the package is installed in (`make install`); every process has one thread. The skill's words are generated, each row
holds as many slots as it must for all labels to be there, and it is put on the embedded base. Measured are a fine-tuning of two steps, all of it; a step alone, of AdamW on the 16 rows of
a batch; what its CRF takes of it, forward and back; and answers of the pipeline and of the exported skill. Seconds are those of the processor, the median over rounds of each round's median; memory is what the process's
peak holds more than it did before, of an exported skill before it was loaded.
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
MEASURES = ("finetune", "step", "crf", "answer", "exported_answer")
MEASURE = """
import json, re, sys, time
import torch
from headstart import export, finetune, load_skill
from headstart.data.encoding import encode_rows
from headstart.data.rows import rows_to_dataset
from headstart.loading import load_pipeline
from headstart.onnx import OnnxNLU
from headstart.training.collator import JointNLUCollator

def memory(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

def measure(work, times, before):
    open("/proc/self/clear_refs", "w").write("5")  # the peak is what is held now
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    print(json.dumps({"seconds": sorted(seconds)[times // 2], "megabytes": memory("VmHWM") - before}))

def put_on_base(skill):
    nlu = load_pipeline("headstart-base-en")
    others = nlu.model.skills
    nlu.model.add_skill(skill)
    for name in others:
        nlu.model.delete_skill(name)
    return nlu

what, file, folder = sys.argv[1:]
torch.set_num_threads(1)
skill = load_skill(file)
texts = [row["text"] for row in skill.rows("train")[:20]]
if what == "finetune":
    quiet = {"disable_tqdm": True, "use_cpu": True, "report_to": "none"}
    measure(lambda: finetune(skill, folder, max_steps=2, **quiet), 1, memory("VmRSS"))
elif what == "step":
    nlu = put_on_base(skill)
    encoded = encode_rows(rows_to_dataset(skill.rows("train")), nlu.tokenizer, nlu.model.skill())
    batch = JointNLUCollator(nlu.model.config.pad_token_id)(encoded.to_list()[:16])
    nlu.model.train().trunk.embed_tokens.requires_grad_(False)
    optimizer = torch.optim.AdamW([parameter for parameter in nlu.model.parameters() if parameter.requires_grad])
    def step():
        nlu.model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    measure(step, 5, memory("VmRSS"))
elif what == "crf":
    nlu = put_on_base(skill)
    crf = nlu.model.classifiers[skill.name].crf
    width = max(len(text.split()) for text in texts)
    scores = torch.randn(16, width, 1 + 2 * len(skill.slots), requires_grad=True)
    tags, mask = torch.zeros(16, width, dtype=torch.long), torch.ones(16, width, dtype=torch.bool)
    measure(lambda: crf(scores, tags, mask).sum().backward(), 5, memory("VmRSS"))
elif what == "answer":
    nlu = put_on_base(skill)
    nlu("a first one")
    texts = iter(texts)
    measure(lambda: nlu(next(texts)), 20, memory("VmRSS"))
elif what == "export":
    export(put_on_base(skill), folder)
else:
    before = memory("VmRSS")
    nlu = OnnxNLU(folder)
    nlu("a first one")
    texts = iter(texts)
    measure(lambda: nlu(next(texts)), 20, before)
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
    """What one process of a build measures, if anything.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [str(build.resolve() / ".venv" / "bin" / "python"), "-c", MEASURE, *map(str, arguments)]
    done = subprocess.run(command, cwd=build, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
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
                    out = Path(folder) / f"{name}-{number}-{what.split('_')[0]}"
                    if what == "exported_answer":
                        run(build, "export", file, out)
                    values[what][name].append(run(build, what, file, out))
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
