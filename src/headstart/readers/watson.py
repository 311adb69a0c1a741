"""Workspaces of IBM Watson Assistant, also called dialog skills, as JSON.

    {"intents": [{"intent": "brew", "examples": [{"text": "a large tea", "mentions": [{"entity": "size", "location": [2, 7]}]}]}],
     "entities": [{"entity": "size", "values": [{"type": "synonyms", "value": "large", "synonyms": ["big"]}]}], "language": "en"}

They may stand in a `workspace`, as in exported skills. `mentions` are slots; where an example names an entity itself (`a @size tea`, `@size:large`) that
is an open slot, or one with that value. Values, which Watson finds in texts as it does their synonyms, are catalogs; entities called `sys-...` are
slot types. A mention whose offsets fit if they count UTF-16 units is read so, with a warning; one with wrong offsets makes the example one that is not
annotated with slots.

Not read are patterns of entities, dialog nodes, and counterexamples, which are for no intent at all. The language is the file's; of several, see `--language`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from headstart.data.offsets import UNITS, Given, Positions, choose_unit
from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.readers.entities import Entities
from headstart.readers.fields import Fields, dict_of, list_of, objects_of, strings_of, text_of
from headstart.readers.languages import choose_locale
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import UNANNOTATED, annotate, cut, join_text, skill_of_templates
from headstart.readers.source import Source, SourceFile

NAME = "watson"
SUFFIXES: tuple[str, ...] = (".json",)
SYSTEM = "sys-"
REFERENCE = re.compile(r"(?<![\w@.])@([\w-]{1,64}+)(?::(\([^()@]{1,64}+\)|[\w-]{1,64}+))?")
Spans = list[tuple[Given, str] | None]


class _Example(NamedTuple):
    """An example as it is given: text, intent, its mentions with their entities (None: not to be read), and where it stands."""

    positions: Positions
    intent: str
    spans: Spans
    where: Where


def detect(source: Source) -> bool:
    """Whether a file is a workspace."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file is a workspace, none is in the wanted language, or no intent has an example.
    """
    files = _files(source)
    if not files:
        raise DataError(f'{source.path}: found no workspace; allowed: {{"intents": [{{"intent", "examples": [{{"text"}}]}}]}}.')
    languages = {file.name: text_of(_workspace(file.json).get("language")) or "en" for file in files}
    chosen = choose_locale(Counter(languages.values()), source)
    bot = _Bot()
    for file in files:
        if languages[file.name] == chosen:
            bot.add(file, _workspace(file.json))
    catalogs = bot.entities.catalogs(bot.templates)
    bot.oddities.warn(source.path)
    if not bot.templates:
        raise DataError(f'{source.path}: no intent has an example; allowed: at least one, such as {{"text": "make tea"}}.')
    return skill_of_templates(name, bot.templates, catalogs=catalogs, slot_types=bot.entities.slot_types)


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates(".json") if _is_workspace(_workspace(file.json_or_none))]


def _workspace(content: Any) -> Fields:
    fields = dict_of(content)
    return dict_of(fields.get("workspace")) if "intents" not in fields and "workspace" in fields else fields


def _is_workspace(content: Fields) -> bool:
    return any(
        text_of(intent.get("intent")) and isinstance(intent.get("examples"), list)
        for intent in objects_of(content.get("intents"))
    )


class _Bot:
    """What is read of workspaces in one language."""

    def __init__(self) -> None:
        self.oddities = Oddities()
        self.entities = Entities(self.oddities)
        self.templates: list[Template] = []
        self._known: set[str] = set()  # names of entities

    def add(self, file: SourceFile, content: Fields) -> None:
        """Add what a workspace holds."""
        for entity in objects_of(content.get("entities")):
            name = text_of(entity.get("entity"))
            if name is None:
                self.oddities.leave_out("entities without a name", entity, Where(file))
            else:
                self._known.add(name)
                self._add_values(name, entity, Where(file))
        for example in list_of(content.get("counterexamples")):
            self.oddities.leave_out("counterexamples, which are for no intent", example, Where(file))
        examples = [example for intent in objects_of(content.get("intents")) for example in self._examples(intent, file)]
        unit = choose_unit((example.positions, span[0]) for example in examples for span in example.spans if span is not None)
        if unit != UNITS[0]:
            self.oddities.note(f"files whose offsets fit if they count {unit}, and are read so", file.name, Where(file))
        self.templates += [self._template(example, unit) for example in examples]

    def _add_values(self, name: str, entity: Fields, where: Where) -> None:
        for item in list_of(entity.get("values")):
            value = text_of(dict_of(item).get("value"))
            if value is None:
                self.oddities.leave_out("values that are not text", item, where)
            elif dict_of(item).get("type") == "patterns" or list_of(dict_of(item).get("patterns")):
                self.oddities.leave_out("values that are patterns", value, where)
            else:
                self.entities.add(name, value, strings_of(dict_of(item).get("synonyms")), is_found=True, where=where)

    def _examples(self, intent: Fields, file: SourceFile) -> Iterator[_Example]:
        name, examples = text_of(intent.get("intent")), list_of(intent.get("examples"))
        if not examples:
            self.oddities.leave_out("intents without examples", name, Where(file))
        for number, example in enumerate(examples, start=1):
            where = Where(file, f"example {number} of {name}")
            text = text_of(dict_of(example).get("text"))
            if name is None or text is None:
                self.oddities.leave_out("examples without text or intent", example, where)
            else:
                yield _Example(Positions(text), name, self._spans(dict_of(example), where), where)

    def _spans(self, example: Fields, where: Where) -> Spans:
        """The mentions of an example; None for one that can't be read."""
        spans: Spans = []
        for mention in list_of(example.get("mentions")):
            entity, place = text_of(dict_of(mention).get("entity")), list_of(dict_of(mention).get("location"))
            if entity is None or len(place) != 2 or not all(type(number) is int for number in place):
                self.oddities.note(f"mentions without entity or location, {UNANNOTATED}", mention, where)
                spans.append(None)
            else:
                spans.append((Given(place[0], place[1]), entity))
        return spans

    def _template(self, example: _Example, unit: str) -> Template:
        found = []
        positions, is_annotated = example.positions, None not in example.spans
        for given, entity in filter(None, example.spans):
            place = positions.locate(given, unit)
            if place is None:
                shown = f"{given.start}-{given.end} {entity} in {positions.text}"
                self.oddities.note(f"mentions with wrong offsets, {UNANNOTATED}", shown, example.where)
                is_annotated = False
            else:
                found.append((place.start, place.end, entity))
                self._use(entity)
        if not example.spans and "@" in positions.text:
            return Template(example.intent, tuple(join_text(cut(positions.text, REFERENCE, self._slot))))
        template = annotate(positions.text, found, example.intent, self.oddities, example.where)
        return replace(template, has_slots=is_annotated and template.has_slots)

    def _slot(self, match: re.Match[str]) -> list[str | Slot]:
        """What a reference to an entity stands for."""
        if match[1] not in self._known and not match[1].startswith(SYSTEM):
            return [match[0]]
        self._use(match[1])
        return [Slot(match[1], match[2].strip("()") if match[2] else None)]

    def _use(self, entity: str) -> None:
        self.entities.use(entity, entity, f"@{entity}" if entity.startswith(SYSTEM) else None)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
