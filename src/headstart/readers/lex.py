"""Bots of Amazon Lex: exports of V1 (a JSON file, or its zip archive) and of V2 (a folder or zip archive), and the samples and types of either.

V1: `{"resource": {"intents": [{"name", "sampleUtterances": ["a {size} tea"], "slots": [{"name", "slotType"}]}], "slotTypes": [{"name",
"enumerationValues": [{"value", "synonyms"}], "valueSelectionStrategy"}]}}`; the export of one intent has it as its `resource`.

V2: `BotLocales/LOCALE/Intents/NAME/Intent.json` with `sampleUtterances: [{"utterance"}]`, `.../Intents/NAME/Slots/NAME/Slot.json` with `slotTypeName`, and
`BotLocales/LOCALE/SlotTypes/NAME/SlotType.json` with `slotTypeValues: [{"sampleValue": {"value"}, "synonyms": [{"value"}]}]`.

- Samples become templates; `{Slot}` is an open slot, whose name is looked up among the intent's, exactly and then without case. `{Slot.Part}` is a part of
  a composite slot, with a label of its own.
- Values and their synonyms are the catalogs of all slots of the type; both are said, whether a type restricts its slots to them (resolution strategy
  `TOP_RESOLUTION`) or takes them for examples (`ORIGINAL_VALUE`). `AMAZON.*` types are slot types; one that a type extends gives both.
- Intents without samples are left out: Lex's own (`AMAZON.*`, by `parentIntentSignature`) quietly, others counted.
- One locale is read: see `--language`.

Not read are the samples of slots (what users answer when asked for one), prompts, types of regular expressions and grammars, and custom vocabularies.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.alexa_parts import Model, is_builtin
from headstart.readers.fields import Fields, dict_of, list_of, objects_of, text_of
from headstart.readers.languages import choose_locale
from headstart.readers.source import Source, SourceFile

NAME = "lex"
SUFFIXES: tuple[str, ...] = (".json",)
V2_FILE = re.compile(
    r"(?:.*/)?BotLocales/(?P<locale>[^/]+)/"
    r"(?:Intents/(?P<intent>[^/]+)/(?:Intent|Slots/(?P<slot>[^/]+)/Slot)|SlotTypes/(?P<type>[^/]+)/SlotType)\.json"
)


def detect(source: Source) -> bool:
    """Whether there are intents of a locale as V2 has them, or a resource with sample utterances as V1 has it."""
    if any(match["intent"] and not match["slot"] for match in _v2_files(source).values()):
        return True
    return any(
        _v1_intents(file.json_or_none) for file in source.candidates(".json") if "sampleUtterances" in (file.text_or_none or "")
    )


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: there is no bot, nothing in the wanted locale, or no sample.
    """
    v2 = _v2_files(source)
    if v2:
        return _read_v2(source, v2).skill(name)
    files = [file for file in source.candidates(".json") if _v1_intents(file.json_or_none)]
    if not files:
        raise DataError(
            f"{source.path}: found no bot of Lex; allowed: BotLocales/LOCALE/Intents/NAME/Intent.json (V2), or an object with "
            "resource.intents[].sampleUtterances (V1)."
        )
    return _read_v1(source, files).skill(name)


def _v2_files(source: Source) -> dict[str, re.Match[str]]:
    matches = ((file.name, V2_FILE.fullmatch(file.name)) for file in source.files)
    return {name: match for name, match in matches if match is not None}


def _read_v2(source: Source, found: dict[str, re.Match[str]]) -> Model:
    counts = Counter(match["locale"] for match in found.values() if match["intent"] and not match["slot"])
    if not counts:
        raise DataError(f"{source.path}: found no intent of Lex; allowed: BotLocales/LOCALE/Intents/NAME/Intent.json.")
    locale = choose_locale(counts, source)
    files = {file.name: file for file in source.files}
    ours = {name: match for name, match in found.items() if match["locale"] == locale}
    first = next(name for name, match in ours.items() if match["intent"])
    model = Model(files[first])
    model.where = str(source.path)
    intents: list[tuple[SourceFile, str, Fields]] = []
    slots: dict[str, list[Fields]] = defaultdict(list)
    parents: dict[str, str] = {}
    for name, match in ours.items():
        content = dict_of(files[name].json)
        model.file = files[name]
        if match["type"]:
            _add_type(text_of(content.get("name")) or match["type"], content, parents, model)
        elif match["slot"]:
            slots[match["intent"]].append({"name": match["slot"], **content})
        else:
            intents.append((files[name], match["intent"], {"name": match["intent"], **content}))
    for file, folder, content in intents:
        model.file = file
        _add_intent(content, slots[folder], parents, model)
    return model


def _read_v1(source: Source, files: list[SourceFile]) -> Model:
    locales = {file.name: text_of(_resource(file.json).get("locale")) or "en-US" for file in files}
    locale = choose_locale(Counter(locales.values()), source)
    model = Model(next(file for file in files if locales[file.name] == locale))
    if source.only is None:
        model.where = str(source.path)
    parents: dict[str, str] = {}
    for file in files:
        if locales[file.name] == locale:
            model.file = file
            for slot_type in objects_of(_resource(file.json).get("slotTypes")):
                if text_of(slot_type.get("name")) is not None:
                    _add_type(slot_type["name"], slot_type, parents, model)
            for intent in _v1_intents(file.json):
                _add_intent(intent, objects_of(intent.get("slots")), parents, model)
    return model


def _resource(content: Any) -> Fields:
    fields = dict_of(content)
    return dict_of(fields["resource"]) if isinstance(fields.get("resource"), dict) else fields


def _v1_intents(content: Any) -> list[Fields]:
    """The intents of a file, of which one has samples."""
    resource = _resource(content)
    found = [
        intent for intent in (*objects_of(resource.get("intents")), resource) if isinstance(intent.get("sampleUtterances"), list)
    ]
    return (
        [intent for intent in found if text_of(intent.get("name")) is not None]
        if any(isinstance(sample, str) for intent in found for sample in intent["sampleUtterances"])
        else []
    )


def _add_type(name: str, content: Fields, parents: dict[str, str], model: Model) -> None:
    """Add a type's values, and note which type it extends."""
    values: list[CatalogValue] = []
    for item in [*list_of(content.get("slotTypeValues")), *list_of(content.get("enumerationValues"))]:
        fields = dict_of(item)
        value, *synonyms = (
            _value(form) for form in (fields.get("sampleValue", fields.get("value")), *list_of(fields.get("synonyms")))
        )
        if value is None or None in synonyms:
            model.odd("values of types that are no text, which are left out", item)
        values.append(CatalogValue(value or "", None, tuple(filter(None, synonyms))))
    parent = text_of(content.get("parentSlotTypeSignature"))
    if parent is not None and is_builtin(parent):
        parents[name] = parent
    elif not values:
        model.odd("types without values, such as those that a grammar makes", name)
    model.add_type(name, values)


def _value(item: Any) -> str | None:
    return text_of(dict_of(item).get("value")) if isinstance(item, dict) else text_of(item)


def _add_intent(intent: Fields, slots: list[Fields], parents: dict[str, str], model: Model) -> None:
    name = text_of(intent.get("name")) or ""
    parent = text_of(intent.get("parentIntentSignature")) or ""
    samples = list_of(intent.get("sampleUtterances"))
    if parent.startswith("AMAZON.") and not samples:
        return
    model.add_intent(name)
    for slot in slots:
        label = text_of(slot.get("name"))
        if label is None:
            model.odd("slots without a name, which are left out", slot)
        else:
            slot_type = text_of(slot.get("slotTypeName")) or text_of(slot.get("slotType"))
            for each in (slot_type, parents.get(slot_type or "")):
                if each is not None:
                    model.add_slot(name, label, each)
    for sample in samples:
        text = text_of(dict_of(sample).get("utterance")) if isinstance(sample, dict) else text_of(sample)
        if text is None:
            model.odd("samples that are blank or no text, which are left out", sample)
        else:
            model.add_sample(name, text)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
