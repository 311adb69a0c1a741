"""Sentence encoders as teachers: what they say of utterances, and of the words in them.

A teacher's states of words say what a word is in its utterance, not what it means alone. They are the mean of the upper half of its layers, which tell
most of syntax and of the kinds of entities (Tenney, Das and Pavlick, "BERT Rediscovers the Classical NLP Pipeline", ACL 2019); a word's are the
mean over its tokens.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn.functional import normalize, one_hot
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from headstart.consent import load_without_code
from headstart.modeling.labels_headstart import IGNORED
from headstart.tokenization import find_words

POOLING = Path("1_Pooling") / "config.json"  # as sentence-transformers writes it


class TeacherStates(NamedTuple):
    """What a teacher says of a batch.

    Args:
        sentences: (batch, size) float, of length 1: the mean of the last states (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019), or
            the first of them, as the teacher has it.
        words: (present words, size) float, row by row.
        present: (batch, words) bool: the words of each row that it says something of; one whose characters it drops is missing.
    """

    sentences: torch.Tensor
    words: torch.Tensor
    present: torch.Tensor


class Teacher:
    """A sentence encoder.

    Args:
        folder: its checkpoint, as transformers reads it; how it pools is read from `1_Pooling/config.json` if that is there.
        dtype: what it computes in; its states are given in float32.

    Raises:
        ValueError: it pools in a way that is not known here.
    """

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.folder = folder
        self.dtype = dtype
        self.takes_first = _takes_first(folder)
        self.tokenizer = load_without_code(AutoTokenizer.from_pretrained, folder)

    @cached_property
    def model(self) -> Any:
        """The network, which is loaded only to read: a cache may know all that it would say, and workers only cut texts into tokens."""
        return load_without_code(AutoModel.from_pretrained, self.folder, dtype=self.dtype).eval()

    @cached_property
    def size(self) -> int:
        """Width of a state."""
        return int(load_without_code(AutoConfig.from_pretrained, self.folder).hidden_size)

    @cached_property
    def name(self) -> str:
        """What it is known by: the name of its folder, and the first 12 digits of its weights' SHA-256."""
        digest = hashlib.sha256()
        for file in sorted(self.folder.glob("*.safetensors")) or sorted(self.folder.glob("*.bin")):
            digest.update(file.read_bytes())
        return f"{self.folder.name}-{digest.hexdigest()[:12]}"

    @torch.no_grad()
    def read(self, teacher_ids: torch.Tensor, teacher_words: torch.Tensor) -> TeacherStates:
        """What it says of a batch.

        Args:
            teacher_ids: (batch, teacher's tokens) long, padded.
            teacher_words: (batch, teacher's tokens) long, see [`teacher_columns`].
        """
        self.model.to(teacher_ids.device)
        mask = (teacher_ids != self.tokenizer.pad_token_id).long()
        layers = self.model(teacher_ids, attention_mask=mask, output_hidden_states=True).hidden_states
        sentences = layers[-1][:, 0].float() if self.takes_first else (layers[-1].float() * mask.unsqueeze(2)).sum(dim=1)
        states = torch.stack(layers[(len(layers) - 1) // 2 :]).float().mean(dim=0)
        belongs = one_hot(teacher_words.clamp(min=0), max(int(teacher_words.max()) + 1, 1)).to(states.dtype)
        belongs *= (teacher_words != IGNORED).unsqueeze(2)
        counts = belongs.sum(dim=1)
        of_words = (belongs.transpose(1, 2) @ states)[counts > 0] / counts[counts > 0].unsqueeze(1)
        return TeacherStates(normalize(sentences, dim=1), of_words, counts > 0)

    def read_texts(
        self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, device: torch.device | str = "cpu"
    ) -> TeacherStates:
        """What it says of some texts and their words, which the network's tokenizer tells; see [`Teacher.read`]."""
        return self.read(
            *(self.pad(name, rows).to(device) for name, rows in teacher_columns(texts, tokenizer, self.tokenizer).items())
        )

    def pad(self, column: str, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """One of the [`teacher_columns`] as a tensor, (batch, teacher's tokens) long."""
        padding = self.tokenizer.pad_token_id if column == "teacher_ids" else IGNORED
        return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=padding)


def teacher_columns(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, teacher_tokenizer: PreTrainedTokenizerBase
) -> dict[str, list[list[int]]]:
    """Columns of encoded rows for a [`Teacher`]: `teacher_ids`, its tokens, and `teacher_words`: for each of these the number, in its text, of the word
    that it belongs to, or -100."""
    ours = tokenizer(list(texts), return_offsets_mapping=True, verbose=False)
    theirs = teacher_tokenizer(list(texts), return_offsets_mapping=True, truncation=True)
    numbers = []
    for number, text in enumerate(texts):
        starts = find_words(text, ours["offset_mapping"][number], ours.word_ids(number)).starts
        words = [bisect_right(starts, start) - 1 if start < end else -1 for start, end in theirs["offset_mapping"][number]]
        numbers.append([word if word >= 0 else IGNORED for word in words])
    return {"teacher_ids": theirs["input_ids"], "teacher_words": numbers}


def _takes_first(folder: Path) -> bool:
    """A sentence is the state of its first token, not the mean of all."""
    path = folder / POOLING
    modes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"pooling_mode_mean_tokens": True}
    chosen = [name for name, value in modes.items() if name.startswith("pooling_mode_") and value is True]
    if chosen not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
        raise ValueError(f"{path}: found {', '.join(chosen) or 'no pooling'}; allowed: the mean of all tokens, or the first one.")
    return chosen == ["pooling_mode_cls_token"]


__all__ = ["Teacher", "TeacherStates", "teacher_columns"]
