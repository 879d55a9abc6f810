"""Arrow's columns as blocks of NumPy: the one place where pieces are decoded."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gdfast._scan.pieces import Piece, Wanted
from gdfast._tables.stored import from_arrow
from gdfast._tables.table import Table
from gdfast.conversion import Array
from gdfast.errors import Argument, Message

Storage = np.dtype[Any] | str


def pyarrow(module: str = "pyarrow") -> Any:
    """pyarrow, or one of its modules.

    Raises
    ------
    ImportError
        When it isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = "files are read with pyarrow, which is not installed: pip install 'gdfast[cli]'"
        raise ImportError(message, name="pyarrow") from error


def storage(kind: Any) -> Storage:
    """The dtype that numbers of this type of Arrow's have, or a word for what else there is."""
    types = pyarrow().types
    if types.is_boolean(kind):
        return np.dtype(bool)
    if types.is_integer(kind) or types.is_floating(kind):
        dtype: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
        return dtype
    return str(kind)


def nulls(where: str, what: str, count: int) -> ValueError:
    """What is said of a piece where there are some; `what` has them."""
    return ValueError(
        Message(
            f"{where}: {what} has {count:,} null{'' if count == 1 else 's'}: write ",
            Argument("missing", "drop"),
            " to leave such rows out, or fill them in",
        )
    )


class Undecoded(NamedTuple):
    """The rows of a piece as Arrow has them. Each column is let go once it is decoded."""

    columns: list[list[Any]]  # of each batch
    where: str
    disk_bytes: int


def cut(batches: Iterable[Any], names: Sequence[str], rows: int, where: str, disk_bytes: int) -> Iterator[Undecoded]:
    """Batches, or tables, as pieces of so many rows, of which the last may be shorter.

    `disk_bytes` are counted with the first piece.
    """
    columns: list[list[Any]] = []
    filled = 0
    for batch in batches:
        for start, more in _parts(batch.num_rows, filled, rows):
            columns.append([batch.column(name).slice(start, more) for name in names])
            filled += more
            if filled == rows:
                yield Undecoded(columns, where, disk_bytes)
                columns, filled, disk_bytes = [], 0, 0
    if columns or disk_bytes:
        yield Undecoded(columns, where, disk_bytes)


def _parts(rows: int, filled: int, most: int) -> Iterator[tuple[int, int]]:
    """Start and length of what goes into each piece, where `filled` rows are in the first one."""
    start = 0
    while start < rows:
        more = min(most - filled, rows - start)
        yield start, more
        start, filled = start + more, 0


def equal_parts(rows: int, most: int) -> int:
    """Rows of each part, where `rows` are cut into as few parts of about the same length as have at most `most`."""
    return -(-rows // -(-rows // most))


class Decoder:
    """Makes pieces of what Arrow has read: tables where it lies, or blocks in Fortran order, all in the same memory."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.room = np.empty(0, wanted.dtype)

    def piece(self, undecoded: Undecoded) -> Piece:
        """The piece, valid until the next one is made."""
        batches, where, disk_bytes = undecoded
        came = sum(len(columns[0]) for columns in batches)
        if self.wanted.missing != "nan" and any(column.null_count for columns in batches for column in columns):
            self._without_nulls(batches, where)
        rows = sum(len(columns[0]) for columns in batches)
        x, vectors = self._in_place(batches) or self._block(batches, rows)
        y = vectors.pop(0) if self.wanted.y is not None else np.empty(0, self.wanted.dtype)
        s = vectors.pop() if self.wanted.sample_weight is not None else None
        return Piece(x, y, s, where, disk_bytes, came - rows)

    def _in_place(self, batches: list[list[Any]]) -> tuple[Any, list[Array]] | None:
        """x as a table, then y and weights, of columns where they lie; None where these have nulls, or chunks."""
        if len(batches) != 1 or any(column.null_count for column in batches[0]):
            return None
        columns = [_whole(column) for column in batches[0]]
        if any(column is None for column in columns):
            return None
        batches.clear()
        d = len(self.wanted.x)
        lying = from_arrow(pyarrow().RecordBatch.from_arrays(columns[:d], [str(j) for j in range(d)]))
        table = Table([(lying, j) for j in range(d)], len(lying), self.wanted.dtype)
        return table, [_numbers(column, self.wanted.dtype) for column in columns[d:]]

    def _without_nulls(self, batches: list[list[Any]], where: str) -> None:
        """Leave out rows with nulls, or refuse them."""
        if self.wanted.missing == "error":
            for j, name in enumerate(self.wanted.every):
                count = sum(columns[j].null_count for columns in batches)
                if count:
                    raise nulls(where, f"column {name!r}", count)
        compute = pyarrow("pyarrow.compute")
        for columns in batches:
            valid = columns[0].is_valid()
            for column in columns[1:]:
                valid = compute.and_(valid, column.is_valid())
            columns[:] = [column.filter(valid) for column in columns]

    def _block(self, batches: list[list[Any]], rows: int) -> tuple[Array, list[Array]]:
        """x, then y and weights, in a block."""
        count = len(self.wanted.every)
        numbers = rows * count
        if self.room.size < numbers:
            self.room = np.empty(numbers, self.wanted.dtype)
        block = self.room[:numbers].reshape((rows, count), order="F")
        for j in range(count):
            start = 0
            for columns in batches:
                start = _fill(block[:, j], start, columns[j])
                columns[j] = None
        d = len(self.wanted.x)
        return block[:, :d], [block[:, j] for j in range(d, count)]


def _whole(column: Any) -> Any | None:
    """A column that is in one piece, as that; else None."""
    chunks = getattr(column, "chunks", [column])
    return chunks[0] if len(chunks) == 1 else None


def _numbers(chunk: Any, dtype: np.dtype[Any]) -> Array:
    """A chunk's numbers: where they lie, if they are of this dtype. What float32 can't hold is infinite."""
    with np.errstate(over="ignore"):
        numbers: Array = chunk.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    return numbers


def _fill(into: Array, start: int, column: Any) -> int:
    """Write a column's numbers from `start` on, as floats; where they end."""
    for chunk in getattr(column, "chunks", (column,)):
        if chunk.null_count and pyarrow().types.is_boolean(chunk.type):
            chunk = chunk.cast("int8")  # of which a null becomes NaN
        into[start : start + len(chunk)] = _numbers(chunk, into.dtype)
        start += len(chunk)
    return start
