"""Skills from memory: lists of rows, `datasets.Dataset` and `DatasetDict`, pandas frames.

Columns are found by their names, in any case: the text in `text`, `utterance`, `query`, `sentence` or `phrase`, or as words in `tokens` or
`words`; the intent in `intent`, `label`, `category` or `class`; slots, if they are annotated, in `slots`, `slot_labels`, `entities`, `ner_tags` or the
like; the part that a row belongs to, if several are in one table, in `split` or `partition`. Numbers stand for the names of a `ClassLabel`.

Slots are spans (`{"start", "end", "label"}`, characters, the end exclusive), values by label that are looked for in the text (`{label: value}`), a tag
for each word, or a cell as a table has it (see `slot_cells`). A row without them, or with None, has slots that are not annotated, where an empty list,
or an empty mapping, says that there are none.
"""

from __future__ import annotations

import json
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple, TypeGuard

from headstart.data.rows import DataError, Row, check_row, counted, kind_of, shorten, such_as, warn_of_repairs
from headstart.data.skills import PARTS, Skill, skill_name
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import PART_WORDS, annotated_row
from headstart.readers.slot_cells import slots_template
from headstart.readers.table import INTENT_NAMES, ONE_COLUMN, PART_NAMES, SLOT_NAMES, TEXT_NAMES
from headstart.readers.tags import TAG, tagged_template

logger = logging.getLogger(__name__)

WORD_NAMES = ("tokens", "words")
TAG_NAMES = (*SLOT_NAMES, "slot_tags", "tags", "slot")
WANTED = '[{"text": "wake me at seven", "intent": "SetAlarm", "slots": [{"start": 11, "end": 16, "label": "time"}]}]'
DEFAULT_NAME = "skill"
Names = Callable[[Any], Any]  # of a number that stands for a label, its name


class _Columns(NamedTuple):
    """Which columns hold what; None for those that a table lacks."""

    text: str | None
    words: str | None
    intent: str | None
    slots: str | None
    part: str | None


class _Table(NamedTuple):
    """Rows with any columns, and what tells the names of labels that are numbers, by column."""

    rows: list[Mapping[str, Any]]
    names: Mapping[str, Names]


def is_path(source: object) -> TypeGuard[str | PathLike[str]]:
    """Whether a skill is to be read from a disk."""
    return isinstance(source, str | PathLike)


def skill_from_memory(source: Any, name: str | None = None, allow_unseen_labels: bool = False) -> Skill:
    """The skill that something in memory holds.

    Args:
        source: a [`Skill`], which stays as it is; rows; or rows by the names of their parts, such as a `DatasetDict`.
        name: the skill's name; `skill` if it is left out.
        allow_unseen_labels: see [`Skill`].

    Raises:
        DataError: it is nothing of that, or a row is not as it must be.
    """
    if isinstance(source, Skill):
        return source if name in (None, source.name) else source.replace(name=name)
    parts: dict[str, list[Row]] = defaultdict(list)
    for part, content in _parts_of(source).items():
        for own, row in _read_table(content, part):
            parts[own].append(row)
    if not parts["train"]:
        found = ", ".join(part for part, rows in parts.items() if rows)
        raise DataError(f"there is no training row{f', only of {found}' if found else ''}; wanted: {WANTED}.")
    return Skill(
        DEFAULT_NAME if name is None else skill_name(name),
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        allow_unseen_labels=allow_unseen_labels,
    )


def rows_from_memory(source: Any) -> list[Row]:
    """The rows of a list, a `Dataset` or a frame, with the columns of a row.

    Raises:
        DataError: it is something else, or a row is not as it must be.
    """
    return [row for _, row in _read_table(source, "train")]


def _parts_of(source: Any) -> Mapping[str, object]:
    """The tables of a source by part."""
    if not isinstance(source, Mapping):
        return {"train": source}
    parts: dict[str, object] = {}
    for key, content in source.items():
        part = PART_WORDS.get(str(key).lower())
        if part is None or part in parts:
            raise DataError(
                f"found a mapping with {', '.join(map(shorten, list(source)[:8]))}; allowed: rows by part ({', '.join(PARTS)}), or a list of "
                f"rows: {WANTED}."
            )
        parts[part] = content
    return parts


def _read_table(source: Any, part: str) -> Iterable[tuple[str, Row]]:
    """The rows of a table, each with the part that it belongs to: that one, if no column says another."""
    table = _table_of(source)
    if not table.rows:
        return []
    columns = _find_columns(table.rows)
    oddities, repairs = Oddities(), list[str]()
    read = []
    for number, fields in enumerate(table.rows, start=1):
        own = part if columns.part is None else _part_of(fields.get(columns.part), f"row {number}, column {columns.part!r}")
        where = f"{own} row {number}"
        row = _read_row(fields, columns, table.names, where=where, oddities=oddities)
        read.append((own, check_row(row, where, repairs)))
    warn_of_repairs(repairs)
    oddities.warn("rows from memory")
    return read


def _table_of(source: Any) -> _Table:
    kind = type(source)
    if hasattr(source, "columns") and hasattr(source, "to_dict"):
        return _Table([{str(key): value for key, value in row.items()} for row in source.to_dict("records")], {})
    is_stream = hasattr(source, "features") and not hasattr(source, "__len__")
    if hasattr(source, "to_list") and hasattr(source, "features") and not is_stream:
        return _Table(source.to_list(), {name: _names_of(feature) for name, feature in source.features.items()})
    if isinstance(source, str | bytes | Mapping) or not isinstance(source, Iterable) or is_stream:
        hint = " Of a stream, make a Dataset first: Dataset.from_list(list(stream))." if is_stream else ""
        raise DataError(
            f"found {kind_of(source)} ({kind.__module__}.{kind.__qualname__}); allowed: a path, a Skill, a datasets.Dataset or DatasetDict, a pandas frame, "
            f"or rows: {WANTED}.{hint}"
        )
    rows = list(source)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise DataError(f"row {number}: found {shorten(row)}; allowed: {WANTED[1:-1]}.")
    return _Table(rows, {})


def _names_of(feature: Any) -> Names:
    """What tells the names of the numbers in a column of a `Dataset`: its `ClassLabel`, however deep in lists and fields it is."""
    if hasattr(feature, "int2str"):
        return lambda value: feature.int2str(value) if isinstance(value, int) and value >= 0 else None
    if isinstance(feature, Mapping):
        fields = {name: _names_of(inner) for name, inner in feature.items()}
        return lambda value: (
            {key: fields[key](item) if key in fields else item for key, item in value.items()}
            if isinstance(value, Mapping)
            else value
        )
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
    if inner is None:
        return lambda value: value
    names = _names_of(inner)

    def of_list(value: Any) -> Any:
        if isinstance(value, Mapping):  # a list of objects, column by column
            return {key: [names({key: item})[key] for item in items] for key, items in value.items()}
        return value if value is None else [names(item) for item in value]

    return of_list


def _find_columns(rows: Sequence[Mapping[str, Any]]) -> _Columns:
    """Which columns hold what.

    Raises:
        DataError: there is no text, or nothing else that is read.
    """
    known = dict.fromkeys(key for row in rows for key in row)
    lower: dict[str, str] = {}
    for key in known:
        lower.setdefault(str(key).strip().lower(), key)

    def find(names: Sequence[str]) -> str | None:
        return next((lower[name] for name in names if name in lower), None)

    columns = _Columns(find(TEXT_NAMES), find(WORD_NAMES), find(INTENT_NAMES), find(TAG_NAMES), find(PART_NAMES))
    shown = ", ".join(map(shorten, list(known)[:8])) or "none"
    if columns.text is None and columns.words is None:
        raise DataError(
            f"found the columns {shown}; there must be one called {' or '.join((*TEXT_NAMES, *WORD_NAMES))}: {WANTED}."
        )
    if columns.intent is None and columns.slots is None:
        raise DataError(
            f"found the columns {shown}; there must be one of intents ({', '.join(INTENT_NAMES)}) or of slots ({', '.join(SLOT_NAMES)}): {WANTED}."
        )
    unread = [str(key) for key in known if key not in columns]
    hint = f"; {ONE_COLUMN}" if columns.slots is None else ""
    if unread:
        logger.warning("columns that are not read: %s; read are %s%s", such_as(unread), ", ".join(filter(None, columns)), hint)
    return columns


def _part_of(cell: Any, where: str) -> str:
    part = PART_WORDS.get(str(cell).strip().lower())
    if part is None:
        raise DataError(f"{where}: found {shorten(cell)}; allowed: train, validation or test, or another name for the column.")
    return part


def _read_row(fields: Mapping[str, Any], columns: _Columns, names: Mapping[str, Names], *, where: str, oddities: Oddities) -> Row:
    """The row that some fields stand for; its spans are not checked yet."""

    def value(column: str | None) -> Any:
        found = None if column is None else _plain(fields.get(column))
        return found if column is None or column not in names or found is None else names[column](found)

    intent = _intent(value(columns.intent), f"{where}, column {columns.intent!r}")
    words, text, slots = value(columns.words), value(columns.text), value(columns.slots)
    at = f"{where}, column {columns.slots!r}"
    if isinstance(slots, Mapping) and {"start", "end", "label"} <= slots.keys():
        slots = _objects(slots, at)
    if isinstance(slots, list) and any("start" not in slot for slot in slots if isinstance(slot, Mapping)):
        slots = json.dumps(slots, default=str)
    if words is not None and (text is None or _are_tags(slots)):
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise DataError(f"{where}, column {columns.words!r}: found {shorten(words)}; allowed: a list of words.")
        text = " ".join(words)
    if not isinstance(text, str):
        raise DataError(f"{where}, column {columns.text!r}: found {shorten(text)}; allowed: a string that is not blank.")
    if isinstance(slots, str):
        return {**annotated_row(slots_template(text, slots, "", at, oddities)), "intent": intent}
    if _are_tags(slots):
        said = words if words is not None else text.split()
        _check_tags(slots, said, at)
        return annotated_row(tagged_template(said, slots, intent, oddities, Where(at=at)))
    return {"text": text, "intent": intent, "slots": slots}


def _plain(value: Any) -> Any:
    """The value without numpy and pandas around it; None for what they call missing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    is_missing = (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if is_missing else value


def _intent(value: Any, where: str) -> str | None:
    if isinstance(value, int):
        raise DataError(
            f"{where}: found the number {value}; allowed: the name of an intent, or numbers of a ClassLabel: "
            "dataset.cast_column(name, ClassLabel(names=[...]))."
        )
    if value is not None and not isinstance(value, str):
        raise DataError(f"{where}: found {shorten(value)}; allowed: the name of an intent, or None where it is not annotated.")
    return value.strip() or None if isinstance(value, str) else None


def _objects(columns: Mapping[str, Any], where: str) -> list[Mapping[str, object]]:
    """The spans of a `Sequence` of objects, which older datasets show column by column."""
    if not all(isinstance(column, list) for column in columns.values()):
        return [dict(columns)]
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise DataError(f"{where}: found fields of different lengths, {shorten(dict(columns))}; allowed: spans, {WANTED[1:-1]}.")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _are_tags(slots: Any) -> bool:
    return isinstance(slots, list) and bool(slots) and not any(isinstance(slot, Mapping) for slot in slots)


def _check_tags(tags: list[Any], words: Sequence[str], where: str) -> None:
    wrong = next((tag for tag in tags if not (isinstance(tag, str) and TAG.fullmatch(tag))), None)
    if wrong is not None:
        raise DataError(
            f"{where}: found {shorten(wrong)}; allowed: tags such as O, B-time and I-time, or the numbers of a ClassLabel of these."
        )
    if len(tags) != len(words):
        raise DataError(f"{where}: found {counted(len(tags), 'tag')} for {counted(len(words), 'word')}; allowed: one each.")


__all__ = ["WANTED", "is_path", "rows_from_memory", "skill_from_memory"]
