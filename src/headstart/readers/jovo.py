"""Language models of the Jovo framework, as JSON: `models/en-US.json`, `models/en.json`.

Versions 1 to 3 have lists: `intents` of `name`, `phrases` and `inputs`, and `inputTypes` of `name` and `values`. Version 4 has objects by
name: `intents` of `phrases` and `entities`, and `entityTypes` of `values`. Of a folder or archive the English model is read.

- Phrases become templates; `{input}` is an open slot (see `headstart.readers.alexa` for the details).
- Where a type is an object with a type for each platform, Alexa's is taken, or else the first.
- Values, with their synonyms and ids, are the catalogs of all slots of the type. Built-in types (`AMAZON.*`, `@sys.*`) are in `slot_types`.
- What is for Alexa alone, under `alexa.interactionModel`, is read too. The same for Dialogflow and other platforms is not.
"""

from __future__ import annotations

from typing import Any

from headstart.data.skills import Skill
from headstart.readers.alexa import read_language_model, unwrap
from headstart.readers.alexa_parts import (
    Model,
    add_samples,
    add_slots,
    add_values,
    check_intents,
    choose_model,
    find_models,
    named_items,
)
from headstart.readers.fields import dict_of, text_of
from headstart.readers.languages import warn_of_language
from headstart.readers.source import Source

NAME = "jovo"
SUFFIXES: tuple[str, ...] = (".json",)
PLATFORMS = ("alexa", "dialogflow", "lex", "googleAssistant", "rasa")
TYPES = ("inputTypes", "entityTypes")


def detect(source: Source) -> bool:
    """Whether the file, or one of the folder's, is a Jovo model.

    Raises:
        DataError: the file can't be read.
    """
    return bool(find_models(source, _is_model))


def _is_model(content: Any) -> bool:
    fields = dict_of(content)
    intents = fields.get("intents")
    if not isinstance(intents, (list, dict)) or "luis_schema_version" in fields:
        return False
    entries = intents.values() if isinstance(intents, dict) else intents
    has_phrases = any(isinstance(intent, dict) and isinstance(intent.get("phrases"), (list, str)) for intent in entries)
    return has_phrases or any(isinstance(fields.get(field), (list, dict)) for field in TYPES)


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: there is no model, or no phrase in it.
    """
    wanted = "Jovo model; allowed: a JSON file with intents that have phrases"
    file = choose_model(source, find_models(source, _is_model), wanted)
    content = dict_of(file.json)
    check_intents(content, f"{file.where}, field 'intents'", "a list of intents with phrases, or an object by name")
    model = Model(file)
    model.invocation = _invocation(content.get("invocation"))
    for field in TYPES:
        for slot_type, item in named_items(content.get(field), model, field):
            add_values(model, slot_type, item.get("values"))
    _read_intents(content["intents"], model)
    platform, _ = unwrap(content.get("alexa"))
    read_language_model(platform, model)
    skill = model.skill(name)
    warn_of_language(file, model.templates)
    return skill


def _read_intents(content: Any, model: Model) -> None:
    intents = list(named_items(content, model, "intents"))
    for intent, item in intents:
        for field in ("inputs", "entities"):
            add_slots(model, intent, item.get(field), field, _type_of)
        for platform in PLATFORMS:
            if platform in item:
                model.odd(f"intents whose own {platform!r} is not read", intent)
    for intent, item in intents:
        field = "phrases" if "phrases" in item else "samples"
        add_samples(model, intent, item.get(field), field)


def _type_of(content: Any) -> str | None:
    """The type, or that of Alexa, or else of the first platform that names one."""
    fields = dict_of(content)
    names = [text_of(name) for name in (fields.get("alexa"), *fields.values(), content)]
    return next((name for name in names if name), None)


def _invocation(content: Any) -> str | None:
    """The invocation, or that of Alexa or American English, or else the first: there can be one a platform or language."""
    found: Any = content
    for _ in range(2):  # by platform, and inside of that by language
        fields = dict_of(found)
        if fields:
            found = next(
                (fields[key] for key in ("alexa", "alexaSkill", "en-US", "en") if key in fields), next(iter(fields.values()))
            )
    text = text_of(found)
    return " ".join(text.split()) if text else None


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
