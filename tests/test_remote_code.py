"""A checkpoint where headstart is not installed: everything that is needed travels with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from headstart import HeadstartForJointNLU
from headstart.tokenization import NLUPipeline

# Run in a fresh process that can't import headstart. It prints one JSON object.
SCRIPT = """
import json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("headstart", "modeling", "tokenization"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import torch
from transformers import AutoModel, AutoTokenizer, pipeline

folder, out = sys.argv[1:]
model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
batch = tokenizer(["brew a latte at 7pm", "stop"], padding=True, return_tensors="pt")
outputs = model(**batch, skill_ids=model.skill_ids(["travel", "tables"]))
torch.save({"intent_logits": outputs.intent_logits, "slot_logits": outputs.slot_logits}, out)
nlu = pipeline("joint-nlu", model=folder, trust_remote_code=True, skill="travel")
first = nlu("Brew a latte")
nlu.save_pretrained(out + "-again")
again = pipeline("joint-nlu", model=out + "-again", trust_remote_code=True, skill="travel")
print(json.dumps({"module": type(model).__module__, "answer": first, "again": again("Brew a latte")}))
"""


def test_model_tokenizer_and_pipeline_work_without_the_package(tiny_base: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tiny_base), str(tmp_path / "logits.pt")],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["module"].startswith("transformers_modules.")
    assert result["again"] == result["answer"]

    from transformers import AutoTokenizer

    model = HeadstartForJointNLU.from_pretrained(tiny_base).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    batch = tokenizer(["brew a latte at 7pm", "stop"], padding=True, return_tensors="pt")
    outputs = model(**batch, skill_ids=model.skill_ids(["travel", "tables"]))
    remote = torch.load(tmp_path / "logits.pt")
    assert torch.equal(remote["intent_logits"], outputs.intent_logits)
    assert torch.equal(remote["slot_logits"], outputs.slot_logits)
    assert NLUPipeline(model=model, tokenizer=tokenizer)("Brew a latte", skill="travel") == result["answer"]


def test_a_plain_save_names_no_file_that_it_does_not_write(tiny_base: Path, tmp_path: Path) -> None:
    model = HeadstartForJointNLU.from_pretrained(tiny_base)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert "custom_pipelines" not in config
    for reference in config["auto_map"].values():
        assert (tmp_path / f"{reference.split('.')[0]}.py").exists()
    assert "joint-nlu" in json.loads((tiny_base / "config.json").read_text())["custom_pipelines"]
    assert (tiny_base / "pipeline_headstart.py").exists() and (tiny_base / "alignment_headstart.py").exists()
