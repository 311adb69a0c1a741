"""Checks of intents: too few rows, too few ways of saying, more rows than all others, lengths that give them away, names that are one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from statistics import median

from headstart.checking.findings import Finding, places
from headstart.checking.utterances import Utterance
from headstart.data.rows import counted, shorten
from headstart.data.skills import Skill
from headstart.data.texts import text_key

MIN_ROWS = 5  # of an intent
MANY_ROWS = 6  # from so many rows on,
MIN_PHRASES, MOST_ALIKE = 3, 0.8  # so many phrases are wanted, and no one in more than this share of the rows
UNBALANCED, MIN_LARGE = 10, 50  # times the rows of the median intent, and rows, that an intent must have to be told
LONG, LONGER = 25, 4  # words of a row, and times the median of its intent (of all rows, if that has few), over which it is told
LENGTHS_APART, MIN_WORDS = 3, 9  # how many times longer an intent's rows are than the others', and their least median in words


def few_rows(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Intents with few rows, or with few phrases among many rows."""
    for intent, rows in _by_intent(utterances).items():
        if len(rows) < MIN_ROWS:
            number = counted(len(rows), "training row")
            yield Finding("few_rows", f"{intent!r} has {number}.", (intent,), places(rows))
            continue
        phrases = Counter(row.phrase for row in rows)
        most, count = phrases.most_common(1)[0]
        if len(rows) >= MANY_ROWS and (len(phrases) < MIN_PHRASES or count > MOST_ALIKE * len(rows)):
            number = counted(len(phrases), "phrase")
            reason = f"{intent!r} has {counted(len(rows), 'training row')} of {number}, without values and small words; {count} are {shorten(' '.join(most))}."
            yield Finding("few_phrases", reason, (intent,), places([row for row in rows if row.phrase == most]))


def unbalanced_rows(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Intents with many times the rows of most others."""
    rows_of = _by_intent(utterances)
    if len(rows_of) < 3:
        return
    middle = median(len(rows) for rows in rows_of.values())
    for intent, rows in rows_of.items():
        if len(rows) >= MIN_LARGE and len(rows) > UNBALANCED * middle:
            reason = f"{intent!r} has {counted(len(rows), 'training row')}, half of the intents {middle:g} or fewer."
            yield Finding("unbalanced_rows", reason, (intent,), places(rows, 2))


def unbalanced_lengths(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Rows that are far longer than the others of their intent, and intents that are far longer than the others."""
    rows_of = _by_intent(utterances)
    middles = {intent: median(len(row.words) for row in rows) for intent, rows in rows_of.items()}
    middle_of_all = median(len(row.words) for rows in rows_of.values() for row in rows) if rows_of else 0
    for intent, rows in rows_of.items():
        usual = middles[intent] if len(rows) >= MIN_ROWS else middle_of_all
        long = [row for row in rows if len(row.words) > max(LONG, LONGER * usual)]
        for row in long:
            reason = f"{shorten(row.row['text'])} of {intent!r} has {counted(len(row.words), 'word')}, where {usual:g} are usual."
            yield Finding("unbalanced_lengths", reason, (intent,), places([row]))
        others = [middle for other, middle in middles.items() if other != intent]
        if len(rows) >= MIN_ROWS and others and middles[intent] >= max(MIN_WORDS, LENGTHS_APART * median(others)):
            reason = f"the rows of {intent!r} mostly have {middles[intent]:g} words, those of other intents {median(others):g}: length alone gives it away."
            yield Finding("unbalanced_lengths", reason, (intent,), places(rows, 3))


def alike_names(skill: Skill, utterances: list[Utterance]) -> Iterator[Finding]:
    """Intents, and slot labels, whose names are the same words."""
    rows_of = _by_intent(utterances)
    of_slots: dict[str, list[Utterance]] = defaultdict(list)
    for row in utterances:
        for label, _ in row.values:
            of_slots[label].append(row)
    for names, found in ((skill.intents, rows_of), (skill.slots, of_slots)):
        first: dict[str, str] = {}
        for name in names:
            before = first.setdefault(_name_key(name), name)
            if before != name:
                reason = f"{before!r} and {name!r} are the same but for how they are written."
                rows = [*found.get(before, [])[:2], *found.get(name, [])[:2]]
                yield Finding("labels_alike", reason, (before, name), places(rows))


def _name_key(name: str) -> str:
    """What two names share that are meant as one: letters and digits, without case and the word "intent" behind them."""
    letters = text_key(name)
    return letters.removesuffix("intent").removesuffix("intent") or letters or name


def _by_intent(utterances: Iterable[Utterance]) -> dict[str, list[Utterance]]:
    found: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        if utterance.part == "train" and utterance.intent is not None:
            found[utterance.intent].append(utterance)
    return found


CHECKS = (few_rows, unbalanced_rows, unbalanced_lengths, alike_names)

__all__ = ["CHECKS"]
