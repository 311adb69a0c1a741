"""Rasa NLU training data in YAML (Rasa 2.x and 3.x) and in JSON (Rasa NLU up to 1.x).

A file, or a folder or archive with several: a whole project, or its `data` folder. Files without training data, such as `domain.yml` and
stories, are passed over; Markdown files with training data (see `rasa_markdown`) are read too. Read are

- YAML: of the list `nlu`, items with `intent`, `lookup` or `synonym`, whose `examples` are a text with one `- ` line each or, for
  intents, a list of texts or of objects with `text`;
- JSON: `common_examples`, `entity_examples` and `intent_examples` with `text`, `intent` and `entities`, `entity_synonyms`, and
  `lookup_tables`, all of `rasa_nlu_data`.

Where the offsets of an entity in JSON and its `value` contradict each other, they may be counted in UTF-16 units or bytes, or the value may stand close
by: then it is there, with a warning. A value that stands nowhere is a canonical value, and the offsets are believed if they cut no word. Otherwise
the example is read as not annotated with slots, and named.

Names are kept as they are written: a retrieval intent has its full name, `chitchat/ask_name`. `rasa_markdown` says what becomes of the
markup, of entities with roles, of lookup tables and of synonyms. Regular expressions and responses are not read. Metadata that
`headstart.writers.rasa` writes, `headstart: {unannotated: [intent, slots]}`, says what of an item's examples is not annotated.

Files whose names, or whose folders' names, say so hold validation or test rows: those below `tests`, `test_data.yml`, and those of
`train_test_split`, as Rasa makes it of all other files, whose copies of what it holds out are then not trained on.
"""

from __future__ import annotations

import re
from typing import Any

from headstart.data.offsets import UNITS, Given, Positions, choose_unit
from headstart.data.rows import DataError, kind_of, shorten
from headstart.data.skills import Skill
from headstart.readers.fields import Fields, dict_of, list_of, strings_of, text_of, yaml_strings
from headstart.readers.oddities import Where
from headstart.readers.parts import UNANNOTATED
from headstart.readers.rasa_markdown import Annotation, RasaData, add_markdown, annotation_of, markdown_files
from headstart.readers.source import Source, SourceFile

NAME = "rasa"
SUFFIXES: tuple[str, ...] = (".yml", ".yaml", ".json")
KINDS = ("intent", "lookup", "synonym", "regex")
HAS_LIST = re.compile(r"""^["']?nlu["']?[ \t]*:""", re.MULTILINE)
HAS_ITEM = re.compile(r"""^[ \t-]*["']?(?:intent|lookup|synonym|regex)["']?[ \t]*:""", re.MULTILINE)
JSON_FIELD = "rasa_nlu_data"


def detect(source: Source) -> bool:
    """Whether there is a YAML file with a list `nlu` of intents and the like, or a JSON file with `rasa_nlu_data`."""
    return any(_is_yaml(file) or _is_json(file) for file in _files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: a file with training data is damaged, or no intent has an example.
    """
    data = RasaData(source)
    files = [file for file in _files(source) if _is_json(file) or _is_yaml(file)]
    texts = markdown_files(source) if source.only is None else []
    data.plan([*files, *texts])
    for file in files:
        data.begin(file)
        (_add_json if _is_json(file) else _add_yaml)(file, data)
    for file in texts:
        data.begin(file)
        add_markdown(file, data)
    return data.skill(name)


def _files(source: Source) -> list[SourceFile]:
    return source.candidates(".yml", ".yaml", ".json")


def _is_json(file: SourceFile) -> bool:
    return JSON_FIELD in (file.text_or_none or "") and JSON_FIELD in dict_of(file.json_or_none)


def _is_yaml(file: SourceFile) -> bool:
    text = file.text_or_none or ""
    if file.suffix == ".json" or not HAS_LIST.search(text) or not HAS_ITEM.search(text):
        return False
    try:
        documents = file.yaml
    except DataError:  # what is damaged here is training data: reading says where
        return True
    items = [item for document in documents for item in list_of(dict_of(document).get("nlu"))]
    return any(isinstance(item, dict) and not item.keys().isdisjoint(KINDS) for item in items)


def _add_yaml(file: SourceFile, data: RasaData) -> None:
    where = Where(file)
    for document in yaml_strings(file):
        content = dict_of(document).get("nlu")
        if not isinstance(content, list) and content:
            raise DataError(
                f"{file.where}, field 'nlu': found {kind_of(content)}; allowed: a list of intents, lookups and synonyms."
            )
        for item in content or []:
            kinds = [kind for kind in KINDS if kind in dict_of(item)]
            name = text_of(item[kinds[0]]) if kinds else None
            if name is None:
                data.oddities.leave_out("items of 'nlu' without a name or of unknown kind", item, where)
            elif kinds[0] == "intent":
                _add_intent(name, item, data, where)
            else:
                _add_values(kinds[0], name, _lines(item.get("examples"), data, where), data, where)


def _add_intent(name: str, item: Fields, data: RasaData, where: Where) -> None:
    examples = item.get("examples")
    texts: list[Any] = _lines(examples, data, where) if isinstance(examples, str) else list_of(examples)
    unannotated = list_of(dict_of(dict_of(item.get("metadata")).get("headstart")).get("unannotated"))
    for text in texts:
        data.add_example(
            text.get("text") if isinstance(text, dict) else text,
            None if "intent" in unannotated else name,
            "slots" not in unannotated,
            where,
        )
    if not texts:
        data.oddities.leave_out("intents without examples", name, where)


def _add_values(kind: str, name: str, values: list[str], data: RasaData, where: Where) -> None:
    if kind == "lookup":
        data.add_lookup(name, values, where)
    elif kind == "regex":
        data.patterns += len(values)
    else:
        for value in values:
            data.add_synonym(name, value, where)


def _lines(examples: Any, data: RasaData, where: Where) -> list[str]:
    """The items of a text with one a line; those of a list that are texts too."""
    if isinstance(examples, list):
        return strings_of(examples)
    if not isinstance(examples, str):
        if examples is not None:
            data.oddities.leave_out("'examples' that are neither a text nor a list", examples, where)
        return []
    lines = [line.lstrip(" \t") for line in examples.split("\n") if line.strip()]
    for line in examples.split("\n"):
        if line[:1] in (" ", "\t") and line.lstrip(" \t").startswith("-"):
            data.oddities.note("examples are indented further than the first, which Rasa itself leaves out", line, where)
    for line in lines:
        if not line.startswith("-"):
            data.oddities.leave_out("lines that do not begin with '-'", line, where)
    return [line[1:] for line in lines if line.startswith("-") and line[1:].strip()]


def _add_json(file: SourceFile, data: RasaData) -> None:
    content = file.json[JSON_FIELD]
    if not isinstance(content, dict):
        raise DataError(
            f"{file.where}, field {JSON_FIELD!r}: found {kind_of(content)}; allowed: an object with 'common_examples'."
        )
    examples: list[tuple[Fields, Where]] = []
    for field in ("common_examples", "entity_examples", "intent_examples", "entity_synonyms", "lookup_tables", "regex_features"):
        items = content.get(field)
        if items is not None and not isinstance(items, list):
            raise DataError(f"{file.where}, field {field!r}: found {shorten(items)}; allowed: a list.")
        for number, item in enumerate(items or []):
            where = Where(file, f"{field}[{number}]")
            if not isinstance(item, dict):
                data.oddities.leave_out(f"items of {field!r} that are not objects", item, where)
            elif field.endswith("_examples"):
                examples.append((item, where))
            elif field == "regex_features":
                data.patterns += 1
            else:
                _add_json_values(field, item, data, where)
    _add_json_examples(examples, data)


def _add_json_examples(items: list[tuple[Fields, Where]], data: RasaData) -> None:
    examples = []
    for item, where in items:
        text, intent = text_of(item.get("text")), item.get("intent")
        if text is None or (intent not in (None, "") and text_of(intent) is None):
            data.oddities.leave_out("examples without a text or with an intent that is not text", item, where)
        else:
            examples.append(
                (Positions(text), text_of(intent), [dict_of(entity) for entity in list_of(item.get("entities"))], where)
            )
    spans = [(positions, given) for positions, _, entities, _ in examples for given in map(_given, entities) if given is not None]
    unit = choose_unit(spans)
    for positions, intent, entities, where in examples:
        found = [_locate(entity, positions, unit, data, where) for entity in entities]
        data.add_spans(positions.text, intent, [span for span in found if span is not None], where, None not in found)


def _given(entity: Fields) -> Given | None:
    """The span of an entity; None without offsets."""
    start, end = entity.get("start"), entity.get("end")
    return Given(start, end, text_of(entity.get("value"))) if type(start) is int and type(end) is int else None


def _locate(entity: Fields, positions: Positions, unit: str, data: RasaData, where: Where) -> tuple[int, int, Annotation] | None:
    """The characters of an entity and its annotation; None, with a note, if it can't be told where it is."""
    given, annotation = _given(entity), annotation_of("", entity)
    if annotation is None or given is None:
        data.oddities.note(f"entities without a name or offsets, {UNANNOTATED}", entity, where)
        return None
    place = positions.locate(given, unit, may_be_normal=True)
    shown = f"{given.start}-{given.end} {given.value} in {positions.text}"
    if place is None:
        data.oddities.note(f"spans with wrong offsets, {UNANNOTATED}", shown, where)
        return None
    if place.is_repaired or (unit != UNITS[0] and not positions.text.isascii()):
        data.oddities.note("entities whose offsets count no characters or don't fit their value, and are put right", shown, where)
    return place.start, place.end, annotation


def _add_json_values(field: str, item: Fields, data: RasaData, where: Where) -> None:
    name = text_of(item.get("name" if field == "lookup_tables" else "value"))
    values = item.get("elements" if field == "lookup_tables" else "synonyms")
    if name is None:
        data.oddities.leave_out(f"items of {field!r} without a name", item, where)
    elif field == "lookup_tables" and isinstance(values, str):
        data.add_lookup_file(name, values, where)
    elif field == "lookup_tables":
        data.add_lookup(name, list_of(values), where)
    else:
        for value in list_of(values):
            data.add_synonym(name, value, where)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
