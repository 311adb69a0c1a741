"""A Dialogflow CX agent, as a package (a folder, or the zip archive itself) or as its API lists intents.

Read are the phrases of `intents/NAME/trainingPhrases/LANGUAGE.json` (`trainingPhrases: [{"parts": [{"text", "parameterId"}]}]`), the intent's name and
parameters in `intents/NAME/NAME.json`, and the values and synonyms of `entityTypes/NAME/entities/LANGUAGE.json`; or all of that in one file, whose
`intents` have `displayName`, `trainingPhrases` and `parameters`, and whose `entityTypes` have `displayName` and `entities`.

- The slot label is the parameter's id. Its entity type gives the catalog, or the slot type if it is one of the system's (`@sys.date`).
- Of an entity type of the kind map, values are canonical, and in catalogs if they are said (see `normal_forms`; the console writes them among the
  synonyms, too); of a list they are what is said. Types of regular expressions, excluded phrases, and values made of other types are not read.
- One language is read: that which `--language` names, else the agent's own (`defaultLanguageCode`), else as `headstart.readers.languages` says.

Not read are flows, pages, routes, webhooks and test cases.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.readers.entities import Entities
from headstart.readers.fields import Fields, dict_of, list_of, objects_of, text_of
from headstart.readers.languages import LOCALE_NAME, choose_locale, plain_locale
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import join_text, skill_of_templates, trimmed_slot
from headstart.readers.source import Source, SourceFile

NAME = "dialogflow_cx"
SUFFIXES: tuple[str, ...] = (".json",)
PHRASES = re.compile(r"(?P<owner>(?:.*/)?intents/(?P<name>[^/]+))/trainingPhrases/(?P<language>[^/]+)\.json")
ENTRIES = re.compile(r"(?P<owner>(?:.*/)?entityTypes/(?P<name>[^/]+))/entities/(?P<language>[^/]+)\.json")
SYSTEM = re.compile(r"(?:.*/)?@?sys\.(?P<name>[\w-]+)")
MADE_OF_OTHERS = re.compile(r"@[\w.-]+")


class _Agent:
    """What is read of an agent, in its language."""

    def __init__(self) -> None:
        self.oddities = Oddities()
        self.entities = Entities(self.oddities)
        self.templates: list[Template] = []

    def add_intent(self, name: str, intent: Fields, phrases: list[Any], file: SourceFile, language: str | None) -> None:
        """Add the phrases of an intent; those in other languages are left out."""
        types: dict[str, str] = {}
        for parameter in objects_of(intent.get("parameters")):
            label, entity = text_of(parameter.get("id")), text_of(parameter.get("entityType"))
            if label is None or entity is None:
                self.oddities.leave_out("parameters without id or entity type", parameter, Where(file))
            else:
                types[label] = entity
        before = len(self.templates)
        for number, phrase in enumerate(phrases, start=1):
            where = Where(file, f"phrase {number}")
            code = text_of(dict_of(phrase).get("languageCode"))
            if language is not None and code is not None and plain_locale(code) != plain_locale(language):
                self.oddities.leave_out("phrases in other languages", code, where)
                continue
            parts = self._parts(dict_of(phrase), types)
            if parts:
                self.templates.append(Template(name, tuple(parts)))
            else:
                self.oddities.leave_out("phrases without text, or with a part without text", phrase, where)
        if len(self.templates) == before and intent.get("isFallback") is not True:
            self.oddities.leave_out("intents without phrases", name, Where(file))

    def _parts(self, phrase: Fields, types: dict[str, str]) -> list[str | Slot]:
        pieces = list_of(phrase.get("parts"))
        if not all(isinstance(dict_of(piece).get("text"), str) for piece in pieces):
            return []
        parts: list[str | Slot] = []
        for piece in pieces:
            text, label = piece["text"], text_of(piece.get("parameterId"))
            if label is None or not text.strip():
                parts.append(text)
            else:
                self._use(label, types.get(label))
                parts += trimmed_slot(label, text)
        return join_text(parts)

    def _use(self, label: str, entity: str | None) -> None:
        """Say of which type, such as `@size`, `@sys.date` or the path of one, a label's values are."""
        if entity is None:
            return
        system = SYSTEM.fullmatch(entity)
        name = entity.rpartition("/")[2].lstrip("@")
        self.entities.use(label, name, f"@sys.{system['name']}" if system else None)

    def add_entity(self, name: str, entity: Fields, entries: list[Any], file: SourceFile) -> None:
        """Add the values of an entity type."""
        kind = str(entity.get("kind", "KIND_MAP"))
        if kind == "KIND_REGEXP":
            self.oddities.leave_out("entity types of regular expressions", name, Where(file))
            return
        for number, entry in enumerate(entries, start=1):
            where = Where(file, f"entity {number}")
            value = text_of(dict_of(entry).get("value"))
            if value is None:
                self.oddities.leave_out("entity values that are not text", entry, where)
                continue
            forms = [value, *filter(None, map(text_of, list_of(dict_of(entry).get("synonyms"))))]
            said = [form for form in forms if not MADE_OF_OTHERS.search(form)]
            if len(said) < len(forms):
                self.oddities.leave_out("entity values made of other types", value, where)
            elif kind == "KIND_LIST":
                self.entities.add(name, value, where=where)
            else:
                self.entities.add(name, value, said[1:], where=where)


def detect(source: Source) -> bool:
    """Whether there are training phrases of intents, as a package or a list of the API has them."""
    if any(PHRASES.fullmatch(file.name) and _has_phrases(file) for file in source.files):
        return True
    return any(_api_intents(file) for file in source.candidates(".json"))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: there is nothing in the wanted language, or no phrase.
    """
    agent = _Agent()
    phrases = _by_owner(source, PHRASES)
    if phrases:
        _read_package(source, phrases, agent)
    else:
        for file in source.candidates(".json"):
            if _api_intents(file) or file is source.only:
                _read_api(file, source, agent)
    catalogs = agent.entities.catalogs(agent.templates)
    agent.oddities.warn(source.path)
    if not agent.templates:
        raise DataError(
            f"{source.path}: no intent has a phrase; allowed: intents/NAME/trainingPhrases/LANGUAGE.json, with "
            '{"trainingPhrases": [{"parts": [{"text": "make tea"}]}]}.'
        )
    return skill_of_templates(name, agent.templates, catalogs=catalogs, slot_types=agent.entities.slot_types)


def _by_owner(source: Source, pattern: re.Pattern[str]) -> dict[str, dict[str, SourceFile]]:
    """By folder of an intent or entity type: its files by language."""
    found: dict[str, dict[str, SourceFile]] = defaultdict(dict)
    for file in source.files:
        match = pattern.fullmatch(file.name)
        if match is not None:
            found[match["owner"]][match["language"]] = file
    return found


def _read_package(source: Source, phrases: dict[str, dict[str, SourceFile]], agent: _Agent) -> None:
    counts = Counter(language for files in phrases.values() for language in files)
    manifests = [dict_of(file.json) for file in source.files if file.name.split("/")[-1] == "agent.json"]
    own = next(filter(None, (text_of(manifest.get("defaultLanguageCode")) for manifest in manifests)), None)
    language = choose_locale(counts, source, own)
    named = {file.name: file for file in source.files}
    for owner, files in phrases.items():
        if language in files:
            intent = _content(owner, named)
            name = text_of(intent.get("displayName")) or owner.rpartition("/")[2]
            agent.add_intent(
                name, intent, list_of(dict_of(files[language].json).get("trainingPhrases")), files[language], language
            )
    for owner, files in _by_owner(source, ENTRIES).items():
        entity = _content(owner, named)
        name = text_of(entity.get("displayName")) or owner.rpartition("/")[2]
        if language in files:
            agent.add_entity(name, entity, list_of(dict_of(files[language].json).get("entities")), files[language])


def _content(owner: str, named: dict[str, SourceFile]) -> Fields:
    """The file of an intent or entity type, which has the name of its folder."""
    file = named.get(f"{owner}/{owner.rpartition('/')[2]}.json")
    return {} if file is None else dict_of(file.json)


def _has_phrases(file: SourceFile) -> bool:
    return isinstance(dict_of(file.json_or_none).get("trainingPhrases"), list)


def _api_intents(file: SourceFile) -> list[Fields]:
    """The intents of a file, if one has phrases; a file may be one intent."""
    if "trainingPhrases" not in (file.text_or_none or ""):
        return []
    content = dict_of(file.json_or_none)
    if "trainingPhrases" in content:  # of a package, such a file is called after its language, and its intent is another one
        found = [content] if "displayName" in content or not LOCALE_NAME.fullmatch(file.stem) else []
    else:
        found = objects_of(content.get("intents"))
    return found if any(isinstance(intent.get("trainingPhrases"), list) for intent in found) else []


def _read_api(file: SourceFile, source: Source, agent: _Agent) -> None:
    intents = _api_intents(file)
    codes = Counter(
        code
        for intent in intents
        for phrase in objects_of(intent.get("trainingPhrases"))
        if (code := text_of(phrase.get("languageCode"))) is not None
    )
    language = choose_locale(codes, source) if codes else None
    for intent in intents:
        name = text_of(intent.get("displayName")) or (file.stem if len(intents) == 1 else None)
        if name is None:
            agent.oddities.leave_out("intents without a name", intent, Where(file))
        else:
            agent.add_intent(name, intent, list_of(intent.get("trainingPhrases")), file, language)
    for entity in objects_of(dict_of(file.json).get("entityTypes")):
        name = text_of(entity.get("displayName"))
        if name is not None:
            agent.add_entity(name, entity, list_of(entity.get("entities")), file)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
