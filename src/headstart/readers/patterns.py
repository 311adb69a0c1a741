"""The sample syntax of LUIS: slots in braces, `[optional]` parts and `(a|b)` groups."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import lcm
from typing import NamedTuple, TypeVar

from headstart.data.templates import Slot
from headstart.readers.parts import join_text, trimmed_slot

MAX_FORMS = 12  # of one pattern
MAX_LENGTH = 2000  # characters of one pattern
MAX_NESTING = 10  # of groups
PAIRS = {"[": "]", "(": ")"}
ESCAPED = "{}[]()|\\@=:"  # in a pattern
ESCAPED_IN_TEXT = "{}[]()"  # in an utterance of a .lu file that is none
NEXT = re.compile(r"[{}=]")
SPECIAL = re.compile(r"[\\{}\[\]()|]")


class PatternError(ValueError):
    """A sample that is not as its syntax asks; the message is what is wrong with it, to be counted."""


class Mark(NamedTuple):
    """A sign of the syntax: a bracket, a parenthesis or a bar."""

    sign: str


Token = str | Slot | Mark
T = TypeVar("T")


def scan(text: str, label: Callable[[str], str], escaped: str = ESCAPED) -> list[Token]:
    """Cut a sample into text, slots and signs. Of nested labelled slots the outermost is kept.

    Args:
        text: the sample.
        label: the slot label of what is written in front of `=`, or alone in braces.
        escaped: the signs that a backslash makes text, and is none itself.

    Raises:
        PatternError: braces don't match, or a slot has no name or an empty value.
    """
    if len(text) > MAX_LENGTH:
        raise PatternError(f"over {MAX_LENGTH} characters")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = SPECIAL.search(text, position)
        tokens.append(text[position : found.start()] if found else text[position:])
        if found is None:
            break
        position = found.end()
        sign = found[0]
        if sign == "\\":
            is_escape = text[position : position + 1] in tuple(escaped)
            tokens.append(text[position] if is_escape else sign)
            position += is_escape
        elif sign == "{":
            slot, position = _scan_slot(text, position, label, escaped)
            tokens += slot
        elif sign == "}":
            raise PatternError("braces that don't match")
        else:
            tokens.append(Mark(sign))
    return tokens


def _scan_slot(text: str, position: int, label: Callable[[str], str], escaped: str) -> tuple[list[Token], int]:
    """The slot whose brace opens before the position, with the blanks at the ends of its value outside, and the position behind it."""
    found = NEXT.search(text, position)
    name = label(text[position : found.start()]) if found else ""
    if found is None or found[0] == "{" or not name:
        raise PatternError("braces without a name")
    if found[0] == "}":
        return [Slot(name)], found.end()
    value, position = _scan_value(text, found.end(), escaped)
    if not value.strip():
        raise PatternError("empty values")
    return [*trimmed_slot(name, value)], position


def _scan_value(text: str, position: int, escaped: str) -> tuple[str, int]:
    """A value up to its closing brace, without the braces and names of slots nested in it, and the position behind the brace."""
    pieces = []
    depth = 1
    while depth:
        found = re.compile(r"[\\{}]").search(text, position)
        if found is None:
            raise PatternError("braces that don't match")
        pieces.append(text[position : found.start()])
        position = found.end()
        if found[0] == "\\":
            is_escape = text[position : position + 1] in tuple(escaped)
            pieces.append(text[position] if is_escape else "\\")
            position += is_escape
        elif found[0] == "}":
            depth -= 1
        else:
            equals = NEXT.search(text, position)
            if equals is None or equals[0] != "=":
                raise PatternError("open slots inside of values")
            depth += 1
            position = equals.end()
    return "".join(pieces), position


def expand(tokens: Sequence[Token]) -> list[list[str | Slot]]:
    """The forms of a pattern, at most 12 of them, each as tidy parts. Carets around it, which say that it is a whole utterance, are none of its text.

    Args:
        tokens: of [`scan`].

    Raises:
        PatternError: brackets don't match, or are nested too deeply.
    """
    forms, _ = _alternatives(_without_anchors(tokens), 0, "", 0)
    return [parts for parts in map(join_text, forms) if parts]


def _without_anchors(tokens: Sequence[Token]) -> list[Token]:
    bare = [token for token in tokens if token]
    for place, anchor in ((0, r"^\s*\^"), (-1, r"\^\s*$")):
        if bare and isinstance(bare[place], str):
            bare[place] = re.sub(anchor, "", str(bare[place]))
    return bare


def read_sample(text: str, label: Callable[[str], str]) -> list[list[str | Slot]]:
    """The forms of a sample of a .lu file: of a pattern, which has open slots, `[optional]` parts or `(a|b)` groups and no slot with a value, as [`expand`]
    has them; of an utterance, whose brackets are text, one.

    Args:
        text: the sample.
        label: see [`scan`].

    Raises:
        PatternError: braces or brackets don't match.
    """
    tokens = scan(text, label)
    slots = [token for token in tokens if isinstance(token, Slot)]
    is_labelled = any(slot.value is not None for slot in slots)
    if not is_labelled and _has_syntax(tokens):
        return expand(tokens)
    if is_labelled or not slots:
        tokens = scan(text, label, ESCAPED_IN_TEXT)
    else:
        tokens = _without_anchors(tokens)
    parts = join_text(token.sign if isinstance(token, Mark) else token for token in tokens)
    return [parts] if parts else []


def _has_syntax(tokens: Sequence[Token]) -> bool:
    signs = "".join(token.sign for token in tokens if isinstance(token, Mark))
    return re.search(r"\[.*\]|\(.*\|.*\)", signs) is not None


def _alternatives(tokens: Sequence[Token], position: int, closing: str, depth: int) -> tuple[list[list[str | Slot]], int]:
    """The forms up to the closing sign (or the end), and the position behind it."""
    if depth > MAX_NESTING:
        raise PatternError(f"groups nested over {MAX_NESTING} deep")
    done: list[list[str | Slot]] = []
    forms: list[list[str | Slot]] = [[]]
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if not isinstance(token, Mark):
            forms = [[*form, token] for form in forms]
        elif token.sign in PAIRS:
            inner, position = _alternatives(tokens, position, PAIRS[token.sign], depth + 1)
            inner = [*limit(inner, MAX_FORMS - 1), []] if token.sign == "[" else inner
            forms = [form + choice for form, choice in combine(forms, inner, MAX_FORMS)]
        elif token.sign == "|":
            done, forms = done + forms, [[]]
        elif token.sign == closing:
            return limit(done + forms, MAX_FORMS), position
        else:
            raise PatternError("brackets that don't match")
    if closing:
        raise PatternError("brackets that don't match")
    return limit(done + forms, MAX_FORMS), position


def limit(forms: list[T], most: int) -> list[T]:
    """At most as many forms as that, evenly chosen."""
    if len(forms) <= most:
        return forms
    return [forms[number * len(forms) // most] for number in range(most)]


def combine(forms: list[T], choices: list[T], most: int) -> list[tuple[T, T]]:
    """Each form with each choice; where these are more than `most`, so that every form and every choice occurs."""
    if len(forms) * len(choices) <= most:
        return [(form, choice) for form in forms for choice in choices]
    lap = lcm(len(forms), len(choices))
    return [(forms[number % len(forms)], choices[(number + number // lap) % len(choices)]) for number in range(most)]


__all__ = ["PatternError", "combine", "expand", "limit", "read_sample", "scan"]
