"""Tables in files, as matrices of numbers: CSV and Parquet by pyarrow, .npy mapped into memory by NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SUFFIXES = ".csv, .csv.gz, .parquet and .npy"
BLOCK = 2**20  # numbers that are looked at together when missing values are counted


class TableError(ValueError):
    """A file that is no table of numbers; the message says what to do about it."""


class Table(Protocol):
    """A table whose columns have names, and are read when they are asked for."""

    path: Path
    names: tuple[str, ...]

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """These columns, (n, k), of `dtype` or else of the table's own; NaN where a value is missing."""


class Rows(NamedTuple):
    """The columns that were asked for, without the rows that were left out."""

    matrix: Array  # (n, k)
    dropped: int


class Columns:
    """A matrix whose columns have names: gdfast's messages use them where its argument x has some."""

    def __init__(self, matrix: Array, columns: Sequence[str]) -> None:
        self.matrix, self.columns = matrix, tuple(columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.matrix


def open_table(path: Path, *, delimiter: str = ",", header: bool = True) -> Table:
    """The table in a file.

    Parameters
    ----------
    path : Path
    delimiter : str
        Between the values of a line of CSV.
    header : bool
        Whether the first line of CSV has the names of the columns. Else they are called 0, 1, 2 and so on, as those of
        a .npy file always are.

    Raises
    ------
    TableError
        When there is no such file, or no table in it.
    """
    from gdfast.cli.arrow import CsvTable, ParquetTable

    if not path.is_file():
        raise TableError(f"there is no file {str(path)!r}")
    name = path.name.lower()
    table: Table
    if name.endswith((".csv", ".csv.gz")):
        table = CsvTable(path, delimiter, header)
    elif name.endswith(".parquet"):
        table = ParquetTable(path)
    elif name.endswith(".npy"):
        table = NpyTable(path)
    else:
        advice = "; of an .npz file, save the one array that is meant with np.save" if name.endswith(".npz") else ""
        raise TableError(f"{path} is of no kind that can be read here: accepted are {SUFFIXES}{advice}")
    twice = sorted({name for name in table.names if table.names.count(name) > 1}) if _any_twice(table.names) else []
    if twice:
        raise TableError(f"{path} has more than one column called {listed(twice)}: give each a name of its own")
    return table


def read(table: Table, names: Sequence[str], dtype: np.dtype[Any] | None, *, drop_missing: bool) -> Rows:
    """Columns of `table`, every value a finite number.

    Raises
    ------
    TableError
        When a value is missing (unless `drop_missing`) or infinite.
    """
    matrix = table.matrix(names, dtype)
    missing, infinite = _not_finite(matrix)
    bad = np.flatnonzero(infinite).tolist()
    if bad:
        raise TableError(
            f"{table.path} has infinite values in {listed(names[j] for j in bad)}: {_leave_out(names, bad)}"
        )
    bad = np.flatnonzero(missing).tolist()
    if not bad:
        return Rows(matrix, 0)
    if not drop_missing:
        counts = ", ".join(f"{names[j]!r} ({missing[j]:,} of {len(matrix):,} rows)" for j in bad[:5])
        more = f" and {len(bad) - 5} more columns" if len(bad) > 5 else ""
        raise TableError(
            f"{table.path} has missing values in {counts}{more}: --drop-missing leaves such rows out, "
            f"{_leave_out(names, bad)}"
        )
    kept = np.asarray(np.isfinite(matrix).all(axis=1))
    if not kept.any():
        raise TableError(f"every row of {table.path} has a missing value: {_leave_out(names, bad)}")
    return Rows(matrix[kept], int(len(kept) - kept.sum()))


def listed(names: Iterable[str]) -> str:
    """Names for a message, of many the first ten."""
    names = list(names)
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return ", ".join(map(repr, names[:10])) + more


def _leave_out(names: Sequence[str], bad: Sequence[int]) -> str:
    return f"--exclude {','.join(names[j] for j in bad[:5])} leaves the column{'s' if len(bad) > 1 else ''} out"


def _any_twice(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def _not_finite(matrix: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many NaNs and how many infinities each column has."""
    missing = np.zeros(matrix.shape[1], np.int64)
    infinite = np.zeros(matrix.shape[1], np.int64)
    rows = max(1, BLOCK // matrix.shape[1])
    for start in range(0, len(matrix), rows):
        block = matrix[start : start + rows]
        if np.isfinite(block).all():
            continue
        missing += np.isnan(block).sum(axis=0)
        infinite += np.isinf(block).sum(axis=0)
    return missing, infinite


class NpyTable:
    """A matrix in a .npy file. Its columns are called 0, 1, 2 and so on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Mapped: what is used as it lies is never copied, and what isn't used never read.
            self.array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise TableError(f"{path} can't be read: {error}") from None
        if self.array.ndim != 2 or 0 in self.array.shape:
            raise TableError(f"{path} has shape {self.array.shape}, accepted is (n, columns): a row a sample")
        if self.array.dtype.kind not in "fiub":
            raise TableError(f"{path} has dtype {self.array.dtype}, accepted are floating point, integers and booleans")
        self.names = tuple(map(str, range(self.array.shape[1])))

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """See `Table`. A view of the file where neither dtype nor order of the columns stand against it."""
        wanted = [int(name) for name in names]
        first = wanted[0]
        together = wanted == list(range(first, first + len(wanted)))
        array = self.array[:, first : first + len(wanted)] if together else self.array[:, wanted]
        if dtype is None:
            dtype = array.dtype if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8) else np.dtype(np.float64)
        return array.astype(dtype.newbyteorder("="), copy=False)
