"""A checkpoint where headstart is not installed: everything that is needed travels with it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Trainer, TrainingArguments, pipeline

from headstart import BASE_EN, CatalogValue, HeadstartForJointNLU
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
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

folder, out = sys.argv[1:3]
model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
batch = tokenizer(["brew a latte at 7pm", "stop"], padding=True, return_tensors="pt")
outputs = model(**batch, skill_ids=model.skill_ids(["cafe", "tables"]))
torch.save({name: outputs[name] for name in ("intent_logits", "slot_logits", "reject_logits")}, out)
nlu = pipeline("joint-nlu", model=folder, trust_remote_code=True, skill="cafe")
first = nlu("Brew a latte")
plain = nlu("Brew a latte", use_gazetteers=False)
nlu.save_pretrained(out + "-again")
again = pipeline("joint-nlu", model=out + "-again", trust_remote_code=True, skill="cafe")
base = pipeline("joint-nlu", model=sys.argv[3], trust_remote_code=True, skill="massive")
answers = base(["wake me up at seven am on friday", "play some jazz in the kitchen", "hm"])
typed = base("wake me up at seven am on friday", slot_types={"time": "AMAZON.TIME", "date": "AMAZON.DATE"}, reference_time="2026-11-18T10:30")
code = sys.modules[type(base).__module__].__file__
print(json.dumps({"base": answers, "code": code, "module": type(model).__module__, "answer": first, "typed": typed, "plain": plain, "again": again("Brew a latte")}))
"""


class Cafe:
    name = "cafe"
    intents = ["order", "stop"]  # noqa: RUF012
    slots = ["drink", "size"]  # noqa: RUF012


@pytest.fixture
def folder(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Path:
    """A checkpoint with a skill that has catalogs and can reject, beside others that can't."""
    catalogs = tokenize_catalogs({"drink": ["latte", "espresso"], "size": ["small"]}, tokenizer)
    listed = {"drink": [CatalogValue("caffè latte", "L", ("latte", "brew")), "a"], "size": ["small", "brew a latte"]}
    priors = {"order": ["drink", "size"], "stop": ["drink", "size"]}
    model.add_skill(Cafe(), reset="task_layers", catalogs=catalogs, listed=listed, rejects=True, label_priors=priors)
    model.skill("cafe")["slot_temperature"] = 2.0
    for parameter in model.gazetteers["cafe"].parameters():
        torch.nn.init.normal_(parameter)
    NLUPipeline(model=model, tokenizer=tokenizer).save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


WITHOUT = (
    SCRIPT.partition("import torch")[0]
    + """
sys.modules["rapidfuzz"] = sys.modules["rapidfuzz.distance"] = None
from transformers import pipeline

nlu = pipeline("joint-nlu", model=sys.argv[1], trust_remote_code=True, skill="cafe")
answer = nlu("Brew a latte", reject_threshold=1)
try:
    nlu("Brew a latte", resolve=True)
except ImportError as error:
    print(json.dumps({"answer": answer, "error": str(error)}))
"""
)


def test_without_what_compares_values_the_answer_is_plain_and_says_what_is_missing(
    folder: Path, tmp_path: Path, zygote: Any
) -> None:
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    done = zygote.run(WITHOUT, folder, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    nlu = pipeline("joint-nlu", model=str(folder), skill="cafe")
    plain, whole = (nlu("Brew a latte", resolve=resolve, reject_threshold=1) for resolve in (False, True))
    assert result["answer"] == plain != whole
    missing = "needs numpy, rapidfuzz and jellyfish: pip install numpy rapidfuzz jellyfish"
    assert f"answers don't say which values of catalogs were meant: that {missing}" in done.stderr
    assert missing in result["error"] and "resolve=False" in result["error"]


def test_model_tokenizer_and_pipeline_work_without_the_package(folder: Path, tmp_path: Path, zygote: Any) -> None:
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    done = zygote.run(SCRIPT, folder, tmp_path / "logits.pt", BASE_EN, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["module"].startswith("transformers_modules.")
    assert result["again"] == result["answer"] != result["plain"]
    # The embedded base, by the copies of the code that lie beside it.
    assert Path(result["code"]).is_relative_to(tmp_path / "modules")
    assert Path(result["code"]).read_text() == (Path(BASE_EN) / "pipeline_headstart.py").read_text()
    nlu = pipeline("joint-nlu", model=BASE_EN, skill="massive")
    assert result["base"] == nlu(["wake me up at seven am on friday", "play some jazz in the kitchen", "hm"])
    found = {slot["label"]: [one["value"] for one in slot["resolution"]] for slot in result["typed"]["slots"]}
    assert found == {"time": ["T07:00"], "date": ["2026-11-20"]}

    model = HeadstartForJointNLU.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(["brew a latte at 7pm", "stop"], padding=True, return_tensors="pt")
    outputs = model(**batch, skill_ids=model.skill_ids(["cafe", "tables"]))
    for name, values in torch.load(tmp_path / "logits.pt").items():
        assert torch.equal(values, outputs[name])
    assert NLUPipeline(model=model, tokenizer=tokenizer)("Brew a latte", skill="cafe") == result["answer"]


MODEL_ONLY = (
    SCRIPT.partition("import torch")[0]
    + """
from transformers import AutoModel, AutoTokenizer, pipeline

source, out = sys.argv[1:]
AutoModel.from_pretrained(source, trust_remote_code=True).save_pretrained(out)
AutoTokenizer.from_pretrained(source, trust_remote_code=True).save_pretrained(out)
nlu = pipeline("joint-nlu", model=out, trust_remote_code=True, skill="cafe")
print(json.dumps({"answer": nlu("Brew a latte"), "module": type(nlu).__module__}))
"""
)


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_whichever_object_saves_the_same_files_are_there(folder: Path, tmp_path: Path, zygote: Any) -> None:
    """Where the package is installed and where it isn't; a fresh interpreter then answers from them without it."""
    nlu = pipeline("joint-nlu", model=str(folder), skill="cafe")
    wanted = nlu("Brew a latte")
    nlu.model.save_pretrained(tmp_path / "model")
    nlu.tokenizer.save_pretrained(tmp_path / "model")
    args = TrainingArguments(output_dir=str(tmp_path / "unused"), use_cpu=True, report_to="none")
    Trainer(nlu.model, args, processing_class=nlu.tokenizer).save_model(str(tmp_path / "trainer"))
    source = tmp_path / "model"
    for step in ("remote", "remote again"):
        environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / f"modules {step}"), "HF_HUB_OFFLINE": "1"}
        done = zygote.run(MODEL_ONLY, source, tmp_path / step, environment=environment, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout.splitlines()[-1])
        assert result["answer"] == wanted and result["module"].startswith("transformers_modules.")
        source = tmp_path / step
    for name in ("model", "trainer", "remote", "remote again"):
        assert files_of(tmp_path / name) - {"training_args.bin"} == files_of(folder), name
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["custom_pipelines"] == {"joint-nlu": {"impl": "pipeline_headstart.NLUPipeline", "pt": ["AutoModel"]}}


def test_a_trunk_alone_names_no_pipeline(tiny_base: Path, tmp_path: Path) -> None:
    HeadstartForJointNLU.from_pretrained(tiny_base).trunk.save_pretrained(tmp_path)
    assert "custom_pipelines" not in json.loads((tmp_path / "config.json").read_text())
