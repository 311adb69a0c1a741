"""Spans to tags and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from headstart.tokenization import SpanCounts, Words, find_words, spans_to_tags, tags_to_spans

LABELS = ["city", "date", "name"]


def words_of(tokenizer: PreTrainedTokenizerBase, text: str) -> Words:
    encoding = tokenizer(text, return_offsets_mapping=True)
    return find_words(text, encoding["offset_mapping"], encoding.word_ids())


@st.composite
def annotated(draw: Any) -> tuple[str, list[tuple[int, int, str]]]:
    """A text and spans over whole words of it, given as (first word, one past the last word, label)."""
    chunks = draw(
        st.lists(
            st.sampled_from(["play", "ABBA", "caf\u00e9", "cafe\u0301", "7", "東", "🎉", "'", "s", "."]), min_size=1, max_size=12
        )
    )
    edges = draw(st.lists(st.integers(0, len(chunks)), max_size=8, unique=True).map(sorted))
    spans = [(first, last, draw(st.sampled_from(LABELS))) for first, last in zip(edges[::2], edges[1::2], strict=False)]
    return draw(st.sampled_from([" ", "  ", "\t"])).join(chunks), spans


@settings(max_examples=200, deadline=None)
@given(annotated())
def test_spans_on_word_boundaries_survive_the_round_trip(
    tokenizer: PreTrainedTokenizerBase, case: tuple[str, list[tuple[int, int, str]]]
) -> None:
    text, numbered = case
    words = words_of(tokenizer, text)
    spans = [{"start": words.starts[first], "end": words.ends[last - 1], "label": label} for first, last, label in numbered]
    tags, counts = spans_to_tags(spans, words, LABELS)
    assert tags_to_spans(tags, words, LABELS) == spans
    assert counts == SpanCounts(spans=len(spans))


@settings(max_examples=200, deadline=None)
@given(annotated(), st.data())
def test_spans_that_cut_words_are_widened_and_counted_never_lost(
    tokenizer: PreTrainedTokenizerBase, case: tuple[str, Any], data: st.DataObject
) -> None:
    text, _ = case
    words = words_of(tokenizer, text)
    word = data.draw(st.integers(0, len(words) - 1))
    start = data.draw(st.integers(words.starts[word], words.ends[word] - 1))
    end = data.draw(st.integers(start + 1, words.ends[word]))
    tags, counts = spans_to_tags([{"start": start, "end": end, "label": "city"}], words, LABELS)
    (found,) = tags_to_spans(tags, words, LABELS)
    assert (found["start"], found["end"]) == (words.starts[word], words.ends[word])
    assert counts.widened == ((start, end) != (found["start"], found["end"]))
    assert counts.merged == counts.truncated == 0


def test_two_spans_in_one_word_are_counted_as_merged(tokenizer: PreTrainedTokenizerBase) -> None:
    words = words_of(tokenizer, "checkin")
    spans = [{"start": 0, "end": 5, "label": "city"}, {"start": 5, "end": 7, "label": "date"}]
    tags, counts = spans_to_tags(spans, words, LABELS)
    assert tags == [1]
    assert counts == SpanCounts(spans=2, widened=1, merged=1)


@pytest.mark.parametrize("text", ["a \u200b b", "a \ufffd b"])
def test_a_span_without_a_word_is_counted(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    tags, counts = spans_to_tags([{"start": 2, "end": 3, "label": "city"}], words_of(tokenizer, text), LABELS)
    assert set(tags) == {0}
    assert counts.spans == 1 and counts.empty + counts.widened == 1


def test_truncation_that_loses_a_span_is_counted() -> None:
    words = Words([0, 4], [3, 7], [0, 1])
    spans = [
        {"start": 0, "end": 3, "label": "city"},
        {"start": 4, "end": 11, "label": "date"},
        {"start": 12, "end": 15, "label": "name"},
    ]
    tags, counts = spans_to_tags(spans, words, LABELS, is_truncated=True)
    assert tags == [1, 3]
    assert counts == SpanCounts(spans=3, truncated=2)


def test_unknown_labels_and_invalid_tags_are_errors() -> None:
    words = Words([0], [3], [0])
    with pytest.raises(ValueError, match="slot label 'town' is not one of the skill's: city, date, name"):
        spans_to_tags([{"start": 0, "end": 3, "label": "town"}], words, LABELS)
    with pytest.raises(ValueError, match="tag 2 at word 0 continues a slot"):
        tags_to_spans([2], words, LABELS)


def test_adjacent_spans_of_one_label_stay_apart() -> None:
    words = Words([0, 4, 8], [3, 7, 11], [0, 1, 2])
    spans = [{"start": 0, "end": 7, "label": "city"}, {"start": 8, "end": 11, "label": "city"}]
    tags, _ = spans_to_tags(spans, words, LABELS)
    assert tags == [1, 2, 1]
    assert tags_to_spans(tags, words, LABELS) == spans


def test_a_spans_score_is_its_weakest_words() -> None:
    words = Words([0, 4, 8], [3, 7, 11], [0, 1, 2])
    (span,) = tags_to_spans([1, 2, 0], words, LABELS, [0.9, 0.4, 0.1])
    assert span == {"start": 0, "end": 7, "label": "city", "score": 0.4}
