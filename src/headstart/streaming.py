"""Corpora of any size, read while they are trained on: what is held in memory, and the time until the first step, don't grow with them.

A corpus is a folder of shards, `train*.jsonl` (or `.jsonl.gz`, ...), with `labels.json` beside them, which [`write_labels`] makes once; the folder
that holds the corpora is local, or anything that `fsspec` opens, such as `hf://datasets/OWNER/NAME`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, cast

import datasets
import fsspec
import numpy as np
import torch
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from tqdm.auto import tqdm

from headstart.corpora import Source, domain_of, text_key, with_domain
from headstart.data import DataError, is_covered, parse_row, rows_to_dataset, shorten

LABELS = "labels.json"
ENDINGS = tuple(f".jsonl{packed}" for packed in ("", ".gz", ".bz2", ".xz", ".zst"))
COUNTS, KINDS = ("rows", "held_out"), ("intents", "domain_intents", "slots")  # in labels.json
CHUNK = 1 << 20  # characters of a shard that are read at once


@dataclass
class StreamedRows:
    """The training rows of one corpus, in the order of its shards.

    Args:
        name: the corpus.
        lines: its shards' lines.
        num_rows: how many rows it has, in all, without those that are left out.
        num_held_out: how many those are.
        has_domains: intents are named together with the row's `domain`.
        held_out: keys of the texts that are left out (see [`headstart.corpora.text_key`]).
        intents, slots: what a row may have; empty if they are not annotated.
    """

    name: str
    lines: datasets.IterableDataset
    num_rows: int
    num_held_out: int
    has_domains: bool
    held_out: set[str]
    intents: list[str]
    slots: list[str]

    def parse(self, line: str) -> dict[str, Any] | None:
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

    def lines(self, name: str, part: str, seed: int | None = None) -> datasets.IterableDataset:
        """Lines of the shards of a part of a corpus, in the column `text`; with a seed, the shards are in a random order."""
        shards = self._find(name, part)
        if not shards:
            raise DataError(f"corpus {name!r} in {self.address} has no {part}.jsonl")
        if seed is not None:
            shards = [shards[number] for number in np.random.default_rng(seed).permutation(len(shards))]
        urls = [self.files.unstrip_protocol(shard) for shard in shards]
        lines = datasets.load_dataset(
            "text", data_files=urls, split="train", streaming=True, chunksize=CHUNK, encoding="utf-8-sig"
        )
        return cast(datasets.IterableDataset, lines)

    def held_out(self) -> set[str]:
        """Keys of the validation and test texts of all corpora."""
        return {
            text_key(found[0]["text"])
            for name in self.names() for part in ("validation", "test") for line in _texts(name, self.lines(name, part))
            if (found := _parse(name, line)) is not None
        }  # fmt: skip

    def labels(self, name: str) -> dict[str, Any]:
        """What `labels.json` of a corpus says.

        Raises:
            DataError: it is not there, or damaged.
        """
        path, remedy = f"{self.root}/{name}/{LABELS}", f"make it with headstart labels {self.address}"
        if not self.files.exists(path):
            raise DataError(f"corpus {name!r} in {self.address} has no {LABELS}, which streaming wants: {remedy}")
        with self.files.open(path, encoding="utf-8") as file:
            try:
                found = json.load(file)
            except ValueError as error:
                raise DataError(f"{path} is damaged ({error}): {remedy}") from error
        if not isinstance(found, dict) or found.keys() != {*COUNTS, *KINDS} or not found["rows"]:
            raise DataError(f"{path} is not what this version writes, or of no rows: {remedy}")
        return found

    def write_labels(self, name: str, content: dict[str, Any]) -> None:
        """Write `labels.json` of a corpus."""
        with self.files.open(f"{self.root}/{name}/{LABELS}", "w", encoding="utf-8") as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def stream_sources(
    data_dir: str,
    names: list[str],
    intents_with_domain: list[str],
    without_intents: list[str],
    without_slots: list[str],
    seed: int = 0,
) -> list[Source]:
    """The corpora as [`headstart.corpora.load_sources`] reads them, with [`StreamedRows`] as their training rows.

    Args:
        data_dir: folder of corpora, local or remote, each with `train*.jsonl`, `validation.jsonl`, `test.jsonl` and `labels.json`. The keys of all
            validation and test texts are held in memory.
        names, intents_with_domain, without_intents, without_slots: see there.
        seed: of the order of the shards.

    Raises:
        DataError: a corpus or its `labels.json` is not there, or a validation or test row is not as it must be.
    """
    folder = CorporaFolder(data_dir)
    folder.check([*names, *intents_with_domain, *without_intents, *without_slots])
    held_out = folder.held_out()
    sources = []
    for name in names:
        labels = folder.labels(name)
        has_domains = name in intents_with_domain
        intents = [] if name in without_intents else labels["domain_intents" if has_domains else "intents"]
        slots = [] if name in without_slots else labels["slots"]
        train = StreamedRows(
            name, folder.lines(name, "train*", seed), labels["rows"], labels["held_out"], has_domains, held_out, intents, slots
        )
        anything = replace(train, held_out=set(), intents=[], slots=[])
        rows = [row for line in _texts(name, folder.lines(name, "validation")) if (row := anything.parse(line)) is not None]
        validation = [row for row in rows if is_covered(row, intents, slots)]
        sources.append(Source(name, train, rows_to_dataset(validation), intents, slots))
    return sources


def write_labels(data_dir: str, names: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
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


def first_texts(sources: Sequence[Source], num_rows: int, weights: Sequence[float] | None = None) -> Iterator[str]:
    """Texts of the first rows of streamed sources, `num_rows` in all by the sources' weights, but no row twice."""
    for source, share in zip(sources, _shares(sources, weights), strict=True):
        rows = _streamed(source)
        found = (row["text"] for line in _texts(rows.name, rows.lines) if (row := rows.parse(line)) is not None)
        yield from islice(found, round(num_rows * share))


def _count_labels(name: str, lines: datasets.IterableDataset, held_out: set[str]) -> dict[str, Any]:
    counts = dict.fromkeys(COUNTS, 0)
    labels: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for line in tqdm(_texts(name, lines), desc=f"Labels of {name}", unit=" rows"):
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
                labels["domain_intents"].add(with_domain(row, str(fields["domain"]))["intent"])
    return {**counts, **{kind: sorted(values) for kind, values in labels.items()}}


def _texts(name: str, lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The lines of a corpus, one by one."""
    try:
        for line in lines:
            yield line["text"]
    except UnicodeDecodeError as error:
        raise DataError(f"corpus {name!r}: a shard is not UTF-8 ({error}); save it as UTF-8.") from error


def _parse(name: str, line: str, held_out: set[str] | None = None) -> tuple[dict[str, Any], str] | None:
    """The row of a line, and where it stands, for a message; None if it is blank or held out."""
    if not line.strip():
        return None
    where = f"corpus {name!r}, row {shorten(line)}"
    row = parse_row(line, where)
    return None if held_out and text_key(row["text"]) in held_out else (row, where)


def _shares(sources: Sequence[Source], weights: Sequence[float] | None) -> list[float]:
    given = [_streamed(source).num_rows for source in sources] if weights is None else weights
    return [float(weight) / sum(given) for weight in given]


def _streamed(source: Source) -> StreamedRows:
    return cast(StreamedRows, source.train)


@dataclass(frozen=True)
class Position:
    """A place in the stream of one worker: the pool of rows that a batch was taken from, and the batch's number in it.

    Args:
        worker: number of the worker, of those of its process.
        pool: number of the pool.
        sources: states of the sources (`datasets.IterableDataset.state_dict`) where the pool begins.
        batch: number of the batch that comes next.
    """

    worker: int
    pool: int
    sources: list[dict[str, Any]]
    batch: int


class BatchStream(IterableDataset[dict[str, Any]]):
    """Batches of rows of similar length from several sources, without an end.

    Pools of rows are drawn from the sources by their weights and sorted by length; their batches come in a random order. Every worker of every process
    reads its own share of the rows of every source: whole shards where their number is a multiple of the shares, else every n-th row of
    all shards. A source that ends begins anew.

    Args:
        sources: whose training rows are [`StreamedRows`].
        encode: makes the features of some rows of a source, of which it gets the number.
        collate: makes a batch of features.
        batch_size: rows in a batch.
        pool_size: rows in a pool: what is sorted, shuffled and held in memory, for each worker.
        weights: of the sources; unset: their numbers of rows.
        seed: of the draw.
        process: number of this process, and how many there are.
        num_workers: of each process; 0: it reads by itself.
        length: batches that are wanted in all, if that is known.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        encode: Callable[[int, list[dict[str, Any]]], list[dict[str, Any]]],
        collate: Callable[[list[dict[str, Any]]], dict[str, Any]],
        batch_size: int,
        pool_size: int = 25_600,
        weights: Sequence[float] | None = None,
        seed: int = 0,
        process: tuple[int, int] = (0, 1),
        num_workers: int = 0,
        length: int | None = None,
    ) -> None:
        self.rows = [_streamed(source) for source in sources]
        self.shares = _shares(sources, weights)
        self.encode, self.collate = encode, collate
        self.batch_size = batch_size
        self.pool_size = max(pool_size // batch_size, 1) * batch_size
        self.seed, self.process, self.num_workers, self.length = seed, process, num_workers, length
        self.positions: dict[int, Position] = {}
        self.next_worker = 0

    def __len__(self) -> int:
        if self.length is None:
            raise TypeError("a stream has no end, and no length was given")
        return self.length

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Batches, each with the [`Position`] behind it as `position`."""
        info, num_workers = get_worker_info(), max(self.num_workers, 1)
        number = 0 if info is None else info.id
        # The loader always begins with its first worker; a resumed stream, with the one whose turn it is.
        worker = (number + self.next_worker) % num_workers
        rank, num_processes = self.process
        position = self.positions.get(worker)
        pool_number = position.pool if position is not None else 0
        readers = [
            _Reader(
                rows,
                rank * num_workers + worker,
                num_processes * num_workers,
                None if position is None else position.sources[source],
            )
            for source, rows in enumerate(self.rows)
        ]
        skipped = position.batch if position is not None else 0
        while True:
            states = [reader.state() for reader in readers]
            generator = np.random.default_rng([self.seed, rank * num_workers + worker, pool_number])
            batches = self._draw_pool(readers, generator)
            for batch_number in range(skipped, len(batches)):
                following = Position(worker, pool_number, states, batch_number + 1)
                yield {**self.collate(batches[batch_number]), "position": following}
            pool_number, skipped = pool_number + 1, 0

    def _draw_pool(self, readers: list[_Reader], generator: np.random.Generator) -> list[list[dict[str, Any]]]:
        drawn = np.bincount(generator.choice(len(readers), self.pool_size, p=self.shares), minlength=len(readers))
        features: list[dict[str, Any]] = []
        for source, (reader, count) in enumerate(zip(readers, drawn.tolist(), strict=True)):
            features += self.encode(source, [next(reader) for _ in range(count)])
        order = generator.permutation(len(features))
        order = order[np.argsort([features[number]["length"] for number in order], kind="stable")]
        batches = order.reshape(-1, self.batch_size)
        return [[features[number] for number in batch] for batch in batches[generator.permutation(len(batches))]]

    def loader(self, **options: Any) -> DataLoader[dict[str, Any]]:
        """The batches, read by this process itself or by workers of its own.

        Args:
            options: further ones of `torch.utils.data.DataLoader`.
        """
        # A generator of its own: a resumed run's random state must not depend on how often the stream was opened.
        return _Loader(
            self,
            batch_size=None,
            num_workers=self.num_workers,
            collate_fn=cast(Any, _as_it_is),
            generator=torch.Generator(),
            **options,
        )

    def note(self, position: Position) -> None:
        """Say that the batch before this position was trained on."""
        self.positions[position.worker] = position
        self.next_worker = position.worker + 1

    def state_dict(self) -> dict[str, Any]:
        """Where the stream of this process is, for JSON."""
        positions = [asdict(position) for position in self.positions.values()]
        return {"reads": self._reads(), "next_worker": self.next_worker, "positions": positions}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` said.

        Raises:
            ValueError: it is of a stream that reads otherwise.
        """
        before, now = state["reads"], json.loads(json.dumps(self._reads()))
        changed = [f"{name} was {before.get(name)}, is {now[name]}" for name in now if before.get(name) != now[name]]
        if changed:
            raise ValueError(
                f"the stream can't go on where it was, it would lose rows: {'; '.join(changed)}. Resume it as it began."
            )
        self.next_worker = state["next_worker"]
        self.positions = {fields["worker"]: Position(**fields) for fields in state["positions"]}

    def _reads(self) -> dict[str, Any]:
        """What decides which rows come when."""
        return {
            "processes": self.process[1],
            "workers": max(self.num_workers, 1),
            "sources": {rows.name: rows.num_rows for rows in self.rows},
            "shards": [rows.lines.num_shards for rows in self.rows],
            "weights": [round(share, 9) for share in self.shares],
            "batch size": self.batch_size,
            "pool size": self.pool_size,
            "seed": self.seed,
        }


class _Loader(DataLoader[dict[str, Any]]):
    def __iter__(self) -> Any:
        try:
            yield from super().__iter__()
        except DataError as error:  # of a worker it comes with a whole traceback as its message
            raise DataError(str(error).strip().splitlines()[-1].removeprefix("headstart.data.DataError: ")) from None


def _as_it_is(batch: dict[str, Any]) -> dict[str, Any]:
    return batch


class _Reader:
    """Rows of one share of a source, again and again.

    Args:
        rows: the source's.
        share, num_shares: which part of it, of how many.
        state: where to go on; None: at the beginning.
    """

    def __init__(self, rows: StreamedRows, share: int, num_shares: int, state: dict[str, Any] | None) -> None:
        self.rows, self.place = rows, f"share {share + 1} of {num_shares}"
        self.stream = split_dataset_by_node(rows.lines, rank=share, world_size=num_shares).repeat(None)
        # Until a row is read, `datasets` would say that the stream is at its beginning.
        self.start = state
        if state is not None:
            self.stream.load_state_dict(state)
        # Not iter(): in a worker that would divide the shards among the workers once more.
        self.lines = _texts(rows.name, ({"text": line["text"][0]} for line in self.stream.iter(batch_size=1)))

    def __next__(self) -> dict[str, Any]:
        for number, line in enumerate(self.lines):
            self.start = None
            row = self.rows.parse(line)
            if row is not None:
                return row
            if number > self.rows.num_rows + self.rows.num_held_out:
                break
        raise DataError(
            f"{self.place} of corpus {self.rows.name!r} has no training row: its shards are empty, or hold evaluation texts alone. Take such shards "
            "away, or start fewer processes and workers."
        )

    def state(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.stream.state_dict()) if self.start is None else self.start


__all__ = ["BatchStream", "CorporaFolder", "Position", "StreamedRows", "first_texts", "stream_sources", "write_labels"]
