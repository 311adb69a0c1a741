"""A skill as the interaction model of an Alexa skill (ASK), in JSON.

A skill of templates with open slots is written as these, with `{Slot}`; any other as its training rows, with `{value|Slot}`.
`headstart.readers.alexa` reads the same rows (templates) and catalogs from it, up to white space and what the format can't express. The
latter is counted in a warning, and is:

- a row without an intent: it is written in the intent `HEADSTART.NoIntent`, which the reader takes back, and Amazon refuses;
- a row whose slots are not annotated: it is written, and read, as one without slots;
- braces in a text become parentheses, as do those in a value that would be read otherwise. In slot labels braces and bars become `_`;
- values of the same slot next to each other: they are read as one;
- the same text in several intents, in whatever case, or with several annotations in one intent: all are written, the first is read;
- a catalog for one slot of a built-in type, where another slot of the type has a different one: the slot gets a type of its own;
- built-in types of other platforms: Alexa's takes their place where there is one, or else a type of the slot's own;
- blank and repeated values, and catalogs without values: they are left out;
- canonical values that nobody says: they are values like others, which Alexa finds in texts;
- validation and test rows: they are not written.

Amazon's builder is stricter than the format. Names with other characters than letters and `_`, samples with digits or other signs than
`'`, `-` and `.`, and types without values (of slots that have no catalog) are written as they are, and counted.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

from headstart.data.skills import PARTS, Skill
from headstart.data.templates import Slot, Template, row_template
from headstart.modeling.catalog_headstart import CatalogValue, Listed
from headstart.readers.alexa_parts import NO_INTENT, parse_sample
from headstart.readers.oddities import Oddities
from headstart.readers.parts import join_text, trimmed_slot
from headstart.saving import write_file

NAME = "alexa"
SUFFIXES: tuple[str, ...] = (".json",)
ROUND = str.maketrans("{}", "()")
PLAIN = str.maketrans("{}|", "___")
ALLOWED_NAME = re.compile(r"(?:AMAZON\.)?[A-Za-z_]+")
SPOKEN = re.compile(r"[^\W\d_]|[\s'.-]|[\u0300-\u036f\u0900-\u097f]")
# What other platforms call the types that Alexa has: by the last part of their names, without signs and in lower case.
BUILT_IN_TYPES = {
    "age": "NUMBER",
    "cardinal": "NUMBER",
    "city": "City",
    "color": "Color",
    "date": "DATE",
    "dimension": "NUMBER",
    "duration": "DURATION",
    "geocity": "City",
    "geocountry": "Country",
    "givenname": "FirstName",
    "musicartist": "Artist",
    "musicgenre": "Genre",
    "number": "NUMBER",
    "numberinteger": "NUMBER",
    "ordinal": "Ordinal",
    "percentage": "NUMBER",
    "person": "Person",
    "personname": "Person",
    "phonenumber": "PhoneNumber",
    "time": "TIME",
}


# What the file holds, from the inside out.


class _Name(TypedDict):
    value: str
    synonyms: NotRequired[list[str]]


class _Value(TypedDict):
    id: NotRequired[str]
    name: _Name


class _Type(TypedDict):
    name: str
    values: list[_Value]


class _Slot(TypedDict):
    name: str
    type: str


class _Intent(TypedDict):
    name: str
    slots: list[_Slot]
    samples: list[str]


class _LanguageModel(TypedDict):
    invocationName: str
    intents: list[_Intent]
    types: list[_Type]


def write(skill: Skill, path: Path) -> None:
    """Write a skill's templates or training rows, and its catalogs; what the format can't express is counted in warnings.

    Args:
        skill: what to write.
        path: the JSON file; one that is there is replaced.

    Raises:
        OSError: the file can't be written.
    """
    changes = Oddities()
    is_open = any(template.is_open for template in skill.templates)
    templates = skill.templates if is_open else [row_template(row) for row in skill.rows("train")]
    samples, labels = _samples(templates, changes)
    first_intent = next(iter(samples))
    unused = dict.fromkeys(_plain(label) for label in [*skill.catalogs, *skill.slot_types])
    labels[first_intent].update({label: None for label in unused if not any(label in used for used in labels.values())})
    type_of, types = _types(labels, skill, changes)
    intents: list[_Intent] = [
        {"name": intent, "slots": [{"name": label, "type": type_of[label]} for label in labels[intent]], "samples": list(lines)}
        for intent, lines in samples.items()
    ]
    for part in PARTS[1:]:
        for row in skill.rows(part):
            changes.note("validation and test rows are not written", row["text"])
    for name in dict.fromkeys([*samples, *(label for used in labels.values() for label in used)]):
        if not ALLOWED_NAME.fullmatch(name):
            changes.note("names have characters that Amazon refuses", name)
    _write(Path(path), {"invocationName": skill.invocation or _spoken_name(skill.name), "intents": intents, "types": types})
    changes.warn(path)


def _write(path: Path, model: _LanguageModel) -> None:
    content = {"interactionModel": {"languageModel": model}}
    write_file(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _spoken_name(name: str) -> str:
    return " ".join(re.findall(r"[^\W\d_]+", name)).lower() or "skill"


def _plain(label: str) -> str:
    return label.translate(PLAIN)


def _samples(templates: Sequence[Template], changes: Oddities) -> tuple[dict[str, dict[str, None]], dict[str, dict[str, None]]]:
    """The distinct samples and the slot labels of each intent, in order."""
    samples: dict[str, dict[str, None]] = defaultdict(dict)
    labels: dict[str, dict[str, None]] = defaultdict(dict)
    written: dict[str, str] = {}
    texts: dict[tuple[str, str], str] = {}
    for template in templates:
        intent = NO_INTENT if template.intent is None else template.intent
        sample, parts = _sample(template, changes)
        if sample in samples[intent]:
            continue
        samples[intent][sample] = None
        labels[intent].update({part.label: None for part in parts if isinstance(part, Slot)})
        if template.intent is None:
            changes.note(f"samples have no intent and are in {NO_INTENT}", sample)
        if not template.has_slots:
            changes.note("samples have no annotated slots and are written as if they had none", sample)
        if not all(isinstance(part, Slot) or all(map(SPOKEN.fullmatch, part)) for part in parts):
            changes.note("samples have characters that Amazon refuses", sample)
        read_as = Template(None, tuple(parts)).pattern + str([part.value for part in parts if isinstance(part, Slot)])
        text = "".join(part if isinstance(part, str) else part.value or f"{{{part.label}}}" for part in parts)
        if written.get(read_as, intent) != intent or (text, intent) in texts:
            changes.note("samples are there before, in another intent or with other slots, and will not be read", sample)
        written.setdefault(read_as, intent)
        texts.setdefault((text, intent), sample)
    return samples, labels


def _sample(template: Template, changes: Oddities) -> tuple[str, list[str | Slot]]:
    """The sample, and the parts that it stands for."""
    for slot in template.slots:
        if _plain(slot.label) != slot.label:
            changes.note("slots have labels with braces or bars, which become '_'", slot.label)
    parts = _trimmed(template.parts)
    sample = _join(parts)
    has_braces = any(isinstance(part, str) and part.translate(ROUND) != part for part in parts)
    if has_braces or (list(parse_sample(sample, None, str).parts) != parts and sample.translate(ROUND) != sample):
        rounded: list[str | Slot] = [
            part.translate(ROUND) if isinstance(part, str) else Slot(part.label, part.value and part.value.translate(ROUND))
            for part in parts
        ]
        if rounded != parts:
            changes.note("samples have braces, which become parentheses", sample)
        parts, sample = rounded, _join(rounded)
    if list(parse_sample(sample, None, str).parts) != parts:
        changes.note("samples have values of one slot next to each other, which will be read as one", sample)
    return sample, parts


def _join(parts: Iterable[str | Slot]) -> str:
    return "".join(
        part if isinstance(part, str) else f"{{{part.label}}}" if part.value is None else f"{{{part.value}|{part.label}}}"
        for part in parts
    )


def _trimmed(parts: Iterable[str | Slot]) -> list[str | Slot]:
    """The parts with single blanks, those at the ends of values in the text beside, and one piece of text between slots."""
    pieces: list[str | Slot] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        elif part.value is None:
            pieces.append(Slot(_plain(part.label)))
        elif part.value.strip():
            pieces += trimmed_slot(_plain(part.label), part.value)
        else:  # a blank is text
            pieces.append(part.value)
    return join_text(pieces)


def _types(labels: dict[str, dict[str, None]], skill: Skill, changes: Oddities) -> tuple[dict[str, str], list[_Type]]:
    """The type of each label, and the types with their values."""
    catalogs = {_plain(label): _distinct(label, skill.listed(label), changes) for label in skill.catalogs}
    built_in = {_plain(label): _amazon_type(name, changes) for label, name in skill.slot_types.items()}
    by_type: dict[str, list[str]] = defaultdict(list)
    used = dict.fromkeys(label for declared in labels.values() for label in declared)
    for label in used:
        if built_in.get(label):
            by_type[built_in[label] or ""].append(label)
    type_of: dict[str, str] = {}
    values: dict[str, list[CatalogValue]] = {}
    for slot_type, group in by_type.items():
        shared = catalogs.get(group[0], [])
        is_shared = all(catalogs.get(label, []) == shared for label in group)
        type_of.update({label: slot_type for label in group if is_shared or not catalogs.get(label)})
        values.update({slot_type: shared} if is_shared and shared else {})
    for label in used:
        if label not in type_of:
            if built_in.get(label):
                changes.note("slots have another catalog than others of their built-in type, and get a type of their own", label)
            type_of[label] = f"Type_{label}" if label.startswith("AMAZON.") or label == "LITERAL" else label
            values[type_of[label]] = catalogs.get(label, [])
            if not catalogs.get(label):
                changes.note("slots have no catalog: Amazon wants values in their types", label)
    types: list[_Type] = [{"name": name, "values": [*map(_value, listed)]} for name, listed in values.items()]
    return type_of, types


def _value(value: CatalogValue) -> _Value:
    written: _Value = {"name": {"value": value.value}} if value.id is None else {"id": value.id, "name": {"value": value.value}}
    if value.synonyms:
        written["name"]["synonyms"] = [*value.synonyms]
    return written


def _distinct(label: str, listed: Listed, changes: Oddities) -> list[CatalogValue]:
    found: dict[CatalogValue, None] = {}
    for listed_value in listed:
        value = CatalogValue(listed_value) if isinstance(listed_value, str) else listed_value
        if not value.is_said:
            changes.note(
                "canonical values that nobody says are written, and Alexa finds them in texts", f"{value.value} of {label}"
            )
        text, *synonyms = (" ".join(form.split()) for form in (value.value, *value.synonyms))
        written = CatalogValue(text, value.id, tuple(form for form in dict.fromkeys(synonyms) if form != text))
        if not text or written in found:
            changes.note("values are blank or repeated and are left out", f"{text} of {label}")
        else:
            found[written] = None
    return list(found)


def _amazon_type(name: str, changes: Oddities) -> str | None:
    """The built-in type of Alexa for one of any platform, if there is one."""
    if name.startswith("AMAZON.") or name == "LITERAL":
        return name
    last = re.split(r"[./:]", name)[-1]
    found = BUILT_IN_TYPES.get(re.sub(r"[^a-z]", "", last.lower()))
    changes.note("built-in types are another platform's: Alexa's take their place where there are such", name)
    return f"AMAZON.{found}" if found else None


__all__ = ["NAME", "SUFFIXES", "write"]
