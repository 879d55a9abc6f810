"""Streamed fits of x and y far from 0 lose nothing to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import reading

CLOSE = 1e-10  # of sd(y) / sd(x)

OFFSETS = [2024.0, 1e8, 1.7e9]


def problem(where: str, offset: float, d: int, seed: int, n: int = 2_000) -> tuple[Any, Any, Any]:
    """A few columns of deviation 1, their target, and weights; an offset in x, in y, or in both."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    y = x @ np.linspace(1, 2, d) + 0.5 * rng.standard_normal(n)
    s = rng.uniform(0.5, 2, n)
    return x + offset * (where != "y"), y + offset * (where != "x"), s


def wanted(x: Any, y: Any, s: Any) -> Any:
    """Coefficients by least squares of the centred data."""
    s = np.ones(len(x)) if s is None else s
    wide = np.longdouble
    z = (x - s @ x.astype(wide) / s.sum()).astype(np.float64)
    t = (y - s @ y.astype(wide) / s.sum()).astype(np.float64)
    root = np.sqrt(s)
    w, *_ = np.linalg.lstsq(root[:, np.newaxis] * z, root * t, rcond=None)
    return w


def off(w: Any, x: Any, y: Any, s: Any) -> float:
    return float(np.abs((w - wanted(x, y, s)) * np.std(x, axis=0) / np.std(y)).max())


ROOTS: dict[str, dict[str, Any]] = {
    "cg": {"optimizer": "cg"},
    "cg, standardized": {"optimizer": "cg", "standardize": True},
    "gd": {"learning_rate": "auto", "standardize": True, "n_iters": 300},
    "nesterov": {"optimizer": "nesterov", "learning_rate": "auto", "standardize": True, "n_iters": 400},
    "nesterov, l1": {
        "optimizer": "nesterov",
        "learning_rate": "auto",
        "standardize": True,
        "n_iters": 400,
        "l1": 1e-14,
    },
}


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("where", ["x", "y", "both"])
@pytest.mark.parametrize("d", [1, 3, 10])
@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_coefficients_are_those_of_centred_data(backend: Any, where: str, offset: float, d: int, plan: str) -> None:
    for seed in range(3):
        x, y, s = problem(where, offset, d, seed)
        for weights in (None, s):
            fit = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan=plan, sample_weight=weights)
            assert off(fit.w, x, y, weights) <= CLOSE
            assert np.abs(fit.predict(x) - y).max() < 3


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("where", ["x", "y", "both"])
@pytest.mark.parametrize("options", ROOTS.values(), ids=list(ROOTS))
def test_every_descent_in_centred_columns(backend: Any, where: str, offset: float, options: dict[str, Any]) -> None:
    x, y, s = problem(where, offset, 3, 0)
    fit = backend.fit(x, y, fit_intercept=True, plan="stream", sample_weight=s, **options)
    assert off(fit.w, x, y, s) <= CLOSE
    spread = np.average((x - x.mean(axis=0)) @ fit.w - y + y.mean(), weights=s)
    residuals = (x - x.mean(axis=0)) @ fit.w - (y - y.mean()) - spread
    np.testing.assert_allclose(fit.loss, np.average(residuals**2, weights=s), rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 64, 2_000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches(backend: Any, batch_size: int, shuffle: bool) -> None:
    """As good as the same steps on data that came without the offset."""
    x, y, s = problem("both", 1.7e9, 3, 0)
    less = x - 1.7e9, y - 1.7e9
    options = {"batch_size": batch_size, "shuffle": shuffle, "standardize": True, "learning_rate": 1e-3, "n_iters": 3}
    far, near = (
        backend.fit(*rows, fit_intercept=True, b0=b0, sample_weight=s, rng=0, **options)
        for rows, b0 in (((x, y), 1.7e9), (less, 0.0))
    )
    np.testing.assert_allclose(far.w, near.w, rtol=0, atol=1e-6)  # b0 is known to 2e-7


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_penalties_are_of_the_same_coefficients(backend: Any, l2: float) -> None:
    x, y, _ = problem("both", 1e8, 3, 0)
    want = backend.fit(x - 1e8, y - 1e8, optimizer="cg", fit_intercept=True, plan="stream", l2=l2)
    fit = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan="stream", l2=l2)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-9)


@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed", "integers", "float32 weights"])
def test_layouts(backend: Any, layout: str) -> None:
    x, y, s = problem("both", 1.7e9, 3, 0)
    if layout == "integers":
        x = np.round(x * 1e3).astype(np.int64)
    made = {
        "F": np.asfortranarray(x),
        "strided": np.repeat(x, 2, axis=1)[:, ::2],
        "reversed": np.ascontiguousarray(x[::-1])[::-1],
    }
    s = s.astype(np.float32) if layout == "float32 weights" else s
    fit = backend.fit(made.get(layout, x), y, optimizer="cg", fit_intercept=True, plan="stream", sample_weight=s)
    assert off(fit.w, x.astype(np.float64), y, s.astype(np.float64)) <= CLOSE


def test_tables(backend: Any) -> None:
    pd = pytest.importorskip("pandas")
    x, y, _ = problem("both", 1.7e9, 3, 0)
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
    fit = backend.fit(table, "y", optimizer="cg", fit_intercept=True, plan="stream")
    assert off(fit.w, x, y, None) <= CLOSE


def test_validation_and_callback_see_the_columns_as_they_are(backend: Any) -> None:
    x, y, _ = problem("both", 1.7e9, 3, 0)
    seen: list[Any] = []
    fit = backend.fit(
        x[:1500],
        y[:1500],
        optimizer="cg",
        fit_intercept=True,
        plan="stream",
        validation=(x[1500:], y[1500:]),
        callback=lambda step: seen.append((step.w, step.b)),
    )
    np.testing.assert_allclose(min(fit.validation_losses), np.mean((fit.predict(x[1500:]) - y[1500:]) ** 2), rtol=1e-5)
    w, b = seen[-1]
    assert np.abs(x @ w + b - y).max() < 3


def test_a_start_is_taken(backend: Any) -> None:
    x, y, _ = problem("both", 1.7e9, 3, 0)
    first = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan="stream")
    again = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan="stream", w0=first.w, b0=first.b)
    assert again.losses[0] <= 1.0001 * first.loss
    assert off(again.w, x, y, None) <= CLOSE
    nothing = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan="stream", n_iters=0)
    np.testing.assert_allclose(nothing.loss, np.mean(y**2), rtol=1e-9)


# --- in pieces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ROOTS.values(), ids=list(ROOTS))
def test_scans(backend: Any, options: dict[str, Any]) -> None:
    x, y, s = problem("both", 1.7e9, 3, 0)
    pieces = [(x[start : start + 300], y[start : start + 300], s[start : start + 300]) for start in range(0, 2000, 300)]
    fit = backend.fit(gdfast.scan(lambda: iter(pieces)), fit_intercept=True, plan="stream", **options)
    assert off(fit.w, x, y, s) <= CLOSE


def test_batches_of_a_scan_and_its_validation(backend: Any) -> None:
    x, y, _ = problem("both", 1.7e9, 3, 0)
    scan = gdfast.scan(lambda: iter([(x[:1000], y[:1000]), (x[1000:], y[1000:])]))
    options = {"standardize": True, "learning_rate": 0.1, "batch_size": 100, "rng": 0, "n_iters": 20, "b0": 1.7e9}
    for validation in ((x, y), (scan,)):
        fit = backend.fit(scan, fit_intercept=True, plan="stream", validation=validation, **options)
        assert min(fit.validation_losses) < 0.3
        np.testing.assert_allclose(fit.predict(x), y, atol=3)


# --- bits -------------------------------------------------------------------------------------------------------------

FAR_FIT = """
import sys, zlib
import numpy as np
import gdfast
from test_streamed_offsets import problem
gdfast.set_num_threads(int(sys.argv[1]))
x, y, s = problem("both", 1.7e9, 10, 0, n=60_000)
fits = [
    gdfast.fit(rows, y, optimizer="cg", fit_intercept=True, plan="stream", sample_weight=s)
    for rows in (x, np.asfortranarray(x), x[:, :1])
]
print([zlib.crc32(fit.w.tobytes() + fit.losses.tobytes() + np.float64(fit.b).tobytes()) for fit in fits])
"""


def test_bits_do_not_depend_on_threads_or_isa(run_python: Any) -> None:
    isas = gdfast.config()["isas_supported"]
    runs = {run_python(FAR_FIT, threads, env={"GDFAST_ISA": isa}) for isa in isas for threads in (1, 3)}
    assert len(runs) == 1


def test_only_rows_far_from_0_are_read_in_another_way(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def bits(offset: float) -> bytes:
        x, y, _ = problem("both", offset, 3, 0)
        fit = backend.fit(x, y, fit_intercept=True, optimizer="cg", plan="stream")
        return bytes(fit.w.tobytes() + fit.losses.tobytes() + np.float64(fit.b).tobytes())

    near, far = bits(2024.0), bits(1.7e9)
    monkeypatch.setattr(reading, "FAR", np.inf)  # all rows are read as they are
    assert bits(2024.0) == near
    assert bits(1.7e9) != far
