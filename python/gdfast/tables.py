"""Tables, whose columns have names and types of their own: as data for the kernels, and their columns by name.

A column of numbers or Booleans is taken, whatever it is stored as. They are computed in float32 where each column is
float32 (or float16), else in float64. A null is refused, or its row left out; NaN is a number like others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import copies, table_errors
from gdfast._tables.opened import Opened, opened
from gdfast._tables.table import Table
from gdfast.containers import (
    ARROW_TABLE,
    COLUMNS,
    OTHER_TABLE,
    PANDAS_COLUMN,
    PANDAS_TABLE,
    POLARS_LAZY,
    POLARS_TABLE,
    TABLES,
    Container,
    container,
)
from gdfast.containers import labels as _labels
from gdfast.wording import listed, shown, type_name

Array = NDArray[Any]

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


# --- names ------------------------------------------------------------------------------------------------------------


def names(name: str, value: Any) -> tuple[str, ...] | None:
    """What the columns of `value` are called, as text; None where they have no names.

    Raises
    ------
    ValueError
        When two are called the same.
    """
    labels = None if type(value) is np.ndarray else _labels(value)
    if labels is None:
        return None
    found = tuple(map(str, labels))
    if len(set(found)) < len(found):
        twice = [label for label, count in Counter(found).items() if count > 1]
        raise ValueError(
            f"{name} has more than one column called {listed(twice)}: give each a name of its own"
            f"{table_errors.renamed(name, value)}"
        )
    return found


def has_names(value: Any) -> bool:
    return _labels(value) is not None


def by_name(name: str, value: Any, wanted: tuple[str, ...] | None) -> Any:
    """The columns `wanted` of `value`, in this order; `value` itself where either has no names."""
    labels = None if wanted is None or type(value) is np.ndarray else _labels(value)
    if wanted is None or labels is None:
        return value
    found = tuple(map(str, labels))
    if found == wanted:
        return value
    missing = [label for label in wanted if label not in found]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise ValueError(
            f"{name} lacks the column{plural} {listed(missing)}, which the model was fitted on: it has {listed(found)}"
        )
    kept = [(str(label), label) for label in labels if str(label) in set(wanted)]
    names(name, _Named([label for label, _ in kept]))
    return _select(value, [found.index(label) for label in wanted])


class _Named:
    def __init__(self, columns: list[str]) -> None:
        self.columns = columns


def _select(value: Any, positions: list[int]) -> Any:
    if isinstance(value, Opened):
        return value.select(positions)
    kind = container(value)
    if kind is PANDAS_TABLE:
        return value.iloc[:, positions]
    if kind is POLARS_TABLE:
        return value[:, positions]
    if kind is ARROW_TABLE:
        return value.select(positions)
    return read_unknown(value)[:, positions]


# --- numbers ----------------------------------------------------------------------------------------------------------


def is_table(value: Any) -> bool:
    """Whether it has columns of its own, or is one."""
    if isinstance(value, Opened):
        return True
    kind = container(value)
    return kind in TABLES or kind in COLUMNS or kind is OTHER_TABLE


def once(name: str, value: Any) -> Any:
    """`value` as something that can be looked at again: what exports Arrow, and may do so once, is read.

    Raises
    ------
    TypeError
        It is a table that has yet to be computed.
    """
    refuse_lazy(name, value)
    return _opened(name, value, OTHER_TABLE) if container(value) is OTHER_TABLE else value


def refuse_lazy(name: str, value: Any) -> None:
    """Raise where a table has yet to be computed: its columns have names, and it has no rows."""
    if container(value) is POLARS_LAZY:
        raise TypeError(f"{name} ({type_name(value)}) is not computed yet, accepted are tables: write {name}.collect()")


def data(name: str, value: Any, dtype: np.dtype[Any] | None = None, drop: bool = False) -> Array | Table:
    """A table as what the kernels read: the array that it lies in, if it does, else its columns where they lie.

    `drop`: nulls are read as 0, and their rows are to weigh nothing.
    """
    ready = _pandas_memory(value)
    if ready is not None:
        return ready
    found = _opened(name, value, container(value))
    found.check(name, drop)
    if found.labels is None or not found.columns or not found.rows:
        return found.array(dtype)
    table = found.table(dtype)
    if len(found.columns) == 1:
        column: Array | None = table._lying()
        if column is not None:
            return column[:, np.newaxis]
    return table


def read(name: str, value: Any, drop: bool = False) -> Array:
    """A table as an array (n, d), a column as (n,): a copy where it lies as none."""
    array = data(name, value, drop=drop)
    return array.copied() if isinstance(array, Table) else array


def _opened(name: str, value: Any, kind: Container) -> Opened:
    """See `opened`; what a producer says is wrong gets the argument's name."""
    try:
        return opened(value, kind)
    except KeyboardInterrupt:
        raise
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{name} ({type_name(value)}) can't be read ({words}): a stream is read once, so hand in a fresh one; or "
            f"write pa.table({name})"
        ) from error


def read_unknown(value: Any) -> Array:
    """A table of another package; what comes as records is put side by side."""
    array: Array = np.asarray(value)
    if array.ndim == 1 and array.dtype.names is not None:
        fields = [array[field] for field in array.dtype.names]
        if all(field.dtype.kind in "fiub" and field.ndim == 1 for field in fields):
            return copies.made(np.stack(fields, axis=1).astype(np.result_type(*fields, np.float32)))
    return array


def _pandas_memory(value: Any) -> Array | None:
    """The memory of a DataFrame or Series whose floats lie in one piece."""
    kind = container(value)
    if kind is not PANDAS_TABLE and kind is not PANDAS_COLUMN:
        return None
    dtypes = set(value.dtypes) if kind is PANDAS_TABLE else {value.dtype}
    if len(dtypes) != 1 or not dtypes <= {_FLOAT32, _FLOAT64}:
        return None
    if kind is PANDAS_TABLE and len(value):
        # Of pieces (columns that came one by one) pandas makes an array, each time anew: of one row to find out.
        row = np.asarray(value.iloc[:1])
        if not np.may_share_memory(row, np.asarray(value.iloc[:1, 0])):
            return None
    array: Array = np.asarray(value)
    return array


# --- y and sample_weight by name --------------------------------------------------------------------------------------


class Named(NamedTuple):
    """x, y and sample_weight, none of them the name of a column any more."""

    x: Any
    y: Any
    sample_weight: Any


def named(name: str, x: Any, y: Any, sample_weight: Any, columns: Sequence[str] | None = None) -> Named:
    """x, y and weights, which may be names of columns of the table x; x is then the `columns`, or all others.

    Raises
    ------
    ValueError, TypeError
        There are no such columns; names were given and x has none.
    """
    by_name = columns is not None or isinstance(y, str) or isinstance(sample_weight, str)
    if type(x) is np.ndarray and not by_name:
        return Named(x, y, sample_weight)
    x = once(name, x)
    _refuse_labels(name, x, y, sample_weight)
    if not by_name:
        return Named(x, y, sample_weight)
    labels = names(name, x)
    if labels is None:
        given = "columns" if columns is not None else "y" if isinstance(y, str) else "sample_weight"
        raise TypeError(
            f"{given} names columns, and {name} ({type_name(x)}) has no names: hand in a table (pandas, polars, "
            f"Arrow), or arrays for y and sample_weight"
        )
    from gdfast._scan.choice import chosen

    y_name, s_name = (value if isinstance(value, str) else None for value in (y, sample_weight))
    kept = chosen(name, labels, None if columns is None else texts(columns), y_name, s_name)
    column = {label: j for j, label in enumerate(labels)}
    return Named(
        _select(x, [column[label] for label in kept]),
        y if y_name is None else _one(x, column[y_name]),
        sample_weight if s_name is None else _one(x, column[s_name]),
    )


def _refuse_labels(name: str, x: Any, y: Any, sample_weight: Any) -> None:
    """Raise for labels of columns that are no text, such as pandas' numbers: columns go by their names as text."""
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not (whole or isinstance(value, tuple)) or not has_names(x):
            continue
        found = list(map(str, _labels(x)))
        if str(value) in found:
            raise ValueError(
                f"{argument} is {shown(int(value) if whole else value)}, accepted are arrays, and names of columns as "
                f"text: write {argument}={str(value)!r}"
            )
        if whole and argument == "y":
            raise ValueError(f"y is {value}, and {name} has no such column: it has {listed(found)}")


def texts(columns: Sequence[str]) -> tuple[str, ...]:
    """Names of columns, each once."""
    if isinstance(columns, str):
        raise TypeError(f"columns is {columns!r}, accepted is a list of names: write columns=[{columns!r}]")
    found = tuple(map(str, columns))
    if len(set(found)) < len(found):
        raise ValueError(f"columns is {listed(found)}, which names a column twice")
    return found


def _one(table: Any, position: int) -> Any:
    """One of its columns."""
    if isinstance(table, Opened):
        return Opened(table.given, [table.columns[position]], table.rows, None)
    kind = container(table)
    if kind is PANDAS_TABLE:
        return table.iloc[:, position]
    if kind is POLARS_TABLE:
        return table.to_series(position)
    if kind is ARROW_TABLE:
        return table.column(position)
    return read_unknown(table)[:, position]
