"""Intents of chatbots as tutorials have them, mostly in a file called `intents.json`.

    {"intents": [{"tag": "greeting", "patterns": ["hi", "hello there"], "responses": ["hello!"]}]}

An intent's name is its `tag` (or `intent`, `name`), its utterances are its `patterns` (or `text`, `utterances`, `examples`, `questions`), a list or
one string; the list of intents may be all that the file holds. There are no slots: rows are read as not annotated with them. Intents without an
utterance, such as `noanswer` with a blank one, are left out and counted. Responses and contexts are not read.
"""

from __future__ import annotations

from typing import Any

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.fields import Fields, dict_of, objects_of, text_of
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import parts_in, skill_of_parts
from headstart.readers.source import Source, SourceFile

NAME = "tag_patterns"
SUFFIXES: tuple[str, ...] = (".json",)
TAGS = ("tag", "intent", "name")
PATTERNS = ("patterns", "text", "utterances", "examples", "questions")
BESIDE = ("patterns", "responses", "answers")  # what tells such intents from others


def detect(source: Source) -> bool:
    """Whether a file has a list of intents with a tag and patterns."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file is of this kind, or no intent has an utterance.
    """
    files = _files(source)
    if not files:
        raise DataError(
            f'{source.path}: found no intents with utterances; allowed: {{"intents": [{{"tag", "patterns": [...]}}]}}.'
        )
    oddities = Oddities()
    part_of_file = parts_in(source, files)
    parts: dict[str, list[Template]] = {}
    for file in files:
        found = parts.setdefault(part_of_file[file.name], [])
        for number, intent in enumerate(_intents(file.json), start=1):
            found += _templates(intent, Where(file, f"intent {number}"), oddities)
    oddities.warn(source.path)
    return skill_of_parts(name, parts)


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates(".json") if any(map(_is_intent, _intents(file.json_or_none)[:5]))]


def _intents(content: Any) -> list[Fields]:
    return objects_of(content) if isinstance(content, list) else objects_of(dict_of(content).get("intents"))


def _is_intent(intent: Fields) -> bool:
    name, key = _name(intent), _key(intent)
    return name is not None and key is not None and isinstance(intent[key], (list, str)) and any(map(intent.__contains__, BESIDE))


def _name(intent: Fields) -> str | None:
    return next(filter(None, (text_of(intent.get(tag)) for tag in TAGS)), None)


def _key(intent: Fields) -> str | None:
    return next((key for key in PATTERNS if key in intent), None)


def _templates(intent: Fields, where: Where, oddities: Oddities) -> list[Template]:
    name, key = _name(intent), _key(intent)
    utterances = intent.get(key or "")
    if name is None:
        oddities.leave_out("intents without a tag", intent, where)
        return []
    found = []
    for utterance in [utterances] if isinstance(utterances, str) else utterances if isinstance(utterances, list) else []:
        text = text_of(utterance)
        if text is None:
            oddities.leave_out("patterns that are blank or no text", utterance, where)
        else:
            found.append(Template(name.strip(), (" ".join(text.split()),), has_slots=False))
    if not found:
        oddities.leave_out("intents without a pattern", name, where)
    return found


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
