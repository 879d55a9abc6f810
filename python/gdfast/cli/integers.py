"""Integers that float64 can't tell apart: beyond 2⁵³ it has no longer every one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gdfast.cli.tables import TableError, listed

Array = NDArray[Any]

LARGEST = 2**53  # up to here float64 has every integer

REMEMBERED = 2**20  # different integers beyond, of a column in pieces, that those of later pieces are compared with


class CollapsedError(TableError):
    """A column whose integers would lose what tells them apart."""

    def __init__(self, path: Path, name: str, one: int | Decimal, other: int | Decimal) -> None:
        self.name = name
        super().__init__(
            f"column {listed([name])} of {path} has integers beyond 2^53, of which float64 has not every one: {one} "
            f"and {other} would become the same number"
        )


def refuse_collapsed(path: Path, name: str, column: pa.ChunkedArray) -> None:
    """Raise if two different values of a column of integers, decimals or text would become the same float64.

    Raises
    ------
    CollapsedError
    """
    for values in _beyond(column):
        same = _first_of_objects(values) if values.dtype == object else first_of_integers(values)
        if same is not None:
            raise CollapsedError(path, name, *same)


class Seen:
    """The integers beyond 2⁵³ of a column that is read piece by piece.

    Of many such integers the first ones are compared with those of later pieces, and each piece's with one another:
    memory stays bounded.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: Array | None = None

    def refuse_collapsed(self, path: Path, column: pa.Array | pa.ChunkedArray) -> None:
        """As the function of that name does, of a further piece."""
        for values in _beyond(column):
            self.add(path, values)

    def add(self, path: Path, values: Array) -> None:
        """Take note of further values, or raise `CollapsedError`."""
        beyond = values >= LARGEST if values.dtype.kind == "u" else (values >= LARGEST) | (values <= -LARGEST)
        values = values[beyond]
        if not len(values):
            return
        values = np.unique(values if self.known is None else np.concatenate([self.known, values]))
        same = _first_of_objects(values) if values.dtype == object else first_of_integers(values)
        if same is not None:
            raise CollapsedError(path, self.name, *same)
        if len(values) <= REMEMBERED:
            self.known = values


def first_of_integers(values: Array) -> tuple[int, int] | None:
    """Two different integers of an array that become the same float64, if there are any."""
    if not len(values) or max(abs(int(values.min())), abs(int(values.max()))) <= LARGEST:
        return None
    ordered = np.unique(values)
    floats = ordered.astype(np.float64)
    same = np.flatnonzero(floats[1:] == floats[:-1])
    return None if not same.size else (int(ordered[same[0]]), int(ordered[same[0] + 1]))


def _beyond(column: pa.ChunkedArray) -> list[Array]:
    """The values that may be beyond 2⁵³, as one array; none if there are none."""
    kind = column.type
    if pa.types.is_integer(kind):
        if kind.bit_width < 64:
            return []
        least, most = pc.min_max(column).values()
        if not any(value.is_valid and abs(value.as_py()) > LARGEST for value in (least, most)):
            return []
        return [pc.drop_null(column).to_numpy()]
    if pa.types.is_decimal(kind):
        if kind.precision <= 15:
            return []
        values = pc.drop_null(column)
        values = values.filter(pc.greater_equal(pc.abs(values.cast(pa.float64())), float(LARGEST)))
        return [np.array(values.unique().to_pylist(), dtype=object)] if len(values) else []
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        texts = column.filter(pc.match_substring_regex(column, r"^\s*[+-]?\d{16,400}(\.0*)?\s*$"))
        return [np.array([int(text.split(".")[0]) for text in texts.unique().to_pylist()], dtype=object)]
    return []


def _first_of_objects(values: Array) -> tuple[Any, Any] | None:
    by_float: dict[float, Any] = {}
    for value in values.tolist():
        other = by_float.setdefault(float(str(value)), value)
        if other != value:
            return other, value
    return None
