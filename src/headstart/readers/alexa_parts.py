"""What the readers of Alexa's formats, and of Jovo's, share: samples, slots and types, and the choice of a language."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from headstart.data.rows import DataError, shorten
from headstart.data.skills import Skill, make_skill
from headstart.data.templates import MAX_UTTERANCES, Slot, Template, parse_template
from headstart.readers.fields import dict_of, text_of
from headstart.readers.source import SourceFile

logger = logging.getLogger(__name__)

NO_INTENT = "HEADSTART.NoIntent"  # rows of this intent have none; Amazon allows the dot in its own names alone
REFERENCE = re.compile(r"\{([^{}]*)\}")
COUNTRIES = "ae|at|au|be|br|ca|ch|de|es|fr|gb|in|it|jp|mx|nl|pt|sa|uk|us"
LOCALE = re.compile(rf"(?<![a-z])(ar|de|en|es|fr|hi|it|ja|nl|pt)(?:[-_]({COUNTRIES}))?(?![a-z])", re.IGNORECASE)

# Words that are frequent in one language and rare in the others: me, in, a, do, was and the like are words of several.
ENGLISH = re.compile(r"\b(?:the|my|what|is|for|of|to|how|tell|give|you|it|and|please|show|about|start|with|want|can|open)\b")
OTHERS = re.compile(
    r"\b(?:der|das|ich|und|ein|eine|mir|bitte|wie|ist|nicht|den|dem|zum|von|mit|auf|für|kann"  # German
    r"|le|la|les|un|une|des|du|je|que|moi|est|pour|donne|quel|quelle|avec|dans|mon"  # French
    r"|el|los|una|por|qué|cual|cuál|es|para|dime|quiero|del|mi|como|cómo"  # Spanish
    r"|il|di|che|uno|è|della|dimmi|voglio|mio|mia|quale|sono|ho|gli"  # Italian
    r"|os|um|uma|não|quero|meu|minha|qual|da|dos|eu|em"  # Portuguese
    r"|het|een|ik|mijn|wat|voor|van|niet)\b"  # Dutch
)


class Model:
    """What is read of a model, piece by piece, and the skill that it is.

    Args:
        where: what messages call the model.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.invocation: str | None = None
        self.templates: list[Template] = []
        self.values: dict[str, list[str]] = {}  # by type
        self.types: dict[str, dict[str, None]] = defaultdict(dict)  # by slot, in order
        self.slots: dict[str, dict[str, None]] = {}  # by intent, in order
        self.oddities: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._intent_of: dict[str, str] = {}
        self._samples: Counter[str] = Counter()

    def odd(self, kind: str, example: Any) -> None:
        """Count something that is not as it should be."""
        if not self.oddities[kind]:
            self.examples[kind] = shorten(example)
        self.oddities[kind] += 1

    def add_type(self, name: str, values: Iterable[str]) -> None:
        """Add values of a slot type; blank ones, and those that are there, are dropped."""
        known = dict.fromkeys(self.values.get(name, []))
        known.update(dict.fromkeys(value for value in (" ".join(value.split()) for value in values) if value))
        self.values[name] = list(known)

    def add_intent(self, name: str) -> None:
        """Declare an intent."""
        self.slots.setdefault(name, {})

    def add_slot(self, intent: str, name: str, slot_type: str | None) -> None:
        """Declare a slot of an intent, with its type if that is known."""
        self.slots.setdefault(intent, {})[name] = None
        self.types[name].update({slot_type: None} if slot_type else {})

    def add_sample(self, intent: str, text: str) -> None:
        """Add a sample of an intent whose slots are declared already."""
        self.add_intent(intent)
        template = parse_sample(text, None if intent == NO_INTENT else intent, lambda name: self._label(intent, name))
        if any("{" in part or "}" in part for part in template.parts if isinstance(part, str)):
            self.odd("samples with braces that don't match, which are kept as they are", text)
        if not template.parts:
            self.odd("samples with nothing but braces, which are left out", text)
            return
        self._samples[intent] += 1
        first = self._intent_of.setdefault(template.pattern + str([slot.value for slot in template.slots]), intent)
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
        for label in declared:
            if label.lower() == name.lower():
                return label
        self.odd("references to slots that their intents don't declare, which are slots all the same", f"{{{name}}}")
        return name

    def skill(self, name: str) -> Skill:
        """The skill, with what was odd in the log.

        Raises:
            DataError: there is no sample.
        """
        catalogs, slot_types = self._catalogs()
        self._count_silent_intents()
        for kind, count in self.oddities.items():
            logger.warning("%s: %d %s, such as %s", self.where, count, kind, self.examples[kind])
        if not self.templates:
            names = ", ".join(list(self.slots)[:6]) or "none"
            raise DataError(
                f"{self.where}: no intent has a sample (intents: {names}); allowed: at least one sample utterance, such as "
                '"samples": ["order a {size} coffee"].'
            )
        is_open = any(slot.value is None for template in self.templates for slot in template.slots)
        # The limit is for rows made of samples with open slots; a model without any is rows already.
        limit = MAX_UTTERANCES if is_open else max(MAX_UTTERANCES, len(self.templates))
        return make_skill(
            name,
            self.templates,
            catalogs=catalogs,
            slot_types=slot_types,
            invocation=self.invocation,
            max_utterances=limit,
        )

    def _catalogs(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        catalogs: dict[str, list[str]] = {}
        slot_types: dict[str, str] = {}
        for label, types in self.types.items():
            values = dict.fromkeys(value for slot_type in types for value in self.values.get(slot_type, []))
            if values:
                catalogs[label] = list(values)
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
            logger.info("%s: %d built-in intents without samples of their own are left out", self.where, len(silent) - len(own))


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
    for part in parts:
        before = joined[-2:]
        if isinstance(part, Slot) and part.value is not None and len(before) == 2 and before[1] == " ":
            first = before[0]
            if isinstance(first, Slot) and first.label == part.label and first.value is not None:
                joined[-2:] = [Slot(part.label, f"{first.value} {part.value}")]
                continue
        joined.append(part)
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


def named_items(value: Any, model: Model, field: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a list, or of an object by name, each with its name; what has none is counted and left out."""
    keys = list(value) if isinstance(value, dict) else None
    for number, item in enumerate(items_of(value, model, field)):
        content = dict_of(item)
        name = text_of(keys[number] if keys else content.get("name")) or text_of(content.get("intent"))
        if name is not None and isinstance(item, dict):
            yield name, content
        else:
            model.odd(f"entries of {field!r} without a name, which are left out", item)


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
    """Add a type's values as they are in a file: objects, with or without synonyms, or plain text."""
    found: list[str] = []
    for item in items_of(values, model, "values"):
        content = dict_of(item)
        # Alexa has {"name": {"value", "synonyms"}}, Jovo {"value", "synonyms"}.
        entry = content["name"] if isinstance(content.get("name"), dict) else content or item
        names = [entry.get("value", entry.get("name"))] if isinstance(entry, dict) else [entry]
        synonyms = entry.get("synonyms") if isinstance(entry, dict) else None
        names += [synonyms] if isinstance(synonyms, str) else items_of(synonyms, model, "synonyms")
        for value in names:
            if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
                found.append(str(value))
            else:
                model.odd("values of types that are no text, which are left out", value)
    model.add_type(name, found)


def locale_of(name: str) -> str | None:
    """The language, and the country where there is one, that a file's name or else a folder's says, such as `en-US`; None without.

    Args:
        name: path with `/`.
    """
    steps = PurePosixPath(name).parts
    for number, step in enumerate(reversed(steps)):
        for match in reversed(list(LOCALE.finditer(step))):
            # A language alone can be part of any name (de-luxe), unless it is all of one.
            if match[2]:
                return f"{match[1].lower()}-{match[2].upper()}"
            if match[0] == (PurePosixPath(step).stem if number == 0 else step):
                return match[1].lower()
    return None


def choose_language(files: Sequence[SourceFile], where: str) -> SourceFile:
    """Of the same skill's models in several languages the one to read: American English, other English, one that names no language.

    Args:
        files: at least one.
        where: what messages call the folder.
    """

    def rank(file: SourceFile) -> tuple[int, int, str]:
        locale = locale_of(file.name)
        known = 0 if locale == "en-US" else 1 if (locale or "").startswith("en") else 2 if locale is None else 3
        return known, file.name.count("/"), file.name

    chosen = min(files, key=rank)
    if len(files) > 1:
        others = ", ".join(file.name for file in files if file is not chosen)
        logger.warning("%s: of %d models, %s is read; left out: %s", where, len(files), chosen.name, others[:200])
    return chosen


def warn_of_language(file: SourceFile, templates: Iterable[Template]) -> None:
    """Warn if a model seems not to be English, by its name or else by its words."""
    locale = locale_of(file.name)
    if locale is None:
        if not _looks_foreign(templates):
            return
    elif locale.startswith("en"):
        return
    logger.warning("%s: %s, but the base model is English", file.where, f"its language is {locale}" if locale else "not English")


def _looks_foreign(templates: Iterable[Template]) -> bool:
    text = " ".join(part for template in templates for part in template.parts if isinstance(part, str)).lower()
    letters = [character for character in text if character.isalpha()]
    if sum(ord(letter) > 0x24F for letter in letters) > 0.3 * len(letters):  # of no Latin script
        return True
    return len(OTHERS.findall(text)) > len(ENGLISH.findall(text))


__all__ = [
    "NO_INTENT",
    "Model",
    "add_samples",
    "add_values",
    "choose_language",
    "is_builtin",
    "items_of",
    "locale_of",
    "named_items",
    "parse_sample",
    "warn_of_language",
]
