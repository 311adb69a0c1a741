"""Misspelt rows: their words and spans, and what fine-tuning makes of them."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.misspellings import misspell
from headstart.data.rows import Row

texts = st.text("abcdeéñsz AZ 12'-,好的ा", max_size=40)


@given(texts, st.data())
def test_whatever_is_no_word_stands_where_it_stood(text: str, data: Any) -> None:
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    spans: Any = [{"start": start, "end": end, "label": "x"} for start, end in zip(ends[::2], ends[1::2], strict=False)]
    row: Row = {"text": text, "intent": "i", "slots": spans}
    copy = misspell(row, random.Random(0), share=1.0)
    assert [_frame(piece) for piece in _pieces(copy)] == [_frame(piece) for piece in _pieces(row)]
    assert (copy["intent"], [span["label"] for span in copy["slots"] or ()]) == ("i", ["x"] * len(spans))


def _pieces(row: Row) -> list[str]:
    """The text, cut at the ends of its spans."""
    ends = [0, *(end for span in row["slots"] or () for end in (span["start"], span["end"])), len(row["text"])]
    return [row["text"][start:end] for start, end in itertools.pairwise(ends)]


def _frame(piece: str) -> str:
    """The piece with one letter for each run of Latin ones."""
    return re.sub("[a-zà-ÿ]+", "w", piece, flags=re.IGNORECASE)


def test_errors_are_those_of_a_typist() -> None:
    row: Row = {"text": "kitchen", "intent": None, "slots": None}
    drawn = {misspell(row, random.Random(seed), share=1.0)["text"] for seed in range(500)}
    # Left out, doubled, swapped, a neighbour in its place, a neighbour before it.
    assert {"kithen", "kitchhen", "kithcen", "kirchen", "kirtchen"} <= drawn
    assert all(abs(len(text) - len("kitchen")) <= 1 for text in drawn)


@pytest.mark.parametrize("text", ["on tv", "12345", "去厨房开灯", ""])
def test_short_words_and_other_scripts_stay(text: str) -> None:
    row: Row = {"text": text, "intent": None, "slots": []}
    assert misspell(row, random.Random(0), share=1.0) is row
