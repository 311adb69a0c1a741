"""Corpora of any size, read while they are trained on: what is held in memory, and the time until the first step, don't grow with them.

A corpus is a folder of shards, `train*.jsonl` (or `.jsonl.gz`, ...), with `labels.json` beside them, which [`write_labels`] makes once; the folder
that holds the corpora is local, or anything that `fsspec` opens, such as `hf://datasets/OWNER/NAME`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
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

logger = logging.getLogger(__name__)

LABELS = "labels.json"
CHUNK = 1 << 20  # bytes of a shard that are read at once


@dataclass
class StreamedRows:
    """The training rows of one corpus, in the order of its shards.

    Args:
        name: the corpus.
        lines: its shards' lines.
        num_rows: how many rows it has, in all.
        has_domains: intents are named together with the row's `domain`.
        held_out: keys of the texts that are left out (see [`headstart.corpora.text_key`]).
    """

    name: str
    lines: datasets.IterableDataset
    num_rows: int
    has_domains: bool
    held_out: set[str]

    def parse(self, line: str) -> dict[str, Any] | None:
        """The row of a line; None if it is blank or to be left out."""
        if not line.strip():
            return None
        where = f"corpus {self.name!r}, row {shorten(line)}"
        row = parse_row(line, where)
        if self.has_domains:
            row = with_domain(row, domain_of(json.loads(line), where))
        return None if text_key(row["text"]) in self.held_out else row


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
        data_dir: folder of corpora, local or remote, each with `train*.jsonl`, `validation.jsonl`, `test.jsonl` and `labels.json`.
        names, intents_with_domain, without_intents, without_slots: see there.
        seed: of the order of the shards.

    Raises:
        DataError: a corpus or its `labels.json` is not there, or a validation or test row is not as it must be.
    """
    known = list_corpora(data_dir)
    for name in {*names, *intents_with_domain, *without_intents, *without_slots} - set(known):
        raise DataError(f"{data_dir} has no corpus {name!r}; it has: {', '.join(known) or 'none'}.")
    held_out = {
        text_key(row["text"]) for name in known for part in ("validation", "test") for row in _read_part(data_dir, name, part)
    }
    sources = []
    for name in names:
        labels = _read_labels(data_dir, name)
        has_domains = name in intents_with_domain
        intents = [] if name in without_intents else labels["domain_intents" if has_domains else "intents"]
        slots = [] if name in without_slots else labels["slots"]
        train = StreamedRows(name, _open_lines(data_dir, name, "train*", seed), labels["rows"], has_domains, held_out)
        validation = [row for row in _read_part(data_dir, name, "validation", has_domains) if is_covered(row, intents, slots)]
        sources.append(Source(name, train, rows_to_dataset(validation), intents, slots))
    return sources


def list_corpora(data_dir: str) -> list[str]:
    """Names of the folders in `data_dir` that hold training rows."""
    files, root = fsspec.core.url_to_fs(data_dir)
    return sorted({path.rstrip("/").split("/")[-2] for path in files.glob(f"{root.rstrip('/')}/*/train*.jsonl*")})


def write_labels(data_dir: str, names: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """Read corpora once, and write the number of their rows and their labels into `labels.json` in their folders.

    Args:
        data_dir: folder of corpora.
        names: the corpora; all if they are left out.

    Returns:
        what was written, by corpus: `rows`, and, sorted, `intents`, `domain_intents` (`DOMAIN/INTENT`, of rows with a domain) and `slots`.

    Raises:
        DataError: a corpus is not there, or a row is not as it must be.
    """
    known = list_corpora(data_dir)
    if not known:
        raise DataError(f"{data_dir} holds no corpus; allowed: a folder with one folder a corpus, and train*.jsonl in each.")
    written = {}
    for name in known if names is None else names:
        if name not in known:
            raise DataError(f"{data_dir} has no corpus {name!r}; it has: {', '.join(known)}.")
        written[name] = _count_labels(data_dir, name)
        files, root = fsspec.core.url_to_fs(data_dir)
        with files.open(f"{root.rstrip('/')}/{name}/{LABELS}", "w", encoding="utf-8") as file:
            file.write(json.dumps(written[name], ensure_ascii=False, indent=1) + "\n")
    return written


def first_texts(sources: Sequence[Source], num_rows: int, weights: Sequence[float] | None = None) -> Iterator[str]:
    """Texts of the first rows of streamed sources, `num_rows` in all by the sources' weights, but none twice."""
    for source, share in zip(sources, _shares(sources, weights), strict=True):
        rows = _streamed(source)
        reader = _Reader(rows, 0, 1, None)
        for _ in range(min(round(num_rows * share), rows.num_rows)):
            yield next(reader)["text"]


def _shares(sources: Sequence[Source], weights: Sequence[float] | None) -> list[float]:
    given = [_streamed(source).num_rows for source in sources] if weights is None else weights
    return [float(weight) / sum(given) for weight in given]


def _streamed(source: Source) -> StreamedRows:
    return cast(StreamedRows, source.train)


def _count_labels(data_dir: str, name: str) -> dict[str, Any]:
    num_rows = 0
    intents: set[str] = set()
    domain_intents: set[str] = set()
    slots: set[str] = set()
    for line in tqdm(_open_lines(data_dir, name, "train*"), desc=f"Labels of {name}", unit=" rows"):
        if not line["text"].strip():
            continue
        row = parse_row(line["text"], f"corpus {name!r}, row {shorten(line['text'])}")
        num_rows += 1
        slots.update(slot["label"] for slot in row["slots"] or [])
        if row["intent"] is not None:
            intents.add(row["intent"])
            domain = json.loads(line["text"]).get("domain")
            if domain is not None:
                domain_intents.add(f"{domain}/{row['intent']}")
    return {"rows": num_rows, "intents": sorted(intents), "domain_intents": sorted(domain_intents), "slots": sorted(slots)}


def _read_labels(data_dir: str, name: str) -> dict[str, Any]:
    files, root = fsspec.core.url_to_fs(data_dir)
    path = f"{root.rstrip('/')}/{name}/{LABELS}"
    if not files.exists(path):
        raise DataError(
            f"corpus {name!r} in {data_dir} has no {LABELS}, which streaming wants: make it with headstart labels {data_dir}"
        )
    with files.open(path, encoding="utf-8") as file:
        return cast(dict[str, Any], json.load(file))


def _open_lines(data_dir: str, name: str, part: str, seed: int | None = None) -> datasets.IterableDataset:
    """Lines of the shards of a part of a corpus, in the column `text`."""
    files, root = fsspec.core.url_to_fs(data_dir)
    shards = sorted(files.glob(f"{root.rstrip('/')}/{name}/{part}.jsonl*"))
    if not shards:
        raise DataError(f"corpus {name!r} in {data_dir} has no {part}.jsonl")
    if seed is not None:
        shards = [shards[number] for number in np.random.default_rng(seed).permutation(len(shards))]
    urls = [files.unstrip_protocol(shard) for shard in shards]
    lines = datasets.load_dataset("text", data_files=urls, split="train", streaming=True, chunksize=CHUNK)
    return cast(datasets.IterableDataset, lines)


def _read_part(data_dir: str, name: str, part: str, has_domains: bool = False) -> Iterator[dict[str, Any]]:
    rows = StreamedRows(name, _open_lines(data_dir, name, part), 0, has_domains, set())
    return (row for line in rows.lines if (row := rows.parse(line["text"])) is not None)


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
    reads its own share of the rows of every source: whole shards where there are enough, else every n-th row. A source that ends begins anew.

    Args:
        sources: whose training rows are [`StreamedRows`].
        encode: makes the features of some rows of a source, of which it gets the number.
        collate: makes a batch of features.
        batch_size: rows in a batch.
        pool_size: rows in a pool: what is sorted, shuffled and held in memory, for each worker.
        weights: of the sources; unset: their numbers of rows.
        seed: of the draw.
        process: number of this process, and how many there are.
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
    ) -> None:
        self.rows = [_streamed(source) for source in sources]
        self.shares = _shares(sources, weights)
        self.encode, self.collate = encode, collate
        self.batch_size = batch_size
        self.pool_size = max(pool_size // batch_size, 1) * batch_size
        self.seed, self.process = seed, process
        self.positions: dict[int, Position] = {}
        self.next_worker = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Batches, each with the [`Position`] behind it as `position`."""
        info = get_worker_info()
        num_workers, number = (info.num_workers, info.id) if info is not None else (1, 0)
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

    def loader(self, num_workers: int = 0) -> DataLoader[dict[str, Any]]:
        """The batches, read by this process itself or by workers of its own."""
        # A generator of its own: a resumed run's random state must not depend on how often the stream was opened.
        generator = torch.Generator()
        return DataLoader(self, batch_size=None, num_workers=num_workers, collate_fn=cast(Any, _as_it_is), generator=generator)

    def note(self, position: Position) -> None:
        """Say that the batch before this position was trained on."""
        self.positions[position.worker] = position
        self.next_worker = position.worker + 1

    def state_dict(self) -> dict[str, Any]:
        """Where the stream of this process is, for JSON."""
        positions = [asdict(position) for position in self.positions.values()]
        return {"processes": self.process[1], "next_worker": self.next_worker, "positions": positions}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` said.

        Raises:
            ValueError: there were more or fewer processes.
        """
        if state["processes"] != self.process[1]:
            raise ValueError(
                f"the checkpoint's stream was read by {state['processes']} processes, now there are {self.process[1]}: start as many."
            )
        self.next_worker = state["next_worker"]
        self.positions = {fields["worker"]: Position(**fields) for fields in state["positions"]}


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
        self.rows = rows
        self.stream = split_dataset_by_node(rows.lines, rank=share, world_size=num_shares).repeat(None)
        if state is not None:
            self.stream.load_state_dict(state)
        # Not iter(): in a worker that would divide the shards among the workers once more.
        self.lines = self.stream.iter(batch_size=1)

    def __next__(self) -> dict[str, Any]:
        for number, line in enumerate(self.lines):
            row = self.rows.parse(line["text"][0])
            if row is not None:
                return row
            if number > self.rows.num_rows:
                break
        raise DataError(f"corpus {self.rows.name!r} has no training row: its shards are empty, or hold evaluation texts alone.")

    def state(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.stream.state_dict())


__all__ = ["BatchStream", "Position", "StreamedRows", "first_texts", "list_corpora", "stream_sources", "write_labels"]
