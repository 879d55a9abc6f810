"""Rows of columns that lie apart, as far as they can stand for an array (n, d)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import copies
from gdfast._core import Columns

Array = NDArray[Any]

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


class Table(Columns):
    """Columns of numbers where they lie, each stored as it is, and computed in float32 or float64.

    The kernels read it as they read arrays. To Python it is an array of which only parts are looked at: a slice of
    consecutive rows is a table again, and any other selection of rows an array.
    """

    ndim = 2

    def __init__(self, columns: Sequence[tuple[Any, Any]], n: int, dtype: np.dtype[Any]) -> None:
        super().__init__(columns, n, dtype == FLOAT32)

    @property
    def shape(self) -> tuple[int, int]:
        return self._size

    @property
    def dtype(self) -> np.dtype[Any]:
        """What it is computed in."""
        return FLOAT32 if self._single else FLOAT64

    @property
    def size(self) -> int:
        return len(self) * self.shape[1]

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """As it is stored."""
        return len(self) * self._row_bytes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and len(key) == 1:
            return self[key[0]]
        if isinstance(key, tuple):  # as np.ix_ makes them, too
            rows, columns = key
            if isinstance(rows, slice):
                return np.asarray(self[rows])[:, columns]
            if isinstance(columns, slice):
                return np.asarray(self[rows])[..., columns]
            rows, columns = np.asarray(rows), np.asarray(columns)
            if rows.ndim < 2 or columns.ndim < 2:
                return np.asarray(self[rows])[..., columns]
            return np.asarray(self[rows.ravel()])[:, columns.ravel()]
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self._with(start, max(start, stop), self.dtype)
            return self._array(np.arange(start, stop, step))
        rows = np.asarray(key)
        if rows.dtype.kind == "b":
            rows = np.flatnonzero(rows)
        picked = self._array(np.atleast_1d(rows).astype(np.int64))
        return picked[0] if rows.ndim == 0 else picked

    def take(self, columns: NDArray[np.intp], axis: int = 1) -> Array:
        """Some columns of all rows, as an array."""
        assert axis == 1
        return np.asarray(self)[:, columns]

    def astype(self, dtype: Any) -> Array:
        """All of it as an array."""
        return np.asarray(self).astype(dtype, copy=False)

    def computed_in(self, dtype: np.dtype[Any]) -> Table:
        """The same in another dtype."""
        return self if dtype == self.dtype else self._with(0, len(self), dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("columns that lie apart are no array without a copy")
        array = self._array(None)
        return array if dtype is None else array.astype(dtype, copy=False)

    def copied(self) -> Array:
        """All of it as an array, which is counted."""
        return copies.made(self._array(None))

    def _with(self, start: int, stop: int, dtype: np.dtype[Any]) -> Table:
        part = Table.__new__(Table)
        Columns.__init__(part, self, start, stop, dtype == FLOAT32)
        return part
