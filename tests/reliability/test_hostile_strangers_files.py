"""Files that don't belong together, as a careless colleague, a flaky copy or another tool leaves them, and hostile files of other formats."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reliability.strangers import (
    LAMP,
    OPTIONS,
    PIZZA,
    TEXTS,
    Made,
    command,
    command_refused,
    copy,
    edit,
    found,
    open_nlu,
    refused,
    refused_or,
    right,
    snapshot,
    warned,
    write_rows,
)  # fmt: skip

import headstart
from headstart.onnx import OnnxNLU

pytestmark = pytest.mark.usefixtures("limited")


def test_the_skills_themselves_are_answered_rightly(made: Made) -> None:
    """Otherwise nothing below would say anything."""
    for name in ("lamp", "pizza"):
        for nlu in (open_nlu(made.run(name)), OnnxNLU(made.onnx(name))):
            assert found(nlu(TEXTS[name])) == right(name)


# Parts of two checkpoints.


def swap_words(tokenizer: Any) -> None:
    """The same pieces in another order, as of another corpus."""
    vocabulary = tokenizer["model"]["vocab"]
    for start in (False, True):  # pieces within words, and words; the special tokens stay
        pieces = [piece for piece in vocabulary if piece.startswith("##") != start and not piece.startswith("[")]
        vocabulary.update(zip(pieces, [vocabulary[piece] for piece in reversed(pieces)], strict=True))


def swap_intents(config: Any) -> None:
    config["skills"][0]["intents"].reverse()


def swap_slots(config: Any) -> None:
    config["skills"][0]["slots"].reverse()


def pizza_labels(config: Any) -> None:
    config["skills"][0] |= {"intents": ["CancelPizza", "OrderPizza"], "slots": ["kind", "size"], "name": "pizza"}


def swap_gazetteers(config: Any) -> None:
    config["skills"][0]["gazetteer"]["slots"].reverse()


@pytest.mark.parametrize(
    ("named", "change"),
    [("tokenizer.json", swap_words), ("config.json", swap_intents), ("config.json", swap_slots), ("config.json", pizza_labels),
     ("config.json", swap_gazetteers)],
    ids=["words-swapped", "intents-swapped", "slots-swapped", "labels-of-another-skill", "catalogs-swapped"],
)  # fmt: skip
def test_a_checkpoint_whose_json_was_edited_is_refused(
    made: Made, tmp_path: Path, named: str, change: Callable[[Any], None]
) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    edit(folder / ("tokenizer.json" if change is swap_words else "config.json"), change)
    refused_or(lambda: found(open_nlu(folder)(TEXTS["lamp"])), right("lamp"), named)


@pytest.mark.parametrize(("key", "named"), [("name", "pizza"), ("gazetteer", "lamp"), ("rejection", "lamp")])
def test_what_does_not_fit_is_refused_although_the_change_was_accepted(made: Made, tmp_path: Path, key: str, named: str) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    edit(folder / "config.json", pizza_labels if key == "name" else lambda config: config["skills"][0].pop(key) and None)
    assert headstart.accept_changes(folder) == ["config.json"]
    refused(lambda: open_nlu(folder), f"skill '{named}'")


@pytest.mark.parametrize("file", ["tokenizer", "config", "model"])
@pytest.mark.parametrize("other", ["pizza", "lamp_reworded", "lamp7"])
def test_a_checkpoint_with_one_file_of_another_is_refused(made: Made, tmp_path: Path, file: str, other: str) -> None:
    """Of another skill on the same base, of another base, or of another run on the same skill, whose labels are the same."""
    folder = copy(made.run("lamp"), tmp_path / "mixed", **{file: made.run(other)})
    named = {"tokenizer": "tokenizer.json", "config": "model.safetensors", "model": "model.safetensors"}[file]
    same = snapshot(folder) == snapshot(made.run("lamp"))
    if same or (file == "tokenizer" and other != "lamp_reworded"):
        assert found(open_nlu(folder)(TEXTS["lamp"])) == right("lamp")
    else:
        refused(lambda: open_nlu(folder)(TEXTS["lamp"]), named)


def test_a_tokenizer_of_another_checkpoint_is_refused_by_export(made: Made, tmp_path: Path) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed", tokenizer=made.run("lamp_reworded"))
    refused(lambda: headstart.export(folder, tmp_path / "onnx"), "tokenizer.json")
    assert not (tmp_path / "onnx" / "model.onnx").exists()


def test_a_tokenizer_of_another_base_is_refused_by_fine_tuning(made: Made, tmp_path: Path) -> None:
    base = copy(made.base, tmp_path / "base", tokenizer=made.reworded)
    refused(lambda: headstart.finetune(made.skill("lamp"), tmp_path / "out", base=str(base), **OPTIONS), "tokenizer.json")


def test_a_pickle_that_another_tool_left_beside_the_weights_is_not_run(made: Made, tmp_path: Path) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    target = tmp_path / "run-from-a-pickle"
    content = f"cos\nsystem\n(S'touch {target}'\ntR.".encode()
    for name in ("pytorch_model.bin", "optimizer.pt", "training_args.bin", "tokenizer.pkl"):
        (folder / name).write_bytes(content)
    assert found(open_nlu(folder)(TEXTS["lamp"])) == right("lamp")
    (folder / "model.safetensors").unlink()
    refused(lambda: open_nlu(folder), "model.safetensors")
    assert not target.exists()


def test_code_of_a_stranger_in_the_folder_is_not_run_by_the_package(made: Made, tmp_path: Path) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    target = tmp_path / "run-from-a-folder"
    for file in folder.glob("*.py"):
        file.write_text(f"open({str(target)!r}, 'w')\nraise SystemExit\n", encoding="utf-8")
    (folder / "sitecustomize.py").write_text(f"open({str(target)!r}, 'w')\n", encoding="utf-8")
    assert found(open_nlu(folder)(TEXTS["lamp"])) == right("lamp")
    assert not target.exists()


def test_a_tokenizer_configuration_that_shortens_texts_is_no_silent_cut(
    made: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    edit(folder / "tokenizer_config.json", lambda config: {**config, "model_max_length": 3})
    refused(lambda: open_nlu(folder), "tokenizer_config.json", "accept_changes")
    headstart.accept_changes(folder)
    answers = found(open_nlu(folder)(TEXTS["lamp"]))
    assert answers == right("lamp") or warned(caplog).count("was cut") == len(answers)


def test_a_card_of_another_skill_changes_no_answer_and_names_no_licence_of_its_own(made: Made, tmp_path: Path) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed", README=made.run("pizza"))
    (folder / "README.md").write_text("---\nlicense: [\n---\n\0", encoding="utf-8")
    assert found(open_nlu(folder)(TEXTS["lamp"])) == right("lamp")


def fixed_length(tokenizer: Any) -> Any:
    """What another tool leaves in a tokenizer that it has called with padding and truncation."""
    padding = {
        "strategy": {"Fixed": 30},
        "direction": "Left",
        "pad_to_multiple_of": None,
        "pad_id": 5,
        "pad_type_id": 0,
        "pad_token": "x",
    }
    truncation = {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    return {**tokenizer, "padding": padding, "truncation": truncation}


@pytest.mark.parametrize("kind", ["run", "onnx"])
def test_a_tokenizer_that_another_tool_saved_with_its_lengths_cuts_no_text_in_silence(
    made: Made, tmp_path: Path, kind: str
) -> None:
    folder = copy(getattr(made, kind)("lamp"), tmp_path / "mixed")
    edit(folder / "tokenizer.json", fixed_length)
    refused_or(lambda: found(open_nlu(folder)(TEXTS["lamp"])), right("lamp"), "tokenizer.json")


@pytest.mark.parametrize(
    "beside",
    [
        {"added_tokens.json": {"red": 3, "lamp": 4}, "special_tokens_map.json": {"unk_token": "red", "pad_token": "lamp"}},
        {"model.safetensors.index.json": {"metadata": {}, "weight_map": {"x": "../pizza/model.safetensors"}}},
        {"adapter_config.json": {"base_model_name_or_path": "../pizza", "peft_type": "LORA"}},
        {"generation_config.json": {"max_length": 2}, "preprocessor_config.json": {"do_resize": True}},
        {"catalogs.json": {"kind": ["red"]}, "skill.json": {"invocation": "my pizza"}, "labels.json": {"intents": ["Pizza"]}},
    ],
    ids=["tokens", "shards", "adapter", "generation", "skill"],
)
def test_files_of_another_tool_beside_a_checkpoint_change_no_answer(made: Made, tmp_path: Path, beside: dict[str, Any]) -> None:
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    for name, content in beside.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    refused_or(lambda: found(open_nlu(folder)(TEXTS["lamp"])), right("lamp"), "mixed")


@pytest.mark.parametrize("key", ["gazetteer", "rejection", "label_priors"])
def test_a_checkpoint_whose_configuration_lost_an_entry_answers_the_same_or_is_refused(
    made: Made, tmp_path: Path, key: str
) -> None:
    """The weights hold what the configuration no longer names."""
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    edit(folder / "config.json", lambda config: config["skills"][0].pop(key) and None)
    refused_or(lambda: found(open_nlu(folder)(TEXTS["lamp"])), right("lamp"), "config.json")


# Parts of two heads.


@pytest.mark.parametrize("file", ["head.json", "head.safetensors"])
def test_a_head_with_one_file_of_another_is_refused(made: Made, tmp_path: Path, file: str) -> None:
    folder = copy(made.head("lamp"), tmp_path / "mixed")
    shutil.copy(made.head("pizza") / file, folder / file)
    refused(lambda: open_nlu(made.base).model.load_skill(folder), "head")


@pytest.mark.parametrize("key", ["intents", "slots"])
def test_a_head_whose_labels_were_swapped_is_refused(made: Made, tmp_path: Path, key: str) -> None:
    folder = copy(made.head("lamp"), tmp_path / "mixed")
    edit(folder / "head.json", lambda head: head["skill"][key].reverse())
    nlu = open_nlu(made.base)

    def ask() -> Any:
        nlu.model.load_skill(folder)
        return found(nlu(TEXTS["lamp"], skill="lamp"))

    refused_or(ask, right("lamp"), "head.json")


def test_a_head_of_a_base_with_the_same_name_and_shape_is_refused(made: Made, tmp_path: Path) -> None:
    namesake = copy(made.retrained, tmp_path / "elsewhere" / made.base.name)
    refused(lambda: open_nlu(namesake).model.load_skill(made.head("lamp")), "lamp")


def test_a_head_of_a_base_with_another_tokenizer_is_refused(made: Made, tmp_path: Path) -> None:
    """The weights are those that it was trained on; the words are not."""
    base = copy(made.base, tmp_path / "base")
    edit(base / "tokenizer.json", swap_words)

    def ask() -> Any:
        nlu = open_nlu(base)
        nlu.model.load_skill(made.head("lamp"))
        return found(nlu(TEXTS["lamp"], skill="lamp"))

    refused_or(ask, right("lamp"), "tokenizer")


def test_heads_of_two_bases_in_one_folder_are_told_apart(made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    heads = tmp_path / "heads"
    copy(made.head("lamp"), heads / "lamp")
    headstart.finetune(made.skill("pizza"), heads / "pizza", base=str(made.retrained), tune="head", **OPTIONS)
    command_refused(capfd, "predict", heads, "--base", made.base, "cancel my pizza", names=("pizza",))


def test_a_backup_copy_of_a_head_beside_it_is_no_second_skill_in_silence(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    heads = tmp_path / "heads"
    copy(made.head("lamp"), heads / "lamp")
    copy(made.head("lamp"), heads / "lamp (copy)")
    status, output, errors = command(capfd, "predict", heads, "--base", made.base, "turn off the blue lamp")
    if status == 0:
        assert json.loads(output)["intent"]["label"] == "TurnLamp"
    else:
        assert status == 2 and len(errors) == 1 and "lamp" in errors[0]


@pytest.mark.parametrize("kind", ["head", "onnx"])
def test_a_folder_that_holds_two_kinds_of_models_is_refused(made: Made, tmp_path: Path, kind: str) -> None:
    """A checkpoint of lamps, and a head or an export of pizzas, copied into one folder."""
    folder = copy(made.run("lamp"), tmp_path / "mixed")
    shutil.copytree(getattr(made, kind)("pizza"), folder, dirs_exist_ok=True)
    refused(lambda: headstart.evaluate(folder, LAMP), "mixed")


# Parts of two exports.


@pytest.mark.parametrize("file", ["headstart.json", "model.onnx", "crf.npz", "catalogs.json"])
def test_an_export_with_one_file_of_another_skill_is_refused(made: Made, tmp_path: Path, file: str) -> None:
    """Both have two intents, two slots and two catalogs: every shape is the same."""
    folder = copy(made.onnx("lamp"), tmp_path / "mixed")
    shutil.copy(made.onnx("pizza") / file, folder / file)
    refused(lambda: OnnxNLU(folder)(TEXTS["lamp"]), file)


@pytest.mark.parametrize("file", ["model.onnx", "crf.npz"])
def test_an_export_with_one_file_of_another_training_is_refused(made: Made, tmp_path: Path, file: str) -> None:
    """A copy that was stopped half-way over an earlier export."""
    headstart.export(made.run("lamp7"), tmp_path / "newer")
    folder = copy(made.onnx("lamp"), tmp_path / "mixed")
    shutil.copy(tmp_path / "newer" / file, folder / file)
    refused(lambda: OnnxNLU(folder)(TEXTS["lamp"]), file)


def test_an_export_with_the_words_of_another_vocabulary_is_refused(made: Made, tmp_path: Path) -> None:
    folder = copy(made.onnx("lamp"), tmp_path / "mixed", tokenizer=made.run("lamp_reworded"))
    refused(lambda: OnnxNLU(folder)(TEXTS["lamp"]), "tokenizer.json")


@pytest.mark.parametrize("file", ["headstart.json", "model.onnx", "tokenizer.json", "crf.npz", "catalogs.json"])
def test_an_export_that_lacks_a_file_names_it(made: Made, tmp_path: Path, file: str) -> None:
    folder = copy(made.onnx("lamp"), tmp_path / "partly")
    (folder / file).unlink()
    refused(lambda: OnnxNLU(folder)(TEXTS["lamp"]), file)


@pytest.mark.parametrize("file", ["headstart.json", "model.onnx", "tokenizer.json", "crf.npz", "catalogs.json"])
def test_an_export_with_a_file_that_was_cut_names_it(made: Made, tmp_path: Path, file: str) -> None:
    folder = copy(made.onnx("lamp"), tmp_path / "partly")
    (folder / file).write_bytes((folder / file).read_bytes()[: (folder / file).stat().st_size // 2])
    refused(lambda: OnnxNLU(folder)(TEXTS["lamp"]), file)


@pytest.mark.parametrize("key", ["intents", "slots"])
def test_an_export_whose_labels_were_swapped_is_refused(made: Made, tmp_path: Path, key: str) -> None:
    folder = copy(made.onnx("lamp"), tmp_path / "mixed")
    edit(folder / "headstart.json", lambda export: export["skill"][key].reverse())
    refused_or(lambda: found(OnnxNLU(folder)(TEXTS["lamp"])), right("lamp"), "headstart.json")


@pytest.mark.parametrize(
    "changes",
    [{"name": None}, {"name": "a b"}, {"intents": []}, {"intents": ["AskLamp"]}, {"intents": ["AskLamp", "TurnLamp", "DimLamp"]},
     {"intents": ["TurnLamp", "TurnLamp"]}, {"slots": ["colour"]}, {"slots": ["colour", "state", "size"]}, {"gazetteer": None},
     {"rejection": None}, {"rejection": {"temperature": 0, "threshold": 0.9}}, {"rejection": {"temperature": 0.25, "threshold": "high"}},
     {"label_priors": {"OrderPizza": ["kind"]}}],
    ids=str,
)  # fmt: skip
def test_an_export_whose_facts_do_not_fit_its_network_is_refused_or_right(
    made: Made, tmp_path: Path, changes: dict[str, Any]
) -> None:
    folder = copy(made.onnx("lamp"), tmp_path / "mixed")
    edit(folder / "headstart.json", lambda facts: facts["skill"].update(changes))
    refused_or(lambda: found(OnnxNLU(folder)(TEXTS["lamp"])), right("lamp"), "headstart.json")


@pytest.mark.parametrize(
    "changes", [{"skill": None}, {"max_tokens": -1}, {"max_tokens": "many"}, {"unk_token_id": None}], ids=str
)
def test_an_export_whose_sizes_are_none_is_refused(made: Made, tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = copy(made.onnx("lamp"), tmp_path / "mixed")
    edit(folder / "headstart.json", lambda facts: facts.update(changes))
    refused_or(lambda: found(OnnxNLU(folder)(TEXTS["lamp"])), right("lamp"), "headstart.json")


def test_a_pickle_in_the_place_of_the_transitions_is_not_run(made: Made, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "run-from-an-array",)

    folder = copy(made.onnx("lamp"), tmp_path / "mixed")
    with np.load(folder / "crf.npz") as arrays:
        bombs = {name: np.array([Bomb()], dtype=object) for name in arrays.files}
    np.savez(folder / "crf.npz", allow_pickle=True, **bombs)
    refused(lambda: OnnxNLU(folder)(TEXTS["lamp"]), "crf.npz")
    assert not (tmp_path / "run-from-an-array").exists()


# Rows, catalogs and facts of two skills.


@pytest.mark.parametrize("part", ["validation", "test"])
def test_held_out_rows_of_another_skill_are_refused(made: Made, tmp_path: Path, part: str) -> None:
    folder = copy(made.skill("lamp"), tmp_path / "skill", **{part: made.skill("pizza")})
    refused(lambda: headstart.load_skill(folder), f"{part}.jsonl")


def test_catalogs_of_another_skill_teach_no_label_of_it(made: Made, tmp_path: Path) -> None:
    folder = copy(made.skill("lamp"), tmp_path / "skill", catalogs=made.skill("pizza"))
    refused_or(
        lambda: found(headstart.finetune(folder, tmp_path / "out", base=str(made.base), **OPTIONS)(TEXTS["lamp"])),
        right("lamp"),
        "catalogs.json",
    )


def test_built_in_types_of_another_skill_reach_no_written_model_without_a_word(
    made: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copy(made.skill("lamp"), tmp_path / "skill")
    facts = {"invocation": "my pizza", "slot_types": {"kind": "AMAZON.Food", "size": "AMAZON.NUMBER"}}
    (folder / "skill.json").write_text(json.dumps(facts), encoding="utf-8")
    try:
        headstart.convert(folder, tmp_path / "alexa.json")
    except ValueError as error:
        assert "skill.json" in str(error)
    else:
        assert "AMAZON.Food" not in (tmp_path / "alexa.json").read_text(encoding="utf-8") or "kind" in warned(caplog)


@pytest.mark.parametrize(
    ("one", "other"), [("skill.json", "catalogs.json"), ("train.jsonl", "catalogs.json"), ("train.jsonl", "skill.json")]
)
def test_two_files_that_changed_names_are_refused(made: Made, tmp_path: Path, one: str, other: str) -> None:
    folder = copy(made.skill("lamp"), tmp_path / "skill")
    before = (folder / one).read_bytes()
    shutil.copy(folder / other, folder / one)
    (folder / other).write_bytes(before)
    message = refused(lambda: headstart.load_skill(folder))
    assert one in message or other in message


def test_catalogs_under_the_names_of_other_slots_are_not_filled_in(made: Made, tmp_path: Path) -> None:
    """The lists of two slots changed places: most values of each are annotated as the other in the rows."""
    folder = copy(made.skill("lamp"), tmp_path / "skill")
    edit(folder / "catalogs.json", lambda lists: {"colour": lists["state"], "state": lists["colour"]})
    nlu = headstart.finetune(folder, tmp_path / "out", base=str(made.base), **OPTIONS)
    assert found(nlu(TEXTS["lamp"])) == right("lamp")


def test_a_folder_of_rows_and_of_an_alexa_model_of_another_skill_is_no_silent_mixture(made: Made, tmp_path: Path) -> None:
    folder = copy(made.skill("lamp"), tmp_path / "skill")
    headstart.convert(made.skill("pizza"), folder / "en-US.json", "alexa")
    refused_or(lambda: headstart.load_skill(folder).intents, ["AskLamp", "TurnLamp"], "en-US.json")


def test_alexa_models_of_two_skills_in_one_folder_are_no_silent_mixture(made: Made, tmp_path: Path) -> None:
    for name, locale in (("lamp", "en-US"), ("pizza", "en-GB")):
        headstart.convert(made.skill(name), tmp_path / "models" / f"{locale}.json", "alexa")
    try:
        skill = headstart.load_skill(tmp_path / "models")
    except ValueError as error:
        assert "en-US" in str(error) or "en-GB" in str(error)
    else:
        assert set(skill.intents) in ({"AskLamp", "TurnLamp"}, {"CancelPizza", "OrderPizza"})


def test_samples_of_another_skill_beside_an_old_intent_schema_are_refused(tmp_path: Path) -> None:
    schema = {"intents": [{"intent": "TurnLamp", "slots": [{"name": "state", "type": "STATE"}]}]}
    (tmp_path / "IntentSchema.json").write_text(json.dumps(schema), encoding="utf-8")
    (tmp_path / "SampleUtterances.txt").write_text("OrderPizza order a pizza\nOrderPizza a pizza\n", encoding="utf-8")
    refused(lambda: headstart.load_skill(tmp_path), "SampleUtterances.txt")


@pytest.mark.parametrize("file", ["seq.out", "label"])
def test_parallel_files_of_two_corpora_are_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "seq.in").write_text("turn on the lamp\nturn off the lamp\n", encoding="utf-8")
    (tmp_path / "seq.out").write_text("O B-state O O\nO B-state O O\n", encoding="utf-8")
    (tmp_path / "label").write_text("TurnLamp\nTurnLamp\n", encoding="utf-8")
    (tmp_path / file).write_text((tmp_path / file).read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    refused(lambda: headstart.load_skill(tmp_path), file)


def test_user_says_of_another_dialogflow_agent_give_no_intent_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "intents").mkdir()
    (tmp_path / "agent.json").write_text(json.dumps({"displayName": "lamp", "language": "en"}), encoding="utf-8")
    (tmp_path / "intents" / "TurnLamp.json").write_text(json.dumps({"name": "TurnLamp", "auto": True}), encoding="utf-8")
    for intent, text in (("TurnLamp", "turn on the lamp"), ("OrderPizza", "order a pizza")):
        says = [{"id": "1", "data": [{"text": text, "userDefined": False}], "isTemplate": False, "count": 0}]
        (tmp_path / "intents" / f"{intent}_usersays_en.json").write_text(json.dumps(says), encoding="utf-8")
    try:
        intents = headstart.load_skill(tmp_path).intents
    except ValueError as error:
        assert "OrderPizza" in str(error)
    else:
        assert intents == ["TurnLamp"] or "OrderPizza" in warned(caplog)


def test_out_of_scope_utterances_that_are_the_skills_own_do_not_reject_it(made: Made, tmp_path: Path) -> None:
    """The wrong file was given: the training rows themselves."""
    rows = made.skill("lamp") / "train.jsonl"
    options = OPTIONS | {"base": str(made.base), "out_of_scope": str(rows), "reject_threshold": 0.5}
    refused_or(
        lambda: found(headstart.finetune(made.skill("lamp"), tmp_path / "out", **options)(TEXTS["lamp"])),
        right("lamp"),
        "train.jsonl",
    )


def test_a_head_that_is_given_as_the_base_is_refused(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(lambda: headstart.finetune(made.skill("lamp"), out, base=str(made.head("pizza")), **OPTIONS), "base")
    assert not out.exists() or not any(out.iterdir())


def test_an_export_that_is_given_as_the_base_is_refused(made: Made, tmp_path: Path) -> None:
    refused(lambda: headstart.finetune(made.skill("lamp"), tmp_path / "out", base=str(made.onnx("pizza")), **OPTIONS), "pizza")


def test_a_model_that_is_given_as_the_skill_is_refused(made: Made, tmp_path: Path) -> None:
    """Its folder holds JSON, which is no skill's."""
    for folder in (made.run("lamp"), made.head("lamp"), made.onnx("lamp")):
        refused(lambda folder=folder: headstart.load_skill(folder), "lamp")


def test_rows_of_another_skill_count_as_errors_and_are_named(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    status, output, _ = command(capfd, "evaluate", made.onnx("lamp"), "--data", made.skill("pizza") / "train.jsonl")
    scores = json.loads(output)
    assert (
        status == 0
        and scores["utterances"] == len(PIZZA)
        and scores["exact_match"] == 0
        and scores["semantic_error_rate"] >= 1
        and scores["intent_accuracy"] == scores["slot_f1"] == 0
    )


def test_the_catalogs_given_as_rows_are_refused(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    for file in ("catalogs.json", "skill.json"):
        command_refused(capfd, "evaluate", made.onnx("lamp"), "--data", made.skill("lamp") / file, names=(file,))


def test_a_writer_does_not_leave_held_out_rows_of_another_skill_beside_its_own(made: Made, tmp_path: Path) -> None:
    out = copy(made.skill("lamp"), tmp_path / "out")
    write_rows(tmp_path / "pizza.jsonl", PIZZA)
    before = snapshot(out)
    try:
        headstart.convert(tmp_path / "pizza.jsonl", out, "rows")
    except (ValueError, OSError) as error:
        assert "out" in str(error) and snapshot(out) == before
    else:
        skill = headstart.load_skill(out)
        assert skill.rows("train") == headstart.load_skill(tmp_path / "pizza.jsonl").rows("train")
        assert skill.catalogs == {}
