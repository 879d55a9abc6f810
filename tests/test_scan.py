"""Scans: every kind of source has the rows that it should, in pieces, with the bits of the same pieces in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
import scans
from gdfast._scan import sums
from gdfast._scan.bind import bind
from gdfast._scan.sums import Passes
from gdfast._tables.table import Table
from scans import NAMES, SOURCES, S, X, Y

Made = scans.Made


@pytest.fixture(params=list(SOURCES))
def made(request: pytest.FixtureRequest, tmp_path: Path, dtype: np.dtype[Any]) -> Made:
    return SOURCES[request.param](tmp_path, dtype)


def ordered(made: Made, dtype: np.dtype[Any], name: str) -> tuple[Any, Any, Any]:
    """The rows in memory, as the source's pieces lie: .npy in rows, others in columns."""
    order: Any = "C" if name in ("npy", "arrays") else "F"
    return X.astype(dtype, order=order), Y.astype(dtype), S.astype(dtype)


def test_the_rows_are_those_of_the_source_in_its_pieces(made: Made, dtype: np.dtype[Any]) -> None:
    scan, pieces, y, s = made
    tolerance = 1e-6 if dtype == np.float32 else 0
    dtype = bind(scan, y, s).dtype  # text has no dtype
    passes = Passes(bind(scan, y, s))
    for _ in range(2):  # passes
        found = [[np.array(array) for array in piece[:3] if array is not None] for piece in passes]
        assert [len(x) for x, _, _ in found] == [rows.stop - rows.start for rows in pieces]
        for k, whole in enumerate((X, Y, S)):
            got = np.concatenate([part[k] for part in found])
            assert got.dtype == dtype
            np.testing.assert_allclose(got, whole, rtol=tolerance, atol=0)
    assert passes.rows == 1000
    assert passes.nbytes == 2 * passes.one_read == 2 * 1000 * 6 * dtype.itemsize


@pytest.mark.parametrize("name", ["parquet", "ipc"])
def test_columns_of_one_chunk_are_read_where_they_lie(name: str, tmp_path: Path, dtype: np.dtype[Any]) -> None:
    scan, _, y, s = SOURCES[name](tmp_path, dtype)
    for piece in Passes(bind(scan, y, s)):
        x, *vectors = tuple[Any, ...](piece[:3])
        assert isinstance(x, Table)
        assert not any(array.flags.writeable for array in vectors)  # Arrow's own memory


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "csv"])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_have_the_bits_of_the_same_pieces_in_memory(
    name: str, weighted: bool, tmp_path: Path, dtype: np.dtype[Any]
) -> None:
    scan, pieces, y, s = SOURCES[name](tmp_path, dtype)
    x_in, y_in, s_in = ordered((scan, pieces, y, s), dtype, name)
    if name == "arrays":
        weighted = True
    elif name in ("npy", "fortran"):
        scan = scan.with_columns(["0", "1", "2", "3"])
    found = sums.moments(Passes(bind(scan, y, s if weighted else None))).gram
    parts = []
    for rows in pieces:
        arrays = x_in[rows], y_in[rows], s_in[rows] if weighted else None
        parts.append(gdfast.Moments(4).update(*arrays)._sums)
    want = scans.in_a_tree(parts, gdfast.optimum.added)
    assert oracle.same_bits(found.matrix, want.matrix)
    assert oracle.same_bits(found.origin, want.origin)


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "csv"])
def test_loss_and_gradient_have_the_bits_of_the_same_pieces_in_memory(
    name: str, tmp_path: Path, dtype: np.dtype[Any]
) -> None:
    scan, pieces, y, s = SOURCES[name](tmp_path, dtype)
    x_in, y_in, s_in = ordered((scan, pieces, y, s), dtype, name)
    w = np.array([1.0, -0.5, 3.0, 0.2], dtype)
    found = sums.loss_and_gradient(Passes(bind(scan, y, s)), w, 0.5, gdfast.backend("native"))
    parts = []
    for rows in pieces:
        weight = float(s_in[rows].sum(dtype=np.float64))
        loss, (grad, grad_b) = gdfast.loss_and_gradient(x_in[rows], y_in[rows], w, 0.5, sample_weight=s_in[rows])
        parts.append(np.array([weight, loss * weight, *(grad.astype(float) * weight), grad_b * weight]))
    want = scans.in_a_tree(parts, np.add)
    assert oracle.same_bits(np.array([found.weight, found.loss, *found.grad]), want)


def test_bits_do_not_depend_on_threads(made: Made) -> None:
    scan, _, y, s = made
    before = gdfast.get_num_threads()
    try:
        fits = []
        for threads in (1, 2, 5):
            gdfast.set_num_threads(threads)
            fits.append(gdfast.fit(scan, y, sample_weight=s, optimizer="exact", fit_intercept=True))
    finally:
        gdfast.set_num_threads(before)
    for fit in fits[1:]:
        assert oracle.same_bits(fit.w, fits[0].w)
        assert fit.b == fits[0].b


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "exact"},
        {"optimizer": "exact", "l1": 0.1},
        {"optimizer": "cg"},
        {"optimizer": "cg", "plan": "stream"},
        {"optimizer": "gd", "learning_rate": "auto", "standardize": True},
        {"optimizer": "gd", "learning_rate": 1e-7, "plan": "stream", "n_iters": 20},
        {"optimizer": "momentum", "learning_rate": "auto", "plan": "stream", "standardize": True},
        {
            "optimizer": "nesterov",
            "learning_rate": "auto",
            "l1": 0.1,
            "l2": 0.01,
            "plan": "stream",
            "standardize": True,
        },
        {"optimizer": "adam", "learning_rate": 0.05, "plan": "stream", "standardize": True, "reduction": "sum"},
        {"optimizer": "gd", "learning_rate": 1e-9, "batch_size": 1000, "shuffle": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_fits_are_those_of_the_rows_in_memory(options: dict[str, Any], fit_intercept: bool) -> None:
    """Up to rounding: the sums are the same, in another order."""
    scan = gdfast.scan([(X[rows], Y[rows], S[rows]) for rows in scans.slices(140)])
    if "batch_size" in options:
        scan = gdfast.scan([(X, Y, S)])
    one = gdfast.fit(scan, fit_intercept=fit_intercept, **options)
    other = gdfast.fit(X, Y, sample_weight=S, fit_intercept=fit_intercept, **options)
    np.testing.assert_allclose(one.w, other.w, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-7)
    assert one.b == (None if other.b is None else pytest.approx(other.b, rel=1e-7))
    assert one.stop_reason == other.stop_reason
    assert (one.gap is None) == (other.gap is None)
    assert one.loss == pytest.approx(other.loss, rel=1e-9)
    plan = "stream" if options.get("plan") == "stream" or "batch_size" in options else "moments"
    assert one.report.plan == plan
    if plan == "moments":
        assert one.report.passes == 1
        assert one.converged == other.converged


def test_streamed_gaps_are_known_where_a_penalty_tells_them() -> None:
    scan = gdfast.scan([(X[rows], Y[rows], S[rows]) for rows in scans.slices(140)])
    options: dict[str, Any] = {"fit_intercept": True, "standardize": True, "l2": 0.1, "plan": "stream"}
    one = gdfast.fit(scan, optimizer="cg", **options)
    other = gdfast.fit(X, Y, sample_weight=S, optimizer="cg", **options)
    assert one.converged
    assert other.converged
    early = gdfast.fit(scan, optimizer="cg", n_iters=2, **options)
    again = gdfast.fit(X, Y, sample_weight=S, optimizer="cg", n_iters=2, **options)
    assert early.gap == pytest.approx(again.gap, rel=1e-6)


def test_names_go_from_the_columns_into_the_fit(tmp_path: Path) -> None:
    scan, _, y, s = scans.of_parquet(tmp_path, np.float64)
    fit = gdfast.fit(scan, y, sample_weight=s, optimizer="exact", fit_intercept=True)
    assert fit.feature_names == tuple(NAMES)
    shuffled = scans.table(slice(0, 50), order=("d", "y", "a", "c", "b", "s"))
    np.testing.assert_allclose(fit.predict(shuffled), X[:50] @ fit.w + fit.b, rtol=1e-12)
    # Without columns=…, x is every other column.
    every = gdfast.fit(gdfast.scan(str(tmp_path / "*.parquet")), "y", sample_weight="s", optimizer="exact")
    assert every.feature_names == tuple(NAMES)
    assert gdfast.fit(gdfast.scan(str(tmp_path / "*.parquet")), "a", optimizer="exact").feature_names == (
        *NAMES[1:],
        "y",
        "s",
    )


def test_y_and_weights_may_lie_in_memory(tmp_path: Path) -> None:
    scan, _, y, s = scans.of_npy(tmp_path, np.float64)
    named = gdfast.fit(scan.with_columns(["0", "1", "2", "3"]), y, sample_weight=s, optimizer="exact")
    beside = gdfast.fit(scan.with_columns(["0", "1", "2", "3"]), Y, sample_weight=S, optimizer="exact")
    assert oracle.same_bits(named.w, beside.w)
    with pytest.raises(ValueError, match=r"y has shape \(999,\) and the scan 1,000 rows"):
        gdfast.fit(scan, Y[:-1], optimizer="exact")
    short = gdfast.scan(lambda: iter([(X[:10], Y[:10])]))
    with pytest.raises(ValueError, match=r"the scan has 10 rows, and 999 were expected by y"):
        gdfast.fit(short, Y[:-1], optimizer="exact")


def test_moments_take_scans(made: Made) -> None:
    scan, _, y, s = made
    moments = gdfast.Moments(4).update(scan, y, s)
    want = gdfast.Moments(4).update(X, Y, S)
    np.testing.assert_allclose(moments.cov, want.cov, rtol=1e-5)
    assert moments.n == 1000
    moments.update(scan, y, s)
    assert moments.n == 2000
    with pytest.raises(ValueError, match=r"X: 4 columns came, accepted are 5"):
        gdfast.Moments(5).update(scan, y, s)


def test_weights_count(tmp_path: Path) -> None:
    scan, _, y, s = scans.of_parquet(tmp_path, np.float64)
    with_weights = gdfast.fit(scan, y, sample_weight=s, optimizer="exact")
    without = gdfast.fit(scan, y, optimizer="exact")
    assert abs(with_weights.w - without.w).max() > 1e-6
    want = gdfast.fit(X, Y, sample_weight=S, optimizer="exact")
    np.testing.assert_allclose(with_weights.w, want.w, rtol=1e-9)


def test_one_column_gives_a_number() -> None:
    scan = gdfast.scan(lambda: iter([([1.0, 2.0], [2.0, 4.0]), ([3.0, 4.0], [6.0, 8.0])]))
    for plan in ("stream", "moments"):
        fit = gdfast.fit(scan, learning_rate=0.01, n_iters=10, plan=plan)
        want = gdfast.fit([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], learning_rate=0.01, n_iters=10, plan=plan)
        assert type(fit.w) is float
        assert fit.w == pytest.approx(want.w, rel=1e-12)
        np.testing.assert_allclose(fit.losses, want.losses, rtol=1e-10, atol=1e-13)


def test_validation_in_memory_and_as_a_scan() -> None:
    scan = gdfast.scan([(X[rows], Y[rows]) for rows in scans.slices(140, [0, 400, 800])])
    rest = gdfast.scan([(X[800:900], Y[800:900]), (X[900:], Y[900:])])
    for plan in ("stream", "moments"):
        options: dict[str, Any] = {"learning_rate": "auto", "standardize": True, "fit_intercept": True, "plan": plan}
        want = gdfast.fit(X[:800], Y[:800], validation=(X[800:], Y[800:]), **options)
        held_out: Any
        for held_out in ((X[800:], Y[800:]), (rest,)):
            fit = gdfast.fit(scan, validation=held_out, **options)
            # Where rounding decides whether a loss is lower than the one before, their numbers may differ.
            np.testing.assert_allclose(fit.validation_losses[:20], want.validation_losses[:20], rtol=1e-7)


def test_batches_stay_within_pieces_and_have_each_row_once() -> None:
    """With steps too small to matter, the mean over a pass is the loss of all rows."""
    scan = gdfast.scan([(X[rows], Y[rows]) for rows in scans.slices(140)])
    fit = gdfast.fit(scan, batch_size=32, learning_rate=1e-30, n_iters=3, rng=0)
    sizes = [min(32, rows.stop - i) for rows in scans.slices(140) for i in range(rows.start, rows.stop, 32)]
    want = gdfast.loss_and_gradient(X, Y, np.zeros(4), reduction="sum")[0]
    assert fit.report.passes == 4
    again = gdfast.fit(scan, batch_size=32, learning_rate=1e-30, n_iters=3, rng=0)
    assert oracle.same_bits(fit.losses, again.losses)
    order = np.random.default_rng(0)
    losses = []
    for rows in scans.slices(140):
        drawn = order.permutation(rows.stop - rows.start) + rows.start
        for start in range(0, len(drawn), 32):
            batch = drawn[start : start + 32]
            losses.append(gdfast.loss_and_gradient(X[batch], Y[batch], np.zeros(4))[0])
    assert fit.losses[0] == pytest.approx(float(np.mean(losses)), rel=1e-12)
    assert sum(size * loss for size, loss in zip(sizes, losses, strict=True)) == pytest.approx(want, rel=1e-9)


def test_references_take_scans(backend: Any) -> None:
    scan = gdfast.scan([(X[rows], Y[rows]) for rows in scans.slices(140)])
    for plan in ("stream", "moments"):
        fit = backend.fit(scan, optimizer="cg", fit_intercept=True, n_iters=30, plan=plan)
        want = gdfast.fit(X, Y, optimizer="cg", fit_intercept=True, n_iters=30)
        np.testing.assert_allclose(fit.w, want.w, rtol=1e-6)


def test_many_columns_are_streamed() -> None:
    wide = np.random.default_rng(0).standard_normal((60, 800))
    scan = gdfast.scan([(wide[:30], Y[:30]), (wide[30:], Y[30:60])])
    fit = gdfast.fit(scan, optimizer="cg", l2=0.1, n_iters=80)
    assert fit.report.plan == "stream"
    want = gdfast.fit(wide, Y[:60], optimizer="cg", l2=0.1, n_iters=80)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-6, atol=1e-9)
    ways: list[dict[str, Any]] = [{"standardize": True}, {}]
    for learning in ways:
        scanned = gdfast.fit(scan, learning_rate="auto", n_iters=20, **learning)
        in_memory = gdfast.fit(wide, Y[:60], learning_rate="auto", n_iters=20, plan="stream", **learning)
        assert scanned.learning_rate == pytest.approx(in_memory.learning_rate, rel=1e-6)
        np.testing.assert_allclose(scanned.losses, in_memory.losses, rtol=1e-6)


def test_the_report_counts_what_was_read(tmp_path: Path) -> None:
    scan, _, y, s = scans.of_parquet(tmp_path, np.float64)
    report = gdfast.fit(scan, y, sample_weight=s, optimizer="cg", plan="stream", n_iters=3).report
    assert report.passes == 4
    assert report.bytes_read == 4 * 1000 * 6 * 8
    sizes = sum(path.stat().st_size for path in tmp_path.glob("*.parquet"))
    assert 0.5 * sizes < report.disk_bytes / 4 < sizes
    assert report.peak_bytes == 2 * 84 * 6 * 8
    assert 0 < report.waited < report.seconds
    assert f"from disk   {report.disk_bytes:,} bytes" in str(report)
