"""Tables, whose columns have names and dtypes of their own, as NumPy arrays; and their columns by name.

A column of numbers or Booleans is taken, whatever it is stored as. As in scikit-learn, the result is float32 where
each column is float32 (or float16), else float64. What is missing in pandas is NaN, as its users have it; a null of
Arrow or polars is refused.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import table_errors
from gdfast.containers import ARROW_TABLE, PANDAS_COLUMN, PANDAS_TABLE, POLARS_TABLE, Container, container
from gdfast.containers import labels as _labels
from gdfast.wording import listed

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
    kind = container(value)
    if kind is PANDAS_TABLE:
        return value.iloc[:, positions]
    if kind is POLARS_TABLE:
        return value[:, positions]
    if kind is ARROW_TABLE:
        return value.select(positions)
    return read_unknown(value)[:, positions]


# --- numbers ----------------------------------------------------------------------------------------------------------


def read(name: str, value: Any, kind: Container) -> Array:
    """A table of pandas, polars or Arrow as (n, d) in Fortran order, or one of their columns as (n,)."""
    if kind is PANDAS_COLUMN or kind is PANDAS_TABLE:
        lies_ready = _pandas_memory(value)
        if lies_ready is not None:
            return lies_ready
    one = kind not in (PANDAS_TABLE, POLARS_TABLE, ARROW_TABLE)
    columns = [value] if one else _columns(value, kind)
    package = kind.kind.split()[0]
    storage, fill = _PACKAGES[package]
    kinds = list(map(storage, columns))
    if any(isinstance(found, str) for found in kinds):
        labels = [None] if one else list(_labels(value))
        raise table_errors.no_numbers(name, value, labels, columns, kinds)
    if package != "pandas":
        nulls = [int(column.null_count if package == "Arrow" else column.null_count()) for column in columns]
        if any(nulls):
            raise table_errors.nulls(name, value, None if one else list(map(str, _labels(value))), columns, nulls)
    single = bool(kinds) and all(dtype == np.float16 or dtype == _FLOAT32 for dtype in kinds)
    array = np.empty((len(value), len(columns)), _FLOAT32 if single else _FLOAT64, order="F")
    for j, column in enumerate(columns):
        fill(column, array[:, j])
    return array[:, 0] if one else array


def read_unknown(value: Any) -> Array:
    """A table of another package; what comes as records is put side by side."""
    array: Array = np.asarray(value)
    if array.ndim == 1 and array.dtype.names is not None:
        fields = [array[field] for field in array.dtype.names]
        if all(field.dtype.kind in "fiub" and field.ndim == 1 for field in fields):
            return np.stack(fields, axis=1).astype(np.result_type(*fields, np.float32))
    return array


def _columns(value: Any, kind: Container) -> list[Any]:
    if kind is PANDAS_TABLE:
        return [value.iloc[:, j] for j in range(value.shape[1])]
    return list(value.get_columns() if kind is POLARS_TABLE else value.columns)


def _pandas_memory(value: Any) -> Array | None:
    """The memory of a DataFrame or Series whose floats lie in one piece, or what NumPy makes of several pieces."""
    dtypes = set(value.dtypes) if container(value) is PANDAS_TABLE else {value.dtype}
    if len(dtypes) == 1 and dtypes <= {_FLOAT32, _FLOAT64}:
        array: Array = np.asarray(value)
        return array
    return None


# What a column of each package is stored as: a dtype of NumPy that it can be read into, or a word for what it holds.


def _pandas_storage(column: Any) -> np.dtype[Any] | str:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return dtype if dtype.kind in "fiub" else str(dtype)
    if getattr(dtype, "_is_numeric", False) or getattr(dtype, "_is_boolean", False):
        return np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", _FLOAT64)))
    return str(dtype)


def _polars_storage(column: Any) -> np.dtype[Any] | str:
    word = str(column.dtype)
    if word in ("Float16", "Float32"):
        return _FLOAT32
    return _FLOAT64 if column.dtype.is_numeric() or word in ("Boolean", "Null") else word


def _arrow_storage(column: Any) -> np.dtype[Any] | str:
    arrow = sys.modules["pyarrow"]
    types, kind = arrow.types, column.type
    if kind in (arrow.float16(), arrow.float32()):
        return _FLOAT32
    numbers = types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null
    return _FLOAT64 if any(test(kind) for test in numbers) else str(kind)


# Their numbers, into a float array.


def _fill_from_pandas(column: Any, into: Array) -> None:
    if isinstance(column.dtype, np.dtype):
        into[:] = column
    else:
        into[:] = column.to_numpy(dtype=into.dtype, na_value=np.nan)


def _fill_from_polars(column: Any, into: Array) -> None:
    polars = sys.modules["polars"]
    into[:] = column.cast(polars.Float32 if into.dtype == _FLOAT32 else polars.Float64).to_numpy()


def _fill_from_arrow(column: Any, into: Array) -> None:
    arrow = sys.modules["pyarrow"]
    # Not `safe`: integers beyond 2**53 are rounded, as NumPy's are.
    into[:] = column.cast(arrow.float32() if into.dtype == _FLOAT32 else arrow.float64(), safe=False).to_numpy()


_PACKAGES: dict[str, tuple[Any, Any]] = {
    "pandas": (_pandas_storage, _fill_from_pandas),
    "polars": (_polars_storage, _fill_from_polars),
    "Arrow": (_arrow_storage, _fill_from_arrow),
}
