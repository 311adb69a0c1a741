"""A skill as a Dialogflow ES agent: the zip archive that its console restores.

Every training row becomes a phrase with its values marked, and every open template a phrase in template mode (`@size:size`). `headstart.readers.dialogflow` reads the same rows,
templates, catalogs and synonyms from it. What is not the same is counted in a warning:

- names with other characters than letters, digits, `-` and `_`, which become `_`;
- texts in which an `@` would be read as a slot: it becomes `(at)`;
- rows without an intent, which are in `NoIntent`, and rows whose slots are not annotated;
- built-in types of other platforms: Dialogflow's take their place where there is one. A slot without values and without such a type is `@sys.any`;
- a slot that has values and a built-in type: it keeps the values;
- ids of values, the invocation, and validation and test rows, which are not written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.dialogflow import REFERENCE
from headstart.readers.oddities import Oddities
from headstart.saving import check_suffix
from headstart.writers.open_samples import (
    NO_INTENT,
    built_in_type,
    note_unwritten,
    tidy_parts,
    values_of_slots,
    write_archive,
    written_templates,
)

NAME = "dialogflow"
SUFFIXES: tuple[str, ...] = ()  # a .zip that --format names
ANY = "sys.any"
# Types by the names that `built_in_type` finds.
BUILT_IN_TYPES = {
    "age": "age", "any": "any", "artist": "music-artist", "cardinal": "cardinal", "city": "geo-city", "color": "color",
    "country": "geo-country", "date": "date", "datetime": "date-time", "duration": "duration", "email": "email",
    "genre": "music-genre", "givenname": "given-name", "lastname": "last-name", "number": "number",
    "numberinteger": "number-integer", "ordinal": "ordinal", "percentage": "percentage", "person": "person",
    "personname": "person", "phonenumber": "phone-number", "searchquery": "any", "temperature": "temperature", "time": "time",
    "unitcurrency": "unit-currency", "url": "url",
}  # fmt: skip


def write(skill: Skill, path: Path) -> None:
    """Write a skill's templates or training rows, and its catalogs.

    Args:
        skill: what to write.
        path: the zip archive; one that is there is replaced.

    Raises:
        ValueError: the path is called otherwise.
        OSError: it can't be written.
    """
    check_suffix(path, ".zip")
    changes = Oddities()
    name = partial(_name, changes=changes)
    catalogs = values_of_slots(skill, name)
    listed = {name(label) for label in skill.catalogs}
    kinds = {
        label: kind
        for label, kind in ((name(label), _built_in(kind, changes)) for label, kind in skill.slot_types.items())
        if kind
    }
    for label in sorted(listed & kinds.keys()):
        changes.note("slots have values and a built-in type: they keep the values", label)
    # Of slots that have a type, or values nowhere but in their rows, rows alone tell the values.
    entities = {label: values for label, values in catalogs.items() if values and (label in listed or label not in kinds)}
    phrases: dict[str, list[dict[str, object]]] = defaultdict(list)
    labels: dict[str, dict[str, None]] = defaultdict(dict)
    for template in written_templates(skill):
        intent = name(NO_INTENT if template.intent is None else template.intent)
        if template.intent is None:
            changes.note(f"rows have no intent and are in {NO_INTENT}", template.pattern)
        if not template.has_slots:
            changes.note("rows have no annotated slots and are written as if they had none", template.pattern)
        parts = tidy_parts(template, name)
        labels[intent].update({part.label: None for part in parts if isinstance(part, Slot)})
        if parts:
            phrases[intent].append(_phrase(template, parts, partial(_entity_of, entities=entities, kinds=kinds), changes))
    files: dict[str, object] = {"package.json": {"version": "1.0.0"}, "agent.json": _agent(skill.name)}
    for intent, found in phrases.items():
        files[f"intents/{intent}.json"] = _intent(
            intent, [_parameter(label, _entity_of(label, entities, kinds)) for label in labels[intent]]
        )
        files[f"intents/{intent}_usersays_en.json"] = [
            {"id": f"{intent}-{number}", **phrase} for number, phrase in enumerate(found)
        ]
    for label, values in entities.items():
        files[f"entities/{label}.json"] = {
            "id": label,
            "name": label,
            "isOverridable": True,
            "isEnum": False,
            "isRegexp": False,
            "automatedExpansion": label not in listed,
        }
        files[f"entities/{label}_entries_en.json"] = [_entry(value) for value in values]
    note_unwritten(skill, changes)
    write_archive(path, files)
    changes.warn(path)


def _name(text: str, changes: Oddities) -> str:
    allowed = re.sub(r"[^\w-]+", "_", text, flags=re.ASCII).strip("_") or "x"
    if allowed != text:
        changes.note("names have characters that Dialogflow refuses, which become '_'", text)
    return allowed


def _entity_of(label: str, entities: dict[str, list[CatalogValue]], kinds: dict[str, str]) -> str:
    return label if label in entities else kinds.get(label, ANY)


def _phrase(template: Template, parts: list[str | Slot], entity_of: Any, changes: Oddities) -> dict[str, object]:
    if template.is_open:
        texts = []
        for part in parts:
            if isinstance(part, Slot) and part.value is None:
                texts.append(f"@{entity_of(part.label)}:{part.label}")
            else:
                texts.append(_without_reference(part if isinstance(part, str) else part.value or "", template, changes))
        if any(isinstance(part, Slot) and part.value is not None for part in parts):
            changes.note("slots with a value in a sample with open ones are text", template.pattern)
        return {"data": [{"text": "".join(texts), "userDefined": False}], "isTemplate": True, "count": 0}
    data: list[dict[str, object]] = []
    for part in parts:
        if isinstance(part, str):
            data.append({"text": part, "userDefined": False})
        else:
            data.append({"text": part.value, "alias": part.label, "meta": f"@{entity_of(part.label)}", "userDefined": True})
    return {"data": data, "isTemplate": False, "count": 0}


def _without_reference(text: str, template: Template, changes: Oddities) -> str:
    if REFERENCE.search(text) is None:
        return text
    changes.note("texts have what would be read as a slot, whose '@' becomes '(at)'", template.pattern)
    return text.replace("@", "(at)")


def _agent(name: str) -> dict[str, object]:
    return {
        "description": "",
        "language": "en",
        "displayName": name,
        "defaultTimezone": "Europe/London",
        "supportedLanguages": [],
    }


def _parameter(label: str, entity: str) -> dict[str, object]:
    return {
        "name": label,
        "required": False,
        "dataType": f"@{entity}",
        "value": f"${label}",
        "defaultValue": "",
        "isList": False,
        "prompts": [],
    }


def _intent(name: str, parameters: list[dict[str, object]]) -> dict[str, object]:
    responses = [
        {"resetContexts": False, "action": "", "affectedContexts": [], "parameters": parameters, "messages": [], "speech": []}
    ]
    return {
        "id": name,
        "name": name,
        "auto": True,
        "contexts": [],
        "responses": responses,
        "priority": 500000,
        "webhookUsed": False,
        "webhookForSlotFilling": False,
        "fallbackIntent": False,
        "events": [],
    }


def _entry(value: CatalogValue) -> dict[str, object]:
    return {"value": value.value, "synonyms": list(value.forms)}


def _built_in(name: str, changes: Oddities) -> str | None:
    found = built_in_type(name, BUILT_IN_TYPES)
    if name != f"@sys.{found}":
        changes.note("built-in types are another platform's: Dialogflow's take their place where there are such", name)
    return f"sys.{found}" if found else None


__all__ = ["NAME", "SUFFIXES", "write"]
