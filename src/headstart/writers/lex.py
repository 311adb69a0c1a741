"""A skill as a bot of Amazon Lex V2: the zip archive that its console imports.

Samples have open slots; a skill of rows is written as the templates that these stand for, and the values in them become values of the slots. `headstart.readers.lex` reads the same
templates, catalogs and synonyms from it. What is not the same is counted in a warning:

- names with other characters than letters, digits, `-` and `_`, which become `_`, and braces in samples, which become parentheses;
- samples without an intent, which are in `NoIntent`, and such without annotated slots; samples that differ by the values of their slots alone, which become one;
- built-in types of other platforms: Lex's take their place where there is one. A slot without values and without such a type is `AMAZON.FreeFormInput`;
- ids of values, the invocation, and validation and test rows, which are not written.

A type whose values have synonyms restricts slots to its values (`TOP_RESOLUTION`), so that synonyms are resolved; others take theirs for examples (`ORIGINAL_VALUE`). Slots are
optional and prompts are not written: the bot is to be finished in the console.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from headstart.data.skills import Skill
from headstart.data.templates import Slot
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.oddities import Oddities
from headstart.saving import check_suffix
from headstart.writers.open_samples import built_in_type, note_unwritten, open_templates, values_of_slots, write_archive

NAME = "lex"
SUFFIXES: tuple[str, ...] = ()  # a .zip that --format names
LOCALE = "en_US"
ROUND = str.maketrans("{}", "()")
FREE = "AMAZON.FreeFormInput"
# Types by the names that `built_in_type` finds.
BUILT_IN_TYPES = {
    "age": "Number", "alphanumeric": "AlphaNumeric", "cardinal": "Number", "city": "City", "confirmation": "Confirmation",
    "country": "Country", "date": "Date", "duration": "Duration", "email": "EmailAddress", "freeforminput": "FreeFormInput",
    "givenname": "FirstName", "lastname": "LastName", "number": "Number", "numberinteger": "Number",
    "percentage": "Percentage", "phonenumber": "PhoneNumber", "searchquery": "FreeFormInput", "time": "Time",
    "ukpostalcode": "UKPostalCode",
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
    bot = name(skill.name)
    samples = open_templates(skill, name, changes)
    values = values_of_slots(skill, name)
    kinds = {
        label: kind
        for label, kind in ((name(label), _built_in(kind, changes)) for label, kind in skill.slot_types.items())
        if kind
    }
    files: dict[str, object] = {
        "Manifest.json": {"metaData": {"schemaVersion": "1", "fileFormat": "LexJson", "resourceType": "BOT"}},
        f"{bot}/Bot.json": {"name": bot, "version": "DRAFT", "description": None, "identifier": bot[:10].upper(), "dataPrivacy": {"childDirected": False}, "idleSessionTTLInSeconds": 300},
        f"{bot}/BotLocales/{LOCALE}/BotLocale.json": {"name": "English (US)", "identifier": LOCALE, "version": "DRAFT", "voiceSettings": None, "nluConfidenceThreshold": 0.4},
    }  # fmt: skip
    root = f"{bot}/BotLocales/{LOCALE}"
    used: dict[str, None] = {}
    for intent, templates in samples.items():
        labels = dict.fromkeys(part.label for parts in templates for part in parts if isinstance(part, Slot))
        used.update(labels)
        folder = f"{root}/Intents/{name(intent)}"
        files[f"{folder}/Intent.json"] = _intent(name(intent), [_sample(parts, changes) for parts in templates], list(labels))
        for label in labels:
            files[f"{folder}/Slots/{label}/Slot.json"] = _slot(label, _type_of(label, values, kinds))
    files[f"{root}/Intents/FallbackIntent/Intent.json"] = {
        **_intent("FallbackIntent", [], []),
        "parentIntentSignature": "AMAZON.FallbackIntent",
    }
    for label, listed in values.items():
        if listed and label not in used:
            changes.note("catalogs of slots that no sample has are written as types of none", label)
        if listed:
            files[f"{root}/SlotTypes/{label}/SlotType.json"] = _slot_type(label, listed, kinds.get(label))
    note_unwritten(skill, changes)
    write_archive(path, files)
    changes.warn(path)


def _name(text: str, changes: Oddities) -> str:
    allowed = re.sub(r"[^0-9A-Za-z_-]+", "_", text).strip("_-") or "x"
    allowed = re.sub(r"[_-]{2,}", "_", allowed)[:100]
    if allowed != text:
        changes.note("names have characters that Lex refuses, which become '_'", text)
    return allowed


def _sample(parts: tuple[str | Slot, ...], changes: Oddities) -> str:
    sample = "".join(f"{{{part.label}}}" if isinstance(part, Slot) else part.translate(ROUND) for part in parts)
    if any(isinstance(part, str) and part.translate(ROUND) != part for part in parts):
        changes.note("samples have braces, which become parentheses", sample)
    return sample


def _intent(name: str, samples: list[str], labels: list[str]) -> dict[str, object]:
    priorities = [{"priority": number, "slotName": label} for number, label in enumerate(labels, start=1)]
    return {
        "name": name,
        "identifier": name[:10].upper(),
        "parentIntentSignature": None,
        "sampleUtterances": [{"utterance": sample} for sample in samples],
        "slotPriorities": priorities,
    }


def _slot(label: str, kind: str) -> dict[str, object]:
    return {
        "name": label,
        "identifier": label[:10].upper(),
        "multipleValuesSetting": {"allowMultipleValues": False},
        "slotTypeName": kind,
        "obfuscationSetting": None,
        "slotConstraint": "Optional",
        "valueElicitationSetting": {"slotConstraint": "Optional"},
    }


def _type_of(label: str, values: dict[str, list[CatalogValue]], kinds: dict[str, str]) -> str:
    """A type of its own, if it has values; else the built-in one."""
    return label if values.get(label) else kinds.get(label, FREE)


def _slot_type(name: str, listed: list[CatalogValue], parent: str | None) -> dict[str, object]:
    has_synonyms = any(value.synonyms for value in listed)
    values = [
        {"sampleValue": {"value": value.value}, "synonyms": [{"value": form} for form in value.synonyms] or None}
        for value in listed
    ]
    return {
        "name": name,
        "identifier": name[:10].upper(),
        "slotTypeValues": values,
        "parentSlotTypeSignature": parent,
        "valueSelectionSetting": {"resolutionStrategy": "TOP_RESOLUTION" if has_synonyms else "ORIGINAL_VALUE"},
    }


def _built_in(name: str, changes: Oddities) -> str | None:
    found = built_in_type(name, BUILT_IN_TYPES)
    if name != f"AMAZON.{found}":
        changes.note("built-in types are another platform's: Lex's take their place where there are such", name)
    return f"AMAZON.{found}" if found else None


__all__ = ["NAME", "SUFFIXES", "write"]
