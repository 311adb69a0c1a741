"""Sentences of hassil, as Home Assistant's intents and its custom sentences are written: YAML (or JSON) files, or a folder with several.

    language: en
    intents:
      TurnOn:
        data:
          - sentences: ["(turn|switch) on [the] {name} [in [the] {area}]"]
    lists:
      area: {values: [kitchen, {in: "(hall|hallway)", out: hall}]}
      brightness: {range: {from: 0, to: 100}}
    expansion_rules:
      the: "(the|my)"

Both layouts of Home Assistant's intents are read, that with intents, lists and rules in files of `sentences/LANGUAGE`, and the new one, of
`sentences/LANGUAGE/INTENT/COMBINATION.yaml` with `data` at the top, `lists/[LANGUAGE/]NAME.yaml` and `rules/LANGUAGE/NAME.yaml`; so is
`conversation: intents:` of a configuration. Read are `(a|b)`, `[optional]`, `(a;b)` in any order, `{list}`, `{list:slot}`, `{0..100:slot}`,
`<rule>`, and lists and rules of a block of sentences alone.

- A sentence becomes at most 24 templates, so that all its parts occur, with open slots; `headstart.readers.sentences` has the details.
- A list's values are what is said (`in`); `out` is canonical. Ranges are numbers in digits and words, at most 101 of them. Of wildcards, and of
  lists that are not there, nothing is known; but Home Assistant fills `name`, `area` and `floor` itself, which get built-in types of devices and rooms.
- One language is read: see `--language`.

Not read are contexts, slots that are given without being said (`slots: {domain: light}`), responses, skip words and tests. A sentence that is
damaged, or whose rule is missing, is left out and counted.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import FREE_TEXT, Template
from headstart.readers.entities import Entities
from headstart.readers.fields import Fields, dict_of, list_of, text_of, yaml_strings
from headstart.readers.languages import choose_locale
from headstart.readers.oddities import NOWHERE, Oddities, Where
from headstart.readers.parts import skill_of_templates
from headstart.readers.sentences import (
    RANGE,
    Expander,
    Item,
    Items,
    Parser,
    Reference,
    SentenceError,
    range_values,
)
from headstart.readers.source import Source, SourceFile

NAME = "hassil"
SUFFIXES: tuple[str, ...] = (".yaml", ".yml", ".json")
HAS_SENTENCES = re.compile(r"""\bsentences["']?[ \t]*+:""")
HAS_INTENTS = re.compile(r"""\b(?:intents|data)["']?[ \t]*+:""")
HAS_PARTS = re.compile(r"""^["']?(?:lists|expansion_rules|intents|data)["']?[ \t]*+:""", re.MULTILINE)
IN_CONVERSATION = re.compile(r"^conversation[ \t]*+:[ \t]*+\n[ \t]++intents[ \t]*+:", re.MULTILINE)
LANGUAGE = re.compile(r"""^["']?language["']?[ \t]*+:[ \t]*+["']?([\w-]++)""", re.MULTILINE)
NEW_LAYOUT = re.compile(r"(?:^|/)sentences/([^/]+)/([^/]+)/[^/]+\.ya?ml$", re.IGNORECASE)
SHARED = ""  # the language of files that are for all
OWN_LISTS = {"name": "AMAZON.DeviceType", "area": "AMAZON.Room", "floor": "AMAZON.Room"}  # which Home Assistant fills
SIGNS = "()[]{}<>|;"
MAX_NUMBER = 10**9


def _reference(written: str) -> Item:
    name, _, label = written.partition(":")
    label = (label or name).strip().removeprefix("@")
    name = name.strip().removeprefix("@")
    if not name or not label:
        raise SentenceError("braces that don't match or have no name in them")
    return Reference(name, label)


PARSER = Parser(SIGNS, _reference)


class _Block:
    """Sentences of an intent, with the lists and rules that they alone have."""

    def __init__(self, intent: str, content: Any, where: Where) -> None:
        fields = dict_of(content)
        self.intent = intent
        self.sentences = [fields["sentences"]] if isinstance(fields.get("sentences"), str) else list_of(fields.get("sentences"))
        self.lists = dict_of(fields.get("lists"))
        self.rules = dict_of(fields.get("expansion_rules"))
        self.where = where


class _Project:
    """What is read of a language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.oddities = Oddities()
        self.entities = Entities(self.oddities)
        self.blocks: list[_Block] = []
        self.lists: dict[str, tuple[Any, Where]] = {}
        self.rules: dict[str, Items] = {}
        self.templates: list[Template] = []
        self._values = Expander(self.rules)
        self._expander = Expander(self.rules, self._refer)
        self._added: set[str] = set()
        self._missing: set[str] = set()

    def add_file(self, file: SourceFile, content: Fields) -> None:
        """Add what a file holds."""
        where = Where(file)
        for name, listed in dict_of(content.get("lists")).items():
            self.lists.setdefault(str(name), (listed, where))
        self.rules.update(self._parsed(content.get("expansion_rules"), where))
        match = NEW_LAYOUT.search(file.name)
        if match and isinstance(content.get("data"), list):
            self.blocks += [_Block(match[2], block, where) for block in content["data"]]
        for intents in (content.get("intents"), dict_of(content.get("conversation")).get("intents")):
            for intent, found in dict_of(intents).items():
                data = [{"sentences": found}] if isinstance(found, list) else list_of(dict_of(found).get("data"))
                self.blocks += [_Block(str(intent), block, where) for block in data]

    def _parsed(self, rules: Any, where: Where) -> dict[str, Items]:
        parsed = {}
        for name, body in dict_of(rules).items():
            try:
                parsed[str(name)] = PARSER.parse(text_of(body) or "")
            except SentenceError as error:
                self.oddities.leave_out(f"rules with {error}", body, where)
        return parsed

    def finish(self) -> None:
        """Write out all sentences, now that all lists and rules are known."""
        for block in self.blocks:
            expander = self._expander
            if block.rules or block.lists:
                rules = ChainMap(self._parsed(block.rules, block.where), self.rules)
                expander = Expander(rules, partial(self._refer, block=block))
            for sentence in block.sentences:
                if text_of(sentence) is None:
                    self.oddities.leave_out("sentences that are not text", sentence, block.where)
                    continue
                try:
                    forms = expander.expand(PARSER.parse(sentence))
                except SentenceError as error:
                    self.oddities.leave_out(f"sentences with {error}", sentence, block.where)
                    continue
                self.templates += [Template(block.intent, tuple(form)) for form in forms]

    def _refer(self, reference: Reference, block: _Block | None = None) -> None:
        """Note whose values a slot has."""
        name = reference.name
        if block is not None and name in block.lists:
            self._use(reference, f"{id(block)} {name}", block.lists[name], block.where)
        elif name in self.lists:
            self._use(reference, name, *self.lists[name])
        elif RANGE.fullmatch(name):
            self._use(reference, name, {"range": name}, NOWHERE)
        elif name in OWN_LISTS:
            self.entities.use(reference.label, name, OWN_LISTS[name])
        elif name not in self._missing:
            self._missing.add(name)
            self.oddities.note("lists are not there, of whose slots no value is known", name)

    def _use(self, reference: Reference, name: str, content: Any, where: Where) -> None:
        """Note that a slot has a list's values."""
        fields = dict_of(content)
        is_wild = str(fields.get("wildcard")).lower() in ("true", "yes", "on")
        self.entities.use(reference.label, name, FREE_TEXT if is_wild else None)
        if name in self._added:
            return
        self._added.add(name)
        for value in list_of(fields.get("values")):
            self._add_value(name, value, where)
        if fields.get("range") is not None:
            self._add_range(name, fields["range"], where)

    def _add_value(self, name: str, value: Any, where: Where) -> None:
        said = text_of(dict_of(value).get("in")) if isinstance(value, dict) else text_of(value)
        if said is None:
            self.oddities.leave_out("values that are not text", value, where)
            return
        try:
            forms = self._values.texts(PARSER.parse(said))
        except SentenceError as error:
            self.oddities.leave_out(f"values with {error}", value, where)
            return
        canonical = text_of(dict_of(value).get("out"))
        if canonical is None:
            for form in forms:
                self.entities.add(name, form, where=where)
        else:
            self.entities.add(name, canonical, forms, where=where)

    def _add_range(self, name: str, content: Any, where: Where) -> None:
        fields = dict_of(content)
        found = RANGE.fullmatch(content) if isinstance(content, str) else None
        numbers = found.groups() if found else tuple(fields.get(field) for field in ("from", "to", "step"))
        try:
            start, stop, step = (int(number or default) for number, default in zip(numbers, (0, 0, 1), strict=True))
        except (TypeError, ValueError):
            self.oddities.leave_out("ranges whose ends are no numbers", content, where)
            return
        if max(abs(start), abs(stop), abs(step)) > MAX_NUMBER:
            self.oddities.leave_out(f"ranges beyond {MAX_NUMBER}", content, where)
            return
        for forms in range_values(start, stop, step, _words(self.language)):
            self.entities.add(name, forms[0], forms, where=where)


def _words(language: str) -> Callable[[int], str] | None:
    """What says a number in that language; None if nothing does."""
    from num2words import CONVERTER_CLASSES

    root = re.split(r"[-_]", language)[0].lower()
    return partial(_say, root) if root in CONVERTER_CLASSES else None


def _say(language: str, number: int) -> str:
    from num2words import num2words

    return str(num2words(number, lang=language)).replace(",", "").replace("-", " ")


def detect(source: Source) -> bool:
    """Whether a file has sentences of intents, in one of the layouts."""
    return any(_has_sentences(file) for file in _files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file has sentences, or one is no YAML that can be read.
    """
    files = [file for file in _files(source) if _has_parts(file)]
    languages = {file.name: _language(file) for file in files}
    counts = Counter(languages[file.name] for file in files if _has_sentences(file))
    counts.pop(SHARED, None)
    chosen = choose_locale(counts, source) if counts else SHARED
    project = _Project(chosen)
    for file in files:
        if languages[file.name] in (chosen, SHARED):
            for content in _contents(file):
                project.add_file(file, content)
    project.finish()
    catalogs = project.entities.catalogs(project.templates)
    project.oddities.warn(source.path)
    if not project.templates:
        raise DataError(
            f"{source.path}: no intent has a sentence that can be read; allowed: 'intents: NAME: data: - sentences: [...]'."
        )
    return skill_of_templates(
        name, project.templates, catalogs=catalogs, slot_types=project.entities.slot_types, limits_open=True
    )


def _files(source: Source) -> list[SourceFile]:
    return source.candidates(*SUFFIXES)


def _contents(file: SourceFile) -> Iterator[Fields]:
    for document in [file.json] if file.suffix == ".json" else yaml_strings(file):
        yield dict_of(document)


def _language(file: SourceFile) -> str:
    """The language of a file, by its field or its folder; [`SHARED`] if neither says it."""
    if file.suffix == ".json":
        return text_of(dict_of(file.json).get("language")) or SHARED
    found = LANGUAGE.search(file.text)
    if found:
        return found[1]
    match = NEW_LAYOUT.search(file.name)
    return match[1] if match else SHARED


def _has_parts(file: SourceFile) -> bool:
    """Whether a file may have intents, lists or rules."""
    text = file.text_or_none or ""
    if file.suffix == ".json":
        return _has_sentences(file) or isinstance(dict_of(file.json_or_none).get("expansion_rules"), dict)
    return HAS_PARTS.search(text) is not None or IN_CONVERSATION.search(text) is not None


def _has_sentences(file: SourceFile) -> bool:
    text = file.text_or_none or ""
    if file.suffix == ".json":
        intents = dict_of(dict_of(file.json_or_none).get("intents")) if '"sentences"' in text else {}
        return any(_is_block(block) for intent in intents.values() for block in list_of(dict_of(intent).get("data")))
    is_likely = HAS_SENTENCES.search(text) is not None and HAS_INTENTS.search(text) is not None
    if not is_likely and not IN_CONVERSATION.search(text):
        return False
    try:
        documents = [dict_of(document) for document in file.yaml]
    except DataError:  # what is damaged here is sentences: reading says where
        return is_likely
    return any(_is_intents(document, file) for document in documents)


def _is_intents(document: Fields, file: SourceFile) -> bool:
    conversation = dict_of(dict_of(document.get("conversation")).get("intents"))
    if any(isinstance(sentences, list) for sentences in conversation.values()):
        return True
    blocks = [block for intent in dict_of(document.get("intents")).values() for block in list_of(dict_of(intent).get("data"))]
    if NEW_LAYOUT.search(file.name):
        blocks += list_of(document.get("data"))
    return any(_is_block(block) for block in blocks)


def _is_block(block: Any) -> bool:
    return isinstance(dict_of(block).get("sentences"), (list, str))


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
