"""Slots that stand in a column beside their utterance: a tag for each word, or entities as JSON.

- Tags, parted by blanks or commas or in a list: as many as the text has words between blanks.
- The text again, with Rasa's marks: `a [large](size) tea`.
- Entities: a list of `{"start", "end", "label"}` (characters, end exclusive) or `[start, end, label]`; or of `{"entity", "value"}`, or an object
  `{label: value}`, whose values are looked for in the text. Lists and objects may be written as Python writes them.

A cell that is blank or null says that slots are not annotated.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from headstart.data.offsets import UNITS, Given, Positions
from headstart.data.rows import DataError, counted, find_value, shorten
from headstart.data.templates import Slot, Template, tidy
from headstart.data.texts import plain_text
from headstart.modeling.json_headstart import distinct
from headstart.readers.fields import Fields, dict_of, text_of
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import annotate
from headstart.readers.rasa_markdown import MarkupError, parse_markup
from headstart.readers.tags import TAG, tagged_template

LABELS = ("label", "entity", "slot", "slot_name", "entity_name", "type", "name")
VALUES = ("text", "value", "entity_value", "word")  # the first may be what is said, the others what it means
ALLOWED = '{"size": "large"}; a tag for each word, such as "O O B-size"; the text with marks, such as a [large](size) tea; [{"start": 2, "end": 7, "label": "size"}]; or [{"entity": "size", "value": "large"}]'
MARKS = re.compile(r"\[[^\[\]]{1,200}+\][({]")  # a text that begins with a marked value
MAX_ENTITIES = 1000  # of an utterance, each of which may be looked for in all of it
Span = tuple[int, int, str]


def slots_template(text: str, cell: str, intent: str, where: str, oddities: Oddities) -> Template:
    """The template of an utterance with the slots that its cell holds.

    Args:
        text: the utterance.
        cell: what stands in the column.
        intent: of the utterance.
        where: file, line and column.
        oddities: counts what is left out.

    Raises:
        DataError: the cell holds something else, or what doesn't fit the text.
    """
    content = _content(cell, where)
    if content is None:
        return Template(intent, (" ".join(text.split()),), has_slots=False)
    if isinstance(content, str):
        return _checked_marks(text, content, intent, where)
    if isinstance(content, list) and content and all(isinstance(item, str) and TAG.fullmatch(item) for item in content):
        words = text.split()
        if len(words) != len(content):
            raise DataError(
                f"{where}: found {counted(len(content), 'tag')} for the {counted(len(words), 'word')} of {shorten(text)}; allowed: one each."
            )
        return tagged_template(words, content, intent, oddities, Where(at=where))
    if not isinstance(content, (list, dict)):
        raise DataError(f"{where}: found {shorten(cell)}; allowed: {ALLOWED}.")
    return annotate(text, list(_spans(content, Positions(text), where, oddities)), intent, oddities, Where(at=where))


def marked_template(text: str, intent: str | None) -> Template:
    """The template of a text with Rasa's marks, `a [large](size) tea`.

    Raises:
        MarkupError: marks are damaged.
    """
    pieces = parse_markup(text.strip())
    return Template(intent, tuple(tidy(piece if isinstance(piece, str) else Slot(piece.label, piece.value) for piece in pieces)))


def _checked_marks(text: str, cell: str, intent: str, where: str) -> Template:
    try:
        template = marked_template(cell, intent)
    except MarkupError as error:
        raise DataError(f"{where}: found {error}, in {shorten(cell)}; allowed: {ALLOWED}.") from error
    if not template.slots:
        raise DataError(f"{where}: found {shorten(cell)}; allowed: {ALLOWED}.")
    if plain_text(template.fill([slot.value or "" for slot in template.slots])["text"]) != plain_text(text):
        raise DataError(f"{where}: found {shorten(cell)} beside the text {shorten(text)}; allowed: {ALLOWED}.")
    return template


def _content(cell: str, where: str) -> Any:
    """A list or object; None for nothing; and the cell itself if it is something else.

    Raises:
        DataError: a name stands twice in an object.
    """
    cell = cell.strip()
    if not cell or cell in ("null", "None", "nan", "NaN"):
        return None
    if cell[0] not in "[{" or MARKS.match(cell):
        tags = re.split(r"[\s,]+", cell)
        return tags if all(map(TAG.fullmatch, tags)) else cell
    for parse in (_parse_json, _parse_python):
        try:
            return parse(cell)
        except DataError as error:
            raise DataError(f"{where}: {error}, of which only the last would be read; give its values in a list.") from error
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return cell


def _parse_json(cell: str) -> Any:
    return json.loads(cell, object_pairs_hook=_object)


def _parse_python(cell: str) -> Any:
    tree = ast.parse(cell, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            _object([(str(getattr(key, "value", key)), None) for key in node.keys])
    return ast.literal_eval(tree)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    try:
        return distinct(pairs)
    except ValueError as error:
        raise DataError(str(error)) from error


def _spans(content: Any, positions: Positions, where: str, oddities: Oddities) -> Iterator[Span]:
    items = [content] if isinstance(content, dict) and not {"start", *VALUES}.isdisjoint(content) else content
    if isinstance(items, dict):
        items = [
            {"label": label, "value": value}
            for label, values in items.items()
            for value in (values if isinstance(values, list) else [values])
        ]
    if len(items) > MAX_ENTITIES:
        raise DataError(f"{where}: found {len(items)} entities in one utterance; allowed: {MAX_ENTITIES}.")
    for item in items:
        is_triple = isinstance(item, (list, tuple)) and len(item) == 3
        fields = dict(zip(("start", "end", "label"), item, strict=True)) if is_triple else dict_of(item)
        label = next(filter(None, (text_of(fields.get(key)) for key in LABELS)), None)
        if label is None:
            raise DataError(f"{where}: found {shorten(item)}, in which no slot is named; allowed: {ALLOWED}.")
        yield (*_place(fields, positions, where, oddities), label.strip())


def _place(item: Fields, positions: Positions, where: str, oddities: Oddities) -> tuple[int, int]:
    """Start and end of what an entity is of."""
    text, start, end = positions.text, item.get("start"), item.get("end")
    value = next((item[key] for key in VALUES if isinstance(item.get(key), str) and item[key].strip()), None)
    if start is None and end is None and value is not None:
        return find_value(value.strip(), text, where)
    given = Given(start, end, value) if type(start) is int and type(end) is int else None
    place = None if given is None else positions.locate(given, may_be_normal=True)
    if place is None and given is not None and value is not None and positions.characters(given.start, given.end, UNITS[0]):
        found = shorten(text[given.start : given.end])
        raise DataError(
            f"{where}: found {value!r} at {start}-{end}, where the text {shorten(text)} has {found}; correct one of these."
        )
    if place is None:
        raise DataError(
            f"{where}: found {shorten(item)}; allowed: 0 <= start < end <= {len(text)}, the characters of {shorten(text)}."
        )
    if place.is_repaired:
        shown = f"{start}-{end} {value} in {text}"
        oddities.note("entities whose offsets don't fit their value, and are put right", shown, Where(at=where))
    return place.start, place.end


__all__ = ["marked_template", "slots_template"]
