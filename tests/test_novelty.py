"""How unlike a skill's own utterances a text is: measured after training, and added to the score of "none of these" wherever a skill answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

import headstart
from headstart import HeadstartForJointNLU, NLUPipeline, Skill, finetune
from headstart.finetuning.novelty import LIMIT, MIDDLE, SHRINKAGE, WEIGHT, _folds, _measure
from headstart.loading import load_pipeline
from headstart.modeling.novelty_headstart import Novelty, common_means
from headstart.onnx import OnnxNLU

TEXTS = [
    "make me a strong coffee",
    "what is the capital of france",
    "clean the machine",
    "play some jazz in the kitchen",
    "descale",
    "",
]


@pytest.fixture(scope="module")
def trained(coffee: Skill, tmp_path_factory: pytest.TempPathFactory) -> NLUPipeline:
    """The embedded base, fine-tuned."""
    return finetune(coffee, tmp_path_factory.mktemp("novelty") / "coffee", seed=0, max_steps=60, disable_tqdm=True)


def measured(nlu: NLUPipeline, texts: list[str]) -> torch.Tensor:
    """What is added for each text, (texts,)."""
    batch = nlu.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return nlu.model.novelties[nlu.model.skills[0]](nlu.model.common_means(batch["input_ids"], batch["attention_mask"], 0))[
            :, 0
        ]


def reject_logits(nlu: NLUPipeline, texts: list[str]) -> torch.Tensor:
    batch = nlu.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        found: torch.Tensor = nlu.model(batch["input_ids"], batch["attention_mask"]).reject_logits
    return found


def test_distances_are_mahalanobis_distances() -> None:
    """Against the formula with the whole covariance, where all of its directions are kept (Lee et al., 2018, equation 2)."""
    generator = np.random.default_rng(0)
    states = torch.tensor(generator.normal(size=(40, 12)) @ generator.normal(size=(12, 12)), dtype=torch.float)
    intents = torch.tensor(generator.integers(0, 3, 40))
    novelty = _measure(Novelty(12, 3, rank=12), states, intents)
    means = torch.stack([states[intents == intent].mean(dim=0) for intent in range(3)])
    apart = (states - means[intents]).double().numpy()
    covariance = apart.T @ apart / (40 - 3)
    shrinkage = SHRINKAGE * np.trace(covariance) / 12
    inverse = np.linalg.inv(covariance + shrinkage * np.eye(12)) * shrinkage  # in units of the shrinkage
    asked = torch.tensor(generator.normal(size=(7, 12)) * 3, dtype=torch.float)
    wanted = [min(float((row - mean) @ inverse @ (row - mean)) for mean in means.numpy()) ** 0.5 for row in asked.numpy()]
    np.testing.assert_allclose(novelty.distances(asked).numpy(), wanted, rtol=1e-4)


def test_an_intent_without_rows_is_nowhere_and_one_row_each_is_enough() -> None:
    states, intents = torch.tensor([[0.0, 1.0], [4.0, 1.0]]), torch.tensor([0, 2])
    novelty = _measure(Novelty(2, 3, rank=4), states, intents)
    assert novelty.distances(torch.tensor([[0.0, 1.0], [4.0, 4.0]])).tolist() == pytest.approx([0, 3], abs=1e-4)


def test_rows_of_one_template_are_left_out_together() -> None:
    folds = _folds(["a {x}", "b", "a {x}", "c", "d", "e", "f", "b"])
    assert sorted(place for fold in folds for place in fold) == list(range(8)) and len(folds) == 5
    assert any({0, 2} <= set(fold) for fold in folds) and any({1, 7} <= set(fold) for fold in folds)


def test_fine_tuning_measures_the_skill(trained: NLUPipeline, coffee: Skill) -> None:
    own = measured(trained, [row["text"] for row in coffee.rows("test")])
    others = measured(trained, ["what is the capital of france", "read me my unread mail", "who won the match last night"])
    assert own.median() < 0 < others.min()  # nothing is added on the way between them
    assert measured(trained, [row["text"] for row in coffee.rows("train")]).median() < -WEIGHT * MIDDLE * 0.5
    assert measured(trained, ["quantum chromodynamics of a hadron", "zzz qqq"]).max() <= LIMIT


def test_it_adds_to_the_score_of_none_of_these_where_the_model_answers(trained: NLUPipeline) -> None:
    with_it = reject_logits(trained, TEXTS[:-1])
    kept = trained.model.novelties[trained.model.skills[0]].scale.clone()
    try:
        trained.model.novelties[trained.model.skills[0]].scale.zero_()
        without = reject_logits(trained, TEXTS[:-1])
    finally:
        trained.model.novelties[trained.model.skills[0]].scale.copy_(kept)
    torch.testing.assert_close(with_it - without, measured(trained, TEXTS[:-1]), atol=1e-3, rtol=1e-3)


def test_a_text_is_as_novel_in_a_batch_as_alone(trained: NLUPipeline) -> None:
    together = measured(trained, [*TEXTS[:-1], " ".join(TEXTS * 5)])[: len(TEXTS) - 1]
    torch.testing.assert_close(together, torch.cat([measured(trained, [text]) for text in TEXTS[:-1]]), atol=1e-3, rtol=1e-3)


def test_what_is_read_is_taken_out_of_a_residual_network() -> None:
    states, read, is_padding = (
        torch.randn(2, 3, 6),
        torch.randn(2, 3, 4),
        torch.tensor([[0, 0, 0], [0, 1, 1]]).bool().unsqueeze(2),
    )
    own = states.clone()
    own[:, :, :4] -= read
    means = common_means(states, read, is_padding)
    torch.testing.assert_close(means[0], own[0].mean(dim=0))
    torch.testing.assert_close(means[1], own[1, 0])


@pytest.mark.parametrize("int8", [False, True])
def test_exported_skills_know_it(trained: NLUPipeline, tmp_path: Path, int8: bool) -> None:
    headstart.export(trained, tmp_path / "exported", int8=int8)
    exported, wanted = OnnxNLU(tmp_path / "exported")(TEXTS), trained(TEXTS)
    for found, answer in zip(exported, wanted, strict=True):
        assert found["out_of_scope"] == pytest.approx(answer["out_of_scope"], abs=0.05 if int8 else 1e-4)
        assert found["intent"]["label"] == answer["intent"]["label"]
        assert found["intent"]["score"] == pytest.approx(answer["intent"]["score"], abs=0.05 if int8 else 1e-4)


def test_it_is_saved_and_loaded(trained: NLUPipeline, tmp_path: Path) -> None:
    trained.save_pretrained(tmp_path / "saved")
    assert load_pipeline(tmp_path / "saved")(TEXTS) == trained(TEXTS)


def test_heads_have_their_own(coffee: Skill, tmp_path: Path) -> None:
    nlu = finetune(coffee, tmp_path / "head", tune="head", seed=0, max_steps=20, disable_tqdm=True)
    again = load_pipeline(tmp_path / "head")
    assert again(TEXTS, skill=coffee.name) == nlu(TEXTS, skill=coffee.name)
    assert measured(nlu, ["what is the capital of france"]) > measured(nlu, ["make me a strong coffee"])


def test_without_rejection_there_is_nothing_to_add(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    nlu = finetune(coffee, tmp_path / "out", base=tiny_base, rejection=False, max_steps=2, disable_tqdm=True)
    assert not nlu.model.novelties and "novelty" not in nlu.model.skill()


def test_an_unfitted_one_adds_nothing(model: HeadstartForJointNLU, coffee: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    model.add_skill(coffee, tokenizer=tokenizer)
    assert model.novelties[coffee.name](torch.randn(3, 2 * model.config.hidden_size)).abs().sum() == 0


def test_a_single_template_is_too_little_to_measure(tiny_base: Path, tmp_path: Path) -> None:
    skill = Skill("one", [{"text": "go", "intent": "Go", "slots": []}, {"text": "go", "intent": "Go", "slots": []}])
    nlu = finetune(skill, tmp_path / "out", base=tiny_base, max_steps=2, disable_tqdm=True)
    assert nlu.model.novelties["one"].scale.tolist() == [0, 0, 0]


def test_half_precision_measures_too(trained: NLUPipeline, tmp_path: Path) -> None:
    trained.save_pretrained(tmp_path / "saved")
    half = HeadstartForJointNLU.from_pretrained(tmp_path / "saved", dtype=torch.bfloat16).eval()
    nlu = NLUPipeline(model=half, tokenizer=AutoTokenizer.from_pretrained(tmp_path / "saved"))
    assert measured(nlu, TEXTS[:-1]).float().numpy() == pytest.approx(measured(trained, TEXTS[:-1]).numpy(), abs=1.5)


@pytest.mark.parametrize(("change", "message"), [
    ({"novelty": 0}, "novelty of skill 'a' is 0; it must be a whole number from 1"),
    ({"novelty": 2.5}, "novelty of skill 'a' is 2.5"),
    ({"rejection": None}, "has novelty, which only a skill with rejection has"),
])  # fmt: skip
def test_entries_that_say_nonsense_are_refused(change: dict[str, Any], message: str) -> None:
    from headstart.modeling.entries_headstart import check_skill_entry, read_entry

    entry = {
        "name": "a",
        "intents": ["x"],
        "slots": [],
        "rejection": {"temperature": 1.0, "threshold": 0.8},
        "novelty": 4,
        **change,
    }
    with pytest.raises(ValueError, match=message):
        check_skill_entry(read_entry(entry))
