"""A sentence encoder as a teacher in pretraining. Its embeddings of sentences are made up; its states of words are its own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerBase

from headstart import pretrain
from headstart.modeling.losses_headstart import IGNORED
from headstart.pretraining.distillation import DistillationCollator, SentenceEmbeddings, Teacher, teacher_columns
from headstart.pretraining.embeddings import embed_sentences, teacher_folder

asked: Counter[str] = Counter()


def embed(texts: list[str], folder: Path, device: Any = "cpu") -> torch.Tensor:
    """As if by their first letter."""
    asked.update(texts)
    letters = torch.tensor([ord(text[0]) % 7 for text in texts])
    return torch.nn.functional.one_hot(letters, 7).half()


@pytest.fixture(autouse=True)
def teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    asked.clear()
    monkeypatch.setattr("headstart.pretraining.distillation.embed_sentences", embed)


@pytest.fixture
def corpora(root: Path, tmp_path: Path) -> Path:
    for name in ("coffee_machine", "plant_care"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
            text = (root / "examples" / name / f"{source}.jsonl").read_text()
            (tmp_path / "data" / name / f"{part}.jsonl").write_text(text)
    return tmp_path / "data"


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those of words, step by step."""
    found: list[float] = []
    measure = torch.nn.functional.cosine_similarity

    def listen(*args: Any, **kwargs: Any) -> torch.Tensor:
        likeness = measure(*args, **kwargs)
        found.append(1 - likeness.mean().item())
        return likeness

    monkeypatch.setattr("headstart.pretraining.distillation.cosine_similarity", listen)
    return found


OPTIONS: dict[str, Any] = {
    "sources": ["coffee_machine", "plant_care"], "embeddings": "random", "min_word_count": 2, "embedding_size": 12, "hidden_size": 10,
    "task_hidden_size": 16, "sentence_loss": 5.0, "max_steps": 8, "per_device_train_batch_size": 16, "eval_strategy": "steps",
    "eval_steps": 4, "save_strategy": "steps", "save_steps": 4, "use_cpu": True, "report_to": "none", "disable_tqdm": True,
}  # fmt: skip


def test_utterances_are_embedded_once(tmp_path: Path) -> None:
    first = SentenceEmbeddings(["brew", "stop"], tmp_path)
    again = SentenceEmbeddings(["stop", "clean", "brew"], tmp_path)
    assert asked == {"brew": 1, "stop": 1, "clean": 1} and first.size == again.size == 7
    assert torch.equal(again.embeddings[again.numbers["stop"]], first.embeddings[first.numbers["stop"]])
    assert json.loads((tmp_path / "texts.json").read_text()) == ["brew", "stop", "clean"]


def test_a_batch_holds_the_embeddings_of_its_own_rows() -> None:
    row = {"input_ids": [5], "slot_labels": [0], "intent_labels": 1, "skill_ids": 0}
    batch = DistillationCollator(0, torch.arange(6).view(3, 2).half())([{**row, "sentence": 2}, {**row, "sentence": 0}])
    assert batch["sentence_embeddings"].tolist() == [[4.0, 5.0], [0.0, 1.0]] and batch["intent_labels"].tolist() == [1, 1]
    assert "sentence_embeddings" not in DistillationCollator(0, torch.zeros(3, 2))([row])  # validation rows have none


def test_states_come_to_point_where_the_teachers_do(corpora: Path, tmp_path: Path) -> None:
    """Utterances with the same embedding get more similar states than others; without the teacher they don't."""
    gaps = []
    for weight in (5.0, 0.0):
        options = {
            **OPTIONS,
            "sentence_loss": weight,
            "max_steps": 80,
            "eval_strategy": "no",
            "save_strategy": "no",
            "learning_rate": 2e-2,
        }
        nlu = pretrain(corpora, tmp_path / f"base{weight}", load_best_model_at_end=False, **options)
        texts = [json.loads(line)["text"] for line in (corpora / "plant_care" / "train.jsonl").read_text().splitlines()]
        inputs = nlu.tokenizer(texts, padding=True, return_tensors="pt")
        names = ["plant_care"] * len(texts)
        with torch.no_grad():
            outputs = nlu.model(inputs["input_ids"], inputs["attention_mask"], skill_ids=nlu.model.skill_ids(names))
        states = torch.nn.functional.normalize(outputs.intent_states - outputs.intent_states.mean(dim=0), dim=1)
        wanted = embed(texts, Path()).float()
        same = (wanted @ wanted.T).bool() & ~torch.eye(len(texts), dtype=torch.bool)
        likeness = states @ states.T
        gaps.append(float(likeness[same].mean() - likeness[~same].mean()))
    assert gaps[0] > gaps[1] + 0.1


def test_words_stand_where_the_teachers_pieces_of_them_do(tokenizer: PreTrainedTokenizerBase) -> None:
    teacher = Teacher(teacher_folder())
    texts = ["Don't brew an Espresso-macchiato at 7:30, please…", "café  crème", "☕", "", "brew " * 600]
    columns = teacher_columns(texts, tokenizer, teacher.tokenizer)
    for ids, positions, text in zip(columns["teacher_ids"], columns["teacher_positions"], texts, strict=True):
        ours = tokenizer(text, return_offsets_mapping=True, verbose=False)
        theirs = teacher.tokenizer(text, return_offsets_mapping=True, truncation=True)
        assert ids == theirs["input_ids"] and len(positions) == len(ids)
        for (start, end), position in zip(theirs["offset_mapping"], positions, strict=True):
            if position == IGNORED:
                assert start == end  # [CLS] and [SEP]
            else:
                span = ours.word_to_chars(ours.token_to_word(position))
                assert span.start <= start < span.end and ours.token_to_chars(position).start == span.start


def test_a_words_state_is_the_mean_of_its_pieces_in_the_middle_layers(tokenizer: PreTrainedTokenizerBase) -> None:
    teacher = Teacher(teacher_folder())
    texts = ["start the descaling", "brew"]
    columns = teacher_columns(texts, tokenizer, teacher.tokenizer)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    base = {"slot_labels": [0], "intent_labels": 1, "skill_ids": 0}
    batch = DistillationCollator(0)(
        [{**base, **row, "input_ids": tokenizer(text)["input_ids"]} for row, text in zip(rows, texts, strict=True)]
    )
    sentences, states, are_words = teacher.read(batch["teacher_ids"], batch["teacher_positions"], batch["input_ids"].shape[1])
    torch.testing.assert_close(sentences, embed_sentences(texts, teacher_folder()).float(), atol=1e-3, rtol=0)
    assert are_words.sum(dim=1).tolist() == [3, 1] and torch.allclose(states.mean(dim=0), torch.zeros(teacher.size), atol=1e-6)
    with torch.no_grad():
        alone = teacher.model(**teacher.tokenizer([texts[0]], return_tensors="pt"), output_hidden_states=True).hidden_states
    pieces = torch.stack(alone[3:7]).mean(dim=0)[0, 1:-1]
    assert len(pieces) > 3  # the teacher cuts "descaling"
    wanted = torch.stack([pieces[0], pieces[1], pieces[2:].mean(dim=0)])
    assert torch.allclose(states[1:3] - states[0], wanted[1:] - wanted[0], atol=1e-5)


def test_states_of_words_come_to_point_where_the_teachers_do(corpora: Path, tmp_path: Path, losses: list[float]) -> None:
    options = {**OPTIONS, "sentence_loss": 0.0, "word_loss": 5.0, "max_steps": 50, "eval_strategy": "no", "save_strategy": "no"}
    pretrain(corpora, tmp_path / "base", load_best_model_at_end=False, learning_rate=2e-2, **options)
    assert len(losses) == 50 and sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_in_bfloat16_the_teacher_says_the_same(tokenizer: PreTrainedTokenizerBase) -> None:
    columns = teacher_columns(["start the descaling"], tokenizer, Teacher(teacher_folder()).tokenizer)
    ids, positions = (torch.tensor(column) for column in columns.values())
    exact, rounded = (
        Teacher(teacher_folder(), dtype=dtype).read(ids, positions, 16) for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded.words.dtype == rounded.sentences.dtype == torch.float32 and torch.equal(rounded.are_words, exact.are_words)
    for ours, theirs in ((rounded.sentences, exact.sentences), (rounded.words, exact.words)):
        assert torch.nn.functional.cosine_similarity(ours, theirs).min() > 0.99


@pytest.mark.parametrize("word_loss", [0.0, 1.0])
def test_resumed_equals_uninterrupted_and_the_maps_are_thrown_away(word_loss: float, corpora: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "word_loss": word_loss, "load_best_model_at_end": False, "sentence_cache": str(tmp_path / "cache")}
    pretrain(corpora, tmp_path / "whole", **options)
    (tmp_path / "half").mkdir()
    (tmp_path / "whole" / "checkpoint-4").rename(tmp_path / "half" / "checkpoint-4")
    pretrain(corpora, tmp_path / "half", resume_from_checkpoint="last", **options)
    whole, half = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "half"))
    assert whole.keys() == half.keys() and all(torch.equal(value, half[name]) for name, value in whole.items())
    assert not any("_map" in name for name in whole)
    interrupted = load_file(tmp_path / "whole" / "checkpoint-8" / "model.safetensors")
    assert "sentence_map.weight" in interrupted and ("word_map.weight" in interrupted) == bool(word_loss)
    # The second run found the cache; a teacher that reads every batch for its words says what it makes of the utterance, too.
    assert set(asked.values()) == (set() if word_loss else {1})
