"""Sentences of Rhasspy (and voice2json): `sentences.ini`, and the values of its slots beside it in `slots/NAME`.

    [TurnOn]
    rooms = (living room | kitchen){room}
    turn on [the] (lamp:light_1 | radio){device} in the <rooms>
    set <TurnOn.rooms> to $color{color}
    dim to (0..100,25){percent}

Read are `(a | b)`, `[optional]`, rules (`name = ...`, `<name>`, `<Intent.name>`), tags (`word{slot}`, `(words){slot:meaning}`), what a word stands for
(`said:meaning`), ranges of numbers (`0..100,25`) and slots (`$color`, each line of `slots/color` a value). A tag makes a slot, whose label is its
name and whose value is what is said; `$color` without a tag is text and stands for a few of its values. A sentence becomes at most 24 templates
(see `headstart.readers.sentences`). Converters (`!upper`) mean nothing for what is said. Sentences with slots whose file is not there are left out and
counted, and so are programs (`slot_programs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.entities import Entities
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import skill_of_templates
from headstart.readers.sentences import (
    MAX_LENGTH,
    MAX_NESTING,
    RANGE,
    Choice,
    Expander,
    Item,
    Items,
    Marked,
    Reference,
    Rule,
    SentenceError,
    range_values,
)
from headstart.readers.source import Source, SourceFile

NAME = "rhasspy"
SUFFIXES: tuple[str, ...] = (".ini",)
SECTION = re.compile(r"\[([^\[\]]+)\]")
RULE = re.compile(r"([\w.-]+)\s*=(?!=)(.*)", re.DOTALL)
MAX_VALUES = 24  # of a slot whose values are text of a sentence
TOKEN = re.compile(r"\\(?P<escaped>.)|(?P<sign>[()\[\]|])|\{(?P<tag>[^{}]*)\}|<(?P<rule>[^<>]*)>|(?P<space>\s+)|(?P<word>(?:\\.|[^\s()\[\]|{}<>\\])+)|(?P<other>.)", re.DOTALL)  # fmt: skip
CONVERTER = re.compile(r"(?:![\w-]+)+$")


def parse(text: str, intent: str) -> Items:
    """The items of a sentence.

    Args:
        text: the sentence.
        intent: whose it is: rules without an intent are its.

    Raises:
        SentenceError: it is too long, or its brackets don't match.
    """
    if len(text) > MAX_LENGTH:
        raise SentenceError(f"over {MAX_LENGTH} characters")
    items, _ = _Sentence(intent).options(list(TOKEN.finditer(text)), 0, "", 0)
    return items


class _Sentence:
    """Reads a sentence of an intent."""

    def __init__(self, intent: str) -> None:
        self.intent = intent

    def options(self, tokens: list[re.Match[str]], position: int, closing: str, depth: int) -> tuple[Items, int]:
        if depth > MAX_NESTING:
            raise SentenceError(f"groups nested over {MAX_NESTING} deep")
        done: list[Items] = []
        items: list[Item] = []
        while position < len(tokens):
            token = tokens[position]
            position += 1
            sign = token["sign"]
            if sign in ("(", "["):
                inner, position = self.options(tokens, position, ")" if sign == "(" else "]", depth + 1)
                items.append(Choice((inner,)) if sign == "(" else Choice((inner, ())))
            elif sign == "|":
                done.append(tuple(items))
                items = []
            elif sign is not None and sign == closing:
                return (Choice((*done, tuple(items))),) if done else tuple(items), position
            elif sign is not None or token["other"] is not None:
                raise SentenceError("brackets that don't match")
            else:
                self._add(token, items)
        if closing:
            raise SentenceError("brackets that don't match")
        return (Choice((*done, tuple(items))),) if done else tuple(items), position

    def _add(self, token: re.Match[str], items: list[Item]) -> None:
        """Add what is no sign."""
        if token["tag"] is not None:
            self._tag(token["tag"], items)
        elif token["rule"] is not None:
            name = token["rule"].strip()
            items.append(Rule(name if "." in name else f"{self.intent}.{name}"))
        elif token["space"] is not None:
            items.append(" ")
        elif token["escaped"] is not None:
            items.append(token["escaped"])
        else:
            self._word(token["word"], items)

    def _word(self, word: str, items: list[Item]) -> None:
        word = CONVERTER.sub("", word)
        if word.startswith("$") and len(word) > 1:
            name, _, label = word[1:].partition(":")
            items.append(Reference(name.split(",")[0], label))
            return
        numbers = RANGE.fullmatch(word)
        if numbers is not None:
            items.append(_numbers(numbers))
            return
        said, colon, meaning = word.partition(":")
        if not colon:
            items.append(word)
        elif said:
            items.append(Marked((said,), "", meaning))
        elif items and isinstance(items[-1], Choice):  # (several words):meaning
            items[-1] = Marked((items[-1],), "", meaning)

    def _tag(self, tag: str, items: list[Item]) -> None:
        """Make the last word or group a slot's value."""
        tag = CONVERTER.sub("", tag.strip())
        label, _, meaning = (part.strip() for part in tag.partition(":"))
        if not label or not items or items[-1] == " ":
            raise SentenceError("tags without a name, or with nothing before them")
        last = items.pop()
        items.append(_marked(last, label, meaning or None))


def _marked(item: Item, label: str, meaning: str | None) -> Item:
    """A word or group as a slot's value; each of several words or groups to choose from is one, which may be told what it means."""
    if isinstance(item, Choice):
        options = (tuple(part for part in option if part != " ") for option in item.options)
        return Choice(
            tuple(
                (_marked(option[0], label, meaning),) if len(option) == 1 else (Marked(whole, label, meaning),)
                for option, whole in zip(options, item.options, strict=True)
            )
        )
    if isinstance(item, Marked) and not item.label:
        return Marked(item.items, label, meaning or item.meaning)
    return Reference(item.name, label) if isinstance(item, Reference) else Marked((item,), label, meaning)


def _numbers(match: re.Match[str]) -> Choice:
    from num2words import num2words

    start, stop, step = (int(number or 1) for number in match.groups())
    words = range_values(start, stop, step, lambda number: str(num2words(number)).replace(",", "").replace("-", " "))
    return Choice(tuple((word,) for forms in words for word in forms))


def detect(source: Source) -> bool:
    """Whether there is a file called `.ini` with sections of sentences (in a folder, `sentences.ini` or one below `intents`)."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: there is no such file, or no sentence that can be read in it.
    """
    oddities = Oddities()
    entities = Entities(oddities)
    files = _files(source) or source.given
    lines = [line for file in files for line in _lines(file)]
    rules: dict[str, Items] = {}
    sentences: list[tuple[str, Items, str, Where]] = []
    slots = _Slots(source, entities, oddities)
    for intent, line, where in lines:
        rule = RULE.fullmatch(line)
        try:
            if rule is not None:
                rules[f"{intent}.{rule[1]}"] = slots.filled(parse(rule[2].strip(), intent))
            else:
                sentences.append((intent, slots.filled(parse(line, intent)), line, where))
        except SentenceError as error:
            oddities.leave_out(f"{'rules' if rule is not None else 'sentences'} with {error}", line, where)
    expander = Expander(rules, lambda reference: entities.use(reference.label, f"${reference.name}"), slots.note)
    templates = []
    for intent, items, line, where in sentences:
        try:
            templates += [Template(intent, tuple(form)) for form in expander.expand(items)]
        except SentenceError as error:
            oddities.leave_out(f"sentences with {error}", line, where)
    catalogs = entities.catalogs(templates)
    oddities.warn(source.path)
    if not templates:
        raise DataError(f"{source.path}: no intent has a sentence that can be read; allowed: '[Intent]', and sentences below it.")
    return skill_of_templates(name, templates, catalogs=catalogs, limits_open=True)


class _Slots:
    """The files of slots' values."""

    def __init__(self, source: Source, entities: Entities, oddities: Oddities) -> None:
        self._files = {
            "/".join(PurePosixPath(file.name).parts[PurePosixPath(file.name).parts.index("slots") + 1 :]): file
            for file in source.files
            if "slots" in PurePosixPath(file.name).parts[:-1]
        }
        self._entities = entities
        self._oddities = oddities
        self._known: dict[str, list[str]] = {}

    def filled(self, items: Items) -> Items:
        """The items, in which slots without a tag are a few of their values.

        Raises:
            SentenceError: a slot's file is not there.
        """
        return tuple(self._fill(item) for item in items)

    def _fill(self, item: Item) -> Item:
        if isinstance(item, Reference):
            values = self._values(item.name)
            if item.label:
                return item
            step = max(1, len(values) // MAX_VALUES)
            return Choice(tuple((value,) for value in values[::step][:MAX_VALUES]))
        if isinstance(item, Choice):
            return Choice(tuple(self.filled(option) for option in item.options))
        if isinstance(item, Marked):
            return Marked(self.filled(item.items), item.label, item.meaning)
        return item

    def _values(self, name: str) -> list[str]:
        if name not in self._known:
            file = self._files.get(name)
            if file is None:
                raise SentenceError(f"a slot whose file is not there, ${name[:40]}")
            self._known[name] = []
            for number, line in enumerate(file.text.split("\n"), start=1):
                if line.strip() and not line.lstrip().startswith("#"):
                    self._add_line(name, line.strip(), Where(file, f"line {number}"))
        return self._known[name]

    def _add_line(self, name: str, line: str, where: Where) -> None:
        """Add what a line of a slot's file says; `(big lamp):light_1` is told what it means."""
        try:
            items = parse(line, name)
            meaning = items[0].meaning if len(items) == 1 and isinstance(items[0], Marked) else None
            for value in Expander({}).texts(items):
                self._add(name, value, meaning)
        except SentenceError as error:
            self._oddities.leave_out(f"values with {error}", line, where)

    def _add(self, name: str, said: str, meaning: str | None) -> None:
        self._known[name].append(said)
        if meaning:
            self._entities.add(f"${name}", meaning, [said])
        else:
            self._entities.add(f"${name}", said)

    def note(self, label: str, said: str, meaning: str | None) -> None:
        """Keep a value that a sentence marks."""
        if label:
            self._entities.use(label, f"{{{label}}}")
            if meaning:
                self._entities.add(f"{{{label}}}", meaning, [said])
            else:
                self._entities.add(f"{{{label}}}", said)


def _lines(file: SourceFile) -> Iterator[tuple[str, str, Where]]:
    """The sentences and rules of a file, each with its intent."""
    intent = ""
    for number, line in enumerate(file.text.split("\n"), start=1):
        line = line.strip()
        section = SECTION.fullmatch(line)
        if section is not None:
            intent = section[1].strip()
        elif line and not line.startswith(("#", ";")) and intent:
            yield intent, line.removeprefix("\\") if line.startswith("\\[") else line, Where(file, f"line {number}")


def _is_sentences(file: SourceFile) -> bool:
    """Whether there is a section with a line that is no setting."""
    if file.suffix != ".ini" or file.text_or_none is None:
        return False
    return any(RULE.fullmatch(line) is None for _, line, _ in _lines(file))


def _files(source: Source) -> list[SourceFile]:
    """The files of sentences; of a folder, those that Rhasspy reads: other programs have their settings in .ini too."""
    named = [
        file for file in source.find(".ini") if re.search(r"(?:^|/)(?:sentences[^/]*|intents/.+)$", file.name, re.IGNORECASE)
    ]
    return [file for file in source.given or named if _is_sentences(file)]


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
