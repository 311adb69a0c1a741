"""Rows become what the network reads: pieces and labels, and batches of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from headstart.modeling.losses_headstart import IGNORED
from headstart.tokenization import SpanCounts, find_words, spans_to_tags

logger = logging.getLogger(__name__)

MANY_ROWS = 5000  # from here on, encoding shows a progress bar


def encode_rows(rows: Dataset, tokenizer: PreTrainedTokenizerBase, skill: dict[str, Any], skill_id: int = 0) -> Dataset:
    """Tokenize rows of one skill; spans that were widened or lost are counted in the log.

    Args:
        rows: a dataset with the columns text, intent and slots.
        tokenizer: a fast tokenizer.
        skill: the skill's entry in the configuration (name, intents, slots).
        skill_id: its index in `model.skills`.

    Returns:
        a dataset with the columns `input_ids` and `slot_labels` (one a piece), `intent_labels`, `skill_ids` and `length` (pieces).
        Intents and slots that the skill doesn't have are left unannotated (-100).
    """
    features, counts = encode_list(rows.to_list(), tokenizer, skill, skill_id, show_progress=len(rows) >= MANY_ROWS)
    report_spans(counts, skill["name"], tokenizer.model_max_length)
    return Dataset.from_list(features)


def encode_list(
    rows: list[dict[str, Any]],
    tokenizer: PreTrainedTokenizerBase,
    skill: dict[str, Any],
    skill_id: int = 0,
    show_progress: bool = False,
) -> tuple[list[dict[str, Any]], SpanCounts]:
    """[`encode_rows`] for a list of rows, in memory; what happened to the spans is returned, not logged."""
    counts = SpanCounts()
    if not rows:
        return [], counts
    encoding = tokenizer([row["text"] for row in rows], return_offsets_mapping=True, verbose=False)
    features = []
    for number, row in enumerate(tqdm(rows, desc=f"Encoding {skill['name']}", disable=not show_progress)):
        pieces = Pieces(encoding["input_ids"][number], encoding["offset_mapping"][number], encoding.word_ids(number))
        features.append({**_encode_row(row, pieces, tokenizer.model_max_length, skill, counts), "skill_ids": skill_id})
    return features, counts


def report_spans(counts: SpanCounts, skill: str, max_length: int | None = None) -> None:
    """Log what happened to the spans of a skill's rows, if anything did; `max_length`: pieces after which rows were cut off, if they were."""
    if counts.widened or counts.empty or counts.merged or counts.truncated:
        logger.warning(
            "skill %s: of %d spans, %d cut a word and were widened to it, %d held no word and were dropped, %d shared a word with "
            "another span and were dropped%s",
            skill, counts.spans, counts.widened, counts.empty, counts.merged,
            "" if max_length is None else f", {counts.truncated} were cut off with rows over {max_length} pieces",
        )  # fmt: skip


class Pieces(NamedTuple):
    """A tokenized text: ids, characters (start, end), and number of the word, of each piece."""

    input_ids: list[int]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]


def _encode_row(
    row: dict[str, Any], pieces: Pieces, max_length: int, skill: dict[str, Any], counts: SpanCounts
) -> dict[str, Any]:
    is_truncated = len(pieces.input_ids) > max_length
    input_ids, offsets, word_ids = pieces.input_ids[:max_length], pieces.offsets[:max_length], pieces.word_ids[:max_length]
    slot_labels = [IGNORED] * len(input_ids)
    if skill["slots"] and row["slots"] is not None:
        words = find_words(row["text"], offsets, word_ids)
        tags, row_counts = spans_to_tags(row["slots"], words, skill["slots"], is_truncated)
        counts.add(row_counts)
        for position, tag in zip(words.first_tokens, tags, strict=True):
            slot_labels[position] = tag
    has_intent = row["intent"] is not None and skill["intents"]
    return {
        "input_ids": input_ids,
        "slot_labels": slot_labels,
        "intent_labels": skill["intents"].index(row["intent"]) if has_intent else IGNORED,
        "length": len(input_ids),
    }


@dataclass
class JointNLUCollator:
    """Pads encoded rows on the right into one batch of tensors.

    Args:
        pad_token_id: id of the padding piece.
    """

    pad_token_id: int = 0

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return `input_ids`, `attention_mask`, `slot_labels` (batch, tokens), `intent_labels` and `skill_ids` (batch,), all long."""
        width = max(1, max(len(row["input_ids"]) for row in rows))

        def pad(name: str, value: int) -> torch.Tensor:
            return torch.tensor([list(row[name]) + [value] * (width - len(row[name])) for row in rows])

        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        return {
            "input_ids": pad("input_ids", self.pad_token_id),
            "attention_mask": (torch.arange(width) < lengths.unsqueeze(1)).long(),
            "slot_labels": pad("slot_labels", IGNORED),
            "intent_labels": torch.tensor([row["intent_labels"] for row in rows]),
            "skill_ids": torch.tensor([row["skill_ids"] for row in rows]),
        }


__all__ = ["JointNLUCollator", "encode_list", "encode_rows", "report_spans"]
