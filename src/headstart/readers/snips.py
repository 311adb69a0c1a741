"""Datasets of Snips NLU: the JSON form, and the YAML form of intents and entities; a file, or a folder or archive with several.

JSON: `{"intents": {NAME: {"utterances": [{"data": [{"text", "entity", "slot_name"}]}]}}, "entities": {NAME: {"data": [{"value",
"synonyms"}]}}, "language"}`. The published benchmark's files, `{NAME: [{"data": [...]}]}`, are read as well. YAML: documents with
`type: intent`, `name`, `slots` and `utterances` such as `- turn on the lights in the [room:room_name](living room)`, and documents with
`type: entity`, `name` and `values`, each a value or a list of a value and its synonyms. `[room]` without a value is an open slot.

The slot label is the slot's name, or the entity's if the slot has none. Values and synonyms of an entity (the latter unless
`use_synonyms` is false) belong to all slots of that entity; built-in entities become slot types (`snips/datetime`). Entities that no
slot uses, and the settings of matching, are not read. A folder's files are training, validation and test parts by their names.

A value that has synonyms is canonical, though Snips finds it in texts too: it is in the catalog if it is said (see `normal_forms`). An utterance
with a piece that is no text (JSON), or with brackets that are no slot (YAML), is left out as a whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from headstart.data.rows import DataError, kind_of, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.fields import Fields, dict_of, list_of, text_of, yaml_strings
from headstart.readers.normal_forms import catalog_value, said_forms
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import cut, join_text, parts_in, skill_of_parts, trimmed_slot
from headstart.readers.source import Source, SourceFile

NAME = "snips"
SUFFIXES: tuple[str, ...] = (".json", ".yaml", ".yml")
BUILT_IN = "snips/"
HAS_TYPE = re.compile(r"""^["']?type["']?[ \t]*:[ \t]*["']?(?:intent|entity)\b""", re.MULTILINE)
HAS_LIST = re.compile(r"""^["']?(?:utterances|values)["']?[ \t]*:""", re.MULTILINE)
# The bounds keep malformed text from being searched to its end again and again.
SLOT = re.compile(r"\[(?P<slot>[^\[\]:]{1,500}+)(?::(?P<entity>[^\[\]]{0,500}+))?\](?:\((?P<value>[^)]{0,500}+)\))?")
BROKEN = re.compile(r"\]\([^)]{0,500}+(?!\))")  # a value that has no end


class _Dataset:
    """What is found in the files."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Template]] = defaultdict(list)
        self.part = "train"  # of the file that is being read
        self.entities: dict[str, dict[str, None]] = defaultdict(dict)  # of each label
        self.entries: dict[str, list[tuple[list[str], Where]]] = defaultdict(list)  # of each entity: a value and its synonyms
        self.oddities = Oddities()

    def add(self, intent: str, parts: list[str | Slot], example: Any, where: Where) -> None:
        """Add an utterance."""
        parts = join_text(parts)
        if parts:
            self.parts[self.part].append(Template(intent, tuple(parts)))
        else:
            self.oddities.leave_out("utterances without text", example, where)

    def add_values(self, entity: str, values: list[Any], where: Where) -> None:
        """Add a value of an entity and its synonyms."""
        for value in values:
            if text_of(value) is None:
                self.oddities.leave_out("entity values that are not text", value, where)
        self.entries[entity].append(([" ".join(value.split()) for value in values if text_of(value) is not None], where))

    def catalogs(self) -> dict[str, list[CatalogValue]]:
        """The values of each label."""
        said = said_forms(
            slot.value for templates in self.parts.values() for template in templates for slot in template.slots if slot.value
        )
        said |= said_forms(form for entries in self.entries.values() for values, _ in entries for form in values[1:])
        values = {
            entity: [
                catalog_value(value, synonyms, said, self.oddities, is_found=True, where=where)
                for (value, *synonyms), where in (entry for entry in entries if entry[0])
            ]
            for entity, entries in self.entries.items()
            if any(entity in entities for entities in self.entities.values())
        }
        return {
            label: [value for entity in entities for value in values.get(entity, [])] for label, entities in self.entities.items()
        }


def detect(source: Source) -> bool:
    """Whether there is a JSON dataset, or a YAML file with documents of intents or entities."""
    return any(_is_json(file) or _is_yaml(file) for file in _files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: a file of the dataset is damaged, or no intent has an utterance.
    """
    data = _Dataset()
    files = [file for file in _files(source) if _is_json(file) or _is_yaml(file)]
    # The published benchmark has train_INTENT.json and validate_INTENT.json, whatever the intent.
    corpus = [file for file in files if file.suffix == ".json"]
    parts = parts_in(source, corpus) | parts_in(source, (file for file in files if file not in corpus), is_project=True)
    for file in files:
        data.part = parts[file.name]
        if _is_json(file):
            _add_json(file, data)
        else:
            for document in yaml_strings(file):
                _add_document(dict_of(document), data, Where(file))
    slot_types = {
        label: entity for label, entities in data.entities.items() for entity in entities if entity.startswith(BUILT_IN)
    }
    catalogs = data.catalogs()
    data.oddities.warn(source.path)
    return skill_of_parts(name, data.parts, catalogs, slot_types)


def _files(source: Source) -> list[SourceFile]:
    return source.candidates(".yml", ".yaml", ".json")


def _is_json(file: SourceFile) -> bool:
    content = dict_of(file.json_or_none)
    utterances = [list_of(dict_of(intent).get("utterances")) for intent in dict_of(content.get("intents")).values()]
    if not utterances and content and all(isinstance(samples, list) for samples in content.values()):
        utterances = list(content.values())
    return any(isinstance(dict_of(sample).get("data"), list) for samples in utterances for sample in samples)


def _is_yaml(file: SourceFile) -> bool:
    text = file.text_or_none or ""
    if file.suffix == ".json" or not HAS_TYPE.search(text) or not HAS_LIST.search(text):
        return False
    try:
        documents = file.yaml
    except DataError:  # what is damaged here is a dataset: reading says where
        return True
    fields = {"intent": "utterances", "entity": "values"}
    return any(
        isinstance(document, dict)
        and isinstance(document.get("type"), str)
        and isinstance(document.get(fields.get(document["type"], "")), list)
        for document in documents
    )


def _add_json(file: SourceFile, data: _Dataset) -> None:
    content = file.json
    intents, entities = content.get("intents", content), content.get("entities", {})
    for field, value in (("intents", intents), ("entities", entities)):
        if not isinstance(value, dict):
            raise DataError(
                f"{file.where}, field {field!r}: found {kind_of(value)}; allowed: an object with names as its fields."
            )
    for intent, found in intents.items():
        utterances = found if isinstance(found, list) else dict_of(found).get("utterances")
        if text_of(intent) is None or not isinstance(utterances, list):
            data.oddities.leave_out("intents without a name or a list of utterances", found, Where(file, shorten(intent)))
            continue
        if not utterances:
            data.oddities.leave_out("intents without utterances", intent, Where(file))
        for number, utterance in enumerate(utterances):
            chunks, where = list_of(dict_of(utterance).get("data")), Where(file, f"utterance {number + 1} of {shorten(intent)}")
            if all(isinstance(chunk, dict) and isinstance(chunk.get("text"), str | None) for chunk in chunks):
                data.add(intent, _json_parts(chunks, data), utterance, where)
            else:
                data.oddities.leave_out("utterances with a piece that is not text", utterance, where)
    for entity, found in entities.items() if "intents" in content else []:
        has_synonyms = dict_of(found).get("use_synonyms") is not False
        for entry in map(dict_of, list_of(dict_of(found).get("data"))):
            values = [entry.get("value"), *(list_of(entry.get("synonyms")) if has_synonyms else [])]
            data.add_values(entity, values, Where(file))


def _json_parts(chunks: list[Any], data: _Dataset) -> list[str | Slot]:
    parts: list[str | Slot] = []
    for chunk in map(dict_of, chunks):
        text, entity = chunk.get("text"), text_of(chunk.get("entity"))
        label = text_of(chunk.get("slot_name")) or entity
        if label is None:
            parts.append(text or "")
        else:
            parts += _slot_parts(label, entity or label, text, data)
    return parts


def _slot_parts(label: str, entity: str, text: str | None, data: _Dataset) -> Sequence[str | Slot]:
    """The slot, with blanks at the ends of its value beside it."""
    data.entities[label][entity] = None
    if text is None or not text.strip():
        return [Slot(label)]
    return trimmed_slot(label, text)


def _add_document(document: Fields, data: _Dataset, where: Where) -> None:
    kind, name = document.get("type"), text_of(document.get("name"))
    if kind not in ("intent", "entity"):
        return
    if name is None:
        data.oddities.leave_out("intents and entities without a name", document, where)
    elif kind == "entity":
        has_synonyms = document.get("use_synonyms") not in ("false", "False", "no", "off")
        for value in list_of(document.get("values")):
            values = list_of(value) or [value]
            data.add_values(name, values if has_synonyms else values[:1], where)
    else:
        _add_utterances(name, document, data, where)


def _add_utterances(intent: str, document: Fields, data: _Dataset, where: Where) -> None:
    texts = []
    for text in list_of(document.get("utterances")):
        if text_of(text) is None:
            data.oddities.leave_out("utterances that are not text", text, where)
        elif any(sign in SLOT.sub("", text) for sign in "[]") or BROKEN.search(text):
            data.oddities.leave_out("utterances with brackets that are no slot", text, where)
        else:
            texts.append(text)
    if not texts:
        data.oddities.leave_out("intents without utterances", intent, where)
    entities: dict[str, str] = {}
    for slot in map(dict_of, list_of(document.get("slots"))):
        slot_name, entity = text_of(slot.get("name")), text_of(slot.get("entity"))
        if slot_name is not None and entity is not None:
            entities[slot_name.strip()] = entity.strip()
    matches = [match for text in texts for match in SLOT.finditer(text)]
    for match in matches:  # an utterance may say what the others leave out
        if match["entity"] and match["entity"].strip():
            entities.setdefault(match["slot"].strip(), match["entity"].strip())
    for text in texts:
        data.add(intent, _yaml_parts(text, entities, data), text, where)


def _yaml_parts(text: str, entities: dict[str, str], data: _Dataset) -> list[str | Slot]:
    def pieces(match: re.Match[str]) -> Sequence[str | Slot]:
        label = match["slot"].strip()
        if not label:
            return [match[0]]
        entity = (match["entity"] or "").strip() or entities.get(label, label)
        return _slot_parts(label, entity, match["value"], data)

    return cut(text, SLOT, pieces)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
