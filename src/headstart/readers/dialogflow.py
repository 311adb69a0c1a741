"""A Dialogflow ES agent as its console exports it: a folder, the zip archive itself, or one intent's file.

Read are the training phrases of `intents/NAME_usersays_LANGUAGE.json` (older exports: `userSays` in `intents/NAME.json`), the intent's
name in `intents/NAME.json`, and the values and synonyms of `entities/NAME_entries_LANGUAGE.json` (older: `entries` in
`entities/NAME.json`). The slot label is the parameter's alias, or the entity's name if it has none; system entities become slot types
(`@sys.date`), and text marked `@sys.ignore` is plain text. In phrases in template mode, `@entity:alias` is an open slot.

One language is read, with all its regions: that which `--language` names, else the agent's own (`language` in `agent.json`), else English, else the one
with most files; the log says which, and which there are. Not read are entities of regular expressions, entries made of other entities (`@size:size @color:color`), responses, contexts and events. The phrases
of a fallback intent are rows of that intent. A phrase with a piece that is no text is left out as a whole.

An entry's value is canonical: Dialogflow finds its synonyms, among which its console writes the value too. It is in the catalog if it is said (see
`normal_forms`).
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Container
from typing import Any, NamedTuple

from headstart.data.rows import counted_kind
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.fields import Fields, dict_of, list_of, text_of
from headstart.readers.languages import choose_locale, root_of
from headstart.readers.normal_forms import catalog_value, said_forms
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import cut, join_text, skill_of_templates, trimmed_slot
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

NAME = "dialogflow"
SUFFIXES: tuple[str, ...] = (".json",)
LANGUAGE = r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*"
PART = re.compile(rf"(?P<owner>.+)_(?P<kind>usersays|entries)_(?P<language>{LANGUAGE})\.json", re.IGNORECASE)
REFERENCE = re.compile(r"@(?P<entity>[\w.-]+):(?P<alias>[\w.-]+)")
SYSTEM = "@sys."
IGNORED = "@sys.ignore"
INTENT_FIELDS = {"responses", "auto", "webhookUsed", "fallbackIntent", "priority"}


class _Part(NamedTuple):
    """A file of phrases or entries: the path of the intent or entity that it belongs to (without suffix), and its language."""

    owner: str
    kind: str
    language: str
    file: SourceFile


class _Agent:
    """What is read of an agent, and what is left out."""

    def __init__(self, source: Source) -> None:
        self.json_files = {file.name[: -len(".json")]: file for file in source.files if file.suffix == ".json"}
        self.parts = _parts(source)
        self.files: dict[tuple[str, str, str], list[SourceFile]] = defaultdict(list)  # by owner, kind and language
        for part in self.parts:
            self.files[part.owner, part.kind, root_of(part.language)].append(part.file)
        self.language = _choose_language(source, self.parts)
        self.templates: list[Template] = []
        self.entities: dict[str, dict[str, None]] = defaultdict(dict)  # of each label
        self.slot_types: dict[str, str] = {}
        self.empty: list[str] = []
        self.oddities = Oddities()

    def lists(self, owner: str, kind: str, field: str) -> list[tuple[Any, Where]]:
        """The phrases or entries of an intent or entity, and where they stand: those in files of the language, or else those in its own file."""
        lists: list[tuple[SourceFile | None, Any]] = [(file, file.json) for file in self.files[owner, kind, self.language]] or [
            (self.json_files.get(owner), self.content(owner).get(field) or [])
        ]
        for file, items in lists:
            if not isinstance(items, list):
                self.oddities.leave_out(f"lists of {kind} that are no list", items, Where(file))
        return [
            (item, Where(file, f"number {number + 1}")) for file, items in lists for number, item in enumerate(list_of(items))
        ]

    def content(self, owner: str) -> Fields:
        """The file of an intent or entity."""
        return dict_of(self.json_files[owner].json) if owner in self.json_files else {}


def detect(source: Source) -> bool:
    """Whether there are files of training phrases, or intents as the console writes them."""
    if any(part.kind == "usersays" and _is_phrases(part.file) for part in _parts(source)):
        return True
    return any(_is_intent(file) for file in source.files if source.only is not None or _is_in(file, "intents"))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no intent has a training phrase, or a file is not JSON.
    """
    agent = _Agent(source)
    owners = {part.owner: None for part in agent.parts if part.kind == "usersays"}
    for path, file in agent.json_files.items():
        if (source.only is not None or _is_in(file, "intents")) and PART.fullmatch(file.name) is None:
            owners[path] = None
    _note_strangers(owners, agent)
    for owner in owners:
        _add_intent(owner, agent)
    if agent.empty:
        left_out = counted_kind(len(agent.empty), "intents without phrases")
        logger.warning("%s: left out %s: %s", source.path, left_out, ", ".join(agent.empty[:8]))
    catalogs = _catalogs(agent)
    agent.oddities.warn(source.path)
    return skill_of_templates(name, agent.templates, catalogs=catalogs, slot_types=agent.slot_types)


def _parts(source: Source) -> list[_Part]:
    matches = [(PART.fullmatch(file.name), file) for file in source.files]
    return [_Part(match["owner"], match["kind"].lower(), match["language"].lower(), file) for match, file in matches if match]


def _is_in(file: SourceFile, folder: str) -> bool:
    return file.suffix == ".json" and folder in file.name.split("/")[:-1]


def _is_intent(file: SourceFile) -> bool:
    content = dict_of(file.json_or_none)
    return isinstance(content.get("userSays"), list) or ("name" in content and len(INTENT_FIELDS & content.keys()) >= 3)


def _is_phrases(file: SourceFile) -> bool:
    return any(isinstance(dict_of(phrase).get("data"), list) for phrase in list_of(file.json_or_none))


def _choose_language(source: Source, parts: list[_Part]) -> str:
    """The root of the language to read, whose regions are all read."""
    agents = [dict_of(file.json) for file in source.files if file.name.split("/")[-1] == "agent.json"]
    own = text_of(agents[0].get("language")) if agents else None
    found = Counter(root_of(part.language) for part in parts if part.kind == "usersays")
    return root_of(choose_locale(found, source, own)) if found else root_of(own or "en")


def _note_strangers(owners: Collection[str], agent: _Agent) -> None:
    """Count phrases whose intent has no file, where others have one: they may be those of another agent."""
    strangers = [owner for owner in owners if owner not in agent.json_files]
    if len(strangers) < len(owners):
        for owner in strangers:
            agent.oddities.note("intents have phrases and no file, and may be another agent's", owner.rpartition("/")[2])


def _add_intent(owner: str, agent: _Agent) -> None:
    content = agent.content(owner)
    intent = text_of(content.get("name")) or owner.rpartition("/")[2]
    before = len(agent.templates)
    for phrase, where in agent.lists(owner, "usersays", "userSays"):
        pieces = list_of(dict_of(phrase).get("data"))
        is_whole = all(isinstance(dict_of(piece).get("text"), str) for piece in pieces)
        parts = _phrase_parts(phrase, agent) if pieces and is_whole else []
        if parts:
            agent.templates.append(Template(intent, tuple(parts)))
        else:
            agent.oddities.leave_out("phrases without text, or with a piece without text", phrase, where)
    if len(agent.templates) > before:
        return
    if content.get("fallbackIntent") is True or content.get("events"):
        logger.info("intent %s is left out: it has no phrases, as is usual for one of the platform's own events", intent)
    else:
        agent.empty.append(intent)


def _phrase_parts(phrase: Fields, agent: _Agent) -> list[str | Slot]:
    parts: list[str | Slot] = []
    for piece in phrase["data"]:
        text, alias, entity = piece["text"], text_of(piece.get("alias")), text_of(piece.get("meta"))
        label = alias or (entity.lstrip("@") if entity else None)
        if phrase.get("isTemplate") is True:
            parts += _open_slots(text, agent)
        elif entity == IGNORED or not label or not text.strip():
            parts.append(text)
        else:
            _note(label, entity, agent)
            parts += trimmed_slot(label, text)
    return join_text(parts)


def _open_slots(text: str, agent: _Agent) -> list[str | Slot]:
    def slot(match: re.Match[str]) -> list[str | Slot]:
        _note(match["alias"], f"@{match['entity']}", agent)
        return [Slot(match["alias"])]

    return cut(text, REFERENCE, slot)


def _note(label: str, entity: str | None, agent: _Agent) -> None:
    """Say of which entity, with its `@`, a label's values are."""
    if entity is not None and entity.startswith(SYSTEM):
        agent.slot_types.setdefault(label, entity)
    elif entity is not None:
        agent.entities[label][entity.lstrip("@")] = None


def _catalogs(agent: _Agent) -> dict[str, list[CatalogValue]]:
    owners = {part.owner: None for part in agent.parts if part.kind == "entries"}
    for path, file in agent.json_files.items():
        if _is_in(file, "entities") and PART.fullmatch(file.name) is None:
            owners[path] = None
    used = {entity for entities in agent.entities.values() for entity in entities}
    said = said_forms(slot.value for template in agent.templates for slot in template.slots if slot.value)
    values: dict[str, list[CatalogValue]] = {}
    for owner in owners:
        entity = text_of(agent.content(owner).get("name")) or owner.rpartition("/")[2]
        if entity in used:
            values[entity] = _values(owner, said, agent)
    return {
        label: [value for entity in entities for value in values.get(entity, [])] for label, entities in agent.entities.items()
    }


def _values(owner: str, said: Container[str], agent: _Agent) -> list[CatalogValue]:
    if agent.content(owner).get("isRegexp") is True:
        agent.oddities.leave_out("entities of regular expressions", owner)
        return []
    values = []
    for entry, where in agent.lists(owner, "entries", "entries"):
        fields = dict_of(entry)
        synonyms = _texts(list_of(fields.get("synonyms")), where, agent)
        named = _texts([fields.get("value")], where, agent)
        if named:
            values.append(catalog_value(named[0], synonyms, said, agent.oddities, where=where))
        else:  # they stand for nothing, and so each for itself
            values += [CatalogValue(synonym) for synonym in synonyms]
    return values


def _texts(values: list[Any], where: Where, agent: _Agent) -> list[str]:
    """What of these is text of its own, with single blanks."""
    texts = []
    for value in values:
        if text_of(value) is None:
            agent.oddities.leave_out("entity values that are not text", value, where)
        elif REFERENCE.search(value):
            agent.oddities.leave_out("entity values made of other entities", value, where)
        else:
            texts.append(" ".join(value.split()))
    return texts


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
