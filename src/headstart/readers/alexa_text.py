"""Alexa skills as they were written till 2017: an intent schema, lines of sample utterances, and files of values.

Such are `IntentSchema.json` (`intents` of `intent` and `slots`, no samples), `SampleUtterances.txt` (`IntentName the utterance {Slot}` a
line) and `customSlotTypes/LIST_OF_SIZES` (a value a line, with or without `.txt`), whatever their names, in a folder or archive. The path may
also be the schema, or the utterances, alone: then the other files are looked for beside it, if its folder is a small one.

- Between intent and utterance is a blank, a tab or a colon. Blank lines and comments (`#`, `//`) are skipped.
- Lines whose first word is no intent of the schema are read if it is written like one (`OrderCoffee`, `order_coffee`), and counted.
- Samples, slots and values become what they become in `headstart.readers.alexa`.

Not read: such a folder if it holds an interaction model too, which is newer (see `headstart.readers.alexa`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.alexa import is_model
from headstart.readers.alexa_parts import Model, add_slots, find_models, named_items
from headstart.readers.fields import Fields, dict_of, list_of, text_of
from headstart.readers.languages import choose_locale, locale_of, warn_of_language
from headstart.readers.source import Source, SourceFile, is_inside

NAME = "alexa_text"
SUFFIXES: tuple[str, ...] = (".txt", ".intents")
PARTNERS = ("", ".txt", ".json", ".intents", ".utterances")  # files that may belong together
TYPE_FOLDERS = ("customslottypes", "customslottype", "slottypes", "slots")
MAX_SCHEMAS = 20  # of a folder, for each of which all its texts are gone through
MAX_SIBLINGS = 60  # entries of a folder in which one file's others are looked for
MAX_SIBLING_BYTES = 4 * 2**20
LINE = re.compile(r"(?P<intent>[^\s:]+)(?:\s*:\s*|\s+)(?P<text>\S.*)")
INTENT = re.compile(r"[A-Za-z]\w*?(?:[a-z0-9][A-Z]|[._])[\w.]*|[A-Z]\w*Intent")


def detect(source: Source) -> bool:
    """Whether the path is an intent schema with sample utterances, and no interaction model.

    Raises:
        DataError: the file can't be read.
    """
    if source.only is not None:
        return _may_belong(source.only) and _is_alone(source.only, source)
    if find_models(source, is_model):
        return False
    schema, utterances = _find(source.files)
    return schema is not None and utterances is not None


def _is_alone(file: SourceFile, source: Source) -> bool:
    """Whether the only file is a schema, so that it can be said what it lacks, or sample utterances."""
    if file.suffix == ".json" or isinstance(file.json, dict):
        return _is_schema(file.json)
    return _find(_siblings(file, source.path), file)[1] is file or _is_named_utterances(file)


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: schema or utterances are missing, or there is no sample.
    """
    files = _in_one_language(source) if source.only is None else _siblings(source.only, source.path)
    schema, utterances = _find(files, source.only)
    if utterances is None and source.only is not None and schema is not source.only:
        utterances = source.only
    if utterances is None:
        where = schema.where if schema is not None else str(source.path)
        raise DataError(
            f"{where}: found {'an intent schema but' if schema else 'no intent schema and'} no sample utterances beside it; allowed: "
            "a folder with IntentSchema.json and SampleUtterances.txt, of lines such as 'OrderIntent order a {Size} coffee'."
        )
    model = Model(utterances)
    if schema is not None:
        for intent, item in named_items(dict_of(schema.json).get("intents"), model, "intents"):
            add_slots(model, intent, item.get("slots"))
    _read_types([file for file in files if file not in (schema, utterances)], model)
    _read_utterances(utterances, model)
    skill = model.skill(name)
    warn_of_language(utterances, model.templates)
    return skill


def _in_one_language(source: Source) -> list[SourceFile]:
    """The files of the language that is read, where several have schemas, and those whose names name none."""
    schemas = [file for file in source.files if _may_belong(file) and _is_schema(file.json_or_none)]
    sizes = Counter(locale for file in schemas if (locale := locale_of(file.name)))
    if not sizes or (len(sizes) < 2 and source.language is None):
        return source.files
    chosen = choose_locale(sizes, source)
    return [file for file in source.files if locale_of(file.name) in (chosen, None)]


def _may_belong(file: SourceFile) -> bool:
    return file.suffix in PARTNERS and len(file.content) <= MAX_SIBLING_BYTES


def _find(files: Sequence[SourceFile], given: SourceFile | None = None) -> tuple[SourceFile | None, SourceFile | None]:
    """The schema and the utterances of its intents; the file that was given, if any, is one of them."""
    files = [file for file in files if _may_belong(file)]
    schemas = [file for file in files if _is_schema(file.json_or_none)]
    texts = [file for file in files if file.suffix != ".json" and not _is_schema(file.json_or_none)]
    if given in schemas:
        schemas = [file for file in schemas if file is given]
    elif given is not None:
        texts = [file for file in texts if file is given]
    schemas.sort(key=lambda file: (file.name.count("/"), file.name))
    for schema in schemas[:MAX_SCHEMAS]:
        intents = {intent.lower() for intent in _intents(schema.json)}
        # The nearest one with the most lines of these intents, for a folder can hold several skills.
        counts = [(_is_near(file, schema), _known_lines(file, intents), file) for file in texts]
        counts = [count for count in counts if count[1]]
        if counts:
            return schema, max(counts, key=lambda count: count[:2])[2]
    return (schemas[0] if schemas else None), None


def _is_near(file: SourceFile, schema: SourceFile) -> bool:
    return file.name.rpartition("/")[0] == schema.name.rpartition("/")[0]


def _is_schema(content: Any) -> bool:
    """Whether these are intents by name, with slots at most."""
    fields = dict_of(content)
    intents = [dict_of(intent) for intent in list_of(fields.get("intents"))]
    names = [name for name in map(_name_of, intents) if name]
    if not names or len(fields) > 3 or any(set(intent) - {"intent", "name", "slots"} for intent in intents):
        return False
    return any("intent" in intent or "slots" in intent or str(intent.get("name")).startswith("AMAZON.") for intent in intents)


def _name_of(intent: Fields) -> str | None:
    return text_of(intent.get("intent")) or text_of(intent.get("name"))


def _intents(content: Any) -> list[str]:
    names = [_name_of(dict_of(intent)) for intent in list_of(dict_of(content).get("intents"))]
    return [name for name in names if name]


def _known_lines(file: SourceFile, intents: set[str]) -> int:
    """How many lines begin with one of these intents; 0 if less than half do."""
    if file.text_or_none is None:
        return 0
    lines = [line.split(maxsplit=1)[0].rstrip(":").lower() for line in _lines(file)]
    known = sum(line in intents or line.partition(":")[0] in intents for line in lines)
    return known if 2 * known >= len(lines) else 0


def _is_named_utterances(file: SourceFile) -> bool:
    """Whether the file is called after sample utterances, and its lines look like them."""
    if "utterances" not in re.sub(r"[^a-z]", "", file.stem.lower()) or file.suffix == ".json":
        return False
    first_words = [line.split(maxsplit=1)[0].rstrip(":") for line in _lines(file)]
    return bool(first_words) and all(map(_is_intent, first_words))


def _is_intent(word: str) -> bool:
    return len(word) < 200 and INTENT.fullmatch(word) is not None


def _lines(file: SourceFile) -> Iterator[str]:
    for line in file.text.split("\n"):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", "//")):
            yield stripped


def _siblings(file: SourceFile, path: Path) -> list[SourceFile]:
    """The file, and those beside it and in its folder of slot types, if these are few."""
    try:
        beside = sorted(path.resolve().parent.iterdir())
        folders = [entry for entry in beside if entry.is_dir() and re.sub(r"[^a-z]", "", entry.name.lower()) in TYPE_FOLDERS]
        paths = [*beside, *(entry for folder in folders for entry in sorted(folder.iterdir()))]
        if len(beside) > MAX_SIBLINGS or len(paths) > 5 * MAX_SIBLINGS:
            return [file]
        found = [file]
        for entry in paths:
            if (
                entry.is_file()
                and is_inside(entry, path.resolve().parent)
                and not entry.samefile(path)
                and entry.suffix.lower() in PARTNERS
                and not entry.name.startswith(".")
            ):
                if sum(len(other.content) for other in found) + entry.stat().st_size > MAX_SIBLING_BYTES:
                    return [file]
                found.append(SourceFile(entry.relative_to(path.resolve().parent).as_posix(), str(entry), entry.read_bytes()))
        return found
    except OSError:
        return [file]


def _read_types(files: Iterable[SourceFile], model: Model) -> None:
    """Read the files that are called after slot types."""
    wanted = {slot_type.lower(): slot_type for types in model.types.values() for slot_type in types}
    for file in files:
        base = file.name.rpartition("/")[2]
        slot_type = wanted.get(base.lower()) or wanted.get(file.stem.lower())
        if slot_type is None and re.sub(r"[^a-z]", "", file.name.lower().rpartition("/")[0].rpartition("/")[2]) in TYPE_FOLDERS:
            model.odd("files of slot types that no slot has, which are not read", file.name)
        if slot_type is None or file.suffix == ".json":
            continue
        if file.text_or_none is not None:
            model.add_type(slot_type, map(CatalogValue, file.text.split("\n")))
        else:
            model.odd("files of slot types that are no text, which are left out", file.name)


def _read_utterances(file: SourceFile, model: Model) -> None:
    declared = dict.fromkeys(model.slots)
    by_lower_case = {intent.lower(): intent for intent in reversed(declared)}
    for line in _lines(file):
        match = LINE.fullmatch(line)
        if match is None:
            model.odd("lines without an utterance, which are left out", line)
            continue
        word = match["intent"]
        intent = word if word in declared else by_lower_case.get(word.lower())
        if intent is None and _is_intent(word):
            intent = word
            if declared:
                model.odd("lines of intents that the schema does not have, which are read all the same", line)
        if intent is not None:
            model.add_sample(intent, match["text"])
        else:
            model.odd("lines that don't begin with an intent, which are left out", line)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
