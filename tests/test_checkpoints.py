"""The embedded base: complete, small, loadable, in step with the code, and better than nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, pipeline

import headstart
from headstart import BASE_EN, HeadstartForJointNLU, Skill, evaluate, finetune

BASE = Path(BASE_EN)
SOURCES = [
    "banking77",
    "clinc150",
    "fb_multilingual",
    "hwu64_full",
    "massive",
    "multidogo",
    "multiwoz21",
    "restaurants8k",
    "sgd",
    "slurp",
    "topv2",
]


@pytest.fixture(scope="module")
def base() -> HeadstartForJointNLU:
    return AutoModel.from_pretrained(BASE_EN)


def test_it_is_float32_and_at_most_40_megabytes() -> None:
    assert sum(path.stat().st_size for path in BASE.iterdir()) <= 40e6
    for name, value in load_file(BASE / "model.safetensors").items():
        assert value.dtype == torch.float32 and value.isfinite().all(), name


def test_every_parameter_of_the_loaded_model_is_the_saved_one(base: HeadstartForJointNLU) -> None:
    saved = load_file(BASE / "model.safetensors")
    loaded = base.state_dict()
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


def test_one_label_space_for_each_source(base: HeadstartForJointNLU) -> None:
    assert base.skills == SOURCES
    assert not base.skill("banking77")["slots"] and not base.skill("clinc150")["slots"]
    assert not base.skill("restaurants8k")["intents"]
    assert base.skill("massive")["intents"] and base.skill("massive")["slots"]
    assert len(base.task_layers) == 1


def test_the_code_beside_it_is_the_code_of_the_repository(root: Path) -> None:
    """The checkpoint loads without the package: its copies must not fall behind. `make base-code` copies them anew."""
    copies = sorted(BASE.glob("*.py"))
    assert {path.name for path in copies} >= {"modeling_headstart.py", "pipeline_headstart.py", "alignment_headstart.py"}
    for copy in copies:
        (source,) = (path for folder in ("modeling", "tokenization") for path in [root / folder / copy.name] if path.exists())
        assert copy.read_text(encoding="utf-8") == source.read_text(encoding="utf-8"), copy.name


def test_the_card_names_every_corpus_with_its_licence() -> None:
    card = (BASE / "README.md").read_text(encoding="utf-8")
    metrics = json.loads((BASE / "metrics.json").read_text(encoding="utf-8"))
    for source in SOURCES:
        (line,) = [
            line
            for line in card.splitlines()
            if line.startswith(f"| {source} |") and ("CC" in line or "MIT" in line or "CDLA" in line)
        ]
        assert "20" in line  # a year of publication
        figures = f"| {source} | {metrics[f'eval_{source}_utterances']} |"
        assert figures in card
    assert "share-alike" in card


def test_it_answers_as_it_is() -> None:
    nlu = pipeline("joint-nlu", model=BASE_EN, skill="massive")
    answer = nlu("wake me up at seven am on friday")
    assert answer["intent"]["label"] == "alarm_set"
    assert {(slot["label"], slot["value"]) for slot in answer["slots"]} == {("time", "seven am"), ("date", "friday")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coffee_machine", "museum_guide", "plant_care"])
def test_transfer_beats_no_transfer_on_the_examples(root: Path, tmp_path: Path, name: str) -> None:
    skill: Skill = headstart.load_skill(root / "examples" / name)
    rates = {}
    for from_scratch in (False, True):
        nlu = finetune(skill, tmp_path / str(from_scratch), from_scratch=from_scratch, disable_tqdm=True)
        rates[from_scratch] = evaluate(nlu, skill.test)["semantic_error_rate"]
    assert rates[False] < rates[True]
