"""Gazetteers: which words of an utterance stand in a catalog, as features of one skill's task layers.

Values are matched as sequences of word pieces, so case and accents count as little as they do for the tokenizer, and a match begins
and ends at word boundaries. After Goyal, Metallinou and Matsoukas (NAACL 2018), section 3: gazetteer features enter at fine-tuning,
beside the common bi-LSTM's output. Ours are also features of the classifiers, as in a CRF without a network: what a match says of its
own words need not be learned through the bi-LSTMs. The values are kept in a trie of marisa-trie, a buffer of bytes among the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from .catalog_headstart import CatalogMatch, find_matches, piece_key

try:
    import marisa_trie
except ImportError:  # only a skill with catalogs needs it; Gazetteer says so when one is asked
    marisa_trie = None

CATALOG_NUMBER = "<H"  # what the trie keeps with every value: the number of its catalog
MAX_CATALOGS = 2**16
DIRECT_SCALE = 3.0  # of the features of classifiers: the larger, the sooner they are learned, and the less penalized when fitted


class Gazetteer(nn.Module):
    """Catalog matches of one skill, and what they add to the inputs of its ST and IC bi-LSTMs and to its scores.

    Args:
        num_catalogs: number of catalogs.
        num_bytes: size of the trie.
        input_size: width of the task layers' input.
        num_tags: number of tags.
        num_intents: number of intents, "none of these" included if the skill can reject.
        dropout: probability that all matches of one catalog in one utterance are hidden in training, so that the tagger doesn't
            depend on them.
    """

    trie: torch.Tensor

    def __init__(
        self, num_catalogs: int, num_bytes: int, input_size: int, num_tags: int, num_intents: int, dropout: float
    ) -> None:
        super().__init__()
        self.num_catalogs = num_catalogs
        self.dropout = dropout
        self.register_buffer("trie", torch.zeros(num_bytes, dtype=torch.uint8))
        # Two features a catalog: the first piece of a match, and its other pieces.
        self.slot_features = nn.Linear(2 * num_catalogs, input_size, bias=False)
        self.intent_features = nn.Linear(2 * num_catalogs, input_size, bias=False)
        self.tag_scores = nn.Linear(2 * num_catalogs, num_tags, bias=False)
        self.intent_scores = nn.Linear(2 * num_catalogs, num_intents, bias=False) if num_intents else None
        self._opened: tuple[torch.Tensor, int, Any] | None = None

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
        found: list[list[str]] = [[] for _ in range(self.num_catalogs)]
        for key, (number,) in self._trie().items():
            found[number].append(key)
        return found

    def _trie(self) -> Any:
        opened = self._opened
        version = 0 if self.trie.is_inference() else self.trie._version
        if opened is None or opened[0] is not self.trie or opened[1] != version:
            self._opened = opened = (self.trie, version, _open_trie(self.trie))
        return opened[2]


def build_trie(catalogs: Mapping[str, Sequence[Sequence[int]]]) -> torch.Tensor:
    """The trie of some catalogs as bytes, (bytes,) uint8.

    Args:
        catalogs: by slot label, the values as ids of their word pieces; their order gives the catalogs' numbers.

    Raises:
        ValueError: there are more catalogs than 65,536.
        ImportError: marisa-trie is missing.
    """
    if len(catalogs) > MAX_CATALOGS:
        raise ValueError(f"there are {len(catalogs)} catalogs; allowed are {MAX_CATALOGS}.")
    keys = {(piece_key(value), (number,)) for number, values in enumerate(catalogs.values()) for value in values if len(value)}
    trie = _trie_class()(CATALOG_NUMBER, sorted(keys))
    return torch.frombuffer(bytearray(trie.tobytes()), dtype=torch.uint8)


def _open_trie(content: torch.Tensor) -> Any:
    return _trie_class()(CATALOG_NUMBER).frombytes(bytes(content.cpu().numpy()))


def _trie_class() -> Any:
    if marisa_trie is None:
        raise ImportError("a skill with catalogs needs marisa-trie, which looks up their values: pip install marisa-trie")
    return marisa_trie.RecordTrie


__all__ = ["Gazetteer", "build_trie"]
