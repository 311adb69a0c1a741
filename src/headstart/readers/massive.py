"""MASSIVE's bracket annotation in JSON lines: `wake me at [time : seven am]`.

Amazon's MASSIVE corpus, and corpora made like it, have one object a line with `annot_utt`, `intent`, `locale` and `partition`. Plain
rows `{"text" or "utterance": "... [label : value] ...", "intent": ...}` without a `slots` field are read too.

Partitions train, dev and test become training, validation and test rows; a file without `partition` is put by its name, or trained on.
Where there are several locales, en-US alone is read (or the first other kind of English). Judgements, workers, scenarios and the way
that a slot was localised are not read.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from headstart.data.rows import DataError, kind_of, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.readers.fields import Fields
from headstart.readers.languages import choose_language, is_english
from headstart.readers.oddities import Oddities
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
        DataError: no file has rows of this kind, or several locales have no English one.
    """
    oddities = Oddities()
    files = source.given or _files(source)
    part_of_file = parts_in(source, files)
    rows = [(file, row) for file in files for row in _rows(file, oddities)]
    unread = {str(field): None for _, row in rows for field in row if field not in FIELDS}
    if unread:
        logger.warning("%s: fields that are not read: %s", source.path, ", ".join(list(unread)[:8]))
    locales = Counter(str(row["locale"]) for _, row in rows if "locale" in row)
    locale = _choose_locale(locales, source)
    parts: dict[str, list[Template]] = defaultdict(list)
    for file, row in rows:
        if locale is None or str(row.get("locale", locale)) == locale:
            template = _template(row, oddities)
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
    head = file.content[: 2**16].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith(b"{"):
        return False
    for line in head.split(b"\n")[:LOOKED_AT]:
        row = _parse(line.decode("utf-8", "replace"))
        if row is None or "slots" in row:
            return False
        if isinstance(row.get("annot_utt"), str):
            return True
        if "intent" in row and any(ANNOTATION.search(row[key]) for key in TEXTS if isinstance(row.get(key), str)):
            return True
    return False


def _parse(line: str) -> Fields | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _rows(file: SourceFile, oddities: Oddities) -> Iterator[Fields]:
    for line in file.text.split("\n"):
        row = _parse(line) if line.strip() else {}
        if row is None:
            oddities["lines that are not a JSON object"] += 1
        elif row:
            yield row


def _choose_locale(locales: Counter[str], source: Source) -> str | None:
    """The locale to read; None for all rows."""
    if len(locales) < 2:
        return None
    locale = choose_language(locales)
    if not is_english(locale):
        found = ", ".join(list(locales)[:6])
        raise DataError(f"{source.path}, field 'locale': found {shorten(found)}; allowed: en-US, or rows of a single locale.")
    skipped = locales.total() - locales[locale]
    logger.warning("%s: only %s of %d locales is read; %d rows were left out", source.path, locale, len(locales), skipped)
    return locale


def _template(row: Fields, oddities: Oddities) -> Template | None:
    text = next((row[key] for key in TEXTS if isinstance(row.get(key), str) and row[key].strip()), None)
    intent = row.get("intent")
    if text is None or SURROGATES.search(f"{text}{intent}"):
        oddities["rows without a usable utterance"] += 1
        return None
    if intent is not None and (not isinstance(intent, str) or not intent.strip()):
        oddities[f"rows whose intent is no name but {kind_of(intent)}"] += 1
        return None

    def pieces(match: re.Match[str]) -> list[str | Slot]:
        label, value = match[1].strip(), match[2].strip()
        oddities["brackets without label or value"] += not (label and value)
        return [Slot(label, value) if label and value else value]

    template = Template(intent, tuple(join_text(cut(text, ANNOTATION, pieces))))
    return template if template.parts else None


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
