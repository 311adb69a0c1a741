"""A sentence encoder as a teacher in pretraining: utterances that mean the same to it shall have similar IC states.

The pooled states of the IC bi-LSTM, through a linear map that is thrown away afterwards, learn to point where the teacher's sentence
embeddings point. Intents of a new skill are then told apart by meaning, not only by the words that the pretraining intents hang on.
Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), with the cosine loss of Sanh et al., "DistilBERT" (2019).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch.nn.functional import cosine_similarity

from headstart.embeddings import embed_sentences, teacher_folder
from headstart.features import JointNLUCollator
from headstart.trainer import JointNLUTrainer


class SentenceEmbeddings:
    """The teacher's embeddings of some utterances, kept in a folder: `texts.json` and `embeddings.safetensors`.

    Args:
        texts: the utterances; those that the folder lacks are embedded now, and the folder is written anew.
        folder: where they are kept.
    """

    def __init__(self, texts: Sequence[str], folder: Path) -> None:
        names, values = folder / "texts.json", folder / "embeddings.safetensors"
        known: list[str] = json.loads(names.read_text(encoding="utf-8")) if names.exists() and values.exists() else []
        self.embeddings = load_file(values)["embeddings"] if known else torch.empty(0, 0, dtype=torch.float16)
        if len(self.embeddings) != len(known):
            raise ValueError(
                f"{folder} holds {len(self.embeddings)} embeddings of {len(known)} texts; delete it, it will be made anew."
            )
        missing = sorted(set(texts) - set(known))
        if missing:
            found = embed_sentences(missing, teacher_folder())
            self.embeddings = torch.cat([self.embeddings, found]) if known else found
            known += missing
            folder.mkdir(parents=True, exist_ok=True)
            save_file({"embeddings": self.embeddings}, values)
            names.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
        self.numbers = {text: number for number, text in enumerate(known)}

    @property
    def size(self) -> int:
        """Width of an embedding."""
        return self.embeddings.shape[1]


@dataclass
class SentenceCollator(JointNLUCollator):
    """Adds `sentence_embeddings` (batch, size) float to a batch whose rows have a column `sentence`, their number.

    Args:
        embeddings: all of them.
    """

    embeddings: torch.Tensor | None = None

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return a batch of [`JointNLUCollator`], with the teacher's embeddings."""
        batch = super().__call__(rows)
        if self.embeddings is not None and "sentence" in rows[0]:
            batch["sentence_embeddings"] = self.embeddings[[row["sentence"] for row in rows]].float()
        return batch


class SentenceTrainer(JointNLUTrainer):
    """Adds `weight * (1 - cosine)` between mapped IC states and the teacher's embeddings to the loss of training rows.

    The map is a module of the model, so that it is trained, clipped, saved and resumed as everything else is; `drop_map` takes it away.
    """

    def __init__(self, model: Any, *args: Any, sentences: SentenceEmbeddings, weight: float, **kwargs: Any) -> None:
        model.sentence_map = torch.nn.Linear(2 * model.config.task_hidden_size, sentences.size)
        super().__init__(model, *args, **kwargs)
        self.weight = weight
        self.data_collator = SentenceCollator(model.config.pad_token_id, sentences.embeddings)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of the labels and that of the teacher."""
        wanted = inputs.pop("sentence_embeddings", None)
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)
        if wanted is not None:
            mapped = self.model.sentence_map(outputs.intent_states)
            loss = loss + self.weight * (1 - cosine_similarity(mapped, wanted, dim=1)).mean()
        return (loss, outputs) if return_outputs else loss

    def drop_map(self) -> None:
        """Leave the base alone in the model, as it is published."""
        del self.model.sentence_map


def number_sentences(encoded: Dataset, rows: Dataset, sentences: SentenceEmbeddings) -> Dataset:
    """The encoded rows with a column `sentence`: the number of each one's text."""
    return encoded.add_column("sentence", [sentences.numbers[text] for text in rows["text"]])


__all__ = ["SentenceCollator", "SentenceEmbeddings", "SentenceTrainer", "number_sentences"]
