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
from dataclasses import replace
from typing import Any

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


def detect(source: Source) -> bool:
    """Whether a file is a workspace."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file is a workspace, or no intent has an example.
    """
    files = _files(source)
    if not files:
        raise DataError(f'{source.path}: found no workspace; allowed: {{"intents": [{{"intent", "examples": [{{"text"}}]}}]}}.')
    oddities = Oddities()
    entities = Entities(oddities)
    languages = {file.name: text_of(_workspace(file.json).get("language")) or "en" for file in files}
    counts = Counter(languages.values())
    chosen = choose_locale(counts, source) if len(counts) > 1 or source.language else None
    templates: list[Template] = []
    for file in files:
        if chosen in (None, languages[file.name]):
            templates += _read_workspace(file, _workspace(file.json), entities, oddities)
    catalogs = entities.catalogs(templates)
    oddities.warn(source.path)
    if not templates:
        raise DataError(f'{source.path}: no intent has an example; allowed: at least one, such as {{"text": "make tea"}}.')
    return skill_of_templates(name, templates, catalogs=catalogs, slot_types=entities.slot_types)


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


def _read_workspace(file: SourceFile, content: Fields, entities: Entities, oddities: Oddities) -> list[Template]:
    known = set()
    for entity in objects_of(content.get("entities")):
        name = text_of(entity.get("entity"))
        if name is None:
            oddities.leave_out("entities without a name", entity, Where(file))
        else:
            known.add(name)
            _add_values(name, entity, Where(file), entities, oddities)
    for example in list_of(content.get("counterexamples")):
        oddities.leave_out("counterexamples, which are for no intent", example, Where(file))
    examples = []
    for intent in objects_of(content.get("intents")):
        name = text_of(intent.get("intent"))
        for number, example in enumerate(list_of(intent.get("examples")), start=1):
            where = Where(file, f"example {number} of {name}")
            text = text_of(dict_of(example).get("text"))
            if name is None or text is None:
                oddities.leave_out("examples without text or intent", example, where)
            else:
                examples.append((Positions(text), name, _spans(dict_of(example), where, oddities), where))
        if not list_of(intent.get("examples")):
            oddities.leave_out("intents without examples", name, Where(file))
    unit = choose_unit((positions, span[0]) for positions, _, spans, _ in examples for span in spans if span is not None)
    if unit != UNITS[0]:
        oddities.note(f"files whose offsets fit if they count {unit}, and are read so", file.name, Where(file))
    return [_template(*example, unit, known, entities, oddities) for example in examples]


def _add_values(name: str, entity: Fields, where: Where, entities: Entities, oddities: Oddities) -> None:
    for item in list_of(entity.get("values")):
        value = text_of(dict_of(item).get("value"))
        if value is None:
            oddities.leave_out("values that are not text", item, where)
        elif dict_of(item).get("type") == "patterns" or list_of(dict_of(item).get("patterns")):
            oddities.leave_out("values that are patterns", value, where)
        else:
            entities.add(name, value, strings_of(dict_of(item).get("synonyms")), is_found=True, where=where)


def _spans(example: Fields, where: Where, oddities: Oddities) -> Spans:
    """The mentions of an example; None for one that can't be read."""
    spans: Spans = []
    for mention in list_of(example.get("mentions")):
        entity, place = text_of(dict_of(mention).get("entity")), list_of(dict_of(mention).get("location"))
        if entity is None or len(place) != 2 or not all(type(number) is int for number in place):
            oddities.note(f"mentions without entity or location, {UNANNOTATED}", mention, where)
            spans.append(None)
        else:
            spans.append((Given(place[0], place[1]), entity))
    return spans


def _template(positions: Positions, intent: str, spans: Spans, where: Where, *rest: Any) -> Template:
    unit, known, entities, oddities = rest
    found = []
    is_annotated = None not in spans
    for given, entity in filter(None, spans):
        place = positions.locate(given, unit)
        if place is None:
            oddities.note(
                f"mentions with wrong offsets, {UNANNOTATED}", f"{given.start}-{given.end} {entity} in {positions.text}", where
            )
            is_annotated = False
        else:
            found.append((place.start, place.end, entity))
            _use(entity, entities)
    if not spans and "@" in positions.text:
        return Template(intent, tuple(join_text(_with_references(positions.text, known, entities))))
    template = annotate(positions.text, found, intent, oddities, where)
    return replace(template, has_slots=is_annotated and template.has_slots)


def _with_references(text: str, known: set[str], entities: Entities) -> list[str | Slot]:
    """The text with its references to entities as slots."""

    def slot(match: re.Match[str]) -> list[str | Slot]:
        if match[1] not in known and not match[1].startswith(SYSTEM):
            return [match[0]]
        _use(match[1], entities)
        return [Slot(match[1], match[2].strip("()") if match[2] else None)]

    return cut(text, REFERENCE, slot)


def _use(entity: str, entities: Entities) -> None:
    entities.use(entity, entity, f"@{entity}" if entity.startswith(SYSTEM) else None)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
