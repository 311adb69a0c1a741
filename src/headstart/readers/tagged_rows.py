"""Rows of words with a tag each, as Hugging Face datasets have them: JSON lines, or a list of JSON objects.

    {"tokens": ["make", "a", "large", "tea"], "ner_tags": ["O", "O", "B-size", "O"], "intent": "brew"}

The words are `tokens` or `words`, or those between the blanks of `text` (or another name that a table's column has for it); the tags are `ner_tags`, `slot_labels`,
`slot_tags`, `bio_tags`, `tags`, `labels` or `slots`, in a list or one text, as IOB1, IOB2, BIOES or BILOU; the intent, if there is one, is `intent`, `label` or the like.
A row's text is its `text`, if its words stand in it, and else the words, joined by one blank.

Numbers that stand for tags or intents get the names that `dataset_info.json` beside them has for them; without it they are an error. `split` or `partition` says of which
part a row is; otherwise files are parts by their names. Rows of a text and a label alone are read too (in a list, also those of a text and an intent), as not annotated with
slots; of a folder, if their file is called after a part. Other fields are not read, which the log says.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from headstart.data.rows import DataError, counted, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.fields import Fields, dict_of, list_of, objects_of, text_of
from headstart.readers.json_lines import first_objects, json_lines
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import PART_WORDS, annotate, part_of_project, parts_in, plain_label, skill_of_parts
from headstart.readers.source import Source, SourceFile
from headstart.readers.table import INTENT_NAMES, PART_NAMES, TEXT_NAMES
from headstart.readers.tags import TAG, tagged_template, word_places

logger = logging.getLogger(__name__)

NAME = "tagged_rows"
SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson", ".json")
LINES = (".jsonl", ".ndjson")
WORD_NAMES = ("tokens", "words")
TAG_NAMES = ("ner_tags", "slot_labels", "slot_tags", "bio_tags", "tags", "labels", "slots")
INTENTS = tuple(dict.fromkeys((INTENT_NAMES[0], "intents", *INTENT_NAMES[1:])))
INFO = ("dataset_info.json", "dataset_infos.json")
LOOKED_AT = 20  # rows that tell the format
MAX_DEPTH = 6  # of features within features


def detect(source: Source) -> bool:
    """Whether a file's first rows have words and tags, or are a list of texts with intents."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no row has words and tags, tags are not as many as words, or numbers have no names.
    """
    files = _files(source) or [file for file in source.given if file.suffix in SUFFIXES]
    names = _label_names(source)
    oddities = Oddities()
    part_of_file = parts_in(source, files)
    parts: dict[str, list[Template]] = defaultdict(list)
    unread: dict[str, None] = {}
    for file in files:
        for where, row in _rows(file, oddities):
            template = _template(row, names, oddities, where)
            if template is not None:
                unread.update(dict.fromkeys(_unread(row)))
                parts[_part(row, where) or part_of_file[file.name]].append(template)
    if unread:
        logger.warning("%s: fields that are not read: %s", source.path, ", ".join(list(unread)[:8]))
    oddities.warn(source.path)
    if not any(parts.values()):
        raise DataError(
            f'{source.path}: no row has words and tags; allowed: {{"tokens": ["make", "tea"], "ner_tags": ["O", "B-drink"], "intent": "brew"}}.'
        )
    return skill_of_parts(name, parts)


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates(*SUFFIXES) if _are_rows(file, source)]


def _are_rows(file: SourceFile, source: Source) -> bool:
    if file.suffix in LINES:
        head = first_objects(file, LOOKED_AT)
        # With an intent that is called so, they are rows of our own that lack a field, which their reader names.
        is_plain = any(_is_plain(row) and INTENT_NAMES[0] not in row for row in head)
    elif isinstance(file.json_or_none, list):
        head = objects_of(file.json[:LOOKED_AT])
        is_plain = any(map(_is_plain, head))
    else:
        return False
    # A folder may hold other lists of texts than rows.
    may_be_plain = source.only is not None or part_of_project(file.name) is not None
    return any(map(_is_tagged, head)) or (is_plain and may_be_plain)


def _is_tagged(row: Fields) -> bool:
    """Whether a row has words and tags, or a text and tags; numbers may be tags of words alone."""
    tags = _tags(row)
    has_words = any(isinstance(row[name], list) for name in _first(WORD_NAMES, row))
    return bool(tags) and _words(row) is not None and (has_words or not _are_numbers(tags))


def _is_plain(row: Fields) -> bool:
    text, intent = _first(TEXT_NAMES, row), _first(INTENTS, row)
    return (
        bool(text and intent)
        and text_of(row[text[0]]) is not None
        and text_of(row[intent[0]]) is not None
        and not any(isinstance(value, (list, dict)) for value in row.values())
    )


def _first(names: Sequence[str], row: Fields) -> list[str]:
    return [name for name in names if name in row]


def _words(row: Fields) -> list[str] | None:
    for name in _first(WORD_NAMES, row):
        words = row[name].split() if isinstance(row[name], str) else row[name]
        if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
            return words
    for name in _first(TEXT_NAMES, row):
        if text_of(row[name]) is not None:
            return list(row[name].split())
    return None


def _tags(row: Fields) -> list[Any]:
    """The tags of a row, as they are; nothing without."""
    for name in _first(TAG_NAMES, row):
        tags = row[name].split() if isinstance(row[name], str) else row[name]
        if (
            isinstance(tags, list)
            and tags
            and (_are_numbers(tags) or all(isinstance(tag, str) and TAG.fullmatch(tag) for tag in tags))
        ):
            return tags
    return []


def _are_numbers(tags: Sequence[Any]) -> bool:
    return all(type(tag) is int for tag in tags)


def _rows(file: SourceFile, oddities: Oddities) -> Iterator[tuple[Where, Fields]]:
    if file.suffix in LINES:
        yield from json_lines(file, oddities)
        return
    for number, row in enumerate(list_of(file.json), start=1):
        where = Where(file, f"row {number}")
        if isinstance(row, dict):
            yield where, row
        else:
            oddities.leave_out("rows that are no object", row, where)


def _unread(row: Fields) -> list[str]:
    """The fields of a row that are not read: of those that are alike, the first is."""
    read = {names[0] for group in (WORD_NAMES, TAG_NAMES, INTENTS, PART_NAMES) if (names := _first(group, row))}
    return [name for name in row if name not in {*read, *TEXT_NAMES, "id"}]


def _part(row: Fields, where: Where) -> str | None:
    for name in _first(PART_NAMES, row):
        if row[name] in (None, ""):
            return None
        part = PART_WORDS.get(str(row[name]).strip().lower())
        if part is None:
            raise DataError(
                f"{where.name(None)}, field {name!r}: found {shorten(row[name])}; allowed: train, validation or test."
            )
        return part
    return None


def _template(row: Fields, names: dict[str, list[str]], oddities: Oddities, where: Where) -> Template | None:
    intent = _intent(row, names, where)
    words, tags = _words(row), _tags(row)
    if words is None or (not tags and intent is None):
        oddities.leave_out("rows without words, or with neither tags nor intent", row, where)
        return None
    text = next((row[name] for name in _first(TEXT_NAMES, row) if text_of(row[name])), None)
    if not tags:
        return Template(intent, (" ".join((text or " ".join(words)).split()),), has_slots=_has_empty_tags(row))
    if len(tags) != len(words):
        raise DataError(
            f"{where.name(None)}: found {counted(len(tags), 'tag')} for {counted(len(words), 'word')}, {shorten(' '.join(words))}; allowed: one each."
        )
    if _are_numbers(tags):
        tags = _named(tags, names, _first(TAG_NAMES, row), where)
    template = tagged_template(words, tags, intent, oddities, where)
    if text is None or text.split() == words:
        return template if template.parts else None
    return _in_text(template, words, text, where, oddities)


def _has_empty_tags(row: Fields) -> bool:
    return any(row[name] == [] for name in _first(TAG_NAMES, row))


def _in_text(template: Template, words: list[str], text: str, where: Where, oddities: Oddities) -> Template:
    """The template with the words as they stand in their text; as it is, if they don't."""
    places = word_places(words, text)
    if places is None:
        oddities.note("rows whose words don't stand in their text, and which are read from their words", text, where)
        return template
    starts: dict[int, int] = {}  # of each word, where it begins and ends when it is joined, and in the text
    ends: dict[int, int] = {}
    end = 0
    for word, (start, stop) in zip(words, places, strict=True):
        starts[end], ends[end + len(word)] = start, stop
        end += len(word) + 1
    row = template.fill([slot.value or "" for slot in template.slots])
    spans = [(starts.get(slot["start"], -1), ends.get(slot["end"], -1), slot["label"]) for slot in row["slots"] or []]
    return replace(annotate(text, spans, template.intent, oddities, where), has_slots=template.has_slots)


def _intent(row: Fields, names: dict[str, list[str]], where: Where) -> str | None:
    for name in _first(INTENTS, row):
        if type(row[name]) is int:
            return _named([row[name]], names, [name], where)[0]
        if isinstance(row[name], str):
            return plain_label(row[name]) or None
    return None


def _named(numbers: Sequence[int], names: dict[str, list[str]], fields: Sequence[str], where: Where) -> list[str]:
    """The names of numbers of one of the fields.

    Raises:
        DataError: they have none.
    """
    known = next((names[field] for field in fields if field in names), None)
    if known is None:
        raise DataError(
            f"{where.name(None)}, field {fields[0]!r}: found numbers, {shorten(list(numbers))}, whose names are not known; give the dataset itself "
            f"(headstart.load_skill(datasets.load_dataset(...)), which knows them), {INFO[0]} beside the file, or write the names."
        )
    if not all(0 <= number < len(known) for number in numbers):
        raise DataError(
            f"{where.name(None)}, field {fields[0]!r}: found {shorten(list(numbers))}; {INFO[0]} has {counted(len(known), 'name')}."
        )
    return [known[number] for number in numbers]


def _label_names(source: Source) -> dict[str, list[str]]:
    """The names of class labels by field, as `dataset_info.json` has them."""
    found: dict[str, list[str]] = {}
    for file in source.files:
        if file.name.split("/")[-1] in INFO:
            content = dict_of(file.json_or_none)
            for info in (content, *map(dict_of, content.values())):
                for field, feature in dict_of(info.get("features")).items():
                    names = _class_names(feature)
                    if names:
                        found.setdefault(field, names)
    return found


def _class_names(feature: Any, depth: int = 0) -> list[str]:
    fields = dict_of(feature)
    names = list_of(fields.get("names"))
    if names and all(isinstance(name, str) for name in names):
        return names
    return _class_names(fields.get("feature"), depth + 1) if "feature" in fields and depth < MAX_DEPTH else []


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
