"""Checkpoints, heads and exported skills that earlier versions wrote still load, and answer as they did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, export
from headstart.loading import load_pipeline
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.weights_headstart import file_hash

TEXT = "two strong espressos with oat milk please"
# Today's names of weights, and those of headstart 0.1.
OLD_WEIGHTS = (
    (r"^adapters\.(.+)lora_A$", r"changes.\1down"),
    (r"^adapters\.(.+)lora_B$", r"changes.\1up"),
    (r"^adapters\.(.+)bias$", r"changes.\1bias"),
    (r"^gazetteers\.(.*)token_ids$", r"gazetteers.\1pieces"),
)


def as_of_0_1(entry: dict[str, Any]) -> dict[str, Any]:
    """A skill's entry with the fields that it had."""
    old = {("slots_of_intents" if field == "label_priors" else field): value for field, value in entry.items()}
    old["gazetteer"] = {("pieces" if field == "tokens" else field): value for field, value in entry["gazetteer"].items()}
    return old


def rename_weights(file: Path) -> None:
    weights = load_file(file)
    renamed = {}
    for key, value in weights.items():
        name = next((re.sub(pattern, old, key) for pattern, old in OLD_WEIGHTS if re.match(pattern, key)), key)
        renamed[name] = value
    assert renamed.keys() != weights.keys()
    save_file(renamed, file, metadata={"format": "pt"})


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same labels and spans, and the same scores up to rounding: sums are added up otherwise where weights lie otherwise in memory."""
    slots = list(zip(one["slots"], other["slots"], strict=True))
    scores = [(one["intent"]["score"], other["intent"]["score"]), *((left["score"], right["score"]) for left, right in slots)]
    return (
        one["intent"]["label"] == other["intent"]["label"]
        and all({**left, "score": 0} == {**right, "score": 0} for left, right in slots)
        and all(left == pytest.approx(right, abs=1e-6) for left, right in scores)
    )


@pytest.fixture
def nlu(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, coffee: Skill) -> NLUPipeline:
    """A skill with all that has changed its name: catalogs, label priors and adapters."""
    torch.manual_seed(0)
    catalogs = tokenize_catalogs(coffee.catalogs, tokenizer)
    priors = {intent: coffee.slots[:1] for intent in coffee.intents}
    model.add_skill(coffee, rank=2, routes=True, catalogs=catalogs, rejects=True, label_priors=priors)
    for modules in (model.adapters, model.gazetteers, model.classifiers):
        for parameter in modules[coffee.name].parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer)


def test_a_checkpoint_of_0_1(nlu: NLUPipeline, coffee: Skill, tmp_path: Path) -> None:
    expected = nlu(TEXT, skill=coffee.name)
    nlu.save_pretrained(tmp_path / "old")
    rename_weights(tmp_path / "old" / "model.safetensors")
    config = json.loads((tmp_path / "old" / "config.json").read_text())
    config["skills"] = [as_of_0_1(entry) if "gazetteer" in entry else entry for entry in config["skills"]]
    del config["sha256"]
    config["weights_sha256"] = {"model.safetensors": file_hash(tmp_path / "old" / "model.safetensors")}
    (tmp_path / "old" / "config.json").write_text(json.dumps(config))
    loaded: Any = load_pipeline(tmp_path / "old")
    assert alike(loaded(TEXT, skill=coffee.name), expected)
    # It is saved as today's are.
    loaded.save_pretrained(tmp_path / "new")
    nlu.save_pretrained(tmp_path / "expected")
    assert (
        load_file(tmp_path / "new" / "model.safetensors").keys() == load_file(tmp_path / "expected" / "model.safetensors").keys()
    )
    assert alike(load_pipeline(tmp_path / "new")(TEXT, skill=coffee.name), expected)
    state = load_file(tmp_path / "old" / "model.safetensors")
    assert nlu.model.load_state_dict(state).missing_keys == []


def test_a_head_of_0_1(nlu: NLUPipeline, coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    expected = nlu(TEXT, skill=coffee.name)
    nlu.model.save_skill(coffee.name, tmp_path)
    rename_weights(tmp_path / "head.safetensors")
    head = json.loads((tmp_path / "head.json").read_text())
    del head["sha256"]
    head |= {"format": 1, "skill": as_of_0_1(head["skill"]), "weights": file_hash(tmp_path / "head.safetensors")}
    (tmp_path / "head.json").write_text(json.dumps(head))
    assert alike(load_pipeline(tmp_path, base=tiny_base)(TEXT), expected)


def test_an_exported_skill_of_0_1(nlu: NLUPipeline, coffee: Skill, tmp_path: Path) -> None:
    export(nlu, tmp_path, coffee.name)
    expected = load_pipeline(tmp_path)(TEXT)
    description = json.loads((tmp_path / "headstart.json").read_text())
    del description["sha256"]
    description["max_pieces"] = description.pop("max_tokens")
    description["skill"] = as_of_0_1(description["skill"])
    (tmp_path / "headstart.json").write_text(json.dumps(description))
    assert load_pipeline(tmp_path)(TEXT) == expected
