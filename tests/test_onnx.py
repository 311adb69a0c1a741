"""Exported skills: the same scores and answers as torch's, without torch."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, decoding, evaluate, export, finetune
from headstart.cli import main
from headstart.data.skills import label_priors
from headstart.decoding import make_field
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.crf_headstart import ChainCRF, FactoredCRF, LinearChainCRF
from headstart.onnx import OnnxNLU

KINDS = (LinearChainCRF, FactoredCRF)
TEXTS = [
    "a large latte with oat milk", "brew", "make me two cups of strong coffee, please!", "Ünïcode 🙂 and 'quotes'", "[PAD] [UNK]",
    "is there any water in the tank", "x" * 300, "oat milk oat milk", "cancel\tit\n", "1 2 3 4 5 6 7 8 9",
]  # fmt: skip


@pytest.fixture(scope="module")
def nlu(tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, coffee: Skill) -> NLUPipeline:
    """A skill with everything that a skill can have; weights so large that answers differ."""
    torch.manual_seed(1)
    model = copy.deepcopy(tiny_model)
    model.add_skill(
        coffee,
        catalogs=tokenize_catalogs(coffee.catalogs, tokenizer),
        listed={label: coffee.listed(label) for label in coffee.catalogs},
        rejects=True,
        label_priors=label_priors(coffee.rows("train")),
    )
    model.skill("coffee_machine")["rejection"]["temperature"] = 1.3
    model.skill("coffee_machine")["slot_temperature"] = 1.7
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def exported(nlu: NLUPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(nlu, tmp_path_factory.mktemp("exported") / "coffee", "coffee_machine")


def close(first: Any, second: Any) -> bool:
    """Equal, but for the last digits of scores."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(close(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(close, first, second))
    return bool(first == pytest.approx(second, abs=1e-5)) if isinstance(first, float) else bool(first == second)


@pytest.mark.parametrize("skill", ["coffee_machine", "travel", "bank", "tables"])
def test_scores_are_those_of_torch(nlu: NLUPipeline, tmp_path: Path, skill: str) -> None:
    model, drawn = nlu.model, random.Random(skill)
    session = onnxruntime.InferenceSession(export(nlu, tmp_path, skill) / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    entry = model.skill(skill)
    for batch_size in (1, 2, 7, 16):
        lengths = [drawn.randint(1, 40) for _ in range(batch_size)]
        ids = torch.zeros(batch_size, max(lengths), dtype=torch.long)
        for row, length in enumerate(lengths):
            ids[row, :length] = torch.tensor([drawn.randrange(1, model.config.vocab_size) for _ in range(length)])
        mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
        feed = {"input_ids": ids.numpy(), "lengths": np.array(lengths)}
        if "gazetteer" in entry:
            feed["matches"] = model.gazetteers[skill].find(ids, model.word_starts(ids, mask)).numpy()
        found = dict(zip(names, session.run(None, feed), strict=True))
        with torch.no_grad():
            outputs = model(ids, mask.long(), skill_ids=model.skill_ids([skill] * batch_size))
        assert ("intent_logits" in found) == bool(entry["intents"]) and ("slot_logits" in found) == bool(entry["slots"])
        if entry["intents"]:
            assert np.abs(found["intent_logits"] - outputs.intent_logits.numpy()).max() < 1e-5
        if "rejection" in entry:
            assert np.abs(found["reject_logits"][:, 0] - outputs.reject_logits.numpy()).max() < 1e-5
        if entry["slots"]:
            assert np.abs(found["slot_logits"] - outputs.slot_logits.numpy())[mask.numpy()].max() < 1e-5


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("options", [{}, {"reject_threshold": 1}, {"reject_threshold": 0.2}, {"use_gazetteers": False}])
def test_answers_are_those_of_the_pipeline(
    nlu: NLUPipeline, exported: Path, coffee: Skill, batch_size: int, options: dict[str, Any]
) -> None:
    texts = [*TEXTS, " ", "", *coffee.train["text"]]
    expected = nlu(texts, skill="coffee_machine", **options)
    assert len({answer["intent"] and answer["intent"]["label"] for answer in expected}) > 2
    assert sum(len(answer["slots"]) for answer in expected) > 20
    answers = OnnxNLU(exported)(texts, batch_size=batch_size, **options)
    for answer, wanted in zip(answers, expected, strict=True):
        assert close(answer, wanted), (answer, wanted)


@pytest.mark.parametrize("skill", ["travel", "bank", "tables"])
def test_skills_that_lack_something(nlu: NLUPipeline, tmp_path: Path, skill: str) -> None:
    export(nlu, tmp_path, skill)
    assert close(OnnxNLU(tmp_path)(TEXTS, batch_size=4), nlu(TEXTS, skill=skill))


def test_what_can_be_asked(exported: Path, nlu: NLUPipeline) -> None:
    onnx = OnnxNLU(exported)
    assert onnx("brew")["text"] == "brew" and onnx(["brew"], skill="coffee_machine")[0]["skill"] == "coffee_machine"
    assert onnx([]) == [] and len(onnx(("brew", "stop"))) == 2
    answers = onnx(text for text in ("brew", "stop"))
    assert next(answers)["text"] == "brew" and [answer["text"] for answer in answers] == ["stop"]
    for wrong, error in (
        (3, TypeError),
        ([3], TypeError),
        (b"brew", TypeError),
        ({"text": "brew"}, TypeError),
    ):
        with pytest.raises(error) as found:
            onnx(wrong)  # type: ignore[arg-type]
        with pytest.raises(error) as wanted:
            nlu(wrong, skill="coffee_machine")
        assert str(found.value) == str(wanted.value)
    with pytest.raises(ValueError, match="no skill 'travel'"):
        onnx("brew", skill="travel")
    with pytest.raises(ValueError, match="reject_threshold is 2"):
        onnx("brew", reject_threshold=2)
    with pytest.raises(ValueError, match="batch_size is 0"):
        onnx(["brew"], batch_size=0)


def test_long_texts_are_cut_with_a_warning(exported: Path, nlu: NLUPipeline, caplog: pytest.LogCaptureFixture) -> None:
    text = "brew " * 600
    answer, wanted = OnnxNLU(exported)(text), nlu(text, skill="coffee_machine")
    scores = [[slot.pop("score") for slot in found["slots"]] for found in (answer, wanted)]
    assert close(answer, wanted) and wanted["slots"][-1]["end"] == 2559
    assert scores[0] == pytest.approx(scores[1], abs=5e-3)  # torch's are sums of 512 words' logarithms in float32
    assert caplog.text.count("was cut after") == 2


def test_integers_take_less_room_and_answer_almost_alike(coffee: Skill, tmp_path: Path) -> None:
    nlu = finetune(coffee, tmp_path / "coffee", max_steps=60, disable_tqdm=True)
    whole, small = export(nlu, tmp_path / "whole"), export(nlu, tmp_path / "small", int8=True)
    size = {folder: sum(file.stat().st_size for file in folder.iterdir()) for folder in (whole, small)}
    assert size[small] < 12e6 < size[whole]
    texts = coffee.train["text"]
    pairs = list(zip(OnnxNLU(whole)(texts, batch_size=64), OnnxNLU(small)(texts, batch_size=64), strict=True))
    assert sum(first["intent"]["label"] == second["intent"]["label"] for first, second in pairs) > 0.95 * len(texts)
    spans = [[{(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]} for answer in pair] for pair in pairs]
    assert sum(len(first) for first, _ in spans) > len(texts) // 2
    assert sum(first == second for first, second in spans) > 0.9 * len(texts)
    assert json.loads((small / "headstart.json").read_text())["weights"] == "int8"


def test_neither_torch_nor_transformers_is_imported(exported: Path) -> None:
    code = (
        "import sys; from headstart.onnx import OnnxNLU; print(OnnxNLU(sys.argv[1])('brew')['skill']); "
        "print(sorted({'torch', 'transformers', 'datasets', 'marisa_trie'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(exported)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["coffee_machine", "[]"]


def test_the_command(tiny_base: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "travel"
    assert main(["export", str(tiny_base), "--out", str(out)]) == 2
    assert "has 3 skills: name one" in capsys.readouterr().err
    assert main(["export", str(tiny_base), "--out", str(out), "--skill", "travel"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert sorted(path.name for path in out.iterdir()) == ["crf.npz", "headstart.json", "model.onnx", "tokenizer.json"]
    assert main(["predict", str(out), "to paris", "home"]) == 0
    assert [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()] == ["to paris", "home"]
    rows = root / "examples" / "coffee_machine" / "test.jsonl"
    scores = []
    for model in (str(out), str(tiny_base)):
        assert main(["evaluate", model, "--skill", "travel", "--data", str(rows)]) == 0
        scores.append(json.loads(capsys.readouterr().out))
    assert scores[0] == pytest.approx(scores[1])
    assert scores[0] == pytest.approx(evaluate(OnnxNLU(out), rows), abs=1e-4)


def test_what_is_no_exported_skill(nlu: NLUPipeline, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="headstart export MODEL"):
        OnnxNLU(tmp_path)
    with pytest.raises(ValueError, match="exported skill already"):
        export(exported, tmp_path)
    with pytest.raises(TypeError, match="found HeadstartForJointNLU; give a pipeline"):
        export(nlu.model, tmp_path)
    nlu.save_pretrained(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="holds a Headstart checkpoint; give an exported skill a folder of its own"):
        export(nlu, tmp_path / "checkpoint", "bank")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        export(nlu, tmp_path / "file", "bank")
    folder = export(nlu, tmp_path / "coffee", "coffee_machine")
    description = json.loads((folder / "headstart.json").read_text())
    (folder / "headstart.json").write_text(json.dumps({**description, "version": 0}))
    with pytest.raises(ValueError, match="export it anew"):
        OnnxNLU(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(ValueError, match="lacks model.onnx"):
        OnnxNLU(folder)


def test_another_export_takes_the_place_of_the_first(nlu: NLUPipeline, tmp_path: Path) -> None:
    export(nlu, tmp_path, "coffee_machine")
    export(nlu, tmp_path, "bank")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["headstart.json", "model.onnx", "tokenizer.json"]
    assert OnnxNLU(tmp_path)("pay now")["skill"] == "bank"


def test_a_failed_export_leaves_the_former_one(nlu: NLUPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(nlu, tmp_path, "bank")

    def stop(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.onnx, "export", stop)
    with pytest.raises(KeyboardInterrupt):
        export(nlu, tmp_path, "coffee_machine")
    assert OnnxNLU(tmp_path)("pay now")["skill"] == "bank"


def test_the_model_stays_as_it_was(nlu: NLUPipeline, tmp_path: Path) -> None:
    model = copy.deepcopy(nlu.model).to(torch.bfloat16).train()
    export(NLUPipeline(model=model, tokenizer=nlu.tokenizer), tmp_path, "travel")
    model.train()
    assert all(module.training for module in model.modules()) and model.dtype == torch.bfloat16
    assert close(
        OnnxNLU(tmp_path)("to paris"),
        NLUPipeline(model=model.float().eval(), tokenizer=nlu.tokenizer)("to paris", skill="travel"),
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 90, 3000]), st.sampled_from([1, 400]), st.sampled_from(KINDS))
def test_the_field_decodes_as_that_of_torch(seed: int, of_words: float, of_steps: float, kind: type[ChainCRF]) -> None:
    torch.manual_seed(seed)
    crf = kind(2).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=of_steps)
    counts = torch.randint(0, 6, (4,))
    counts[0] = 5
    emissions, mask = of_words * torch.randn(4, 5, 5, dtype=torch.float64), torch.arange(5) < counts.unsqueeze(1)
    field = make_field({name: part.detach().numpy() for name, part in crf.arrays().items()})
    tags, marginals = crf.decode(emissions, mask), crf.marginals(emissions, mask)
    for pairs in (decoding.MAX_PAIRS, 1):  # all pairs of tags at once, or one after the other
        with patch.object(decoding, "MAX_PAIRS", pairs):
            assert (field.decode(emissions.numpy(), counts.numpy()) == tags.numpy()).all()
    wanted = marginals.gather(2, tags.unsqueeze(2)).squeeze(2) * mask
    assert np.abs(field.certainty(emissions.numpy(), counts.numpy(), tags.numpy()) - wanted.numpy()).max() < 1e-6
