"""What stands between a text and its slots, at any size: words, tags, catalog matches, and decoding, by the number of words and of slot labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from headstart.decoding import make_field
from headstart.modeling.catalog_headstart import CatalogDict, find_matches, token_key
from headstart.modeling.crf_headstart import ChainCRF, FactoredCRF, LinearChainCRF
from headstart.tokenization.alignment_headstart import Span, Words, find_words, spans_to_tags, tags_to_spans

Step = tuple[Callable[[int], Any], Callable[[Any], Any]]  # what is made of a size, and what is done to it


def regular_words(size: int) -> Words:
    """Words of two letters with a blank between them."""
    return Words([3 * number for number in range(size)], [3 * number + 2 for number in range(size)], list(range(size)))


def spans_of_words(size: int) -> tuple[list[Span], Words]:
    """A span on every second word."""
    return [{"start": 6 * number, "end": 6 * number + 2, "label": "guest"} for number in range(size // 2)], regular_words(size)


def align(given: tuple[list[Span], Words]) -> None:
    """There and back."""
    spans, words = given
    tags, _ = spans_to_tags(spans, words, ["guest"])
    assert len(tags_to_spans(tags, words, ["guest"])) == len(spans)


def tokenizer() -> Tokenizer:
    """Cuts letters from the rest, and drops what is invisible."""
    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def tokenized(text: str) -> tuple[str, list[tuple[int, int]], list[int | None]]:
    """What words are found in: the time of tokenizing is not ours."""
    encoding = tokenizer().encode(text)
    return text, encoding.offsets, encoding.word_ids


def matches_of(size: int) -> tuple[CatalogDict, list[int], list[bool]]:
    """A text that is one value again and again."""
    return CatalogDict.from_keys([[token_key([5, 6]), token_key([5, 6] * 8)]]), [5, 6] * size, [True, False] * size


def field(crf: ChainCRF, num_words: int) -> tuple[ChainCRF, torch.Tensor, torch.Tensor]:
    """A field with scores of one row of words."""
    torch.manual_seed(0)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf, torch.randn(1, num_words, 1 + 2 * crf.num_slots), torch.ones(1, num_words, dtype=torch.bool)


def decode(given: tuple[ChainCRF, torch.Tensor, torch.Tensor]) -> None:
    """The best tags and their probabilities."""
    crf, emissions, mask = given
    crf.decode(emissions, mask)
    crf.marginals(emissions, mask)


def learn(given: tuple[ChainCRF, torch.Tensor, torch.Tensor]) -> None:
    """A loss and its gradient."""
    crf, emissions, mask = given
    crf(emissions.clone().requires_grad_(), torch.zeros(mask.shape, dtype=torch.long), mask).sum().backward()


def decode_exported(given: tuple[ChainCRF, torch.Tensor, torch.Tensor]) -> None:
    """The same in numpy."""
    crf, emissions, mask = given
    made = make_field({name: part.detach().numpy() for name, part in crf.arrays().items()})
    counts = np.array([mask.shape[1]])
    made.certainty(emissions.numpy(), counts, made.decode(emissions.numpy(), counts))


STEPS: dict[str, Step] = {
    "words of a text": (lambda size: tokenized("tea please " * size), lambda given: find_words(*given)),
    "words of one word": (lambda size: tokenized("tea" * size), lambda given: find_words(*given)),
    "words with marks": (lambda size: tokenized("e" + "\u0301" * size), lambda given: find_words(*given)),
    "words of signs": (lambda size: tokenized("?!" * size), lambda given: find_words(*given)),
    "spans to tags and back": (spans_of_words, align),
    "one span of all words": (
        lambda size: ([{"start": 0, "end": 3 * size - 1, "label": "guest"}], regular_words(size)),
        align,
    ),
    "catalog matches": (matches_of, lambda given: find_matches(given[0], 1, given[1], given[2], given[0].longest)),
    "decoding, by words": (lambda size: field(LinearChainCRF(10), size), decode),
    "decoding of many labels, by words": (lambda size: field(FactoredCRF(10), size), decode),
    "decoding, by labels": (lambda size: field(FactoredCRF(size), 5), decode),
    "learning, by words": (lambda size: field(LinearChainCRF(10), size), learn),
    "learning of many labels, by words": (lambda size: field(FactoredCRF(10), size), learn),
    "learning, by labels": (lambda size: field(FactoredCRF(size), 5), learn),
    "decoding of an export, by words": (lambda size: field(LinearChainCRF(10), size), decode_exported),
    "decoding of an export of many labels, by words": (lambda size: field(FactoredCRF(10), size), decode_exported),
    "decoding of an export, by labels": (lambda size: field(FactoredCRF(size), 5), decode_exported),
}
