"""Training with a Trainer, or a loop, of one's own, and what transformers' other tools make of a fine-tuned skill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from hub_server import HubServer
from torch.utils.data import DataLoader
from transformers import AutoConfig, AutoTokenizer, Trainer, TrainingArguments, pipeline
from transformers.pipelines.pt_utils import KeyDataset

import headstart
from headstart import HeadstartForJointNLU, NLUPipeline, Skill
from headstart.finetuning.starting_model import starting_model
from headstart.training.options import FinetuneOptions


def with_skill(tiny_base: Path, skill: Skill, **options: Any) -> HeadstartForJointNLU:
    model = HeadstartForJointNLU.from_pretrained(tiny_base)
    model.add_skill(skill, **options)
    return model


def test_a_skill_is_added_with_all_that_fine_tuning_gives_it(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    options = FinetuneOptions(output_dir=str(tmp_path), skill="coffee")
    expected, found = starting_model(str(tiny_base), coffee, options, tokenizer), with_skill(tiny_base, coffee)
    entry = found.skill(coffee.name)
    assert entry == expected.skill() and {"gazetteer", "rejection", "label_priors"} <= set(entry)
    values = [model.gazetteers[coffee.name].state_dict()["token_ids"] for model in (found, expected)]
    assert torch.equal(*values)


def test_all_of_it_can_be_left_out(coffee: Skill, tiny_base: Path) -> None:
    plain = with_skill(tiny_base, coffee, catalogs={}, listed={}, rejects=False, label_priors={}, slot_types={}).skill(
        coffee.name
    )
    labels: Any = SimpleNamespace(name="lamp", intents=["on"], slots=["room"])
    fields = {"name", "intents", "slots", "task_layers"}
    assert set(plain) == fields and set(with_skill(tiny_base, labels).skill("lamp")) == fields


def test_a_model_from_no_checkpoint_asks_for_the_tokenizer(coffee: Skill, model: HeadstartForJointNLU, tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="give that, as tokenizer="):
        model.add_skill(coffee)
    model.add_skill(coffee, tokenizer=tokenizer)
    assert "gazetteer" in model.skill(coffee.name)


def test_the_rows_are_those_of_fine_tuning(coffee: Skill, tiny_base: Path) -> None:
    """Other skills may stay in the model."""
    model, tokenizer = with_skill(tiny_base, coffee), AutoTokenizer.from_pretrained(tiny_base)
    rows = headstart.training_rows(coffee, model, tokenizer, seed=1)
    assert {row["skill_ids"] for row in rows.encoded} == {3}
    num_own, num_intents = len(coffee.rows("train")), len(coffee.intents)
    assert len(rows) == num_own + 9 + num_intents  # 15 % of out-of-scope utterances, and the intents' names
    assert sum(row["intent_labels"] == num_intents for row in rows.encoded) == 9
    first = list(rows.encoded)
    rows.begin_epoch(1)
    assert rows.encoded != first
    with pytest.raises(
        ValueError, match="training_rows has no option 'batch'; allowed: infer, misspell, name_rows, out_of_scope"
    ):
        headstart.training_rows(coffee, model, tokenizer, batch=3)


def test_a_plain_trainer_and_a_plain_loop_learn(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    models = [with_skill(tiny_base, coffee) for _ in range(2)]
    collate, losses = headstart.JointNLUCollator(), []
    for model in models:
        rows = headstart.training_rows(coffee, model, tokenizer, seed=0)
        headstart.fit_classifiers(model, rows)
        with torch.no_grad():
            losses.append(model.eval()(**collate(rows.encoded)).loss)
    arguments = TrainingArguments(
        str(tmp_path), max_steps=20, learning_rate=0.005, use_cpu=True, report_to="none", save_strategy="no", disable_tqdm=True
    )
    entry, number = models[0].skill(coffee.name), models[0].skill_id(coffee.name)
    held_out = headstart.encode_rows(coffee.test, tokenizer, entry, number)
    trainer = Trainer(
        models[0],
        arguments,
        train_dataset=rows,
        eval_dataset=held_out,
        data_collator=collate,
        callbacks=[headstart.NewEpoch(rows)],
    )
    trainer.train()
    assert trainer.evaluate()["eval_loss"] > 0
    optimizer = torch.optim.AdamW(models[1].train().parameters(), lr=0.005)
    for epoch in range(3):
        rows.begin_epoch(epoch)
        for batch in DataLoader(rows, batch_size=8, shuffle=True, collate_fn=collate):
            models[1](**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    rows.begin_epoch(0)
    for model, loss in zip(models, losses, strict=True):
        with torch.no_grad():
            assert model.eval()(**collate(rows.encoded)).loss < 0.9 * loss
        assert NLUPipeline(model=model, tokenizer=tokenizer)("a latte", skill=coffee.name)["skill"] == coffee.name


@pytest.fixture(scope="module")
def trained(coffee: Skill, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coffee")
    headstart.finetune(coffee, folder, base=str(tiny_base), max_steps=2, use_cpu=True, disable_tqdm=True)
    return folder


def test_the_configuration_names_the_intents_of_one_skill(coffee: Skill, trained: Path, tiny_base: Path) -> None:
    config = AutoConfig.from_pretrained(trained)
    assert config.id2label == dict(enumerate(coffee.intents)) and config.num_labels == len(coffee.intents)
    assert config.label2id == {intent: number for number, intent in enumerate(coffee.intents)}
    model = with_skill(tiny_base, coffee)
    assert model.config.id2label == {0: "LABEL_0", 1: "LABEL_1"}  # several skills: each has its own
    for name in model.skills[:-1]:
        model.delete_skill(name)
    assert model.config.id2label == config.id2label
    model.add_skill(Skill("lamp", [{"text": "on", "intent": "on", "slots": []}]))
    assert model.config.id2label == {0: "LABEL_0", 1: "LABEL_1"}


def test_datasets_go_through_the_pipeline(trained: Path) -> None:
    nlu = pipeline("joint-nlu", model=str(trained))
    texts = ["a large latte", "stop", "clean it"]
    rows = Dataset.from_dict({"text": texts})
    expected = nlu(texts)
    assert list(nlu(KeyDataset(rows, "text"), batch_size=2)) == nlu(texts, batch_size=2)
    labels = [answer["intent"]["label"] for answer in expected]
    assert rows.map(lambda row: {"intent": nlu(row["text"])["intent"]["label"]})["intent"][:] == labels
    mapped = rows.map(lambda batch: {"intent": [answer["intent"]["label"] for answer in nlu(batch["text"])]}, batched=True)
    assert mapped["intent"][:] == labels


PUSHES = """
import sys
from transformers import AutoTokenizer, pipeline
from headstart import HeadstartForJointNLU, encode_rows, load_skill
from headstart.training.arguments import HeadstartTrainingArguments
from headstart.training.trainer import JointNLUTrainer
folder, skill, out = sys.argv[1:]
model = HeadstartForJointNLU.from_pretrained(folder)
print(model.push_to_hub("alice/model"))
print(pipeline("joint-nlu", model=folder).push_to_hub("alice/pipeline", commit_message="of a pipeline"))
tokenizer = AutoTokenizer.from_pretrained(folder)
rows = encode_rows(load_skill(skill).train, tokenizer, model.skill())
args = HeadstartTrainingArguments(out, use_cpu=True, report_to="none", hub_model_id="alice/trainer")
print(JointNLUTrainer(model, args, tokenizer, rows).push_to_hub())
"""


def test_model_pipeline_and_trainer_push_the_same_files(
    hub: HubServer, run: Any, root: Path, trained: Path, tmp_path: Path
) -> None:
    done = run(PUSHES, trained, root / "examples" / "coffee_machine", tmp_path)
    assert done.returncode == 0, done.stderr
    model, of_pipeline, of_trainer = (hub.files(f"alice/{name}") for name in ("model", "pipeline", "trainer"))
    assert model == of_pipeline
    del model["config.json"], of_trainer["config.json"]  # a Trainer notes use_cache there
    assert model == of_trainer
    assert {"model.safetensors", "tokenizer.json", "pipeline_headstart.py"} <= set(model)
    assert not [name for name in model if name.endswith((".bin", ".pt"))]


@pytest.mark.slow
def test_the_example_takes_what_the_command_takes(root: Path, tmp_path: Path) -> None:
    source = root / "examples" / "own_trainer.py"
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 40
    skill = root / "examples" / "coffee_machine"
    subprocess.run([sys.executable, source, skill, tmp_path / "own"], check=True, capture_output=True)
    headstart.finetune(skill, tmp_path / "command", disable_tqdm=True)
    own, command = (headstart.evaluate(tmp_path / name, skill / "test.jsonl") for name in ("own", "command"))
    assert own["semantic_error_rate"] <= command["semantic_error_rate"] + 0.05


@pytest.mark.slow
def test_fine_tuning_in_two_processes(root: Path, tiny_base: Path, tmp_path: Path) -> None:
    """As `accelerate launch` starts them; the first one writes."""
    config = root / "configs" / "accelerate" / "two-processes-cpu.yaml"
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--config_file", config, root / "train.py", "finetune", "--skill",
        root / "examples" / "coffee_machine", "--base", tiny_base, "--output_dir", tmp_path / "out", "--max_steps", "4", "--use_cpu", "true",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    nlu = pipeline("joint-nlu", model=str(tmp_path / "out"))
    assert nlu("a latte")["skill"] == "coffee_machine"
