"""Misspelt words: rows as hurried people type them.

A word that is misspelt is torn into other subwords, and a network that never saw such pieces takes the text for something else. Errors are those of a
typist: a letter is left out, doubled, swapped with the next one, or a neighbour of it on the keyboard or another vowel comes in its place or before it
(after Karpukhin et al., "Training on Synthetic Noise Improves Robustness to Natural Noise in Machine Translation", W-NUT 2019).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from headstart.data.rows import Row
from headstart.tokenization.alignment_headstart import Span

WORD_SHARE = 0.3  # of the words of a row that is misspelt
# Latin letters: of what is written without blanks, a letter may be a word. And of two letters with an error in them another word is made.
_WORD = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]{3,}")
_VOWELS = "aeiou"


def misspell(row: Row, choice: random.Random, share: float = WORD_SHARE) -> Row:
    """A copy of the row in which some words have an error, with its spans moved along; the row itself if none was drawn.

    Runs of three Latin letters or more are changed, each within itself, so that the copy has as many words as the row. A run that a span cuts stays as it is.

    Args:
        row: the row.
        choice: what errors are drawn with.
        share: probability that a word has one.
    """
    text, spans = row["text"], row["slots"] or []
    cuts = {place for span in spans for place in (span["start"], span["end"])}
    pieces: list[str] = []
    moved = dict.fromkeys(cuts, 0)  # how far each end of a span moves
    end = 0
    for match in _WORD.finditer(text):
        if choice.random() >= share or any(match.start() < cut < match.end() for cut in cuts):
            continue
        word = _misspell_word(match.group(), choice)
        pieces += text[end : match.start()], word
        end = match.end()
        for cut in cuts:
            moved[cut] += (len(word) - len(match.group())) * (cut >= end)
    if not pieces:
        return row
    slots: list[Span] = [
        {"start": span["start"] + moved[span["start"]], "end": span["end"] + moved[span["end"]], "label": span["label"]}
        for span in spans
    ]
    return {"text": "".join([*pieces, text[end:]]), "intent": row["intent"], "slots": None if row["slots"] is None else slots}


def misspell_some(rows: Sequence[Row], share: float, choice: random.Random) -> dict[int, Row]:
    """Copies of those rows that are drawn and get an error, by number.

    Args:
        rows: the rows.
        share: probability that a row is drawn.
        choice: what rows and errors are drawn with.
    """
    found = {number: misspell(row, choice) for number, row in enumerate(rows) if choice.random() < share} if share else {}
    return {number: row for number, row in found.items() if row is not rows[number]}


def _misspell_word(word: str, choice: random.Random) -> str:
    place = choice.randrange(len(word))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    other = choice.choice(_NEIGHBOURS.get(letter.lower(), _VOWELS) if choice.random() < 0.75 else _VOWELS)
    errors = (after, letter + letter + after, after[:1] + letter + after[1:], other + after, other + letter + after)
    return before + choice.choice(errors)


def _keyboard(*lines: str) -> dict[str, str]:
    """The neighbours of each key, on its own line and on those beside it."""
    near = {}
    for number, line in enumerate(lines):
        for place, letter in enumerate(line):
            beside = (other[max(place - 1, 0) : place + 2] for other in lines[max(number - 1, 0) : number + 2])
            near[letter] = "".join(beside).replace(letter, "")
    return near


_NEIGHBOURS = _keyboard("qwertyuiop", "asdfghjkl", "zxcvbnm")


__all__ = ["WORD_SHARE", "misspell", "misspell_some"]
