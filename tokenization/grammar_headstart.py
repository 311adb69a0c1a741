"""A chart parser for short phrases: a language's table says which words and patterns there are, this says how they are read.

A table ([`Language`]) is data. Its `words` hold, by category, what is said for a value; its `rules`, by category, patterns with what they mean. In a
pattern, words stand for themselves, `[x]` may be left out, `(x|y)` is one of these, `{category}` is anything of that category, and
`{name:category}` is that too, under a name of its own; under the name `_` its meaning is not used. A meaning is `operation field=value ...`: an operation of `operations_headstart.py`, which is
called with what the categories of the pattern meant, by their names, and with the fields. `cost=1` makes a reading worse than one without.
Written forms are categories in capitals: `INT`, `DECIMAL`, `ORDINAL`, `CLOCK`, `ISO`, `SLASHED` and `DOTTED` (dates).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any, NamedTuple, NotRequired, TypedDict

# Whatever an operation takes, it gives a value that can be hashed, or None where the words don't go together ("thirty seven o'clock").
Operation = Callable[..., Any]
MAX_WORDS = 40  # of a phrase: what is longer is no value, and would take time

MAX_READINGS = 8  # of the same words as the same category
MAX_LETTERS = 80  # of a word that is cut into others
MAX_DIGITS = 30  # of a number; more are none that anybody said


class Language(TypedDict):
    """The spoken values of a language, as data.

    Args:
        decimal_mark: between a number and its decimals, in digits.
        day_first: whether `3/4` is the third of April.
        ordinal_marks: what is written behind the digits of an ordinal.
        has_compounds: whether words are written together ("zweihundertfünf"): unknown ones are then cut into known ones.
        fillers: what is said among the words of a value and means nothing ("uh").
        suffixes: what is written at the end of a word, and a word of its own ("sevenish").
        words: by category, by what is meant, what is said for it, separated by commas.
        rules: by category, patterns and what they mean.
    """

    decimal_mark: str
    day_first: bool
    ordinal_marks: Sequence[str]
    has_compounds: bool
    fillers: NotRequired[Sequence[str]]
    suffixes: NotRequired[Sequence[str]]
    words: Mapping[str, Mapping[str | int, str]]
    rules: Mapping[str, Sequence[tuple[str, str]]]


class Token(NamedTuple):
    """A word in lower case, or a written form: then `key` is its category and `value` what it holds."""

    key: str
    value: Any


class Reading(NamedTuple):
    """What words may mean: where they end, their meaning, and how unlikely it is."""

    end: int
    meaning: Any
    cost: int


class _End(NamedTuple):
    operation: Operation
    fields: dict[str, int | float | str]
    cost: int


class _Node:
    """A place in the patterns of a category: what may come next, and what is meant if it ends here."""

    __slots__ = ("categories", "ends", "fitting", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.categories: dict[tuple[str, str], _Node] = {}
        self.ends: list[_End] = []
        self.fitting: dict[str, list[tuple[str, str, _Node]]] = {}  # names and categories that may begin with a word

    @property
    def children(self) -> list[_Node]:
        """What may come next."""
        return [*self.words.values(), *self.categories.values()]


_Item = tuple[str, str | None]  # a word, or a name and a category
_PATTERN = re.compile(r"\{[^}]*\}|[\[\]()|]|[^\s\[\](){}|]+")
_WRITTEN = ("INT", "DECIMAL", "ORDINAL", "CLOCK", "ISO", "SLASHED", "DOTTED")


class Grammar:
    """A table, ready to read phrases with.

    Args:
        language: the table.
        operations: by name, what its meanings are made with.

    Raises:
        ValueError: the table names an operation or a category that isn't there, a category begins with itself, or a pattern may be empty.
    """

    def __init__(self, language: Language, operations: Mapping[str, Operation]) -> None:
        self._language = language
        self._roots: dict[str, _Node] = {}
        for category, values in language["words"].items():
            for value, forms in values.items():
                for form in forms.split(","):
                    words = [(word, None) for word in self._literal(form)]
                    self._add(category, words, _End(_itself, {"value": value}, 0))
        for category, rules in language["rules"].items():
            for pattern, meaning in rules:
                end = _read_meaning(meaning, operations)
                for items in _expand(pattern):
                    self._add(category, self._spell(items), end)
        self._vocabulary = {word for root in self._roots.values() for word in _words_of(root)}
        self._tokens = _token_pattern(language)
        self._sort_by_first(self._find_first())

    def _literal(self, form: str) -> list[str]:
        return _normal(form).replace("-", " - ").split()

    def _spell(self, items: Sequence[_Item]) -> list[_Item]:
        return [
            found for word, category in items for found in ([(word, category)] if category else [(w, None) for w in self._literal(word)])
        ]  # fmt: skip

    def _add(self, category: str, items: Sequence[_Item], end: _End) -> None:
        if not items:
            raise ValueError(f"a pattern of {category!r} may be empty; give it at least one word or category.")
        node = self._roots.setdefault(category, _Node())
        for word, inner in items:
            node = node.words.setdefault(word, _Node()) if inner is None else node.categories.setdefault((word, inner), _Node())
        names = {name for name, inner in items if inner is not None and name != "_"} | set(end.fields)
        if not _takes(end.operation, frozenset(names)):
            raise ValueError(
                f"a pattern of {category!r} gives {', '.join(sorted(names)) or 'nothing'}, which its operation doesn't take."
            )
        node.ends.append(end)

    def _find_first(self) -> dict[str, frozenset[str]]:
        """The words and written forms that each category may begin with."""
        found: dict[str, frozenset[str]] = {name: frozenset((name,)) for name in _WRITTEN}

        def look(category: str, above: tuple[str, ...]) -> frozenset[str]:
            if category in above:
                raise ValueError(
                    f"the category {category!r} begins with itself ({' > '.join(above)}): it would be read for ever."
                )
            if category not in found:
                root = self._roots[category]
                inner = [look(name, (*above, category)) for _, name in root.categories]
                found[category] = frozenset(root.words).union(*inner)
            return found[category]

        for category, root in self._roots.items():
            for name in _categories_of(root) - set(_WRITTEN) - set(self._roots):
                raise ValueError(f"{category!r} has a pattern with {name!r}, which has no rules and no words.")
        for category in self._roots:
            look(category, ())
        return found

    def _sort_by_first(self, first: Mapping[str, Collection[str]]) -> None:
        nodes = list(self._roots.values())
        while nodes:
            node = nodes.pop()
            nodes += node.children
            for (name, category), child in node.categories.items():
                for word in first[category]:
                    node.fitting.setdefault(word, []).append((name, category, child))

    def tokenize(self, text: str) -> list[Token]:
        """The words and written forms of a text; what has no place in a value (brackets, commas) is left out."""
        tokens = []
        for match in self._tokens.finditer(_normal(text)):
            kind, said = str(match.lastgroup), match[0]
            if kind != "WORD":
                tokens.append(self._written(kind, said) if len(said) <= MAX_DIGITS else Token(said, said))
            elif said in self._vocabulary:
                tokens.append(Token(said, said))
            elif suffix := self._suffix_of(said):
                tokens += [Token(part, part) for part in (said.removesuffix(suffix), suffix)]
            elif not self._language["has_compounds"]:
                tokens.append(Token(said, said))
            else:
                tokens += [Token(part, part) for part in self._cut(said) or [said]]
        return tokens

    def without_fillers(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens but those that mean nothing."""
        return [token for token in tokens if token.key not in self._language.get("fillers", ())]

    def _suffix_of(self, word: str) -> str | None:
        suffixes = self._language.get("suffixes", ())
        return next((one for one in suffixes if word.endswith(one) and word.removesuffix(one) in self._vocabulary), None)

    def _written(self, kind: str, said: str) -> Token:
        if kind == "NUMBER":
            mark = self._language["decimal_mark"]
            plain = said.replace("," if mark == "." else ".", "").replace(mark, ".")
            return Token("DECIMAL" if "." in plain else "INT", plain)
        if kind == "ORDINAL":
            return Token(kind, int(re.sub(r"\D", "", said)))
        parts = re.split(r"\D", said.strip("."))
        if kind == "SLASHED" and not self._language["day_first"] and len(parts[0]) < 3:
            parts[:2] = parts[1::-1]
        return Token(kind, tuple(parts))

    def _cut(self, word: str) -> list[str] | None:
        """A compound's parts: as few known words as there can be."""
        if len(word) > MAX_LETTERS:
            return None
        best: list[list[str] | None] = [[]]
        for end in range(1, len(word) + 1):
            ways = [
                [*start, word[cut:end]]
                for cut, start in enumerate(best)
                if start is not None and word[cut:end] in self._vocabulary
            ]
            best.append(min(ways, key=len, default=None))
        return best[-1]

    def read(self, tokens: Sequence[Token], *categories: str) -> Iterator[tuple[str, list[Any]]]:
        """What all of the tokens mean as something of one of these categories: the category and its likeliest meanings, in the order of the table;
        first those that cost nothing, then the others by their cost, in the order of the categories."""
        if not tokens or len(tokens) > MAX_WORDS:
            return
        chart = _Chart(self._roots, tokens)
        unlikely: list[tuple[int, str, list[Any]]] = []
        for category in categories:
            whole = [reading for reading in chart.read(category, 0) if reading.end == len(tokens)]
            least = min((reading.cost for reading in whole), default=0)
            meanings = [reading.meaning for reading in whole if reading.cost == least]
            if least:
                unlikely.append((least, category, meanings))
            elif meanings:
                yield category, meanings
        yield from ((category, meanings) for _, category, meanings in sorted(unlikely, key=lambda one: one[0]))


class _Chart:
    """What the words of one phrase mean, from each place on; every category is read there once."""

    def __init__(self, roots: Mapping[str, _Node], tokens: Sequence[Token]) -> None:
        self._roots, self._tokens = roots, tokens
        self._keys = [*(token.key for token in tokens), ""]  # no word is empty: nothing follows the last one
        self._known: dict[tuple[str, int], list[Reading]] = {}

    def read(self, category: str, start: int) -> list[Reading]:
        """The readings of a category from a word on."""
        place = (category, start)
        known = self._known.get(place)
        if known is None:
            if category in _WRITTEN:
                known = [Reading(start + 1, self._tokens[start].value, 0)]
            else:
                found: dict[tuple[int, Any], int] = {}
                self._walk(self._roots[category], start, {}, 0, found)
                known = _best(found)
            self._known[place] = known
        return known

    def _walk(self, node: _Node, at: int, captured: Mapping[str, object], cost: int, found: dict[tuple[int, Any], int]) -> None:
        for end in node.ends:
            meaning = end.operation(**captured, **end.fields)
            if meaning is not None:
                place = (at, meaning)
                found[place] = min(cost + end.cost, found.get(place, cost + end.cost))
        key = self._keys[at]
        child = node.words.get(key)
        if child is not None:
            self._walk(child, at + 1, captured, cost, found)
        for name, category, child in node.fitting.get(key, ()):
            for end_at, meaning, more in self.read(category, at):
                self._walk(child, end_at, captured if name == "_" else {**captured, name: meaning}, cost + more, found)


def _best(found: Mapping[tuple[int, Any], int]) -> list[Reading]:
    """The likeliest readings up to each end, so that a row of digits has no more of them the longer it is."""
    readings = [Reading(end, meaning, cost) for (end, meaning), cost in found.items()]
    if len(readings) <= MAX_READINGS:
        return readings
    by_end: dict[int, list[Reading]] = {}
    for reading in readings:
        by_end.setdefault(reading.end, []).append(reading)
    return [one for of_end in by_end.values() for one in sorted(of_end, key=lambda reading: reading.cost)[:MAX_READINGS]]


@cache
def _takes(operation: Operation, names: frozenset[str]) -> bool:
    try:
        signature(operation).bind(**dict.fromkeys(names))
    except TypeError:
        return False
    return True


def _itself(value: Any) -> Any:
    return value


def _read_meaning(meaning: str, operations: Mapping[str, Operation]) -> _End:
    name, *said = meaning.split()
    fields: dict[str, int | float | str] = {}
    for pair in said:
        field, _, value = pair.partition("=")
        fields[field] = (
            int(value) if re.fullmatch(r"-?\d+", value) else float(value) if re.fullmatch(r"-?\d+\.\d+", value) else value
        )
    if name not in operations:
        raise ValueError(f"the meaning {meaning!r} names no operation; allowed: {', '.join(sorted(operations))}.")
    return _End(operations[name], fields, int(fields.pop("cost", 0)))


def _expand(pattern: str) -> list[list[_Item]]:
    """All sequences of words and categories that a pattern stands for."""
    pieces = _PATTERN.findall(pattern)
    place = 0

    def choices(closing: str) -> list[list[_Item]]:
        nonlocal place
        found: list[list[_Item]] = []
        ways: list[list[_Item]] = [[]]
        while place < len(pieces) and pieces[place] != closing:
            piece, place = pieces[place], place + 1
            if piece == "|":
                found, ways = found + ways, [[]]
                continue
            if piece in "[(":
                inner = choices("]" if piece == "[" else ")") + ([[]] if piece == "[" else [])
                place += 1
            elif piece.startswith("{"):
                name, _, category = piece[1:-1].partition(":")
                inner = [[(name, category or name)]]
            else:
                inner = [[(piece, None)]]
            ways = [way + more for way in ways for more in inner]
        return found + ways

    return choices("")


def _words_of(node: _Node) -> set[str]:
    return set(node.words).union(*map(_words_of, node.children))


def _categories_of(node: _Node) -> set[str]:
    return {category for _, category in node.categories}.union(*map(_categories_of, node.children))


def _normal(text: str) -> str:
    """Lower case, one kind of dash, no apostrophes ("o'clock", "oclock"), and no dots and hyphens within words ("a.m.", "twenty-five")."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"['’‘`´]", "", re.sub(r"[‐‑‒–—−]", "-", text))
    return re.sub(r"(?<=[^\W\d])\.|(?<=[^\W\d])-(?=[^\W\d])", lambda match: "" if match[0] == "." else " ", text)


def _token_pattern(language: Language) -> re.Pattern[str]:
    mark = re.escape(language["decimal_mark"])
    group = re.escape("," if language["decimal_mark"] == "." else ".")
    marks = "|".join(map(re.escape, language["ordinal_marks"])) or "(?!)"
    forms = {
        "ISO": r"\d{4}-\d\d-\d\d(?!\d)",
        "DOTTED": r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)?(?!\d)",
        "SLASHED": r"\d{4}/\d{1,2}/\d{1,2}(?![\d/])|\d{1,2}/\d{1,2}(?:/(?:\d{4}|\d\d))?(?![\d/])",
        "CLOCK": r"\d{1,2}:\d\d(?::\d\d)?(?!\d)",
        "ORDINAL": rf"\d+(?:{marks})(?!\w)",
        "NUMBER": rf"\d{{1,3}}(?:{group}\d{{3}})+(?:{mark}\d+)?(?!\d)|\d*{mark}\d+|\d+",
        "WORD": r"[^\W\d_]+|[^\s\w,;!?()\[\]\"*.:]",
    }
    return re.compile("|".join(f"(?P<{name}>{form})" for name, form in forms.items()))


__all__ = ["MAX_DIGITS", "Grammar", "Language", "Operation", "Reading", "Token"]
