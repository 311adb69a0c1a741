"""Words, characters and IOB2 tags: the one place where character spans become tags and tags become spans.

A *word* is what the tokenizer's pre-tokenizer cuts: a run of letters, a run of digits, or one other character. Tags are integers: 0 is `O`, 1 + 2k is `B-`
and 2 + 2k is `I-` of slot label k. The first word of every span is tagged `B-` (IOB2).
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

OUTSIDE = 0


class Span(TypedDict):
    """A slot in a text.

    Args:
        start, end: characters of the caller's own string, end exclusive.
        label: the slot label.
        score: the lowest probability of its words, of a span that was predicted.
    """

    start: int
    end: int
    label: str
    score: NotRequired[float]


@dataclass
class SpanCounts:
    """What happened to the spans of some rows on their way to tags.

    Args:
        spans: all spans that were given.
        widened: spans that cut a word and were widened to it.
        empty: spans lost because they hold no word, only characters that the tokenizer drops.
        merged: spans that share a word with an earlier span of their row, and were lost to it.
        truncated: spans lost, whole or in part, because the row was cut at the tokenizer's maximum length.
    """

    spans: int = 0
    widened: int = 0
    empty: int = 0
    merged: int = 0
    truncated: int = 0

    def add(self, other: SpanCounts) -> None:
        """Add another count to this one."""
        for field, value in vars(other).items():
            setattr(self, field, getattr(self, field) + value)


@dataclass
class Words:
    """The words of one tokenized text.

    Args:
        starts: first character of each word.
        ends: one past the last character of each word.
        first_tokens: position of each word's first token.
    """

    starts: list[int]
    ends: list[int]
    first_tokens: list[int]

    def __len__(self) -> int:
        return len(self.starts)


def find_words(text: str, offsets: Sequence[tuple[int, int]], word_ids: Sequence[int | None]) -> Words:
    """Locate words in the text.

    Args:
        text: the caller's string.
        offsets: characters (start, end) of each token, as a fast tokenizer gives them.
        word_ids: number of the word that each token belongs to; None for padding and special tokens.
    """
    words = Words([], [], [])
    previous = None
    for position, ((start, end), word) in enumerate(zip(offsets, word_ids, strict=True)):
        if word is None:
            continue
        if word == previous:
            words.ends[-1] = end
        else:
            words.starts.append(start)
            words.ends.append(end)
            words.first_tokens.append(position)
        previous = word
    for index, (end, limit) in enumerate(zip(words.ends, [*words.starts[1:], len(text)], strict=False)):
        # The normaliser drops combining marks and invisible characters; they still belong to the word before them.
        while end < limit and unicodedata.category(text[end]) in ("Mn", "Me", "Mc", "Cf"):
            end += 1
        words.ends[index] = end
    return words


def spans_to_tags(
    spans: Sequence[Span], words: Words, labels: Sequence[str], is_truncated: bool = False
) -> tuple[list[int], SpanCounts]:
    """Tags of the words, and what was changed on the way.

    Args:
        spans: sorted by start, not overlapping.
        words: the words of the text.
        labels: the skill's slot labels; their order gives the tags.
        is_truncated: the text has more words than `words` holds.

    Raises:
        ValueError: a span's label is not among the labels.
    """
    tags = [OUTSIDE] * len(words)
    counts = SpanCounts(spans=len(spans))
    covered = words.ends[-1] if len(words) else 0
    index = {label: number for number, label in enumerate(labels)}
    for span in spans:
        if span["label"] not in index:
            raise ValueError(f"slot label {span['label']!r} is not one of the skill's: {', '.join(labels) or 'none'}.")
        inside = range(bisect_right(words.ends, span["start"]), bisect_left(words.starts, span["end"]))
        cut = is_truncated and span["end"] > covered
        counts.truncated += cut
        if not inside:
            counts.empty += not cut
            continue
        if any(tags[i] != OUTSIDE for i in inside):
            counts.merged += 1
            continue
        counts.widened += words.starts[inside[0]] < span["start"] or words.ends[inside[-1]] > span["end"]
        begin = 1 + 2 * index[span["label"]]
        tags[inside[0]] = begin
        for i in inside[1:]:
            tags[i] = begin + 1
    return tags, counts


def align_spans(spans: Sequence[Span], words: Words) -> tuple[list[Span], SpanCounts]:
    """The spans as tags of words can say them: what cuts a word is widened to it; see [`spans_to_tags`]."""
    labels = sorted({span["label"] for span in spans})
    tags, counts = spans_to_tags(spans, words, labels)
    return tags_to_spans(tags, words, labels), counts


def tags_to_spans(tags: Sequence[int], words: Words, labels: Sequence[str], scores: Sequence[float] | None = None) -> list[Span]:
    """Spans of a valid IOB2 sequence, each with `start`, `end`, `label` and, if scores are given, the lowest of its words' scores.

    Raises:
        ValueError: an `I-` tag follows neither its `B-` nor its `I-` tag.
    """
    spans: list[Span] = []
    previous = OUTSIDE
    for i, tag in enumerate(tags):
        if tag != OUTSIDE and tag % 2 == 0:
            if previous not in (tag, tag - 1):
                raise ValueError(f"tag {tag} at word {i} continues a slot that tag {previous} before it does not begin.")
            spans[-1]["end"] = words.ends[i]
            if scores is not None:
                spans[-1]["score"] = min(spans[-1]["score"], scores[i])
        elif tag != OUTSIDE:
            spans.append({"start": words.starts[i], "end": words.ends[i], "label": labels[tag // 2]})
            if scores is not None:
                spans[-1]["score"] = scores[i]
        previous = tag
    return spans


__all__ = ["Span", "SpanCounts", "Words", "align_spans", "find_words", "spans_to_tags", "tags_to_spans"]
