"""Resolutions in answers: which slots have them, what a request may say of them, and that they are the same wherever a skill is loaded."""

from __future__ import annotations

import copy
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, export, finetune
from headstart.cli import main
from headstart.loading import load_pipeline, skill_entry
from headstart.modeling.entries_headstart import check_skill_entry
from headstart.onnx import OnnxNLU
from headstart.tokenization.alignment_headstart import Words
from headstart.tokenization.answers_headstart import Answer, Labels, make_answer
from headstart.tokenization.values_headstart import Resolver, make_resolver, resolve_options

REFERENCE = "2026-11-18T10:30"
LABELS: Labels = {
    "name": "tables", "intents": [], "slots": ["people", "time", "name"],
    "slot_types": {"people": "AMAZON.NUMBER", "time": "AMAZON.TIME", "name": "AMAZON.FirstName"},
}  # fmt: skip
TYPES = LABELS["slot_types"]
TEXTS = [
    "a table for twenty five at half past seven", "five at seven", "tomorrow at noon for one oh five", "ada", "for two at quarter to nine pm", "7:30",
    "x y z", "noon", "seven", "twenty", "one oh five", "table for five", "please twenty five", "friday at five", "ten", "at ten", "eight",
]  # fmt: skip


def answer(tags: dict[int, str], text: str = "for twenty five at half past seven", resolver: Resolver | None = None) -> Answer:
    """The answer in which these words are tagged."""
    words = text.split()
    starts = [sum(len(word) + 1 for word in words[:place]) for place in range(len(words))]
    found = Words(starts, [start + len(word) for start, word in zip(starts, words, strict=True)], list(range(len(words))))
    numbers = [0] * len(words)
    for place, tag in tags.items():
        numbers[place] = 1 + 2 * LABELS["slots"].index(tag[2:]) + (tag[0] == "I")
    scores = [1 - place / 100 for place in range(len(words))]
    return make_answer(LABELS, text, found, intent=(0, 0.0), tags=numbers, tag_scores=scores, resolver=resolver)


RESOLVER = make_resolver(resolve_options(reference_time=REFERENCE))


def test_neighbouring_pieces_of_one_value_are_one_slot() -> None:
    apart = {1: "B-people", 2: "B-people", 4: "B-time", 5: "B-time", 6: "B-time"}
    found = answer(apart, resolver=RESOLVER)["slots"]
    assert [(slot["value"], slot["score"]) for slot in found] == [("twenty five", 0.98), ("half past seven", 0.94)]
    assert found[0]["resolution"] == [{"type": "number", "value": 25}]
    together = {1: "B-people", 2: "I-people", 4: "B-time", 5: "I-time", 6: "I-time"}
    assert [slot["value"] for slot in answer(together, resolver=RESOLVER)["slots"]] == ["twenty five", "half past seven"]


def test_pieces_that_are_no_value_together_stay_apart() -> None:
    for text in ("five six", "twenty ten five", "five ada"):
        count = len(text.split())
        found = answer({place: "B-people" for place in range(count)}, text, RESOLVER)["slots"]
        assert [slot["value"] for slot in found][-1] == text.split()[-1]
    # What is between them, another label, or no type keeps them apart, too.
    assert len(answer({0: "B-people", 2: "B-people"}, "twenty or five", RESOLVER)["slots"]) == 2
    assert len(answer({0: "B-people", 1: "B-time"}, "twenty five", RESOLVER)["slots"]) == 2
    assert len(answer({0: "B-name", 1: "B-name"}, "twenty five", RESOLVER)["slots"]) == 2


def test_a_long_row_of_pieces_takes_no_time() -> None:
    text = "five " * 500
    started = time.process_time()
    assert len(answer(dict.fromkeys(range(500), "B-people"), text.strip(), RESOLVER)["slots"]) > 20
    assert time.process_time() - started < 3


def test_without_resolving_an_answer_is_as_it_was() -> None:
    apart = {1: "B-people", 2: "B-people"}
    assert resolve_options(resolve=False) == {"resolve": False} and make_resolver({"resolve": False}) is None
    found = answer(apart)["slots"]
    assert [slot["value"] for slot in found] == ["twenty", "five"]
    assert all(list(slot) == ["label", "start", "end", "value", "score"] for slot in found)


@given(st.lists(st.sampled_from(["", "B-people", "B-time", "B-name"]), min_size=7, max_size=7))
def test_joined_slots_still_index_the_text(tags: list[str]) -> None:
    text = "for twenty five at half past seven"
    found = answer({place: tag for place, tag in enumerate(tags) if tag}, text, RESOLVER)
    position = 0
    for slot in found["slots"]:
        assert position <= slot["start"] < slot["end"] and text[slot["start"] : slot["end"]] == slot["value"]
        assert ("resolution" in slot) == (slot["label"] != "name")
        position = slot["end"]


class Tables:
    name = "typed_tables"
    intents = ["book", "ask"]  # noqa: RUF012
    slots = ["people", "time", "name"]  # noqa: RUF012


@pytest.fixture(scope="module")
def nlu(tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase) -> NLUPipeline:
    """A skill with types, and weights so large that answers differ."""
    torch.manual_seed(7)
    model = copy.deepcopy(tiny_model)
    model.add_skill(Tables(), slot_types={**TYPES, "unheard_of": "AMAZON.DATE"}, task_layers_from="travel", rank=2)
    for parameter in (*model.classifiers["typed_tables"].parameters(), *model.adapters["typed_tables"].parameters()):
        torch.nn.init.normal_(parameter)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer, skill="typed_tables")


def resolutions(answers: list[Any]) -> list[Any]:
    return [[(slot["label"], slot["value"], slot.get("resolution")) for slot in found["slots"]] for found in answers]


def test_slots_with_a_type_are_resolved_and_others_are_not(nlu: NLUPipeline) -> None:
    slots = [slot for found in nlu(TEXTS, reference_time=REFERENCE) for slot in found["slots"]]
    assert {slot["label"] for slot in slots if "resolution" in slot} == {"people", "time"}
    assert "name" in {slot["label"] for slot in slots}
    assert any(slot["resolution"] for slot in slots if "resolution" in slot)
    assert not any("resolution" in slot for found in nlu(TEXTS, resolve=False) for slot in found["slots"])
    assert skill_entry(nlu, "typed_tables")["slot_types"] == TYPES


def test_a_label_that_no_skill_has_is_no_slot_to_give_a_type_to(nlu: NLUPipeline, tmp_path: Path) -> None:
    message = "slot_types has 'peple', which is no slot label. Did you mean 'people'? Allowed: "
    for asked in (nlu, OnnxNLU(export(nlu, tmp_path, "typed_tables"))):
        with pytest.raises(ValueError, match=re.escape(message)):
            asked("for two", skill="typed_tables", slot_types={"peple": "number"})


def test_a_request_may_name_types_of_slots_that_have_none(nlu: NLUPipeline) -> None:
    asked = nlu(TEXTS, slot_types={"name": "AMAZON.DATE"}, reference_time=REFERENCE)
    assert {slot["label"] for found in asked for slot in found["slots"] if "resolution" in slot} == {"people", "time", "name"}
    other = nlu(TEXTS, skill="tables", slot_types={"people": "number"})
    assert {slot["label"] for found in other for slot in found["slots"] if "resolution" in slot} == {"people"}
    assert not any("resolution" in slot for found in nlu(TEXTS, skill="tables") for slot in found["slots"])


def test_the_reference_time_is_the_requests_or_the_pipelines(
    nlu: NLUPipeline, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    types = {"people": "AMAZON.DATE", "time": "AMAZON.DATE", "name": "AMAZON.DATE"}
    own = NLUPipeline(model=nlu.model, tokenizer=tokenizer, skill="typed_tables", reference_time="2030-01-01", slot_types=types)
    onnx = OnnxNLU(export(nlu, tmp_path, "typed_tables"), reference_time="2030-01-01", slot_types=types)

    def days(answers: list[Any]) -> set[str]:
        return {
            str(one["value"])[:4]
            for found in answers
            for slot in found["slots"]
            for one in slot["resolution"]
            if one["type"] == "date"
        }

    texts = ["tomorrow", "the day after tomorrow", "friday", "next week"]
    for object_ in (own, onnx):
        assert days(object_(texts)) == {"2030"}
        assert days(object_(texts, reference_time="2040-01-01T10:00+02:00", time_zone="Europe/Berlin")) <= {"2040"}


@pytest.mark.parametrize(
    "options", [{"resolve": 1.5}, {"resolve": 0}, {"reference_time": "x"}, {"time_zone": 3}, {"slot_types": {"a": "b"}}]
)
def test_wrong_options_are_refused_alike(nlu: NLUPipeline, tmp_path: Path, options: dict[str, Any]) -> None:
    exported = OnnxNLU(export(nlu, tmp_path, "typed_tables"))
    messages = []
    for ask in (lambda: nlu("brew", **options), lambda: exported("brew", **options), lambda: OnnxNLU(tmp_path, **options)):
        with pytest.raises(ValueError) as raised:
            ask()
        messages.append(str(raised.value))
    assert len(set(messages)) == 1 and next(iter(options)) in messages[0]


def test_checkpoint_head_and_export_resolve_alike(nlu: NLUPipeline, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    wanted = resolutions(nlu(TEXTS, reference_time=REFERENCE))
    assert sum(bool(found) for row in wanted for *_, found in row) > 2
    nlu.save_pretrained(tmp_path / "checkpoint")
    loaded = load_pipeline(tmp_path / "checkpoint")
    assert resolutions(loaded(TEXTS, skill="typed_tables", reference_time=REFERENCE)) == wanted
    nlu.model.save_skill("typed_tables", tmp_path / "head")
    assert json.loads((tmp_path / "head" / "head.json").read_text())["skill"]["slot_types"] == TYPES
    other = copy.deepcopy(nlu.model)
    other.delete_skill("typed_tables")
    other.load_skill(tmp_path / "head", as_name="again")
    again = NLUPipeline(model=other.eval(), tokenizer=tokenizer)
    assert resolutions(again(TEXTS, skill="again", reference_time=REFERENCE)) == wanted
    export(nlu, tmp_path / "onnx", "typed_tables")
    for batch_size in (1, 4):
        assert resolutions(OnnxNLU(tmp_path / "onnx")(TEXTS, reference_time=REFERENCE, batch_size=batch_size)) == wanted


def test_predict_takes_a_reference_time(nlu: NLUPipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nlu.save_pretrained(tmp_path)
    asked = ["predict", str(tmp_path), *TEXTS, "--skill", "typed_tables"]
    assert main([*asked, "--reference_time", REFERENCE, "--time_zone", "Europe/Berlin"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert resolutions(found) == resolutions(nlu(TEXTS, reference_time=REFERENCE))
    assert main([*asked, "--without_resolutions"]) == 0
    assert "resolution" not in capsys.readouterr().out
    assert main([*asked, "--reference_time", "soon"]) == 2
    assert "reference_time is 'soon'; it must be a time in ISO 8601" in capsys.readouterr().err


def test_a_fine_tuned_skill_keeps_its_types(tiny_base: Path, tmp_path: Path) -> None:
    rows = [
        {"text": f"wake me at {time}", "intent": "wake", "slots": [{"start": 11, "end": 11 + len(time), "label": "time"}]}
        for time in ("seven", "half past six", "noon", "7:30")
    ]
    skill = Skill("alarm", rows, slot_types={"time": "AMAZON.TIME"})
    nlu = finetune(skill, tmp_path, base=str(tiny_base), max_steps=2, disable_tqdm=True)
    assert skill_entry(nlu, "alarm")["slot_types"] == {"time": "AMAZON.TIME"}
    assert skill_entry(load_pipeline(tmp_path))["slot_types"] == {"time": "AMAZON.TIME"}


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"x": "AMAZON.DATE"}, "slot_types of skill 'a' has 'x', which is none of its slots"),
        (["AMAZON.DATE"], "slot_types of skill 'a' must hold types by slot label"),
        ({"time": 5}, "slot_types of skill 'a' must hold types by slot label"),
    ],
)
def test_an_entry_with_wrong_types_is_refused(types: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_skill_entry({"name": "a", "intents": [], "slots": ["time"], "task_layers": "a", "slot_types": types})


def test_the_example_of_the_documentation_answers_as_it_says(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (root / "docs" / "values.md").read_text(encoding="utf-8")
    code, shown = (text.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text"))
    monkeypatch.chdir(root)
    exec(compile(code, "docs/values.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == shown
