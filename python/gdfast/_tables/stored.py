"""What each column of a container is stored as, and where: of pandas, polars, pyarrow, and whatever exports Arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gdfast import _core, copies
from gdfast.containers import (
    ARROW_COLUMN,
    ARROW_TABLE,
    PANDAS_COLUMN,
    PANDAS_TABLE,
    POLARS_COLUMN,
    POLARS_TABLE,
    Container,
)


class Stored(NamedTuple):
    """One column."""

    kind: np.dtype[Any] | str  # of its numbers; or a word for what else it holds
    nulls: int
    part: tuple[Any, Any]  # for `gdfast._core.Columns`
    empty: bool = False  # it has a type of nulls alone


class Lying(NamedTuple):
    """Columns, and how many rows they have; names where a package says them in no other way."""

    columns: list[Stored]
    rows: int
    names: tuple[str, ...] | None


def lying(value: Any, kind: Container) -> Lying:
    """The columns of a table; or a column, as the only one.

    Raises
    ------
    ValueError, TypeError
        Whatever goes wrong where its producer hands it over.
    """
    if kind is PANDAS_TABLE:
        return Lying([_of_pandas(value.iloc[:, j]) for j in range(value.shape[1])], len(value), None)
    if kind is PANDAS_COLUMN:
        return Lying([_of_pandas(value)], len(value), None)
    if kind is POLARS_TABLE:  # column by column, since as a table it would bring their chunks into line first
        return Lying([_of_column(column, str(column.dtype)) for column in value.get_columns()], len(value), None)
    if kind is POLARS_COLUMN:
        return Lying([_of_column(value, str(value.dtype))], len(value), None)
    if kind is ARROW_COLUMN:
        return Lying([_of_column(value, str(value.type))], len(value), None)
    found = from_arrow(value)
    words: Callable[[int], str] = found.kinds.__getitem__
    if kind is ARROW_TABLE:
        words = lambda j: str(value.schema.types[j])  # noqa: E731 - which says more: "timestamp[us]"
    return Lying([_of_arrow(found, j, words(j)) for j in range(len(found.kinds))], len(found), found.names)


def from_arrow(value: Any) -> _core.ArrowTable:
    """What exports Arrow, as a stream if it can: that keeps its chunks."""
    if hasattr(value, "__arrow_c_stream__"):
        return _core.arrow_stream(value.__arrow_c_stream__())
    return _core.arrow_array(*value.__arrow_c_array__())


def _of_arrow(table: _core.ArrowTable, j: int, word: str) -> Stored:
    if not table.numbers[j]:
        return Stored(word, 0, (table, j))
    empty = table.kinds[j] == "null"
    return Stored(np.dtype(np.float64 if empty else table.kinds[j]), table.nulls[j], (table, j), empty)


def _of_column(column: Any, word: str) -> Stored:
    """One that exports Arrow. Of structs, Arrow hands over the fields, like the columns of a table: they have names."""
    found = from_arrow(column)
    return Stored(word, 0, (column, None)) if found.names is not None else _of_arrow(found, 0, word)


def _of_pandas(column: Any) -> Stored:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind not in "fiub":
            return Stored(str(dtype), 0, (column, None))
        return _of_numpy(np.asarray(column), None)
    held = getattr(column, "array", column)  # which pandas' arrays are themselves
    if hasattr(dtype, "pyarrow_dtype"):
        return _of_column(held.__arrow_array__(), str(dtype))
    if not (getattr(dtype, "_is_numeric", False) or getattr(dtype, "_is_boolean", False)):
        return Stored(str(dtype), 0, (column, None))
    if hasattr(held, "_mask"):  # pandas' nullable columns: nothing public says where they lie
        return _of_numpy(held._data, held._mask)
    return _of_numpy(copies.made(np.asarray(column)), None)  # sparse


def _of_numpy(values: Any, missing: Any) -> Stored:
    if not values.dtype.isnative:
        values = copies.made(values.astype(values.dtype.newbyteorder("=")))
    nulls = 0 if missing is None else int(np.count_nonzero(missing))
    if nulls:
        missing = np.ascontiguousarray(missing)
    return Stored(values.dtype, nulls, (values, missing if nulls else None))
