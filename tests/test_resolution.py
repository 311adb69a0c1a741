"""What was meant: which value of a catalog an answer's slot stands for."""

from __future__ import annotations

import copy
import functools
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart import CatalogValue
from headstart.modeling.entries_headstart import check_skill_entry
from headstart.modeling.resolution_headstart import Catalog, CatalogResolver, pack_values, unpack_values

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from headstart import HeadstartForJointNLU, NLUPipeline, Skill

ROOMS = [
    CatalogValue("living room", "7", ("lounge", "front room")),
    CatalogValue("kitchen", "8"),
    CatalogValue("Saint Anthony"),
    CatalogValue("NO-03", None, ("oslo",), is_said=False),
    CatalogValue("channel 12"),
    CatalogValue("channel 13"),
]


def meant(text: str, values: list[CatalogValue] = ROOMS) -> list[str]:
    return [reading["value"] for reading in Catalog(values).resolve(text)]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("living room", "living room"),
        ("the Living  Room".removeprefix("the "), "living room"),
        ("livingroom", "living room"),
        ("lounge", "living room"),
        ("FRONT-ROOM", "living room"),
        ("s\u00e4int anthony", "Saint Anthony"),
        ("oslo", "NO-03"),
        ("no 03", "NO-03"),
    ],
)
def test_what_is_listed_is_found_whatever_its_case_accents_blanks_and_signs(said: str, value: str) -> None:
    [reading] = Catalog(ROOMS).resolve(said)
    assert (reading["value"], reading["score"]) == (value, 1.0)
    assert reading.get("id") == {"living room": "7"}.get(value)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("livikroom", "living room"),
        ("kitchin", "kitchen"),
        ("sent anthony", "Saint Anthony"),
        ("ozlow", "NO-03"),
        ("launge", "living room"),
    ],
)
def test_what_was_misheard_or_misspelt_is_found(said: str, value: str) -> None:
    [reading] = Catalog(ROOMS).resolve(said)
    assert reading["value"] == value
    assert 0.63 <= reading["score"] < 1


@pytest.mark.parametrize("said", ["garden", "roof", "channel 14", "12", "mo-03", "?", "", "\ud800", "\u5bff\u53f8"])
def test_what_is_like_none_means_nothing(said: str) -> None:
    assert meant(said) == []


def test_a_form_of_several_values_means_each_and_the_one_that_is_written_so_alone() -> None:
    values = [
        CatalogValue("Paris", "FR"),
        CatalogValue("Paris", "TX"),
        CatalogValue("C++"),
        CatalogValue("C#"),
        CatalogValue("c"),
    ]
    assert Catalog(values).resolve("paris") == [
        {"value": "Paris", "id": "FR", "score": 1.0},
        {"value": "Paris", "id": "TX", "score": 1.0},
    ]
    assert [reading["id"] for reading in Catalog(values).resolve("parris")] == ["FR", "TX"]
    assert (meant("c++", values), meant("C", values), meant("c#", values)) == (["C++"], ["c"], ["C#"])


def test_what_nobody_says_is_found_as_it_is_listed_alone() -> None:
    values = [CatalogValue("NO-03", None, (), is_said=False)]
    assert (meant("no-03", values), meant("no 04", values), meant("oslo", values)) == (["NO-03"], [], [])


def test_between_two_that_are_as_near_none_is_chosen() -> None:
    assert meant("bert", [CatalogValue("bart"), CatalogValue("burt")]) == []


def test_other_scripts_are_compared_letter_by_letter() -> None:
    values = [CatalogValue("\u043a\u0443\u0445\u043d\u044f"), CatalogValue("\u0441\u043f\u0430\u043b\u044c\u043d\u044f")]
    assert meant("\u0441\u043f\u0430\u043b\u043d\u044f", values) == ["\u0441\u043f\u0430\u043b\u044c\u043d\u044f"]


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(words, min_size=1, max_size=8), said=words)
def test_every_value_is_its_own_meaning_and_packs(values: list[str], said: str) -> None:
    slots, content = pack_values({"x": values})
    assert slots == (["x"] if any(value.strip() for value in values) else [])
    catalog = CatalogResolver(unpack_values(slots, content)).catalog("x")
    if catalog is not None:
        catalog.resolve(said)
        for value in filter(str.strip, values):
            assert value in [reading["value"] for reading in catalog.resolve(value)]


def test_values_are_packed_with_all_that_is_known_of_them() -> None:
    slots, content = pack_values({"room": [*ROOMS, "attic", " "], "none": []})
    assert unpack_values(slots, content) == {"room": [*ROOMS, CatalogValue("attic")]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"[7]",
        b"[[7]]",
        b'[[["a"]]]',
        b'[[["a",1,[],true]]]',
        b'[[["a",null,"b",true]]]',
        b'[[["a",null,[],1]]]',
    ],
)
def test_what_holds_no_values_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="value"):
        unpack_values(["room"], content)


@pytest.mark.parametrize(
    "size",
    [
        {}, {"slots": ["size"]}, {"slots": [], "bytes": 3}, {"slots": ["size", "size"], "bytes": 3}, {"slots": ["none"], "bytes": 3},
        {"slots": ["size"], "bytes": 0}, {"slots": ["size"], "bytes": 2**40}, {"slots": ["size"], "bytes": True}, 7,
    ],
)  # fmt: skip
def test_an_entry_whose_sizes_are_none_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match="canonical of skill 'x'"):
        check_skill_entry({"name": "x", "task_layers": "x", "intents": [], "slots": ["size"], "canonical": size})


def test_a_hundred_thousand_values_are_looked_up_by_what_is_near() -> None:
    drawn = random.Random(0)
    letters = "abcdefghiklmnoprstuvw"
    names = {" ".join("".join(drawn.choices(letters, k=drawn.randint(4, 8))) for _ in range(3)) for _ in range(20_000)}
    catalog = Catalog([CatalogValue(name) for name in sorted(names)])
    for name in drawn.sample(sorted(names), 50):
        place = drawn.randrange(1, len(name))
        assert [reading["value"] for reading in catalog.resolve(name[:place] + name[place + 1 :])] == [name]


# ---- answers


@pytest.fixture(scope="module")
def values() -> dict[str, list[str | CatalogValue]]:
    return {"drink": [CatalogValue("caff\u00e8 latte", "L1", ("latte",)), "tea"], "size": ["small", "large"]}


@pytest.fixture(scope="module")
def nlu(
    tiny_model: HeadstartForJointNLU,
    tokenizer: PreTrainedTokenizerBase,
    coffee: Skill,
    values: dict[str, list[str | CatalogValue]],
) -> NLUPipeline:
    """A head whose tagger finds a drink and a size in nearly any text."""
    import torch

    from headstart import NLUPipeline

    model = copy.deepcopy(tiny_model)
    model.add_skill(coffee, rank=1, routes=True, listed=values, rejects=True, tokenizer=tokenizer)
    torch.manual_seed(3)
    for parameter in model.classifiers["coffee_machine"].parameters():
        torch.nn.init.normal_(parameter, std=2.0)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer)


TEXTS = ["a large latte", "smal te", "lattee large tea please", "a small one of those", "tea", "kaffee larte for me", "large"]


def resolved(answers: list[Any]) -> list[Any]:
    return [[(slot["label"], slot["value"], slot.get("resolution")) for slot in answer["slots"]] for answer in answers]


def test_slots_of_labels_with_catalogs_are_resolved(nlu: NLUPipeline, values: dict[str, Any]) -> None:
    answers = nlu(TEXTS, skill="coffee_machine", reject_threshold=1)
    slots = [slot for answer in answers for slot in answer["slots"]]
    expected = CatalogResolver(unpack_values(*pack_values(values)))
    assert all(slot.get("resolution") == expected.resolve(slot["label"], slot["value"]) for slot in slots)
    assert {"resolution" in slot for slot in slots} == {True, False}
    json.dumps(answers)


def test_nothing_is_resolved_if_that_is_not_asked(nlu: NLUPipeline) -> None:
    plain = nlu(TEXTS, skill="coffee_machine", reject_threshold=1, resolve=False)
    for answer, bare in zip(nlu(TEXTS, skill="coffee_machine", reject_threshold=1), plain, strict=True):
        for slot in answer["slots"]:
            slot.pop("resolution", None)
        assert answer == bare
    with pytest.raises(ValueError, match="resolve is 7; it must be True or False"):
        nlu("tea", skill="coffee_machine", resolve=7)


def test_checkpoints_heads_and_exports_keep_them(nlu: NLUPipeline, tmp_path: Path) -> None:
    from headstart import HeadstartForJointNLU, export
    from headstart.loading import load_pipeline
    from headstart.tokenization import NLUPipeline

    options: dict[str, Any] = {"skill": "coffee_machine", "reject_threshold": 1}
    wanted = resolved(nlu(TEXTS, **options))
    assert any(slot[2] for slots in wanted for slot in slots)
    nlu.save_pretrained(tmp_path / "whole")
    assert resolved(load_pipeline(tmp_path / "whole")(TEXTS, **options)) == wanted
    nlu.model.save_skill("coffee_machine", tmp_path / "head")
    trunk: HeadstartForJointNLU = HeadstartForJointNLU.from_pretrained(tmp_path / "whole")
    trunk.delete_skill("coffee_machine")
    trunk.load_skill(tmp_path / "head")
    assert resolved(NLUPipeline(model=trunk.eval(), tokenizer=nlu.tokenizer)(TEXTS, **options)) == wanted
    trunk.rename_skill("coffee_machine", "cafe")
    assert resolved(NLUPipeline(model=trunk, tokenizer=nlu.tokenizer)(TEXTS, **(options | {"skill": "cafe"}))) == wanted
    exported = load_pipeline(export(nlu, tmp_path / "onnx", "coffee_machine"))
    assert resolved(exported(TEXTS, **options)) == wanted
    assert not any(slot[2] for slots in resolved(exported(TEXTS, resolve=False, **options)) for slot in slots)
    file = tmp_path / "onnx" / "values.json"
    file.write_bytes(file.read_bytes().replace(b"tea", b"ten"))
    with pytest.raises(ValueError, match="values.json is not what headstart.json was saved with"):
        load_pipeline(tmp_path / "onnx")
    file.unlink()
    with pytest.raises(ValueError, match="lacks values.json"):
        load_pipeline(tmp_path / "onnx")


def test_the_command_line_resolves_unless_told_not_to(
    nlu: NLUPipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from headstart import export
    from headstart.cli import main

    export(nlu, tmp_path / "onnx", "coffee_machine")
    asked = ["predict", str(tmp_path / "onnx"), *TEXTS, "--reject_threshold", "1"]
    for further, wanted in (([], nlu), (["--without_resolutions"], functools.partial(nlu, resolve=False))):
        assert main([*asked, *further]) == 0
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert resolved(answers) == resolved(wanted(TEXTS, skill="coffee_machine", reject_threshold=1))


def test_a_head_whose_values_are_none_is_refused_and_leaves_the_model_as_it_was(nlu: NLUPipeline, tmp_path: Path) -> None:
    model = copy.deepcopy(nlu.model)
    model.canonical["coffee_machine"].texts.fill_(ord("["))
    model.save_skill("coffee_machine", tmp_path)
    model.delete_skill("coffee_machine")
    with pytest.raises(ValueError, match="is damaged: the values of its catalogs can't be read"):
        model.load_skill(tmp_path)
    assert "coffee_machine" not in model.skills


def test_without_what_compares_values_an_exported_skill_answers_plainly_and_says_what_is_missing(
    nlu: NLUPipeline, tmp_path: Path
) -> None:
    from headstart import export

    export(nlu, tmp_path / "onnx", "coffee_machine")
    code = """
import json, logging, sys
sys.modules["jellyfish"] = None
logging.basicConfig()
from headstart.onnx import OnnxNLU
nlu = OnnxNLU(sys.argv[1])
print(json.dumps([nlu("tea", reject_threshold=1) for _ in range(2)]))
try:
    nlu("tea", resolve=True)
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "onnx"], capture_output=True, text=True, check=True)
    answers, error = done.stdout.splitlines()
    assert all("resolution" not in slot for answer in json.loads(answers) for slot in answer["slots"])
    assert done.stderr.count("pip install numpy rapidfuzz jellyfish") == 1
    assert "pip install numpy rapidfuzz jellyfish, or ask with resolve=False" in error
