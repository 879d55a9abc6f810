"""Moments of each fold, in one read of the data: views of folds that lie together, gathered blocks of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, optimum
from gdfast._inference.basis import Counted, counted
from gdfast.conversion import Array
from gdfast.descent import Gram

_BLOCK_BYTES = 2**22  # of rows that are gathered at a time: the extra memory that there may be


class Moments(NamedTuple):
    """Of one fold."""

    gram: Gram
    rows: Counted


class Consecutive(NamedTuple):
    """Folds of rows that follow each other, by where each ends."""

    ends: tuple[int, ...]

    def ids(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(len(self.ends)), np.diff(np.array((0, *self.ends))))


class Read(NamedTuple):
    """What one read of the data gave."""

    folds: list[Moments]
    bytes_read: int
    peak_bytes: int


def by_fold(x: Array, y: Array, s: Array | None, folds: NDArray[np.intp] | Consecutive | None) -> Read:
    """Of each fold; of all rows as one where there are none."""
    if folds is None:
        folds = Consecutive((len(y),))
    count = len(folds.ends) if isinstance(folds, Consecutive) else int(folds.max()) + 1
    found: list[Moments | None] = [None] * count
    read = peak = 0
    for fold, rows in _pieces(x, folds):
        if isinstance(rows, slice):
            piece, room = (x[rows], y[rows], None if s is None else s[rows]), 0
        else:
            piece = x.take(rows, axis=0), y.take(rows), None if s is None else s.take(rows)
            room = piece[0].nbytes
        matrix, origin, bytes_read, extra = _core.moments(*piece)
        own = Moments(Gram(matrix, origin), counted(len(piece[1]), piece[2]))
        before = found[fold]
        found[fold] = own if before is None else together(before, own)
        read += bytes_read
        peak = max(peak, extra + room)
    return Read([moments for moments in found if moments is not None], read, peak)


def together(a: Moments, b: Moments) -> Moments:
    with np.errstate(all="ignore"):
        return Moments(optimum.added(a.gram, b.gram), a.rows.with_more(b.rows))


def _pieces(x: Array, folds: NDArray[np.intp] | Consecutive) -> Iterator[tuple[int, Any]]:
    """The fold of each piece, and its rows: a slice, or their numbers."""
    if isinstance(folds, Consecutive):
        for fold, (start, end) in enumerate(zip((0, *folds.ends), folds.ends, strict=False)):
            yield fold, slice(start, end)
        return
    ids = folds
    ends = np.append(np.flatnonzero(ids[1:] != ids[:-1]) + 1, len(ids))
    if len(ends) == ids.max() + 1:
        start = 0
        for end in map(int, ends):
            yield int(ids[start]), slice(start, end)
            start = end
        return
    narrow = ids.astype(np.uint16) if ids.max() < 2**16 else ids  # which NumPy sorts by counting
    order = np.argsort(narrow, kind="stable")
    ends = np.cumsum(np.bincount(ids))
    step = max(1, _BLOCK_BYTES // (x.itemsize * (x.shape[1] if x.ndim == 2 else 1)))
    start = 0
    for fold, end in enumerate(map(int, ends)):
        for first in range(start, end, step):
            yield fold, order[first : min(first + step, end)]
        start = end
