"""standardize=True is a fit of columns that were standardised by hand, told in the units of those that were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from gdfast import scaling
from gdfast.descent import Samples
from trajectories import allowed

N, D = 50, 4
OPTIMIZERS = ("gd", "momentum", "nesterov", "adam")


def data(dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """Columns of very unequal scales and means, and a constant one."""
    x, y, _ = oracle.normal(N, D, np.float64)
    x = x * [1.0, 1e-3, 200.0, 0.0] + [0.0, 0.5, -300.0, 7.0]
    s = np.random.default_rng(1).uniform(0.5, 2, N)
    return x.astype(dtype), (3 * y + 100).astype(dtype), s


def by_hand(x: Any, s: Any, intercept: bool) -> tuple[Any, Any, Any]:
    """The standardised columns, their means and scales."""
    mean = np.average(x, axis=0, weights=s) if intercept else np.zeros(D)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=s))
    constant = scale <= 1e-12
    scale[constant] = 1
    return np.where(constant, 0, (x - mean) / scale), mean, scale


@pytest.mark.parametrize("plan", ["stream", "moments"])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize(("optimizer", "penalty"), allowed(OPTIMIZERS, [{}, {"l2": 0.2}, {"l1": 5.0}]))
def test_it_equals_a_fit_of_standardised_columns(
    backend: Any, optimizer: str, penalty: dict[str, float], intercept: bool, weighted: bool, plan: str
) -> None:
    x, y, s = data()
    weights = s if weighted else None
    z, mean, scale = by_hand(x, weights, intercept)
    options = {
        "optimizer": optimizer,
        "fit_intercept": intercept,
        "sample_weight": weights,
        "n_iters": 100,
        "learning_rate": 0.05,
        **penalty,
    }
    w0 = np.array([1.0, -2.0, 0.5, 0.25])
    start = {"w0": w0, "b0": 3.0} if intercept else {"w0": w0}
    v0 = w0 * scale * z.any(axis=0)  # what is the same everywhere has no coefficient: its part is the intercept's
    start_by_hand = {"w0": v0, "b0": 3.0 + mean @ w0} if intercept else {"w0": v0}

    steps: list[gdfast.Step] = []
    fit = backend.fit(x, y, standardize=True, plan=plan, callback=steps.append, **options, **start)
    want = backend.fit(z, y, plan="stream", **options, **start_by_hand)

    np.testing.assert_allclose(fit.w * scale, want.w, rtol=1e-8, atol=1e-8)
    assert not intercept or fit.w[3] == 0
    np.testing.assert_allclose(fit.losses, want.losses, rtol=1e-8)
    np.testing.assert_allclose(fit.loss, want.loss, rtol=1e-8)
    np.testing.assert_array_equal(steps[-1].w, fit.w)
    if intercept:
        np.testing.assert_allclose(fit.b, want.b - mean @ fit.w, rtol=1e-8)
        assert steps[-1].b == fit.b


@pytest.mark.parametrize("options", [{"batch_size": 8, "rng": 0}, {"batch_size": 8, "shuffle": False}], ids=str)
def test_batches_are_of_the_standardised_columns(backend: Any, options: dict[str, Any]) -> None:
    x, y, s = data()
    z, mean, scale = by_hand(x, s, intercept=True)
    common: dict[str, Any] = {"fit_intercept": True, "sample_weight": s, "n_iters": 20, **options}
    fit, want = backend.fit(x, y, standardize=True, **common), backend.fit(z, y, **common)
    np.testing.assert_allclose(fit.w * scale, want.w, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fit.losses, want.losses, rtol=1e-8)
    np.testing.assert_allclose(fit.b, want.b - mean @ fit.w, rtol=1e-8)


def test_validation_is_of_x_as_it_is(backend: Any) -> None:
    x, y, _ = data()
    fit = backend.fit(x, y, standardize=True, fit_intercept=True, validation=(x, y), n_iters=30, plan="stream")
    np.testing.assert_allclose(fit.validation_losses, [*fit.losses[1:], fit.loss], rtol=1e-9)


@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_it_finds_the_optimum_where_scales_differ(backend: Any, dtype: np.dtype[Any], plan: str) -> None:
    x, y, _ = data(dtype)
    fit = backend.fit(
        x, y, standardize=True, fit_intercept=True, learning_rate="auto", optimizer="nesterov", n_iters=500, plan=plan
    )
    z = np.column_stack([x[:, :3], np.ones(N)]).astype(np.float64)
    best = np.linalg.lstsq(z, y.astype(np.float64), rcond=None)[0]
    loss = np.mean((z @ best - y) ** 2)
    np.testing.assert_allclose(fit.loss, loss, rtol=1e-3 if dtype == np.float32 else 1e-9)


def test_no_passes_leave_the_start_as_it_was(backend: Any) -> None:
    x, y, _ = data()
    fit = backend.fit(x, y, w0=[0.1, 0.2, 0.3, 0.4], b0=0.7, fit_intercept=True, standardize=True, n_iters=0)
    assert (fit.w.tolist(), fit.b) == ([0.1, 0.2, 0.3, 0.4], 0.7)


def test_one_column(backend: Any) -> None:
    x = np.array([1000.0, 1001.0, 1002.0])
    fit = backend.fit(x, 2 * x - 5, standardize=True, fit_intercept=True, learning_rate="auto")
    np.testing.assert_allclose([fit.w, fit.b], [2, -5], rtol=1e-9)


def test_what_is_read_for_it_is_counted(backend: Any) -> None:
    x, y, _ = data()
    report = backend.fit(x, y, standardize=True, n_iters=5, plan="stream").report
    assert report.bytes_read == 6 * (x.nbytes + y.nbytes) + x.nbytes
    assert backend.fit(x, y, standardize=True, n_iters=5, plan="moments").report.passes == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_scale(backend: Any, bad: float) -> None:
    x = np.ones((3, 2))
    x[1, 1] = bad
    with pytest.raises(gdfast.DivergenceError, match=r"^x\[1, 1\] is (nan|inf)"):
        backend.fit(x, np.ones(3), standardize=True)


@pytest.mark.parametrize("far", [0.0, 1e3, 1e8])
def test_moments_lose_no_digits_to_an_offset(backend: Any, far: float) -> None:
    x, y, _ = oracle.normal(500, 2, np.float64)
    x, y = x + far, y - far
    z = x - x.mean(axis=0)
    want = np.linalg.lstsq(z, y - y.mean(), rcond=None)[0]
    options: dict[str, Any] = {"standardize": True, "fit_intercept": True, "learning_rate": "auto", "n_iters": 1_000}
    fit = backend.fit(x, y, plan="moments", **options)
    np.testing.assert_allclose(fit.w, want, rtol=1e-8)
    np.testing.assert_allclose(fit.loss, np.mean((y - y.mean() - z @ want) ** 2), rtol=1e-8)


def test_what_hardly_varies_is_not_constant_and_what_is_constant_has_no_coefficient(backend: Any) -> None:
    """50 Hz within a millionth, and a date that is the same everywhere."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((1_000, 2))
    x = np.column_stack([50 + 1e-6 * z[:, 0], z[:, 1], np.full(1_000, 20240101.0)])
    y = 3 * z[:, 0] + 2 * z[:, 1] + 1
    for plan_name in ("stream", "moments"):
        for optimizer in ("gd", "adam"):
            fit = backend.fit(
                x, y, standardize=True, fit_intercept=True, optimizer=optimizer, plan=plan_name, n_iters=3_000,
                learning_rate="auto" if optimizer == "gd" else 0.01,
            )  # fmt: skip
            assert fit.w[2] == 0
            np.testing.assert_allclose(fit.w[:2], [3e6, 2], rtol=1e-6)


# --- means and scales -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize(("n", "d"), [(1, 3), (40, 5), (20_000, 7), (9, 40_000)])
def test_scales_of_samples(dtype: np.dtype[Any], n: int, d: int, intercept: bool, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((n, d)) * 10.0 ** rng.integers(-3, 4, d) + 10.0 ** rng.integers(-3, 4, d)).astype(dtype)
    s = rng.integers(0, 3, n).astype(dtype) if weighted else None
    if s is not None:
        s[0] = 2
    found = scaling.scaling(Samples(x, None, s), intercept)
    wide = x.astype(np.longdouble)
    weights = np.ones(n) if s is None else s
    mean = np.average(wide, axis=0, weights=weights) if intercept else np.zeros(d)
    scale = np.sqrt(np.average((wide - mean) ** 2, axis=0, weights=weights))
    np.testing.assert_allclose(found.shift, mean.astype(float), rtol=1e-12, atol=1e-12 * np.abs(x).max(axis=0).max())
    np.testing.assert_allclose(found.scale, scale.astype(float), rtol=1e-8)


def test_every_layout_has_its_scales(layout: Callable[[Any], Any]) -> None:
    x = layout(oracle.normal(30, 3, np.float64).x)
    found = scaling.scaling(Samples(x, None, None), intercept=True)
    np.testing.assert_allclose(found.shift, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale, np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 0), rtol=1e-12)
