"""Fits of tables whose columns lie apart: of every library, by every way, as of the same numbers in an array."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import gdfast

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

N = 5000
rng = np.random.default_rng(5)
COLUMNS: dict[str, Any] = {
    "f4": rng.standard_normal(N).astype(np.float32),
    "i1": rng.integers(-50, 50, N).astype(np.int8),
    "u2": rng.integers(0, 9, N).astype(np.uint16),
    "i8": rng.integers(-9, 9, N),
    "flag": rng.random(N) > 0.3,
    "f8": rng.standard_normal(N) + 3,
}
NAMES = tuple(COLUMNS)
X = np.stack([column.astype(np.float64) for column in COLUMNS.values()], axis=1)
Y = X @ [1.0, -0.5, 2.0, 0.25, 3.0, -1.0] + rng.standard_normal(N)
S = rng.uniform(0.5, 2.0, N)
ALL = {**COLUMNS, "y": Y, "s": S}


def chunked(columns: dict[str, Any]) -> Any:
    """Chunks of odd lengths, some without rows, others for some columns than for the rest."""
    whole = pa.table(columns)
    cuts = [0, 7, 7, 1030, 4999, whole.num_rows]
    table = pa.concat_tables([whole.slice(a, b - a) for a, b in pairwise(cuts)])
    first = table.column_names[0]
    other = pa.chunked_array([table[first].combine_chunks().slice(0, 13), table[first].combine_chunks().slice(13)])
    return table.set_column(0, first, other)


class Capsule:
    """Some package that exports nothing but Arrow."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.table = chunked(columns)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class Batch:
    """The same, as one array."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.batch = pa.table(columns).slice(3).combine_chunks().to_batches()[0]

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self.batch.__arrow_c_array__(requested_schema)


def duckdb(columns: dict[str, Any]) -> Any:
    return pytest.importorskip("duckdb").arrow(pa.table(columns))


BUILDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "Arrow": pa.table,
    "chunks": chunked,
    "polars": pl.DataFrame,
    "polars chunks": lambda columns: pl.from_arrow(chunked(columns)),
    "pandas": pd.DataFrame,
    "pandas on Arrow": lambda columns: chunked(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, nullable": lambda columns: pd.DataFrame({key: pd.array(value) for key, value in columns.items()}),
    "duckdb": duckdb,
    "capsule": Capsule,
}


@pytest.fixture(params=BUILDERS)
def build(request: pytest.FixtureRequest) -> Any:
    return BUILDERS[request.param]


# --- equal to arrays ---


@pytest.mark.parametrize("plan", ["stream", "moments"])
@pytest.mark.parametrize("backend", ["native", "numpy", "torch"])
def test_fits_by_name(build: Any, backend: str, plan: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    options: dict[str, Any] = {"fit_intercept": True, "optimizer": "nesterov", "learning_rate": "auto", "n_iters": 20}
    fit = gdfast.fit(build(ALL), "y", sample_weight="s", plan=plan, backend=backend, **options)
    want = gdfast.fit(X, Y, sample_weight=S, plan=plan, backend=backend, **options)
    assert fit.feature_names == NAMES
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(fit.losses, want.losses, rtol=1e-9)
    assert (fit.report.copied_bytes >= X.nbytes) == (backend != "native")
    np.testing.assert_allclose(fit.predict(build(ALL)), want.predict(X), rtol=1e-9, atol=1e-9)


def test_columns_in_any_order(build: Any) -> None:
    shuffled = build({name: ALL[name] for name in ("s", "f8", "flag", "y", "i8", "f4", "u2", "i1")})
    fit = gdfast.fit(shuffled, "y", columns=NAMES, optimizer="exact")
    np.testing.assert_allclose(fit.w, gdfast.fit(X, Y, optimizer="exact").w, rtol=1e-9)
    assert fit.feature_names == NAMES
    np.testing.assert_allclose(fit.predict(shuffled), X @ fit.w, rtol=1e-9, atol=1e-9)


def test_other_ways(build: Any) -> None:
    table = build(COLUMNS)
    w = np.arange(6.0)
    loss, grad = gdfast.loss_and_gradient(build(ALL), "y", np.append(w, 0.0))
    want_loss, want_grad = gdfast.loss_and_gradient(np.column_stack([X, S]), Y, np.append(w, 0.0))
    np.testing.assert_allclose([loss, *grad], [want_loss, *want_grad], rtol=1e-12)
    np.testing.assert_allclose(gdfast.forward(table, w, 1.0), X @ w + 1, rtol=1e-12)
    np.testing.assert_allclose(gdfast.gradient(table, Y, Y + 1), gdfast.gradient(X, Y, Y + 1), rtol=1e-10)
    moments = gdfast.Moments(6).update(build(ALL), "y", "s", columns=NAMES)
    np.testing.assert_allclose(moments.gram, gdfast.Moments(6).update(X, Y, S).gram, rtol=1e-12)
    assert (moments.feature_names, moments.target) == (NAMES, "y")
    assert gdfast.explain(table, Y).plan == gdfast.explain(X, Y).plan


@pytest.mark.parametrize("plan", ["moments", "stream"])
@pytest.mark.parametrize("drawn", [None, 0])
def test_paths(build: Any, plan: str, drawn: int | None) -> None:
    options: dict[str, Any] = {"folds": 3, "rng": drawn, "n_penalties": 10, "plan": plan}
    got = gdfast.path(build(ALL), "y", columns=NAMES, sample_weight="s", **options)
    want = gdfast.path(X, Y, sample_weight=S, **options)
    np.testing.assert_allclose(got.coefs, want.coefs, rtol=1e-6, atol=1e-7)
    assert got.cv_mean is not None
    assert want.cv_mean is not None
    np.testing.assert_allclose(got.cv_mean, want.cv_mean, rtol=1e-6 if plan == "stream" else 1e-9)
    assert got.names == NAMES


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches(build: Any, shuffle: bool) -> None:
    options: dict[str, Any] = {"batch_size": 64, "shuffle": shuffle, "rng": 1, "learning_rate": 1e-4, "n_iters": 2}
    fit = gdfast.fit(build(ALL), "y", columns=NAMES, **options)
    np.testing.assert_allclose(fit.w, gdfast.fit(X, Y, **options).w, rtol=1e-12)


def test_standardized_and_validated(build: Any) -> None:
    options: dict[str, Any] = {"standardize": True, "fit_intercept": True, "learning_rate": 0.1, "plan": "stream"}
    fit = gdfast.fit(build(ALL), "y", columns=NAMES, validation=(build(ALL), Y), **options)
    want = gdfast.fit(X, Y, validation=(X, Y), **options)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-7)  # of two passes that are as good either may be the best
    np.testing.assert_allclose(fit.validation_losses, want.validation_losses, rtol=1e-9)


def test_groups(build: Any) -> None:
    ids = np.random.default_rng(0).integers(0, 4, N)
    got = gdfast.Moments(6, groups=4).update(build(COLUMNS), Y, group=ids)
    want = gdfast.Moments(6, groups=4).update(X, Y, group=ids)
    for i in range(4):
        np.testing.assert_allclose(got[i].gram, want[i].gram, rtol=1e-12)


def test_summaries(build: Any) -> None:
    fit = gdfast.fit(build(ALL), "y", columns=NAMES, optimizer="exact", fit_intercept=True)
    want = gdfast.fit(X, Y, optimizer="exact", fit_intercept=True)
    np.testing.assert_allclose(
        fit.summary(build(ALL), "y", vcov="HC1").std_errors, want.summary(X, Y, vcov="HC1").std_errors, rtol=1e-9
    )


def test_one_array() -> None:
    batch: Any = Batch(ALL)
    fit = gdfast.fit(batch, "y", columns=NAMES, optimizer="exact")
    np.testing.assert_allclose(fit.w, gdfast.fit(X[3:], Y[3:], optimizer="exact").w, rtol=1e-9)


def test_a_reader_serves_one_fit() -> None:
    reader = pa.table(ALL).to_reader(999)
    fit = gdfast.fit(reader, "y", sample_weight="s", plan="stream", learning_rate=1e-4, n_iters=3)
    want = gdfast.fit(X, Y, sample_weight=S, plan="stream", learning_rate=1e-4, n_iters=3)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-12)


# --- bits ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 3, 16, 17, 40, 130])
def test_the_bits_of_a_matrix_in_fortran_order(dtype: Any, d: int) -> None:
    x = np.asfortranarray(np.random.default_rng(d).standard_normal((20_000, d)).astype(dtype))
    y = x.sum(axis=1)
    w = np.linspace(-1, 1, d).astype(dtype)
    table = pl.DataFrame({f"c{j}": x[:, j].copy() for j in range(d)})
    got, want = gdfast.loss_and_gradient(table, y, w), gdfast.loss_and_gradient(x, y, w)
    assert got[0] == want[0]
    np.testing.assert_array_equal(got[1], want[1])
    got_moments, want_moments = gdfast.Moments(d).update(table, y), gdfast.Moments(d).update(x, y)
    np.testing.assert_array_equal(got_moments.gram, want_moments.gram)


def test_half_floats() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    columns = {"a": every, "b": np.ones(2**16, np.float32)}
    for table in (pa.table(columns), pd.DataFrame(columns)):
        got = gdfast.forward(table, np.array([1, 0], np.float32))
        assert got.dtype == np.float32
        finite = np.isfinite(every)
        np.testing.assert_array_equal(got[finite], every[finite].astype(np.float32))
        assert not np.isfinite(got[~finite]).any()


@pytest.mark.parametrize("rows", [slice(None), slice(3, 60, 7), [5, 2, 9], 4])
@pytest.mark.parametrize("columns", [slice(None), [1, 0], 2])
def test_parts_of_a_table_are_those_of_an_array(rows: Any, columns: Any) -> None:
    from gdfast import tables

    table: Any = tables.data("x", chunked(COLUMNS))
    for got, want in ((table[rows], X[rows]), (table[2000:][rows], X[2000:][rows])):
        np.testing.assert_array_equal(np.asarray(got), want)
    if not isinstance(rows, list) or not isinstance(columns, list):
        np.testing.assert_array_equal(np.asarray(table[rows, columns]), X[rows, columns])
    else:
        np.testing.assert_array_equal(table[np.ix_(rows, columns)], X[np.ix_(rows, columns)])


# --- errors ---


def test_names_that_there_are_not(build: Any) -> None:
    with pytest.raises(ValueError, match=r"^y is 'z', and x has no such column: it has 'f4'"):
        gdfast.fit(build(COLUMNS), "z")
    with pytest.raises(ValueError, match=r"^sample_weight is 'z'"):
        gdfast.fit(build(ALL), "y", sample_weight="z")
    with pytest.raises(ValueError, match=r"^columns: x has no column 'nope'"):
        gdfast.fit(build(ALL), "y", columns=["f4", "nope"])
    with pytest.raises(ValueError, match=r"^columns has 'y', which is y"):
        gdfast.fit(build(ALL), "y", columns=["f4", "y"])
    with pytest.raises(TypeError, match=r"write columns=\['f4'\]"):
        gdfast.fit(build(ALL), "y", columns="f4")
    with pytest.raises(ValueError, match=r"^columns is 'f4', 'f4', which names a column twice"):
        gdfast.fit(build(ALL), "y", columns=["f4", "f4"])
    fit = gdfast.fit(build(ALL), "y", columns=["f4", "i8"], optimizer="exact")
    with pytest.raises(ValueError, match=r"^x lacks the column 'i8'"):
        fit.predict(build({"f4": COLUMNS["f4"], "u2": COLUMNS["u2"]}))


def test_arrays_have_no_names() -> None:
    for call in (gdfast.fit, gdfast.path, lambda x, y: gdfast.Moments(6).update(x, y)):
        with pytest.raises(TypeError, match=r"^y names columns, and [xX] .*has no names: hand in a table"):
            call(X, "y")
    with pytest.raises(TypeError, match=r"^columns names columns"):
        gdfast.fit(X, Y, columns=["a"])


# --- memory ---


@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_nothing_as_large_as_the_data_is_made(plan: str) -> None:
    n = 400_000
    table = pl.DataFrame({f"c{j}": np.random.default_rng(j).standard_normal(n).astype(np.float32) for j in range(12)})
    tracemalloc.start()
    fit = gdfast.fit(table, "c11", plan=plan, learning_rate=0.01, n_iters=3, optimizer="gd", standardize=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fit.report.copied_bytes == 0
    assert fit.report.peak_bytes <= 4 << 20
    assert peak <= 4 << 20
    assert fit.w.dtype == np.float32


@pytest.mark.parametrize("wide", [False, True])
def test_several_models_have_the_bits_of_calls_for_each(backend: Any, wide: bool) -> None:
    """K models of a table, narrow and of mixed columns, or wide and of columns that lie ready."""
    columns = {f"c{j}": rng.standard_normal(N).astype(np.float32) for j in range(40)} if wide else COLUMNS
    table = pl.DataFrame(columns)
    w, b = rng.standard_normal((len(columns), 3)), np.array([0.5, -1.0, 2.0])
    losses, (grad_w, grad_b) = backend.loss_and_gradient(table, Y, w, b, sample_weight=S)
    predicted = backend.forward(table, w, b)
    for k in range(3):
        loss, alone = backend.loss_and_gradient(table, Y, w[:, k].copy(), b[k], sample_weight=S)
        assert loss == losses[k]
        assert np.array_equal(alone[0], grad_w[:, k])
        assert alone[1] == grad_b[k]
        assert np.array_equal(backend.forward(table, w[:, k].copy(), b[k]), predicted[:, k])
