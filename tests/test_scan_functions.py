"""What takes scans beside `fit`: loss and gradient, explain, paths, summaries. All as of the same rows in memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
import scans
from gdfast import progress
from gdfast.progress import RowsBar
from scans import NAMES, S, X, Y, pa

W = np.array([1.0, -0.5, 3.0, 0.2])
ROWS = scans.slices(140)


def of_arrays(dtype: Any = np.float64) -> gdfast.Scan:
    x, y, s = X.astype(dtype), Y.astype(dtype), S.astype(dtype)
    return gdfast.scan([(x[rows], y[rows], s[rows]) for rows in ROWS])


# --- loss and gradient, explain ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_and_gradient_take_scans(backend: Any, reduction: str, dtype: np.dtype[Any]) -> None:
    scan = of_arrays(dtype)
    rtol = 1e-5 if dtype == np.float32 else 1e-10
    for b in (None, 0.5):
        loss, grad = backend.loss_and_gradient(scan, None, W, b, reduction=reduction)
        want, want_grad = gdfast.loss_and_gradient(X, Y, W, b, sample_weight=S, reduction=reduction)
        assert loss == pytest.approx(want, rel=rtol)
        if b is not None:
            assert grad[1] == pytest.approx(want_grad[1], rel=rtol)
            grad, want_grad = grad[0], want_grad[0]
        assert grad.dtype == dtype
        np.testing.assert_allclose(grad, want_grad, rtol=rtol)
    out = np.empty(4, dtype)
    assert backend.loss_and_gradient(scan, None, W, out=out)[1] is out


def test_loss_and_gradient_by_names(tmp_path: Path) -> None:
    scan, _, y, s = scans.of_parquet(tmp_path, np.float64)
    loss, grad = gdfast.loss_and_gradient(scan, y, W, sample_weight=s)
    want, want_grad = gdfast.loss_and_gradient(X, Y, W, sample_weight=S)
    assert loss == pytest.approx(want, rel=1e-12)
    np.testing.assert_allclose(grad, want_grad, rtol=1e-10)
    with pytest.raises(ValueError, match=r"w has shape \(3,\), accepted is w of shape \(4,\)"):
        gdfast.loss_and_gradient(scan, y, W[:3])
    with pytest.raises(ValueError, match="y is missing: write the name of the column"):
        gdfast.loss_and_gradient(scan, None, W)
    with pytest.raises(ValueError, match="reduction is 'most'"):
        gdfast.loss_and_gradient(scan, y, W, reduction="most")
    with pytest.raises(TypeError, match="out has dtype float32"):
        gdfast.loss_and_gradient(scan, y, W, out=np.empty(4, np.float32))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_several_models_in_one_pass(backend: Any, reduction: str, dtype: np.dtype[Any]) -> None:
    """Each has the bits of a pass for it alone."""
    scan, w, b = of_arrays(dtype), np.column_stack([W, -W, 0 * W]), np.array([0.5, 1.0, -2.0])
    losses, (grad, grad_b) = backend.loss_and_gradient(scan, None, w, b, reduction=reduction)
    assert (losses.shape, grad.shape, grad_b.shape, grad.dtype) == ((3,), (4, 3), (3,), dtype)
    for k in range(3):
        loss, (alone, alone_b) = backend.loss_and_gradient(scan, None, w[:, k], float(b[k]), reduction=reduction)
        assert (losses[k], grad_b[k]) == (loss, alone_b)
        assert oracle.same_bits(np.ascontiguousarray(grad[:, k]), alone)
    out = np.empty((4, 3), dtype)
    without, same = backend.loss_and_gradient(scan, None, w, out=out)
    assert same is out
    assert without[2] == backend.loss_and_gradient(scan, None, w[:, 2])[0]
    with pytest.raises(ValueError, match=r"w has shape \(3, 4\) .* write w.T"):
        backend.loss_and_gradient(scan, None, w.T)
    with pytest.raises(ValueError, match=r"b has shape \(\), accepted is b of shape \(3,\)"):
        backend.loss_and_gradient(scan, None, w, 0.5)
    nothing = gdfast.scan([(X, Y, np.zeros(len(X)))])
    with pytest.raises(ValueError, match="adds up to 0 over all rows"):
        backend.loss_and_gradient(nothing, None, w)


def test_one_column_has_a_number_for_a_gradient() -> None:
    scan = gdfast.scan([([1.0, 2.0], [2.0, 4.0]), ([3.0, 4.0], [6.0, 8.0])])
    assert gdfast.loss_and_gradient(scan, None, 0.0) == (30.0, -30.0)


def test_explain_says_what_a_fit_of_a_scan_does(tmp_path: Path) -> None:
    scan, _, y, _ = scans.of_parquet(tmp_path, np.float64)
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"plan": "stream"},
        {"plan": "moments"},
        {"optimizer": "exact"},
        {"batch_size": 10},
    )
    for options in ways:
        found = gdfast.explain(scan, y, n_iters=3, **options)
        assert found.plan == gdfast.fit(scan, y, n_iters=3, learning_rate=1e-9, **options).report.plan
        if found.plan == "moments":
            assert found.costs["moments"].bytes_read == 1000 * 5 * 8
    unknown = gdfast.explain(of_arrays())
    assert (unknown.plan, unknown.costs) == ("moments", {})
    assert "not known before they are read" in str(unknown)
    once = gdfast.scan(iter([(X, Y)]))
    assert "an iterator can be read but once" in gdfast.explain(once).why
    path = gdfast.explain(scan, y, folds=5)
    assert (path.plan, list(path.costs)) == ("moments", ["moments"])


# --- paths ------------------------------------------------------------------------------------------------------------

SPLITTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "consecutive": {"folds": 5},
    "drawn": {"folds": 5, "rng": 0},
    "numbers": {"folds": np.arange(1000) % 3},
    "groups": {"folds": 4, "groups": np.arange(1000) // 90},
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_paths_are_those_of_the_rows_in_memory(name: str, tmp_path: Path) -> None:
    scan, _, y, s = scans.of_parquet(tmp_path, np.float64)
    options: dict[str, Any] = {"n_penalties": 20, "l1_ratio": [0.5, 1.0], **SPLITTERS[name]}
    path = gdfast.path(scan, y, sample_weight=s, **options)
    want = gdfast.path(X, Y, sample_weight=S, **options)
    np.testing.assert_allclose(path.penalties, want.penalties, rtol=1e-10)
    np.testing.assert_allclose(path.coefs, want.coefs, rtol=1e-8, atol=1e-10)
    assert path.names == path.feature_names == tuple(NAMES)
    assert path.report.passes == 1
    assert path.report.disk_bytes > 0
    if name != "none":
        np.testing.assert_allclose(path.cv_loss, want.cv_loss, rtol=1e-9)  # type: ignore[arg-type]
        assert path.best == want.best
        np.testing.assert_allclose(path.fit.w, want.fit.w, rtol=1e-8)


def test_folds_go_by_pieces_where_the_rows_are_not_counted_yet() -> None:
    path = gdfast.path(of_arrays(), folds=3)
    by_piece = np.concatenate([np.full(rows.stop - rows.start, i % 3) for i, rows in enumerate(ROWS)])
    want = gdfast.path(X, Y, sample_weight=S, folds=by_piece)
    np.testing.assert_allclose(path.cv_loss, want.cv_loss, rtol=1e-9)  # type: ignore[arg-type]
    in_array = gdfast.path(of_arrays(), folds=by_piece)
    np.testing.assert_allclose(in_array.cv_loss, want.cv_loss, rtol=1e-9)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 3, "rng": 0}, "groups, rng and splitters need the number of rows"),
        ({"folds": 50}, "fold 10 has no rows, since the scan has fewer pieces than folds"),
        ({"folds": np.arange(999) % 2}, r"folds has shape \(999,\)"),
        ({"folds": np.arange(1001) % 2}, r"folds has shape \(1001,\)"),
        ({"plan": "stream"}, "a scan reads rows: write plan='auto'"),
    ],
)
def test_folds_that_a_scan_has_not(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gdfast.path(of_arrays(), **options)


def test_paths_name_what_is_not_finite(tmp_path: Path) -> None:
    table = scans.table(slice(300, 600))
    values = table["c"].to_numpy().copy()
    values[7] = np.nan
    path = tmp_path / "x.parquet"
    pa.parquet.write_table(table.set_column(2, "c", pa.array(values)), path, row_group_size=100)
    with pytest.raises(ValueError, match=r"x.parquet, row group 0: column 'c' of x is nan in row 7 of this piece"):
        gdfast.path(gdfast.scan(path, columns=NAMES), "y", folds=2)


# --- summaries --------------------------------------------------------------------------------------------------------

CLUSTERS = np.random.default_rng(0).integers(0, 100, 1000) // 3 * 10


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("vcov", ["iid", "HC0", "HC1", "array", "column"])
@pytest.mark.parametrize("optimizer", ["exact", "cg"])
def test_summaries_are_those_of_the_rows_in_memory(optimizer: str, vcov: str, fit_intercept: bool) -> None:
    pytest.importorskip("scipy")
    tables = [scans.table(rows).append_column("g", pa.array(CLUSTERS[rows])) for rows in ROWS]
    scan = gdfast.scan(tables, columns=NAMES)
    plan = "auto" if optimizer == "exact" else "stream"
    options: dict[str, Any] = {"optimizer": optimizer, "fit_intercept": fit_intercept, "standardize": True}
    fit = gdfast.fit(scan, "y", sample_weight="s", plan=plan, n_iters=300, **options)
    want = gdfast.fit(X, Y, sample_weight=S, optimizer="exact", fit_intercept=fit_intercept)
    asked: Any = {"array": {"cluster": CLUSTERS}, "column": {"cluster": "g"}}.get(vcov, vcov)
    found = fit.summary(scan, "y", sample_weight="s", vcov=asked)
    in_memory = want.summary(X, Y, sample_weight=S, vcov={"cluster": CLUSTERS} if "cluster" in asked else vcov)
    np.testing.assert_allclose(found.std_errors, in_memory.std_errors, rtol=1e-7)
    assert found.n_clusters == in_memory.n_clusters
    assert found.r2 == pytest.approx(in_memory.r2, rel=1e-9)


def test_summaries_refuse_another_scan(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    scan, _, y, s = scans.of_parquet(tmp_path, np.float64)
    fit = gdfast.fit(scan, y, sample_weight=s, optimizer="exact")
    half = gdfast.scan(tmp_path / "0.parquet", columns=NAMES)
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: fit.summary(half, y, sample_weight=s, vcov="HC0"), "x has 300 rows, and the fit was of 1,000"),
        (lambda: fit.summary(scan, y, vcov="HC0"), "sample_weight is missing, and the fit had"),
        (lambda: fit.summary(scan, "a", sample_weight=s, vcov="HC0"), "which is y or sample_weight as well"),
        (lambda: fit.summary(scan, y, sample_weight=s, vcov={"cluster": "none"}), "has no column 'none'"),
        (lambda: fit.summary(scan, y, sample_weight=s, vcov={"cluster": CLUSTERS[:9]}), r"has shape \(9,\)"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()


# --- progress ---------------------------------------------------------------------------------------------------------


def test_rows_are_shown_in_passes_of_more_than_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    clock, stream = Clock(), Terminal()
    monkeypatch.setattr(progress, "time", clock)
    bar = RowsBar(stream)
    for rows in range(0, 1_000, 100):
        bar(rows, 1_000)
        clock.now += 0.15
    assert stream.getvalue() == ""
    bar.finished()
    for rows in range(0, 1_001, 100):
        bar(rows, 1_000)
        clock.now += 1.0
    text = stream.getvalue()
    assert "\r[####....................] pass 2: 200/1,000 rows, 8 s left" in text
    bar.finished()
    assert stream.getvalue().removeprefix(text).strip() == ""
    assert stream.getvalue().endswith("\r")
    bar(5, None)
    clock.now += 3
    bar(77, None)
    assert stream.getvalue().endswith("\rpass 3: 77 rows")


def test_a_scan_shows_its_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "ROWS_FIRST_AFTER", 0.0)
    parts = [(X[rows], Y[rows]) for rows in ROWS]
    gdfast.fit(gdfast.scan(parts), optimizer="exact")
    assert capsys.readouterr().err == ""
    fit = gdfast.fit(gdfast.scan(parts, progress=True), optimizer="exact")
    assert oracle.same_bits(fit.w, gdfast.fit(gdfast.scan(parts), optimizer="exact").w)
    assert "rows\n" in capsys.readouterr().err
