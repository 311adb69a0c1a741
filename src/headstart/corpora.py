"""Pretraining sources: corpora in one row format, with every evaluation text taken out of every training part."""

from __future__ import annotations

import json
import logging
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset

from headstart.data import DataError, is_covered, label_counts, read_rows, rows_to_dataset

if TYPE_CHECKING:
    from headstart.streaming import StreamedRows

logger = logging.getLogger(__name__)


@dataclass
class Source:
    """One corpus with its own label space.

    Args:
        name: name of its folder.
        train: rows to train on; [`headstart.streaming.StreamedRows`], if they are read while they are trained on.
        validation: rows to evaluate on.
        intents: intent names, sorted; empty if the corpus has no intents.
        slots: slot labels, sorted; empty if the corpus has no slot annotation.
    """

    name: str
    train: Dataset | StreamedRows
    validation: Dataset
    intents: list[str]
    slots: list[str]


def load_sources(
    data_dir: str | Path,
    names: list[str],
    intents_with_domain: list[str],
    without_intents: list[str],
    without_slots: list[str],
) -> list[Source]:
    """Read corpora to pretrain on.

    Args:
        data_dir: a folder with one folder a corpus, each with train.jsonl, validation.jsonl and test.jsonl. The validation and
            test texts of *all* of them, whether named or not, are taken out of the training rows.
        names: the corpora to train on.
        intents_with_domain: corpora whose intent names mean something only together with the row's `domain`.
        without_intents: corpora whose intents are a placeholder.
        without_slots: corpora whose empty slot lists mean that slots are not annotated.

    Raises:
        DataError: a corpus is not there or a row is not as it must be.
    """
    data_dir = Path(data_dir)
    known = sorted(path.name for path in data_dir.iterdir() if (path / "train.jsonl").exists())
    for name in {*names, *intents_with_domain, *without_intents, *without_slots} - set(known):
        raise DataError(f"{data_dir} has no corpus {name!r}; it has: {', '.join(known) or 'none'}.")
    held_out = _held_out_texts(data_dir, known)
    sources = []
    for name in names:
        parts = {
            part: _read_part(data_dir / name / f"{part}.jsonl", name in intents_with_domain) for part in ("train", "validation")
        }
        kept = [row for row in parts["train"] if text_key(row["text"]) not in held_out]
        logger.info("source %s: %d rows, %d taken out as evaluation texts", name, len(kept), len(parts["train"]) - len(kept))
        seen_intents, seen_slots = label_counts(kept)
        intents = [] if name in without_intents else sorted(seen_intents)
        slots = [] if name in without_slots else sorted(seen_slots)
        validation = [row for row in parts["validation"] if is_covered(row, intents, slots)]
        if len(validation) < len(parts["validation"]):
            lost = len(parts["validation"]) - len(validation)
            logger.info("source %s: %d validation rows left out, their labels are in no training row", name, lost)
        sources.append(Source(name, rows_to_dataset(kept), rows_to_dataset(validation), intents, slots))
    return sources


def text_key(text: str) -> str:
    """What two texts must share to count as the same: letters and digits alone, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def _held_out_texts(data_dir: Path, names: list[str]) -> set[str]:
    texts: set[str] = set()
    for name in names:
        for part in ("validation", "test"):
            texts.update(text_key(row["text"]) for row in read_rows(data_dir / name / f"{part}.jsonl"))
    return texts


def _read_part(path: Path, has_domains: bool) -> list[dict[str, Any]]:
    if not has_domains:
        return read_rows(path).to_list()
    return [with_domain(row, domain) for row, domain in read_domains(path)]


def read_domains(path: Path) -> list[tuple[dict[str, Any], str]]:
    """The rows of a corpus's file, each with its field `domain`.

    Raises:
        DataError: a row is not as it must be, or has no domain.
    """
    rows = read_rows(path).to_list()
    with path.open(encoding="utf-8-sig") as lines:
        objects = [json.loads(line) for line in lines if line.strip()]
    return [
        (row, domain_of(fields, f"{path}, row {number}"))
        for number, (row, fields) in enumerate(zip(rows, objects, strict=True), start=1)
    ]


def domain_of(fields: dict[str, Any], where: str) -> str:
    """The domain of a row, as it was read; `where` it stands, for a message.

    Raises:
        DataError: it has none.
    """
    if "domain" not in fields:
        raise DataError(f"{where}: field 'domain' is missing, and the domains of this corpus are wanted.")
    return str(fields["domain"])


def with_domain(row: dict[str, Any], domain: str) -> dict[str, Any]:
    """The row with its intent named together with its domain, if it has one."""
    return row if row["intent"] is None else {**row, "intent": f"{domain}/{row['intent']}"}


__all__ = ["Source", "domain_of", "load_sources", "read_domains", "text_key", "with_domain"]
