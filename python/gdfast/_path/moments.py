"""Moments of each fold, or group of rows, in one read of the data."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, optimum
from gdfast._inference.basis import Counted, counted
from gdfast.conversion import Array
from gdfast.descent import Gram

_BLOCK = 2**15  # rows whose weights are looked at together


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
    if not isinstance(folds, Consecutive):
        read = by_group(x, y, s, folds, int(folds.max()) + 1)
        assert read is not None
        return read
    starts = (0, *folds.ends[:-1])
    return of_runs(x, y, s, list(zip(range(len(folds.ends)), starts, folds.ends, strict=True)), len(folds.ends))


def by_group(x: Array, y: Array, s: Array | None, ids: NDArray[Any], count: int) -> Read | None:
    """Of each of so many groups, of which some may have no rows; None where ids holds other numbers than theirs."""
    numbers = np.ascontiguousarray(ids, dtype=np.int64)
    runs = _runs(numbers, count)
    if runs is not None:
        return of_runs(x, y, s, runs, count)
    found = _core.moments_of_groups(x, y, s, numbers, count)
    if found is None:
        return None
    grams, origins, sizes, bytes_read, peak = found
    rows = _counted_by_group(numbers, sizes, s)
    moments = [Moments(Gram(*sums), own) for *sums, own in zip(grams, origins, rows, strict=True)]
    return Read(moments, bytes_read, peak)


def together(a: Moments, b: Moments) -> Moments:
    with np.errstate(all="ignore"):
        return Moments(optimum.added(a.gram, b.gram), a.rows.with_more(b.rows))


def _runs(ids: NDArray[np.int64], count: int) -> list[tuple[int, int, int]] | None:
    """Group, start and end of each run of rows, where the rows of every group lie together."""
    for rows in (ids[:4096], ids):  # of groups that lie in no order the first rows tell
        ends = np.flatnonzero(rows[1:] != rows[:-1]) + 1
        if len(ends) >= count:
            return None
    starts = np.concatenate(([0], ends))
    groups = ids[starts]
    if groups.min() < 0 or groups.max() >= count or len(np.unique(groups)) < len(groups):
        return None
    return list(zip(groups.tolist(), starts.tolist(), [*ends.tolist(), len(ids)], strict=True))


def of_runs(x: Array, y: Array, s: Array | None, runs: list[tuple[int, int, int]], count: int) -> Read:
    """Of groups of which each is one run of rows (group, start, end), or has none."""
    size = (1 if x.ndim == 1 else x.shape[1]) + 2
    nothing = Moments(Gram(np.zeros((size, size)), np.zeros(size - 1)), Counted(0, s is not None, 0, 0.0))
    found, read, peak = [nothing] * count, 0, 0
    for group, start, end in runs:
        weights = None if s is None else s[start:end]
        matrix, origin, bytes_read, extra = _core.moments(x[start:end], y[start:end], weights)
        found[group] = Moments(Gram(matrix, origin), counted(end - start, weights))
        read += bytes_read
        peak = max(peak, extra)
    return Read(found, read, peak)


def _counted_by_group(ids: NDArray[np.int64], sizes: NDArray[np.int64], s: Array | None) -> list[Counted]:
    if s is None:
        return [Counted(n, False, n, 0.0) for n in sizes.tolist()]
    above_0, logarithms = np.zeros(len(sizes), np.int64), np.zeros(len(sizes))
    for start in range(0, len(s), _BLOCK):
        block, group = s[start : start + _BLOCK].astype(np.float64), ids[start : start + _BLOCK]
        positive = block > 0
        above_0 += np.bincount(group[positive], minlength=len(sizes))
        logarithms += np.bincount(group[positive], np.log(block[positive]), minlength=len(sizes))
    columns = sizes.tolist(), above_0.tolist(), logarithms.tolist()
    return [Counted(n, True, above, logs) for n, above, logs in zip(*columns, strict=True)]
