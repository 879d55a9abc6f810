"""What a user's data came in, so that a message can say what to write in the words of that container.

Nothing is imported to find out: a class is known by its name and the package that it is from.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Protocol

import numpy as np


class ArrowStream(Protocol):
    """Whatever hands out its columns as a stream of Arrow's."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class ArrowArray(Protocol):
    """Whatever hands out its columns as an array of Arrow's."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> object: ...


Exporter = ArrowStream | ArrowArray


class Container(NamedTuple):
    """One kind of container, and how its users write what messages ask for; ``{}`` stands for its name.

    `rows` takes the rows where the Boolean array `keep` is True. `numbers` is a float array, NaN where a value is
    missing. `column` is the first of several columns, `row` the first row as a vector, `item` its only number.
    """

    kind: str
    array: str = "np.asarray({})"
    numbers: str = "np.asarray({}, dtype=float)"
    column: str = "np.asarray({})[:, 0]"
    row: str = "np.asarray({})[0]"
    item: str = "np.asarray({}).item()"
    rows: str = "np.asarray({})[keep]"


ARRAY = Container("array", "{}", "{}", "{}[:, 0]", "{}[0]", "{}.item()", "{}[keep]")
OTHER = Container("other")
LIST = Container("list", numbers="{}")
SPARSE = Container("sparse", array="{}.toarray()", numbers="{}.toarray()", rows="{}.toarray()[keep]")
TENSOR = Container("tensor", "{}", "np.asarray({})", "{}[:, 0]", "{}[0]", "{}.item()", "{}[keep]")

_PANDAS = "{}.to_numpy(dtype=float, na_value=np.nan)"
PANDAS_TABLE = Container("pandas table", _PANDAS, _PANDAS, "{}.iloc[:, 0]", "{}.iloc[0]", "{}.iloc[0, 0]", "{}[keep]")
PANDAS_COLUMN = Container("pandas column", _PANDAS, _PANDAS, item="{}.item()", rows="{}[keep]")
POLARS_TABLE = Container("polars table", column="{}.to_series(0)", item="{}.item()", rows="{}.filter(keep)")
POLARS_COLUMN = Container("polars column", item="{}.item()", rows="{}.filter(keep)")
POLARS_LAZY = Container("lazy polars table")
ARROW_TABLE = Container("Arrow table", column="{}.column(0)", rows="{}.filter(keep)")
ARROW_COLUMN = Container("Arrow column", rows="{}.filter(keep)")
# What exports Arrow and is none of these.
_THROUGH_ARROW = "np.asarray(pa.table({}))"
OTHER_TABLE = Container(
    "other table",
    array=_THROUGH_ARROW,
    numbers="np.asarray(pa.table({}), dtype=float)",
    column=f"{_THROUGH_ARROW}[:, 0]",
    row=f"{_THROUGH_ARROW}[0]",
    item=f"{_THROUGH_ARROW}.item()",
    rows="pa.table({}).filter(keep)",
)

_KNOWN = {
    ("pandas", "DataFrame"): PANDAS_TABLE,
    ("pandas", "Series"): PANDAS_COLUMN,
    ("pandas", "Index"): PANDAS_COLUMN,
    ("pandas", "ExtensionArray"): PANDAS_COLUMN,
    ("polars", "DataFrame"): POLARS_TABLE,
    ("polars", "Series"): POLARS_COLUMN,
    ("polars", "LazyFrame"): POLARS_LAZY,
    ("pyarrow", "Table"): ARROW_TABLE,
    ("pyarrow", "RecordBatch"): ARROW_TABLE,
    ("pyarrow", "Array"): ARROW_COLUMN,
    ("pyarrow", "ChunkedArray"): ARROW_COLUMN,
    ("torch", "Tensor"): TENSOR,
}

TABLES = (PANDAS_TABLE, POLARS_TABLE, ARROW_TABLE)
COLUMNS = (PANDAS_COLUMN, POLARS_COLUMN, ARROW_COLUMN)


def container(value: Any) -> Container:
    """What `value` is. Subclasses of NumPy's array, which index as they like, are written about as arrays of them."""
    if type(value) is np.ndarray:
        return ARRAY
    if isinstance(value, (list, tuple)):
        return LIST
    if isinstance(value, (int, float, np.generic, np.ndarray)):
        return OTHER
    for ancestor in type(value).__mro__:
        known = _KNOWN.get((str(ancestor.__module__).partition(".")[0], ancestor.__qualname__))
        if known is not None:
            return known
    if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__"):
        return OTHER_TABLE
    return SPARSE if hasattr(value, "toarray") and hasattr(value, "nnz") else OTHER


def column_of(name: str, value: Any) -> str:
    """How the first column is written: by its name, where the table has a plain one."""
    kind = container(value)
    if kind in TABLES:
        first = next(iter(value.columns if kind is PANDAS_TABLE else labels(value)))
        if isinstance(first, str):
            return f"{name}[{json.dumps(first, ensure_ascii=False)}]"
    return kind.column.format(name)


def labels(value: Any) -> Any:
    """What a table calls its columns, as it keeps them; None for what has no such thing."""
    for attribute in ("column_names", "columns"):  # in this order: the `columns` of an Arrow table are the columns
        found = getattr(value, attribute, None)
        if found is not None and not callable(found):
            return found
    return None


def finite_rows(code: str, kind: Container, array: Any) -> str:
    """The expression of which rows are finite, as a NumPy array of Booleans."""
    finite = f"np.isfinite({kind.numbers.format(code)})"
    return f"{finite}.all(axis=1)" if array.ndim == 2 else finite


def written(label: Any) -> str:
    """A column's label, or a list of some, as Python writes them: text in double quotes, as in all that is said."""
    text = all(isinstance(one, str) for one in label) if isinstance(label, list) else isinstance(label, str)
    return json.dumps(label, ensure_ascii=False) if text else repr(label)
