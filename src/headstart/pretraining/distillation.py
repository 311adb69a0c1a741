"""Sentence encoders as teachers in pretraining: utterances that mean the same to them shall have similar IC states, and words that play
the same part similar ST states.

The pooled states of the IC bi-LSTM, through a linear map for each teacher that is thrown away afterwards, learn to point where the teacher's sentence
embeddings point; words' ST states likewise where its states of the words point. Intents of a new skill are then told apart by meaning, not only by the words that the pretraining intents hang on.
Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), with the cosine loss of Sanh et al., "DistilBERT" (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from headstart.modeling.layers_headstart import gather_words
from headstart.pretraining.teacher_cache import TeacherCache
from headstart.pretraining.teachers import Teacher, TeacherStates, teacher_columns
from headstart.training.collator import JointNLUCollator
from headstart.training.trainer import JointNLUTrainer

TEXT = "teacher_text"  # column of rows that teachers speak about


@dataclass
class DistillationCollator(JointNLUCollator):
    """Adds what teachers say to a batch of rows with a column `teacher_text`. For the teacher with the number K these are, from its cache,
    `sentences_K`, `words_K` and `present_K`, the parts of [`TeacherStates`]; or, for it to read, the [`teacher_columns`] `teacher_ids_K` and `teacher_words_K`.

    Args:
        teachers: their caches, or themselves.
        tokenizer: the network's, for teachers that read.
    """

    teachers: Sequence[TeacherCache | Teacher] = ()
    tokenizer: Any = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Return a batch of [`JointNLUCollator`], with what the teachers say."""
        batch = super().__call__(rows)
        if TEXT not in rows[0]:
            return batch
        texts = [row[TEXT] for row in rows]
        for number, teacher in enumerate(self.teachers):
            if isinstance(teacher, Teacher):
                columns = teacher_columns(texts, self.tokenizer, teacher.tokenizer)
                parts = {name: teacher.pad(name, values) for name, values in columns.items()}
            else:
                parts = teacher.said(texts)._asdict()
            batch |= {f"{name}_{number}": part for name, part in parts.items()}
        return batch


class DistillationTrainer(JointNLUTrainer):
    """Adds `weight * (1 - cosine)` between mapped states and the teachers' to the loss of training rows: of utterances, of words, or both; the
    mean over the teachers.

    The maps are modules of the model, so that they are trained, clipped, saved and resumed as everything else is; `drop_maps` takes
    them away.

    Args:
        teachers: what they said, or themselves; empty: none.
        sentence_loss, word_loss: the weights; 0: none.
    """

    def __init__(
        self,
        model: Any,
        *args: Any,
        teachers: Sequence[TeacherCache | Teacher] = (),
        sentence_loss: float = 0.0,
        word_loss: float = 0.0,
        **kwargs: Any,
    ) -> None:
        width = 2 * model.config.task_hidden_size
        if sentence_loss and teachers:
            model.sentence_maps = nn.ModuleList(nn.Linear(width, teacher.size) for teacher in teachers)
        if word_loss and teachers:
            model.word_maps = nn.ModuleList(nn.Linear(width, teacher.size) for teacher in teachers)
        super().__init__(model, *args, **kwargs)
        self.teachers, self.sentence_loss, self.word_loss = teachers, sentence_loss, word_loss
        self.data_collator = DistillationCollator(model.config.pad_token_id, teachers, self.processing_class)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of the labels and that of the teachers."""
        said = [said for number, teacher in enumerate(self.teachers) if (said := _take(inputs, number, teacher)) is not None]
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)
        for number, states in enumerate(said):
            loss = loss + self._taught(number, states, inputs, outputs) / len(said)
        return (loss, outputs) if return_outputs else loss

    def _taught(self, number: int, said: TeacherStates, inputs: dict[str, Any], outputs: Any) -> torch.Tensor | float:
        """The loss of one teacher."""
        loss: torch.Tensor | float = 0.0
        if self.sentence_loss:
            mapped = self.model.sentence_maps[number](outputs.intent_states)
            loss = loss + self.sentence_loss * (1 - cosine_similarity(mapped, said.sentences, dim=1)).mean()
        if self.word_loss:
            starts = self.model.word_starts(inputs["input_ids"], inputs.get("attention_mask"))
            ours, mask, _ = gather_words(outputs.slot_states, starts)
            both = min(mask.shape[1], said.present.shape[1])
            # What the network reads of a text is cut off at its limit, and so is what the teacher reads at its own.
            known = said.present[:, :both] & mask[:, :both]
            if known.any():  # the mean of nothing is no number
                theirs = said.words[nn.functional.pad(known, (0, said.present.shape[1] - both))[said.present]]
                mapped = self.model.word_maps[number](ours[:, :both][known])
                loss = loss + self.word_loss * (1 - cosine_similarity(mapped, theirs - theirs.mean(dim=0), dim=1)).mean()
        return loss

    def drop_maps(self) -> None:
        """Leave the base alone in the model, as it is published."""
        for name in ("sentence_maps", "word_maps"):
            if hasattr(self.model, name):
                delattr(self.model, name)


def _take(inputs: dict[str, Any], number: int, teacher: TeacherCache | Teacher) -> TeacherStates | None:
    """What a teacher says of a batch, whose fields for it are taken out; None for validation rows, of which it says nothing."""
    if isinstance(teacher, Teacher):
        read = [inputs.pop(f"{name}_{number}", None) for name in ("teacher_ids", "teacher_words")]
        return None if read[0] is None else teacher.read(*read)
    parts = [inputs.pop(f"{name}_{number}", None) for name in TeacherStates._fields]
    return None if parts[0] is None else TeacherStates(*parts)


__all__ = ["TEXT", "DistillationCollator", "DistillationTrainer"]
