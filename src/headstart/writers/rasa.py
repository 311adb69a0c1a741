"""A skill as Rasa NLU training data, in the YAML format 3.1.

Every training row becomes an example of its intent with its values in place, every catalog a lookup table, and every value with synonyms an item
`synonym`. `headstart.readers.rasa` reads the same rows, catalogs and canonical values from it. What is not the same, each counted in a warning:

- a row without an intent is written under a name that no intent has (`no_intent`), and a row whose slots are not annotated as if it had
  none: Rasa has neither. Metadata, which Rasa leaves alone, tells the reader which they are, so that nothing is lost;
- square brackets that Rasa would take for markup become round ones, because nothing can be escaped in an example, and so do braces and double
  quotes that look like the rest of damaged markup;
- blanks and line breaks at the ends of a text that no slot holds are lost;
- blanks at the ends of a catalog's values, values that are blank or repeated, and catalogs without values are lost, and line breaks in
  values become blanks;
- ids of values are lost: Rasa has none. Its synonyms are of all entities, so that a form with two meanings has one, and a value that another label
  lists too belongs to that one as well.

Examples with line breaks or control characters are written as a list of objects with `text`, the others as one text with a line each.
Validation and test rows, slot types and the invocation are not written, nor is a domain.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NotRequired, TypedDict

import yaml

from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.data.templates import Slot, row_template
from headstart.data.texts import plain_text
from headstart.readers.oddities import Oddities
from headstart.readers.rasa_markdown import BLANKS, Annotation, MarkupError, parse_markup
from headstart.saving import write_file

NAME = "rasa"
SUFFIXES: tuple[str, ...] = (".yml", ".yaml")
VERSION = "3.1"
# As many characters, so that slots are where they were. The second is for what only our reader takes for the rest of damaged markup.
ROUND = {
    "square brackets became round ones": str.maketrans("[]", "()"),
    "brackets, braces or quotes became others": str.maketrans('[]{}"', "()()'"),
}
PLAIN_LABEL = re.compile(r"\w+")
# Characters that YAML escapes, so that a text with them cannot be a block of lines, and those that Rasa takes for the end of a line.
NOT_IN_LINE = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffd]")


class _Block(str):
    """Text that YAML shows as lines."""


class _Quoted(str):
    """Text that YAML shows in double quotes."""


# What the file holds, from the inside out.


class _Text(TypedDict):
    text: _Quoted


class _Unannotated(TypedDict):
    unannotated: list[str]


class _Metadata(TypedDict):
    headstart: _Unannotated


class _Intent(TypedDict):
    intent: str
    metadata: NotRequired[_Metadata]
    examples: NotRequired[_Block | list[_Text]]


class _Lookup(TypedDict):
    lookup: str
    examples: _Block


class _Synonym(TypedDict):
    synonym: str
    examples: _Block


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Its own class, because how a type is shown is a property of the class."""


_Dumper.add_representer(_Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))
_Dumper.add_representer(_Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def write(skill: Skill, path: Path) -> None:
    """Write a skill's training rows and catalogs; what the format cannot express is counted in warnings.

    Args:
        skill: what to write.
        path: the YAML file; one that is there is replaced.

    Raises:
        OSError: the file cannot be written.
    """
    changes = Oddities()
    content = {
        "version": _Quoted(VERSION),
        "nlu": [*_intents(skill, changes), *_lookups(skill.catalogs, changes), *_synonyms(skill, changes)],
    }
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    write_file(Path(path), text)
    changes.warn(path)


def _intents(skill: Skill, changes: Oddities) -> list[_Intent]:
    no_intent = "no_intent"
    while no_intent in skill.intents:
        no_intent += "_"
    # Rows that are one item: of the same intent, annotated alike, and all fit for lines or not.
    groups: dict[tuple[str | None, bool, bool], list[str]] = defaultdict(list)
    for row in skill.rows("train"):
        example = _example(row, changes)
        groups[row["intent"], row["slots"] is None, bool(NOT_IN_LINE.search(example))].append(example)
        if row["intent"] is None:
            changes.note(f"rows without an intent, written as {no_intent!r}", row["text"])
        if row["slots"] is None:
            changes.note("rows whose slots are not annotated, written as if they had none", row["text"])
    items: list[_Intent] = []
    for (intent, is_open, is_quoted), examples in groups.items():
        unannotated = ["intent"] * (intent is None) + ["slots"] * is_open
        item: _Intent = {"intent": _scalar(no_intent if intent is None else intent)}
        if unannotated:
            item["metadata"] = {"headstart": {"unannotated": unannotated}}
        item["examples"] = [{"text": _Quoted(example)} for example in examples] if is_quoted else _lines(examples)
        items.append(item)
    return items


def _example(row: Row, changes: Oddities) -> str:
    """The row as an example: with square brackets that are read as they are meant."""
    example = _markup(row)
    for change, table in ROUND.items():
        rounded: Row = {**row, "text": row["text"].translate(table)}
        if _is_misread(row, example) and rounded["text"] != row["text"] and not _is_misread(rounded, _markup(rounded)):
            changes.note(f"rows in which {change}", row["text"])
            row, example = rounded, _markup(rounded)
    stripped = example.strip(BLANKS)
    if stripped != example:
        changes.note("rows that lost blanks at their ends", row["text"])
    return stripped


def _markup(row: Row) -> str:
    return "".join(f"[{part.value}]{_name(part.label)}" if isinstance(part, Slot) else part for part in row_template(row).parts)


def _name(label: str) -> str:
    if PLAIN_LABEL.fullmatch(label):
        return f"({label})"
    # A closing brace would end the object for Rasa wherever it is.
    return '{"entity": ' + json.dumps(label, ensure_ascii=False).replace("}", "\\u007d") + "}"


def _is_misread(row: Row, example: str) -> bool:
    try:
        pieces = parse_markup(example)
    except MarkupError:
        return True
    meant = [Annotation(part.value or "", part.label) if isinstance(part, Slot) else part for part in row_template(row).parts]
    # Later versions of Rasa also take `[a][b]` for markup.
    return pieces != meant or "][" in example


def _lookups(catalogs: dict[str, list[str]], changes: Oddities) -> list[_Lookup]:
    items: list[_Lookup] = []
    for label, values in catalogs.items():
        kept: dict[str, None] = {}
        for value in values:
            written = _written(value)
            if written != value or not written.strip() or written in kept:
                changes.note("catalog values that changed or are lost", f"{value} of {label}")
            kept.update({written: None} if written.strip() else {})
        if not kept:
            changes.note("catalogs without values, which are lost", label)
        if kept:
            items.append({"lookup": _scalar(label), "examples": _lines(kept)})
    return items


def _synonyms(skill: Skill, changes: Oddities) -> list[_Synonym]:
    """What stands for each value, whatever its label."""
    forms_of: dict[str, dict[str, None]] = defaultdict(dict)
    meaning_of: dict[str, str] = {}
    for label, values in skill.canonical.items():
        for value in values:
            if value.id is not None:
                changes.note("ids of values, which are lost", f"{value.id} of {label}")
            meaning = _written(value.value)
            for form in map(_written, value.synonyms):
                key = plain_text(form)
                if meaning_of.setdefault(key, meaning) == meaning:
                    forms_of[meaning].update({form: None} if form != meaning else {})
                else:
                    changes.note("synonyms that stand for another value before, and are lost", f"{form} of {label}")
    for label, listed in skill.catalogs.items():
        own = {form for value in skill.canonical.get(label, []) for form in value.forms}
        for form in listed:
            if form not in own and plain_text(_written(form)) in meaning_of:
                changes.note("values that become synonyms, since they are some of another label", f"{form} of {label}")
    return [{"synonym": _scalar(meaning), "examples": _lines(forms)} for meaning, forms in forms_of.items() if forms]


def _written(value: str) -> str:
    return " ".join(value.splitlines()).strip(BLANKS)


def _scalar(name: str) -> str:
    """The name of an intent or a catalog; yaml would write U+0085 as a line break, and read it as a blank."""
    return _Quoted(name) if NOT_IN_LINE.search(name) else name


def _lines(texts: Iterable[str]) -> _Block:
    return _Block("".join(f"- {text}\n" for text in texts))


__all__ = ["NAME", "SUFFIXES", "write"]
