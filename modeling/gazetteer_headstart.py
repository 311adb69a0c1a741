"""Gazetteers: which words of an utterance stand in a catalog, as features of one skill's task layers.

Values are matched as sequences of tokens, so case and accents count as little as they do for the tokenizer, and a match begins
and ends at word boundaries. After Goyal, Metallinou and Matsoukas (NAACL 2018), section 3: gazetteer features enter at fine-tuning,
beside the common bi-LSTM's output. Ours are also features of the classifiers, as in a CRF without a network: what a match says of its
own words need not be learned through the bi-LSTMs. The values are kept among the weights, as ids of their tokens, and looked up in a
trie of marisa-trie that is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn

from .catalog_headstart import CatalogMatch, find_matches, mark_matches, token_key
from .entries_headstart import GazetteerSize

try:
    import marisa_trie
except ImportError:  # only a skill with catalogs needs it; Gazetteer says so when one is asked
    marisa_trie = None

CATALOG_TENSORS = ("token_ids", "lengths", "counts")  # what a skill's catalogs are kept as, see `catalog_tensors`
CATALOG_NUMBER = "<H"  # what the trie keeps with every value: the number of its catalog
MAX_CATALOGS = 2**16
DIRECT_SCALE = 3.0  # of the features of classifiers: the larger, the sooner they are learned, and the less penalized when fitted


class Gazetteer(nn.Module):
    """Catalog matches of one skill, and what they add to the inputs of its ST and IC bi-LSTMs and to its scores.

    Args:
        size: how large the catalogs are.
        vocab_size: the ids of tokens lie below it.
        input_size: width of the task layers' input.
        num_tags: number of tags.
        num_intents: number of intents, "none of these" included if the skill can reject.
        dropout: probability that all matches of one catalog in one utterance are hidden in training, so that the tagger doesn't
            depend on them.
    """

    def __init__(
        self, size: GazetteerSize, *, vocab_size: int, input_size: int, num_tags: int, num_intents: int, dropout: float
    ) -> None:
        super().__init__()
        self.num_catalogs = num_catalogs = len(size["slots"])
        self.vocab_size = vocab_size
        self.dropout = dropout
        # See `catalog_tensors`. Not the trie's own bytes: it trusts them, and those of a stranger could bring the process down.
        for name, length in zip(CATALOG_TENSORS, (size["tokens"], size["values"], num_catalogs), strict=True):
            self.register_buffer(name, torch.zeros(length, dtype=torch.int32))
        # Two features a catalog: the first token of a match, and its other tokens.
        self.slot_features = nn.Linear(2 * num_catalogs, input_size, bias=False)
        self.intent_features = nn.Linear(2 * num_catalogs, input_size, bias=False)
        self.tag_scores = nn.Linear(2 * num_catalogs, num_tags, bias=False)
        self.intent_scores = nn.Linear(2 * num_catalogs, num_intents, bias=False) if num_intents else None
        self._built: tuple[list[tuple[torch.Tensor, int]], Any, int] | None = None

    def fill(self, catalogs: Mapping[str, torch.Tensor]) -> None:
        """Take the values of some catalogs, see [`catalog_tensors`]."""
        for name, values in catalogs.items():
            self.get_buffer(name).copy_(values)

    def values(self) -> list[list[list[int]]]:
        """The values of each catalog, as ids of their tokens.

        Raises:
            ValueError: the tensors that were loaded are not those of catalogs.
        """
        tokens, lengths, counts = (self.get_buffer(name).tolist() for name in CATALOG_TENSORS)
        are_sizes_right = sum(counts) == len(lengths) and sum(lengths) == len(tokens)
        if not are_sizes_right or min([*counts, *(length - 1 for length in lengths), *tokens], default=0) < 0:
            raise ValueError("its catalogs don't fit their sizes. Load it anew.")
        if max(tokens, default=0) >= self.vocab_size:
            raise ValueError("its catalogs don't fit the vocabulary. Load it anew.")
        rest, sizes = iter(tokens), iter(lengths)
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
            word_starts: (batch, tokens) bool, True at the first token of each word.
        """
        features = torch.zeros(*input_ids.shape, 2 * self.num_catalogs)
        for row, (tokens, starts) in enumerate(zip(input_ids.tolist(), word_starts.tolist(), strict=True)):
            mark_matches(features, row, self.match(tokens, starts))
        return features.to(input_ids.device, self.slot_features.weight.dtype)

    def match(self, tokens: Sequence[int], starts: Sequence[bool]) -> list[CatalogMatch]:
        """See [`find_matches`]."""
        trie, longest = self._trie()
        return find_matches(trie, self.num_catalogs, tokens, starts, longest)

    def keys(self) -> list[list[str]]:
        """The values of each catalog, as keys (see [`token_key`])."""
        return [[token_key(value) for value in values] for values in self.values()]

    def _trie(self) -> tuple[Any, int]:
        """The values, and the tokens of the longest one."""
        tensors = [self.get_buffer(name) for name in CATALOG_TENSORS]
        versions = [tensor_version(tensor) for tensor in tensors]
        built = self._built
        if built is None or any(
            known is not tensor or old != version
            for (known, old), tensor, version in zip(built[0], tensors, versions, strict=True)
        ):
            keys = sorted((key, (number,)) for number, values in enumerate(self.keys()) for key in values)
            longest = max((len(key) for key, _ in keys), default=0)
            self._built = built = (list(zip(tensors, versions, strict=True)), _trie_class()(CATALOG_NUMBER, keys), longest)
        return built[1:]


def catalog_tensors(catalogs: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, torch.Tensor]:
    """Some catalogs as int32 tensors: `token_ids`, those of all values one after the other, `lengths`, tokens of each value, and `counts`,
    values of each catalog.

    Args:
        catalogs: by slot label, the values as ids of their tokens, none of them empty; their order gives the catalogs' numbers.

    Raises:
        ValueError: there are more catalogs than 65,536.
    """
    if len(catalogs) > MAX_CATALOGS:
        raise ValueError(f"there are {len(catalogs)} catalogs; allowed are {MAX_CATALOGS}.")
    distinct = [sorted(set(map(tuple, values))) for values in catalogs.values()]
    numbers = (
        [token for values in distinct for value in values for token in value],
        [len(value) for values in distinct for value in values],
        [len(values) for values in distinct],
    )
    return {name: torch.tensor(found, dtype=torch.int32) for name, found in zip(CATALOG_TENSORS, numbers, strict=True)}


def gazetteer_size(catalogs: Mapping[str, Sequence[Sequence[int]]], tensors: Mapping[str, torch.Tensor]) -> GazetteerSize:
    """How large some catalogs are, of which [`catalog_tensors`] made these tensors."""
    return {"slots": list(catalogs), "values": len(tensors["lengths"]), "tokens": len(tensors["token_ids"])}


def tensor_version(tensor: torch.Tensor) -> int:
    """How often a tensor was changed in place, so that what was computed from it is known to be outdated; 0 for one of inference mode.

    `torch.Tensor._version` is private, and what autograd itself goes by.
    """
    return 0 if tensor.is_inference() else tensor._version


def _trie_class() -> Any:
    if marisa_trie is None:
        raise ImportError("a skill with catalogs needs marisa-trie, which looks up their values: pip install marisa-trie")
    return marisa_trie.RecordTrie


__all__ = ["CATALOG_TENSORS", "DIRECT_SCALE", "Gazetteer", "catalog_tensors", "gazetteer_size", "tensor_version"]
