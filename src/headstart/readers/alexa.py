"""Interaction models of Alexa skills (ASK), as JSON.

Such files are `skill-package/interactionModels/custom/en-US.json`, `models/en-US.json`, or any other that the developer console or the
command line of ASK writes: `interactionModel.languageModel.intents`, with either wrapper missing, with all in a list, or the bare
`intents` and `types` of the first builder. Old schemas call an intent's name `intent`; they are read here if they hold samples (see
`headstart.readers.alexa_text` for those that don't). Of a folder or archive with several languages, one model is read: that which
`--language` names, else that of the manifest (`skill.json`, if it has one locale), else the English one, else the largest.

- Samples become templates. `{Slot}` is open, `{value|Slot}` has its value (after the last bar is the slot), and neighbouring values of
  the same slot are one value given word by word. A name in braces is looked up among the intent's slots, exactly and then without
  case; one that is not declared is a slot all the same. Of braces without a slot's name the text is kept;
  a sample with braces that don't match is left out.
- The same sample twice in an intent is read once; of two intents that have it, in whatever case, the first keeps it.
- Values of types, with their synonyms and ids, are the catalogs of all slots of the type, used or not. Built-in types (`AMAZON.*`, `LITERAL`) are in
  `slot_types`; one that the file extends by values gives both.
- Built-in intents are read if they have samples of their own.
- The intent `HEADSTART.NoIntent`, as `headstart.writers.alexa` writes it, stands for rows without an intent.

Not read: the dialog model (slots' own samples, prompts, validations), sensitivity, and catalogs kept elsewhere.
"""

from __future__ import annotations

from typing import Any

from headstart.data.skills import Skill
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
from headstart.readers.fields import Fields, dict_of, objects_of, text_of
from headstart.readers.languages import warn_of_language
from headstart.readers.source import Source

NAME = "alexa"
SUFFIXES: tuple[str, ...] = (".json",)
WRAPPERS = ("interactionModel", "languageModel")
# What other formats with intents have beside or inside them.
FOREIGN = ("luis_schema_version", "service_name", "rasa_nlu_data", "inputTypes", "entityTypes", "projectFileVersion")


def detect(source: Source) -> bool:
    """Whether the file, or one of the folder's, is an interaction model.

    Raises:
        DataError: the file can't be read.
    """
    return bool(find_models(source, is_model))


def is_model(content: Any) -> bool:
    """Whether this is an interaction model: wrapped as one, or with samples in its intents."""
    language_model, wrappers = unwrap(content)
    intents = language_model.get("intents")
    if wrappers:
        return isinstance(intents, (list, dict))
    if any(field in language_model for field in FOREIGN):
        return False
    return any(
        (text_of(intent.get("name")) or text_of(intent.get("intent"))) and isinstance(intent.get("samples"), (list, str))
        for intent in objects_of(intents)
    )


def unwrap(content: Any) -> tuple[Fields, int]:
    """The object that should hold the intents, and how many wrappers were around it; an empty one if there is none."""
    if isinstance(content, list):
        content = content[0] if content else None
    model, wrappers = dict_of(content), 0
    for wrapper in WRAPPERS:
        if isinstance(model.get(wrapper), dict):
            model, wrappers = model[wrapper], wrappers + 1
    return model, wrappers


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: there is no interaction model, or no sample in it.
    """
    wanted = "interaction model; allowed: a JSON file with interactionModel.languageModel.intents"
    file = choose_model(source, find_models(source, is_model), wanted)
    content, wrappers = unwrap(file.json)
    field = ".".join([*WRAPPERS[2 - wrappers :], "intents"])
    check_intents(content, f"{file.where}, field {field!r}", "a list of intents with name, slots and samples")
    model = read_language_model(content, Model(file))
    skill = model.skill(name)
    warn_of_language(file, model.templates)
    return skill


def read_language_model(content: Fields, model: Model) -> Model:
    """Read invocation name, types and intents into a model."""
    invocation = text_of(content.get("invocationName")) or text_of(content.get("invocation"))
    model.invocation = " ".join(invocation.split()) if invocation else model.invocation
    for slot_type, item in named_items(content.get("types"), model, "types"):
        if "valueSupplier" in item and not item.get("values"):
            model.odd("types whose values are in a catalog outside of the file", slot_type)
        add_values(model, slot_type, item.get("values"))
    intents = list(named_items(content.get("intents"), model, "intents"))
    for intent, item in intents:
        add_slots(model, intent, item.get("slots"))
    for intent, item in intents:
        add_samples(model, intent, item.get("samples"))
    return model


__all__ = ["NAME", "SUFFIXES", "detect", "is_model", "read", "read_language_model", "unwrap"]
