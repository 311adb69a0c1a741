"""Language models of the Jovo framework, as JSON: `models/en-US.json`, `models/en.json`.

Versions 1 to 3 have lists: `intents` of `name`, `phrases` and `inputs`, and `inputTypes` of `name` and `values`. Version 4 has objects by
name: `intents` of `phrases` and `entities`, and `entityTypes` of `values`. Of a folder or archive with several languages, one model is read: that which
`--language` names, else that of the manifest (`skill.json`, if it has one locale), else the English one, else the largest.

- Phrases become templates; `{input}` is an open slot (see `headstart.readers.alexa` for the details).
- Where a type is an object with a type for each platform, Alexa's is taken, or else the first.
- Values, with their synonyms and ids, are the catalogs of all slots of the type. Built-in types (`AMAZON.*`, `@sys.*`) are in `slot_types`.
- What is for Alexa alone, under `alexa.interactionModel`, is read too; so is an intent's own `alexa`, whose `name`, `samples` and `slots` take the place of the
  others, as where Jovo makes Alexa's model of it. The same for Dialogflow and other platforms is not.
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
    for slot_type, _ in named_items(platform.get("types"), model, "types"):  # Alexa's own take their place
        model.values.pop(slot_type, None)
    read_language_model(platform, model)
    skill = model.skill(name)
    warn_of_language(file, model.templates)
    return skill


def _read_intents(content: Any, model: Model) -> None:
    samples: list[tuple[str, Any, str]] = []
    for intent, item in named_items(content, model, "intents"):
        own = dict_of(item.get("alexa"))
        name = text_of(own.get("name")) or intent
        if "slots" in own:
            add_slots(model, name, own["slots"])
        else:
            for field in ("inputs", "entities"):
                add_slots(model, name, _with_alexas(item.get(field)), field, _type_of)
        for platform in PLATFORMS[1:]:
            if platform in item:
                model.odd(f"intents whose own {platform!r} is not read", intent)
        field = "phrases" if "phrases" in item else "samples"
        samples.append((name, own["samples"], "samples") if "samples" in own else (name, item.get(field), field))
    for name, texts, field in samples:
        add_samples(model, name, texts, field)


def _with_alexas(slots: Any) -> Any:
    """The slots of an intent, a list or an object by name, with what each says for Alexa in its place."""
    if isinstance(slots, dict):
        named = {name: {**slot, **dict_of(slot.get("alexa"))} if isinstance(slot, dict) else slot for name, slot in slots.items()}
        return {text_of(dict_of(slot).get("name")) or name: slot for name, slot in named.items()}
    if isinstance(slots, list):
        return [{**slot, **dict_of(slot.get("alexa"))} if isinstance(slot, dict) else slot for slot in slots]
    return slots


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
