"""Sentence templates of voice assistants, which hassil, Padatious and Rhasspy share: `(a|b)`, `[optional]`, `(a;b)` in any order, lists and rules.

A template stands for more sentences than anybody says: of one template, at most [`MAX_FORMS`] are written out, so chosen that every alternative
occurs. Slots of lists stay open in them. What an optional part leaves behind, a blank before a comma or at an end, is taken away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple, TypeAlias

from headstart.data.templates import Slot
from headstart.readers.parts import join_text, trimmed_slot
from headstart.readers.patterns import combine, limit

MAX_FORMS = 24  # of a template, a rule or a list's value
MAX_LENGTH = 2000  # characters of a template, and of a form
MAX_NUMBERS = 101  # of a range
MAX_ORDERED = 4  # parts whose orders are all written out
MAX_NESTING = 20  # of groups within groups, and of rules within rules
BLANK_BEFORE_SIGN = re.compile(r"\s[,.;:!?]+(?:\s|$)")
SIGN_FIRST = re.compile(r"\s*[,;:]")
RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})(?:,(\d{1,9}))?")


class SentenceError(ValueError):
    """A template that is not as its syntax asks; the message is what is wrong with it, to be counted."""


class Reference(NamedTuple):
    """A slot that one of a list's values fills: the list's name and the slot's label."""

    name: str
    label: str


class Rule(NamedTuple):
    """What another template stands for."""

    name: str


class Choice(NamedTuple):
    """One of several; of an optional part, nothing is one of them."""

    options: tuple[Items, ...]


class AnyOrder(NamedTuple):
    """All of several, in any order, with blanks between them."""

    items: tuple[Items, ...]


class Marked(NamedTuple):
    """Text that is a slot's value, and what it means where that is said."""

    items: Items
    label: str
    meaning: str | None = None


Item: TypeAlias = "str | Reference | Rule | Choice | AnyOrder | Marked"
Items: TypeAlias = "tuple[Item, ...]"
Form = list[str | Slot]


class Parser:
    """Reads the templates of one language.

    Args:
        signs: those of `()[]{}<>|;` that mean something in it; a backslash takes the meaning from the next character.
        reference: what is written in braces, made an item.
    """

    def __init__(self, signs: str, reference: Callable[[str], Item]) -> None:
        self._signs = re.compile(rf"\\(.)|([{re.escape(signs)}])", re.DOTALL)
        self._reference = reference

    def parse(self, text: str) -> Items:
        """The items of a template.

        Raises:
            SentenceError: it is too long, its brackets don't match, or a name is missing.
        """
        if len(text) > MAX_LENGTH:
            raise SentenceError(f"over {MAX_LENGTH} characters")
        items, _ = self._options(self._tokens(text), 0, "", 0)
        return items

    def _tokens(self, text: str) -> list[tuple[bool, str]]:
        """Text and signs (True) in order."""
        tokens: list[tuple[bool, str]] = []
        end = 0
        for match in self._signs.finditer(text):
            tokens.append((False, text[end : match.start()]))
            tokens.append((match[2] is not None, match[2] or match[1]))
            end = match.end()
        return [*tokens, (False, text[end:])]

    def _options(self, tokens: Sequence[tuple[bool, str]], position: int, closing: str, depth: int) -> tuple[Items, int]:
        """What stands up to the closing sign (or the end), and the position behind it."""
        if depth > MAX_NESTING:
            raise SentenceError(f"groups nested over {MAX_NESTING} deep")
        done: list[Items] = []
        items: list[Item] = []
        separator = ""
        while position < len(tokens):
            is_sign, text = tokens[position]
            position += 1
            if not is_sign:
                items += [text] if text else []
            elif text in "([":
                inner, position = self._options(tokens, position, ")" if text == "(" else "]", depth + 1)
                items.append(Choice((inner, ())) if text == "[" else Choice((inner,)))
            elif text in "{<":
                name, position = self._name(tokens, position, "}" if text == "{" else ">")
                items.append(self._reference(name) if text == "{" else Rule(name))
            elif text in "|;" and separator in ("", text):
                separator = text
                done.append(tuple(items))
                items = []
            elif text == closing:
                return self._joined(done, items, separator), position
            else:
                raise SentenceError("brackets that don't match" if text not in "|;" else "bars and semicolons in one group")
        if closing:
            raise SentenceError("brackets that don't match")
        return self._joined(done, items, separator), position

    def _joined(self, done: list[Items], items: list[Item], separator: str) -> Items:
        if not separator:
            return tuple(items)
        options = (*done, tuple(items))
        return (Choice(options),) if separator == "|" else (AnyOrder(options),)

    def _name(self, tokens: Sequence[tuple[bool, str]], position: int, closing: str) -> tuple[str, int]:
        """The name in braces, and the position behind them."""
        pieces: list[str] = []
        while position < len(tokens):
            is_sign, text = tokens[position]
            position += 1
            if is_sign and text == closing:
                name = "".join(pieces).strip()
                if not name:
                    break
                return name, position
            if is_sign and text in "{}<>":
                break
            pieces.append(text)
        raise SentenceError("braces that don't match or have no name in them")


class Expander:
    """Writes out what templates stand for.

    Args:
        rules: the templates that others may name.
        refer: told of every list that is named.
        note: told of every marked value: label, what is said, and what it means (None: the same).
    """

    def __init__(
        self,
        rules: Mapping[str, Items],
        refer: Callable[[Reference], None] = lambda _: None,
        note: Callable[[str, str, str | None], None] = lambda *_: None,
    ) -> None:
        self._rules = rules
        self._refer = refer
        self._note = note
        self._known: dict[str, list[Form]] = {}
        self._open: list[str] = []  # rules that are being written out

    def expand(self, items: Items) -> list[Form]:
        """The distinct forms of a template, at most [`MAX_FORMS`], each as tidy parts that are not empty.

        Raises:
            SentenceError: a rule is not there, holds itself, or makes a form too long.
        """
        forms = self._sequence(items)
        has_parts = any(not isinstance(item, (str, Reference)) for item in items)
        begins = items[0] if items and isinstance(items[0], str) else ""
        is_spaced = not has_parts or SIGN_FIRST.match(begins) is not None or _is_spaced(items)
        distinct: dict[tuple[str | Slot, ...], None] = {}
        for form in forms:
            parts = join_text(form)
            distinct[tuple(parts if is_spaced else _close_up(parts))] = None
        return [list(parts) for parts in distinct if parts]

    def texts(self, items: Items) -> list[str]:
        """The forms of a template that has no slots.

        Raises:
            SentenceError: it has some, or see [`Expander.expand`].
        """
        texts = []
        for form in self.expand(items):
            if any(isinstance(part, Slot) for part in form):
                raise SentenceError("slots in a value")
            texts.append("".join(map(str, form)))
        return texts

    def _sequence(self, items: Items) -> list[Form]:
        forms: list[Form] = [[]]
        for item in items:
            if isinstance(item, str):
                forms = [_with(form, [item]) for form in forms]
            elif isinstance(item, Reference):
                self._refer(item)
                forms = [_with(form, [Slot(item.label)]) for form in forms]
            else:
                forms = _distinct(_with(form, choice) for form, choice in combine(forms, self._forms(item), MAX_FORMS))
            if max(map(_length, forms)) > MAX_LENGTH:
                raise SentenceError(f"forms of over {MAX_LENGTH} characters")
        return forms

    def _forms(self, item: Rule | Choice | AnyOrder | Marked) -> list[Form]:
        if isinstance(item, Choice):
            return limit(_distinct(form for option in item.options for form in self._sequence(option)), MAX_FORMS)
        if isinstance(item, AnyOrder):
            spaced = [tuple(piece for option in order for piece in (" ", *option, " ")) for order in _orders(item.items)]
            return limit(_distinct(form for order in spaced for form in self._sequence(order)), MAX_FORMS)
        if isinstance(item, Marked):
            return [self._marked(form, item) for form in self._sequence(item.items)]
        return self._rule(item.name)

    def _rule(self, name: str) -> list[Form]:
        if name not in self._known:
            if name not in self._rules:
                raise SentenceError(f"a rule that is not there, <{name[:40]}>")
            if name in self._open or len(self._open) > MAX_NESTING:
                raise SentenceError("rules that hold themselves, or others nested too deeply")
            self._open.append(name)
            try:
                self._known[name] = self._sequence(self._rules[name])
            finally:
                self._open.pop()
        return self._known[name]

    def _marked(self, form: Form, mark: Marked) -> Form:
        said = "".join(part if isinstance(part, str) else part.value or f"{{{part.label}}}" for part in form)
        if not mark.label or any(isinstance(part, Slot) and part.value is None for part in form):
            return form  # no slot, or a list's own
        if not said.strip():
            return [said] if said else []
        self._note(mark.label, " ".join(said.split()), mark.meaning)
        return list(trimmed_slot(mark.label, said))


def _orders(items: Sequence[Items]) -> list[Sequence[Items]]:
    """All orders of a few items; of more, those in which each comes first once."""
    if len(items) <= MAX_ORDERED:
        return list(permutations(items))
    return [(*items[first:], *items[:first]) for first in range(min(len(items), MAX_FORMS))]


def _with(form: Form, more: Iterable[str | Slot]) -> Form:
    """The form with more behind it, and with one piece of text between slots."""
    joined = list(form)
    for part in more:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _distinct(forms: Iterable[Form]) -> list[Form]:
    return list({tuple(form): form for form in forms}.values())


def _length(form: Form) -> int:
    return sum(len(part) if isinstance(part, str) else len(part.value or part.label) for part in form)


def _is_spaced(items: Items) -> bool:
    """Whether a blank before a sign is written so."""
    inner = [option for item in items if isinstance(item, (Choice, AnyOrder)) for option in item[0]]
    inner += [item.items for item in items if isinstance(item, Marked)]
    text = "".join(item if isinstance(item, str) else "x" for item in items)
    return BLANK_BEFORE_SIGN.search(text) is not None or any(map(_is_spaced, inner))


def _close_up(parts: Form) -> Form:
    """The parts without the blank that an optional part left before a sign."""
    closed = [re.sub(r"\s+(?=[,.;:!?]+(?:\s|$))", "", part) if isinstance(part, str) else part for part in parts]
    first = closed[0] if closed else None
    if isinstance(first, str):  # nothing is said before a sign
        closed[0] = re.sub(r"^[,;:]+\s*", "", first)
    return [part for part in closed if part]


def range_values(start: int, stop: int, step: int, words: Callable[[int], str] | None) -> list[tuple[str, ...]]:
    """The numbers of a range, evenly chosen where there are many, each in digits and, where a language has them, in words."""
    first, last = min(start, stop), max(start, stop)
    numbers = range(first, last + 1, max(step, 1))
    chosen = (
        [numbers[place * len(numbers) // MAX_NUMBERS] for place in range(MAX_NUMBERS)] if len(numbers) > MAX_NUMBERS else numbers
    )
    return [(str(number), *([words(number)] if words is not None else [])) for number in chosen]


__all__ = [
    "MAX_FORMS",
    "MAX_LENGTH",
    "MAX_NESTING",
    "RANGE",
    "AnyOrder",
    "Choice",
    "Expander",
    "Item",
    "Items",
    "Marked",
    "Parser",
    "Reference",
    "Rule",
    "SentenceError",
    "range_values",
]
