"""What x, y and weights of a scan are: columns by name, or arrays that lie in memory beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gdfast import validation
from gdfast._scan.pieces import Bound, Piece
from gdfast.conversion import Array, cast, floating

if TYPE_CHECKING:
    from gdfast.scan import Scan


def bind(scan: Scan, y: Any, sample_weight: Any) -> Bound:
    """The scan with its y and weights.

    Raises
    ------
    ValueError, TypeError
        There are none such.
    """
    given_y, given_s = _by_name(y), _by_name(sample_weight)
    bound: Bound = scan._bound(given_y, given_s)
    if scan._nan_is_missing:
        bound = WithoutNaN(bound)
    if y is None and not bound.has_y:
        names = f": it has {', '.join(map(repr, bound.names[:10]))}" if bound.names else ""
        raise ValueError(f"y is missing: write the name of the column to predict, gdfast.fit(scan, 'y'){names}")
    beside = {}
    if y is not None and given_y is None:
        beside["y"] = _vector("y", y)
    if sample_weight is not None and given_s is None:
        beside["sample_weight"] = validation.weights("sample_weight", _vector("sample_weight", sample_weight))
    return Beside(bound, beside.get("y"), beside.get("sample_weight")) if beside else bound


def _by_name(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
    return str(int(value)) if whole else None


def _vector(name: str, value: Any) -> Array:
    array = floating(name, value)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, accepted are the name of a column and arrays (n,)")
    return array


class WithoutNaN:
    """A scan without rows that have NaN somewhere; see `Bound`."""

    rows: int | None = None

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.names, self.d, self.dtype = bound.names, bound.d, bound.dtype
        self.one_column, self.restartable = bound.one_column, bound.restartable
        self.has_y, self.weighted = bound.has_y, bound.weighted

    def read(self) -> Iterator[Any]:
        """See `Bound`."""
        return self.bound.read()

    def piece(self, read: Any) -> Piece:
        """See `Bound`."""
        piece = self.bound.piece(read)
        bad = np.isnan(piece.x).any(axis=1)
        for array in (piece.y, piece.sample_weight):
            if array is not None and len(array):
                bad |= np.isnan(array)
        if not bad.any():
            return piece
        x, y, s = (None if array is None or not len(array) else array[~bad] for array in piece[:3])
        assert x is not None
        more = int(np.count_nonzero(bad))
        return piece._replace(x=x, y=piece.y if y is None else y, sample_weight=s, dropped=piece.dropped + more)


class Beside:
    """A scan of x, with y or weights that lie in memory; see `Bound`."""

    has_y = True

    def __init__(self, bound: Bound, y: Array | None, sample_weight: Array | None) -> None:
        self.bound, self.y, self.s = bound, y, sample_weight
        self.names, self.d, self.dtype = bound.names, bound.d, bound.dtype
        self.one_column, self.restartable = bound.one_column, bound.restartable
        self.weighted = bound.weighted or sample_weight is not None
        self.rows: int | None = next(len(array) for array in (y, sample_weight) if array is not None)
        for array in (y, sample_weight):
            if array is not None:
                self._check(array, self.rows if bound.rows is None else bound.rows)

    def read(self) -> Iterator[Any]:
        """See `Bound`."""
        self.start = 0
        return self.bound.read()

    def piece(self, read: Any) -> Piece:
        """See `Bound`."""
        piece = self.bound.piece(read)
        rows = slice(self.start, self.start + len(piece.x))
        self.start = rows.stop
        for array in (self.y, self.s):
            if array is not None and self.start > len(array):
                self._check(array, self.start)
        return piece._replace(
            y=piece.y if self.y is None else cast(self.y[rows], self.dtype),
            sample_weight=piece.sample_weight if self.s is None else cast(self.s[rows], self.dtype),
        )

    def _check(self, array: Array, rows: int) -> None:
        if len(array) != rows:
            name = "y" if array is self.y else "sample_weight"
            raise ValueError(f"{name} has shape {array.shape} and the scan {rows:,} rows: accepted is {(rows,)}")
