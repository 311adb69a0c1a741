"""Gazetteers: which words of an utterance stand in a catalog, as features of one skill's task layers.

Values are matched as sequences of word pieces, so case and accents count as little as they do for the tokenizer, and a match begins
and ends at word boundaries. After Goyal, Metallinou and Matsoukas (NAACL 2018), section 3: gazetteer features enter at fine-tuning,
beside the common bi-LSTM's output. Ours are also features of the classifiers, as in a CRF without a network: what a match says of its
own words need not be learned through the bi-LSTMs. The values are kept among the weights, as ids of their pieces, and looked up in a
trie of marisa-trie that is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn

from .catalog_headstart import CatalogMatch, find_matches, piece_key

try:
    import marisa_trie
except ImportError:  # only a skill with catalogs needs it; Gazetteer says so when one is asked
    marisa_trie = None

CATALOGS = ("pieces", "lengths", "counts")  # what a skill's catalogs are kept as, see `catalog_tensors`
CATALOG_NUMBER = "<H"  # what the trie keeps with every value: the number of its catalog
MAX_CATALOGS = 2**16
DIRECT_SCALE = 3.0  # of the features of classifiers: the larger, the sooner they are learned, and the less penalized when fitted


class Gazetteer(nn.Module):
    """Catalog matches of one skill, and what they add to the inputs of its ST and IC bi-LSTMs and to its scores.

    Args:
        num_catalogs: number of catalogs.
        num_values: values of all catalogs.
        num_pieces: word pieces of all values.
        vocab_size: the ids of pieces lie below it.
        input_size: width of the task layers' input.
        num_tags: number of tags.
        num_intents: number of intents, "none of these" included if the skill can reject.
        dropout: probability that all matches of one catalog in one utterance are hidden in training, so that the tagger doesn't
            depend on them.
    """

    def __init__(
        self,
        num_catalogs: int,
        num_values: int,
        num_pieces: int,
        vocab_size: int,
        input_size: int,
        num_tags: int,
        num_intents: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.num_catalogs = num_catalogs
        self.vocab_size = vocab_size
        self.dropout = dropout
        # See `catalog_tensors`. Not the trie's own bytes: it trusts them, and those of a stranger could bring the process down.
        for name, size in (("pieces", num_pieces), ("lengths", num_values), ("counts", num_catalogs)):
            self.register_buffer(name, torch.zeros(size, dtype=torch.int32))
        # Two features a catalog: the first piece of a match, and its other pieces.
        self.slot_features = nn.Linear(2 * num_catalogs, input_size, bias=False)
        self.intent_features = nn.Linear(2 * num_catalogs, input_size, bias=False)
        self.tag_scores = nn.Linear(2 * num_catalogs, num_tags, bias=False)
        self.intent_scores = nn.Linear(2 * num_catalogs, num_intents, bias=False) if num_intents else None
        self._built: tuple[list[tuple[torch.Tensor, int]], Any] | None = None

    def fill(self, catalogs: Mapping[str, torch.Tensor]) -> None:
        """Take the values of some catalogs, see [`catalog_tensors`]."""
        for name, values in catalogs.items():
            self.get_buffer(name).copy_(values)

    def values(self) -> list[list[list[int]]]:
        """The values of each catalog, as ids of their pieces.

        Raises:
            ValueError: the tensors that were loaded are not those of catalogs.
        """
        pieces, lengths, counts = (self.get_buffer(name).tolist() for name in CATALOGS)
        are_sizes_right = sum(counts) == len(lengths) and sum(lengths) == len(pieces)
        if not are_sizes_right or min([*counts, *(length - 1 for length in lengths), *pieces], default=0) < 0:
            raise ValueError("its catalogs don't fit their sizes. Load it anew.")
        if max(pieces, default=0) >= self.vocab_size:
            raise ValueError("its catalogs don't fit the vocabulary. Load it anew.")
        rest, sizes = iter(pieces), iter(lengths)
        return [[list(islice(rest, size)) for size in islice(sizes, count)] for count in counts]

    def hide(self, matches: torch.Tensor) -> torch.Tensor:
        """What is seen of the matches that `find` returned: in training, those of some catalogs are hidden."""
        if not self.training or not self.dropout:
            return matches
        kept = torch.rand(len(matches), 1, self.num_catalogs, device=matches.device) >= self.dropout
        return matches * kept.repeat(1, 1, 2)

    def inputs(self, matches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What (batch, tokens, 2 * catalogs) matches add to the inputs of the ST and the IC bi-LSTM, (batch, tokens, input_size) each."""
        return self.slot_features(matches), self.intent_features(matches)

    def scores(self, matches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What they add to the scores of tags (batch, tokens, tags), and to those of intents (batch, intents) if there are any."""
        scaled = DIRECT_SCALE * matches
        return self.tag_scores(scaled), None if self.intent_scores is None else self.intent_scores(scaled.amax(dim=1))

    def find(self, input_ids: torch.Tensor, word_starts: torch.Tensor) -> torch.Tensor:
        """Look up the catalogs: (batch, tokens, 2 * catalogs) float, 1 where a match of the catalog begins, or goes on.

        Args:
            input_ids: (batch, tokens) long.
            word_starts: (batch, tokens) bool, True at the first piece of each word.
        """
        features = torch.zeros(*input_ids.shape, 2 * self.num_catalogs)
        for row, (pieces, starts) in enumerate(zip(input_ids.tolist(), word_starts.tolist(), strict=True)):
            for match in self.match(pieces, starts):
                features[row, match.start, match.catalog] = 1
                features[row, match.start + 1 : match.end, self.num_catalogs + match.catalog] = 1
        return features.to(input_ids.device, self.slot_features.weight.dtype)

    def match(self, pieces: Sequence[int], starts: Sequence[bool]) -> list[CatalogMatch]:
        """See [`find_matches`]."""
        return find_matches(self._trie(), self.num_catalogs, pieces, starts)

    def keys(self) -> list[list[str]]:
        """The values of each catalog, as keys (see [`piece_key`])."""
        return [[piece_key(value) for value in values] for values in self.values()]

    def _trie(self) -> Any:
        tensors = [self.get_buffer(name) for name in CATALOGS]
        versions = [0 if tensor.is_inference() else tensor._version for tensor in tensors]
        built = self._built
        if built is None or any(
            known is not tensor or old != version
            for (known, old), tensor, version in zip(built[0], tensors, versions, strict=True)
        ):
            keys = sorted((key, (number,)) for number, values in enumerate(self.keys()) for key in values)
            self._built = built = (list(zip(tensors, versions, strict=True)), _trie_class()(CATALOG_NUMBER, keys))
        return built[1]


def catalog_tensors(catalogs: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, torch.Tensor]:
    """Some catalogs as int32 tensors: `pieces`, those of all values one after the other, `lengths`, pieces of each value, and `counts`,
    values of each catalog.

    Args:
        catalogs: by slot label, the values as ids of their word pieces, none of them empty; their order gives the catalogs' numbers.

    Raises:
        ValueError: there are more catalogs than 65,536.
    """
    if len(catalogs) > MAX_CATALOGS:
        raise ValueError(f"there are {len(catalogs)} catalogs; allowed are {MAX_CATALOGS}.")
    distinct = [sorted(set(map(tuple, values))) for values in catalogs.values()]
    numbers = (
        [piece for values in distinct for value in values for piece in value],
        [len(value) for values in distinct for value in values],
        [len(values) for values in distinct],
    )
    return {name: torch.tensor(found, dtype=torch.int32) for name, found in zip(CATALOGS, numbers, strict=True)}


def _trie_class() -> Any:
    if marisa_trie is None:
        raise ImportError("a skill with catalogs needs marisa-trie, which looks up their values: pip install marisa-trie")
    return marisa_trie.RecordTrie


__all__ = ["CATALOGS", "Gazetteer", "catalog_tensors"]
