"""Projects of Microsoft's LUIS and of its successor, Conversational Language Understanding (CLU), as JSON.

Read are the exports of LUIS apps of every schema version (spans by words before version 2, by characters with an inclusive end since), CLU
projects (`projectFileVersion`), and lists of labelled utterances as LUIS takes them in batches (`entities` with `startPos`, or
`entityLabels`). Offsets count UTF-16 units, as these services do, unless a CLU project says otherwise, or the spans of a file cut no words only
if they count something else; a warning says so.

- A role makes a label of its own, `Entity:role`, as in the pattern syntax; it shares the values and the built-in type of its entity.
- Closed lists are catalogs; canonical forms (which LUIS finds in texts, as it does their synonyms) and list keys (which CLU does not) are in them
  if they are said (see `normal_forms`). A phrase list is one only if an entity has its name, for it is a hint otherwise; so are other features,
  but for required ones, which give an entity the values or the type of what they name.
- Of composites and nested entities the outermost span is kept, children are not read.
- Prebuilt entities give `slot_types`. LUIS finds those, and closed lists and regular expressions, by itself, so that exported utterances mostly
  don't mark them: they are read as they are marked.
- Patterns become templates: `{Entity}`, `{Entity:role}` are open slots, `[optional]` parts and `(a|b)` groups are written out, evenly
  chosen where a pattern has more than 12 forms.

Regular expressions, settings and answers are not read. CLU utterances of the data set `Test` become test rows, and so do those of a folder's
files whose names say so. Of several languages (`culture`, `language`), one is read: see `--language`.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from headstart.data.offsets import UNITS, Given, Positions, choose_unit
from headstart.data.rows import DataError, counted_kind, kind_of
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.fields import Fields, dict_of, objects_of, strings_of, text_of
from headstart.readers.languages import language_filter
from headstart.readers.normal_forms import catalog_value, said_forms
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import PART_WORDS, UNANNOTATED, annotate, parts_in, skill_of_parts
from headstart.readers.patterns import PatternError, expand, read_sample, scan
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


class _Utterance(NamedTuple):
    """An utterance as it is given: text, intent, spans with their labels (None: not to be read), the part it is of, and where it stands."""

    positions: Positions
    intent: str
    spans: list[tuple[Given, str] | None]
    part: str
    where: Where


class Listed(NamedTuple):
    """A value of a list, its synonyms, and whether the platform finds the value in texts as it does these."""

    value: str
    synonyms: list[str]
    is_found: bool
    where: Where


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
    catalogs: dict[str, list[str | CatalogValue]] = field(default_factory=lambda: defaultdict(list))
    lists: dict[str, list[Listed]] = field(default_factory=lambda: defaultdict(list))
    slot_types: dict[str, str] = field(default_factory=dict)
    entities: set[str] = field(default_factory=set)
    roles: dict[str, str] = field(default_factory=dict)
    models: list[tuple[str, str]] = field(default_factory=list)
    oddities: Oddities = field(default_factory=Oddities)
    file: SourceFile | None = None  # which is being read

    def leave_out(self, kind: str, example: Any, at: str | None = None) -> None:
        """Count something of the file that is being read."""
        self.oddities.leave_out(kind, example, Where(self.file, at))

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
            for parts in expand(scan(text, self.label)) if is_pattern else read_sample(text, self.label):
                self.parts[self.part].append(Template(intent, tuple(parts)))
        except PatternError as error:
            self.leave_out(f"patterns with {error}", text)

    def skill(self, name: str) -> Skill:
        """The skill of what was gathered.

        Raises:
            DataError: there is no sample.
        """
        self._add_lists()
        for entity, model in self.models:
            if model != entity and entity not in self.catalogs and model in self.catalogs:
                self.catalogs[entity] = list(self.catalogs[model])
            if model in self.slot_types:
                self.slot_types.setdefault(entity, self.slot_types[model])
        self._spread_to_roles()
        self._report_intents()
        self.oddities.warn(self.where)
        return skill_of_parts(name, self.parts, dict(self.catalogs), self.slot_types)

    def _add_lists(self) -> None:
        """Make catalogs of lists, now that all that is said is known."""
        said = said_forms(
            slot.value for templates in self.parts.values() for template in templates for slot in template.slots if slot.value
        )
        said |= said_forms(form for listed in self.lists.values() for entry in listed for form in entry.synonyms)
        for entity, listed in self.lists.items():
            values = [
                catalog_value(value, synonyms, said, self.oddities, is_found=is_found, where=where)
                for value, synonyms, is_found, where in listed
            ]
            if values:
                self.catalogs[entity] = [*values, *self.catalogs[entity]]

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
                log("%s: left out %s: %s", self.where, counted_kind(len(names), "intents without samples"), ", ".join(names[:8]))


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
    contents = _in_one_language(contents, source, project)
    parts = parts_in(source, (content.file for content in contents), is_project=True)
    for content in contents:
        project.file, project.part = content.file, parts[content.file.name]
        if content.kind == "luis":
            _read_app(content.file, content.json, project)
        elif content.kind == "clu":
            _read_clu(content.file, content.json, source, project)
        else:
            _add_utterances(_utterances(content.json, project), UNITS[1], project)
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


def _in_one_language(contents: list[_Content], source: Source, project: Project) -> list[_Content]:
    """The files without a culture or with that which is read."""
    is_read = language_filter(Counter(map(_culture, contents)), source)
    kept = [content for content in contents if is_read(_culture(content))]
    for content in contents:
        if content not in kept:
            project.oddities.leave_out("files in other languages", content.file.name)
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
    project.leave_out(f"fields {key!r} that are no list", value)
    return []


def _name(item: Any, *keys: str) -> str | None:
    """The name of an item, which is an object with one of the fields, or the name itself."""
    values = [item.get(key) for key in keys] if isinstance(item, dict) else [item]
    return next((value for value in values if text_of(value) is not None), None)


def _names(items: Iterable[Any], kind: str, project: Project, *keys: str) -> Iterator[tuple[str, Any]]:
    for item in items:
        name = _name(item, *keys)
        if name is None:
            project.leave_out(f"{kind} without a name", item)
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
    _add_utterances(_utterances(_list(app, "utterances", project, file), project, by_words), UNITS[0 if by_words else 1], project)
    for pattern in _list(app, "patterns", project):
        text, target = _name(pattern, "pattern"), _name(pattern, "intent")
        if isinstance(pattern, dict) and text is not None and target is not None:
            project.add_sample(target, text)
        else:
            project.leave_out("patterns without text or intent", pattern)


def _add_values(entity: str, item: Any, key: str, project: Project) -> None:
    """Note the values or the built-in type of an entity that is declared in that field."""
    if key in PREBUILT:
        project.slot_types[entity] = entity
    if key in LISTS and isinstance(item, dict):
        _add_closed_list(entity, item, project)
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


def _add_closed_list(entity: str, item: Fields, project: Project) -> None:
    for sublist in _list(item, "subLists", project) or _list(item, "sublists", project):
        if not isinstance(sublist, dict):
            project.leave_out("sublists that are no object", sublist)
            continue
        synonyms = strings_of(sublist.get("list"))
        for value in strings_of([sublist.get("canonicalForm")]) or synonyms[:1]:
            project.lists[entity].append(Listed(value, synonyms, True, Where(project.file)))


def _utterances(items: Sequence[Any], project: Project, by_words: bool = False) -> list[_Utterance]:
    """The labelled utterances of an app or batch. Offsets by words are made characters; others are kept as they are counted."""
    found = []
    for number, item in enumerate(items):
        at = f"utterance {number + 1}"
        text, intent = _name(item, "text"), _name(item, "intent", "intentName")
        if not isinstance(item, dict) or text is None or intent is None:
            project.leave_out("utterances without text or intent", item, at)
            continue
        words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)] if by_words else None
        entities = [entity for key in ("entities", "entityLabels") for entity in _list(item, key, project)]
        spans = [_span(entity, words) for entity in entities]
        found.append(_Utterance(Positions(text), intent, spans, project.part, Where(project.file, at)))
        for entity, span in zip(entities, spans, strict=True):
            if span is None:
                kind = f"spans without entity, start or end, {UNANNOTATED}"
                project.oddities.note(kind, entity, found[-1].where)
    return found


def _span(entity: Any, words: Sequence[tuple[int, int]] | None) -> tuple[Given, str] | None:
    """The span of an entity and its label; words: the characters of each, if its positions count these."""
    label = _name(entity, "entity", "entityName")
    if not isinstance(entity, dict) or label is None:
        return None
    role = _name(entity, "role", "roleName") if "role" in entity or "roleName" in entity else None
    first, last = entity.get("startPos", entity.get("startCharIndex")), entity.get("endPos", entity.get("endCharIndex"))
    if type(first) is not int or type(last) is not int:
        return None
    given = Given(first, last + 1, text_of(entity.get("text")))
    if words is not None:
        given = Given(words[first][0], words[last][1]) if 0 <= first <= last < len(words) else Given(0, 0)
    return given, f"{label}:{role}" if role else label


def _add_utterances(utterances: Sequence[_Utterance], unit: str, project: Project) -> None:
    """Add what a file has; its offsets should count that unit."""
    spans = [(utterance.positions, span[0]) for utterance in utterances for span in utterance.spans if span is not None]
    chosen = choose_unit(spans, [unit, *UNITS])
    if chosen != unit:
        first = next(positions.text for positions, _ in spans if not positions.text.isascii())
        project.oddities.note(
            f"files whose offsets fit if they count {chosen}, not {unit}, and are read so", first, Where(project.file)
        )
    for utterance in utterances:
        found = []
        is_annotated = None not in utterance.spans
        for given, label in filter(None, utterance.spans):
            place = utterance.positions.locate(given, chosen)
            shown = f"{given.start}-{given.end} {label} in {utterance.positions.text}"
            if place is None:
                project.oddities.note(f"spans with wrong offsets, {UNANNOTATED}", shown, utterance.where)
                is_annotated = False
                continue
            found.append((place.start, place.end, label))
            if place.is_repaired:
                project.oddities.note("spans that are where their text stands, not at their offsets", shown, utterance.where)
        template = annotate(utterance.positions.text, found, utterance.intent, project.oddities, utterance.where)
        is_annotated = is_annotated and template.has_slots
        project.parts[utterance.part].append(replace(template, has_slots=is_annotated))


def _read_clu(file: SourceFile, content: Fields, source: Source, project: Project) -> None:
    assets = content["assets"]
    for intent, _ in _names(_list(assets, "intents", project, file), "intents", project, "category"):
        project.intents.append(intent)
    utterances = _list(assets, "utterances", project, file)
    own = text_of(dict_of(content.get("metadata")).get("language"))
    is_read = language_filter(Counter(map(_language, utterances)), source, own)
    for entity, item in _names(_list(assets, "entities", project), "entities", project, "category"):
        if isinstance(item, dict):
            _read_clu_entity(entity, item, is_read, project)
    unit = str(content.get("stringIndexType", "Utf16CodeUnit"))
    is_utf16 = unit.lower() == "utf16codeunit"
    if (
        not is_utf16
        and unit.lower() != "unicodecodepoint"
        and not all(str(dict_of(item).get("text")).isascii() for item in utterances)
    ):
        raise DataError(f"{file.where}, field 'stringIndexType': found {unit!r}; allowed: Utf16CodeUnit or UnicodeCodePoint.")
    found = []
    for number, item in enumerate(utterances):
        at = f"utterance {number + 1}"
        if not is_read(_language(item)):
            project.leave_out("utterances in other languages", item, at)
        else:
            found += _clu_utterance(item, at, project)
    _add_utterances(found, UNITS[is_utf16], project)


def _read_clu_entity(entity: str, item: Fields, is_read: Callable[[str], bool], project: Project) -> None:
    project.entities.add(entity)
    for sublist in objects_of(dict_of(item.get("list")).get("sublists")):
        synonyms = objects_of(sublist.get("synonyms"))
        ours = [item for item in synonyms if is_read(_language(item))]
        values = [value for item in ours or synonyms for value in strings_of(item.get("values"))]
        for key in strings_of([sublist.get("listKey")]) or values[:1]:
            project.lists[entity].append(Listed(key, values, False, Where(project.file)))
    for prebuilt in objects_of(item.get("prebuilts")):
        category = _name(prebuilt, "category")
        if category is not None:
            project.slot_types.setdefault(entity, category)


def _clu_utterance(item: Any, at: str, project: Project) -> list[_Utterance]:
    text, intent = _name(item, "text"), _name(item, "intent")
    if not isinstance(item, dict) or text is None or intent is None:
        project.leave_out("utterances without text or intent", item, at)
        return []
    spans: list[tuple[Given, str] | None] = []
    for entity in _list(item, "entities", project):
        label = _name(entity, "category")
        offset, length = (entity.get("offset"), entity.get("length")) if isinstance(entity, dict) else (None, None)
        if label is None or type(offset) is not int or type(length) is not int:
            kind = f"spans without category, offset or length, {UNANNOTATED}"
            project.oddities.note(kind, entity, Where(project.file, at))
            spans.append(None)
        else:
            spans.append((Given(offset, offset + length, text_of(entity.get("text"))), label))
    part = PART_WORDS.get(str(item.get("dataset")).lower(), project.part)
    return [_Utterance(Positions(text), intent, spans, part, Where(project.file, at))]


__all__ = ["NAME", "SUFFIXES", "Listed", "Project", "detect", "read"]
