"""Heads: what they answer beside others, as files, and on the wrong trunk."""

from __future__ import annotations

import copy
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerBase, TrainerCallback

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, export, finetune, load_skill
from headstart.finetuning.finetune import train_skill
from headstart.loading import load_pipeline
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.heads_headstart import WrongTrunkError
from headstart.modeling.lora_headstart import merged
from headstart.onnx import OnnxNLU
from headstart.training.options import FinetuneOptions

QUICK: dict[str, Any] = {"max_steps": 4, "learning_rate": 0.02, "disable_tqdm": True}
TEXTS = ["two strong espressos with oat milk please", "stop", "is there any decaf left", "clean the machine at seven"]


def shake(model: HeadstartForJointNLU, name: str, seed: int = 0) -> None:
    """Give a skill's layers weights that a training might have given them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for modules in (model.classifiers, model.adapters, model.routers):
            if name in modules:
                for parameter in modules[name].parameters():
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)


@pytest.fixture
def trunk(tiny_base: Path) -> HeadstartForJointNLU:
    loaded: HeadstartForJointNLU = HeadstartForJointNLU.from_pretrained(tiny_base).eval()
    return loaded


@pytest.fixture
def batch(tokenizer: PreTrainedTokenizerBase) -> dict[str, torch.Tensor]:
    return dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))


def add_head(
    model: HeadstartForJointNLU, skill: Skill, tokenizer: PreTrainedTokenizerBase, name: str, rank: int | None = 3, seed: int = 0
) -> None:
    labels = Skill(name, skill.train)
    catalogs = tokenize_catalogs(skill.catalogs, tokenizer)
    model.add_skill(labels, rank=rank, routes=rank is not None, catalogs=catalogs, rejects=True, label_priors={})
    shake(model, name, seed)


def scores(model: HeadstartForJointNLU, batch: dict[str, torch.Tensor], name: str) -> list[torch.Tensor]:
    with torch.no_grad():
        outputs = model(**batch, skill_ids=model.skill_ids([name] * len(TEXTS)))
    return [value for value in outputs.values() if value.dim()]


def same(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return len(left) == len(right) and all(torch.equal(one, other) for one, other in zip(left, right, strict=True))


@pytest.mark.parametrize("rank", [None, 0, 3])
def test_a_head_answers_the_same_on_another_copy_of_its_trunk(
    rank: int | None, trunk: Any, coffee: Skill, tokenizer: Any, batch: Any, tiny_base: Path, tmp_path: Path
) -> None:
    add_head(trunk, coffee, tokenizer, "coffee", rank)
    trunk.save_skill("coffee", tmp_path / "head", metrics={"exact_match": 0.5})
    other = HeadstartForJointNLU.from_pretrained(tiny_base).eval()
    assert other.load_skill(tmp_path / "head") == "coffee"
    assert other.skill("coffee") == trunk.skill("coffee")
    assert same(scores(trunk, batch, "coffee"), scores(other, batch, "coffee"))
    description = json.loads((tmp_path / "head" / "head.json").read_text())
    assert description["metrics"] == {"exact_match": 0.5} and description["trunk"]["name"] == "tiny-base"
    assert sorted(path.name for path in (tmp_path / "head").iterdir()) == ["head.json", "head.safetensors"]


def test_a_low_rank_head_is_the_network_with_changed_weights(trunk: Any, coffee: Skill, tokenizer: Any, batch: Any) -> None:
    add_head(trunk, coffee, tokenizer, "low")
    whole = copy.deepcopy(trunk)
    changes, layers = whole.adapters_of("low"), whole.task_layers["shared"]
    whole.trunk.lstm = merged(whole.trunk.lstm, changes.trunk)
    layers.slot_lstm, layers.intent_lstm = (
        merged(layers.slot_lstm, changes.slot_lstm),
        merged(layers.intent_lstm, changes.intent_lstm),
    )
    del whole.adapters["low"]
    for changed, expected in zip(scores(trunk, batch, "low"), scores(whole, batch, "low"), strict=True):
        torch.testing.assert_close(changed, expected)
    del trunk.adapters["low"]
    assert not same(scores(trunk, batch, "low"), scores(whole, batch, "low"))


def test_adding_removing_and_training_a_skill_changes_no_other_answer(
    trunk: Any, coffee: Skill, tokenizer: Any, batch: Any, tmp_path: Path
) -> None:
    add_head(trunk, coffee, tokenizer, "first", seed=1)
    add_head(trunk, coffee, tokenizer, "own", rank=None, seed=2)
    names = ["first", "own", "travel", "bank", "tables"]
    before = {name: scores(trunk, batch, name) for name in names}
    routes = trunk.route(**batch, skills=["first"])

    def unchanged() -> bool:
        return all(same(before[name], scores(trunk, batch, name)) for name in names) and torch.equal(
            routes, trunk.route(**batch, skills=["first"])
        )

    add_head(trunk, coffee, tokenizer, "second", seed=3)
    assert unchanged()
    trunk.save_skill("second", tmp_path / "second")
    trunk.load_skill(tmp_path / "second", as_name="third")
    assert unchanged()
    trunk.set_tune("head")
    # All that a head's training may move: with every other skill's own layers as they are.
    own = [
        modules[name] for modules in (trunk.classifiers, trunk.adapters, trunk.gazetteers) for name in modules if name != "second"
    ]
    torch.nn.ModuleList([*own, trunk.task_layers["own"]]).requires_grad_(False)
    trained = [parameter for parameter in trunk.parameters() if parameter.requires_grad]
    assert any(parameter is trunk.adapters["second"].trunk.lora_B for parameter in trained)
    optimizer = torch.optim.SGD(trained, lr=0.1)
    trunk(**batch, intent_labels=torch.tensor([0, 1, 2, 3]), skill_ids=trunk.skill_ids(["second"] * 4)).loss.backward()
    optimizer.step()
    assert unchanged()
    assert not same(scores(trunk, batch, "second"), scores(trunk, batch, "third"))
    for name in ("third", "second"):
        trunk.delete_skill(name)
    assert unchanged()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_row_doesnt_depend_on_the_skills_of_the_rows_beside_it(
    data: st.DataObject, tiny_model: Any, coffee: Skill, tokenizer: Any
) -> None:
    model = copy.deepcopy(tiny_model)
    for number in range(3):
        add_head(model, coffee, tokenizer, f"head-{number}", rank=None if number == 2 else 2, seed=number)
    names = data.draw(st.lists(st.sampled_from(model.skills), min_size=1, max_size=7))
    texts = [data.draw(st.sampled_from(TEXTS)) for _ in names]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        together = model(**batch, skill_ids=model.skill_ids(names))
        for row, name in enumerate(names):
            alone = model(**tokenizer([texts[row]], return_tensors="pt"), skill_ids=model.skill_ids([name]))
            for kind in ("intent_logits", "slot_logits"):
                if (expected := getattr(alone, kind)) is not None:
                    found = getattr(together, kind)[row : row + 1, ..., : expected.shape[-1]]
                    found = found[:, : expected.shape[1]] if kind == "slot_logits" else found
                    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_wrong_trunk_is_refused_with_both_names(
    trunk: Any, coffee: Skill, tokenizer: Any, tiny_base: Path, tmp_path: Path
) -> None:
    add_head(trunk, coffee, tokenizer, "coffee")
    trunk.save_skill("coffee", tmp_path / "head")
    changed = HeadstartForJointNLU.from_pretrained(tiny_base)
    changed.fingerprint("shared")
    with torch.no_grad():
        changed.task_layers["shared"].slot_lstm.weight_hh_l0[0, 0] += 1e-3
    NLUPipeline(model=changed, tokenizer=tokenizer).save_pretrained(tmp_path / "other-base")
    other = HeadstartForJointNLU.from_pretrained(tmp_path / "other-base")
    for model in (changed, other):
        with pytest.raises(WrongTrunkError, match="'tiny-base'.*this model's is"):
            model.load_skill(tmp_path / "head")
    with pytest.raises(WrongTrunkError, match="'tiny-base'.*'other-base'"):
        other.load_skill(tmp_path / "head")
    assert "coffee" not in other.skills
    assert other.load_skill(tmp_path / "head", force=True) == "coffee"
    without = HeadstartForJointNLU.from_pretrained(tiny_base, skills=[])
    with pytest.raises(WrongTrunkError, match="shares its task layers 'shared', which this model .*lacks"):
        without.load_skill(tmp_path / "head")


def damage_weights(folder: Path) -> None:
    content = bytearray((folder / "head.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "head.safetensors").write_bytes(content)


def change_description(**changes: Any) -> Any:
    def change(folder: Path) -> None:
        description = json.loads((folder / "head.json").read_text())
        description.pop("sha256", None)  # as in a head of an earlier version
        (folder / "head.json").write_text(json.dumps({**description, **changes}))

    return change


def change_skill(**changes: Any) -> Any:
    def change(folder: Path) -> None:
        description = json.loads((folder / "head.json").read_text())
        change_description(skill={**description["skill"], **changes})(folder)

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_weights, "damaged: head.safetensors is not what head.json was saved with"),
        (lambda folder: (folder / "head.safetensors").write_bytes(b""), "damaged: head.safetensors is not what"),
        (lambda folder: (folder / "head.safetensors").unlink(), "not complete: it lacks head.safetensors"),
        (lambda folder: (folder / "head.json").unlink(), "there is no head in"),
        (lambda folder: (folder / "head.json").write_text("{"), "damaged: head.json can't be read"),
        (lambda folder: (folder / "head.json").write_text("[]"), "damaged: head.json holds no JSON object"),
        (change_description(format=3), "has format 3; this version reads 1 and 2: update headstart"),
        (change_description(trunk=None), "lacks its trunk or the hash of its weights"),
        (change_description(trunk={"name": "x"}), "lacks its trunk or the hash of its weights"),
        (change_description(weights=3), "lacks its trunk or the hash of its weights"),
        (change_skill(intents=["BrewCoffee"]), "its weights don't fit its labels"),
        (change_skill(rank=7), "its weights don't fit its labels"),
        (change_skill(rank=10**9), "it must be a whole number from 0 to 1024"),
        (change_skill(rank=True), "it must be a whole number from 0 to 1024"),
        (change_skill(routes="no"), "it must be True or left out"),
        (change_skill(gazetteer={"slots": ["size"], "values": 1, "tokens": 1}), "its weights don't fit its labels"),
        (change_skill(gazetteer={"slots": 5, "values": 1, "tokens": 1}), "must have a list of slots"),
        (change_skill(gazetteer={"slots": ["size"], "bytes": 1}), "not safe to read: fine-tune it anew"),
        (change_skill(rejection={"temperature": "x", "threshold": 0.9}), "must have numbers"),
        (change_skill(label_priors={"BrewCoffee": [["size"]]}), "must hold slot labels by intent"),
        (change_skill(name="../x"), "is not allowed: use letters"),
        (change_skill(colour="red"), "unknown field 'colour'"),
        (change_skill(task_layers=None), "is not allowed: use letters"),
    ],
)  # fmt: skip
def test_a_damaged_head_is_refused_and_leaves_the_model_as_it_was(
    damage: Any, message: str, trunk: Any, coffee: Skill, tokenizer: Any, tiny_base: Path, tmp_path: Path
) -> None:
    add_head(trunk, coffee, tokenizer, "coffee")
    trunk.save_skill("coffee", tmp_path)
    damage(tmp_path)
    other = HeadstartForJointNLU.from_pretrained(tiny_base)
    before = list(other.state_dict())
    with pytest.raises(ValueError, match=message):
        other.load_skill(tmp_path)
    assert other.skills == ["travel", "bank", "tables"] and list(other.state_dict()) == before


@pytest.mark.parametrize(
    "damage", [{"token_ids": [10**6]}, {"token_ids": [-1]}, {"lengths": [0]}, {"counts": [2]}, {"token_ids": None}]
)
def test_damaged_catalogs_are_refused(
    damage: dict[str, Any], trunk: Any, coffee: Skill, tokenizer: Any, tiny_base: Path, tmp_path: Path
) -> None:
    trunk.add_skill(Skill("coffee", coffee.train), rank=1, catalogs={"size": [[5]]}, rejects=False, label_priors={})
    trunk.save_skill("coffee", tmp_path)
    tensors = load_file(tmp_path / "head.safetensors")
    for name, values in damage.items():
        del tensors[f"gazetteers.{name}"]
        if values is not None:
            tensors[f"gazetteers.{name}"] = torch.tensor(values, dtype=torch.int32)
    save_file(tensors, tmp_path / "head.safetensors")
    change_description(weights=hashlib.sha256((tmp_path / "head.safetensors").read_bytes()).hexdigest())(tmp_path)
    with pytest.raises(ValueError, match="is damaged(: its catalogs|, its weights don't fit its labels)"):
        HeadstartForJointNLU.from_pretrained(tiny_base).load_skill(tmp_path)


def test_a_head_is_replaced(trunk: Any, coffee: Skill, tokenizer: Any, tiny_base: Path, tmp_path: Path) -> None:
    add_head(trunk, coffee, tokenizer, "coffee")
    trunk.save_skill("coffee", tmp_path)
    nlu = load_pipeline(tmp_path, base=tiny_base)
    assert isinstance(nlu, NLUPipeline)
    before = nlu("stop")
    with pytest.raises(ValueError, match=r"call model.delete_skill\('coffee'\) first"):
        nlu.model.load_skill(tmp_path)
    nlu.model.delete_skill("coffee")
    nlu.model.load_skill(tmp_path)
    assert nlu("stop") == before


def test_threads_that_ask_different_heads_get_their_answers(trunk: Any, coffee: Skill, tokenizer: Any, batch: Any) -> None:
    for number in range(3):
        add_head(trunk, coffee, tokenizer, f"head-{number}", seed=number)
    names = [*trunk.skills, *trunk.skills] * 20
    expected = {name: scores(trunk, batch, name) for name in trunk.skills}
    fingerprint = trunk.fingerprint("shared")
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda name: scores(trunk, batch, name), names))
    assert all(same(expected[name], values) for name, values in zip(names, found, strict=True))
    assert trunk.fingerprint("shared") == fingerprint


def test_a_changed_number_changes_the_fingerprint_however_it_was_changed(trunk: Any) -> None:
    first = trunk.fingerprint("shared")
    trunk.trunk.lstm.weight_hh_l0.data[0, 0] += 1e-3
    assert trunk.fingerprint("shared") != first


def test_several_heads_in_a_folder_and_their_names(
    trunk: Any, coffee: Skill, tokenizer: Any, batch: Any, tiny_base: Path, tmp_path: Path
) -> None:
    for number, name in enumerate(("espresso", "filter")):
        add_head(trunk, coffee, tokenizer, name, seed=number)
        trunk.save_skill(name, tmp_path / name)
    other = HeadstartForJointNLU.from_pretrained(tiny_base).eval()
    with pytest.raises(ValueError, match="there is no head in .*Its heads: espresso, filter; name one"):
        other.load_skill(tmp_path)
    for name in ("../espresso", "..", ""):
        with pytest.raises(ValueError, match="is no name of a skill"):
            other.load_skill(tmp_path, name)
    with pytest.raises(ValueError, match="there is no folder"):
        other.load_skill(str(tmp_path / "expresso"))
    other.load_skill(tmp_path, "filter")
    assert other.load_skill(tmp_path / "filter", "filter", as_name="decaf") == "decaf"
    assert same(scores(trunk, batch, "filter"), scores(other, batch, "decaf"))
    with pytest.raises(ValueError, match="the name 'filter' is taken"):
        other.load_skill(tmp_path, "filter")
    with pytest.raises(ValueError, match="the name 'shared' is taken"):
        other.load_skill(tmp_path, "filter", as_name="shared")
    with pytest.raises(ValueError, match="holds a Headstart checkpoint; give a head a folder of its own"):
        trunk.save_skill("filter", tiny_base)
    with pytest.raises(ValueError, match="there is no head in"):
        other.load_skill(tmp_path / "filter", "espresso")


def test_a_checkpoint_keeps_its_heads(trunk: Any, coffee: Skill, tokenizer: Any, batch: Any, tmp_path: Path) -> None:
    add_head(trunk, coffee, tokenizer, "coffee")
    trunk.adapters["coffee"].half()
    NLUPipeline(model=trunk, tokenizer=tokenizer).save_pretrained(tmp_path)
    loaded = HeadstartForJointNLU.from_pretrained(tmp_path).eval()
    assert loaded.skills == trunk.skills and loaded.routed_skills == ["coffee"]
    assert same(scores(trunk, batch, "coffee"), scores(loaded, batch, "coffee"))
    assert loaded.fingerprint("shared") == trunk.fingerprint("shared")


@pytest.mark.parametrize("form", ["lora", "task_layers", "classifiers"])
def test_finetune_writes_a_head_that_answers_as_it_did(form: str, coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    nlu = finetune(coffee, tmp_path / "out", base=str(tiny_base), tune="head", head=form, rank=2, **QUICK)
    assert {"head.json", "head.safetensors", "metrics.json", "run.json", "README.md"} == {
        path.name for path in (tmp_path / "out").iterdir()
    }
    with pytest.raises(ValueError, match="trained on 'tiny-base', which is not embedded: give its folder"):
        load_pipeline(tmp_path / "out")
    loaded = load_pipeline(tmp_path / "out", base=tiny_base)
    assert isinstance(loaded, NLUPipeline) and loaded.model.skills == ["coffee_machine"]
    assert loaded(TEXTS) == nlu(TEXTS)
    assert json.loads((tmp_path / "out" / "head.json").read_text())["metrics"]["steps"] == 4


def test_a_folder_that_is_used_again(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    options = {"base": str(tiny_base), "disable_tqdm": True, "max_steps": 1}
    for _ in range(2):
        finetune(coffee, tmp_path / "head", tune="head", rank=1, **options)
        finetune(coffee, tmp_path / "out", **options)
    with pytest.raises(ValueError, match="holds a head; give a Headstart checkpoint a folder of its own"):
        finetune(coffee, tmp_path / "head", **options)
    assert load_pipeline(tmp_path / "out").model.routed_skills == []  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="holds a Headstart checkpoint; give a head a folder of its own"):
        finetune(coffee, tmp_path / "out", tune="head", rank=1, **options)
    finetune(coffee, tmp_path / "out" / "coffee", tune="head", rank=1, **options)
    assert load_pipeline(tmp_path / "out").model.routed_skills == []  # type: ignore[union-attr]


def test_a_head_is_resumed_as_if_it_had_not_been_interrupted(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    half = coffee.train.select(range(0, 57, 2))
    skill = Skill("coffee", train=coffee.train, validation=half)
    options: dict[str, Any] = {
        "base": str(tiny_base), "tune": "head", "rank": 2, "max_steps": 6, "disable_tqdm": True, "eval_steps": 2,
        "eval_strategy": "steps", "learning_rate": 0.02,
    }  # fmt: skip
    finetune(skill, tmp_path / "whole", **options)

    class Stop(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = state.global_step >= 4

    train_skill(FinetuneOptions.of(output_dir=str(tmp_path / "broken"), skill="coffee", **options), skill, [Stop()])
    finetune(skill, tmp_path / "broken", resume_from_checkpoint="last", **options)
    whole, resumed = (load_file(tmp_path / name / "head.safetensors") for name in ("whole", "broken"))
    assert whole.keys() == resumed.keys() and all(torch.equal(value, resumed[key]) for key, value in whole.items())


def test_an_exported_head_answers_as_the_head(trunk: Any, coffee: Skill, tokenizer: Any, tmp_path: Path) -> None:
    add_head(trunk, coffee, tokenizer, "coffee")
    nlu = NLUPipeline(model=trunk, tokenizer=tokenizer)
    exported = OnnxNLU(export(nlu, tmp_path, "coffee"))
    for text in TEXTS:
        expected, found = nlu(text, skill="coffee"), exported(text)
        assert found["intent"]["label"] == expected["intent"]["label"]
        assert found["intent"]["score"] == pytest.approx(expected["intent"]["score"], abs=1e-5)


@pytest.mark.usefixtures("whole_package")
def test_a_text_finds_its_skill_among_heads_of_the_embedded_base(root: Path, tmp_path: Path) -> None:
    names = ["city_bike", "coffee_machine", "museum_guide", "plant_care"]
    rows = {name: load_skill(root / "examples" / name).train for name in names}
    for name in names:
        half = Skill(name, rows[name].select(range(0, len(rows[name]), 2)))
        finetune(half, tmp_path / name, tune="head", max_steps=1, rank=2, disable_tqdm=True)
    nlu = load_pipeline(tmp_path)
    assert isinstance(nlu, NLUPipeline) and nlu.model.skills == names
    right = total = 0
    for place, name in enumerate(names):
        texts = rows[name]["text"][1::2]
        odds = nlu.model.route(**nlu.tokenizer(texts, padding=True, return_tensors="pt"))
        right, total = right + (odds.argmax(dim=1) == place).sum().item(), total + len(texts)
    assert right > 0.85 * total
    assert nlu("who won the match in berlin last night")["skill"] is None


def test_answers_among_heads(trunk: Any, coffee: Skill, tokenizer: Any) -> None:
    for number in range(2):
        add_head(trunk, coffee, tokenizer, f"head-{number}", seed=number)
    nlu = NLUPipeline(model=trunk, tokenizer=tokenizer)
    with torch.no_grad():
        for name, bias in (("head-0", 50.0), ("head-1", 20.0)):
            trunk.routers[name].bias.fill_(bias)
    assert nlu("stop")["skill"] == "head-0"
    assert nlu("stop", skills=["head-1"])["skill"] == "head-1"
    assert nlu("stop", skill="bank")["skill"] == "bank"
    restricted = NLUPipeline(model=trunk, tokenizer=tokenizer, skills=["head-1"])
    assert restricted("stop")["skill"] == "head-1" and restricted("stop", skill="head-0")["skill"] == "head-0"
    assert [answer["skill"] for answer in nlu(TEXTS, batch_size=4)] == ["head-0"] * 4
    named = nlu(TEXTS, skill="head-0")
    assert nlu(TEXTS) == named
    with torch.no_grad():
        for name in ("head-0", "head-1"):
            trunk.routers[name].bias.fill_(-50)
    nothing = nlu("stop")
    assert nothing["skill"] is None and nothing["intent"]["label"] is None and nothing["slots"] == []
    assert nothing["intent"]["score"] > 0.99
    assert nlu("stop", reject_threshold=1)["skill"] is not None
    unwilling = NLUPipeline(model=trunk, tokenizer=tokenizer, reject_threshold=1)
    assert unwilling("stop")["skill"] is not None and unwilling("stop", reject_threshold=0.5)["skill"] is None
    assert nlu([" "]) == [{"text": " ", "skill": None, "intent": {"label": None, "score": 1.0}, "out_of_scope": 1.0, "slots": []}]
    with pytest.raises(ValueError, match="'bank' can't be found without being named; these can: head-0, head-1"):
        nlu("stop", skills=["bank"])
    with pytest.raises(ValueError, match="give one name as skill="):
        nlu("stop", skill="bank", skills=["head-0"])
    with pytest.raises(ValueError, match="give one name as skill="):
        nlu("stop", skills="head-0")
