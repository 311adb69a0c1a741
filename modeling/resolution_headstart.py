"""What the value of a slot means: which of its catalog's values was said, or nearly said. Without torch.

A value is looked up as it is said, and without regard to case, accents, blanks, punctuation and an article before it. If that is none of the catalog's, those that share most
pairs of letters and of sounds with it (an inverted index) are compared with it letter by letter and sound by sound, and the nearest is taken if it is near
enough, and nearer than others. Sounds are Metaphone's (Philips, "Hanging on the Metaphone", Computer Language 7(12), 1990), distances those of optimal
string alignment; the probability that the nearest is what was meant, and from which on it is taken, are fitted and chosen by `benchmarks/resolution.py`.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

from .catalog_headstart import CatalogValue, Listed
from .json_headstart import parse_json

try:
    import jellyfish
    import numpy as np
    from rapidfuzz.distance import OSA
except ImportError:  # only a skill with catalogs needs them; can_resolve says so when one is asked
    OSA = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

# Chosen by benchmarks/resolution.py --choose, on one part of the published skills' catalogs.
OF_LETTERS = 0.6  # share of letters in how like two forms are; the rest is that of sounds
LOGISTIC = {"constant": -5.44, "similarity": 16.63, "margin": 13.6, "length": -3.49}
MISSING = "numpy, rapidfuzz and jellyfish: pip install numpy rapidfuzz jellyfish"
THRESHOLD = 0.63  # least probability of a form that was not said as it is listed
MAX_MARGIN = 0.3
NUM_CANDIDATES = 32  # forms that are compared letter by letter
MAX_COUNTED = 50_000  # forms that are counted for that
SIGNS = {ord(sign): " " for sign in map(chr, range(128)) if not sign.isalnum()} | str.maketrans({"&": " and ", "'": "", ".": ""})
ARTICLES = frozenset({"a", "an", "my", "the"})
# What a form begins and ends with in the index: letters, then sounds.
START, END, SOUNDS_START, SOUNDS_END = "\x02", "\x03", "\x04", "\x05"


def can_resolve(is_asked: bool | None) -> bool:
    """Whether values are to be looked up: if nobody said so, not where what compares them is missing, which is told once in the log.

    Args:
        is_asked: what a request says of it; None: nothing.

    Raises:
        ImportError: it is asked, and what compares values is missing.
    """
    if is_asked is False or OSA is not None:
        return is_asked is not False
    if is_asked:
        raise ImportError(f"saying which values of catalogs were meant needs {MISSING}, or ask with resolve=False.")
    _warn_of_missing()
    return False


@functools.cache
def _warn_of_missing() -> None:
    logger.warning("answers don't say which values of catalogs were meant: that needs %s", MISSING)


class CatalogReading(TypedDict):
    """What was meant.

    Args:
        value: the canonical value.
        id: its id, if it has one.
        score: 1 for what is listed so; otherwise the probability that this was said, and misheard or misspelt.
    """

    value: str
    id: NotRequired[str]
    score: float


class Nearness(NamedTuple):
    """How near a form is to what was said.

    Args:
        similarity: 0 to 1, of letters and sounds.
        margin: how much less the nearest form of another value has, at most [`MAX_MARGIN`].
        length: letters of what was said.
    """

    similarity: float
    margin: float
    length: int

    @property
    def probability(self) -> float:
        """That the form is what was meant; at most one half if another is as near."""
        found = LOGISTIC["constant"] + LOGISTIC["similarity"] * self.similarity + LOGISTIC["margin"] * self.margin
        alone = 1 / (1 + math.exp(-(found + LOGISTIC["length"] * math.log(self.length + 1))))
        return alone if self.margin > 0 else alone / 2


class Form(NamedTuple):
    """A form without what is not compared: its letters and digits, and its sounds."""

    letters: str
    sounds: str

    @property
    def digits(self) -> str:
        """Its digits: a number is another number if one of them is another."""
        return "" if self.letters.isalpha() else "".join(filter(str.isdecimal, self.letters))


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared: without case, accents and apostrophes, and without an article before them; other signs part words, but
    for full stops."""
    folded = text.casefold()
    if not folded.isascii():
        folded = "".join(sign for sign in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(sign))
        folded = "".join(sign if sign.isascii() or sign.isalnum() else "" if sign == "\u2019" else " " for sign in folded)
    words = folded.translate(SIGNS).split()
    has_article = len(words) > 1 and words[0] in ARTICLES and len(words[1]) > 1 and words[1].isalpha()
    return words[1:] if has_article else words


def letters_of(text: str) -> str:
    """The letters and digits of a text; the text itself, if it has none."""
    return "".join(words_of(text)) or text.casefold().strip()


def form_of(text: str) -> Form:
    """The form of a text, with the Metaphone of each word of the Latin alphabet."""
    sounds = (
        jellyfish.metaphone(word).replace(" ", "") if word.isascii() and word.isalpha() else word.upper()
        for word in words_of(text)
    )
    return Form(letters_of(text), "".join(sounds))


class Index:
    """Forms by the pairs of letters, and of sounds, that they have.

    Args:
        forms: to look up, distinct.
    """

    def __init__(self, forms: Sequence[Form]) -> None:
        self.forms = forms
        texts = [_framed(form) for form in forms]
        owners = np.repeat(np.arange(len(forms), dtype=np.int32), [len(text) for text in texts])
        pairs, places = _pairs("".join(texts))
        order = np.argsort(pairs, kind="stable")
        self._pairs, starts = np.unique(pairs[order], return_index=True)
        self._starts = np.append(starts, len(pairs))
        self._owners = owners[places][order]
        self._sizes = np.bincount(self._owners, minlength=len(forms))

    def candidates(self, form: Form) -> list[int]:
        """The forms that share most pairs with one (Dice's coefficient), about [`NUM_CANDIDATES`] at most, by number.

        Of pairs that very many forms have, the most frequent are not counted: that takes longest, and tells least.
        """
        asked, _ = _pairs(_framed(form))
        places = np.searchsorted(self._pairs, asked)
        known = [
            place
            for place, pair in zip(places.tolist(), asked, strict=True)
            if place < len(self._pairs) and self._pairs[place] == pair
        ]
        owners, num_owners = [], 0
        for place in sorted(known, key=lambda place: self._starts[place + 1] - self._starts[place]):
            owners.append(self._owners[self._starts[place] : self._starts[place + 1]])
            num_owners += len(owners[-1])
            if num_owners > MAX_COUNTED:
                break
        if not owners:
            return []
        shared = np.bincount(np.concatenate(owners), minlength=len(self.forms))
        # As many pairs as at least that many forms share: those with less are not looked at.
        reached = np.bincount(shared)[::-1].cumsum()[::-1]
        least = max(int(np.searchsorted(-reached, -4 * NUM_CANDIDATES, side="right")) - 1, 1)
        near = np.flatnonzero(shared >= least)
        shares = shared[near] / (len(asked) + self._sizes[near])
        best: list[int] = near[np.argsort(-shares, kind="stable")[:NUM_CANDIDATES]].tolist()
        return best


def _framed(form: Form) -> str:
    return f"{START}{form.letters}{END}{SOUNDS_START}{form.sounds}{SOUNDS_END}"


def _pairs(text: str) -> tuple[Any, Any]:
    """Each pair of characters that stand together, as a number, and the place of its first one; none over the end of letters or sounds."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    places = np.flatnonzero((codes[:-1] != ord(END)) & (codes[:-1] != ord(SOUNDS_END)))
    return (codes[places] << np.uint64(32)) | codes[places + 1], places


def similarity(said: Form, listed: Form) -> float:
    """How like two forms are, 0 to 1."""
    of_letters: float = OSA.normalized_similarity(said.letters, listed.letters)
    if not said.sounds and not listed.sounds:
        return of_letters
    return OF_LETTERS * of_letters + (1 - OF_LETTERS) * OSA.normalized_similarity(said.sounds, listed.sounds)


class Catalog:
    """The values of one slot label, and what is said for them.

    Args:
        values: what is listed.
    """

    def __init__(self, values: Sequence[CatalogValue]) -> None:
        self.values = values
        self._forms: dict[str, list[tuple[str, int]]] = {}  # by letters: each form as it is listed, and the number of its value
        self._said: dict[str, str] = {}  # a form of each that is said
        for number, value in enumerate(values):
            for form in dict.fromkeys((value.value, *value.synonyms)):
                letters = letters_of(form)
                self._forms.setdefault(letters, []).append((form, number))
                if value.is_said or form != value.value:
                    self._said.setdefault(letters, form)
        self._index: Index | None = None

    def resolve(self, text: str) -> list[CatalogReading]:
        """What was meant, best first: all values that are listed as this was said, or else those of the nearest form, if it is near enough."""
        listed = self._forms.get(letters_of(text), [])
        for is_alike in (str.__str__, _in_lower_case, _nothing):
            found = [number for form, number in listed if is_alike(form) == is_alike(text)]
            if found:
                return [self._reading(number, 1.0) for number in dict.fromkeys(found)]
        near = self.nearest(text)
        if near is None or near[1].probability < THRESHOLD:
            return []
        return [self._reading(number, near[1].probability) for number in self.numbers(near[0])]

    def nearest(self, text: str, without: str | None = None) -> tuple[str, Nearness] | None:
        """The letters of the form that is most like a text, and how near it is; None if none is anything like it.

        Args:
            text: what was said.
            without: letters of a form that is left out, as if its values were not listed.
        """
        if self._index is None:
            self._index = Index([form_of(form) for form in self._said.values()])
        index, said = self._index, form_of(text)
        near = [form for form in map(index.forms.__getitem__, index.candidates(said)) if form.digits == said.digits]
        if without is not None:
            left_out = self.numbers(without)
            near = [form for form in near if left_out.isdisjoint(self.numbers(form.letters))]
        if not near:
            return None
        (best, letters), *others = sorted(((similarity(said, form), form.letters) for form in near), reverse=True)
        own = self.numbers(letters)
        second = next((score for score, other in others if own.isdisjoint(self.numbers(other))), -1.0)
        return letters, Nearness(best, min(best - second, MAX_MARGIN), len(said.letters))

    def numbers(self, letters: str) -> set[int]:
        """The values, by number, that a form with these letters stands for; none if it is not said."""
        listed = self._forms.get(letters, [])
        return {number for form, number in listed if self.values[number].is_said or form != self.values[number].value}

    def _reading(self, number: int, score: float) -> CatalogReading:
        value = self.values[number]
        if value.id is None:
            return {"value": value.value, "score": score}
        return {"value": value.value, "id": value.id, "score": score}


def _in_lower_case(text: str) -> str:
    return " ".join(text.casefold().split())


def _nothing(text: str) -> str:
    return ""


class CatalogResolver:
    """The catalogs of a skill.

    Args:
        values: by slot label, what is listed.
    """

    def __init__(self, values: Mapping[str, Sequence[CatalogValue]]) -> None:
        self._values = values
        self._catalogs: dict[str, Catalog] = {}  # those that were asked

    def catalog(self, label: str) -> Catalog | None:
        """The catalog of a slot label; None: it has none."""
        if label not in self._catalogs and label in self._values:
            self._catalogs[label] = Catalog(self._values[label])
        return self._catalogs.get(label)

    def resolve(self, label: str, text: str) -> list[CatalogReading] | None:
        """What the value of a slot means, see [`Catalog.resolve`]; None: its label has no catalog."""
        catalog = self.catalog(label)
        return None if catalog is None else catalog.resolve(text)


def pack_values(listed: Mapping[str, Listed]) -> tuple[list[str], bytes]:
    """The labels of some catalogs, and their values as JSON: plain text, or a list of value, id, synonyms and whether the value is said. Blank ones
    are left out, and labels without values.

    Args:
        listed: by slot label.
    """
    packed: dict[str, list[Any]] = {}
    for label, values in listed.items():
        found = dict.fromkeys(CatalogValue(value) if isinstance(value, str) else value for value in values)
        kept = [value for value in found if value.value.strip()]
        if kept:
            packed[label] = [
                value.value if value.is_plain else [value.value, value.id, list(value.synonyms), value.is_said] for value in kept
            ]
    return list(packed), json.dumps(list(packed.values()), ensure_ascii=False, separators=(",", ":")).encode()


def unpack_values(slots: Sequence[str], content: bytes) -> dict[str, list[CatalogValue]]:
    """What [`pack_values`] packed.

    Args:
        slots: the labels, in order.
        content: JSON.

    Raises:
        ValueError: it is something else.
    """
    found: Any = parse_json(content, "the values of its catalogs")
    if not isinstance(found, list) or len(found) != len(slots) or not all(isinstance(values, list) for values in found):
        raise ValueError(f"the values of its catalogs are not those of {', '.join(slots)[:200]}. Load it anew.")
    return {label: [_unpack(value) for value in values] for label, values in zip(slots, found, strict=True)}


def _unpack(packed: Any) -> CatalogValue:
    if isinstance(packed, str):
        return CatalogValue(packed)
    fields: list[Any] = packed if isinstance(packed, list) and len(packed) == 4 else [None] * 4
    value, id, synonyms, is_said = fields
    texts = [value, *([] if id is None else [id]), *(synonyms if isinstance(synonyms, list) else [None])]
    if not all(isinstance(text, str) for text in texts) or not isinstance(is_said, bool):
        raise ValueError(f"{str(packed)[:80]!r} is no value of a catalog. Load it anew.")
    return CatalogValue(value, id, tuple(synonyms), is_said)


__all__ = [
    "Catalog",
    "CatalogReading",
    "CatalogResolver",
    "Nearness",
    "can_resolve",
    "form_of",
    "letters_of",
    "pack_values",
    "similarity",
    "unpack_values",
]
