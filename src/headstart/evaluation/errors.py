"""What a skill gets wrong, and what would help most: confusions, wrong texts, how honest its scores are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart.data.rows import Row
from headstart.evaluation.by_label import NONE, LabelScores
from headstart.tokenization.alignment_headstart import Span
from headstart.tokenization.answers_headstart import Answer

BINS = 10  # of the calibration plot
NO_SLOT = "(no slot)"
FEW_EXAMPLES = 3  # wrong texts that stand for others


@dataclass(frozen=True)
class WrongText:
    """An utterance that is answered otherwise than it is annotated.

    Args:
        text: the utterance.
        wanted: its intent as annotated; None: not annotated.
        found: the intent that was answered; "none of these" where it was rejected.
        score: the probability of that answer.
        wanted_slots: its spans, as annotated; None: not annotated.
        found_slots: those that were answered.
        is_intent_wrong, are_slots_wrong: what of it is wrong.
    """

    text: str
    wanted: str | None
    found: str
    score: float
    wanted_slots: list[Span] | None
    found_slots: list[Span]
    is_intent_wrong: bool
    are_slots_wrong: bool


@dataclass(frozen=True)
class CalibrationBin:
    """Answers of nearly the same score: how many there were, their mean score, and the share that was right."""

    answers: int
    score: float
    right: float


@dataclass(frozen=True)
class Advice:
    """What would help.

    Args:
        errors: wrong texts that it is about.
        what: what goes wrong, and what to write.
        examples: some of these texts.
    """

    errors: int
    what: str
    examples: list[str]


@dataclass(frozen=True)
class Errors:
    """All that is told of the errors of a skill.

    Args:
        skill: its name.
        rows: annotated rows that were asked.
        wrong: of these, what is wrong, the most confident first.
        intent_confusions: what was answered, by annotated intent, with counts, right ones too.
        slot_confusions: how often a span of one label (or none) was answered with another (or none), most frequent first; right ones left out.
        calibration: of the intents' scores.
        advice: what would help most, first.
        labels: scores of each intent and slot label.
    """

    skill: str
    rows: int
    wrong: list[WrongText]
    intent_confusions: dict[str, dict[str, int]]
    slot_confusions: list[tuple[str, str, int]]
    calibration: list[CalibrationBin]
    advice: list[Advice]
    labels: LabelScores

    def as_json(self) -> dict[str, Any]:
        """All of it, for a JSON file."""
        return asdict(self)


def find_errors(skill: str, answers: Sequence[Answer], references: Sequence[Row], labels: LabelScores) -> Errors:
    """What of the answers is wrong.

    Args:
        skill: its name.
        answers: one a reference.
        references: annotated rows, with spans of whole words; what is not annotated is not wrong.
        labels: scores of each label, of the same answers.
    """
    wrong: list[WrongText] = []
    intents: dict[str, Counter[str]] = defaultdict(Counter)
    slots: Counter[tuple[str, str]] = Counter()
    judged: list[tuple[float, bool]] = []
    for answer, row in zip(answers, references, strict=True):
        found, score = _intent_of(answer)
        is_wrong = row["intent"] is not None and found != row["intent"]
        if row["intent"] is not None:
            intents[row["intent"]][found] += 1
            judged.append((score, not is_wrong))
        spans: list[Span] = [{"start": slot["start"], "end": slot["end"], "label": slot["label"]} for slot in answer["slots"]]
        confused = _confused(row["slots"], spans) if row["slots"] is not None else []
        slots.update(confused)
        if is_wrong or confused:
            wrong.append(
                WrongText(row["text"], row["intent"], found, round(score, 4), row["slots"], spans, is_wrong, bool(confused))
            )
    wrong.sort(key=lambda error: (not error.is_intent_wrong, -error.score))
    return Errors(
        skill,
        len(references),
        wrong,
        {intent: dict(counts.most_common()) for intent, counts in sorted(intents.items())},
        [(wanted, given, count) for (wanted, given), count in slots.most_common()],
        calibration_bins(judged),
        _advise(wrong, labels),
        labels,
    )


def _intent_of(answer: Answer) -> tuple[str, float]:
    intent = answer["intent"]
    return (intent["label"] or NONE, intent["score"]) if intent else (NONE, 0.0)


def _confused(wanted: Sequence[Span], found: Sequence[Span]) -> list[tuple[str, str]]:
    """Labels of the spans that were annotated and not found, or found and not annotated, each with that of the first span that overlaps it."""
    one, two = ({(span["start"], span["end"], span["label"]) for span in spans} for spans in (wanted, found))
    missed, extra = sorted(one - two), sorted(two - one)
    pairs, used = [], set[tuple[int, int, str]]()
    for start, end, label in missed:
        other = next((span for span in extra if span not in used and span[0] < end and start < span[1]), None)
        pairs.append((label, NO_SLOT if other is None else other[2]))
        used.update([] if other is None else [other])
    return [*pairs, *((NO_SLOT, span[2]) for span in extra if span not in used)]


def calibration_bins(judged: Sequence[tuple[float, bool]]) -> list[CalibrationBin]:
    """Scores and whether they were right, by tenths of the scores; tenths without answers are left out."""
    places: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for score, is_right in judged:
        places[min(int(score * BINS), BINS - 1)].append((score, is_right))
    return [
        CalibrationBin(len(found), round(float(np.mean([score for score, _ in found])), 4), round(float(np.mean([right for _, right in found])), 4))
        for _, found in sorted(places.items())
    ]  # fmt: skip


def _advise(wrong: Sequence[WrongText], labels: LabelScores) -> list[Advice]:
    """What to write, by how many wrong texts it is about."""
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    missed: dict[str, list[str]] = defaultdict(list)
    extra: dict[str, list[str]] = defaultdict(list)
    mistaken: dict[tuple[str, str], list[str]] = defaultdict(list)
    for error in wrong:
        if error.is_intent_wrong and error.wanted is not None:
            pairs[error.wanted, error.found].append(error.text)
        for one, two in dict.fromkeys(_confused(error.wanted_slots or [], error.found_slots)) if error.are_slots_wrong else ():
            if two == NO_SLOT:
                missed[one].append(error.text)
            elif one == NO_SLOT:
                extra[two].append(error.text)
            else:
                mistaken[one, two].append(error.text)
    rows_of = {score.intent: score.rows for score in labels.intents}
    advice = [
        Advice(len(texts), _of_intents(wanted, found, len(texts), rows_of.get(wanted, 0)), texts[:FEW_EXAMPLES])
        for (wanted, found), texts in pairs.items()
    ]
    for label, texts in missed.items():
        what = f"{label!r} is not found: write training rows in which it stands as in these, list its values in a catalog, or give it a type."
        advice.append(Advice(len(texts), what, texts[:FEW_EXAMPLES]))
    for label, texts in extra.items():
        what = f"{label!r} is found where nothing is annotated: annotate it in training rows alike, or write rows in which such words are no value."
        advice.append(Advice(len(texts), what, texts[:FEW_EXAMPLES]))
    for (one, two), texts in mistaken.items():
        if one == two:
            what = f"{one!r} is found with other limits: annotate its spans in one way, with or without the words at their ends, and list whole values."
        else:
            what = f"{one!r} is taken for {two!r}: write rows in which the words around them tell the two apart, and list the values of both."
        advice.append(Advice(len(texts), what, texts[:FEW_EXAMPLES]))
    return sorted(advice, key=lambda one: -one.errors)


def _of_intents(wanted: str, found: str, count: int, rows: int) -> str:
    share = f"{count} of {rows} rows of {wanted!r}"
    if found == NONE:
        return f"{share} are rejected: write training rows for it that are worded like these, or raise the threshold (headstart calibrate)."
    return f"{share} are taken for {found!r}: write training rows for it that are worded like these, and look for such rows in {found!r}."


__all__ = ["NO_SLOT", "Advice", "CalibrationBin", "Errors", "WrongText", "calibration_bins", "find_errors"]
