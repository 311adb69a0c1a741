"""A skill of so many slot labels that its CRF is factored: trained, saved, loaded, as a head and exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from headstart import HeadstartConfig, HeadstartForJointNLU, NLUPipeline, Skill, export, finetune
from headstart.loading import load_pipeline
from headstart.modeling.crf_headstart import FactoredCRF, LinearChainCRF
from headstart.modeling.entries_headstart import FACTORED, MAX_DENSE_LABELS
from headstart.onnx import OnnxNLU

NUM_LABELS = MAX_DENSE_LABELS + 1
QUICK: dict[str, Any] = {"max_steps": 4, "learning_rate": 0.02, "disable_tqdm": True, "use_cpu": True, "report_to": "none"}
TEXTS = ["set part 7 to two cups", "strong latte for part 12 please", "part"]


@pytest.fixture(scope="module")
def skill() -> Skill:
    rows: list[Any] = []
    for label in range(NUM_LABELS):
        text = f"set part {label} to two cups"
        slots = [{"start": len(text) - 8, "end": len(text), "label": f"label_{label}"}]
        rows.append({"text": text, "intent": f"set_{label % 3}", "slots": slots})
    return Skill("many", rows)


@pytest.fixture(scope="module")
def trained(skill: Skill, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[NLUPipeline, Path]:
    folder = tmp_path_factory.mktemp("many") / "out"
    nlu = finetune(skill, folder, base=str(tiny_base), **QUICK)
    torch.manual_seed(0)
    for parameter in nlu.model.classifiers["many"].parameters():  # answers that differ from word to word
        torch.nn.init.normal_(parameter, std=0.5)
    nlu.save_pretrained(folder)
    return nlu, folder


def test_what_is_saved_answers_alike(trained: tuple[NLUPipeline, Path]) -> None:
    nlu, folder = trained
    assert nlu.model.skill()["crf"] == FACTORED and isinstance(nlu.model.classifiers["many"].crf, FactoredCRF)
    again = load_pipeline(folder)
    assert again(TEXTS) == nlu(TEXTS) and nlu(TEXTS[0])["slots"]  # type: ignore[index, call-overload]


def test_an_exported_skill_answers_alike(trained: tuple[NLUPipeline, Path], tmp_path: Path) -> None:
    nlu, _ = trained
    exported = OnnxNLU(export(nlu, tmp_path / "onnx"))
    assert json.loads((tmp_path / "onnx" / "headstart.json").read_text())["version"] == 2  # which headstart 0.1 refuses
    for text in TEXTS:
        found: Any = exported(text)
        wanted: Any = nlu(text)
        assert [slot["label"] for slot in found["slots"]] == [slot["label"] for slot in wanted["slots"]]
        for one, other in zip(found["slots"], wanted["slots"], strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=1e-4)


def test_a_head_of_many_labels(skill: Skill, tiny_base: Path, tmp_path: Path) -> None:
    nlu = finetune(skill, tmp_path / "head", base=str(tiny_base), tune="head", **QUICK)
    again = load_pipeline(tmp_path / "head", base=tiny_base)
    assert again(TEXTS, skill="many") == nlu(TEXTS, skill="many")  # type: ignore[arg-type]


def test_a_skill_that_says_nothing_of_its_crf_has_a_dense_one() -> None:
    """As those of headstart 0.1, however many labels they have."""
    entry = {"name": "old", "intents": [], "slots": [f"label_{number}" for number in range(NUM_LABELS)]}
    model = HeadstartForJointNLU(
        HeadstartConfig(vocab_size=20, embedding_size=4, hidden_size=3, task_hidden_size=2, skills=[entry])
    )
    assert isinstance(model.classifiers["old"].crf, LinearChainCRF)
    with pytest.raises(ValueError, match="crf of skill 'old' is 'sparse'; it must be 'factored' or left out"):
        HeadstartConfig.from_dict({"skills": [{**entry, "crf": "sparse"}]})
