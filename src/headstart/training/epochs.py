"""The rows that fine-tuning sees: new values in the same templates and misspelt words at every epoch, and out-of-scope utterances and names of intents
among them."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, cast

from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from headstart.data.encoding import EncodedRow, encode_list, report_spans
from headstart.data.label_names import rows_of_names
from headstart.data.misspellings import misspell_some
from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.data.templates import ShuffledOrder, row_template, value_sources
from headstart.modeling.entries_headstart import SkillEntry
from headstart.tokenization.answers_headstart import token_limit


class EpochRows(Dataset[EncodedRow]):
    """Encoded rows of one epoch; `begin_epoch` makes those of another. The same seed and epoch always give the same rows.

    Args:
        skill: the skill.
        tokenizer: a fast tokenizer.
        entry: the skill's entry in the model's configuration.
        refill: probability that a slot gets another value of its catalog, built-in type, or training rows.
        misspell: probability that words of a row, or of an out-of-scope utterance, are misspelt.
        out_of_scope: utterances that are none of the skill's intents.
        out_of_scope_share: such utterances in an epoch, as a share of the skill's rows. All come before any comes again.
        seed: of all choices.
        name_rows: each intent's name, in words, is an utterance of it too, once an epoch, without annotated slots.
        skill_id: number of the skill in `model.skills`.
    """

    def __init__(
        self,
        skill: Skill,
        tokenizer: PreTrainedTokenizerBase,
        entry: SkillEntry,
        *,
        refill: float = 0.0,
        misspell: float = 0.0,
        out_of_scope: Sequence[str] = (),
        out_of_scope_share: float = 0.0,
        seed: int = 0,
        name_rows: bool = False,
        skill_id: int = 0,
    ) -> None:
        self.tokenizer = tokenizer
        self.skill_id = skill_id
        self.entry = entry
        self.refill = refill
        self.misspell = misspell
        self.seed = seed
        self.rows = rows = skill.rows("train")
        self.templates = [row_template(row, trim=True) for row in rows]
        self.own, counts = encode_list(rows, tokenizer, entry, skill_id)
        report_spans(counts, skill.name, token_limit(tokenizer.model_max_length))
        self.sources = value_sources(skill.slots, skill.catalogs, skill.slot_types, self.templates, seed) if refill else {}
        self._label_counts = Counter(slot.label for template in self.templates for slot in template.slots)
        self.out_of_scope_texts = list(out_of_scope)
        self.out_of_scope = _encode_out_of_scope(out_of_scope, tokenizer, entry, skill_id)
        self.num_out_of_scope = math.ceil(len(rows) * out_of_scope_share) if self.out_of_scope else 0
        # "background", as it was called at first: with another word, a seed would give another order.
        self._order = ShuffledOrder(len(self.out_of_scope), f"{seed} background")
        self.names = encode_list(rows_of_names(entry["intents"]), tokenizer, entry, skill_id)[0] if name_rows else []
        self.begin_epoch(0)

    # Not called set_epoch: accelerate would call it too, and make every epoch again.
    def begin_epoch(self, epoch: int) -> None:
        """Make the rows of this epoch; those of epoch 0 are the skill's own."""
        self.encoded = list(self.own)
        first = epoch * self.num_out_of_scope
        others = [self._order[first + number] for number in range(self.num_out_of_scope)]
        self.encoded += [self.out_of_scope[other] for other in others]
        if epoch:
            drawn = random.Random(f"{self.seed} {epoch} misspelt")
            own = self.refilled_rows(epoch) if self.sources else {}
            own |= misspell_some([own.get(number, row) for number, row in enumerate(self.rows)], self.misspell, drawn)
            self._put(0, own, encode_list(list(own.values()), self.tokenizer, self.entry, self.skill_id)[0])
            unknown = misspell_some([_out_of_scope_row(self.out_of_scope_texts[other]) for other in others], self.misspell, drawn)
            texts = [row["text"] for row in unknown.values()]
            self._put(len(self.own), unknown, _encode_out_of_scope(texts, self.tokenizer, self.entry, self.skill_id))
        self.encoded += self.names

    def _put(self, start: int, numbers: Iterable[int], rows: Sequence[EncodedRow]) -> None:
        """Put rows in the place of those of the epoch that have these numbers, counted from one of them."""
        for number, row in zip(numbers, rows, strict=True):
            self.encoded[start + number] = row

    def refilled_rows(self, epoch: int) -> dict[int, Row]:
        """The rows that get another value in this epoch, by number."""
        choice = random.Random(f"{self.seed} {epoch}")
        # Every occurrence of a label takes a place in the order of its values, whether it is used or not: then an epoch can be made
        # without those before it.
        places = {label: epoch * count for label, count in self._label_counts.items()}
        refilled = {}
        for number, template in enumerate(self.templates):
            values = [cast(str, slot.value) for slot in template.slots]
            for position, slot in enumerate(template.slots):
                if slot.label in self.sources and choice.random() < self.refill:
                    values[position] = self.sources[slot.label].value(places[slot.label])
                places[slot.label] += 1
            if values != [slot.value for slot in template.slots]:
                refilled[number] = template.fill(values)
        return refilled

    def tokens(self) -> set[int]:
        """Ids of the tokens of all rows and values that an epoch can hold, but for misspelt words; of generated values, of the first 50 or more."""
        values = [
            source.value(number)
            for source in self.sources.values()
            for number in range(len(source.values) if source.draw is None else 2 * len(source.values) + 100)
        ]
        encoded = self.tokenizer(values, verbose=False)["input_ids"] if values else []
        rows = [row["input_ids"] for row in (*self.own, *self.out_of_scope, *self.names)]
        return {token for tokens in (*rows, *cast(list[list[int]], encoded)) for token in tokens}

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, number: int) -> EncodedRow:
        return self.encoded[number]


class NewEpoch(TrainerCallback):
    """Makes new rows at the beginning of every epoch, also of one that is resumed in its middle.

    Args:
        rows: the training set.
    """

    def __init__(self, rows: EpochRows) -> None:
        self.rows = rows

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Make the rows of the epoch that begins."""
        self.rows.begin_epoch(int(state.epoch or 0))


def _out_of_scope_row(text: str) -> Row:
    return {"text": text, "intent": None, "slots": None}


def _encode_out_of_scope(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, entry: SkillEntry, skill_id: int
) -> list[EncodedRow]:
    """Out-of-scope utterances, with the label "none of these", which follows the intents, and without slot labels."""
    encoded, _ = encode_list([_out_of_scope_row(text) for text in texts], tokenizer, entry, skill_id)
    return [{**row, "intent_labels": len(entry["intents"])} for row in encoded]


__all__ = ["EpochRows", "NewEpoch"]
