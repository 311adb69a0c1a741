"""Values as they are misheard and misspelt: one or two errors, seeded.

Errors of sounds put letters in the place of others that sound like them, as a recogniser writes a name that it doesn't know; errors of spelling are a
typist's: a letter left out, doubled, swapped with the next one or with its neighbour on the keyboard, and a blank left out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

SOUNDS = [
    (re.compile(pattern), written)
    for pattern, written in (
        ("ph", "f"), ("f", "ph"), ("ck", "k"), ("c(?=[aou])", "k"), ("k", "c"), ("c(?=[ei])", "s"), ("s", "z"), ("z", "s"),
        ("qu", "kw"), ("x", "ks"), ("ee", "ea"), ("ea", "ee"), ("ai", "ay"), ("ay", "ai"), ("oo", "u"), ("ou", "ow"), ("ow", "ou"),
        (r"er\b", "a"), ("er", "ur"), ("ir", "er"), ("ur", "er"), ("au", "aw"), ("aw", "au"), (r"y\b", "ie"), (r"ie\b", "y"),
        ("igh", "i"), (r"\bkn", "n"), (r"\bwr", "r"), (r"\bwh", "w"), ("th", "f"), ("th", "d"), ("v", "b"), ("b", "p"), ("p", "b"),
        (r"t\b", "d"), (r"d\b", "t"), ("g", "k"), ("m", "n"), ("n", "m"), ("i", "e"), ("e", "i"), ("a", "e"), ("o", "u"),
        ("tion", "shun"), ("sh", "ch"), ("ch", "sh"), (r"e\b", ""), (r"mb\b", "m"), (r"\bh", ""), (r"ing\b", "in"),
    )
]  # fmt: skip
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
TRIES = 20


def garble(value: str, drawn: random.Random, is_taken: Callable[[str], bool]) -> str | None:
    """The value, in lower case, with one or two errors, each of sounds or of spelling.

    Args:
        value: to garble.
        drawn: what errors are drawn with.
        is_taken: whether a text is listed, and so no error any more; another one is drawn then.

    Returns:
        None if there was none in twenty tries.
    """
    text = value.lower()
    for _ in range(TRIES):
        garbled = text
        for _ in range(drawn.choice((1, 2))):
            garbled = drawn.choice((_misheard, _misspelt))(garbled, drawn)
        if garbled != text and garbled.strip() and not is_taken(garbled):
            return garbled
    return None


def _misheard(text: str, drawn: random.Random) -> str:
    found = [(match, written) for pattern, written in SOUNDS for match in pattern.finditer(text)]
    if not found:
        return _misspelt(text, drawn)
    match, written = drawn.choice(found)
    return text[: match.start()] + written + text[match.end() :]


def _misspelt(text: str, drawn: random.Random) -> str:
    letters = [place for place, letter in enumerate(text) if letter.isalpha()]
    if not letters:
        return text
    place = drawn.choice(letters)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    kind = drawn.choice(("leave out", "double", "swap", "neighbour", "blank"))
    if kind == "blank" and " " in text:
        return text.replace(" ", "", 1)
    if kind == "swap" and after[:1].isalpha():
        return before + after[0] + letter + after[1:]
    if kind == "neighbour" and (near := _neighbours(letter)):
        return before + drawn.choice(near) + after
    return before + (2 * letter if kind == "double" else "") + after


def _neighbours(letter: str) -> list[str]:
    for number, row in enumerate(KEYBOARD):
        if letter in row:
            rows = KEYBOARD[max(number - 1, 0) : number + 2]
            place = row.index(letter)
            return [near for other in rows for near in other[max(place - 1, 0) : place + 2] if near != letter]
    return []
