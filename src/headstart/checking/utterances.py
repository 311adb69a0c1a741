"""Rows as a check compares them: their words, and what is left of them without slot values and words that change no intent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from headstart.data.rows import Row
from headstart.data.skills import PARTS, Skill

WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
SLOT = re.compile(r"\{[^{}]*\}")
# Said or not, they don't change what is wanted.
POLITE = re.compile(
    r"\b(?:please|pls|kindly|hey|okay|just|now|(?:can|could|would|will) you|"
    r"i (?:want|need|would like|wanna)(?: you)? to|i'd like(?: you)? to|let's|the|a|an|my|me|some)\b"
)
CONTRACTIONS = {
    "what's": "what is", "where's": "where is", "who's": "who is", "how's": "how is", "when's": "when is", "it's": "it is", "that's": "that is",
    "there's": "there is", "i'm": "i am", "i've": "i have", "i'll": "i will", "don't": "do not", "doesn't": "does not", "can't": "can not",
    "whats": "what is", "wheres": "where is", "won't": "will not", "isn't": "is not", "didn't": "did not",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Utterance:
    """A row with its place.

    Args:
        part: train, validation or test.
        number: in it, from 1.
        row: the row.
    """

    part: str
    number: int
    row: Row

    @property
    def intent(self) -> str | None:
        """Its intent."""
        return self.row["intent"]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the text, without case and punctuation: what two texts share that are the same to a listener."""
        return words_of(self.row["text"])

    @cached_property
    def values(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Label and words of each annotated value, in order."""
        text = self.row["text"]
        return tuple((slot["label"], words_of(text[slot["start"] : slot["end"]])) for slot in self.row["slots"] or [])

    @cached_property
    def phrase(self) -> tuple[str, ...]:
        """The words around the slots, which stand as `{label}`, in plain forms and without those that change no intent."""
        text, parts, end = self.row["text"], [], 0
        for slot in self.row["slots"] or []:
            parts += [plain(text[end : slot["start"]]), [f"{{{slot['label']}}}"]]
            end = slot["end"]
        parts.append(plain(text[end:]))
        return tuple(word for part in parts for word in part)

    @cached_property
    def open_phrase(self) -> tuple[str, ...]:
        """[`phrase`] with `{}` for every slot, whatever its label."""
        return tuple("{}" if SLOT.fullmatch(word) else word for word in self.phrase)

    @cached_property
    def plain_words(self) -> tuple[str, ...]:
        """The words of the whole text in plain forms, without those that change no intent."""
        return tuple(plain(self.row["text"]))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, without case, accents' forms and punctuation."""
    return tuple(WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")))


def plain(text: str) -> list[str]:
    """The words of a text in plain forms, without those that change no intent; all of them, if none is left."""
    spelled = " ".join(CONTRACTIONS.get(word, word) for word in words_of(text))
    kept = POLITE.sub(" ", spelled).split()
    return [_singular(word) for word in kept]


def _singular(word: str) -> str:
    """The word without the sign of the plural, roughly: both forms become the same."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    return word


def list_utterances(skill: Skill, parts: Iterable[str] = PARTS) -> list[Utterance]:
    """The rows of a skill's parts."""
    return [Utterance(part, number, row) for part in parts for number, row in enumerate(skill.rows(part), start=1)]


__all__ = ["SLOT", "Utterance", "list_utterances", "plain", "words_of"]
