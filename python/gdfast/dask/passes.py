"""Passes over partitions: sums are taken where these lie, and added in the tree that scans have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np

from gdfast._scan.descent import Noticed
from gdfast._scan.folds import OfFolds
from gdfast._scan.pieces import Piece
from gdfast._scan.sources.frames import Reader
from gdfast._scan.sums import Noticing, Part, Passes, sums_of_piece
from gdfast._scan.tree import Nodes, merged
from gdfast.dask import tasks
from gdfast.dask.partitions import partitions
from gdfast.dask.waiting import gathered, settled

T = TypeVar("T")

EMBEDDED = 2**12  # columns up to which w goes along with each task; beyond it goes out once


@dataclass
class OnCluster:
    """See `gdfast._scan.pieces.Bound`; what it says of pieces to be read is said of partitions."""

    names: tuple[str, ...] | None
    d: int
    dtype: np.dtype[Any]
    one_column: bool
    has_y: bool
    weighted: bool
    rows: int | None
    restartable: bool = True

    def read(self) -> Iterator[Any]:
        """Partitions stay where they are."""
        _refuse()

    def piece(self, read: Any) -> Piece:
        """Partitions stay where they are."""
        _refuse()


def _refuse() -> NoReturn:
    raise ValueError("mini-batches are not for a cluster, whose partitions stay where they are: write batch_size=None")


class ClusterPasses(Passes):
    """See `Passes`. Each pass is one round trip: a task a partition."""

    def __init__(
        self, client: Any, data: Any, y: Any, sample_weight: Any = None, columns: Sequence[str] | None = None
    ) -> None:
        self.client = client
        self._collection = (data, y, sample_weight, columns)
        counts = self._place()
        self.starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
        self.filled = [i for i, count in enumerate(counts) if count]
        if not self.filled:
            raise ValueError("the frame has no rows, and at least one is needed")
        reader = self._first_read()
        super().__init__(
            OnCluster(
                reader.names, reader.d, reader.dtype, reader.one_column, reader.has_y, reader.weighted, sum(counts)
            )
        )

    def _place(self) -> list[int]:
        """Have the partitions made where they are to lie, and count their rows."""
        self.items, self.asked = partitions(self.client, *self._collection)
        self.are_arrays = False
        settled(self.client, self.items)
        for item in self.items:
            if item.status == "error":
                raise item.exception()  # of making the partition
        return gathered(self.client, self.client.map(tasks.rows_of, self.items, pure=False))

    def _first_read(self) -> Reader:
        """What makes pieces of partitions: it stays on the cluster, too."""
        first = self.filled[0]
        self.reader = self.client.submit(tasks.reader, self.items[first], self.asked, first, pure=False)
        (reader,) = gathered(self.client, [self.reader])
        assert isinstance(reader, Reader)
        return reader

    def _place_again(self) -> None:
        """After a restart of the cluster, which forgets all that was on it."""
        counts = self._place()
        before = np.diff(self.starts).tolist()
        if counts != before:
            changed = next(i for i, pair in enumerate(zip(counts, before, strict=True)) if pair[0] != pair[1])
            raise ValueError(
                f"partition {changed} has {counts[changed]:,} rows, and had {before[changed]:,} before the cluster was "
                "restarted: what makes it must make the same again"
            )
        self._first_read()

    @property
    def threads(self) -> int:
        """Of all workers."""
        return sum(self.client.nthreads().values())

    def reduce(self, part: Part[T], add: Callable[[T, T], T], noticed: Noticing | None = None) -> T | None:
        """See `Passes.reduce`."""
        if isinstance(noticed, Noticed) and not noticed.seen:
            noticed.take(self._reduce(Noticed.part_of(self.bound.rows), Noticed.joined))
        return self._reduce(part, add)

    def _reduce(self, part: Part[T], add: Callable[[T, T], T]) -> T | None:
        try:
            return self._pass(part, add)
        except CancelledError:
            self._place_again()
            return self._pass(part, add)

    def _pass(self, part: Part[T], add: Callable[[T, T], T]) -> T | None:
        if self.done and self.bound.names is not None and not self.are_arrays:
            self._keep_arrays()
        groups = self._groups()
        large_point = self.bound.d > EMBEDDED
        shared = self.client.submit(tasks.same, part, pure=False) if large_point else part
        results = []
        for group in groups:
            items = [self.items[i] for i in group.numbers]
            parts = _of_each(part, group, self.starts) or shared
            results.append(self.client.submit(tasks.of_partitions, items, group, parts, add, self.reader, pure=False))
        count = len(self.items)
        while (
            getattr(part, "func", None) is not sums_of_piece and len(results) > 1
        ):  # moments of many columns: what comes back is one of them
            pairs = [
                self.client.submit(tasks.joined_nodes, *pair, count, add, pure=False)
                for pair in zip(results[::2], results[1::2], strict=False)
            ]
            results = pairs + results[len(results) - len(results) % 2 :]
        nodes: Nodes[T] = {}
        for found in gathered(self.client, results):
            nodes.update(found)
        (total,) = merged(nodes, count, add).values()
        self.nbytes += self.one_read
        self.done += 1
        return total

    def _keep_arrays(self) -> None:
        """Of tables that are read again: columns are looked for, and copied, once."""
        numbers = self.filled
        tables = [self.items[i] for i in numbers]
        arrays = self.client.map(tasks.piece_of, tables, numbers, reader=self.reader, pure=False)
        for i, future in zip(numbers, arrays, strict=True):
            self.items[i] = future
        settled(self.client, arrays)
        self.are_arrays = True

    def _groups(self) -> list[tasks.Group]:
        """Partitions that lie on one worker, in as many groups as it has threads: each is a task.

        It is the scheduler that says where tasks run, and it prefers where their data is. What is nowhere, because a
        worker was lost, is made again by whoever gets it.
        """
        threads: dict[str, int] = self.client.nthreads()
        where = self.client.who_has([self.items[i] for i in self.filled])
        by_worker: dict[str, list[int]] = {}
        workers = sorted(threads)
        for i in self.filled:
            holders = sorted(set(where.get(self.items[i].key, ())) & threads.keys())
            worker = holders[0] if holders else workers[i % len(workers)]
            by_worker.setdefault(worker, []).append(i)
        groups = []
        for worker, numbers in by_worker.items():
            size = -(-len(numbers) // threads[worker])
            groups += [numbers[start : start + size] for start in range(0, len(numbers), size)]
        empty = sorted(set(range(len(self.items))) - set(self.filled))
        return [
            tasks.Group(group, [self.starts[i] for i in group], empty if k == 0 else [], len(self.items))
            for k, group in enumerate(groups)
        ]


def _of_each(part: Any, group: tasks.Group, starts: Sequence[int]) -> list[Any] | None:
    """A part for each partition, where none needs what another one has."""
    if not isinstance(part, OfFolds):
        return None
    return [part.for_rows(starts[i], starts[i + 1]) for i in group.numbers]
