"""Batches of rows of similar length from streamed corpora, without an end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from headstart.data.corpora import Corpus, source_shares
from headstart.data.rows import DataError, Row
from headstart.data.streaming import StreamedRows, decoded_lines

# Tensors by the names of what the model is called with, and the [`Position`] behind them as `position`.
Batch: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, Any]  # of a stream, for JSON


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
    sources: list[State]
    batch: int


class BatchStream(IterableDataset[Batch]):
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
        sources: Sequence[Corpus],
        encode: Callable[[int, list[Row]], list[Any]],
        collate: Callable[[list[Any]], Batch],
        *,
        batch_size: int,
        pool_size: int = 25_600,
        weights: Sequence[float] | None = None,
        seed: int = 0,
        process: tuple[int, int] = (0, 1),
        num_workers: int = 0,
        length: int | None = None,
    ) -> None:
        self.rows = [source.streamed for source in sources]
        self.shares = source_shares(sources, weights)
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

    def __iter__(self) -> Iterator[Batch]:
        """The batches, each with the [`Position`] behind it."""
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

    def _draw_pool(self, readers: list[_Reader], generator: np.random.Generator) -> list[list[Any]]:
        drawn = np.bincount(generator.choice(len(readers), self.pool_size, p=self.shares), minlength=len(readers))
        features: list[Any] = []
        for source, (reader, count) in enumerate(zip(readers, drawn.tolist(), strict=True)):
            features += self.encode(source, [next(reader) for _ in range(count)])
        order = generator.permutation(len(features))
        order = order[np.argsort([features[number]["length"] for number in order], kind="stable")]
        batches = order.reshape(-1, self.batch_size)
        return [[features[number] for number in batch] for batch in batches[generator.permutation(len(batches))]]

    def loader(self, **options: Any) -> DataLoader[Batch]:
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

    def state_dict(self) -> State:
        """Where the stream of this process is, for JSON."""
        positions = [asdict(position) for position in self.positions.values()]
        return {"reads": self._reads(), "next_worker": self.next_worker, "positions": positions}

    def load_state_dict(self, state: State) -> None:
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

    def _reads(self) -> State:
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


class _Loader(DataLoader[Batch]):
    def __iter__(self) -> Any:
        try:
            yield from super().__iter__()
        except DataError as error:  # of a worker it comes with a whole traceback as its message
            raise DataError(str(error).strip().splitlines()[-1].removeprefix("headstart.data.rows.DataError: ")) from None


def _as_it_is(batch: Batch) -> Batch:
    return batch


class _Reader:
    """Rows of one share of a source, again and again.

    Args:
        rows: the source's.
        share, num_shares: which part of it, of how many.
        state: where to go on; None: at the beginning.
    """

    def __init__(self, rows: StreamedRows, share: int, num_shares: int, state: State | None) -> None:
        self.rows, self.place = rows, f"share {share + 1} of {num_shares}"
        self.stream = split_dataset_by_node(rows.lines, rank=share, world_size=num_shares).repeat(None)
        # Until a row is read, `datasets` would say that the stream is at its beginning.
        self.start = state
        if state is not None:
            self.stream.load_state_dict(state)
        # Not iter(): in a worker that would divide the shards among the workers once more.
        read = ({"text": line["text"][0]} for line in self.stream.iter(batch_size=1))
        self.lines = decoded_lines(rows.name, read, rows.shards)

    def __next__(self) -> Row:
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

    def state(self) -> State:
        return cast(State, self.stream.state_dict()) if self.start is None else self.start


__all__ = ["BatchStream", "Position"]
