"""Moments of each fold of a scan, in one pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import checks, validation
from gdfast._path.folds import fold_of_each_row
from gdfast._path.moments import Consecutive, Moments, Read, by_group, of_runs, together
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Passes


class ByPiece(NamedTuple):
    """All rows of piece i are in fold i % k."""

    k: int


Folds = NDArray[np.intp] | Consecutive | ByPiece


def folds_of(folds: Any, groups: Any, rng: Any, passes: Passes) -> Folds:
    """Which fold each row is in: by its number, or where nothing tells how many there are, by its piece.

    Raises
    ------
    ValueError, TypeError
        As `fold_of_each_row`; or rows are to be drawn whose number isn't known.
    """
    x, y, _ = passes.shape()
    if passes.rows is not None:
        return fold_of_each_row(folds, groups, rng, x, y, passes.rows)
    if np.ndim(folds) > 0:
        return fold_of_each_row(folds, groups, rng, x, y, len(folds))  # and a pass counts them
    if groups is not None or rng is not None or hasattr(folds, "split"):
        raise ValueError(
            "groups, rng and splitters need the number of rows, which is not known of this scan before they are read: "
            "write folds as a number, which makes piece i part of fold i % folds, or as an array with the fold of each "
            "row"
        )
    return ByPiece(checks.whole("folds", folds, 2, "None or a number of folds from 2"))


def by_fold(passes: Passes, folds: Folds | None) -> Read:
    """Of each fold; of all rows as one where there are none. Added up in a tree over the pieces, for each fold."""
    count = count_of(folds)
    found = passes.reduce(OfFolds(folds, count), _both)
    assert found is not None
    if isinstance(folds, np.ndarray) and passes.rows is not None:
        validation.same_rows("folds", len(folds), passes.rows)
    empty = [i for i, moments in enumerate(found) if not moments.rows.n]
    if empty:
        raise ValueError(f"folds: fold {empty[0]} has no rows, since the scan has fewer pieces than folds")
    return Read(found, passes.nbytes, passes.peak_bytes)


def _both(a: list[Moments], b: list[Moments]) -> list[Moments]:
    """Fold by fold; where a fold has no rows there is nothing to add."""
    return [
        right if not left.rows.n else left if not right.rows.n else together(left, right)
        for left, right in zip(a, b, strict=True)
    ]


def count_of(folds: Folds | None) -> int:
    """How many folds there are."""
    if folds is None:
        return 1
    if isinstance(folds, ByPiece):
        return folds.k
    return len(folds.ends) if isinstance(folds, Consecutive) else int(folds.max()) + 1


class OfFolds:
    """Moments of each fold in a piece, of no rows where none of it is there: a part for `Passes.reduce`."""

    def __init__(self, folds: Folds | None, count: int, start: int = 0) -> None:
        self.folds, self.count, self.start = folds, count, start

    def for_rows(self, start: int, stop: int) -> OfFolds:
        """The same, for a piece of these rows: that it is sent to whoever has the piece needs no more."""
        if not isinstance(self.folds, np.ndarray):
            return self
        return OfFolds(self.folds[start - self.start : stop - self.start], self.count, start)

    def __call__(self, piece: Piece) -> list[Moments]:
        x, y, s = piece.x, piece.y, piece.sample_weight
        folds, count = self.folds, self.count
        if folds is None or isinstance(folds, ByPiece):
            return of_runs(x, y, s, [(0 if folds is None else piece.number % count, 0, len(x))], count).folds
        if isinstance(folds, Consecutive):
            ends = np.clip(np.array(folds.ends) - piece.start, 0, len(x)).tolist()
            runs = [(fold, a, b) for fold, (a, b) in enumerate(zip([0, *ends[:-1]], ends, strict=True)) if a < b]
            return of_runs(x, y, s, runs, count).folds
        ids = folds[piece.start - self.start :][: len(x)]
        if len(ids) < len(x):
            validation.same_rows("folds", self.start + len(folds), piece.start + len(x))
        read = by_group(x, y, s, ids, count)
        assert read is not None
        return read.folds
