"""Pretraining sources: corpora in one row format, with every evaluation text taken out of every training part."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from datasets import Dataset

from headstart.data.rows import SHOWN, DataError, Row, counted, parse_row, read_rows, read_text, rows_to_dataset, shorten, such_as
from headstart.data.skills import PARTS, is_covered, label_counts
from headstart.data.streaming import CorporaFolder, StreamedRows
from headstart.data.templates import split_rows
from headstart.data.texts import domain_of, text_key, with_domain

logger = logging.getLogger(__name__)

HELD_OUT = 0.1  # share of the templates of a corpus without validation rows


@dataclass(frozen=True)
class LabelKinds:
    """Which corpora annotate what.

    Args:
        intents_with_domain: corpora whose intent names mean something only together with the row's `domain`.
        without_intents: corpora whose intents are a placeholder.
        without_slots: corpora whose empty slot lists mean that slots are not annotated.
    """

    intents_with_domain: Sequence[str] = ()
    without_intents: Sequence[str] = ()
    without_slots: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """All corpora that are named."""
        return [*self.intents_with_domain, *self.without_intents, *self.without_slots]


@dataclass(frozen=True)
class Corpus:
    """One pretraining source with its own label space.

    Args:
        name: name of its folder.
        train: rows to train on; [`headstart.data.streaming.StreamedRows`], if they are read while they are trained on.
        validation: rows to evaluate on.
        intents: intent names, sorted; empty if the corpus has no intents.
        slots: slot labels, sorted; empty if the corpus has no slot annotation.
    """

    name: str
    train: Dataset | StreamedRows
    validation: Dataset
    intents: list[str]
    slots: list[str]

    @property
    def streamed(self) -> StreamedRows:
        """The training rows of a corpus that is streamed.

        Raises:
            TypeError: it is loaded.
        """
        if not isinstance(self.train, StreamedRows):
            raise TypeError(f"corpus {self.name!r} is loaded, not streamed: open it with stream_sources.")
        return self.train

    @property
    def loaded(self) -> Dataset:
        """The training rows of a corpus that is loaded.

        Raises:
            TypeError: it is streamed.
        """
        if isinstance(self.train, StreamedRows):
            raise TypeError(f"corpus {self.name!r} is streamed, not loaded: open it with load_sources.")
        return self.train


def load_sources(data_dir: str | Path, names: Sequence[str] = (), kinds: LabelKinds | None = None, seed: int = 0) -> list[Corpus]:
    """Read corpora to pretrain on.

    Args:
        data_dir: a folder with one folder a corpus, each with train.jsonl and, if there are some, validation.jsonl and test.jsonl. The validation
            and test texts of *all* of them, whether named or not, are taken out of the training rows. Of a corpus without validation rows, some
            templates are held out of its training rows.
        names: the corpora to train on; all, if none is named.
        kinds: which of them annotate what. Of a corpus with slots whose rows all have one and the same intent, that is no
            intent to learn.
        seed: of the choice of templates.

    Raises:
        DataError: a corpus is not there, or rows are not as they must be; the message names all that is wrong with the folder.
    """
    data_dir, kinds = Path(data_dir), kinds or LabelKinds()
    known = sorted(path.parent.name for path in data_dir.glob("*/train.jsonl"))
    faults = _faults_of_folder(data_dir, known, [*names, *kinds.names])
    chosen = list(names) or known
    parts: dict[str, dict[str, list[Row]]] = {}
    for name in known:
        wanted = PARTS if name in chosen else PARTS[1:]
        files = {part: data_dir / name / f"{part}.jsonl" for part in wanted}
        parts[name] = {}
        for part, file in files.items():
            if part == "train" or file.exists():
                parts[name][part] = _read_or_note(file, name in kinds.intents_with_domain and part != "test", faults)
    if len(faults) > 1:
        raise DataError(f"{data_dir} has {counted(len(faults), 'fault')}:" + "".join(f"\n  {fault}" for fault in faults))
    if faults:
        raise DataError(faults[0])
    held_out = {text_key(row["text"]) for rows in parts.values() for part in PARTS[1:] for row in rows.get(part, ())}
    return [_load_source(name, parts[name], kinds, held_out, seed) for name in chosen]


def _faults_of_folder(data_dir: Path, known: Sequence[str], wanted: Sequence[str]) -> list[str]:
    if not data_dir.is_dir():
        return [f"{data_dir}: there is no such folder; it should hold a folder for each corpus, with rows in train.jsonl."]
    faults = [
        f"{data_dir} has no corpus {name!r}; it has: {', '.join(known) or 'none'}." for name in sorted({*wanted} - {*known})
    ]
    others = sorted(path.name for path in data_dir.iterdir() if path.is_dir() and path.name not in known and path.name[0] != ".")
    if not known and not faults:
        found = f"; its folders {', '.join(others[:8])} hold none" if others else ""
        hint = "headstart convert FILE --out FOLDER/NAME makes one of any known format"
        return [f"{data_dir}: there is no folder with train.jsonl in it{found}. {hint}."]
    if others:
        logger.info("%s: folders without train.jsonl, which are not read: %s", data_dir, ", ".join(others[:8]))
    return faults


def _read_or_note(file: Path, has_domains: bool, faults: list[str]) -> list[Row]:
    """The rows of a file; what is wrong with it is noted, of its first few lines that are not as they must be."""
    try:
        return _read_part(file, has_domains)
    except DataError as error:
        found = []
        try:
            lines = read_text(file).split("\n")
        except (DataError, OSError):
            lines = []
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    parse_row(line, f"{file}, line {number}", [])
            except DataError as fault:
                found.append(str(fault))
        faults += found[:SHOWN] or [str(error)]
        if len(found) > SHOWN:
            faults.append(f"{file}: and {counted(len(found) - SHOWN, 'line')} more")
        return []


def _load_source(name: str, parts: dict[str, list[Row]], kinds: LabelKinds, held_out: set[str], seed: int) -> Corpus:
    kept = [row for row in parts["train"] if text_key(row["text"]) not in held_out]
    lost = len(parts["train"]) - len(kept)
    validation, origin = parts.get("validation"), ""
    if validation is None:
        kept, validation = split_rows(kept, HELD_OUT, seed)
        origin = ", held out by template" if validation else ": no template could be held out"
    seen_intents, seen_slots = label_counts(kept)
    is_placeholder = len(seen_intents) == 1 and bool(seen_slots) and name not in kinds.intents_with_domain
    intents = [] if name in kinds.without_intents or is_placeholder else sorted(seen_intents)
    slots = [] if name in kinds.without_slots else sorted(seen_slots)
    logger.info(
        "source %s: %s%s; %s%s; %s, %s",
        name, counted(len(kept), "row"), f", {lost} taken out as evaluation texts" if lost else "",
        counted(len(validation), "validation row"), origin,
        "no intents (all rows have the same)" if is_placeholder and not intents else counted(len(intents), "intent"),
        counted(len(slots), "slot"),
    )  # fmt: skip
    covered = [row for row in validation if is_covered(row, intents, slots)]
    if len(covered) < len(validation):
        strangers = [
            f"row {number}, {shorten(row['text'])}"
            for number, row in enumerate(validation, start=1)
            if not is_covered(row, intents, slots)
        ]
        what = "validation rows left out, their labels are in no training row"
        logger.info("source %s: %d %s, such as %s", name, len(strangers), what, such_as(strangers))
    return Corpus(name, rows_to_dataset(kept), rows_to_dataset(covered), intents, slots)


def _read_part(path: Path, has_domains: bool) -> list[Row]:
    return [with_domain(row, domain) for row, domain in read_domains(path)] if has_domains else read_rows(path)


def read_domains(path: Path) -> list[tuple[Row, str]]:
    """The rows of a corpus's file, each with its field `domain`.

    Raises:
        DataError: a row is not as it must be, or has no domain.
    """
    rows = read_rows(path)
    with path.open(encoding="utf-8-sig") as lines:
        objects = [json.loads(line) for line in lines if line.strip()]
    return [
        (row, domain_of(fields, f"{path}, row {number}"))
        for number, (row, fields) in enumerate(zip(rows, objects, strict=True), start=1)
    ]


def stream_sources(data_dir: str, names: Sequence[str], kinds: LabelKinds | None = None, seed: int = 0) -> list[Corpus]:
    """The corpora as [`load_sources`] reads them, with [`headstart.data.streaming.StreamedRows`] as their training rows.

    Args:
        data_dir: folder of corpora, local or remote, each with `train*.jsonl`, `validation.jsonl`, `test.jsonl` and `labels.json`. The keys of all
            validation and test texts are held in memory.
        names, kinds: see there.
        seed: of the order of the shards.

    Raises:
        DataError: a corpus or its `labels.json` is not there, or a validation or test row is not as it must be.
    """
    folder, kinds = CorporaFolder(data_dir), kinds or LabelKinds()
    folder.check([*names, *kinds.names])
    held_out = folder.held_out()
    return [_stream_source(folder, name, kinds, held_out, seed) for name in names]


def _stream_source(folder: CorporaFolder, name: str, kinds: LabelKinds, held_out: set[str], seed: int) -> Corpus:
    labels = folder.labels(name)
    has_domains = name in kinds.intents_with_domain
    intents = [] if name in kinds.without_intents else labels["domain_intents" if has_domains else "intents"]
    slots = [] if name in kinds.without_slots else labels["slots"]
    train = StreamedRows(
        name=name,
        lines=folder.stream(name, "train*", seed),
        num_rows=labels["rows"],
        num_held_out=labels["held_out"],
        has_domains=has_domains,
        held_out=held_out,
        intents=intents,
        slots=slots,
        shards=tuple(folder.addresses(name, "train*")),
    )
    anything = replace(train, held_out=set(), intents=[], slots=[])
    rows = [row for line in folder.lines(name, "validation") if (row := anything.parse(line)) is not None]
    validation = [row for row in rows if is_covered(row, intents, slots)]
    return Corpus(name, train, rows_to_dataset(validation), intents, slots)


def source_shares(sources: Sequence[Corpus], weights: Sequence[float] | None = None) -> list[float]:
    """The share of each streamed source in what is drawn: by the weights, or else by their numbers of rows."""
    given = [source.streamed.num_rows for source in sources] if weights is None else weights
    return [float(weight) / sum(given) for weight in given]


def first_texts(sources: Sequence[Corpus], num_rows: int, weights: Sequence[float] | None = None) -> Iterator[str]:
    """Texts of the first rows of streamed sources, `num_rows` in all by the sources' weights, but no row twice."""
    for source, share in zip(sources, source_shares(sources, weights), strict=True):
        rows = source.streamed
        found = (row["text"] for line in rows.read() if (row := rows.parse(line)) is not None)
        yield from islice(found, round(num_rows * share))


__all__ = [
    "Corpus",
    "LabelKinds",
    "first_texts",
    "load_sources",
    "read_domains",
    "source_shares",
    "stream_sources",
]
