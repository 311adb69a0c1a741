"""MASSIVE's bracket annotation in JSON lines: `wake me at [time : seven am]`.

Amazon's MASSIVE corpus, and corpora made like it, have one object a line with `annot_utt`, `intent`, `locale` and `partition`. Plain
rows `{"text" or "utterance": "... [label : value] ...", "intent": ...}` without a `slots` field are read too.

Partitions train, dev and test become training, validation and test rows; a file without `partition` is put by its name, or trained on.
Where there are several locales, one is read: that which `--language` names, else English, American before other kinds, else the most frequent. Judgements, workers, scenarios and the way
that a slot was localised are not read. Where the plain text, `utt`, says something else than the annotated one, the row is left out; so it is if there are
brackets that are no slot with a label and a value.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict

from headstart.data.rows import DataError, kind_of, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.data.texts import text_key
from headstart.readers.fields import Fields, text_of
from headstart.readers.json_lines import first_objects, json_lines
from headstart.readers.languages import choose_locale
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import PART_WORDS, cut, join_text, parts_in, skill_of_parts
from headstart.readers.source import Source, SourceFile
from headstart.tokenization.answers_headstart import SURROGATES

logger = logging.getLogger(__name__)

NAME = "massive"
SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson", ".json", ".txt")
TEXTS = ("annot_utt", "text", "utterance")
ANNOTATION = re.compile(r"\[([^\[\]:]*):([^\[\]]*)\]")
# What is read, and what is known and left out.
FIELDS = {*TEXTS, "intent", "locale", "partition", "id", "utt", "scenario", "slot_method", "judgments", "worker_id"}
LOOKED_AT = 20  # rows that tell the format


def detect(source: Source) -> bool:
    """Whether a file's first rows are in this annotation."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file has rows of this kind, or none is in the wanted language.
    """
    oddities = Oddities()
    files = source.given or _files(source)
    part_of_file = parts_in(source, files)
    rows = [(file, where, row) for file in files for where, row in json_lines(file, oddities)]
    unread = {str(field): None for _, _, row in rows for field in row if field not in FIELDS}
    if unread:
        logger.warning("%s: fields that are not read: %s", source.path, ", ".join(list(unread)[:8]))
    locales = Counter(_locale(row) for _, _, row in rows if "locale" in row)
    locale = choose_locale(locales, source) if locales else None
    parts: dict[str, list[Template]] = defaultdict(list)
    for file, where, row in rows:
        if locale is None or "locale" not in row or _locale(row) == locale:
            template = _template(row, oddities, where)
            if template is not None:
                parts[_partition(row, file) or part_of_file[file.name]].append(template)
    if not parts:
        raise DataError(
            f"{source.path}: no row has an utterance; allowed: one object a line with 'annot_utt' (or 'text') and 'intent'."
        )
    oddities.warn(source.path)
    return skill_of_parts(name, parts)


def _partition(row: Fields, file: SourceFile) -> str | None:
    """The part that a row says it is of."""
    partition = row.get("partition")
    part = PART_WORDS.get(partition.lower()) if isinstance(partition, str) else None
    if part is None and partition not in (None, ""):
        raise DataError(f"{file.where}, field 'partition': found {shorten(partition)}; allowed: train, dev or test.")
    return part


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates() if file.suffix in SUFFIXES and _is_annotated(file)]


def _is_annotated(file: SourceFile) -> bool:
    for row in first_objects(file, LOOKED_AT):
        if "slots" in row:
            return False
        if isinstance(row.get("annot_utt"), str):
            return True
        if "intent" in row and any(ANNOTATION.search(row[key]) for key in TEXTS if isinstance(row.get(key), str)):
            return True
    return False


def _locale(row: Fields) -> str:
    return row["locale"] if isinstance(row["locale"], str) else shorten(row["locale"])


def _template(row: Fields, oddities: Oddities, where: Where) -> Template | None:
    text = next((row[key] for key in TEXTS if isinstance(row.get(key), str) and row[key].strip()), None)
    intent = row.get("intent")
    if text is None or SURROGATES.search(text):
        oddities.leave_out("rows without a usable utterance", row, where)
        return None
    if intent is not None and text_of(intent) is None:
        oddities.leave_out(f"rows whose intent is no name but {kind_of(intent)}", row, where)
        return None
    if any(not (match[1].strip() and match[2].strip()) for match in ANNOTATION.finditer(text)):
        oddities.leave_out("rows with brackets without label or value", text, where)
        return None
    if "annot_utt" in row and any(sign in ANNOTATION.sub("", text) for sign in "[]"):
        oddities.leave_out("rows with brackets that don't match", text, where)
        return None
    parts = join_text(cut(text, ANNOTATION, lambda match: [Slot(match[1].strip(), match[2].strip())]))
    said = "".join(part if isinstance(part, str) else part.value or "" for part in parts)
    plain = row.get("utt") if "annot_utt" in row else None
    if isinstance(plain, str) and text_key(plain) != text_key(said):
        oddities.leave_out("rows whose 'utt' says something else than 'annot_utt'", f"{plain} - {text}", where)
        return None
    return Template(intent, tuple(parts)) if parts else None


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
