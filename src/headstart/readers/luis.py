"""Projects of Microsoft's LUIS and of its successor, Conversational Language Understanding (CLU), as JSON.

Read are the exports of LUIS apps of every schema version (spans by words before version 2, by characters with an inclusive end since), CLU
projects (`projectFileVersion`), and lists of labelled utterances as LUIS takes them in batches (`entities` with `startPos`, or
`entityLabels`). Offsets count UTF-16 units, as these services do, unless a CLU project says otherwise.

- A role makes a label of its own, `Entity:role`, as in the pattern syntax; it shares the values and the built-in type of its entity.
- Closed lists are catalogs. A phrase list is one only if an entity has its name, for it is a hint otherwise; so are other features,
  but for required ones, which give an entity the values or the type of what they name.
- Of composites and nested entities the outermost span is kept, children are not read.
- Prebuilt entities give `slot_types`. LUIS finds those, and closed lists and regular expressions, by itself, so that exported utterances mostly
  don't mark them: they are read as they are marked.
- Patterns become templates: `{Entity}`, `{Entity:role}` are open slots, `[optional]` parts and `(a|b)` groups are written out, evenly
  chosen where a pattern has more than 12 forms.

Regular expressions, settings and answers are not read. CLU utterances of the data set `Test` become test rows, and so do those of a folder's
files whose names say so. Of several languages, English is read.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

from headstart.data.rows import DataError, kind_of
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.fields import Fields, dict_of, objects_of, strings_of, text_of
from headstart.readers.languages import english_filter, is_english
from headstart.readers.oddities import Oddities
from headstart.readers.parts import PART_WORDS, annotate, parts_in, skill_of_parts
from headstart.readers.patterns import PatternError, expand, scan
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

NAME = "luis"
SUFFIXES: tuple[str, ...] = (".json",)
BUILT_IN_INTENTS = ("None",)
LISTS = ("closedLists", "closed_lists")
PREBUILT = ("prebuiltEntities", "prebuilt_entities", "bing_entities")
ENTITIES = ("entities", "hierarchicals", "composites", "patternAnyEntities", "regex_entities", "regexEntities", *LISTS, *PREBUILT)
PHRASES = ("phraselists", "model_features")
MAX_NESTING = 20  # of entities within entities
MARKS = ("luis_schema_version", "projectFileVersion", "entityLabels", "startPos", "utterances")


class _Content(NamedTuple):
    """A file of one of these kinds (`luis`, `clu`, `batch`), and what it holds: an object, or the list of a batch."""

    file: SourceFile
    kind: str
    json: Any


@dataclass
class Project:
    """What a reader of LUIS files gathers, and the skill of it.

    Args:
        where: what messages call it.
        part: of the file that is being read.
    """

    where: str
    part: str = "train"
    intents: list[str] = field(default_factory=list)
    parts: dict[str, list[Template]] = field(default_factory=lambda: defaultdict(list))
    catalogs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    slot_types: dict[str, str] = field(default_factory=dict)
    entities: set[str] = field(default_factory=set)
    roles: dict[str, str] = field(default_factory=dict)
    models: list[tuple[str, str]] = field(default_factory=list)
    oddities: Oddities = field(default_factory=Oddities)

    def label(self, written: str) -> str:
        """The label of what is written in braces: blanks and `@` dropped, `Entity:role` for a role alone, no `.any` of old patterns."""
        name = ":".join(map(str.strip, written.strip().removeprefix("@").split(":")))
        if name not in self.entities and name in self.roles:
            return f"{self.roles[name]}:{name}"
        bare = re.sub(r"\.any$", "", name, flags=re.IGNORECASE)
        return bare if name not in self.entities and bare in self.entities else name

    def add_sample(self, intent: str, text: str, is_pattern: bool = True) -> None:
        """Add a pattern, or an utterance with its slots in braces."""
        try:
            for parts in expand(scan(text, self.label), is_pattern):
                self.parts[self.part].append(Template(intent, tuple(parts)))
        except PatternError as error:
            self.oddities[f"patterns with {error}"] += 1

    def skill(self, name: str) -> Skill:
        """The skill of what was gathered.

        Raises:
            DataError: there is no sample.
        """
        for entity, model in self.models:
            if model != entity and entity not in self.catalogs and model in self.catalogs:
                self.catalogs[entity] = list(self.catalogs[model])
            if model in self.slot_types:
                self.slot_types.setdefault(entity, self.slot_types[model])
        self._spread_to_roles()
        self._report_intents()
        self.oddities.warn(self.where)
        return skill_of_parts(name, self.parts, dict(self.catalogs), self.slot_types)

    def _spread_to_roles(self) -> None:
        """Give `Entity:role` the values and type of its entity, which keeps its own only if it is a label itself."""
        labels = {slot.label for templates in self.parts.values() for template in templates for slot in template.slots}
        spread = set()
        for label in sorted(labels):
            entity, colon, _ = label.partition(":")
            if colon and entity in self.slot_types:
                self.slot_types.setdefault(label, self.slot_types[entity])
            if colon and entity in self.catalogs and label not in self.catalogs:
                self.catalogs[label] = list(self.catalogs[entity])
                spread.add(entity)
        for entity in spread - labels:
            del self.catalogs[entity]

    def _report_intents(self) -> None:
        used = {template.intent for templates in self.parts.values() for template in templates}
        unused = [intent for intent in dict.fromkeys(self.intents) if intent not in used]
        for own, log in ((True, logger.warning), (False, logger.info)):
            names = [intent for intent in unused if (intent not in BUILT_IN_INTENTS) == own]
            if names:
                log("%s: left out %d intents without samples: %s", self.where, len(names), ", ".join(names[:8]))


def detect(source: Source) -> bool:
    """Whether a file is a LUIS app, a CLU project or a batch of labelled utterances."""
    return bool(_contents(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file is of this kind, a field that must be a list is none, or there is no sample.
    """
    contents = _contents(source)
    if not contents:
        raise DataError(
            f"{source.path}: found no LUIS or CLU project; allowed: an object with 'luis_schema_version' (or 'intents' and "
            "'utterances'), or with 'projectFileVersion' and 'assets'."
        )
    project = Project(str(source.path))
    contents = _english(contents, project)
    parts = parts_in(source, (content.file for content in contents), is_project=True)
    for content in contents:
        project.part = parts[content.file.name]
        if content.kind == "luis":
            _read_app(content.file, content.json, project)
        elif content.kind == "clu":
            _read_clu(content.file, content.json, project)
        else:
            for item in content.json:
                _add_utterance(item, project)
    return project.skill(name)


def _contents(source: Source) -> list[_Content]:
    found = []
    for file in source.candidates(".json"):
        text = file.text_or_none or ""
        kind = _kind(file.json_or_none) if any(f'"{mark}"' in text for mark in MARKS) else ""
        if kind:
            found.append(_Content(file, kind, file.json))
    return found


def _kind(content: Any) -> str:
    if isinstance(content, list):
        items = [item for item in objects_of(content[:20]) if isinstance(item.get("text"), str)]
        has_labels = any(
            isinstance(item.get("entityLabels"), list) or any("startPos" in entity for entity in objects_of(item.get("entities")))
            for item in items
        )
        return "batch" if has_labels and any("intent" in item or "intentName" in item for item in items) else ""
    if not isinstance(content, dict):
        return ""
    has_lists = isinstance(content.get("intents"), list) and isinstance(content.get("utterances"), list)
    if "luis_schema_version" in content or (has_lists and any(key in content for key in (*LISTS, *PREBUILT, *PHRASES))):
        return "luis"
    assets = content.get("assets")
    if not isinstance(assets, dict) or "projectFileVersion" not in content or not {"intents", "utterances"} & set(assets):
        return ""
    return "clu" if assets.get("projectKind", "Conversation") in ("Conversation", "Orchestration") else ""


def _english(contents: list[_Content], project: Project) -> list[_Content]:
    """The files without a culture or with an English one, if there is one."""
    is_read = english_filter(_culture(content) for content in contents)
    kept = [content for content in contents if is_read(_culture(content))]
    project.oddities["files in other languages"] += len(contents) - len(kept)
    return kept


def _culture(content: _Content) -> str:
    culture = dict_of(content.json).get("culture")
    return culture if isinstance(culture, str) else ""


def _language(item: Any) -> str:
    return str(dict_of(item).get("language") or "")


def _list(content: Fields, key: str, project: Project, file: SourceFile | None = None) -> list[Any]:
    """The list at a field that may be missing. A wrong type is an error if a file is given, and counted otherwise."""
    value = content.get(key)
    if value is None or isinstance(value, list):
        return value or []
    if file is not None:
        raise DataError(f"{file.where}, field {key!r}: found {kind_of(value)}; allowed: a list.")
    project.oddities[f"fields {key!r} that are no list"] += 1
    return []


def _name(item: Any, *keys: str) -> str | None:
    """The name of an item, which is an object with one of the fields, or the name itself."""
    values = [item.get(key) for key in keys] if isinstance(item, dict) else [item]
    return next((value for value in values if text_of(value) is not None), None)


def _names(items: Iterable[Any], kind: str, project: Project, *keys: str) -> Iterator[tuple[str, Any]]:
    for item in items:
        name = _name(item, *keys)
        if name is None:
            project.oddities[f"{kind} without a name"] += 1
        else:
            yield name, item


def _read_app(file: SourceFile, app: Fields, project: Project) -> None:
    for intent, _ in _names(_list(app, "intents", project, file), "intents", project, "name"):
        project.intents.append(intent)
    for key in ENTITIES:
        for entity, item in _names(_list(app, key, project), key, project, "name"):
            _declare(entity, item, project)
            _add_values(entity, item, key, project)
    for key in PHRASES:
        for phrase_list, item in _names(_list(app, key, project), key, project, "name"):
            words = item.get("words") if isinstance(item, dict) else None
            if phrase_list in project.entities and isinstance(words, str):
                project.catalogs[phrase_list] += [word.strip() for word in words.split(",") if word.strip()]
    by_words = str(app.get("luis_schema_version", "")).strip().startswith(("0.", "1."))
    for utterance in _list(app, "utterances", project, file):
        _add_utterance(utterance, project, by_words)
    for pattern in _list(app, "patterns", project):
        text, target = _name(pattern, "pattern"), _name(pattern, "intent")
        if isinstance(pattern, dict) and text is not None and target is not None:
            project.add_sample(target, text)
        else:
            project.oddities["patterns without text or intent"] += 1


def _add_values(entity: str, item: Any, key: str, project: Project) -> None:
    """Note the values or the built-in type of an entity that is declared in that field."""
    if key in PREBUILT:
        project.slot_types[entity] = entity
    if key in LISTS and isinstance(item, dict):
        project.catalogs[entity] += _closed_list(item, project)
    if key == "patternAnyEntities" and isinstance(item, dict):
        project.catalogs[entity] += strings_of(item.get("explicitList"))


def _declare(entity: str, item: Any, project: Project, depth: int = 0) -> None:
    """Note an entity with its roles, required features and children."""
    project.entities.add(entity)
    if not isinstance(item, dict) or depth > MAX_NESTING:
        return
    for role in _list(item, "roles", project):
        role_name = _name(role, "name")
        if role_name is not None:
            project.roles.setdefault(role_name, entity)
    models = [item.get("instanceOf")]
    models += [feature.get("modelName") for feature in objects_of(item.get("features")) if feature.get("isRequired") is True]
    project.models += [(entity, model) for model in models if isinstance(model, str)]
    for child in objects_of(item.get("children")):
        child_name = _name(child, "name")
        if child_name is not None:
            _declare(child_name, child, project, depth + 1)


def _closed_list(item: Fields, project: Project) -> list[str]:
    values = []
    for sublist in _list(item, "subLists", project) or _list(item, "sublists", project):
        if isinstance(sublist, dict):
            values += strings_of([sublist.get("canonicalForm")]) + strings_of(sublist.get("list"))
        else:
            project.oddities["sublists that are no object"] += 1
    return values


def _add_utterance(utterance: Any, project: Project, by_words: bool = False) -> None:
    text, intent = _name(utterance, "text"), _name(utterance, "intent", "intentName")
    if not isinstance(utterance, dict) or text is None or intent is None:
        project.oddities["utterances without text or intent"] += 1
        return
    offsets = _word_offsets(text) if by_words else _unit_offsets(text)
    spans = []
    for key in ("entities", "entityLabels"):
        for entity in _list(utterance, key, project):
            span = _span(entity, offsets)
            if span is None:
                project.oddities["spans without entity, start or end"] += 1
            else:
                spans.append(span)
    project.parts[project.part].append(annotate(text, spans, intent, project.oddities))


def _span(entity: Any, offsets: Sequence[tuple[int, int]]) -> tuple[int, int, str] | None:
    """Start, end and label of an entity; offsets give the characters of each unit that its positions count."""
    label = _name(entity, "entity", "entityName")
    if not isinstance(entity, dict) or label is None:
        return None
    role = _name(entity, "role", "roleName") if "role" in entity or "roleName" in entity else None
    first, last = entity.get("startPos", entity.get("startCharIndex")), entity.get("endPos", entity.get("endCharIndex"))
    if type(first) is not int or type(last) is not int:
        return None
    return (*_characters(first, last, offsets), f"{label}:{role}" if role else label)


def _characters(first: int, last: int, offsets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The characters from one unit to another, both included; an empty span if they are not in the text."""
    is_inside = 0 <= first <= last < len(offsets)
    return (offsets[first][0], offsets[last][1]) if is_inside else (0, 0)


def _word_offsets(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def _unit_offsets(text: str, is_utf16: bool = True) -> list[tuple[int, int]]:
    """The character, as start and end, of each UTF-16 unit (or of each character)."""
    units = [2 if is_utf16 and character > "\uffff" else 1 for character in text]
    ends = accumulate(1 for _ in text)
    return [(end - 1, end) for end, count in zip(ends, units, strict=True) for _ in range(count)]


def _read_clu(file: SourceFile, content: Fields, project: Project) -> None:
    assets = content["assets"]
    for intent, _ in _names(_list(assets, "intents", project, file), "intents", project, "category"):
        project.intents.append(intent)
    for entity, item in _names(_list(assets, "entities", project), "entities", project, "category"):
        if isinstance(item, dict):
            _read_clu_entity(entity, item, project)
    utterances = _list(assets, "utterances", project, file)
    unit = str(content.get("stringIndexType", "Utf16CodeUnit"))
    is_utf16 = unit.lower() == "utf16codeunit"
    if (
        not is_utf16
        and unit.lower() != "unicodecodepoint"
        and not all(str(dict_of(item).get("text")).isascii() for item in utterances)
    ):
        raise DataError(f"{file.where}, field 'stringIndexType': found {unit!r}; allowed: Utf16CodeUnit or UnicodeCodePoint.")
    is_read = english_filter(map(_language, utterances))
    for item in utterances:
        if is_read(_language(item)):
            _add_clu_utterance(item, project, is_utf16)
        else:
            project.oddities["utterances in other languages"] += 1


def _read_clu_entity(entity: str, item: Fields, project: Project) -> None:
    project.entities.add(entity)
    for sublist in objects_of(dict_of(item.get("list")).get("sublists")):
        synonyms = objects_of(sublist.get("synonyms"))
        english = [item for item in synonyms if is_english(_language(item) or "en")]
        project.catalogs[entity] += strings_of([sublist.get("listKey")])
        project.catalogs[entity] += [value for item in english or synonyms for value in strings_of(item.get("values"))]
    for prebuilt in objects_of(item.get("prebuilts")):
        category = _name(prebuilt, "category")
        if category is not None:
            project.slot_types.setdefault(entity, category)


def _add_clu_utterance(item: Any, project: Project, is_utf16: bool) -> None:
    text, intent = _name(item, "text"), _name(item, "intent")
    if not isinstance(item, dict) or text is None or intent is None:
        project.oddities["utterances without text or intent"] += 1
        return
    offsets = _unit_offsets(text, is_utf16)
    spans = []
    for entity in _list(item, "entities", project):
        label = _name(entity, "category")
        offset, length = (entity.get("offset"), entity.get("length")) if isinstance(entity, dict) else (None, None)
        if label is None or type(offset) is not int or type(length) is not int:
            project.oddities["spans without category, offset or length"] += 1
        else:
            spans.append((*_characters(offset, offset + length - 1, offsets), label))
    project.parts[PART_WORDS.get(str(item.get("dataset")).lower(), project.part)].append(
        annotate(text, spans, intent, project.oddities)
    )


__all__ = ["NAME", "SUFFIXES", "Project", "detect", "read"]
