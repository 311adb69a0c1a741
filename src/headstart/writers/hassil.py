"""A skill as sentences of hassil, such as Home Assistant's custom sentences: one YAML file.

Samples have open slots; a skill of rows is written as the templates that these stand for, and the values in them become values of lists. `headstart.readers.hassil` reads the same
templates, catalogs and synonyms from it. What is not the same is counted in a warning:

- slot labels with braces, angle brackets, bars or colons, which become `_`;
- samples without an intent, which are in `NoIntent`, and such without annotated slots; samples that differ by the values of their slots alone, which become one;
- slots with a built-in type: numbers without a catalog become a range from 0 to 100, all others without values a wildcard;
- ids of values, the invocation, and validation and test rows, which are not written.

Signs that mean something in a sentence are written with a backslash.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from headstart.data.skills import Skill
from headstart.data.templates import Slot
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.oddities import Oddities
from headstart.saving import write_file
from headstart.writers.open_samples import note_unwritten, open_templates, values_of_slots

NAME = "hassil"
SUFFIXES: tuple[str, ...] = ()  # .yaml is Rasa's, unless --format says otherwise
SIGNS = re.compile(r"([()\[\]{}<>|;\\])")
PLAIN = str.maketrans("{}<>|:;()[]\\", "_" * 12)
NUMBERS = ("number", "numberinteger", "cardinal", "percentage", "age")


class _Quoted(str):
    """Text that YAML shows in double quotes: it makes truth values of words such as `on`."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes as Home Assistant's intents are written."""


_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def write(skill: Skill, path: Path) -> None:
    """Write a skill's templates or training rows, and its catalogs.

    Args:
        skill: what to write.
        path: the YAML file; one that is there is replaced.

    Raises:
        OSError: it can't be written.
    """
    changes = Oddities()

    def label(text: str) -> str:
        plain = text.translate(PLAIN)
        if plain != text:
            changes.note("slots have labels with signs, which become '_'", text)
        return plain

    samples = open_templates(skill, label, changes)
    values = values_of_slots(skill, label)
    kinds = {label(name): kind for name, kind in skill.slot_types.items()}
    intents = {
        _Quoted(intent): {"data": [{"sentences": [_Quoted(_sentence(parts)) for parts in templates if parts]}]}
        for intent, templates in samples.items()
    }
    used = {part.label for templates in samples.values() for parts in templates for part in parts if isinstance(part, Slot)}
    lists = {
        _Quoted(name): _list(name, values.get(name, []), kinds.get(name), changes) for name in [*values, *(used - values.keys())]
    }
    note_unwritten(skill, changes)
    content: dict[str, object] = {"language": "en", "intents": intents, "lists": lists}
    write_file(Path(path), yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20))
    changes.warn(path)


def _escaped(text: str) -> str:
    return SIGNS.sub(r"\\\1", text)


def _sentence(parts: tuple[str | Slot, ...]) -> str:
    return "".join(f"{{{part.label}}}" if isinstance(part, Slot) else _escaped(part) for part in parts)


def _list(name: str, values: list[CatalogValue], kind: str | None, changes: Oddities) -> dict[str, object]:
    if values:
        if kind is not None:
            changes.note("slots have values and a built-in type, which is not written", name)
        return {"values": [entry for value in values for entry in _entries(value)]}
    if kind is not None and re.sub(r"[^a-z]", "", re.split(r"[./:]", kind)[-1].lower()) in NUMBERS:
        changes.note("numbers become ranges from 0 to 100", name)
        return {"range": {"from": 0, "to": 100}}
    changes.note("slots without values become wildcards", name)
    return {"wildcard": True}


def _entries(value: CatalogValue) -> list[Any]:
    if value.is_plain:
        return [_Quoted(_escaped(value.value))]
    return [{"in": _Quoted(_escaped(form)), "out": _Quoted(value.value)} for form in value.forms]


__all__ = ["NAME", "SUFFIXES", "write"]
