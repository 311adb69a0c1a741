"""Checks of what is said: texts and phrases that two intents share, annotations that contradict each other, rows that are no utterances."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from rapidfuzz.distance import OSA

from headstart.checking.findings import Finding, places
from headstart.checking.utterances import SLOT, Utterance
from headstart.data.rows import shorten
from headstart.data.skills import Skill

Key = TypeVar("Key")

MIN_TYPO = 5  # letters of a word that may be another one, misspelt
MARKUP = re.compile(
    r"\{[^{}]*\}|\[[^\[\]]+\]\s*\([^()]*\)|</?[a-zA-Z][^<>]*>|&(?:[a-z]{2,8}|#\d+);|\$\{|%[sd]\b|\ufffd|[\u200b\u200e\u200f\ufeff\u00ad]|[\t\n\r]"
)
NEIGHBOURS = 3
# A row is like another intent where its likeness (cosine of weighed words) to each of the three most similar rows is at least the first, and to
# the most similar row of its own intent at most the second.
LIKE, UNLIKE = 0.75, 0.4
MAX_PHRASES, BLOCK = 5000, 500  # that are compared each with each, so many at a time


def two_intents(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Texts that stand in two intents."""
    for group in _groups(_training(utterances), lambda utterance: utterance.words):
        firsts = _first_of(group, lambda utterance: utterance.intent)
        if len(firsts) > 1:
            text = shorten(group[0].row["text"])
            yield Finding(
                "text_in_two_intents", f"{text} is in {_listed(firsts)}.", tuple(map(str, firsts)), places([*firsts.values()])
            )


def contradicting_slots(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Texts of one intent that are annotated in two ways."""
    annotated = [utterance for utterance in _training(utterances, False) if utterance.row["slots"] is not None]
    for group in _groups(annotated, lambda utterance: (utterance.intent, utterance.words)):
        firsts = _first_of(group, lambda utterance: utterance.values)
        if len(firsts) > 1:
            ways = " and as ".join(_told(utterance) for utterance in list(firsts.values())[:2])
            labels = tuple(dict.fromkeys(label for values in firsts for label, _ in values))
            yield Finding(
                "contradicting_slots", f"{shorten(group[0].row['text'])} is annotated as {ways}.", labels, places([*firsts.values()])
            )  # fmt: skip


def same_phrases(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Phrases of two intents that differ in slot values alone, in words that change nothing, or in a letter."""
    training = [utterance for utterance in _training(utterances) if utterance.open_phrase]
    for group in _groups(training, lambda utterance: utterance.open_phrase):
        firsts = _first_of(group, lambda utterance: utterance.intent)
        pair = _closest([*firsts.values()], group)
        if len(firsts) > 1 and pair is not None:
            yield _same_phrase(pair, "differ in values and small words alone")
    yield from _same_words(training)
    yield from _misspelt(training)


def _same_words(training: list[Utterance]) -> Iterator[Finding]:
    """Texts with the same words where one has a slot that the other lacks."""
    for group in _groups(training, lambda utterance: utterance.plain_words):
        firsts = [*_first_of(group, lambda utterance: utterance.intent).values()]
        if len(firsts) > 1 and firsts[0].open_phrase != firsts[1].open_phrase and firsts[0].words != firsts[1].words:
            yield _same_phrase((firsts[0], firsts[1]), "differ in small words alone")


def _closest(firsts: Sequence[Utterance], group: Sequence[Utterance]) -> tuple[Utterance, Utterance] | None:
    """Two rows of different intents, none of which has the very text of the other: that is told elsewhere."""
    for first in firsts:
        for other in group:
            if other.intent != first.intent and other.words != first.words:
                # Different slots whose values differ tell the intents apart, if words are there besides.
                if other.phrase != first.phrase and not _share_values(first, other):
                    continue
                return first, other
    return None


def _share_values(first: Utterance, other: Utterance) -> bool:
    """Whether a value that one has in a slot stands in a slot of another label in the other."""
    return any(words == others and label != another for label, words in first.values for another, others in other.values)


def _misspelt(training: list[Utterance]) -> Iterator[Finding]:
    """Phrases of two intents that differ in a letter of a word that occurs once, whatever their values."""
    counts = Counter(word for utterance in training for word in set(utterance.open_phrase))
    by_rest: dict[tuple[str, ...], list[Utterance]] = defaultdict(list)
    for utterance in training:
        for rest, _ in _rests(utterance.open_phrase):
            by_rest[rest].append(utterance)
    for utterance in training:
        for place, (rest, word) in enumerate(_rests(utterance.open_phrase)):
            if counts[word] == 1 and len(word) >= MIN_TYPO and not word.isdigit():
                others = (other for other in by_rest[rest] if other.intent != utterance.intent)
                twin = next((other for other in others if OSA.distance(word, other.open_phrase[place]) == 1), None)
                if twin is not None:
                    yield _same_phrase((utterance, twin), "differ in a letter alone, and values")


def _rests(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for place, word in enumerate(words):
        yield (*words[:place], "*", *words[place + 1 :]), word


def _same_phrase(pair: tuple[Utterance, Utterance], how: str) -> Finding:
    first, other = pair
    reason = f"{shorten(first.row['text'])} of {first.intent!r} and {shorten(other.row['text'])} of {other.intent!r} {how}."
    return Finding("same_phrase_in_two_intents", reason, (str(first.intent), str(other.intent)), places([first, other]))


def like_another(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Rows whose words are those of another intent, and none of their own."""
    phrases: dict[tuple[tuple[str, ...], str | None], Utterance] = {}
    for utterance in _training(utterances):
        if len([word for word in utterance.phrase if not SLOT.fullmatch(word)]) > 1:
            phrases.setdefault((utterance.phrase, utterance.intent), utterance)
    rows = [*phrases.values()]
    if len(rows) > MAX_PHRASES or len({row.intent for row in rows}) < 2:
        return
    counts = Counter(row.intent for row in rows)
    vectors = _vectors([row.phrase for row in rows])
    numbers = {intent: number for number, intent in enumerate(counts)}
    intents = np.array([numbers[row.intent] for row in rows])
    for start in range(0, len(rows), BLOCK):
        likeness = vectors[start : start + BLOCK] @ vectors.T
        likeness[np.arange(len(likeness)), start + np.arange(len(likeness))] = -1
        nearest = np.argsort(-likeness, axis=1)[:, :NEIGHBOURS]
        for place, its in enumerate(nearest):
            row, other = rows[start + place], rows[its[0]]
            own = likeness[place, intents == intents[start + place]].max()
            is_alien = len({*intents[its]}) == 1 and row.intent != other.intent and own <= UNLIKE
            # Of an intent with few phrases, nobody can say what it is like.
            if is_alien and likeness[place, its[-1]] >= LIKE and counts[row.intent] > NEIGHBOURS:
                reason = f"{shorten(row.row['text'])} of {row.intent!r} is like rows of {other.intent!r}, such as {shorten(other.row['text'])}."
                yield Finding("row_like_another_intent", reason, (str(row.intent), str(other.intent)), places([row, other]))


def _vectors(phrases: Sequence[tuple[str, ...]]) -> np.ndarray:
    """The words of each phrase by how much they say, (phrases, words) float: the rarer, the more; of length 1."""
    counts = Counter(word for phrase in phrases for word in set(phrase))
    places_of = {word: place for place, word in enumerate(counts)}
    vectors = np.zeros((len(phrases), len(counts)), np.float32)
    for number, phrase in enumerate(phrases):
        for word in phrase:
            vectors[number, places_of[word]] = math.log((1 + len(phrases)) / counts[word])
    lengths: np.ndarray = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(lengths, 1e-6)
    return vectors


def held_out(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Texts of validation and test rows that are trained on."""
    known = {utterance.words: utterance for utterance in reversed(_training(utterances, False))}
    for utterance in utterances:
        if utterance.part != "train" and utterance.words in known:
            twin = known[utterance.words]
            reason = (
                f"{shorten(utterance.row['text'])} is {utterance.part} row {utterance.number}, and training row {twin.number}."
            )
            yield Finding("held_out_text_in_training", reason, (), places([utterance, twin]))


def repeated(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Texts that stand several times in the training rows of an intent, annotated alike."""
    for group in _groups(_training(utterances, False), lambda utterance: (utterance.words, utterance.intent, utterance.values)):
        if len(group) > 1:
            reason = f"{shorten(group[0].row['text'])} of {group[0].intent!r} is there {len(group)} times."
            yield Finding("repeated_rows", reason, (str(group[0].intent),), places(group))


def markup(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Texts with placeholders, tags and characters that nobody says."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        for match in MARKUP.finditer(utterance.row["text"]):
            found[match.group()].append(utterance)
    for what, group in found.items():
        yield Finding("markup_left", f"{shorten(what)} stands in {_number(len(group), 'text')}.", (), places(group))


def unseen_labels(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Labels of validation and test rows that no training row has."""
    by_label: dict[tuple[str, str], list[Utterance]] = defaultdict(list)
    known = {"intent": set(skill.intents), "slot label": set(skill.slots)}
    for utterance in utterances:
        if utterance.part != "train":
            labels = [("intent", utterance.intent), *(("slot label", label) for label, _ in utterance.values)]
            for kind, label in labels:
                if label is not None and label not in known[kind]:
                    by_label[kind, label].append(utterance)
    for (kind, label), group in by_label.items():
        yield Finding("label_in_no_training_row", f"the {kind} {label!r} is in held-out rows alone.", (label,), places(group))


def _training(utterances: Iterable[Utterance], with_intent: bool = True) -> list[Utterance]:
    return [row for row in utterances if row.part == "train" and (row.intent is not None or not with_intent)]


def _groups(utterances: Iterable[Utterance], key: Callable[[Utterance], Hashable]) -> Iterator[list[Utterance]]:
    """Those that share a key, together."""
    groups: dict[Hashable, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        groups[key(utterance)].append(utterance)
    yield from (group for group in groups.values() if len(group) > 1)


def _first_of(group: Sequence[Utterance], key: Callable[[Utterance], Key]) -> dict[Key, Utterance]:
    """The first row of each of what a group differs in, in their order."""
    firsts: dict[Key, Utterance] = {}
    for utterance in group:
        firsts.setdefault(key(utterance), utterance)
    return firsts


def _told(utterance: Utterance) -> str:
    return ", ".join(f"{label}: {' '.join(words)!r}" for label, words in utterance.values) or "no slot"


def _listed(names: Iterable[object]) -> str:
    return " and ".join(repr(name) for name in names)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


CHECKS = (two_intents, contradicting_slots, markup, unseen_labels, held_out, same_phrases, like_another, repeated)

__all__ = ["CHECKS"]
