"""What writers share of formats whose samples have open slots: the templates of each intent, and the values of each slot."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headstart.data.skills import PARTS, Skill
from headstart.data.templates import Slot, Template, row_template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.modeling.weights_headstart import write_aside
from headstart.readers.oddities import Oddities
from headstart.readers.parts import join_text, trimmed_slot

NO_INTENT = "NoIntent"  # of rows without one
# Other names that platforms have for types, by the last part, without signs and in lower case.
SAME_TYPES = {
    "emailaddress": "email", "firstname": "givenname", "fourdigitnumber": "number", "geocity": "city", "geocountry": "country", "usfirstname": "givenname",
}  # fmt: skip
EPOCH = (1980, 1, 1, 0, 0, 0)  # of files in archives, which are the same for the same skill


def built_in_type(name: str, types: Mapping[str, str]) -> str | None:
    """What a platform has for a built-in type of another one, or of its own; None if it has none.

    Args:
        name: the type, such as `AMAZON.DATE` or `@sys.geo-city`.
        types: the platform's, by the last part of their names, without signs and in lower case, of which [`SAME_TYPES`] are left out.
    """
    word = re.sub(r"[^a-z]", "", re.split(r"[./:]", name)[-1].lower())
    return types.get(SAME_TYPES.get(word, word))


def written_templates(skill: Skill) -> list[Template]:
    """The templates of a skill, if one is open; else those of its training rows."""
    is_open = any(template.is_open for template in skill.templates)
    return list(skill.templates) if is_open else [row_template(row) for row in skill.rows("train")]


def tidy_parts(template: Template, label: Callable[[str], str]) -> list[str | Slot]:
    """The parts with single blanks, those at the ends of values in the text beside, and slots that are called as the format allows."""
    pieces: list[str | Slot] = []
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
        elif part.value is None:
            pieces.append(Slot(label(part.label)))
        else:
            pieces += trimmed_slot(label(part.label), part.value) if part.value.strip() else [part.value]
    return join_text(pieces)


def open_templates(skill: Skill, label: Callable[[str], str], changes: Oddities) -> dict[str, dict[tuple[str | Slot, ...], None]]:
    """The distinct templates of each intent, all of whose slots are open; what that changes is counted.

    Args:
        skill: to write.
        label: makes a slot label one that the format allows.
        changes: counts what the format can't express.
    """
    found: dict[str, dict[tuple[str | Slot, ...], None]] = {}
    for template in written_templates(skill):
        intent = NO_INTENT if template.intent is None else template.intent
        if template.intent is None:
            changes.note(f"samples have no intent and are in {NO_INTENT}", template.pattern)
        if not template.has_slots:
            changes.note("samples have no annotated slots and are written as if they had none", template.pattern)
        if any(slot.value is not None for slot in template.slots):
            changes.note("samples have values in their slots, which become values of these", template.pattern)
        parts = [Slot(part.label) if isinstance(part, Slot) else part for part in tidy_parts(template, label)]
        found.setdefault(intent, {})[tuple(parts)] = None
    return found


def values_of_slots(skill: Skill, label: Callable[[str], str]) -> dict[str, list[CatalogValue]]:
    """What each slot's values are, by its name in the format: what is listed, and what samples have."""
    found: dict[str, dict[CatalogValue, None]] = {}
    for slot_label in (*skill.catalogs, *skill.slots):
        values = found.setdefault(label(slot_label), {})
        values.update({CatalogValue(value) if isinstance(value, str) else value: None for value in skill.listed(slot_label)})
    for template in written_templates(skill):
        for slot in template.slots:
            if slot.value is not None and slot.value.strip():
                values = found.setdefault(label(slot.label), {})
                value = " ".join(slot.value.split())
                if all(value not in known.forms for known in values):
                    values[CatalogValue(value)] = None
    return {name: list(values) for name, values in found.items()}


def note_unwritten(skill: Skill, changes: Oddities) -> None:
    """Count what formats of one part, and without ids, have no place for."""
    for part in PARTS[1:]:
        for row in skill.rows(part):
            changes.note("validation and test rows are not written", row["text"])
    for label, values in skill.canonical.items():
        for value in values:
            if value.id is not None:
                changes.note("ids of values are not written", f"{value.id} of {label}")


def write_archive(path: Path, files: Mapping[str, Any]) -> None:
    """Write JSON files as a zip archive, the same for the same files: aside, and renamed.

    Raises:
        OSError: it can't be written.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    write_aside(path.resolve(), stream.getvalue())


__all__ = ["NO_INTENT", "note_unwritten", "open_templates", "tidy_parts", "values_of_slots", "write_archive", "written_templates"]
