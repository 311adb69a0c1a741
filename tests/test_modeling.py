"""The network through its public interface."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from headstart import HeadstartConfig, HeadstartForJointNLU, HeadstartModel, Skill
from headstart.data.rows import rows_to_dataset


def batch(model: HeadstartForJointNLU, lengths: list[int]) -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    width = max(lengths)
    mask = (torch.arange(width) < torch.tensor(lengths).unsqueeze(1)).long()
    return {"input_ids": torch.randint(3, model.config.vocab_size, (len(lengths), width)) * mask, "attention_mask": mask}


def new_skill(name: str = "lamp") -> Skill:
    rows = [
        {"text": "on", "intent": "On", "slots": []},
        {"text": "off in the hall", "intent": "Off", "slots": [{"start": 11, "end": 15, "label": "room"}]},
    ]
    return Skill(name, train=rows_to_dataset(rows))


def parameters(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


# ---- exactness


def test_a_row_alone_equals_the_row_in_a_batch(model: HeadstartForJointNLU) -> None:
    inputs = batch(model, [5, 1, 9, 3, 9, 2])
    skill_ids = torch.tensor([2, 0, 0, 1, 2, 1])
    together = model(**inputs, skill_ids=skill_ids)
    for row, length in enumerate([5, 1, 9, 3, 9, 2]):
        alone = model(inputs["input_ids"][row : row + 1, :length], skill_ids=skill_ids[row : row + 1])
        for name in ("intent_logits", "slot_logits"):
            expected = getattr(alone, name)
            found = getattr(together, name)[row : row + 1]
            if expected is None:  # the row's skill has no such task
                assert found.eq(torch.finfo(found.dtype).min).all()
                continue
            found = found[..., : expected.shape[-1]] if name == "intent_logits" else found[:, :length, : expected.shape[-1]]
            torch.testing.assert_close(found, expected)


def test_trunk_equals_an_lstm_run_on_each_row_and_its_embeddings(model: HeadstartForJointNLU) -> None:
    inputs = batch(model, [4, 2, 6])
    states = model.trunk(**inputs).last_hidden_state
    for row, length in enumerate([4, 2, 6]):
        embedded = model.trunk.embed_tokens(inputs["input_ids"][row : row + 1, :length])
        expected, _ = torch.nn.LSTM.forward(model.trunk.lstm, embedded)
        expected[:, :, : embedded.shape[2]] += embedded
        torch.testing.assert_close(states[row : row + 1, :length], expected)
        assert states[row, length:].eq(0).all()


def test_left_padding_is_refused(model: HeadstartForJointNLU) -> None:
    with pytest.raises(ValueError, match="pad on the right"):
        model(torch.tensor([[0, 5]]), torch.tensor([[0, 1]]), skill_ids=torch.tensor([0]))


# ---- losses


def labelled(model: HeadstartForJointNLU) -> dict[str, Any]:
    inputs: dict[str, Any] = batch(model, [4, 3])
    slot_labels = torch.tensor([[1, 2, 0, 3], [0, 0, 1, -100]])
    return {**inputs, "intent_labels": torch.tensor([2, 0]), "slot_labels": slot_labels, "skill_ids": torch.tensor([0, 0])}


def test_loss_is_the_sum_of_what_is_annotated(model: HeadstartForJointNLU) -> None:
    inputs = labelled(model)
    both = model(**inputs)
    intents_only = model(**{**inputs, "slot_labels": None})
    slots_only = model(**{**inputs, "intent_labels": None})
    torch.testing.assert_close(both.loss, intents_only.loss + slots_only.loss)
    assert intents_only.slot_loss is None and slots_only.intent_loss is None
    assert model(**{**inputs, "intent_labels": None, "slot_labels": None}).loss is None


def test_unannotated_rows_give_no_loss(model: HeadstartForJointNLU) -> None:
    inputs = labelled(model)
    first = {name: value[:1] for name, value in inputs.items()}
    inputs["intent_labels"][1] = -100
    inputs["slot_labels"][1] = -100
    torch.testing.assert_close(model(**inputs).loss, model(**first).loss)


def test_a_batch_without_any_annotation_has_a_zero_loss_with_a_gradient(model: HeadstartForJointNLU) -> None:
    inputs = labelled(model)
    outputs = model(**{**inputs, "intent_labels": torch.tensor([-100, -100]), "slot_labels": torch.full((2, 4), -100)})
    assert outputs.loss.item() == 0
    outputs.loss.backward()


def test_sources_without_a_task_give_it_no_gradient(model: HeadstartForJointNLU) -> None:
    inputs = labelled(model)
    inputs["skill_ids"] = torch.tensor([1, 1])  # bank: intents only
    inputs["intent_labels"] = torch.tensor([0, 1])
    model(**inputs).loss.backward()
    assert all(parameter.grad is None for parameter in model.task_layers["shared"].slot_lstm.parameters())
    model.zero_grad()
    inputs["skill_ids"] = torch.tensor([2, 2])  # tables: slots only
    model(**inputs).loss.backward()
    assert all(parameter.grad is None for parameter in model.task_layers["shared"].intent_lstm.parameters())


def test_a_row_competes_only_against_its_own_sources_labels(model: HeadstartForJointNLU) -> None:
    inputs = batch(model, [4, 4])
    labels = {"intent_labels": torch.tensor([1, 1]), "skill_ids": torch.tensor([0, 1])}
    before = model(**inputs, **labels).intent_loss
    with torch.no_grad():  # whatever happens to another source's classifiers
        model.classifiers["travel"].intent_classifier.bias += torch.tensor([0.0, 0.0, 100.0])
    after = model(**inputs, **labels).intent_loss
    bank = {name: value[1:] for name, value in {**inputs, **labels}.items()}
    assert after > before + 20  # travel's own row suffers; bank's doesn't see those labels
    travel_row = model(**{name: value[:1] for name, value in {**inputs, **labels}.items()}).intent_loss
    torch.testing.assert_close(2 * after - travel_row, model(**bank).intent_loss, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        model.classifiers["travel"].intent_classifier.bias -= torch.tensor([0.0, 0.0, 100.0])
    torch.testing.assert_close(model(**inputs, **labels).intent_loss, before)
    model(**bank).loss.backward()
    assert model.classifiers["travel"].intent_classifier.weight.grad is None


# ---- decoding


def test_decoding_of_a_mixed_batch_equals_each_row_alone(model: HeadstartForJointNLU) -> None:
    inputs = batch(model, [6, 4, 5])
    skill_ids = torch.tensor([2, 0, 1])
    together = model.decode(model(**inputs, skill_ids=skill_ids), **inputs, skill_ids=skill_ids)
    for row in range(3):
        one = {name: value[row : row + 1] for name, value in {**inputs, "skill_ids": skill_ids}.items()}
        alone = model.decode(model(**one), **one)
        assert together.intents[row] == alone.intents[0]
        width = alone.tags.shape[1]
        assert together.tags[row, :width].tolist() == alone.tags[0].tolist()
        torch.testing.assert_close(together.tag_scores[row, :width], alone.tag_scores[0])
    assert together.intents[0] == -100 and together.tags[2].eq(-100).all()


def test_words_start_at_pieces_that_continue_nothing(model: HeadstartForJointNLU, tokenizer: Any) -> None:
    encoding = tokenizer(["brew a zzyzx latte", "brew"], padding=True, return_tensors="pt")
    starts = model.word_starts(encoding["input_ids"], encoding["attention_mask"])
    assert starts.sum(dim=1).tolist() == [4, 1]
    for row in range(2):
        ids = encoding.word_ids(row)
        assert starts[row].tolist() == [
            word is not None and word != before for before, word in zip([None, *ids], ids, strict=False)
        ]


# ---- skills


def test_adding_and_deleting_a_skill_leaves_the_others_bit_identical(model: HeadstartForJointNLU) -> None:
    inputs = {**batch(model, [5, 3]), "skill_ids": torch.tensor([0, 2])}
    before = model(**inputs)
    model.add_skill(new_skill())
    assert model.skills == ["travel", "bank", "tables", "lamp"]
    during = model(**inputs)
    model.delete_skill("lamp")
    after = model(**inputs)
    for outputs in (during, after):
        assert torch.equal(outputs.intent_logits, before.intent_logits)
        assert torch.equal(outputs.slot_logits, before.slot_logits)
    assert "lamp" not in model.skills and "lamp" not in model.task_layers


def test_deleting_keeps_task_layers_that_others_use(model: HeadstartForJointNLU) -> None:
    model.delete_skill("travel")
    assert "shared" in model.task_layers
    model.delete_skill("bank")
    model.delete_skill("tables")
    assert not list(model.task_layers) and not model.skills


@pytest.mark.parametrize("reset", ["classifiers", "task_layers"])
def test_reset_says_what_starts_warm(model: HeadstartForJointNLU, reset: Any) -> None:
    model.add_skill(new_skill(), reset=reset)
    warm = [
        torch.equal(own, base)
        for own, base in zip(model.task_layers["lamp"].parameters(), model.task_layers["shared"].parameters(), strict=True)
        if own.ndim == 2
    ]
    assert all(warm) if reset == "classifiers" else not any(warm)
    own = next(model.task_layers["lamp"].parameters())
    assert own.data_ptr() != next(model.task_layers["shared"].parameters()).data_ptr()


def test_tune_head_trains_everything_but_the_trunk(model: HeadstartForJointNLU) -> None:
    model.set_tune("head")
    assert not any(parameter.requires_grad for parameter in model.trunk.parameters())
    assert all(parameter.requires_grad for parameter in model.task_layers.parameters())
    model.set_tune("all")
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.skill("weather"), "no skill 'weather'. Its skills: travel, bank, tables"),
        (lambda model: model.skill(), "has 3 skills: name one"),
        (lambda model: model.add_skill(new_skill("bank")), "already; call model.delete_skill('bank') first"),
        (lambda model: model.add_skill(new_skill("a.b")), "use letters, digits"),
        (lambda model: model.add_skill(new_skill("update")), "'update' is a reserved word of torch modules"),
        (lambda model: model.add_skill(new_skill(), reset="all"), "must be 'classifiers' or 'task_layers'"),
        (lambda model: model.set_tune("trunk"), "must be 'all' or 'head'"),
        (lambda model: model(torch.tensor([[5]])), "has 3 skills: name one"),
        (lambda model: model(torch.tensor([[5]]), skill_ids=torch.tensor([3])), "must lie in [0, 3), got [3]"),
    ],
)
def test_mistakes_are_explained(model: HeadstartForJointNLU, call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call(model)


# ---- initialisation, saving and loading


@pytest.mark.parametrize("skills", [["music"], {"a": 1}, [None], "abc", 5])
def test_skills_of_a_configuration_are_a_list_of_objects(skills: Any) -> None:
    with pytest.raises(ValueError, match="must be a list of objects"):
        HeadstartConfig(skills=skills)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="intent_pooling is 'first'; allowed: max, max_mean"):
        HeadstartConfig.from_dict({"intent_pooling": "first"})
    assert HeadstartConfig().intent_pooling == "max"  # what checkpoints without the field were trained with


def test_lstm_initialisation() -> None:
    model = HeadstartForJointNLU(HeadstartConfig(vocab_size=20, hidden_size=6, task_hidden_size=6, skills=[]))
    lstm = model.trunk.lstm
    for gate in lstm.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=1e-5)
    bias = lstm.bias_ih_l0 + lstm.bias_hh_l0
    assert bias[6:12].eq(1).all()
    assert bias[:6].eq(0).all() and bias[12:].eq(0).all()
    assert model.trunk.embed_tokens.weight[0].eq(0).all()


def test_a_model_from_config_alone_is_reproducible_and_finite() -> None:
    config = HeadstartConfig(vocab_size=30, skills=[{"name": "a", "intents": ["x"], "slots": ["y"]}])
    models = []
    for _ in range(2):
        torch.manual_seed(5)
        models.append(HeadstartForJointNLU(config))
    for (name, one), two in zip(models[0].state_dict().items(), models[1].state_dict().values(), strict=True):
        assert torch.equal(one, two), name
        assert one.isfinite().all() and one.abs().max() < 10, name


def test_parameters_that_a_checkpoint_lacks_are_initialised(tiny_base: Path, tmp_path: Path) -> None:
    """On a nearly empty checkpoint everything else must come from the initialisation, not from uninitialised memory."""
    weights = load_file(tiny_base / "model.safetensors")
    save_file(
        {"trunk.embed_tokens.weight": weights["trunk.embed_tokens.weight"]}, tmp_path / "model.safetensors", {"format": "pt"}
    )
    config = json.loads((tiny_base / "config.json").read_text())
    del config["sha256"]  # they were changed on purpose
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = HeadstartForJointNLU.from_pretrained(tmp_path, ignore_mismatched_sizes=True)
    for name, value in model.state_dict().items():
        assert value.isfinite().all() and value.abs().max() < 10, name
    assert model.classifiers["travel"].crf.transitions.eq(0).all()
    gate = model.task_layers["shared"].slot_lstm.weight_hh_l0[:8]
    torch.testing.assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=1e-5)


def test_save_load_save_gives_identical_files(tiny_base: Path, tmp_path: Path, tiny_model: HeadstartForJointNLU) -> None:
    model = HeadstartForJointNLU.from_pretrained(tiny_base)
    saved = parameters(tiny_model)
    assert saved.keys() == parameters(model).keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, saved[name]), name
    model.save_pretrained(tmp_path / "one")
    HeadstartForJointNLU.from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir() if path.is_file())
    assert "model.safetensors" in names and "modeling_headstart.py" in names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (tiny_base / "model.safetensors").read_bytes()


def test_auto_model_gives_the_joint_model(tiny_base: Path) -> None:
    model = AutoModel.from_pretrained(tiny_base)
    assert isinstance(model, HeadstartForJointNLU)
    trunk = HeadstartModel.from_pretrained(tiny_base)
    assert torch.equal(trunk.embed_tokens.weight, model.trunk.embed_tokens.weight)
    assert torch.equal(trunk.lstm.weight_hh_l0, model.trunk.lstm.weight_hh_l0)


def test_loading_heads_that_dont_match_is_explained(tiny_base: Path) -> None:
    skills = [{"name": "travel", "intents": ["a", "b"], "slots": ["city", "date"], "task_layers": "shared"}]
    with pytest.raises(ValueError) as caught:
        HeadstartForJointNLU.from_pretrained(tiny_base, skills=skills)
    message = str(caught.value)
    assert "skill 'travel'" in message
    assert "classifiers.travel.intent_classifier.weight: (3, 16) in the checkpoint, (2, 16) in the configuration" in message
    assert "model.add_skill(skill)" in message
    skills[0]["name"] = "other"
    with pytest.raises(ValueError, match=re.escape("classifiers.other.crf.end_scores: not in the checkpoint")):
        HeadstartForJointNLU.from_pretrained(tiny_base, skills=skills, ignore_mismatched_sizes=False)
    # The call that the message ends with works.
    model = HeadstartForJointNLU.from_pretrained(tiny_base, skills=[])
    model.add_skill(new_skill(), reset="task_layers")
    assert model.skills == ["lamp"]


def test_embeddings_can_be_resized_and_new_pieces_begin_words(model: HeadstartForJointNLU) -> None:
    size = model.config.vocab_size
    model.resize_token_embeddings(size + 1)
    assert model.config.vocab_size == size + 1
    assert model.word_starts(torch.tensor([[size]])).item()
    assert model.trunk.embed_tokens.weight[0].eq(0).all()
