"""Rasa NLU training data in Markdown (Rasa up to 2.x), and the markup of examples that the YAML form shares.

A file, or a folder or archive with several, such as the `data` of a project. Read are the sections `## intent:NAME`,
`## synonym:VALUE` and `## lookup:NAME`, whose items begin with `-`, `*` or `+`; a lookup table may name a file of values instead, which
is read if it is in the folder. Sections of other kinds (stories), regular expressions and comments are not read.

Of an example's markup, `[value](entity)`, `[value](entity:meaning)` and `[value]{"entity": ..., "role": ..., "group": ..., "value": ...}`,
the slot label is the entity or, where there is a role, `entity:role`; groups are not read. Of `[value][{...}, {...}]`, several entities
of one span, the first is kept. An example whose markup is damaged is left out as a whole: what is left of the markup would be learnt as words.

The values of a lookup table belong to the entity of the same name. Synonyms are values of every entity of which one of them, or what
they stand for, occurs in examples or lookup tables; what they stand for (the title of a synonym, a meaning, a `value`) is a value too if it is said
(see `normal_forms`; Rasa finds synonyms only). An entity's values are those of all its labels. The text of examples is kept
verbatim but for blanks at its ends.
"""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

from headstart.data.offsets import cuts_word, is_inside
from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.data.texts import plain_text
from headstart.modeling.catalog_headstart import CatalogValue, split_values
from headstart.readers.fields import Fields, dict_of, list_of, text_of
from headstart.readers.normal_forms import catalog_value, said_forms
from headstart.readers.oddities import NOWHERE, Oddities, Where
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
# What is left of markup in what should be plain text.
REST = re.compile(r'"entity"\s*:|\[[^\[\]()]{1,200}+\([\w:]{1,200}+\)|^[^\[\]]{1,200}+\]\(\w')
AFTER = '"}'  # right behind an object, of its damaged end; a quote or a brace alone may be of the text
JSON = json.JSONDecoder()


class MarkupError(ValueError):
    """An example whose markup is damaged; the message is what is wrong with it, to be counted."""


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
        self._entities: dict[str, dict[str, None]] = defaultdict(dict)  # of each value, as [`plain_text`] has it
        self._places: dict[str, Where] = {}  # of each canonical value

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

    def add_example(self, text: Any, intent: str | None, has_slots: bool = True, where: Where = NOWHERE) -> None:
        """Add an example with markup; `has_slots` is False if its slots are not annotated."""
        if text_of(text) is None:
            self.oddities.leave_out("examples that are not text", text, where)
            return
        try:
            pieces = parse_markup(text.strip(BLANKS))
        except MarkupError as error:
            self.oddities.leave_out(f"examples with {error}", text, where)
            return
        parts = [piece if isinstance(piece, str) else Slot(piece.label, piece.value) for piece in pieces]
        if any(isinstance(part, Slot) or part.strip() for part in parts):
            self._add(Template(intent, tuple(parts), has_slots))
        texts = ["", *(piece if isinstance(piece, str) else piece.value for piece in pieces), ""]
        for before, piece, after in zip(texts, pieces, texts[2:], strict=False):
            if not isinstance(piece, str):
                is_cut = is_inside(before[-1:], piece.value[:1]) or is_inside(piece.value[-1:], after[:1])
                self._note(piece, is_cut, where)

    def add_spans(
        self, text: str, intent: str | None, spans: Sequence[tuple[int, int, Annotation]], where: Where, is_annotated: bool = True
    ) -> None:
        """Add an example whose annotations have offsets, in characters; their values are those of the text."""
        labels = [(start, end, annotation.label) for start, end, annotation in spans]
        template = annotate(text, labels, intent, self.oddities, where)
        self._add(template if is_annotated else replace(template, has_slots=False))
        for start, end, annotation in spans:
            if 0 <= start < end and text[start:end].strip():
                self._note(annotation._replace(value=text[start:end]), cuts_word(text, start, end), where)

    def add_lookup(self, name: str, values: Iterable[Any], where: Where = NOWHERE) -> None:
        """Add values of a lookup table."""
        for value in values:
            if text_of(value) is None:
                self.oddities.leave_out("lookup values that are not text", value, where)
            else:
                self._lookups[name].append(value.strip(BLANKS))

    @cached_property
    def _named(self) -> dict[str, list[SourceFile]]:
        """The files by their names without folders, in lower case."""
        named: dict[str, list[SourceFile]] = defaultdict(list)
        for file in self.source.files:
            named[file.name.lower().rpartition("/")[2]].append(file)
        return named

    def add_lookup_file(self, name: str, path: str, where: Where = NOWHERE) -> None:
        """Add the values of a lookup table that is a file of its own, one a line."""
        steps = [step for step in re.split(r"[\\/]+", path.strip().lower()) if step not in ("", ".", "..")]
        for length in range(len(steps), 0, -1):  # the folder that is read may be any of those on the path
            for file in self._named.get(steps[-1], ()):
                if file.name.lower().split("/")[-length:] == steps[-length:]:
                    self.add_lookup(name, [line for line in file.text.split("\n") if line.strip()])
                    return
        self.oddities.leave_out("lookup tables whose file is not in the folder that is read", path, where)

    def add_synonym(self, meaning: str, value: Any, where: Where = NOWHERE) -> None:
        """Add a way to say what a value means."""
        if text_of(value) is None:
            self.oddities.leave_out("synonyms that are not text", value, where)
        else:
            self._synonyms[meaning].append(value.strip(BLANKS))
            self._places.setdefault(meaning, where)

    def catalogs(self) -> dict[str, list[str | CatalogValue]]:
        """The values of lookup tables and synonyms by slot label."""
        values: dict[str, dict[str | CatalogValue, None]] = {
            entity: dict.fromkeys(found) for entity, found in self._lookups.items()
        }
        entities = defaultdict(dict, {key: dict(found) for key, found in self._entities.items()})
        for entity, looked_up in self._lookups.items():
            for value in looked_up:
                entities[plain_text(value)][entity] = None
        said = {*entities, *(form for synonyms in self._synonyms.values() for form in said_forms(synonyms))}
        for meaning, synonyms in self._synonyms.items():
            owners = dict.fromkeys(entity for value in (meaning, *synonyms) for entity in entities.get(plain_text(value), ()))
            if not owners:
                kind = "synonyms of values that occur in no example or lookup table"
                self.oddities.leave_out(kind, meaning, self._places[meaning])
                continue
            group = catalog_value(meaning, synonyms, said, self.oddities, where=self._places[meaning])
            for entity in owners:
                values.setdefault(entity, {})[group] = None
        catalogs: dict[str, dict[str | CatalogValue, None]] = defaultdict(dict)
        for entity, listed in values.items():
            for label in self._labels.get(entity, {entity: None}):
                catalogs[label].update(listed)
        return {label: list(found) for label, found in catalogs.items()}

    def skill(self, name: str) -> Skill:
        """The skill of all that was added. Every example is a row, but for those that repeat one in text, intent and slots.

        Raises:
            DataError: there is no example.
        """
        distinct: dict[Template, None] = {}
        for template in self._templates:
            if template in distinct:
                self.oddities.leave_out("examples that occur before", f"{template.pattern} of {template.intent}")
            distinct[template] = None
        split_off = {template for held_out in self._held_out.values() for template, is_split in held_out.items() if is_split}
        templates = [template for template in distinct if template not in split_off] or list(distinct)
        if len(templates) < len(distinct):
            for template in distinct:
                if template in split_off:
                    kind = f"examples of training that {SPLIT} holds out"
                    self.oddities.leave_out(kind, f"{template.pattern} of {template.intent}")
        catalogs, canonical = split_values(self.catalogs())
        self.oddities.warn(self.source.path)
        if self.patterns:
            logger.info("%s: regular expressions are not read (%d)", self.source.path, self.patterns)
        if not templates:
            raise DataError(f"{self.source.path}: no intent has an example: there is nothing to train on. Add examples.")
        train, validation, test = (
            [annotated_row(template) for template in found]
            for found in (templates, self._held_out["validation"], self._held_out["test"])
        )
        skill = Skill(name, train=train, catalogs=catalogs, canonical=canonical, templates=templates)
        return skill.replace(validation=validation or None, test=test or None, allow_unseen_labels=True)

    def _note(self, annotation: Annotation, is_cut: bool, where: Where) -> None:
        """Keep what an annotation of training says of its entity; a value that cuts a word is nothing that is said."""
        if self._part != "train":
            return
        self._labels[annotation.entity][annotation.label] = None
        if is_cut:
            return
        self._entities[plain_text(annotation.value)][annotation.entity] = None
        if annotation.meaning is not None and annotation.meaning != annotation.value:
            self.add_synonym(annotation.meaning, annotation.value.strip(), where)


def parse_markup(text: str) -> list[str | Annotation]:
    """Cut an example into literal text and annotated values.

    Raises:
        MarkupError: markup is damaged.
    """
    pieces: list[str | Annotation] = []
    end = start = 0
    while (start := text.find("[", start)) >= 0:
        close = text.find("]", start + 1)
        if close < 0:
            break
        if close == start + 1 or not text.startswith(
            ("(", "{", "[{"), close + 1
        ):  # no value is empty, or holds a closing bracket
            start = close + (close > start + 1)
            continue
        annotation, stop = _annotation(text[start + 1 : close], text, close + 1)
        pieces += [text[end:start], annotation]
        end = start = stop
    pieces.append(text[end:])
    for number, piece in enumerate(pieces):
        if isinstance(piece, str) and (REST.search(piece) or (number and piece.startswith(AFTER))):
            raise MarkupError("annotations that are not closed, or have no beginning")
    return [piece for piece in pieces if piece]


def _annotation(value: str, text: str, start: int) -> tuple[Annotation, int]:
    """The annotation of a value, which begins at that place of the text, and its end."""
    if text[start] == "(":
        stop = text.find(")", start) + 1
        entity, colon, meaning = text[start + 1 : max(stop - 1, start)].partition(":")
        found: Fields = {"entity": entity.strip(), "value": meaning}
        is_damaged = not stop or (bool(colon) and not meaning)
    else:
        try:
            content, stop = JSON.raw_decode(text, start)
        except (ValueError, RecursionError):
            raise MarkupError("annotations that are no JSON") from None
        found = dict_of(content[0]) if list_of(content) else dict_of(content)
        is_damaged = False
    annotation = annotation_of(value, found)
    if annotation is None or text_of(value) is None or is_damaged:
        raise MarkupError("annotations without an entity or a value")
    return annotation, stop


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
    where = Where(file)
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
            _add_item(kind, title, line[1:].strip(), data, where)
        elif title and kind == "lookup" and line and not line.startswith("#"):
            data.add_lookup_file(title, line, where)
    for intent, count in empty.items():
        if not count:
            data.oddities.leave_out("intents without examples", intent, where)


def _add_item(kind: str, title: str, item: str, data: RasaData, where: Where) -> None:
    if kind == "intent":
        data.add_example(item, title, where=where)
    elif kind == "synonym":
        data.add_synonym(title, item, where)
    elif kind == "lookup":
        data.add_lookup(title, [item], where)
    else:
        data.patterns += 1


def _without_comments(text: str) -> str:
    # Not a regular expression: it would search the rest of the text for the end of each comment that has none.
    first, *commented = text.split("<!--")
    kept = [first]
    for piece in commented:
        comment, closed, rest = piece.partition("-->")
        kept.append(rest if closed else "<!--" + comment)
    return "".join(kept)


__all__ = [
    "NAME",
    "SUFFIXES",
    "Annotation",
    "MarkupError",
    "RasaData",
    "add_markdown",
    "annotation_of",
    "detect",
    "markdown_files",
    "parse_markup",
    "read",
]
