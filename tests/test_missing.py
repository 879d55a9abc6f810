"""Rows with nulls are left out with `missing="drop"`: of tables and of scans, as if they had never been there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
csv = pytest.importorskip("pyarrow.csv")
ds = pytest.importorskip("pyarrow.dataset")
feather = pytest.importorskip("pyarrow.feather")
parquet = pytest.importorskip("pyarrow.parquet")

N = 60
rng = np.random.default_rng(8)
A, B = rng.standard_normal((2, N))
Y = 2 * A - B + 3 + rng.standard_normal(N)
S = rng.uniform(0.5, 2.0, N)
CLUSTERS = rng.integers(0, 9, N)
# Rows 20 to 29 are a piece of which none is left; so is cluster 4.
HOLES = (np.arange(N) % 7 == 3) | (np.arange(N) // 10 == 2) | (CLUSTERS == 4)
KEPT = ~HOLES
X = np.column_stack([A, B])
CUTS = [0, 10, 20, 20, 30, 45, N]  # one piece has no rows at all

OPTIONS: dict[str, Any] = {"fit_intercept": True, "optimizer": "exact"}
STREAMED: dict[str, Any] = {"fit_intercept": True, "optimizer": "cg", "plan": "stream"}


def with_nulls(values: Any, where: Any = HOLES) -> list[Any]:
    return [None if null else value for value, null in zip(values.tolist(), where, strict=True)]


COLUMNS = {"a": with_nulls(A), "b": B.tolist(), "y": Y.tolist(), "s": S.tolist()}
TABLES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "pandas": lambda columns: pd.DataFrame({name: pd.array(values) for name, values in columns.items()}),
}


@pytest.fixture(params=TABLES)
def build(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], Any]:
    return TABLES[request.param]


# --- what else such a row holds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("options", [OPTIONS, STREAMED], ids=["moments", "stream"])
def test_rows_left_out_may_hold_what_is_not_finite(
    build: Callable[[dict[str, Any]], Any], options: dict[str, Any], bad: float, backend: Any
) -> None:
    b, y, s = (np.where(HOLES, bad, values) for values in (B, Y, S))
    want = gdfast.fit(X[KEPT], Y[KEPT], sample_weight=S[KEPT], **options)
    table = build({"a": with_nulls(A), "b": pa.array(b).to_pylist(), "y": y.tolist(), "s": s.tolist()})
    fit = backend.fit(table, "y", sample_weight="s", missing="drop", **options)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-9)
    assert fit.report.dropped_rows == HOLES.sum()
    x = build({"a": A.tolist(), "b": b.tolist()})
    for given in (x, np.column_stack([A, b])):
        null_y = backend.fit(given, pl.Series(with_nulls(Y)), sample_weight=s, missing="drop", **options)
        np.testing.assert_allclose(null_y.w, want.w, rtol=1e-9)
    one = backend.fit(b, pa.array(with_nulls(Y)), missing="drop", **options)
    np.testing.assert_allclose(one.w, gdfast.fit(B[KEPT], Y[KEPT], **options).w, rtol=1e-9)


def test_targets_beyond_float32_count_for_nothing_where_they_are_left_out() -> None:
    table = pl.DataFrame({"a": pl.Series(with_nulls(A), dtype=pl.Float32), "y": np.where(HOLES, 1e300, Y)})
    fit = gdfast.fit(table, "y", missing="drop", **OPTIONS)
    assert fit.w.dtype == np.float32
    np.testing.assert_allclose(fit.w, gdfast.fit(A[KEPT], Y[KEPT], **OPTIONS).w, rtol=1e-5)


def test_what_is_not_finite_elsewhere_is_named() -> None:
    b = np.where(HOLES, np.nan, B)
    row = int(np.flatnonzero(KEPT)[5])
    b[row] = np.nan
    with pytest.raises(gdfast.DivergenceError, match=rf"^x\[{row}, 1\] \(column 'b', row {row}\) is nan"):
        gdfast.fit(pl.DataFrame(COLUMNS | {"b": b}), "y", columns=["a", "b"], missing="drop", **OPTIONS)


def test_weights_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^sample_weight has shape \(3,\) and x has shape \(60, 3\)"):
        gdfast.fit(pl.DataFrame(COLUMNS), "y", sample_weight=np.ones(3), missing="drop")


def test_rows_left_out_are_not_drawn() -> None:
    fit = gdfast.fit(pl.DataFrame(COLUMNS).select("a", "y"), "y", missing="drop", **OPTIONS)
    assert fit.sample is not None
    np.testing.assert_array_equal(fit.sample[0], A[KEPT])


# --- summaries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vcov", ["iid", "HC0", "HC1", "cluster"])
@pytest.mark.parametrize("weights", [None, "s"])
@pytest.mark.parametrize("options", [OPTIONS, STREAMED], ids=["moments", "stream"])
def test_summaries_are_of_the_rows_that_are_left(
    build: Callable[[dict[str, Any]], Any], options: dict[str, Any], weights: str | None, vcov: str
) -> None:
    """The data may be handed over as it was, or without the rows that the fit left out."""
    pytest.importorskip("scipy")
    table = build(COLUMNS)
    rest = build({name: np.array(values, float)[KEPT].tolist() for name, values in COLUMNS.items()})
    options = options | {"columns": ["a", "b"], "sample_weight": weights}
    fit = gdfast.fit(table, "y", missing="drop", **options)
    of_all: Any = {"cluster": CLUSTERS} if vcov == "cluster" else vcov
    of_rest: Any = {"cluster": CLUSTERS[KEPT]} if vcov == "cluster" else vcov
    want = gdfast.fit(rest, "y", **options).summary(rest, "y", sample_weight=weights, vcov=of_rest)
    for found in (
        fit.summary(table, "y", sample_weight=weights, vcov=of_all),
        fit.summary(rest, "y", sample_weight=weights, vcov=of_rest),
    ):
        np.testing.assert_allclose(found.std_errors, want.std_errors, rtol=1e-7)
        assert (found.n, found.n_clusters, found.weights) == (want.n, want.n_clusters, want.weights)
        assert found.log_likelihood == pytest.approx(want.log_likelihood)
    if options["optimizer"] == "exact":
        assert fit.summary().weights == want.weights
        moments = gdfast.Moments(2).update(table, "y", weights, columns=["a", "b"], missing="drop")
        assert weights or moments.solve(fit_intercept=True).summary(rest, "y", vcov=of_rest).n == KEPT.sum()


def test_summaries_refuse_other_rows() -> None:
    pytest.importorskip("scipy")
    table = pl.DataFrame(COLUMNS)
    fit = gdfast.fit(table, "y", columns=["a", "b"], missing="drop", **OPTIONS)
    kept = int(KEPT.sum())
    with pytest.raises(ValueError, match=rf"^x has {kept - 1} rows without a null, and the fit was of {kept}"):
        fit.summary(table[int(np.flatnonzero(KEPT)[0]) + 1 :], "y", vcov="HC1")
    with pytest.raises(ValueError, match=r"^sample_weight is here, and the fit had none"):
        fit.summary(table, "y", sample_weight="s", vcov="HC1")


# --- scans ------------------------------------------------------------------------------------------------------------


def tables() -> list[Any]:
    return [pa.table(COLUMNS).slice(start, end - start) for start, end in pairwise(CUTS)]


def of_files(folder: Path, suffix: str, write: Callable[[Any, Path], Any]) -> Any:
    for k, table in enumerate(tables()):
        write(table, folder / f"{k}{suffix}")
    return str(folder / f"*{suffix}")


def of_dataset(folder: Path) -> Any:
    of_files(folder, ".parquet", parquet.write_table)
    return ds.dataset(folder)


def of_arrays(folder: Path) -> Any:
    def pieces() -> Iterator[Any]:
        for table in tables():
            yield table.select(["a", "b"]), table["y"], table["s"]

    return pieces


SOURCES: dict[str, Callable[[Path], Any]] = {
    "parquet": lambda folder: of_files(folder, ".parquet", parquet.write_table),
    "ipc": lambda folder: of_files(folder, ".arrow", lambda table, path: feather.write_feather(table, str(path))),
    "csv": lambda folder: of_files(folder, ".csv", csv.write_csv),
    "dataset": of_dataset,
    "tables": lambda folder: lambda: iter(tables()),
    "polars": lambda folder: [pl.from_arrow(table) for table in tables()],
    "pandas": lambda folder: [table.to_pandas(types_mapper=pd.ArrowDtype) for table in tables()],
    "arrays": of_arrays,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_scans_leave_rows_out_and_say_how_many(kind: str, tmp_path: Path) -> None:
    """Of one piece nothing is left, and one has no rows."""
    arrays = kind == "arrays"
    scan = gdfast.scan(SOURCES[kind](tmp_path), columns=None if arrays else ["a", "b"], missing="drop")
    y, s = (None, None) if arrays else ("y", "s")
    for options in (OPTIONS, STREAMED, {"learning_rate": 0.1, "n_iters": 3, "batch_size": 4, "rng": 0}):
        fit = gdfast.fit(scan, y, sample_weight=s, **options)
        assert fit.report.dropped_rows == HOLES.sum()
        assert fit.basis.n == KEPT.sum()
        if "optimizer" in options:
            want = gdfast.fit(X[KEPT], Y[KEPT], sample_weight=S[KEPT], **options)
            np.testing.assert_allclose(fit.w, want.w, rtol=1e-9)
    path = gdfast.path(scan, y, sample_weight=s, n_penalties=5)
    assert path.report.dropped_rows == HOLES.sum()
    np.testing.assert_allclose(
        path.coefs, gdfast.path(X[KEPT], Y[KEPT], sample_weight=S[KEPT], n_penalties=5).coefs, rtol=1e-8, atol=1e-10
    )
    assert gdfast.Moments(2).update(scan, y, s).n == KEPT.sum()


@pytest.mark.parametrize("kind", SOURCES)
def test_nulls_of_scans_are_refused_by_their_piece(kind: str, tmp_path: Path) -> None:
    arrays = kind == "arrays"
    scan = gdfast.scan(SOURCES[kind](tmp_path), columns=None if arrays else ["a", "b"])
    with pytest.raises(ValueError, match=r": column 'a' has \d+ nulls?: write missing='drop' to leave such rows out"):
        gdfast.fit(scan, None if arrays else "y", **OPTIONS)


def test_a_piece_with_a_column_of_nulls_alone_is_named() -> None:
    pieces = [pl.DataFrame({"a": A, "y": Y}), pl.DataFrame({"a": [None, None], "y": [1.0, 2.0]})]
    with pytest.raises(ValueError, match=r"^piece 1: the column 'a' of x has 2 nulls"):
        gdfast.fit(gdfast.scan(pieces, missing="drop"), "y", **OPTIONS)


def test_paths_of_tables_say_how_many_rows_were_left_out() -> None:
    path = gdfast.path(pl.DataFrame(COLUMNS), "y", columns=["a", "b"], missing="drop", n_penalties=5)
    assert path.report.dropped_rows == HOLES.sum()


@pytest.mark.parametrize("kind", ["parquet", "ipc", "csv", "npy", "dataset"])
def test_files_without_rows_count_for_nothing(kind: str, tmp_path: Path) -> None:
    suffix = {"ipc": ".arrow", "dataset": ".parquet"}.get(kind, f".{kind}")
    write: Callable[[Any, Path], Any] = {
        "ipc": lambda table, path: feather.write_feather(table, str(path)),
        "csv": csv.write_csv,
        "npy": lambda table, path: np.save(path, np.column_stack([column.to_numpy() for column in table.columns])),
    }.get(kind, parquet.write_table)
    whole = pa.table({"a": A, "b": B, "y": Y})
    for k, part in enumerate((whole.slice(0, 0), whole.slice(0, 25), whole.slice(25, 0), whole.slice(25))):
        write(part, tmp_path / f"{k}{suffix}")
    files = sorted(tmp_path.glob(f"*{suffix}"))
    scan = gdfast.scan(ds.dataset(tmp_path) if kind == "dataset" else files)
    fit = gdfast.fit(scan, -1 if kind == "npy" else "y", **OPTIONS)
    np.testing.assert_allclose(fit.w, gdfast.fit(X, Y, **OPTIONS).w, rtol=1e-9)
    columns = ["0", "1"] if kind == "npy" else ["a", "b"]
    np.testing.assert_allclose(fit.predict(scan.with_columns(columns)), X @ fit.w + fit.b, rtol=1e-9)
    assert fit.predict_to(tmp_path / "predicted.csv", scan.with_columns(columns)) == N
    with pytest.raises(ValueError, match="the scan has no rows, and at least one is needed"):
        gdfast.fit(gdfast.scan(files[:1]), -1 if kind == "npy" else "y", **OPTIONS)
