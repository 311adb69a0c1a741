"""Both training stages on real small data, through their public functions and the command line's options."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoTokenizer, TrainerCallback

import headstart
from headstart import HeadstartForJointNLU, Skill, finetune, pretrain
from headstart.checkpoints import resolve_checkpoint
from headstart.data.encoding import encode_rows
from headstart.data.rows import rows_to_dataset
from headstart.finetuning.plan import EpochSize, plan_finetuning
from headstart.training.arguments import HeadstartTrainingArguments, bf16_fault, training_arguments
from headstart.training.command_line import parse_options
from headstart.training.options import FinetuneOptions, PretrainOptions
from headstart.training.trainer import JointNLUTrainer, equal_length_order

QUICK = {"max_steps": 6, "per_device_train_batch_size": 16, "disable_tqdm": True}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


# ---- fine-tuning


def test_finetuning_learns_saves_and_answers(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    few = Skill("coffee", train=coffee.train, test=coffee.train)
    nlu = finetune(
        few, tmp_path, base=str(tiny_base), max_steps=150, learning_rate=0.02, train_embeddings=True, rejection=False,
        disable_tqdm=True,
    )  # fmt: skip
    assert nlu.model.skills == ["coffee"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["steps"] == 150 and metrics["test_utterances"] == 57
    assert metrics["test_semantic_error_rate"] < 0.4  # above 1 before training
    assert headstart.evaluate(tmp_path, few.test)["exact_match"] == metrics["test_exact_match"]
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["skill"], run["train_rows"], run["options"]["max_steps"]) == ("coffee", 57, 150)
    assert not {"output_dir", "skill"} & set(run["options"])
    assert not list(tmp_path.glob("checkpoint-*")) and not (tmp_path / "training_args.bin").exists()


def test_a_seed_makes_a_run_repeatable_bit_for_bit(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        finetune(coffee, tmp_path / name, base=str(tiny_base), seed=seed, **QUICK)
    one, two, three = (weights(tmp_path / name) for name in ("one", "two", "three"))
    assert same(one, two)
    assert not same(one, three)


@pytest.mark.parametrize("form", ["lora", "task_layers", "classifiers"])
def test_tune_head_leaves_what_is_shared_as_it_is(form: str, coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    base = weights(tiny_base)
    head = finetune(coffee, tmp_path / "head", base=str(tiny_base), tune="head", head=form, rank=2, **QUICK).model.state_dict()
    shared = [name for name in base if name.startswith(("trunk.", "task_layers.shared.")) and name in head]
    assert any(name.startswith("task_layers") for name in shared) == (form != "task_layers")
    assert all(torch.equal(base[name], head[name]) for name in shared)
    assert any(name.startswith("adapters.") and name.endswith("lora_B") and value.any() for name, value in head.items()) == (
        form == "lora"
    )
    finetune(coffee, tmp_path / "all", base=str(tiny_base), tune="all", train_embeddings=True, **QUICK)
    everything = weights(tmp_path / "all")
    assert not any(torch.equal(base[name], everything[name]) for name in base if name.startswith("trunk."))


def test_the_trunks_learning_rate_follows_the_heads(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path, base=str(tiny_base), learning_rate=1e-9, **QUICK)
    name = "trunk.lstm.weight_hh_l0"
    torch.testing.assert_close(weights(tiny_base)[name], weights(tmp_path)[name], atol=1e-7, rtol=1e-5)


def test_a_learning_rate_of_0_is_one(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path, base=str(tiny_base), learning_rate=0, **QUICK)
    before, after = weights(tiny_base), weights(tmp_path)
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("trunk."))


def test_embeddings_are_trained_only_from_scratch_or_if_wanted(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    name, base = "trunk.embed_tokens.weight", weights(tiny_base)
    for options, trained in (({}, False), ({"train_embeddings": True}, True), ({"train_embeddings": False}, False)):
        finetune(coffee, tmp_path / "warm", base=str(tiny_base), **options, **QUICK)
        assert torch.equal(base[name], weights(tmp_path / "warm")[name]) != trained
    finetune(coffee, tmp_path / "cold", base=str(tiny_base), from_scratch=True, **QUICK)
    finetune(coffee, tmp_path / "still", base=str(tiny_base), from_scratch=True, train_embeddings=False, **QUICK)
    assert not torch.equal(weights(tmp_path / "cold")[name], weights(tmp_path / "still")[name])


def test_from_scratch_is_the_same_network_without_the_base(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path / "warm", base=str(tiny_base), **QUICK)
    finetune(coffee, tmp_path / "cold", base=str(tiny_base), from_scratch=True, **QUICK)
    warm, cold = weights(tmp_path / "warm"), weights(tmp_path / "cold")
    assert {name: value.shape for name, value in warm.items()} == {name: value.shape for name, value in cold.items()}
    base, name = weights(tiny_base), "trunk.embed_tokens.weight"
    assert (warm[name] - base[name]).abs().mean() < 0.1 < (cold[name] - base[name]).abs().mean()


def test_validation_rows_need_no_options_and_the_best_checkpoint_is_kept(
    coffee: Skill, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = []
    save = headstart.finetuning.finetune.save_run
    monkeypatch.setattr(
        headstart.finetuning.finetune,
        "save_run",
        lambda trainer, *rest, **facts: (histories.append(trainer.state), save(trainer, *rest, **facts)),
    )
    skill = Skill("coffee", train=coffee.train, validation=coffee.train.select(range(0, 57, 3)))
    # A learning rate that rises until it wrecks the network: the last checkpoint is far from the best. Without the reject option, whose
    # calibration comes after the choice.
    nlu = finetune(
        skill, tmp_path, base=str(tiny_base), max_steps=60, learning_rate=3.0, lr_scheduler_type="constant_with_warmup", warmup_steps=60,
        rejection=False, disable_tqdm=True,
    )  # fmt: skip
    name = "eval_semantic_error_rate"
    seen = [entry[name] for entry in histories[0].log_history if name in entry][:10]
    assert len(seen) == 10 and min(seen) < seen[-1]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics[name] == pytest.approx(min(seen))
    assert metrics[name] == pytest.approx(headstart.evaluate(nlu, skill.validation)["semantic_error_rate"])


def test_validation_rows_with_unseen_labels_choose_nothing_and_count_as_errors(
    coffee: Skill, tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = {"text": "sing", "intent": "Sing", "slots": []}
    validation = rows_to_dataset([*coffee.train.to_list()[:3], odd])
    skill = Skill("coffee", train=coffee.train, validation=validation, allow_unseen_labels=True)
    nlu = finetune(skill, tmp_path, base=str(tiny_base), **QUICK)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["eval_utterances"] == 4
    assert metrics["eval_exact_match"] == headstart.evaluate(nlu, validation)["exact_match"] <= 3 / 4
    assert "validation rows with labels that no training row has (1)" in caplog.text


def test_epochs_are_as_long_with_accumulated_gradients(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"num_train_epochs": 2, "rejection": False, "name_rows": False, "disable_tqdm": True}
    for accumulated in (1, 4):
        folder = tmp_path / str(accumulated)
        finetune(
            coffee, folder, base=str(tiny_base), per_device_train_batch_size=8, gradient_accumulation_steps=accumulated, **options
        )
        # 57 rows: 8 batches, or 2 steps of 4 batches, an epoch.
        assert json.loads((folder / "metrics.json").read_text())["steps"] == 16 / accumulated


def test_a_trunk_rate_of_0_leaves_the_trunk_as_it_is(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path, base=str(tiny_base), trunk_learning_rate=0.0, **QUICK)
    before, after = weights(tiny_base), weights(tmp_path)
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("trunk."))


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 3),
        ({"eval_steps": 5}, 5),
        ({"eval_strategy": "steps"}, 3),
        ({"eval_strategy": "epoch"}, None),
        ({"save_strategy": "steps", "save_steps": 5}, 5),
        ({"save_strategy": "steps", "save_steps": 5, "eval_steps": 10}, 10),
    ],
)
def test_evaluations_come_when_the_options_say(options: dict[str, Any], steps: int | None, tmp_path: Path) -> None:
    said = FinetuneOptions.of(output_dir=str(tmp_path), skill="s", max_steps=30, **options)
    plan = plan_finetuning(said, EpochSize(60), has_validation=True)
    args = plan.arguments(said)
    assert plan.keeps_best and args.load_best_model_at_end and args.save_strategy == args.eval_strategy != "no"
    assert steps is None or args.eval_steps == steps
    assert said == FinetuneOptions.of(
        output_dir=str(tmp_path), skill="s", max_steps=30, **options
    )  # nothing is changed on its way


def test_options_of_heads_are_for_heads(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tune='head'"):
        FinetuneOptions(output_dir=str(tmp_path), skill="s", head="classifiers")
    with pytest.raises(ValueError, match="tune='head'"):
        FinetuneOptions(output_dir=str(tmp_path), skill="s", rank=99)
    with pytest.raises(ValueError, match="train_embeddings"):
        FinetuneOptions(output_dir=str(tmp_path), skill="s", tune="head", train_embeddings=True)


def test_an_option_that_must_have_a_value_is_not_null(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    for name in ("refill", "bf16"):  # one of ours, and one of transformers'
        path.write_text(f"skill: s\n{name}: null\n")
        with pytest.raises(ValueError, match=f"{name} is null"):
            parse_options(FinetuneOptions, [str(path), "--output_dir", str(tmp_path)], "finetune")
    path.write_text("skill: s\nsave_total_limit: null\nlearning_rate: null\n")
    args = training_arguments(parse_options(FinetuneOptions, [str(path), "--output_dir", str(tmp_path)], "finetune"))
    assert args.save_total_limit is None and args.learning_rate > 0


def test_what_is_published_names_no_file_of_the_machine(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "own-background.txt").write_text("who won the match\n" * 3 + "sing a song\n")
    finetune(coffee, tmp_path / "out", base=str(tiny_base), out_of_scope=str(tmp_path / "own-background.txt"), **QUICK)
    assert "own-background" not in (tmp_path / "out" / "run.json").read_text()


def test_training_stops_early(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    skill = Skill("coffee", train=coffee.train, validation=coffee.train.select(range(20)))
    options: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": 2, "early_stopping_patience": 2, "disable_tqdm": True}
    finetune(skill, tmp_path, base=str(tiny_base), max_steps=40, learning_rate=1e-9, **options)
    # Nothing changes at this learning rate: the first evaluation stays the best, two more bring no gain.
    assert json.loads((tmp_path / "metrics.json").read_text())["steps"] == 6


def test_given_options_are_kept(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    def options_of(name: str, **options: Any) -> dict[str, Any]:
        finetune(coffee, tmp_path / name, base=str(tiny_base), disable_tqdm=True, **options)
        run = json.loads((tmp_path / name / "run.json").read_text())
        return {**run["options"], "steps": json.loads((tmp_path / name / "metrics.json").read_text())["steps"]}

    assert options_of("epochs", num_train_epochs=3, per_device_train_batch_size=16, rejection=False)["steps"] == 12
    assert options_of("warmup", max_steps=2, warmup_steps=0)["warmup_steps"] == 0
    assert options_of("optim", max_steps=2, optim="sgd")["optim"] == "sgd"
    one, two = weights(tmp_path / "optim"), weights(tmp_path / "warmup")
    assert not same(one, two)


def test_options_that_need_validation_rows_are_refused_without_them(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    for options in ({"early_stopping_patience": 2}, {"load_best_model_at_end": True}):
        with pytest.raises(ValueError, match=r"need validation rows: give the skill a validation\.jsonl"):
            finetune(coffee, tmp_path, base=str(tiny_base), **options, **QUICK)


@pytest.mark.parametrize("from_scratch", [False, True])
def test_resumed_equals_uninterrupted(
    from_scratch: bool, coffee: Skill, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = Skill("coffee", train=coffee.train)
    options: dict[str, Any] = {
        **QUICK, "base": str(tiny_base), "max_steps": 13, "save_strategy": "steps", "save_steps": 11, "from_scratch": from_scratch,
    }  # fmt: skip
    finetune(skill, tmp_path / "whole", **options)

    class Stop(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            assert state.epoch > 1 and state.epoch % 1  # in the middle of a later epoch
            raise KeyboardInterrupt

    from headstart.training.trainer import JointNLUTrainer

    start = JointNLUTrainer.train
    with monkeypatch.context() as patched:
        patched.setattr(JointNLUTrainer, "train", lambda self, **kw: (self.add_callback(Stop()), start(self, **kw))[1])
        with pytest.raises(KeyboardInterrupt):
            finetune(skill, tmp_path / "resumed", **options)
    assert (tmp_path / "resumed" / "checkpoint-11").is_dir() and not (tmp_path / "resumed" / "model.safetensors").exists()
    finetune(skill, tmp_path / "resumed", resume_from_checkpoint="last", **options)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "resumed"))


def test_resuming_nothing_is_an_error(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no checkpoint to resume from"):
        finetune(coffee, tmp_path / "new", base=str(tiny_base), resume_from_checkpoint="last", **QUICK)


def test_a_skill_with_intents_only_and_one_with_slots_only(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    rows = coffee.train.to_list()
    intents = Skill("intents", train=rows_to_dataset([{**row, "slots": None} for row in rows]))
    slots = Skill("slots", train=rows_to_dataset([{**row, "intent": None} for row in rows]))
    assert finetune(intents, tmp_path / "i", base=str(tiny_base), **QUICK)("brew")["slots"] == []
    assert finetune(slots, tmp_path / "s", base=str(tiny_base), **QUICK)("brew")["intent"]["label"] is None


def test_what_training_changes_in_spans_is_logged(tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        {"text": "checkin", "intent": "A", "slots": [{"start": 0, "end": 5, "label": "x"}, {"start": 5, "end": 7, "label": "y"}]}
    ]
    rows.append({"text": "go " * 600 + "rome", "intent": "A", "slots": [{"start": 1800, "end": 1804, "label": "x"}]})
    with caplog.at_level(logging.WARNING):
        finetune(Skill("odd", train=rows_to_dataset(rows)), tmp_path, base=str(tiny_base), **QUICK)
    assert (
        "of 3 spans, widened to the word that they cut: 1, dropped for holding no word: 0, dropped for sharing a word with another span: 1"
        in caplog.text
    )
    assert "cut off with rows over 512 tokens: 1" in caplog.text


def test_a_skill_named_like_one_of_the_base(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the base has a skill 'bank'; name yours otherwise"):
        finetune(Skill("bank", train=coffee.train), tmp_path, base=str(tiny_base), **QUICK)


# ---- pretraining


@pytest.fixture
def corpora(root: Path, tmp_path: Path) -> Path:
    """The example skills as corpora; one of them as if it had no slots, one as if it had no intents."""
    for name in ("coffee_machine", "museum_guide", "plant_care"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
            rows = [json.loads(line) for line in (root / "examples" / name / f"{source}.jsonl").read_text().splitlines()]
            if name == "museum_guide":
                rows = [{**row, "slots": []} for row in rows]
            lines = (json.dumps({**row, "domain": name}) for row in rows)
            (tmp_path / "data" / name / f"{part}.jsonl").write_text("\n".join(lines))
    return tmp_path / "data"


PRETRAINING: dict[str, Any] = {
    "sources": ["coffee_machine", "museum_guide", "plant_care"], "without_slots": ["museum_guide"],
    "without_intents": ["plant_care"], "embeddings": "random", "embedding_size": 16, "hidden_size": 16, "task_hidden_size": 16,
    "min_word_count": 2, "learning_rate": 0.02, "per_device_train_batch_size": 16, "max_steps": 60, "disable_tqdm": True,
    "eval_strategy": "steps", "eval_steps": 30, "save_strategy": "steps", "save_steps": 30, "load_best_model_at_end": True,
}  # fmt: skip


def test_pretraining_on_sources_with_their_own_label_spaces(corpora: Path, tmp_path: Path) -> None:
    nlu = pretrain(corpora, tmp_path / "base", **PRETRAINING)
    assert nlu.model.skills == ["coffee_machine", "museum_guide", "plant_care"]
    assert nlu.model.skill("museum_guide")["slots"] == [] and nlu.model.skill("plant_care")["intents"] == []
    assert list(nlu.model.task_layers) == ["pretraining"]
    metrics = json.loads((tmp_path / "base" / "metrics.json").read_text())
    assert metrics["eval_coffee_machine_semantic_error_rate"] < 0.9
    assert "eval_museum_guide_intent_accuracy" in metrics and "eval_museum_guide_slot_f1" not in metrics
    assert "eval_plant_care_slot_f1" in metrics and "eval_plant_care_intent_accuracy" not in metrics
    assert {"eval_exact_match", "eval_intent_accuracy", "eval_slot_f1"} <= set(metrics)
    # The base it makes is one to fine-tune.
    skill = headstart.load_skill(corpora / "coffee_machine" / "train.jsonl", name="coffee")
    assert finetune(skill, tmp_path / "skill", base=str(tmp_path / "base"), **QUICK).model.skills == ["coffee"]


def test_a_run_says_how_many_rows_of_each_source_it_read(corpora: Path, tmp_path: Path) -> None:
    pretrain(corpora, tmp_path / "base", **{**PRETRAINING, "max_steps": 2, "eval_steps": 2, "save_steps": 2}, max_train_rows=40)
    read = json.loads((tmp_path / "base" / "run.json").read_text())["train_rows"]
    assert max(read.values()) == 40 and min(read.values()) > 0


def test_a_bases_card_has_its_corpora_figures_and_licence_which_its_skills_inherit(
    corpora: Path, coffee: Skill, tmp_path: Path
) -> None:
    quick = {**PRETRAINING, "max_steps": 4, "eval_steps": 4, "save_steps": 4}
    pretrain(corpora, tmp_path / "base", **quick, licence="cc-by-4.0")
    card = ModelCard.load(tmp_path / "base" / "README.md")
    assert card.data.license == "cc-by-4.0" and card.data.model_name == "base"
    rows = json.loads((tmp_path / "base" / "run.json").read_text())["train_rows"]
    for name, slots in (("coffee_machine", True), ("museum_guide", False)):
        assert re.search(rf"^\| {name} \| {rows[name]} \| [1-9]\d* \| {'[1-9]' if slots else '0'}", card.text, re.MULTILINE)
    assert re.search(r"^\| plant_care \| - \| [01]\.\d{3} \| [01]\.\d{3} \| \d\.\d{3} \|$", card.text, re.MULTILINE)
    assert "all-MiniLM" not in card.text and "4 steps" in card.text
    skill = headstart.load_skill(corpora / "coffee_machine" / "train.jsonl", name="coffee")
    finetune(skill, tmp_path / "skill", base=str(tmp_path / "base"), **QUICK)
    assert ModelCard.load(tmp_path / "skill" / "README.md").data.license == "cc-by-4.0"


def test_batches_hold_rows_of_similar_length_sorted_in_memory(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    model, tokenizer = HeadstartForJointNLU.from_pretrained(tiny_base), AutoTokenizer.from_pretrained(tiny_base)
    model.add_skill(coffee)
    rows = encode_rows(coffee.train, tokenizer, model.skill(coffee.name), model.skill_id(coffee.name))
    args = HeadstartTrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=4, use_cpu=True, report_to="none")
    loader = JointNLUTrainer(model, args, tokenizer, rows).get_train_dataloader()
    assert (
        type(loader.batch_sampler.sampler.lengths) is list
    )  # a column of the table would be read anew for every row: minutes for a corpus
    batches = [batch["attention_mask"].sum(dim=1).tolist() for batch in loader]
    assert sorted(length for batch in batches for length in batch) == sorted(rows["length"])
    assert sum(max(batch) - min(batch) for batch in batches) / len(batches) < (max(rows["length"]) - min(rows["length"])) / 2


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=200), batch_size=st.integers(1, 8), seed=st.integers(0, 9))
def test_batches_of_equal_lengths(lengths: list[int], batch_size: int, seed: int) -> None:
    """Every row comes once, only as many batches hold two lengths or more as there are lengths, and the order of batches and rows is a seed's own."""
    order = equal_length_order(lengths, batch_size, torch.Generator().manual_seed(seed))
    assert sorted(order) == list(range(len(lengths)))
    assert order == equal_length_order(lengths, batch_size, torch.Generator().manual_seed(seed))
    batches = [{lengths[row] for row in order[start : start + batch_size]} for start in range(0, len(order), batch_size)]
    assert sum(len(batch) - 1 for batch in batches) < len(set(lengths))


def test_batches_of_equal_lengths_come_in_any_order() -> None:
    lengths = [row // 50 for row in range(1000)]
    order = equal_length_order(lengths, 10, torch.Generator().manual_seed(0))
    of_batches = [lengths[row] for row in order[::10]]
    assert abs(np.corrcoef(of_batches, np.arange(100))[0, 1]) < 0.3  # neither long nor short ones first
    assert order != equal_length_order(lengths, 10, torch.Generator().manual_seed(1))


def test_pretraining_resumes(corpora: Path, tmp_path: Path) -> None:
    """In the middle of the first and of a later epoch, between two, and after the last step: rows come in the order of the uninterrupted run."""
    options = {
        **PRETRAINING,
        "max_steps": 20,
        "eval_steps": 4,
        "save_steps": 1,
        "load_best_model_at_end": False,
        "equal_lengths": True,
    }
    pretrain(corpora, tmp_path / "whole", save_total_limit=20, **options)
    epochs = [
        json.loads((tmp_path / "whole" / f"checkpoint-{step}" / "trainer_state.json").read_text())["epoch"]
        for step in range(1, 21)
    ]
    per_epoch = epochs.index(1.0) + 1
    for step in (2, per_epoch, per_epoch + 2, 20):
        # What an interruption after that step leaves: the checkpoint alone.
        half = tmp_path / f"half-{step}"
        half.mkdir()
        (tmp_path / "whole" / f"checkpoint-{step}").rename(half / f"checkpoint-{step}")
        pretrain(corpora, half, resume_from_checkpoint="last", **options)
        assert same(weights(tmp_path / "whole"), weights(half)), step
        assert json.loads((half / "metrics.json").read_text())["steps"] == 20


def test_what_has_stopped_early_is_over(corpora: Path, tmp_path: Path) -> None:
    """An interruption between the last checkpoint and the result, and one while it waits for a better score."""
    options = {
        **PRETRAINING,
        "eval_steps": 2,
        "save_steps": 2,
        "learning_rate": 1e-9,
        "max_steps": 20,
        "early_stopping_patience": 2,
    }
    pretrain(corpora, tmp_path / "whole", **options, save_total_limit=9)
    states = sorted(tmp_path.glob("whole/checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    assert [state.name for state in states] == ["checkpoint-2", "checkpoint-4", "checkpoint-6"]
    for number in (2, 3):
        for state in states[:number]:
            shutil.copytree(state, tmp_path / f"half-{number}" / state.name)
        pretrain(corpora, tmp_path / f"half-{number}", resume_from_checkpoint="last", **options)
        assert json.loads((tmp_path / f"half-{number}" / "metrics.json").read_text())["steps"] == 6


@pytest.mark.skipif(bf16_fault() is not None, reason="wants a processor with AVX-512")
def test_bfloat16_learns_as_float32_does(corpora: Path, tmp_path: Path) -> None:
    options = {
        **PRETRAINING, "max_steps": 20, "logging_steps": 1, "eval_strategy": "no", "save_steps": 20, "load_best_model_at_end": False,
        "word_dropout": 0.0, "hidden_dropout": 0.0,
    }  # fmt: skip
    losses = {}
    for name, more in (("float32", {}), ("bfloat16", {"bf16": True})):
        pretrain(corpora, tmp_path / name, **options, **more)
        history = json.loads((tmp_path / name / "checkpoint-20" / "trainer_state.json").read_text())["log_history"]
        losses[name] = [entry["loss"] for entry in history if "loss" in entry]
        dtypes = {tensor.dtype for tensor in weights(tmp_path / name).values() if tensor.is_floating_point()}
        assert dtypes == {torch.float32}
    assert len(losses["float32"]) == 20 and losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)


@pytest.mark.parametrize("has_units", [True, False])
def test_bfloat16_is_chosen_where_the_processor_has_units_for_it(
    has_units: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "amx_bf16": has_units})
    monkeypatch.setattr("headstart.training.arguments.bf16_fault", lambda: None)
    options: dict[str, Any] = {"output_dir": str(tmp_path), "use_cpu": True}
    assert HeadstartTrainingArguments(**options, auto_bf16=True).bf16 is has_units
    assert HeadstartTrainingArguments(**options).bf16 is False
    assert HeadstartTrainingArguments(**options, bf16=True, auto_bf16=True).bf16 is True
    with pytest.raises(ValueError, match="fp16 wants a GPU"):  # transformers would compute in float32
        HeadstartTrainingArguments(**options, fp16=True)


def test_a_processor_that_fails_at_bfloat16_is_told_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"output_dir": str(tmp_path), "use_cpu": True}
    if bf16_fault() is None:
        assert HeadstartTrainingArguments(**options, bf16=True).bf16 is True
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: (_ for _ in ()).throw(RuntimeError("no primitive")))
    assert str(bf16_fault()) == "no primitive"
    with pytest.raises(ValueError, match="bf16 doesn't work on this processor.*take auto_bf16"):
        HeadstartTrainingArguments(**options, bf16=True)
    HeadstartTrainingArguments(**options)


# ---- options


def test_options_come_from_a_file_and_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(f"skill: s\noutput_dir: {tmp_path}\nlearning_rate: 1e-3\nseed: 5\ntune: head\n")
    args = parse_options(FinetuneOptions, [str(tmp_path / "run.yaml"), "--seed", "7", "--tune=all"], "finetune")
    assert (args.skill, args.learning_rate, args.seed, args.tune) == ("s", 0.001, 7, "all")
    (tmp_path / "run.json").write_text(json.dumps({"data_dir": "d", "sources": ["a", "b"], "output_dir": str(tmp_path)}))
    assert parse_options(PretrainOptions, [str(tmp_path / "run.json")], "pretrain").sources == ["a", "b"]


def test_the_recipe_of_the_base_is_readable(root: Path, tmp_path: Path) -> None:
    args = parse_options(
        PretrainOptions, [str(root / "configs" / "base.yaml"), "--data_dir", "d", "--output_dir", str(tmp_path)], "pretrain"
    )
    assert not {"snips", "xsid_en", "hwu64"} & set(args.sources)
    trainer = training_arguments(args)
    assert trainer.metric_for_best_model == "semantic_error_rate" and trainer.greater_is_better is False


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--learning_rat", "1"], "unknown option 'learning_rat' in the command line. Did you mean learning_rate"),
        (["--skill", "s"], "output_dir is missing"),
        (["--output_dir", "o"], "skill is missing: say which: headstart finetune"),
        (["--skill", "s", "--output_dir", "o", "--tune", "trunk"], "tune is 'trunk'; it must be 'all' or 'head'"),
        (["--skill", "s", "--output_dir", "o", "--reset", "all"], "reset is 'all'; it must be 'classifiers' or 'task_layers'"),
        (["--skill", "s", "--output_dir", "o", "--from_scratch", "true", "--tune", "head"], "use tune='all'"),
        (
            ["--skill", "s", "--output_dir", "o", "--head", "big"],
            "head is 'big'; it must be 'lora', 'task_layers' or 'classifiers'",
        ),
        (["--skill", "s", "--output_dir", "o", "--rank", "0"], "rank is 0; it must be at least 1"),
        (
            ["--skill", "s", "--output_dir", "o", "--tune", "head", "--reset", "task_layers"],
            "head='lora' shares the task layers; to reset them, give the skill its own: head='task_layers'",
        ),
        (["--skill", "s", "--output_dir", "o", "--per_device_train_batch_size", "0"], "it must be at least 1"),
        (["--skill", "s", "--output_dir", "o", "--eval_steps", "0"], "eval_steps is 0.0; it must be greater than 0"),
        (["options.yaml"], "options.yaml is not a file of options; allowed: a .yaml or .json file"),
        (["rows.jsonl"], "output_dir is missing"),
    ],
)
def test_mistakes_in_options_are_explained(argv: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_options(FinetuneOptions, argv, "finetune")


def test_what_a_file_says_is_read_as_if_it_were_typed(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        f"data_dir: d\nsources: topv2\noutput_dir: {tmp_path}\neval_strategy: no\nbf16: false\nmax_train_rows: null\n"
    )
    args = parse_options(PretrainOptions, [str(path), "--learning-rate", "1e-3"], "pretrain")
    assert args.sources == ["topv2"] and args.learning_rate == 0.001 and args.max_train_rows is None
    assert args.trainer == {"eval_strategy": "no", "bf16": False}


@pytest.mark.parametrize("line", ["seed: 1.5", "no_seed: 5"])
def test_wrong_values_in_a_file_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "run.yaml").write_text(f"skill: s\noutput_dir: o\n{line}\n")
    with pytest.raises((ValueError, SystemExit)):
        parse_options(FinetuneOptions, [str(tmp_path / "run.yaml")], "finetune")


def test_a_skill_with_a_field_called_like_an_option_is_a_skill(tmp_path: Path) -> None:
    path = tmp_path / "lamp.yaml"
    path.write_text("language: en\nintents:\n  On:\n    data:\n      - sentences: [lights on]\n", encoding="utf-8")
    assert parse_options(FinetuneOptions, [str(path), "--output_dir", "out"], "finetune").skill == str(path)


def test_unknown_names_in_a_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("sed: 5\n")
    with pytest.raises(ValueError, match=r"unknown option 'sed' in .*run\.yaml\. Did you mean seed"):
        parse_options(FinetuneOptions, [str(tmp_path / "run.yaml"), "--skill", "s"], "finetune")


def test_loading_a_base_by_its_short_name() -> None:
    assert resolve_checkpoint("headstart-base-en") == headstart.BASE_EN
    assert resolve_checkpoint("some/other") == "some/other"
