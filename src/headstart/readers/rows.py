"""Headstart's own format: a JSON-lines file of rows, or a folder with `train.jsonl` (see `headstart.data.rows`)."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
from pathlib import Path

from headstart.data.rows import (
    CATALOGS,
    FIELDS,
    SUFFIXES,
    DataError,
    Row,
    counted_kind,
    kind_of,
    parse_rows,
    read_text,
    shorten,
    such_as,
)
from headstart.data.skills import PARTS, Skill
from headstart.modeling.catalog_headstart import CatalogValue, split_values
from headstart.modeling.json_headstart import distinct
from headstart.readers.fields import Fields, text_of
from headstart.readers.source import Source, is_inside

logger = logging.getLogger(__name__)

NAME = "rows"
MAX_LINE = 2**20
VALUE_FIELDS = tuple(field.name for field in dataclasses.fields(CatalogValue))  # of a value in catalogs.json
# Of other JSON lines, whose folders look alike.
OTHER_FIELDS = (b'"annot_utt"', b'"utterance"', b'"utt"', b'"slurp_id"', b'"tokens"', b'"words"')
TAGGED = re.compile(rb'^(?!.*"slots").*"(?:tokens|words)"\s*:\s*\[|"slots"\s*:\s*(?:"|\[\s*")')  # words, or a tag for each
PART_FILES = tuple(f"{part}.jsonl" for part in PARTS)
FACTS = "skill.json"  # what else is known: {"invocation", "slot_types"}


def detect(source: Source) -> bool:
    """Whether the path is a folder with `train.jsonl`, or a JSON-lines file."""
    return is_folder_of_rows(source) or (source.only is not None and source.only.suffix in SUFFIXES)


def is_folder_of_rows(source: Source) -> bool:
    """Whether the path is a folder with rows in `train.jsonl`; its other files, which may be large, are not opened."""
    train = source.path / "train.jsonl"
    if not train.is_file():
        return False
    with train.open("rb") as stream:
        first = stream.readline(MAX_LINE).strip()
    if TAGGED.search(first):
        return False
    return b'"text"' in first or not any(field in first for field in OTHER_FIELDS)


def read(source: Source, name: str) -> Skill:
    """Read the skill; labels of validation and test rows are not checked against training (see [`check_held_out`])."""
    if source.only is not None:
        return Skill(name, train=_read_part(source.path))
    _check_links(source.path)
    _name_unread_files(source.path)
    train = _read_part(source.path / "train.jsonl")
    validation, test = (_read_held_out(source.path / f"{part}.jsonl") for part in PARTS[1:])
    catalogs, canonical = read_catalogs(source.path / CATALOGS) if (source.path / CATALOGS).exists() else ({}, {})
    invocation, slot_types = _read_facts(source.path / FACTS) if (source.path / FACTS).exists() else (None, {})
    skill = Skill(
        name,
        train=train,
        validation=validation,
        test=test,
        catalogs=catalogs,
        canonical=canonical,
        slot_types=slot_types,
        invocation=invocation,
        allow_unseen_labels=True,
    )
    strangers = [label for label in slot_types if label not in skill.slots]
    if strangers:
        logger.warning(
            "%s: slot_types has %s, such as %s: is it that of another skill?",
            source.path / FACTS,
            counted_kind(len(strangers), "slots that no training row or catalog has"),
            such_as([repr(label) for label in strangers]),
        )
    return skill


def _read_held_out(path: Path) -> list[Row] | None:
    return _read_part(path) if path.exists() else None


def _read_part(path: Path) -> list[Row]:
    unread: set[str] = set()
    found = [row for _, row in parse_rows(path, unread)]
    if unread:
        logger.warning("%s: fields that are not read: %s; read are %s", path, ", ".join(sorted(unread)[:8]), ", ".join(FIELDS))
    return found


def _check_links(folder: Path) -> None:
    for path in (folder / name for name in (*PART_FILES, CATALOGS, FACTS)):
        if path.is_symlink() and not is_inside(path, folder):
            raise DataError(f"{path}: a link that leads out of its folder, or nowhere; allowed: the file itself.")


def _name_unread_files(folder: Path) -> None:
    """Say which files of rows are none of the parts, such as dev.jsonl."""
    others = sorted(path.name for path in folder.iterdir() if path.suffix in SUFFIXES and path.name not in PART_FILES)
    if others:
        logger.warning("%s: files that are not read: %s; read are %s", folder, ", ".join(others[:8]), ", ".join(PART_FILES))


def check_held_out(skill: Skill, folder: Path) -> None:
    """Raise `DataError`, naming file and line, if a validation or test row has a label that training lacks."""
    for part in PARTS[1:]:
        path = folder / f"{part}.jsonl"
        for line, row in parse_rows(path) if path.exists() else []:
            skill.check_labels(row, f"{path}, line {line}")


def read_catalogs(path: Path) -> tuple[dict[str, list[str]], dict[str, list[CatalogValue]]]:
    """Read `{slot label: [values]}`: what is said for each label, and the values that have an id or synonyms.

    A value is text, or an object with `value`, and `id`, `synonyms` or `is_said` (see [`CatalogValue`]).

    Raises:
        DataError: the file is something else.
    """
    catalogs: dict[str, list[str]] = {}
    canonical: dict[str, list[CatalogValue]] = {}
    for label, values in _read_object(path, "{slot label: [values]}").items():
        where = f"{path}, field {label!r}"
        if not label.strip():
            raise DataError(f"{path}: found {label!r} as a slot label; allowed: a name that is not blank.")
        if not isinstance(values, list) or not all(isinstance(value, (str, dict)) for value in values):
            raise DataError(f"{where}: found {shorten(values)}; allowed: a list of strings, or of objects with 'value'.")
        if (blank := next((value for value in values if isinstance(value, str) and not value.strip()), None)) is not None:
            raise DataError(f"{where}: found {blank!r} among the values; allowed: strings that are not blank.")
        catalogs[label] = values
        if any(isinstance(value, dict) for value in values):
            listed = [value if isinstance(value, str) else _read_value(value, where) for value in values]
            said, found = split_values({label: listed})
            catalogs |= said
            canonical |= found
    return catalogs, canonical


def _read_value(fields: Fields, where: str) -> CatalogValue:
    """A value that is an object.

    Raises:
        DataError: it is none of a catalog.
    """
    unknown = sorted(set(fields) - set(VALUE_FIELDS))
    if unknown:
        raise DataError(f"{where}: found {shorten(unknown[0])} in a value; allowed: {', '.join(VALUE_FIELDS)}.")
    value, id, synonyms, is_said = fields.get("value"), fields.get("id"), fields.get("synonyms", []), fields.get("is_said", True)
    texts = [value, *([] if id is None else [id]), *(synonyms if isinstance(synonyms, list) else [None])]
    if (wrong := next((text for text in texts if text_of(text) is None), "")) != "" or type(is_said) is not bool:
        raise DataError(
            f"{where}: found {shorten(fields)}, where {shorten(wrong)} is; allowed: "
            '{"value": text, "id": text, "synonyms": [texts], "is_said": true or false}, no text blank.'
        )
    return CatalogValue(str(value), id, tuple(synonyms), is_said)


def _read_facts(path: Path) -> tuple[str | None, dict[str, str]]:
    """The invocation and the slot types of a skill."""
    facts = _read_object(path, '{"invocation": name, "slot_types": {slot label: type}}')
    invocation, slot_types = facts.get("invocation"), facts.get("slot_types", {})
    if not isinstance(invocation, str | None):
        raise DataError(f"{path}, field 'invocation': found {shorten(invocation)}; allowed: a string.")
    if not isinstance(slot_types, dict) or not all(isinstance(kind, str) for kind in slot_types.values()):
        raise DataError(f"{path}, field 'slot_types': found {shorten(slot_types)}; allowed: {{slot label: type}}.")
    return invocation, slot_types


def _read_object(path: Path, allowed: str) -> Fields:
    try:
        content = json.loads(read_text(path), object_pairs_hook=distinct)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno}: not JSON ({error.msg}); allowed: {allowed}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not JSON that can be read ({error}); allowed: {allowed}.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: found {kind_of(content)}; allowed: {allowed}.")
    return content


__all__ = ["FACTS", "NAME", "SUFFIXES", "check_held_out", "detect", "is_folder_of_rows", "read", "read_catalogs"]
