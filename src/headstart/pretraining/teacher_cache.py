"""What a teacher says of many texts, kept in a folder.

A pretraining reads each text several times, and a teacher of 109 million parameters needs 20 ms for it. So each text is read once, and what is said of it
is kept in half precision: for a teacher of width 384 .8 KB a word, two gigabytes for all corpora of the embedded base. The texts lie in files of some thousands, each
written whole: reading them may be interrupted at any time, and goes on there; the files are mapped into memory, not loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from headstart.pretraining.teachers import Teacher, TeacherStates
from headstart.saving import written_aside

TEXTS_OF_A_FILE, BATCH_SIZE = 8192, 64


class TeacherCache:
    """What a teacher says of some texts; those that the folder lacks are read now.

    Args:
        texts: the texts, in any order, repeated ones too.
        teacher: the sentence encoder.
        tokenizer: the network's, which tells the words.
        folder: where it is kept, for this and for other teachers.
        device: where the teacher reads.

    Raises:
        ValueError: a file of the folder is damaged.
    """

    def __init__(
        self,
        texts: Iterator[str] | Sequence[str],
        teacher: Teacher,
        tokenizer: PreTrainedTokenizerBase,
        folder: Path,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size = teacher.size
        self._folder = folder / teacher.name
        self._files: list[_File] = [_File(path) for path in sorted(self._folder.glob("*.safetensors"))]
        self._places = {text: (number, row) for number, file in enumerate(self._files) for row, text in enumerate(file.texts)}
        missing = sorted(set(texts) - self._places.keys(), key=lambda text: (len(text), text))
        parts = [missing[start : start + TEXTS_OF_A_FILE] for start in range(0, len(missing), TEXTS_OF_A_FILE)]
        with tqdm(
            total=len(missing), desc=f"Reading with {teacher.folder.name}", unit="text", disable=None if missing else True
        ) as bar:
            for part in parts:
                self._add(part, teacher, tokenizer, device, bar)

    def _add(
        self, texts: list[str], teacher: Teacher, tokenizer: PreTrainedTokenizerBase, device: torch.device | str, bar: tqdm
    ) -> None:
        said = []
        for start in range(0, len(texts), BATCH_SIZE):
            said.append(teacher.read_texts(texts[start : start + BATCH_SIZE], tokenizer, device))
            bar.update(len(said[-1].sentences))
        numbers = [row.nonzero().squeeze(1) for part in said for row in part.present.cpu()]
        path = next(name for number in count() if not (name := self._folder / f"{number:05}.safetensors").exists())
        with written_aside(self._folder, path.name) as aside:
            save_file(
                {
                    "sentences": torch.cat([part.sentences for part in said]).half().cpu(),
                    "words": torch.cat([part.words for part in said]).half().cpu(),
                    "numbers": torch.cat(numbers).short(),
                    "counts": torch.tensor([len(row) for row in numbers], dtype=torch.int32),
                },
                aside / path.name,
                {"texts": json.dumps(texts)},
            )
        self._places |= {text: (len(self._files), row) for row, text in enumerate(texts)}
        self._files.append(_File(path))

    def said(self, texts: Sequence[str]) -> TeacherStates:
        """What the teacher said of some of the texts, in float32."""
        rows = [self._files[file].row(row) for file, row in map(self._places.__getitem__, texts)]
        present = torch.zeros(
            len(rows),
            max(max((int(numbers.max()) + 1 for _, _, numbers in rows if len(numbers)), default=0), 1),
            dtype=torch.bool,
        )
        for place, (_, _, numbers) in enumerate(rows):
            present[place, numbers.long()] = True
        sentences, words = (torch.stack([row[0] for row in rows]), torch.cat([row[1] for row in rows]))
        return TeacherStates(sentences.float(), words.float(), present)


class _File:
    """Some texts and what was said of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = safe_open(path, "pt")
            self.texts: list[str] = json.loads(content.metadata()["texts"])
            self._ends = np.cumsum(content.get_tensor("counts").numpy())
            self._numbers = content.get_tensor("numbers")
            self._sentences, self._words = content.get_slice("sentences"), content.get_slice("words")
        except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is damaged: {error}; delete it, and its texts are read anew.") from error

    def __reduce__(self) -> tuple[Any, ...]:  # a process that loads batches opens the file itself
        return _File, (self._path,)

    def row(self, row: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One text's sentence (size,), its present words (words, size) and their numbers (words,)."""
        start, end = int(self._ends[row - 1]) if row else 0, int(self._ends[row])
        return self._sentences[row], self._words[start:end], self._numbers[start:end]


__all__ = ["TeacherCache"]
