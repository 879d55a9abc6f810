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


class Read(NamedTuple):
    """What one read of the data gave."""

    folds: list[Moments]
    bytes_read: int
    peak_bytes: int


def by_fold(x: Array, y: Array, s: Array | None, ids: NDArray[np.intp] | None) -> Read:
    """Of each fold; of all rows as one where there are no ids."""
    found: list[Moments | None] = [None] * (1 if ids is None else int(ids.max()) + 1)
    read = peak = 0
    for fold, rows in _pieces(x, ids):
        piece = x[rows], y[rows], None if s is None else s[rows]
        matrix, origin, bytes_read, extra = _core.moments(*piece)
        own = Moments(Gram(matrix, origin), counted(len(piece[1]), piece[2]))
        before = found[fold]
        found[fold] = own if before is None else together(before, own)
        read += bytes_read
        peak = max(peak, extra + (0 if isinstance(rows, slice) else piece[0].nbytes))
    return Read([moments for moments in found if moments is not None], read, peak)


def together(a: Moments, b: Moments) -> Moments:
    with np.errstate(all="ignore"):
        return Moments(optimum.added(a.gram, b.gram), a.rows.with_more(b.rows))


def _pieces(x: Array, ids: NDArray[np.intp] | None) -> Iterator[tuple[int, Any]]:
    """The fold of each piece, and its rows: a slice, or their numbers."""
    if ids is None:
        yield 0, slice(None)
        return
    ends = np.append(np.flatnonzero(ids[1:] != ids[:-1]) + 1, len(ids))
    if len(ends) == ids.max() + 1:
        start = 0
        for end in map(int, ends):
            yield int(ids[start]), slice(start, end)
            start = end
        return
    order = np.argsort(ids, kind="stable")
    ends = np.cumsum(np.bincount(ids))
    step = max(1, _BLOCK_BYTES // (x.itemsize * (x.shape[1] if x.ndim == 2 else 1)))
    start = 0
    for fold, end in enumerate(map(int, ends)):
        for first in range(start, end, step):
            yield fold, order[first : min(first + step, end)]
        start = end
