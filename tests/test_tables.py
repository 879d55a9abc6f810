"""Tables: their columns by name, whatever they are stored as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import tables
from gdfast.cli.tables import Columns

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

RNG = np.random.default_rng(0)
A, B, C = RNG.standard_normal((3, 60))
Y = 1 + 2 * A + 3 * B
OPTIONS: dict[str, Any] = {"fit_intercept": True, "learning_rate": "auto", "n_iters": 500}


class Named:
    """Some other package's table: names, and whatever NumPy makes of it."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.columns = list(columns)
        self.matrix = np.stack(list(columns.values()), axis=1)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.matrix


def records(columns: dict[str, Any]) -> Any:
    return pytest.importorskip("astropy.table").Table(columns)


BUILDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "Arrow batch": lambda columns: pa.RecordBatch.from_arrays(list(map(pa.array, columns.values())), list(columns)),
    "chunks": lambda columns: pa.concat_tables([pa.table(columns).slice(0, 7), pa.table(columns).slice(7)]),
    "command line": lambda columns: Columns(np.stack(list(columns.values()), axis=1), list(columns)),
    "other": Named,
    "astropy": records,
}


@pytest.fixture(params=BUILDERS)
def build(request: pytest.FixtureRequest) -> Any:
    if request.param == "astropy":
        pytest.importorskip("astropy")
    return BUILDERS[request.param]


# --- names ------------------------------------------------------------------------------------------------------------


def test_columns_are_found_by_name(build: Any, backend: Any) -> None:
    fit = backend.fit(build({"a": A, "b": B}), Y, **OPTIONS)
    assert fit.feature_names == ("a", "b")
    want = backend.fit(np.stack([A, B], axis=1), Y, **OPTIONS)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-12)
    for other in BUILDERS.values():
        np.testing.assert_allclose(fit.predict(other({"b": B, "more": C, "a": A})), Y, atol=1e-6)
        np.testing.assert_allclose(fit.predict(other({"a": A, "b": B})), Y, atol=1e-6)


def test_validation_is_read_by_name(build: Any, backend: Any) -> None:
    got = backend.fit(build({"a": A, "b": B}), Y, validation=(build({"b": B, "a": A}), Y), **OPTIONS)
    want = backend.fit(build({"a": A, "b": B}), Y, validation=(build({"a": A, "b": B}), Y), **OPTIONS)
    np.testing.assert_allclose(got.validation_losses, want.validation_losses, rtol=1e-12, atol=1e-15)


def test_missing_columns_are_named(build: Any) -> None:
    fit = gdfast.fit(build({"a": A, "b": B, "c": C}), Y, **OPTIONS)
    with pytest.raises(ValueError, match=r"^x lacks the columns 'a', 'c', which .* it has 'b', 'other'"):
        fit.predict(build({"b": B, "other": C}))
    with pytest.raises(ValueError, match=r"^validation\[0\] lacks the column 'c'"):
        gdfast.fit(build({"a": A, "b": B, "c": C}), Y, validation=(build({"a": A, "b": B}), Y), **OPTIONS)


def test_what_has_no_names_goes_by_position(build: Any) -> None:
    x = np.stack([A, B], axis=1)
    table, array = gdfast.fit(build({"a": A, "b": B}), Y, **OPTIONS), gdfast.fit(x, Y, **OPTIONS)
    assert array.feature_names is None
    np.testing.assert_allclose(table.predict(x), Y, atol=1e-6)
    np.testing.assert_allclose(array.predict(build({"b": A, "a": B})), Y, atol=1e-6)
    for fit in (table, array):
        with pytest.raises(ValueError, match=r"x has shape \(60, 3\), accepted is x of shape \(n, 2\), as in the fit"):
            fit.predict(np.stack([A, B, C], axis=1))
    with pytest.raises(ValueError, match=r"x has shape \(60, 3\), accepted is x of shape \(n, 2\)"):
        array.predict(build({"a": A, "b": B, "c": C}))


def test_further_columns_may_hold_anything() -> None:
    fit = gdfast.fit(pd.DataFrame({"a": A, "b": B}), Y, **OPTIONS)
    text = ["text"] * 60
    for table in (pd.DataFrame, pl.DataFrame, pa.table):
        np.testing.assert_allclose(fit.predict(table({"t": text, "b": B, "a": A})), Y, atol=1e-6)


def test_names_that_are_no_text_are_compared_as_text() -> None:
    fit = gdfast.fit(pd.DataFrame({2020: A, 2021: B}), Y, **OPTIONS)
    assert fit.feature_names == ("2020", "2021")
    np.testing.assert_allclose(fit.predict(pd.DataFrame({2021: B, 2020: A})), Y, atol=1e-6)
    np.testing.assert_allclose(fit.predict(pl.DataFrame({"2021": B, "2020": A})), Y, atol=1e-6)


def test_names_that_come_twice_are_refused() -> None:
    x = np.stack([A, B, C], axis=1)
    for names in (["a", "b", "a"], [1, "b", "1"]):
        with pytest.raises(ValueError, match=r"^x has more than one column called '(a|1)'"):
            gdfast.fit(pd.DataFrame(x, columns=names), Y)
    fit = gdfast.fit(pd.DataFrame({"a": A, "b": B}), Y, **OPTIONS)
    np.testing.assert_allclose(fit.predict(pd.DataFrame(x, columns=["c", "b", "a"])), 1 + 2 * C + 3 * B, atol=1e-6)
    with pytest.raises(ValueError, match="more than one column called 'a'"):
        fit.predict(pd.DataFrame(x, columns=["a", "b", "a"]))
    two_of_no_interest = pd.DataFrame({"a": A, "b": B}).assign(c=C)[["c", "c", "b", "a"]]
    np.testing.assert_allclose(fit.predict(two_of_no_interest), Y, atol=1e-6)


def test_a_series_has_no_columns() -> None:
    fit = gdfast.fit(pd.Series(A, name="a"), pd.Series(Y), **OPTIONS)
    assert fit.feature_names is None
    assert isinstance(fit.w, float)


def test_names_go_with_whatever_ends_a_fit() -> None:
    with pytest.raises(gdfast.DivergenceError) as raised:
        gdfast.fit(pd.DataFrame({"a": A, "b": B}), Y, learning_rate=1e9)
    assert raised.value.fit.feature_names == ("a", "b")
    assert "'a' (" in str(raised.value)


def test_moments_take_tables_by_position(build: Any) -> None:
    got = gdfast.Moments(2).update(build({"a": A, "b": B}), Y)
    np.testing.assert_array_equal(got.gram, gdfast.Moments(2).update(np.array([A, B]).T.copy("F"), Y).gram)
    with pytest.raises(ValueError, match=r"^X: 3 columns came"):
        gdfast.Moments(2).update(build({"a": A, "b": B, "c": C}), Y)


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_nulls_of_pandas_are_nulls_and_nan_is_a_number(backend: Any) -> None:
    x = pd.DataFrame({"a": pd.array([1.0, None, 3], "Float64"), "b": pd.array([1, 2, None], "Int64")})
    with pytest.raises(ValueError, match=r"^the column 'a' of x has 1 null, in row 1; 'b' has 1 null, in row 2: "):
        backend.fit(x, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"^y has 1 null, in row 1: "):
        backend.fit([1.0, 2.0, 3.0], x["a"])
    with pytest.raises(gdfast.DivergenceError, match=r"^x\[1, 0\] \(column 'a', row 1\) is nan"):
        backend.fit(pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [1, 2, 3]}), [1.0, 2.0, 3.0])
    with pytest.raises(gdfast.DivergenceError, match=r"^y\[1\] is nan"):
        backend.fit([1.0, 2.0, 3.0], pd.Series([1.0, np.nan, 3.0]))


def test_nulls_are_counted(backend: Any) -> None:
    x = {"a": [1.0, None, None], "b": [1, 2, 3]}
    for table in (pa.table(x), pl.DataFrame(x), pa.table({"z": [None], "a": [1.0], "b": [1]}).select(["a", "b"])):
        if len(table) == 1:
            backend.fit(table, [1.0], n_iters=1)
            continue
        with pytest.raises(ValueError, match=r"^the column 'a' of x has 2 nulls, the first in row 1: .*fill them in"):
            backend.fit(table, [1.0, 2.0, 3.0])
    for column in (pa.array([None, 2.0, 3.0]), pl.Series([None, 2.0, 3.0])):
        with pytest.raises(ValueError, match=r"^y has 1 null, in row 0: .*fill them in"):
            backend.fit([1.0, 2.0, 3.0], column)


def test_all_columns_that_are_no_numbers_are_named(backend: Any) -> None:
    x = {"size": [1.0, 2.0], "city": ["x", "y"], "state": ["p", "q"]}
    for table in (pd.DataFrame(x), pl.DataFrame(x), pa.table(x)):
        with pytest.raises(
            TypeError, match=r"^x holds no numbers in the columns 'city' \(.*\), 'state' \(.*\)"
        ) as raised:
            backend.fit(table, [1.0, 2.0])
        assert "size" not in str(raised.value)
    many = pd.DataFrame({f"t{j}": ["x", "y"] for j in range(3_000)} | {"a": [1.0, 2.0]})
    with pytest.raises(TypeError, match="and 2,990 more"):
        backend.fit(many, [1.0, 2.0])


def test_weights_and_targets_may_be_columns(backend: Any) -> None:
    s = np.abs(C) + 0.1
    x = np.stack([A, B], axis=1)
    want = backend.loss_and_gradient(x, Y, [1.0, 2.0], sample_weight=s)
    for column in (pd.Series, pl.Series, pa.array, pd.array, lambda values: pa.chunked_array([values[:9], values[9:]])):
        got = backend.loss_and_gradient(x, column(Y), [1.0, 2.0], sample_weight=column(s))
        assert got[0] == want[0]
        np.testing.assert_array_equal(got[1], want[1])


def test_names_of_nothing() -> None:
    for value in (A, A.tolist(), pd.Series(A), pa.array(A), pl.Series(A), 3.0, None):
        assert tables.names("x", value) is None
