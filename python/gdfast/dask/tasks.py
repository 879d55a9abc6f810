"""What runs on the workers: pure functions, so that a task that runs twice counts once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from gdfast import _core
from gdfast._scan.pieces import Asked, Piece
from gdfast._scan.sources.frames import Reader
from gdfast._scan.sums import check_weights
from gdfast._scan.tree import Nodes, merged
from gdfast.conversion import Array

WHAT = "partition"

_lock = threading.Lock()
_running, _before = 0, 1


@contextmanager
def one_thread() -> Iterator[None]:
    """While a task runs: a worker runs as many at a time as it has threads, and each of them is one.

    The bits don't depend on it.
    """
    global _running, _before
    with _lock:
        if _running == 0:
            _before = _core.get_num_threads()
            _core.set_num_threads(1)
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                _core.set_num_threads(_before)


def joined(blocks: Sequence[Array], y: Array | None, s: Array | None, number: int) -> tuple[Array, ...]:
    """The blocks of some rows beside one another, with their y and weights."""
    x = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    for name, array in (("y", y), ("sample_weight", s)):
        if array is not None and len(array) != len(x):
            raise ValueError(f"{WHAT} {number}: {name} has {len(array):,} rows, and x has {len(x):,}")
    return (x, *(array for array in (y, s) if array is not None))


def rows_of(item: Any) -> int:
    """Of a partition, whatever it is."""
    return len(item[0]) if isinstance(item, tuple) else len(item)


def reader(first: Any, asked: Asked, number: int) -> Reader:
    """What makes a piece of each partition, by the first one that has rows."""
    return Reader(first, asked, WHAT, number)


def same(value: Any) -> Any:
    """`value`, as a result: it goes out once and can be made again, unlike what is scattered."""
    return value


def piece_of(item: Any, number: int, reader: Reader) -> Piece:
    """A partition as arrays."""
    piece = reader.piece(item, number)
    if piece.sample_weight is not None:
        check_weights(piece)
    return piece


class Group(NamedTuple):
    """Partitions that lie together, by their numbers, and where their rows start."""

    numbers: list[int]
    starts: list[int]
    empty: list[int]  # those without rows, which count for nothing
    among: int  # all partitions


def of_partitions(items: Sequence[Any], group: Group, parts: Any, add: Any, reader: Reader) -> Nodes[Any]:
    """What `parts` makes of each partition, added as far as they stand side by side in the tree.

    `parts` is one for all, or a list with one for each.
    """
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        nodes: Nodes[Any] = {(0, number): None for number in group.empty}
        own = parts if isinstance(parts, list) else [parts] * len(items)
        for item, number, start, part in zip(items, group.numbers, group.starts, own, strict=True):
            piece = item if isinstance(item, Piece) else piece_of(item, number, reader)
            nodes[0, number] = part(piece._replace(number=number, start=start))
        return merged(nodes, group.among, add)


def joined_nodes(a: Nodes[Any], b: Nodes[Any], count: int, add: Any) -> Nodes[Any]:
    """Those of both, added as far as they stand side by side."""
    with one_thread():
        return merged({**a, **b}, count, add)
