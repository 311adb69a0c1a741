"""The pipeline joint-nlu: its answers index the caller's own string, alone and in batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import pipeline

from headstart import NLUPipeline, evaluate
from headstart.data.rows import rows_to_dataset

TEXTS = [
    "Brew a  LATTE",
    "café at 7pm 🎉",
    "x",
    "what's {name} s",
    "东京 o'clock",
    "a much longer request than all of the others here",
]


@pytest.fixture(scope="module")
def nlu(tiny_base: Path) -> NLUPipeline:
    return pipeline("joint-nlu", model=str(tiny_base), skill="travel")


def check(answer: dict[str, Any], text: str) -> None:
    assert answer["text"] == text
    position = 0
    for slot in answer["slots"]:
        assert position <= slot["start"] < slot["end"] <= len(text)
        assert slot["value"] == text[slot["start"] : slot["end"]]
        assert slot["label"] in ("city", "date") and 0 <= slot["score"] <= 1.0001
        position = slot["end"]


@pytest.mark.parametrize("text", TEXTS)
def test_an_answer(nlu: NLUPipeline, text: str) -> None:
    answer = nlu(text)
    assert list(answer) == ["text", "skill", "intent", "slots"]
    assert answer["skill"] == "travel"
    assert answer["intent"]["label"] in ("book", "cancel", "ask") and 1 / 3 <= answer["intent"]["score"] <= 1
    check(answer, text)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip()))
def test_any_text_gets_an_answer(nlu: NLUPipeline, text: str) -> None:
    check(nlu(text), text)


def test_spans_that_cut_a_word_are_scored_as_in_training(nlu: NLUPipeline, caplog: pytest.LogCaptureFixture) -> None:
    """A row that is annotated just as the pipeline answers, but for the last letter of each slot, is right."""
    texts = ["book boston tomorrow", "book flight to boston", "cancel boston", "ask"]
    answers = [nlu(text, skill="travel") for text in texts]
    rows = [
        {
            "text": answer["text"], "intent": answer["intent"]["label"],
            "slots": [{"start": slot["start"], "end": slot["end"] - 1, "label": slot["label"]} for slot in answer["slots"]],
        }
        for answer in answers
    ]  # fmt: skip
    assert any(row["slots"] for row in rows)
    scores = evaluate(nlu, rows_to_dataset(rows), "travel")
    assert (scores["exact_match"], scores["semantic_error_rate"]) == (1.0, 0.0)
    assert "of 6 spans, widened to the word that they cut: 6" in caplog.text


def test_batches_give_the_same_answers(nlu: NLUPipeline) -> None:
    alone = [nlu(text) for text in TEXTS]
    for batch_size in (1, 2, 6):
        for one, two in zip(alone, nlu(TEXTS, batch_size=batch_size), strict=True):
            assert one["intent"]["label"] == two["intent"]["label"]
            assert one["intent"]["score"] == pytest.approx(two["intent"]["score"], abs=1e-5)
            assert [{**slot, "score": None} for slot in one["slots"]] == [{**slot, "score": None} for slot in two["slots"]]


def test_a_list_is_always_several_requests(nlu: NLUPipeline) -> None:
    assert [answer["text"] for answer in nlu(["stop", "help"])] == ["stop", "help"]
    column = Dataset.from_dict({"text": ["stop", "help"]})["text"]
    for several in (("stop", "help"), (text for text in ["stop", "help"]), map(str, ["stop", "help"]), column):
        assert [answer["text"] for answer in nlu(several)] == ["stop", "help"]
    assert nlu([]) == []


def test_special_pieces_in_a_text_are_words_like_others(nlu: NLUPipeline) -> None:
    for text in ("[PAD]", "book [PAD] in paris", "[UNK] [MASK]"):
        check(nlu(text), text)


def test_it_works_in_inference_mode(nlu: NLUPipeline) -> None:
    with torch.inference_mode():
        assert nlu("brew a latte") == nlu("brew a latte")


def test_whoever_may_read_the_configuration_may_read_the_weights(nlu: NLUPipeline, tmp_path: Path) -> None:
    nlu.save_pretrained(tmp_path)
    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    assert modes["model.safetensors"] == modes["config.json"]


def test_an_option_that_there_is_not_is_named_with_what_was_meant(nlu: NLUPipeline) -> None:
    with pytest.raises(TypeError, match=r"a request has no option 'topk'\. Did you mean top_k\? Allowed: skill, skills, "):
        nlu("brew", topk=3)


def test_blank_texts(nlu: NLUPipeline) -> None:
    for blank in ("", " \t\n"):  # as speech recognisers return
        assert nlu(blank) == {"text": blank, "skill": "travel", "intent": {"label": None, "score": 1.0}, "slots": []}
    answers = nlu(["brew", "", "stop"], batch_size=3)
    assert answers[1] == {"text": "", "skill": "travel", "intent": {"label": None, "score": 1.0}, "slots": []}
    assert answers[0]["intent"] and answers[2]["intent"]


@pytest.mark.parametrize("wrong", [None, 7, b"brew", {"text": "brew"}, [7]])
def test_other_inputs_are_refused(nlu: NLUPipeline, wrong: Any) -> None:
    with pytest.raises(TypeError, match="string"):
        nlu(wrong)


def test_skills(tiny_base: Path) -> None:
    nlu = pipeline("joint-nlu", model=str(tiny_base))
    with pytest.raises(ValueError, match="has 3 skills: name one"):
        nlu("brew")
    assert nlu("brew", skill="bank")["slots"] == []
    answer = nlu("brew", skill="tables")
    assert answer["intent"] == {"label": None, "score": 1.0} and answer["skill"] == "tables"
    with pytest.raises(ValueError, match="no skill 'music'"):
        nlu("brew", skill="music")


def test_long_texts_are_cut_with_a_warning(nlu: NLUPipeline, caplog: pytest.LogCaptureFixture) -> None:
    text = "brew " * 2000
    check(nlu(text), text)
    assert "a text of 10000 characters was cut after" in caplog.text
