"""Matrices in .npy files, by windows of memory maps."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gdfast._scan.choice import wanted
from gdfast._scan.pieces import Asked, Piece, Wanted
from gdfast._scan.sources.files import unreadable
from gdfast._scan.sources.stamp import stamp
from gdfast.conversion import Array

_POPULATE_READ = (
    22  # MADV_POPULATE_READ, which Python has no name for: all pages are there when it returns (Linux 5.14)
)


class NpyFile:
    """One matrix, (n, k) or (n,)."""

    def __init__(self, path: Path) -> None:
        self.path, self.stamp = path, stamp(path)
        try:
            with path.open("rb") as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, self.fortran, self.dtype = read(file)
                self.offset = file.tell()
        except Exception as error:
            raise unreadable(path, error) from None
        if len(shape) not in (1, 2) or 0 in shape[1:]:
            raise ValueError(f"{path} has shape {shape}, accepted are matrices (n, k)")
        self.n, self.k = shape[0], shape[1] if len(shape) == 2 else 1
        if self.stamp.size < self.offset + self.n * self.k * self.dtype.itemsize:
            raise ValueError(
                f"{path} is truncated: it has {self.stamp.size:,} bytes, and {self.n:,} × {self.k:,} numbers of "
                f"{self.dtype} take {self.offset + self.n * self.k * self.dtype.itemsize:,}"
            )

    def rows(self, handle: int, start: int, count: int) -> Array:
        """These rows where they lie in the file, (count, k)."""
        if not self.fortran or self.k == 1:
            first = self.offset + start * self.k * self.dtype.itemsize
            return self._window(handle, first, count * self.k).reshape(count, self.k)
        columns = np.empty((count, self.k), self.dtype, order="F")
        for j in range(self.k):
            first = self.offset + (j * self.n + start) * self.dtype.itemsize
            read = os.preadv(handle, [columns[:, j].data], first)
            if read != count * self.dtype.itemsize:
                raise ValueError(f"{self.path} is truncated: it ends in column {j}")
        return columns

    def _window(self, handle: int, first: int, numbers: int) -> Array:
        """Mapped while the array lives: a map of the whole file would count as memory where that is limited."""
        aligned = first - first % mmap.ALLOCATIONGRANULARITY
        length = first - aligned + numbers * self.dtype.itemsize
        if os.fstat(handle).st_size < aligned + length:
            raise ValueError(f"{self.path} is truncated since the scan began")
        window = mmap.mmap(handle, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=aligned)
        window.madvise(mmap.MADV_SEQUENTIAL)
        try:
            window.madvise(_POPULATE_READ)
        except OSError:
            with suppress(OSError):
                window.madvise(mmap.MADV_WILLNEED)
        return np.frombuffer(window, self.dtype, numbers, first - aligned)


class NpySource:
    """Matrices below one another; the columns are called "0", "1" and so on."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.files = [NpyFile(path) for path in paths]
        first = self.files[0]
        self.names = tuple(map(str, range(first.k)))
        for file in self.files[1:]:
            if (file.k, file.dtype) != (first.k, first.dtype):
                raise ValueError(
                    f"{file.path} has {file.k:,} columns of {file.dtype}, and {first.path} has {first.k:,} of "
                    f"{first.dtype}: accepted are matrices that are alike"
                )

    def bind(self, asked: Asked) -> BoundMatrices:
        """See `Source`. A column from the end is counted as NumPy does: -1 is the last one."""
        first = self.files[0]
        from_end = {str(j) for j in range(-first.k, 0)}

        def name(given: str | None) -> str | None:
            if given is None or given not in from_end:
                return given
            return str(first.k + int(given))

        columns = None if asked.columns is None else tuple(str(name(column)) for column in asked.columns)
        numbers = first.dtype.kind in "fiub" and first.dtype.itemsize <= 8
        asked = asked._replace(columns=columns, y=name(asked.y), sample_weight=name(asked.sample_weight))
        found = wanted(str(first.path), self.names, asked, lambda _: first.dtype if numbers else str(first.dtype))
        return BoundMatrices(self.files, found)


class BoundMatrices:
    """Matrices whose columns are chosen; see `Bound`."""

    one_column = False
    restartable = True
    names: tuple[str, ...] | None = None

    def __init__(self, files: Sequence[NpyFile], wanted: Wanted) -> None:
        self.files, self.wanted = files, wanted
        self.d, self.dtype = len(wanted.x), wanted.dtype
        self.has_y, self.weighted = wanted.y is not None, wanted.sample_weight is not None
        self.rows: int | None = sum(file.n for file in files)
        columns = [int(name) for name in wanted.x]
        together = columns == list(range(columns[0], columns[0] + len(columns)))
        self.columns: Any = slice(columns[0], columns[0] + len(columns)) if together else columns

    def read(self) -> Iterator[Piece]:
        """See `Bound`."""
        for file in self.files:
            file.stamp.check()
            with file.path.open("rb") as opened:
                for start in range(0, file.n, self.wanted.unit_rows):  # mapped, a large piece takes no memory of ours
                    count = min(self.wanted.unit_rows, file.n - start)
                    yield self._piece(file.rows(opened.fileno(), start, count), f"{file.path}, row {start:,} on")
            file.stamp.check()

    def piece(self, read: Piece) -> Piece:
        """See `Bound`."""
        return read

    def _piece(self, rows: Array, where: str) -> Piece:
        y, s = self.wanted.y, self.wanted.sample_weight
        return Piece(
            self._floats(rows[:, self.columns]),
            np.empty(0, self.dtype) if y is None else self._floats(rows[:, int(y)]),
            None if s is None else self._floats(rows[:, int(s)]),
            where,
            rows.nbytes,
        )

    def _floats(self, array: Array) -> Array:
        with np.errstate(over="ignore"):
            return array.astype(self.dtype, copy=False)
