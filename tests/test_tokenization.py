"""Character offsets of the tokenizer, and a checkpoint that plain AutoTokenizer loads."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from headstart.tokenization import build_tokenizer, find_words, order_tokens

COMBINED = "cafe\u0301 ole\u0301"  # accents as marks of their own

WORDS = {
    "what's on": ["what", "'", "s", "on"],
    "what’s on": ["what", "’", "s", "on"],
    "o'clock": ["o", "'", "clock"],
    "7pm": ["7", "pm"],
    "{name} s": ["{", "name", "}", "s"],
    "n. f. l.": ["n", ".", "f", ".", "l", "."],
    "Wake ME\tup\nnow": ["Wake", "ME", "up", "now"],
    "play 🎉 now": ["play", "🎉", "now"],
    "👩‍👩‍👧 here": ["👩‍", "👩‍", "👧", "here"],
    COMBINED: ["cafe\u0301", "ole\u0301"],
    "Straße Ünï": ["Straße", "Ünï"],
    "東京へ": ["東", "京", "へ"],
    "snake_case": ["snake", "_", "case"],
    "don't": ["don", "'", "t"],
    "book [PAD] in [UNK]": ["book", "[", "PAD", "]", "in", "[", "UNK", "]"],
    "zero\u200bwidth": ["zero\u200bwidth"],
}


def words_of(tokenizer: PreTrainedTokenizerBase, text: str) -> list[str]:
    encoding = tokenizer(text, return_offsets_mapping=True)
    words = find_words(text, encoding["offset_mapping"], encoding.word_ids())
    return [text[start:end] for start, end in zip(words.starts, words.ends, strict=True)]


@pytest.mark.parametrize("text", WORDS)
def test_words_and_their_characters(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    assert words_of(tokenizer, text) == WORDS[text]


def test_case_accents_and_apostrophes_are_one_word_to_the_network(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer("BREW Latté")["input_ids"] == tokenizer("brew latte")["input_ids"]
    assert tokenizer("what’s")["input_ids"] == tokenizer("what's")["input_ids"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_ordered_words_within_it(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    encoding = tokenizer(text, return_offsets_mapping=True)
    words = find_words(text, encoding["offset_mapping"], encoding.word_ids())
    position = 0
    for start, end in zip(words.starts, words.ends, strict=True):
        assert position <= start < end <= len(text)
        position = end
    for start, end in zip([0, *words.ends], [*words.starts, len(text)], strict=True):
        # What is between words is blank or invisible, never a letter or digit of the caller's.
        assert not any(character.isalnum() for character in text[start:end])


def test_ten_thousand_characters(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenizer("a" * 10_000)["input_ids"]) == 1  # one unknown word
    text = "latte, " * 1430
    assert words_of(tokenizer, text)[-2:] == ["latte", ","]
    assert len(tokenizer(text, truncation=True)["input_ids"]) == tokenizer.model_max_length


def test_plain_auto_tokenizer_loads_it(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.is_fast and loaded.model_max_length == tokenizer.model_max_length
    for text, words in WORDS.items():
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
        assert words_of(loaded, text) == words


def test_continuing_tokens_have_the_ids_that_order_tokens_says() -> None:
    pieces, start, stop = order_tokens(["a", "##b", "##", "a", "##c", "b"])
    assert pieces == ["[PAD]", "[UNK]", "[MASK]", "##b", "##c", "a", "b"]
    assert pieces[start:stop] == ["##b", "##c"]
    assert build_tokenizer(pieces)("abc a")["input_ids"] == [5, 3, 4, 5]
