"""MASSIVE's bracket annotation in JSON lines: `wake me at [time : seven am]`.

Amazon's MASSIVE corpus, and corpora made like it, have one object a line with `annot_utt`, `intent`, `locale` and `partition`. Plain
rows `{"text" or "utterance": "... [label : value] ...", "intent": ...}` without a `slots` field are read too.

Partitions train, dev and test become training, validation and test rows; a file without `partition` is put by its name, or trained on.
Where there are several locales, en-US alone is read (or the first other kind of English). Judgements, workers, scenarios and the way
that a slot was localised are not read.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from headstart.data.rows import DataError, kind_of, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.readers.parts import PART_WORDS, join_text, logger, part_of, skill_of_parts, warn_oddities
from headstart.readers.source import Source, SourceFile

NAME = "massive"
SUFFIXES = (".jsonl", ".ndjson", ".json", ".txt")
TEXTS = ("annot_utt", "text", "utterance")
ANNOTATION = re.compile(r"\[([^\[\]:]*):([^\[\]]*)\]")
LOOKED_AT = 20  # rows that tell the format


def detect(source: Source) -> bool:
    """Whether a file's first rows are in this annotation."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no file has rows of this kind, or several locales have no English one.
    """
    files = [source.only] if source.only is not None else _files(source)
    oddities: Counter[str] = Counter()
    rows = [(file, row) for file in files for row in _rows(file, oddities)]
    locales = Counter(str(row["locale"]) for _, row in rows if "locale" in row)
    locale = _choose_locale(locales, source)
    parts: dict[str, list[Template]] = defaultdict(list)
    for file, row in rows:
        if locale is None or str(row.get("locale", locale)) == locale:
            partition = row.get("partition")
            part = PART_WORDS.get(partition.lower()) if isinstance(partition, str) else part_of(file.name)
            template = _template(row, oddities)
            if template is not None:
                parts[part or "train"].append(template)
    if not parts:
        raise DataError(
            f"{source.path}: no row has an utterance; allowed: one object a line with 'annot_utt' (or 'text') and 'intent'."
        )
    warn_oddities(source.path, oddities)
    return skill_of_parts(name, parts)


def _files(source: Source) -> list[SourceFile]:
    files = [source.only] if source.only is not None else source.files
    return [file for file in files if file.suffix in SUFFIXES and _is_annotated(file)]


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


def _parse(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _rows(file: SourceFile, oddities: Counter[str]) -> Iterator[dict[str, Any]]:
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
    english = sorted((locale for locale in locales if locale.lower().startswith("en")), key=lambda locale: locale != "en-US")
    if not english:
        found = ", ".join(list(locales)[:6])
        raise DataError(f"{source.path}, field 'locale': found {shorten(found)}; allowed: en-US, or rows of a single locale.")
    skipped = locales.total() - locales[english[0]]
    logger.warning("%s: only %s of %d locales is read; %d rows were left out", source.path, english[0], len(locales), skipped)
    return english[0]


def _template(row: dict[str, Any], oddities: Counter[str]) -> Template | None:
    text = next((row[key] for key in TEXTS if isinstance(row.get(key), str) and row[key].strip()), None)
    intent = row.get("intent")
    if text is None or _has_surrogate(text) or _has_surrogate(str(intent)):
        oddities["rows without a usable utterance"] += 1
        return None
    if intent is not None and (not isinstance(intent, str) or not intent.strip()):
        oddities[f"rows whose intent is no name but {kind_of(intent)}"] += 1
        return None
    parts: list[str | Slot] = []
    end = 0
    for match in ANNOTATION.finditer(text):
        label, value = match[1].strip(), match[2].strip()
        parts += [text[end : match.start()], Slot(label, value) if label and value else value]
        end = match.end()
        oddities["brackets without label or value"] += not (label and value)
    template = Template(intent, tuple(join_text([*parts, text[end:]])))
    return template if template.parts else None


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


__all__ = ["NAME", "detect", "read"]
