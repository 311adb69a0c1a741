"""What the readers of Alexa's formats, and of Jovo's, share: the file that is read, and its samples, slots and types."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, cast

from headstart.data.rows import DataError, counted_kind, kind_of
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template, parse_template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.fields import Fields, dict_of, text_of
from headstart.readers.languages import choose_file
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import skill_of_templates
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

NO_INTENT = "HEADSTART.NoIntent"  # rows of this intent have none; Amazon allows the dot in its own names alone
REFERENCE = re.compile(r"\{([^{}]*)\}")


class Model:
    """What is read of a model, piece by piece, and the skill that it is.

    Args:
        file: which holds it.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.where = file.where
        self.invocation: str | None = None
        self.templates: list[Template] = []
        self.values: dict[str, list[CatalogValue]] = {}  # by type
        self.types: dict[str, dict[str, None]] = defaultdict(dict)  # by slot, in order
        self.slots: dict[str, dict[str, None]] = {}  # by intent, in order
        self.oddities = Oddities()
        self._lower_case: dict[str, dict[str, str]] = defaultdict(dict)  # by intent: its first slot of a name in lower case
        self._intent_of: dict[Hashable, str] = {}
        self._samples: Counter[str] = Counter()

    def odd(self, kind: str, example: Any) -> None:
        """Count something that is not as it should be."""
        self.oddities.note(kind, example, Where(self.file))

    def add_type(self, name: str, values: Iterable[CatalogValue]) -> None:
        """Add values of a slot type, with single blanks; blank ones are dropped, and a blank id is none."""
        found = self.values.setdefault(name, [])
        for value in values:
            canonical, *synonyms = (" ".join(form.split()) for form in (value.value, *value.synonyms))
            synonyms = [form for form in synonyms if form]
            if canonical:
                found.append(CatalogValue(canonical, (value.id or "").strip() or None, tuple(synonyms)))
            else:  # they stand for nothing, and so each for itself
                found += [CatalogValue(form) for form in synonyms]

    def add_intent(self, name: str) -> None:
        """Declare an intent."""
        self.slots.setdefault(name, {})

    def add_slot(self, intent: str, name: str, slot_type: str | None) -> None:
        """Declare a slot of an intent, with its type if that is known."""
        self.slots.setdefault(intent, {})[name] = None
        self._lower_case[intent].setdefault(name.lower(), name)
        self.types[name].update({slot_type: None} if slot_type else {})

    def add_sample(self, intent: str, text: str) -> None:
        """Add a sample of an intent whose slots are declared already."""
        self.add_intent(intent)
        template = parse_sample(text, None if intent == NO_INTENT else intent, lambda name: self._label(intent, name))
        if any("{" in part or "}" in part for part in template.parts if isinstance(part, str)):
            self.odd("samples with braces that don't match, which are left out", text)
            return
        if not template.parts:
            self.odd("samples with nothing but braces, which are left out", text)
            return
        self._samples[intent] += 1
        first = self._intent_of.setdefault((template.pattern, tuple(slot.value for slot in template.slots)), intent)
        if first == intent:
            self.templates.append(template)
        else:
            self.odd("samples that another intent has too: the first keeps them", text)

    def _label(self, intent: str, name: str) -> str:
        declared = self.slots[intent]
        if name in declared:
            return name
        name = name.strip()
        if name in declared:
            return name
        if name.lower() in self._lower_case[intent]:
            return self._lower_case[intent][name.lower()]
        self.odd("references to slots that their intents don't declare, which are slots all the same", f"{{{name}}}")
        return name

    def skill(self, name: str) -> Skill:
        """The skill, with what was odd in the log.

        Raises:
            DataError: there is no sample.
        """
        catalogs, slot_types = self._catalogs()
        self._count_silent_intents()
        self.oddities.warn(self.where)
        if not self.templates:
            names = ", ".join(list(self.slots)[:6]) or "none"
            raise DataError(
                f"{self.where}: no intent has a sample (intents: {names}); allowed: at least one sample utterance, such as "
                '"samples": ["order a {size} coffee"].'
            )
        return skill_of_templates(
            name,
            self.templates,
            catalogs=catalogs,
            slot_types=slot_types,
            invocation=self.invocation,
            limits_open=True,
        )

    def _catalogs(self) -> tuple[dict[str, list[CatalogValue]], dict[str, str]]:
        catalogs: dict[str, list[CatalogValue]] = {}
        slot_types: dict[str, str] = {}
        for label, types in self.types.items():
            values = [value for slot_type in types for value in self.values.get(slot_type, [])]
            if values:
                catalogs[label] = values
            for slot_type in types:
                if is_builtin(slot_type):
                    slot_types.setdefault(label, slot_type)
                elif slot_type not in self.values:
                    self.odd("slots of types that are not in the file", f"{label}: {slot_type}")
        return catalogs, slot_types

    def _count_silent_intents(self) -> None:
        silent = [intent for intent in self.slots if not self._samples[intent]]
        own = [intent for intent in silent if not intent.startswith("AMAZON.")]
        for intent in own:
            self.odd("intents of the skill's own without samples, which are left out", intent)
        if len(silent) > len(own):
            left_out = counted_kind(len(silent) - len(own), "built-in intents without samples of their own")
            logger.info("%s: left out %s", self.where, left_out)


def find_models(source: Source, is_model: Callable[[Any], bool]) -> list[SourceFile]:
    """The files of a source that are models.

    Args:
        source: where they are looked for.
        is_model: whether the content of a JSON file is one.

    Raises:
        DataError: the source is one file, which can't be read.
    """
    if source.only is not None:
        return [source.only] if is_model(source.only.json) else []
    return [file for file in source.find(".json") if is_model(file.json_or_none)]


def choose_model(source: Source, models: Sequence[SourceFile], wanted: str) -> SourceFile:
    """The model to read: the file that the path is, or the best one by its language.

    Args:
        source: where they were found.
        models: those that were found.
        wanted: what is found if there is one, for the message that there is none.

    Raises:
        DataError: there is none.
    """
    if not models and source.only is None:
        raise DataError(f"{source.path}: found no {wanted}.")
    return choose_file(models, source, _own_language(source)) if models else source.files[0]


def _own_language(source: Source) -> str | None:
    """The language that the manifest of a skill's package publishes it in, if that is one alone."""
    for file in source.find("skill.json") if source.only is None else ():
        locales = dict_of(
            dict_of(dict_of(dict_of(file.json_or_none).get("manifest")).get("publishingInformation")).get("locales")
        )
        if len(locales) == 1:
            return str(next(iter(locales)))
    return None


def check_intents(content: Fields, where: str, allowed: str) -> None:
    """Raise `DataError` if the content has no intents, in a list or an object by name; `where` says file and field."""
    if not isinstance(content.get("intents"), (list, dict)):
        found = kind_of(content["intents"]) if "intents" in content else "none"
        raise DataError(f"{where}: found {found}; allowed: {allowed}.")


def parse_sample(text: str, intent: str | None, label: Callable[[str], str] = str.strip) -> Template:
    """Cut a sample into text and slots: `{Slot}` is open, `{value|Slot}` has its value, and so has `{word|Slot} {by|Slot} {word|Slot}`.

    Args:
        text: the sample.
        intent: its intent.
        label: the slot label of a name in braces.
    """

    def make_slot(match: re.Match[str]) -> Slot:
        value, _, name = match[1].rpartition("|")
        return Slot(label(name), value)

    template = parse_template(REFERENCE.sub(_without_braces, text), intent, REFERENCE, make_slot)
    return Template(intent, tuple(_join_words(template.parts)))


def _without_braces(match: re.Match[str]) -> str:
    """The reference, or its value alone where it names no slot."""
    value, _, name = match[1].rpartition("|")
    return match[0] if name.strip() else value


def _join_words(parts: Sequence[str | Slot]) -> list[str | Slot]:
    """Parts in which neighbouring values of one slot are one value."""
    joined: list[str | Slot] = []
    number = 0
    while number < len(parts):
        part = parts[number]
        number += 1
        words = [part.value] if isinstance(part, Slot) and part.value is not None else []
        while words and number + 1 < len(parts) and parts[number] == " ":
            following = parts[number + 1]
            if not isinstance(following, Slot) or following.value is None or following.label != cast(Slot, part).label:
                break
            words.append(following.value)
            number += 2
        joined.append(Slot(part.label, " ".join(words)) if isinstance(part, Slot) and words else part)
    return joined


def is_builtin(slot_type: str) -> bool:
    """Whether a slot type is one of the platform's own."""
    return slot_type.startswith(("AMAZON.", "@sys.")) or slot_type == "LITERAL"


def items_of(value: Any, model: Model, field: str) -> list[Any]:
    """What a list holds, or an object as if it were one; nothing, counted, for something else that is not null."""
    if isinstance(value, (list, dict)):
        return list(value.values() if isinstance(value, dict) else value)
    if value is not None:
        model.odd(f"fields {field!r} that are no list, which are left out", value)
    return []


def named_items(value: Any, model: Model, field: str) -> Iterator[tuple[str, Fields]]:
    """The objects of a list, or of an object by name, each with its name; what has none is counted and left out."""
    keys = list(value) if isinstance(value, dict) else None
    for number, item in enumerate(items_of(value, model, field)):
        content = dict_of(item)
        name = text_of(keys[number] if keys else content.get("name")) or text_of(content.get("intent"))
        if name is not None and isinstance(item, dict):
            yield name, content
        else:
            model.odd(f"entries of {field!r} without a name, which are left out", item)


def add_slots(
    model: Model, intent: str, slots: Any, field: str = "slots", type_of: Callable[[Any], str | None] = text_of
) -> None:
    """Declare an intent's slots as they are in a file.

    Args:
        model: what they are added to.
        intent: whose they are.
        slots: what the file has.
        field: where it has them.
        type_of: the name of a slot's type, by what its field `type` holds.
    """
    model.add_intent(intent)
    for slot, item in named_items(slots, model, field):
        slot_type = type_of(item.get("type"))
        if slot_type is None:
            model.odd("slots without a type", slot)
        model.add_slot(intent, slot, slot_type)


def add_samples(model: Model, intent: str, samples: Any, field: str = "samples") -> None:
    """Add an intent's samples as they are in a file."""
    model.add_intent(intent)
    for sample in [samples] if isinstance(samples, str) else items_of(samples, model, field):
        text = text_of(sample)
        if text is not None:
            model.add_sample(intent, text)
        else:
            model.odd(f"entries of {field!r} that are blank or no text, which are left out", sample)


def add_values(model: Model, name: str, values: Any) -> None:
    """Add a type's values as they are in a file: objects, with or without an id and synonyms, or plain text."""
    found: list[CatalogValue] = []
    for item in items_of(values, model, "values"):
        content = dict_of(item)
        # Alexa has {"id", "name": {"value", "synonyms"}}, Jovo {"id", "value", "synonyms"}.
        entry = content["name"] if isinstance(content.get("name"), dict) else content or item
        canonical = entry.get("value", entry.get("name")) if isinstance(entry, dict) else entry
        synonyms = entry.get("synonyms") if isinstance(entry, dict) else None
        synonyms = [synonyms] if isinstance(synonyms, str) else items_of(synonyms, model, "synonyms")
        for value in (canonical, *synonyms):
            if not _is_text(value):
                model.odd("values of types that are no text, which are left out", value)
        id = content.get("id")
        found.append(
            CatalogValue(
                str(canonical) if _is_text(canonical) else "",
                str(id) if _is_text(id) else None,
                tuple(str(form) for form in synonyms if _is_text(form)),
            )
        )
    model.add_type(name, found)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool))


__all__ = [
    "NO_INTENT",
    "Model",
    "add_samples",
    "add_slots",
    "add_values",
    "check_intents",
    "choose_model",
    "find_models",
    "is_builtin",
    "items_of",
    "named_items",
    "parse_sample",
]
