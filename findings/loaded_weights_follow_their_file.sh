#!/bin/sh
# A model that transformers has loaded goes on changing with its file.
#
# Versions: transformers 5.24.0, torch 2.13.0, safetensors 0.8.0, Python 3.11.
# Behaviour: on a CPU, `from_pretrained` leaves the weights in the memory map of model.safetensors where their dtype is the one that is wanted: nothing is copied. If the file is
# then written over in place, as `cp` and many synchronising tools do, a model that was loaded long before computes with the new numbers, half of the old and
# half of the new ones while the copy runs. Nobody is told. (Writing aside and renaming leaves
# the loaded model as it was.)
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu "torch==2.13.0" "transformers==5.24.0" "safetensors==0.8.0"
"$place/venv/bin/python" - "$place" <<'PYTHON' 2>/dev/null | tee "$place/output"
import shutil
import sys

import torch
from transformers import BertConfig, BertModel

folder = sys.argv[1]
config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
for seed in (1, 2):
    torch.manual_seed(seed)
    BertModel(config).save_pretrained(f"{folder}/{seed}")
loaded = BertModel.from_pretrained(f"{folder}/1").eval()
ids = torch.tensor([[3, 4, 5]])
before = loaded(ids).last_hidden_state.detach().clone()
shutil.copyfile(f"{folder}/2/model.safetensors", f"{folder}/1/model.safetensors")
after = loaded(ids).last_hidden_state.detach()
second = BertModel.from_pretrained(f"{folder}/2").eval()(ids).last_hidden_state
print("answers as before:", torch.equal(before, after))
print("answers as the other model:", torch.equal(after, second))
PYTHON
cat > "$place/expected" <<'TEXT'
answers as before: False
answers as the other model: True
TEXT
tail -n 2 "$place/output" | cmp "$place/expected" -
