"""Arrow's columns as blocks of NumPy: the one place where pieces are decoded."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gdfast._scan.pieces import Piece, Wanted
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
    """Makes pieces of what Arrow has read: blocks in Fortran order, all in the same memory."""

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
        block = self._block(rows)
        for j in range(len(self.wanted.every)):
            start = 0
            for columns in batches:
                start = _fill(block[:, j], start, columns[j])
                columns[j] = None
        d = len(self.wanted.x)
        y = block[:, d] if self.wanted.y is not None else np.empty(0, block.dtype)
        s = block[:, -1] if self.wanted.sample_weight is not None else None
        return Piece(block[:, :d], y, s, where, disk_bytes, came - rows)

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

    def _block(self, rows: int) -> Array:
        columns = len(self.wanted.every)
        numbers = rows * columns
        if self.room.size < numbers:
            self.room = np.empty(numbers, self.wanted.dtype)
        return self.room[:numbers].reshape((rows, columns), order="F")


def _fill(into: Array, start: int, column: Any) -> int:
    """Write a column's numbers from `start` on, as floats; where they end."""
    for chunk in getattr(column, "chunks", (column,)):
        if chunk.null_count and pyarrow().types.is_boolean(chunk.type):
            chunk = chunk.cast("int8")  # of which a null becomes NaN
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite
            into[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)
    return start
