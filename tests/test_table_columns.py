"""Columns of tables, whatever they are stored as: what is read of them, and what is refused."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import fit_options, validation

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

RNG = np.random.default_rng(0)


def taken(x: Any) -> Any:
    return validation.matrix(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_frame_of_one_float_dtype_is_not_copied(dtype: Any) -> None:
    x = np.asfortranarray(RNG.standard_normal((50, 3)).astype(dtype))
    frame = pd.DataFrame(x, columns=["a", "b", "c"], copy=False)
    assert np.shares_memory(taken(frame), x)
    arguments = fit_options.check(frame, frame["a"])
    assert np.shares_memory(arguments.train.x, x)
    assert np.shares_memory(arguments.train.y, x)


FLAGS = np.array([True, False, True])
COLUMNS: dict[str, tuple[dict[str, Any], Any]] = {  # and the dtype that comes of it
    "float and flags": ({"a": pd.Series([1.5, 2, 3]), "b": pd.Series(FLAGS)}, np.float64),
    "float32 and flags": ({"a": pd.Series([1.5, 2, 3], dtype=np.float32), "b": pd.Series(FLAGS)}, np.float64),
    "float32 and float16": ({"a": pd.Series([1.5, 2], dtype="f4"), "b": pd.Series([1, 2], dtype="f2")}, np.float32),
    "float32 and float64": ({"a": pd.Series([1.5, 2], dtype="f4"), "b": pd.Series([1.5, 2])}, np.float64),
    "integers": ({"a": pd.Series([1, 2], dtype="i1"), "b": pd.Series([2**40, 2], dtype="u8")}, np.float64),
    "nullable": ({"a": pd.array([1, 2], "Int64"), "b": pd.array([True, False], "boolean")}, np.float64),
    "nullable float32": ({"a": pd.array([1, 2], "Float32"), "b": pd.array([1.5, 2], "Float32")}, np.float32),
    "Arrow-backed": (
        {"a": pd.array([1, 2], pd.ArrowDtype(pa.int8())), "b": pd.array([True, False], pd.ArrowDtype(pa.bool_()))},
        np.float64,
    ),
    "sparse": ({"a": pd.arrays.SparseArray([0.0, 1.5, 0.0]), "b": [1.0, 2.0, 3.0]}, np.float64),
    "swapped": ({"a": np.array([1.5, 2], ">f8"), "b": np.array([1.0, 2], ">f4")}, np.float64),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_pandas(case: str) -> None:
    columns, dtype = COLUMNS[case]
    got = taken(pd.DataFrame(columns))
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.array([[float(v) for v in column] for column in columns.values()]).T)


ARROW = {
    "float64": (pa.array([1.5, 2.0]), np.float64),
    "float32": (pa.array([1.5, 2.0], pa.float32()), np.float32),
    "float16": (pa.array(np.array([1.5, 2.0], np.float16)), np.float32),
    "int8": (pa.array([1, 2], pa.int8()), np.float64),
    "uint64": (pa.array([2**63, 2], pa.uint64()), np.float64),
    "large": (pa.array([2**60 + 1, 2]), np.float64),
    "flags": (pa.array([True, False]), np.float64),
}


@pytest.mark.parametrize("case", ARROW)
def test_columns_of_arrow(case: str) -> None:
    column, dtype = ARROW[case]
    want = np.array([float(value) for value in column.to_pylist()])
    for value in (column, pa.chunked_array([column.slice(0, 1), column.slice(1)]), pl.from_arrow(column)):
        got = taken(value)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, want)
    table = pa.table({"a": column, "b": column})
    for value in (table, table.to_batches()[0], pl.from_arrow(table), pl.from_arrow(table.slice(1))):
        got = taken(value)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got[-1], [want[-1]] * 2)


def test_other_columns_do_not_come_along() -> None:
    table = pa.table({"a": pa.array([9.0, 1.0, 2.0]), "b": pa.array([True, True, False])}).slice(1)
    np.testing.assert_array_equal(taken(table), [[1.0, 1.0], [2.0, 0.0]])


def test_decimals_are_refused() -> None:
    column = pa.array([decimal.Decimal("1.5"), 2])
    for table in (pa.table({"a": column}), pl.DataFrame({"a": column.to_pylist()})):
        with pytest.raises(
            TypeError, match=r"^x holds no numbers in the column 'a' \([dD]ecimal.*(write x\.cast|write pa\.table)"
        ):
            taken(table)
    with pytest.raises(TypeError, match=r"'a' \(decimal.*write x\.astype\(\{\"a\": float\}\)"):
        taken(pd.DataFrame({"a": pd.array(column, pd.ArrowDtype(column.type))}))


STRUCTS = pl.Series("s", [{"y": 1.0, "a": 2.0}, {"y": 2.0, "a": 1.0}, {"y": 5.0, "a": 3.0}])


@pytest.mark.parametrize("package", ["polars", "pandas", "Arrow", "Arrow chunks"])
def test_structs_are_refused_and_not_read_as_their_first_field(package: str, backend: Any) -> None:
    column = STRUCTS.to_arrow()
    structs: Any = {
        "polars": STRUCTS,
        "pandas": pd.Series(column, dtype=pd.ArrowDtype(column.type)),
        "Arrow": column,
        "Arrow chunks": pa.chunked_array([column]),
    }[package]
    build = {"polars": pl.DataFrame, "pandas": pd.DataFrame}.get(package, pa.table)
    table = build({"y": [1.0, 2.0, 5.0], "s": structs})
    fit = backend.fit(pl.DataFrame({"s": [1.0, 2.0, 4.0]}), [1.0, 2.0, 5.0], optimizer="exact")
    calls: list[tuple[str, Callable[[], Any]]] = [
        ("x holds no numbers in the column 's'", lambda: backend.fit(table, "y")),
        ("x holds no numbers in the column 's'", lambda: fit.predict(table)),
        ("x has dtype", lambda: backend.fit(structs, [1.0, 2.0, 5.0])),
        ("y has dtype", lambda: backend.fit([1.0, 2.0, 4.0], structs)),
        ("sample_weight has dtype", lambda: backend.fit([1.0, 2.0, 4.0], [1.0, 2.0, 5.0], sample_weight=structs)),
        ("piece 0.* 's'", lambda: gdfast.fit(gdfast.scan(lambda: iter([table])), "y")),
    ]
    for words, call in calls:
        with pytest.raises(TypeError, match=rf"^{words}.*[sS]truct.*, accepted are"):
            call()
