"""A sentence encoder as a teacher in pretraining. Its embeddings of sentences are made up; its states of words are its own."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerBase

from headstart import pretrain
from headstart.modeling.losses_headstart import IGNORED
from headstart.pretraining.distillation import TEXT, DistillationCollator
from headstart.pretraining.embeddings import teacher_folder
from headstart.pretraining.teacher_cache import TeacherCache
from headstart.pretraining.teachers import Teacher, TeacherStates, teacher_columns

read: Counter[str] = Counter()


@cache
def real_teacher() -> Teacher:
    return Teacher(teacher_folder())


def say(self: Teacher, texts: Sequence[str], tokenizer: Any, device: Any = "cpu") -> TeacherStates:
    """Of utterances as if by their first letter, of each word, but the second, the number of its letters."""
    read.update(texts)
    letters = torch.nn.functional.one_hot(torch.tensor([ord(text[0]) % 7 for text in texts]), 7).float()
    sentences = torch.nn.functional.normalize(letters.repeat(1, self.size // 7 + 1)[:, : self.size], dim=1).half().float()
    words = [text.split() for text in texts]
    present = torch.zeros(len(texts), max(map(len, words)), dtype=torch.bool)
    for row, found in enumerate(words):
        present[row, : len(found)] = True
    present[:, 1:2] = False
    sizes = [len(word) for found in words for number, word in enumerate(found) if number != 1]
    return TeacherStates(sentences, torch.tensor(sizes).unsqueeze(1).expand(-1, self.size).float(), present)


@pytest.fixture
def teacher(monkeypatch: pytest.MonkeyPatch) -> Teacher:
    """One that says things made up."""
    read.clear()
    monkeypatch.setattr(Teacher, "read_texts", say)
    return Teacher(teacher_folder())


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


def test_texts_are_read_once(teacher: Teacher, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    TeacherCache(["brew a tea", "stop"], teacher, tokenizer, tmp_path)
    again = TeacherCache(["stop", "clean", "brew a tea", "stop"], teacher, tokenizer, tmp_path)
    assert read == {"brew a tea": 1, "stop": 1, "clean": 1}
    said, wanted = again.said(["clean", "brew a tea", "clean"]), say(teacher, ["clean", "brew a tea", "clean"], tokenizer)
    assert all(torch.equal(*parts) for parts in zip(said, wanted, strict=True)) and said.words.dtype == torch.float32
    assert not again.said(["stop"]).present[:, 1:].any()


def test_reading_goes_on_where_it_was_interrupted(
    teacher: Teacher, tokenizer: PreTrainedTokenizerBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.pretraining.teacher_cache.TEXTS_OF_A_FILE", 2)
    texts = ["a", "b", "c", "d", "e"]

    def break_off(self: Teacher, texts: Sequence[str], tokenizer: Any, device: Any = "cpu") -> TeacherStates:
        if "c" in texts:
            raise KeyboardInterrupt
        return say(self, texts, tokenizer)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Teacher, "read_texts", break_off)
        TeacherCache(texts, teacher, tokenizer, tmp_path)
    cache = TeacherCache(texts, teacher, tokenizer, tmp_path)
    assert read == dict.fromkeys(texts, 1) and len(list(tmp_path.glob("*/*"))) == 3
    assert torch.equal(cache.said(texts).sentences, say(teacher, texts, tokenizer).sentences)


def test_a_cache_goes_to_other_processes_and_says_what_is_damaged(
    teacher: Teacher, tokenizer: PreTrainedTokenizerBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.pretraining.teacher_cache.TEXTS_OF_A_FILE", 1)
    texts = ["brew a tea", "stop", "x"]
    cache = TeacherCache(texts, teacher, tokenizer, tmp_path)
    said, sent = cache.said(texts), pickle.loads(pickle.dumps(cache)).said(texts)
    assert all(torch.equal(*parts) for parts in zip(said, sent, strict=True))
    first, second, _ = sorted(tmp_path.glob("*/*"))
    first.unlink()  # what is left stays as it is, and the gap is filled
    assert torch.equal(TeacherCache(texts, teacher, tokenizer, tmp_path).said(texts).words, said.words)
    assert first.exists() and len(list(tmp_path.glob("*/*"))) == 3
    second.write_bytes(second.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"00001.safetensors is damaged: .*; delete it, and its texts are read anew"):
        TeacherCache(texts, teacher, tokenizer, tmp_path)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_is_kept_is_what_the_teacher_says(tokenizer: PreTrainedTokenizerBase, tmp_path: Path, texts: list[str]) -> None:
    teacher = real_teacher()
    kept = TeacherCache(texts, teacher, tokenizer, tmp_path).said(texts)
    for number, text in enumerate(texts):
        alone = teacher.read_texts([text], tokenizer)
        width = alone.present.shape[1]
        assert torch.equal(kept.present[number, :width], alone.present[0]) and not kept.present[number, width:].any()
        torch.testing.assert_close(kept.sentences[number], alone.sentences[0], atol=1e-3, rtol=0)
        words = kept.words[kept.present[:number].sum() : kept.present[: number + 1].sum()]
        torch.testing.assert_close(words, alone.words, atol=1e-2, rtol=1e-2)


def test_a_batch_holds_what_was_said_of_its_own_rows(
    teacher: Teacher, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    row = {"input_ids": [5], "slot_labels": [0], "intent_labels": 1, "skill_ids": 0}
    collate = DistillationCollator(0, [TeacherCache(["brew a tea", "stop"], teacher, tokenizer, tmp_path)])
    batch = collate([{**row, TEXT: "stop"}, {**row, TEXT: "brew a tea"}])
    assert batch["words_0"][:, 0].tolist() == [4, 4, 3] and batch["present_0"].tolist() == [
        [True, False, False],
        [True, False, True],
    ]
    assert "sentences_0" in batch and batch["intent_labels"].tolist() == [1, 1]
    assert "sentences_0" not in collate([row])  # validation rows have none


def test_states_come_to_point_where_the_teachers_do(teacher: Teacher, corpora: Path, tmp_path: Path) -> None:
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
        wanted = say(teacher, texts, None).sentences
        same = (wanted @ wanted.T > 0.5) & ~torch.eye(len(texts), dtype=torch.bool)
        likeness = states @ states.T
        gaps.append(float(likeness[same].mean() - likeness[~same].mean()))
    assert gaps[0] > gaps[1] + 0.1


def test_words_stand_where_the_teachers_pieces_of_them_do(tokenizer: PreTrainedTokenizerBase) -> None:
    teacher = real_teacher()
    texts = ["Don't brew an Espresso-macchiato at 7:30, please…", "café  crème", "☕", "", "brew " * 600]
    columns = teacher_columns(texts, tokenizer, teacher.tokenizer)
    for ids, numbers, text in zip(columns["teacher_ids"], columns["teacher_words"], texts, strict=True):
        ours = tokenizer(text, return_offsets_mapping=True, verbose=False)
        theirs = teacher.tokenizer(text, return_offsets_mapping=True, truncation=True)
        assert ids == theirs["input_ids"] and len(numbers) == len(ids)
        for (start, end), number in zip(theirs["offset_mapping"], numbers, strict=True):
            if number == IGNORED:
                assert start == end  # [CLS] and [SEP]
            else:
                span = ours.word_to_chars(number)
                assert span.start <= start < span.end


def test_a_words_state_is_the_mean_of_its_pieces_in_the_upper_layers(tokenizer: PreTrainedTokenizerBase) -> None:
    teacher = real_teacher()
    sentences, states, present = teacher.read_texts(["start the descaling", "brew"], tokenizer)
    assert present.sum(dim=1).tolist() == [3, 1]
    with torch.no_grad():
        alone = teacher.model(
            **teacher.tokenizer(["start the descaling"], return_tensors="pt"), output_hidden_states=True
        ).hidden_states
    torch.testing.assert_close(sentences[0], torch.nn.functional.normalize(alone[-1][0].mean(dim=0), dim=0), atol=1e-5, rtol=0)
    pieces = torch.stack(alone[3:7]).mean(dim=0)[0, 1:-1]
    assert len(pieces) > 3  # the teacher cuts "descaling"
    wanted = torch.stack([pieces[0], pieces[1], pieces[2:].mean(dim=0)])
    torch.testing.assert_close(states[:3], wanted, atol=1e-5, rtol=0)


def test_a_teacher_pools_as_its_checkpoint_says(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    folder = tmp_path / "teacher"
    shutil.copytree(teacher_folder(), folder)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.parent.mkdir(exist_ok=True)
    pooling.write_text(
        json.dumps({"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    )
    first = Teacher(folder)
    with torch.no_grad():
        state = first.model(**first.tokenizer(["brew a tea"], return_tensors="pt")).last_hidden_state[0, 0]
    found = first.read_texts(["brew a tea", "a much longer text than the other one"], tokenizer).sentences[0]
    torch.testing.assert_close(found, torch.nn.functional.normalize(state, dim=0), atol=1e-5, rtol=0)
    pooling.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(ValueError, match=r"found pooling_mode_max_tokens; allowed: the mean of all tokens"):
        Teacher(folder)


def test_states_of_words_come_to_point_where_the_teachers_do(corpora: Path, tmp_path: Path, losses: list[float]) -> None:
    options = {**OPTIONS, "sentence_loss": 0.0, "word_loss": 5.0, "max_steps": 50, "eval_strategy": "no", "save_strategy": "no"}
    pretrain(corpora, tmp_path / "base", load_best_model_at_end=False, learning_rate=2e-2, **options)
    assert len(losses) == 50 and sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_the_teacher_reads_misspelt_rows_as_they_should_be(teacher: Teacher, corpora: Path, tmp_path: Path) -> None:
    """The network reads other words than it does without, the teacher the same ones."""
    heard, embeddings = [], []
    for misspell in (0.0, 1.0):
        read.clear()
        options = {
            **OPTIONS,
            "misspell": misspell,
            "word_loss": 5.0,
            "max_steps": 2,
            "eval_strategy": "no",
            "save_strategy": "no",
        }
        nlu = pretrain(corpora, tmp_path / f"base{misspell}", load_best_model_at_end=False, **options)
        heard.append(dict(read))
        embeddings.append(nlu.model.trunk.embed_tokens.weight)
    rows = [line for name in OPTIONS["sources"] for line in (corpora / name / "train.jsonl").read_text().splitlines()]
    assert heard[0] == heard[1] == {json.loads(line)["text"]: 1 for line in rows}
    assert not torch.equal(*embeddings)


def test_in_bfloat16_the_teacher_says_the_same(tokenizer: PreTrainedTokenizerBase) -> None:
    exact, rounded = (
        Teacher(teacher_folder(), dtype=dtype).read_texts(["start the descaling"], tokenizer)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded.words.dtype == rounded.sentences.dtype == torch.float32 and torch.equal(rounded.present, exact.present)
    for ours, theirs in ((rounded.sentences, exact.sentences), (rounded.words, exact.words)):
        assert torch.nn.functional.cosine_similarity(ours, theirs).min() > 0.99


def test_words_are_taught_as_far_as_both_read(corpora: Path, tmp_path: Path, losses: list[float]) -> None:
    """One row is longer than the network reads, another than the teacher does."""
    row = {"text": "brew " * 700 + "now", "intent": "MakeDrink", "slots": [], "domain": "coffee_machine"}
    with (corpora / "coffee_machine" / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(row) + "\n")
    options = {**OPTIONS, "sentence_loss": 0.0, "word_loss": 5.0, "max_steps": 16, "eval_strategy": "no", "save_strategy": "no"}
    pretrain(corpora, tmp_path / "base", load_best_model_at_end=False, **options)
    assert len(losses) == 16 and all(math.isfinite(loss) for loss in losses)


@pytest.mark.parametrize("word_loss", [0.0, 1.0])
def test_resumed_equals_uninterrupted_and_the_maps_are_thrown_away(
    word_loss: float, teacher: Teacher, corpora: Path, tmp_path: Path
) -> None:
    options = {**OPTIONS, "word_loss": word_loss, "load_best_model_at_end": False, "teacher_cache": str(tmp_path / "cache")}
    two = {**options, "teachers": [str(teacher.folder), str(teacher.folder)]}
    pretrain(corpora, tmp_path / "whole", **two)
    (tmp_path / "half").mkdir()
    (tmp_path / "whole" / "checkpoint-4").rename(tmp_path / "half" / "checkpoint-4")
    pretrain(corpora, tmp_path / "half", resume_from_checkpoint="last", **two)
    whole, half = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "half"))
    assert whole.keys() == half.keys() and all(torch.equal(value, half[name]) for name, value in whole.items())
    assert not any("_map" in name for name in whole)
    card = (tmp_path / "whole" / "README.md").read_text()
    assert f"taught the bi-LSTMs: {teacher.name}, {teacher.name}." in card and "MiniLM" not in card
    interrupted = load_file(tmp_path / "whole" / "checkpoint-8" / "model.safetensors")
    assert "sentence_maps.1.weight" in interrupted and ("word_maps.1.weight" in interrupted) == bool(word_loss)
    assert set(read.values()) == {1}  # the second teacher and the second run found all in the cache
    with pytest.raises(ValueError, match="teachers"):
        pretrain(corpora, tmp_path / "half", resume_from_checkpoint="last", **{**options, "max_steps": 9})
