"""Tables of Arrow as matrices, and Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq

from gdfast.cli import integers
from gdfast.cli.tables import BadColumn, ColumnsError, TableError, listed
from gdfast.cli.text import describe

Array = NDArray[Any]

INDEX = "__index_level_0__"  # what pandas calls the index of a frame in a Parquet file


class ParquetTable:
    """A table in a Parquet file."""

    note = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = _reading(path, lambda: pq.ParquetFile(path, page_checksum_verification=True))
        self.names: tuple[str, ...] = _reading(path, lambda: tuple(self.file.schema_arrow.names))
        self.index = INDEX if INDEX in self.names else None

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """See `gdfast.cli.tables.Table`."""
        table = _reading(self.path, lambda: self.file.read(columns=list(names)).select(list(names)))
        return matrix(self.path, names, table, dtype, None)

    def labels(self, name: str) -> Array:
        """See `gdfast.cli.tables.Table`."""
        return labels(self.path, name, _reading(self.path, lambda: self.file.read(columns=[name]).column(name)))


def labels(path: Path, name: str, column: pa.ChunkedArray) -> Array:
    """The values of a column as numbers: equal ones where they are equal.

    Raises
    ------
    TableError
        When one is missing.
    """
    if column.null_count:
        n = f"{column.null_count:,} of {len(column):,} rows"
        raise TableError(f"{path} has no value of column {listed([name])} in {n}, and each row needs one")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return np.asarray(column.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False))


def matrix(
    path: Path, names: Sequence[str], table: pa.Table, dtype: np.dtype[Any] | None, decimal: str | None
) -> Array:
    """The columns of `table` as numbers, called `names` in messages; `decimal` is the mark that its text was read with.

    Raises
    ------
    TableError
        When there are no rows, when a column holds no numbers, or when different integers would become one number.
    """
    if table.num_rows == 0:
        raise TableError(f"{path} has no rows")
    bad = [_bad(name, column, decimal) for name, column in zip(names, table.columns, strict=True) if not _fits(column)]
    if bad:
        if any(pa.types.is_floating(column.type) for column in table.columns):
            # These were read with the decimal mark that was said: with another one they would be text.
            bad = [replace(column, decimal="", missing=()) if column.decimal else column for column in bad]
        raise ColumnsError(path, bad)
    if dtype is None:
        single = all(field.type in (pa.float32(), pa.float16()) for field in table.schema)
        dtype = np.dtype(np.float32 if single else np.float64)
    # Column by column, in the order in which both formats keep them: gdfast reads such a matrix as it is.
    numbers = np.empty((table.num_rows, table.num_columns), dtype, order="F")
    for j, (name, column) in enumerate(zip(names, table.columns, strict=True)):
        _fill(numbers[:, j], column)
        if not pa.types.is_floating(column.type):
            integers.refuse_collapsed(path, name, column)
    return numbers


def _fill(numbers: Array, column: pa.ChunkedArray) -> None:
    start = 0
    for chunk in column.chunks:
        floats = chunk if pa.types.is_floating(chunk.type) else chunk.cast(pa.float64(), safe=False)
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite, and refused as such
            numbers[start : start + len(chunk)] = floats.to_numpy(zero_copy_only=False)
        start += len(chunk)


def _fits(column: pa.ChunkedArray) -> bool:
    kind = column.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(number or pa.types.is_boolean(kind) or pa.types.is_null(kind))


def _bad(name: str, column: pa.ChunkedArray, decimal: str | None) -> BadColumn:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    binary_of_csv = decimal is not None and pa.types.is_binary(kind)
    if binary_of_csv or any(is_text(kind) for is_text in text):
        return describe(name, column if binary_of_csv else column.cast(pa.large_string()), decimal)
    return BadColumn(name, f"values of type {kind}")


def _reading(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` returns.

    Raises
    ------
    TableError
        Whatever `read` raises: a damaged file makes a library stumble anywhere.
    """
    try:
        return read()
    except Exception as error:
        raise TableError(f"{path} can't be read as Parquet: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    """The first line of an exception's text, or its name where it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)
