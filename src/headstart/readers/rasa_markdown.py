"""Rasa NLU training data in Markdown (Rasa up to 2.x), and the markup of examples that the YAML form shares.

A file, or a folder or archive with several, such as the `data` of a project. Read are the sections `## intent:NAME`,
`## synonym:VALUE` and `## lookup:NAME`, whose items begin with `-`, `*` or `+`; a lookup table may name a file of values instead, which
is read if it is in the folder. Sections of other kinds (stories), regular expressions and comments are not read.

Of an example's markup, `[value](entity)`, `[value](entity:meaning)` and `[value]{"entity": ..., "role": ..., "group": ..., "value": ...}`,
the slot label is the entity or, where there is a role, `entity:role`; groups are not read. Of `[value][{...}, {...}]`, several entities
of one span, the first is kept.

The values of a lookup table belong to the entity of the same name. Synonyms are values of every entity of which one of them, or what
they stand for, occurs in examples or lookup tables. An entity's values are those of all its labels. The text of examples is kept
verbatim but for blanks at its ends.
"""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.readers.fields import Fields, dict_of, list_of, text_of
from headstart.readers.oddities import Oddities
from headstart.readers.parts import annotate, annotated_row, parts_in
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

NAME = "rasa_markdown"
SUFFIXES: tuple[str, ...] = (".md",)
SPLIT = "train_test_split"  # the folder that `rasa data split nlu` makes
BLANKS = "\n\r "  # what Rasa strips off examples
SECTION = re.compile(r"##+[ \t]*(intent|synonym|regex|lookup)[ \t]*:(.+)")
OTHER_SECTION = re.compile(r"##[ \t]*[^\s:][^:]*:.")
HAS_SECTION = re.compile(r"^[ \t]*##+[ \t]*(?:intent|synonym|regex|lookup)[ \t]*:", re.MULTILINE)
# What follows the value in square brackets. The bounds keep malformed text from being searched to its end again and again.
ANNOTATION = re.compile(
    r"\((?P<entity>[^:)]{1,500}+)(?::(?P<meaning>[^)]{1,500}+))?\)|(?P<object>\{[^}]{1,2000}+\})|(?P<objects>\[\{[^\[\]]{1,2000}+\])"
)


class Annotation(NamedTuple):
    """An annotated value of an example, and what it means where that is said."""

    value: str
    entity: str
    role: str | None = None
    meaning: str | None = None

    @property
    def label(self) -> str:
        """The slot label."""
        return f"{self.entity}:{self.role}" if self.role else self.entity


class RasaData:
    """What is found in the files of a project.

    Args:
        source: where lookup tables that are files of their own are looked for.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.oddities = Oddities()
        self.patterns = 0
        self._templates: list[Template] = []
        self._held_out: dict[str, dict[Template, bool]] = defaultdict(dict)  # by part: whether it is of a split
        self._part_of: dict[str, str] = {}
        self._part = "train"
        self._is_split = False
        self._lookups: dict[str, list[str]] = defaultdict(list)
        self._synonyms: dict[str, list[str]] = defaultdict(list)
        self._labels: dict[str, dict[str, None]] = defaultdict(dict)
        self._entities: dict[str, dict[str, None]] = defaultdict(dict)

    def plan(self, files: Sequence[SourceFile]) -> None:
        """Say which files are read, whose names may say that they are held out; where all are, all are trained on."""
        self._part_of = parts_in(self.source, files, is_project=True)
        if "train" not in self._part_of.values():
            self._part_of = {}

    def begin(self, file: SourceFile) -> None:
        """Say of which file the next examples are."""
        self._part = self._part_of.get(file.name, "train")
        self._is_split = SPLIT in file.name.lower().split("/")

    def _add(self, template: Template) -> None:
        if self._part == "train":
            self._templates.append(template)
        else:
            self._held_out[self._part][template] = self._is_split

    def add_example(self, text: Any, intent: str | None, has_slots: bool = True) -> None:
        """Add an example with markup; `has_slots` is False if its slots are not annotated."""
        text = text_of(text)
        if text is None:
            self.oddities["examples that are not text"] += 1
            return
        parts: list[str | Slot] = []
        for piece in parse_markup(text.strip(BLANKS), self.oddities):
            if isinstance(piece, str):
                parts.append(piece)
            else:
                self._note(piece)
                parts.append(Slot(piece.label, piece.value))
        if any(isinstance(part, Slot) or part.strip() for part in parts):
            self._add(Template(intent, tuple(parts), has_slots))

    def add_spans(self, text: str, intent: str | None, spans: Iterable[tuple[int, int, Annotation]]) -> None:
        """Add an example whose annotations have offsets; their values are those of the text."""
        spans = [(start, end, annotation._replace(value=text[max(start, 0) : max(end, 0)])) for start, end, annotation in spans]
        labels = [(start, end, annotation.label) for start, end, annotation in spans]
        self._add(annotate(text, labels, intent, self.oddities))
        for _, _, annotation in spans:
            if annotation.value.strip():
                self._note(annotation)

    def add_lookup(self, name: str, values: Iterable[Any]) -> None:
        """Add values of a lookup table."""
        for value in values:
            if text_of(value) is None:
                self.oddities["lookup values that are not text"] += 1
            else:
                self._lookups[name].append(value.strip(BLANKS))

    @cached_property
    def _named(self) -> dict[str, list[SourceFile]]:
        """The files by their names without folders, in lower case."""
        named: dict[str, list[SourceFile]] = defaultdict(list)
        for file in self.source.files:
            named[file.name.lower().rpartition("/")[2]].append(file)
        return named

    def add_lookup_file(self, name: str, path: str) -> None:
        """Add the values of a lookup table that is a file of its own, one a line."""
        steps = [step for step in re.split(r"[\\/]+", path.strip().lower()) if step not in ("", ".", "..")]
        for length in range(len(steps), 0, -1):  # the folder that is read may be any of those on the path
            for file in self._named.get(steps[-1], ()):
                if file.name.lower().split("/")[-length:] == steps[-length:]:
                    self.add_lookup(name, [line for line in file.text.split("\n") if line.strip()])
                    return
        self.oddities["lookup tables whose file is not in the folder that is read"] += 1

    def add_synonym(self, meaning: str, value: Any) -> None:
        """Add a way to say what a value means."""
        if text_of(value) is None:
            self.oddities["synonyms that are not text"] += 1
        else:
            self._synonyms[meaning].append(value.strip(BLANKS))

    def catalogs(self) -> dict[str, list[str]]:
        """The values of lookup tables and synonyms by slot label."""
        values = {entity: dict.fromkeys(found) for entity, found in self._lookups.items()}
        entities = defaultdict(dict, {key: dict(found) for key, found in self._entities.items()})
        for entity, found in values.items():
            for value in found:
                entities[value.lower()][entity] = None
        for meaning, synonyms in self._synonyms.items():
            group = dict.fromkeys([meaning, *synonyms])
            owners = dict.fromkeys(entity for value in group for entity in entities.get(value.lower(), ()))
            self.oddities["synonyms of values that occur in no example or lookup table"] += not owners
            for entity in owners:
                values.setdefault(entity, {}).update(group)
        catalogs: dict[str, dict[str, None]] = defaultdict(dict)
        for entity, found in values.items():
            for label in self._labels.get(entity, {entity: None}):
                catalogs[label].update(found)
        return {label: list(found) for label, found in catalogs.items()}

    def skill(self, name: str) -> Skill:
        """The skill of all that was added. Every example is a row, but for those that repeat one in text, intent and slots.

        Raises:
            DataError: there is no example.
        """
        distinct = dict.fromkeys(self._templates)
        self.oddities["examples that occur before"] += len(self._templates) - len(distinct)
        split_off = {template for held_out in self._held_out.values() for template, is_split in held_out.items() if is_split}
        templates = [template for template in distinct if template not in split_off] or list(distinct)
        self.oddities[f"examples of training that {SPLIT} holds out"] += len(distinct) - len(templates)
        catalogs = self.catalogs()
        self.oddities.warn(self.source.path)
        if self.patterns:
            logger.info("%s: regular expressions are not read (%d)", self.source.path, self.patterns)
        if not templates:
            raise DataError(f"{self.source.path}: no intent has an example: there is nothing to train on. Add examples.")
        train, validation, test = (
            [annotated_row(template) for template in found]
            for found in (templates, self._held_out["validation"], self._held_out["test"])
        )
        skill = Skill(name, train=train, catalogs=catalogs, templates=templates)
        return skill.replace(validation=validation or None, test=test or None, allow_unseen_labels=True)

    def _note(self, annotation: Annotation) -> None:
        if self._part != "train":
            return
        self._labels[annotation.entity][annotation.label] = None
        self._entities[annotation.value.strip().lower()][annotation.entity] = None
        if annotation.meaning is not None and annotation.meaning != annotation.value:
            self._synonyms[annotation.meaning].append(annotation.value.strip())


def parse_markup(text: str, oddities: Oddities | None = None) -> list[str | Annotation]:
    """Cut an example into literal text and annotated values.

    Args:
        text: the example.
        oddities: counts what could not be read; such markup is replaced by its value.
    """
    pieces: list[str | Annotation] = []
    end = start = 0
    while (start := text.find("[", start)) >= 0:
        close = text.find("]", start + 1)
        if close == start + 1:  # empty brackets are text, and no value holds a closing bracket
            start = close
            continue
        match = ANNOTATION.match(text, close + 1) if close > 0 else None
        if match is not None:
            value = text[start + 1 : close]
            annotation = _annotation(value, match)
            if annotation is None and oddities is not None:
                oddities["annotations without an entity or a value"] += 1
            _append(pieces, text[end:start])
            _append(pieces, annotation or value)
            end = start = match.end()
        elif close < 0:
            break
        else:
            start = close + 1
    _append(pieces, text[end:])
    return pieces


def _append(pieces: list[str | Annotation], piece: str | Annotation) -> None:
    if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
        pieces[-1] += piece
    elif piece:
        pieces.append(piece)


def _annotation(value: str, match: re.Match[str]) -> Annotation | None:
    if match["entity"] is not None:
        entity = text_of(match["entity"])
        found: Fields = {"entity": entity.strip() if entity else None, "value": match["meaning"]}
    else:
        try:
            content = json.loads(match["object"] or match["objects"])
        except (ValueError, RecursionError):
            return None
        found = dict_of(list_of(content)[0]) if list_of(content) else dict_of(content)
    if text_of(value) is None:
        return None
    return annotation_of(value, found)


def annotation_of(value: str, fields: Fields) -> Annotation | None:
    """The annotation with these fields, `entity`, `role` and `value`; None if there is no entity."""
    entity = text_of(fields.get("entity"))
    if entity is None:
        return None
    return Annotation(value, entity, text_of(fields.get("role")), text_of(fields.get("value")))


def detect(source: Source) -> bool:
    """Whether a Markdown file, or the file that the path is, has a section of training data."""
    return bool(markdown_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: a file is not text, or no intent has an example.
    """
    data = RasaData(source)
    files = markdown_files(source)
    data.plan(files)
    for file in files:
        data.begin(file)
        add_markdown(file, data)
    return data.skill(name)


def markdown_files(source: Source) -> list[SourceFile]:
    """The files of a source that have a section of training data."""
    found = [file for file in source.candidates(".md", ".markdown") if HAS_SECTION.search(file.text_or_none or "")]
    return [file for file in found if file is source.only or file.stem.lower() != "readme"]


def add_markdown(file: SourceFile, data: RasaData) -> None:
    """Add what a Markdown file holds.

    Raises:
        DataError: a lookup table's own file is not text.
    """
    kind = title = ""
    empty: dict[str, int] = {}
    for line in _without_comments(file.text).split("\n"):
        line = line.strip()
        section = SECTION.match(line)
        if section is not None:
            kind, title = section[1], section[2].strip()
            if kind == "intent" and title:
                empty.setdefault(title, 0)
        elif OTHER_SECTION.match(line):
            kind = title = ""
        elif title and line[:1] in ("-", "*", "+") and line[1:].strip():
            if kind == "intent":
                empty[title] = 1
            _add_item(kind, title, line[1:].strip(), data)
        elif title and kind == "lookup" and line and not line.startswith("#"):
            data.add_lookup_file(title, line)
    data.oddities["intents without examples"] += sum(not count for count in empty.values())


def _add_item(kind: str, title: str, item: str, data: RasaData) -> None:
    if kind == "intent":
        data.add_example(item, title)
    elif kind == "synonym":
        data.add_synonym(title, item)
    elif kind == "lookup":
        data.add_lookup(title, [item])
    else:
        data.patterns += 1


def _without_comments(text: str) -> str:
    # Not a regular expression: it would search the rest of the text for the end of each comment that has none.
    kept, *commented = text.split("<!--")
    for piece in commented:
        comment, closed, rest = piece.partition("-->")
        kept += rest if closed else "<!--" + comment
    return kept


__all__ = [
    "NAME",
    "SUFFIXES",
    "Annotation",
    "RasaData",
    "add_markdown",
    "annotation_of",
    "detect",
    "markdown_files",
    "parse_markup",
    "read",
]
