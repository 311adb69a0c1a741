#!/bin/sh
# transformers' Trainer with a limit of checkpoints deletes folders that it never wrote.
#
# Versions: transformers 5.24.0, torch 2.13.0, accelerate 1.15.0, Python 3.11.
# Behaviour: with `save_total_limit`, everything in the output folder that is called `checkpoint-` and then a number is taken for a checkpoint of this run,
# whatever stands behind the number and whoever made it: a copy that somebody put aside as `checkpoint-1-keep`, or notes in `checkpoint-2`, are deleted with
# all that they hold, at the first save of a new run. No log line says so.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu "torch==2.13.0" "transformers==5.24.0" "accelerate==1.15.0"
"$place/venv/bin/python" - "$place/out" <<'PYTHON' 2>/dev/null | tee "$place/output"
import sys
from pathlib import Path

import torch
from transformers import Trainer, TrainingArguments

out = Path(sys.argv[1])
for name in ("checkpoint-1-keep", "checkpoint-2", "notes"):
    (out / name).mkdir(parents=True)
    (out / name / "mine.txt").write_text("written by hand")


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, x):
        return {"loss": self.layer(x).square().mean()}


arguments = TrainingArguments(
    output_dir=str(out), max_steps=4, save_strategy="steps", save_steps=4, save_total_limit=1, report_to="none", disable_tqdm=True, use_cpu=True
)
Trainer(Model(), arguments, train_dataset=[{"x": [1.0]}] * 8).train()
print("left:", *sorted(path.parent.name for path in out.glob("*/mine.txt")))
print("written:", *sorted(path.name for path in out.glob("checkpoint-*")))
PYTHON
cat > "$place/expected" <<'TEXT'
left: notes
written: checkpoint-4
TEXT
tail -n 2 "$place/output" | cmp "$place/expected" -
