"""Matrices in .npy files, mapped into memory by NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast.cli.integers import CollapsedError, first_of_integers
from gdfast.cli.tables import TableError

Array = NDArray[Any]


class NpyTable:
    """A matrix in a .npy file. Its columns are called 0, 1, 2 and so on."""

    index = note = None

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Mapped: what is used as it lies is never copied, and what isn't used never read.
            self.array: Array = np.lib.format.open_memmap(path, mode="r")
            rows, columns = self.array.shape if self.array.ndim == 2 else (1, 1)
        except Exception as error:  # a damaged file makes NumPy stumble anywhere
            raise TableError(f"{path} can't be read: {error}") from None
        if self.array.ndim != 2 or rows < 1 or columns < 1:
            raise TableError(f"{path} has shape {self.array.shape}, accepted is (n, columns): a row a sample")
        if self.array.dtype.kind not in "fiub":
            raise TableError(f"{path} has dtype {self.array.dtype}, accepted are floating point, integers and booleans")
        self.names = tuple(map(str, range(columns)))

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """See `Table`. A view of the file where neither dtype nor order of the columns stand against it."""
        wanted = [int(name) for name in names]
        first = wanted[0]
        together = wanted == list(range(first, first + len(wanted)))
        array = self.array[:, first : first + len(wanted)] if together else self.array[:, wanted]
        if dtype is None:
            dtype = array.dtype if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8) else np.dtype(np.float64)
        if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
            for name, column in zip(names, array.T, strict=True):
                same = first_of_integers(column)
                if same is not None:
                    raise CollapsedError(self.path, name, *same)
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite, and refused as such
            return array.astype(dtype.newbyteorder("="), copy=False)

    def labels(self, name: str) -> Array:
        """See `Table`."""
        column = self.array[:, int(name)]
        if column.dtype.kind == "f" and np.isnan(column).any():
            raise TableError(f"{self.path} has NaN in column {name}, and each row needs a number there")
        return np.unique(column, return_inverse=True)[1]
