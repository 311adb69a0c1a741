"""Which words of an utterance are values of a catalog. Needs nothing but Python, so that an exported skill finds them without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class CatalogMatch(NamedTuple):
    """Pieces `start` to `end` (exclusive) are a value of the catalog with this number."""

    start: int
    end: int
    catalog: int


class Catalogs(Protocol):
    """Values of all catalogs by their keys (see [`piece_key`]), such as a RecordTrie of marisa-trie."""

    def prefixes(self, key: str, /) -> list[str]:
        """The values that the key begins with, the shortest first."""

    def __getitem__(self, key: str, /) -> Sequence[tuple[int]]:
        """The numbers of the catalogs that hold this value."""


class CatalogDict(dict[str, list[tuple[int]]]):
    """[`Catalogs`] in a dict: larger in memory than a trie, and without a dependency."""

    longest: int = 0

    @classmethod
    def from_keys(cls, keys: Sequence[Sequence[str]]) -> CatalogDict:
        """Make one of the keys of each catalog, in the order of the catalogs' numbers."""
        found = cls()
        for number, values in enumerate(keys):
            for value in values:
                found.setdefault(value, []).append((number,))
        found.longest = max(map(len, found), default=0)
        return found

    def prefixes(self, key: str, /) -> list[str]:
        """See [`Catalogs.prefixes`]."""
        return [key[:end] for end in range(1, min(len(key), self.longest) + 1) if key[:end] in self]


def find_matches(catalogs: Catalogs, num_catalogs: int, pieces: Sequence[int], starts: Sequence[bool]) -> list[CatalogMatch]:
    """The longest matches of each catalog from left to right; those of one catalog don't overlap.

    Args:
        catalogs: their values.
        num_catalogs: how many catalogs there are.
        pieces: ids of one utterance, which may be padded with 0.
        starts: whether each piece begins a word; padding doesn't.
    """
    key = piece_key(pieces)
    # A value ends where a word does: before the next one's first piece. Padding is no part of any value.
    boundaries = {position for position, is_start in enumerate(starts) if is_start} | {len(pieces)}
    if pieces and 0 in pieces:
        boundaries.add(pieces.index(0))
    matches = []
    free_from = [0] * num_catalogs
    for start in (position for position, is_start in enumerate(starts) if is_start):
        for prefix in reversed(catalogs.prefixes(key[start:])):  # the longest first
            end = start + len(prefix)
            for (catalog,) in catalogs[prefix] if end in boundaries else ():
                if free_from[catalog] <= start:
                    free_from[catalog] = end
                    matches.append(CatalogMatch(start, end, catalog))
    return matches


def piece_key(pieces: Sequence[int]) -> str:
    """The ids as characters, one each; surrogates, which are no characters, are stepped over."""
    return "".join(chr(piece + 1 if piece < 0xD7FF else piece + 0x801) for piece in pieces)


__all__ = ["CatalogDict", "CatalogMatch", "Catalogs", "find_matches", "piece_key"]
