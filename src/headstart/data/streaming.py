"""Corpora of any size, read while they are trained on: what is held in memory, and the time until the first step, don't grow with them.

A corpus is a folder of shards, `train*.jsonl` (or `.jsonl.gz`, ...), with `labels.json` beside them, which [`write_labels`] makes once; the folder
that holds the corpora is local, or anything that `fsspec` opens, such as `hf://datasets/OWNER/NAME`.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

import fsspec
import numpy as np
from tqdm.auto import tqdm

from headstart.data.rows import DataError, Row, parse_row, shorten
from headstart.data.skills import is_covered
from headstart.data.texts import domain_of, text_key, with_domain
from headstart.modeling.json_headstart import distinct
from headstart.modeling.weights_headstart import ASIDE

if TYPE_CHECKING:  # counting labels doesn't wait for the library
    import datasets

LABELS = "labels.json"
ENDINGS = tuple(f".jsonl{packed}" for packed in ("", ".gz", ".bz2", ".xz", ".zst"))
COUNTS, KINDS = ("rows", "held_out"), ("intents", "domain_intents", "slots")  # in labels.json
# What reading a packed file that is cut off or damaged fails with.
DAMAGES = (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
CHUNK = 1 << 20  # characters of a shard that are read at once


class CorpusLabels(TypedDict):
    """What `labels.json` of a corpus says.

    Args:
        rows: its training rows, without those whose text is a validation or test text of any corpus.
        held_out: how many these are.
        intents: names of the rows' intents, sorted.
        domain_intents: likewise, as `DOMAIN/INTENT`, of rows with a domain.
        slots: labels of the rows' slots, sorted.
    """

    rows: int
    held_out: int
    intents: list[str]
    domain_intents: list[str]
    slots: list[str]


@dataclass(frozen=True)
class StreamedRows:
    """The training rows of one corpus, in the order of its shards.

    Args:
        name: the corpus.
        lines: its shards' lines.
        num_rows: how many rows it has, in all, without those that are left out.
        num_held_out: how many those are.
        has_domains: intents are named together with the row's `domain`.
        held_out: keys of the texts that are left out (see [`headstart.data.texts.text_key`]).
        intents, slots: what a row may have; empty if they are not annotated.
        shards: addresses of the files that the lines are of, for messages.
    """

    name: str
    lines: datasets.IterableDataset
    num_rows: int
    num_held_out: int
    has_domains: bool
    held_out: set[str]
    intents: list[str]
    slots: list[str]
    shards: tuple[str, ...] = ()

    def read(self) -> Iterator[str]:
        """The lines, from the first one on.

        Raises:
            DataError: a shard is damaged, or not UTF-8.
        """
        return decoded_lines(self.name, self.lines, self.shards)

    def parse(self, line: str) -> Row | None:
        """The row of a line; None if it is blank or to be left out.

        Raises:
            DataError: it is not as it must be, or has a label that is not in `labels.json`.
        """
        found = _parse(self.name, line, self.held_out)
        if found is None:
            return None
        row, where = found
        if self.has_domains:
            row = with_domain(row, domain_of(json.loads(line), where))
        if not is_covered(row, self.intents, self.slots):
            raise DataError(f"{where}: it has a label that is not in {LABELS}: make that anew with headstart labels.")
        return row


class CorporaFolder:
    """A folder of corpora, wherever fsspec reaches.

    Args:
        address: a path, or an address such as `hf://datasets/OWNER/NAME`.

    Raises:
        DataError: its name holds characters that stand for others in a pattern.
    """

    def __init__(self, address: str) -> None:
        if any(character in address for character in "*?["):
            raise DataError(f"{address!r} can't be streamed from: its name holds one of *, ?, [; rename it.")
        self.address = address
        self.files, root = fsspec.core.url_to_fs(address)
        self.root = root.rstrip("/")

    def names(self) -> list[str]:
        """Its folders that hold training rows."""
        return sorted({path.split("/")[-2] for path in self._find("*", "train*")})

    def _find(self, name: str, part: str) -> list[str]:
        """The files of a part, sorted; a copy such as train.jsonl.bak is none."""
        return sorted(path for path in self.files.glob(f"{self.root}/{name}/{part}.jsonl*") if path.endswith(ENDINGS))

    def check(self, names: Iterable[str]) -> None:
        """Raise `DataError` if one of these is not there."""
        known = self.names()
        for name in set(names) - set(known):
            raise DataError(f"{self.address} has no corpus {name!r}; it has: {', '.join(known) or 'none'}.")

    def _shards(self, name: str, part: str) -> list[str]:
        shards = self._find(name, part)
        if not shards:
            raise DataError(f"corpus {name!r} in {self.address} has no {part}.jsonl")
        return shards

    def lines(self, name: str, part: str) -> Iterator[str]:
        """Lines of the shards of a part of a corpus, read once, one by one.

        Raises:
            DataError: there is no shard, or one is damaged or not UTF-8.
        """
        for shard in self._shards(name, part):
            try:
                with self.files.open(shard, "rt", encoding="utf-8-sig", compression="infer") as stream:
                    yield from (line.removesuffix("\n") for line in stream)
            except DAMAGES as error:
                raise _damaged(name, shard, error) from error

    def stream(self, name: str, part: str, seed: int) -> datasets.IterableDataset:
        """Lines of the shards of a part of a corpus, in the column `text`, to be gone through in shares and resumed; the shards are in a random
        order."""
        import datasets  # which waits for torch as soon as it streams

        shards = self.addresses(name, part)
        urls = [shards[number] for number in np.random.default_rng(seed).permutation(len(shards))]
        lines = datasets.load_dataset(
            "text", data_files=urls, split="train", streaming=True, chunksize=CHUNK, encoding="utf-8-sig"
        )
        return cast("datasets.IterableDataset", lines)

    def addresses(self, name: str, part: str) -> list[str]:
        """Addresses of the shards of a part of a corpus."""
        return [self.files.unstrip_protocol(shard) for shard in self._shards(name, part)]

    def held_out(self) -> set[str]:
        """Keys of the validation and test texts of all corpora."""
        return {
            text_key(found[0]["text"])
            for name in self.names() for part in ("validation", "test") for line in self.lines(name, part)
            if (found := _parse(name, line)) is not None
        }  # fmt: skip

    def labels(self, name: str) -> CorpusLabels:
        """What `labels.json` of a corpus says.

        Raises:
            DataError: it is not there, or damaged.
        """
        path, remedy = f"{self.root}/{name}/{LABELS}", f"make it with headstart labels {self.address}"
        if not self.files.exists(path):
            raise DataError(f"corpus {name!r} in {self.address} has no {LABELS}, which streaming wants: {remedy}")
        with self.files.open(path, encoding="utf-8") as file:
            try:
                found = json.load(file, object_pairs_hook=distinct)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path} is damaged ({error}): {remedy}") from error
        if not isinstance(found, dict) or found.keys() != {*COUNTS, *KINDS} or not found["rows"]:
            raise DataError(f"{path} is not what this version writes, or of no rows: {remedy}")
        return cast(CorpusLabels, found)

    def write_labels(self, name: str, content: CorpusLabels) -> None:
        """Write `labels.json` of a corpus: aside, and moved, so that an interrupted writer leaves the old one."""
        aside = f"{self.root}/{name}/{ASIDE}{os.getpid()}-{LABELS}"
        with self.files.open(aside, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        self.files.mv(aside, f"{self.root}/{name}/{LABELS}")


def write_labels(data_dir: str, names: Sequence[str] | None = None) -> dict[str, CorpusLabels]:
    """Read corpora once, and write the number of their rows and their labels into `labels.json` in their folders; rows whose text is a
    validation or test text of any corpus don't count.

    Args:
        data_dir: folder of corpora.
        names: the corpora; all if they are left out.

    Returns:
        what was written, by corpus: `rows`, `held_out` (how many these are), and, sorted, `intents`, `domain_intents` (`DOMAIN/INTENT`, of rows with a domain) and `slots`.

    Raises:
        DataError: a corpus is not there, has no rows, or a row is not as it must be.
    """
    folder = CorporaFolder(data_dir)
    folder.check(names or [])
    chosen = folder.names() if names is None else names
    if not chosen:
        raise DataError(f"{data_dir} holds no corpus; allowed: a folder with one folder a corpus, and train*.jsonl in each.")
    held_out = folder.held_out()
    written = {}
    for name in chosen:
        written[name] = _count_labels(name, folder.lines(name, "train*"), held_out)
        if not written[name]["rows"]:
            raise DataError(f"corpus {name!r} in {data_dir} has no training row, or evaluation texts alone.")
        folder.write_labels(name, written[name])
    return written


def _count_labels(name: str, lines: Iterable[str], held_out: set[str]) -> CorpusLabels:
    counts = dict.fromkeys(COUNTS, 0)
    labels: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for line in tqdm(lines, desc=f"Labels of {name}", unit=" rows", disable=None):
        found = _parse(name, line)
        if found is None:
            continue
        row, _ = found
        is_held_out = text_key(row["text"]) in held_out
        counts["held_out" if is_held_out else "rows"] += 1
        if is_held_out:
            continue
        labels["slots"].update(slot["label"] for slot in row["slots"] or [])
        if row["intent"] is not None:
            labels["intents"].add(row["intent"])
            fields = json.loads(line)
            if "domain" in fields:
                labels["domain_intents"].add(str(with_domain(row, str(fields["domain"]))["intent"]))
    return cast(CorpusLabels, {**counts, **{kind: sorted(values) for kind, values in labels.items()}})


def decoded_lines(name: str, lines: Iterable[Mapping[str, str]], shards: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a corpus that is streamed, one by one.

    Args:
        name: the corpus.
        lines: with the column `text`.
        shards: addresses of the files that they are of; if reading fails, each is read to find the one that is damaged.

    Raises:
        DataError: a shard is damaged, or not UTF-8.
    """
    try:
        yield from (line["text"] for line in lines)
    except (*DAMAGES, OSError) as error:
        for shard in shards:
            damage = _damage_of(shard)
            if damage is not None:
                raise _damaged(name, shard, damage) from error
        if isinstance(error, DAMAGES):
            raise _damaged(name, "a shard", error) from error
        raise


def _damage_of(shard: str) -> Exception | None:
    """What reading a shard to its end fails with."""
    try:
        with fsspec.open(shard, "rt", encoding="utf-8-sig", compression="infer") as stream:
            for _ in stream:
                pass
    except (*DAMAGES, OSError) as error:
        return error
    return None


def _damaged(name: str, shard: str, error: Exception) -> DataError:
    if isinstance(error, UnicodeDecodeError):
        return DataError(f"corpus {name!r}, {shard}: not UTF-8 ({error}); save it as UTF-8.")
    return DataError(f"corpus {name!r}, {shard}: damaged or cut off ({error or type(error).__name__}); fetch or pack it anew.")


def _parse(name: str, line: str, held_out: set[str] | None = None) -> tuple[Row, str] | None:
    """The row of a line, and where it stands, for a message; None if it is blank or held out."""
    if not line.strip():
        return None
    where = f"corpus {name!r}, row {shorten(line)}"
    row = parse_row(line, where)
    return None if held_out and text_key(row["text"]) in held_out else (row, where)


__all__ = ["CorporaFolder", "CorpusLabels", "StreamedRows", "decoded_lines", "write_labels"]
