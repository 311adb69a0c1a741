"""The values of catalogs, and which words of an utterance are some. Needs nothing but Python, so that an exported skill finds them without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class CatalogValue:
    """A value of a catalog: what a program is told, and all the ways to say it.

    Args:
        value: the canonical value.
        id: what a program knows it by, if it has one.
        synonyms: other ways to say it.
        is_said: whether the canonical value is said itself; False: it only tells a program what was meant, as `NO-03` does for `oslo`.

    Raises:
        TypeError: the synonyms are one text.
    """

    value: str
    id: str | None = None
    synonyms: tuple[str, ...] = ()
    is_said: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.synonyms, str):  # whose letters would be taken for some
            raise TypeError(f"synonyms of {self.value!r} is {self.synonyms!r}; it must be a tuple of texts.")
        if type(self.synonyms) is not tuple:
            object.__setattr__(self, "synonyms", tuple(self.synonyms))

    @property
    def forms(self) -> tuple[str, ...]:
        """All that is said for it, each once."""
        return tuple(dict.fromkeys((self.value, *self.synonyms) if self.is_said else self.synonyms))

    @property
    def is_plain(self) -> bool:
        """Whether the text of its value says all that is known of it."""
        return self.is_said and self.id is None and not self.synonyms


Listed = Iterable[str | CatalogValue]  # what a developer lists for a slot: plain values, and those with an id or synonyms


def split_values(listed: Mapping[str, Listed]) -> tuple[dict[str, list[str]], dict[str, list[CatalogValue]]]:
    """What is said for each slot label, each form once and in order; and the values that have an id or synonyms.

    Of a value that is listed several times with the same id, or without one, the synonyms are joined. One that has none is said.
    """
    said: dict[str, dict[str, None]] = {}
    canonical: dict[str, dict[tuple[str, str | None], CatalogValue]] = {}
    for label, values in listed.items():
        forms, found = said.setdefault(label, {}), canonical.setdefault(label, {})
        for value in values:
            if isinstance(value, str):
                forms[value] = None
                continue
            known = found.get((value.value, value.id), value)
            ways = dict.fromkeys((*known.synonyms, *value.synonyms))
            # One without synonyms is all there is to say.
            is_said = known.is_said or value.is_said or not ways or value.value in ways
            ways.pop(value.value, None)
            joined = found[value.value, value.id] = CatalogValue(value.value, value.id, tuple(ways), is_said)
            forms.update(dict.fromkeys(joined.forms))
    kept = {label: [value for value in found.values() if not value.is_plain] for label, found in canonical.items()}
    return {label: list(forms) for label, forms in said.items()}, {label: values for label, values in kept.items() if values}


class CatalogMatch(NamedTuple):
    """Tokens `start` to `end` (exclusive) are a value of the catalog with this number."""

    start: int
    end: int
    catalog: int


class Catalogs(Protocol):
    """Values of all catalogs by their keys (see [`token_key`]), such as a RecordTrie of marisa-trie."""

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


def find_matches(
    catalogs: Catalogs, num_catalogs: int, tokens: Sequence[int], starts: Sequence[bool], longest: int
) -> list[CatalogMatch]:
    """The longest matches of each catalog from left to right; those of one catalog don't overlap.

    Args:
        catalogs: their values.
        num_catalogs: how many catalogs there are.
        tokens: ids of one utterance, which may be padded with 0.
        starts: whether each token begins a word; padding doesn't.
        longest: tokens of the longest value; no more are looked at.
    """
    key = token_key(tokens)
    # A value ends where a word does: before the next one's first token. Padding is no part of any value.
    firsts = [position for position, is_start in enumerate(starts) if is_start]
    boundaries = {*firsts, len(tokens)}
    if tokens and 0 in tokens:
        boundaries.add(tokens.index(0))
    matches = []
    free_from = [0] * num_catalogs
    for start in firsts:
        for prefix in reversed(catalogs.prefixes(key[start : start + longest])):  # the longest first
            end = start + len(prefix)
            for (catalog,) in catalogs[prefix] if end in boundaries else ():
                if free_from[catalog] <= start:
                    free_from[catalog] = end
                    matches.append(CatalogMatch(start, end, catalog))
    return matches


def mark_matches(features: Any, row: int, matches: Sequence[CatalogMatch]) -> None:
    """Set the features of one utterance's matches to 1: that of the catalog at a match's first token, and another one at its others.

    Args:
        features: (rows, tokens, 2 * catalogs), zeros of numpy or torch.
        row: of the utterance.
        matches: what [`find_matches`] found in it.
    """
    num_catalogs = features.shape[2] // 2
    for match in matches:
        features[row, match.start, match.catalog] = 1
        features[row, match.start + 1 : match.end, num_catalogs + match.catalog] = 1


def token_key(tokens: Sequence[int]) -> str:
    """The ids as characters, one each; surrogates, which are no characters, are stepped over."""
    return "".join([chr(token + 1 if token < 0xD7FF else token + 0x801) for token in tokens])


__all__ = [
    "CatalogDict",
    "CatalogMatch",
    "CatalogValue",
    "Catalogs",
    "Listed",
    "find_matches",
    "mark_matches",
    "split_values",
    "token_key",
]
