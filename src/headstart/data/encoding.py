"""Rows become what the network reads: ids of tokens and labels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from tqdm.auto import tqdm

from headstart.data.rows import SHOWN, Row, counted, list_rows, shorten, such_as
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.labels_headstart import IGNORED
from headstart.tokenization.alignment_headstart import SpanCounts, find_words, spans_to_tags
from headstart.tokenization.answers_headstart import token_limit

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

MANY_ROWS = 5000  # from here on, encoding shows a progress bar


class EncodedRow(TypedDict):
    """A row as the network reads it.

    Args:
        input_ids: ids of its tokens.
        slot_labels: one a token: the tag of a word at its first token, -100 elsewhere, and everywhere if slots are not annotated.
        intent_labels: number of its intent; -100: not annotated.
        skill_ids: number of the skill in `model.skills`.
        length: tokens.
    """

    input_ids: list[int]
    slot_labels: list[int]
    intent_labels: int
    skill_ids: int
    length: int


@dataclass
class NamedCounts(SpanCounts):
    """What happened to the spans of some rows, with the first few of those rows.

    Args:
        rows: texts of the first rows of which a span was changed or lost, each with its number.
    """

    rows: list[str] = field(default_factory=list)

    def add_row(self, counts: SpanCounts, row: Row, number: int) -> None:
        """Add the counts of a row."""
        self.add(counts)
        is_changed = counts.widened or counts.empty or counts.merged or counts.truncated
        if is_changed and len(self.rows) < SHOWN:
            self.rows.append(f"row {number}, {shorten(row['text'])}")


def encode_rows(rows: Dataset, tokenizer: PreTrainedTokenizerBase, skill: SkillEntry, skill_id: int = 0) -> Dataset:
    """Tokenize rows of one skill; spans that were widened or lost are counted in the log.

    Args:
        rows: a dataset with the columns text, intent and slots.
        tokenizer: a fast tokenizer.
        skill: the skill's entry in the configuration (name, intents, slots).
        skill_id: its index in `model.skills`.

    Returns:
        a dataset with the fields of [`EncodedRow`] as columns.
        Intents and slots that the skill doesn't have are left unannotated (-100).
    """
    from datasets import Dataset

    features, counts = encode_list(list_rows(rows), tokenizer, skill, skill_id, show_progress=len(rows) >= MANY_ROWS)
    report_spans(counts, skill["name"], token_limit(tokenizer.model_max_length))
    return Dataset.from_list([dict(row) for row in features])


def encode_list(
    rows: Sequence[Row],
    tokenizer: PreTrainedTokenizerBase,
    skill: SkillEntry,
    skill_id: int = 0,
    *,
    show_progress: bool = False,
) -> tuple[list[EncodedRow], NamedCounts]:
    """[`encode_rows`] for a list of rows, in memory; what happened to the spans is returned, not logged."""
    counts = NamedCounts()
    intents = {intent: number for number, intent in enumerate(skill["intents"])}
    if not rows:
        return [], counts
    encoding = tokenizer([row["text"] for row in rows], return_offsets_mapping=True, verbose=False)
    features: list[EncodedRow] = []
    limit = token_limit(tokenizer.model_max_length)
    for number, row in enumerate(tqdm(rows, desc=f"Encoding {skill['name']}", disable=None if show_progress else True)):
        tokens = _Tokens(encoding["input_ids"][number], encoding["offset_mapping"][number], encoding.word_ids(number))
        slot_labels, row_counts = _slot_labels(row, tokens, limit, skill["slots"])
        counts.add_row(row_counts, row, number + 1)
        if intents and row["intent"] is not None and row["intent"] not in intents:
            raise ValueError(f"intent {row['intent']!r} is not one of the skill's: {', '.join(skill['intents'])}.")
        features.append(
            {
                "input_ids": tokens.input_ids[:limit],
                "slot_labels": slot_labels,
                "intent_labels": intents.get(str(row["intent"]), IGNORED),
                "skill_ids": skill_id,
                "length": len(slot_labels),
            }
        )
    return features, counts


def report_spans(counts: SpanCounts, skill: str, max_length: int | None = None) -> None:
    """Log what happened to the spans of a skill's rows, if anything did; `max_length`: tokens after which rows were cut off, if they were."""
    if counts.widened or counts.empty or counts.merged or counts.truncated:
        logger.warning(
            "skill %s: of %s, widened to the word that they cut: %d, dropped for holding no word: %d, dropped for sharing a word with "
            "another span: %d%s%s",
            skill, counted(counts.spans, "span"), counts.widened, counts.empty, counts.merged,
            "" if max_length is None else f", cut off with rows over {max_length} tokens: {counts.truncated}",
            f"; such as in {such_as(counts.rows)}" if isinstance(counts, NamedCounts) else "",
        )  # fmt: skip


class _Tokens(NamedTuple):
    """A tokenized text: ids, characters (start, end), and number of the word, of each token."""

    input_ids: list[int]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]


def _slot_labels(row: Row, tokens: _Tokens, max_length: int, slots: Sequence[str]) -> tuple[list[int], SpanCounts]:
    """The labels of the tokens that the network reads, and what happened to the spans."""
    labels = [IGNORED] * min(len(tokens.input_ids), max_length)
    if not slots or row["slots"] is None:
        return labels, SpanCounts()
    words = find_words(row["text"], tokens.offsets[:max_length], tokens.word_ids[:max_length])
    tags, counts = spans_to_tags(row["slots"], words, slots, len(tokens.input_ids) > max_length)
    for position, tag in zip(words.first_tokens, tags, strict=True):
        labels[position] = tag
    return labels, counts


__all__ = ["EncodedRow", "NamedCounts", "encode_list", "encode_rows", "report_spans"]
