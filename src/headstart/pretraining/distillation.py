"""A sentence encoder as a teacher in pretraining: utterances that mean the same to it shall have similar IC states, and words that play
the same part similar ST states.

The pooled states of the IC bi-LSTM, through a linear map that is thrown away afterwards, learn to point where the teacher's sentence
embeddings point; words' ST states likewise where its states of the words point. Intents of a new skill are then told apart by meaning, not only by the words that the pretraining intents hang on.
Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), with the cosine loss of Sanh et al., "DistilBERT" (2019).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch.nn.functional import cosine_similarity, normalize
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from headstart.consent import load_without_code
from headstart.modeling.labels_headstart import IGNORED
from headstart.pretraining.embeddings import embed_sentences, teacher_folder
from headstart.saving import written_aside
from headstart.tokenization import find_words
from headstart.tokenization.answers_headstart import token_limit
from headstart.training.collator import JointNLUCollator
from headstart.training.trainer import JointNLUTrainer

TEXTS, EMBEDDINGS = "texts.json", "embeddings.safetensors"


class SentenceEmbeddings:
    """The teacher's embeddings of some utterances, kept in a folder: `texts.json` and `embeddings.safetensors`.

    Args:
        texts: the utterances; those that the folder lacks are embedded now, and the folder is written anew.
        folder: where they are kept.
        device: where the teacher reads them.
    """

    def __init__(self, texts: Sequence[str], folder: Path, device: torch.device | str = "cpu") -> None:
        names, values = folder / TEXTS, folder / EMBEDDINGS
        known: list[str] = json.loads(names.read_text(encoding="utf-8")) if names.exists() and values.exists() else []
        self.embeddings = load_file(values)["embeddings"] if known else torch.empty(0, 0, dtype=torch.float16)
        if len(self.embeddings) != len(known):
            raise ValueError(
                f"{folder} holds {len(self.embeddings)} embeddings of {len(known)} texts; delete it, it will be made anew."
            )
        missing = sorted(set(texts) - set(known))
        if missing:
            found = embed_sentences(missing, teacher_folder(), device)
            self.embeddings = torch.cat([self.embeddings, found]) if known else found
            known += missing
            with written_aside(folder, TEXTS) as aside:
                save_file({"embeddings": self.embeddings}, aside / EMBEDDINGS)
                (aside / TEXTS).write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
        self.numbers = {text: number for number, text in enumerate(known)}

    @property
    def size(self) -> int:
        """Width of an embedding."""
        return self.embeddings.shape[1]


class TeacherStates(NamedTuple):
    """What the teacher says of a batch.

    Args:
        sentences: (batch, size) float, of length 1: the mean of the last states (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019).
        words: (words, size) float, less their mean.
        are_words: (batch, tokens) bool, where these words begin.
    """

    sentences: torch.Tensor
    words: torch.Tensor
    are_words: torch.Tensor


class Teacher:
    """The sentence encoder itself, which reads every batch anew: what it says of all words of a corpus would fill gigabytes.

    Its states of words, which ST states shall point to, say what a word is in its utterance, not what it means alone. They are the mean of its middle
    layers, which tell most of syntax and of the kinds of entities (Tenney, Das and Pavlick, "BERT Rediscovers the Classical NLP
    Pipeline", ACL 2019); a word's are the mean over its tokens.

    Args:
        folder: the teacher's checkpoint.
        layers: first and last of the layers.
        dtype: what it computes in; its states are given in float32.
    """

    def __init__(self, folder: Path, layers: tuple[int, int] = (3, 6), dtype: torch.dtype = torch.float32) -> None:
        self.model = load_without_code(AutoModel.from_pretrained, folder, dtype=dtype).eval()
        self.tokenizer = load_without_code(AutoTokenizer.from_pretrained, folder)
        self.layers = layers

    @property
    def size(self) -> int:
        """Width of a state."""
        return int(self.model.config.hidden_size)

    @torch.no_grad()
    def read(self, teacher_ids: torch.Tensor, teacher_positions: torch.Tensor, num_tokens: int) -> TeacherStates:
        """What it says of a batch.

        Args:
            teacher_ids: (batch, teacher's tokens) long, padded.
            teacher_positions: (batch, teacher's tokens) long, see [`teacher_columns`].
            num_tokens: width of the batch in the tokens of the network.
        """
        self.model.to(teacher_ids.device)
        mask = (teacher_ids != self.tokenizer.pad_token_id).long()
        layers = self.model(teacher_ids, attention_mask=mask, output_hidden_states=True).hidden_states
        sentences = (layers[-1].float() * mask.unsqueeze(2)).sum(dim=1)
        first, last = self.layers
        states = torch.stack(layers[first : last + 1]).float().mean(dim=0)
        belongs = torch.nn.functional.one_hot(teacher_positions.clamp(min=0), num_tokens).to(states.dtype)
        belongs *= (teacher_positions != IGNORED).unsqueeze(2)
        counts = belongs.sum(dim=1)
        of_words = (belongs.transpose(1, 2) @ states)[counts > 0] / counts[counts > 0].unsqueeze(1)
        return TeacherStates(normalize(sentences, dim=1), of_words - of_words.mean(dim=0), counts > 0)


def teacher_columns(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, teacher_tokenizer: PreTrainedTokenizerBase
) -> dict[str, list[list[int]]]:
    """Columns of encoded rows for a [`Teacher`]: `teacher_ids`, its tokens, and `teacher_positions`: for each of these the position of the first
    token of its word in `input_ids`, or -100."""
    ours = tokenizer(list(texts), return_offsets_mapping=True, verbose=False)
    theirs = teacher_tokenizer(list(texts), return_offsets_mapping=True, truncation=True)
    positions, limit = [], token_limit(tokenizer.model_max_length)
    for number, text in enumerate(texts):
        words = find_words(text, ours["offset_mapping"][number], ours.word_ids(number))
        firsts = [first if first < limit else IGNORED for first in words.first_tokens]
        positions.append(
            [
                firsts[word] if start < end and (word := bisect_right(words.starts, start) - 1) >= 0 else IGNORED
                for start, end in theirs["offset_mapping"][number]
            ]
        )
    return {"teacher_ids": theirs["input_ids"], "teacher_positions": positions}


@dataclass
class DistillationCollator(JointNLUCollator):
    """Adds what the teacher says to a batch of training rows: `sentence_embeddings` (batch, size) float to rows with a column `sentence`, their
    number, and `teacher_ids` and `teacher_positions` (batch, teacher's tokens) long to rows with these columns.

    Args:
        embeddings: those of all sentences.
    """

    embeddings: torch.Tensor | None = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Return a batch of [`JointNLUCollator`], with what the teacher says."""
        batch = super().__call__(rows)
        if self.embeddings is not None and "sentence" in rows[0]:
            batch["sentence_embeddings"] = self.embeddings[[row["sentence"] for row in rows]].float()
        for name, padding in (("teacher_ids", 0), ("teacher_positions", IGNORED)):
            if name in rows[0]:
                values = [torch.tensor(row[name]) for row in rows]
                batch[name] = torch.nn.utils.rnn.pad_sequence(values, batch_first=True, padding_value=padding)
        return batch


class DistillationTrainer(JointNLUTrainer):
    """Adds `weight * (1 - cosine)` between mapped states and the teacher's to the loss of training rows: of utterances, of words, or both.

    The maps are modules of the model, so that they are trained, clipped, saved and resumed as everything else is; `drop_maps` takes
    them away.

    Args:
        sentences: the teacher's embeddings of the utterances, for pooled IC states, where they are known already.
        teacher: the teacher itself, for ST states, and for utterances without `sentences`.
        sentence_loss, word_loss: the weights; 0: none.
    """

    def __init__(
        self,
        model: Any,
        *args: Any,
        sentences: SentenceEmbeddings | None = None,
        teacher: Teacher | None = None,
        sentence_loss: float = 0.0,
        word_loss: float = 0.0,
        **kwargs: Any,
    ) -> None:
        width = 2 * model.config.task_hidden_size
        if sentence_loss:
            model.sentence_map = torch.nn.Linear(width, cast(Any, sentences or teacher).size)
        if word_loss:
            model.word_map = torch.nn.Linear(width, cast(Teacher, teacher).size)
        super().__init__(model, *args, **kwargs)
        self.teacher, self.sentence_loss, self.word_loss = teacher, sentence_loss, word_loss
        self.data_collator = DistillationCollator(model.config.pad_token_id, None if sentences is None else sentences.embeddings)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of the labels and that of the teacher."""
        sentences, teacher_ids, positions = (
            inputs.pop(name, None) for name in ("sentence_embeddings", "teacher_ids", "teacher_positions")
        )
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)
        said: TeacherStates | None = None
        if self.teacher is not None and teacher_ids is not None:
            said = self.teacher.read(teacher_ids, positions, outputs.slot_states.shape[1])
            sentences = said.sentences if sentences is None else sentences
        if self.sentence_loss and sentences is not None:
            mapped = self.model.sentence_map(outputs.intent_states)
            loss = loss + self.sentence_loss * (1 - cosine_similarity(mapped, sentences, dim=1)).mean()
        if self.word_loss and said is not None and said.are_words.any():  # the mean of nothing is no number
            mapped = self.model.word_map(outputs.slot_states[said.are_words])
            loss = loss + self.word_loss * (1 - cosine_similarity(mapped, said.words, dim=1)).mean()
        return (loss, outputs) if return_outputs else loss

    def drop_maps(self) -> None:
        """Leave the base alone in the model, as it is published."""
        for name in ("sentence_map", "word_map"):
            if hasattr(self.model, name):
                delattr(self.model, name)


def number_sentences(encoded: Dataset, rows: Dataset, sentences: SentenceEmbeddings) -> Dataset:
    """The encoded rows with a column `sentence`: the number of each one's text."""
    return encoded.add_column("sentence", [sentences.numbers[text] for text in rows["text"]])


__all__ = ["DistillationCollator", "DistillationTrainer", "SentenceEmbeddings", "Teacher", "number_sentences", "teacher_columns"]
