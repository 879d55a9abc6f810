"""optimizer="exact": the optimum of every size of data, whatever number of passes is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast


@pytest.mark.parametrize("n_iters", [1, 2, 8, 100])
@pytest.mark.parametrize(("n", "d"), [(2, 1), (7, 1), (9, 3), (200, 5)])
def test_is_found_from_moments(backend: Any, dtype: np.dtype[Any], n: int, d: int, n_iters: int) -> None:
    """A tiny fit is planned by a shorter way, which led to streaming where few passes were asked for."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal(n).astype(dtype)
    fit = backend.fit(x, y, optimizer="exact", fit_intercept=True, n_iters=n_iters)
    z = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    want = np.linalg.lstsq(z, y - y.mean(dtype=np.float64), rcond=None)[0]
    np.testing.assert_allclose(fit.w, want, rtol=1e-5 if dtype == np.float32 else 1e-9)
    assert (fit.report.plan, fit.n_iters, fit.stop_reason) == ("moments", 1, "converged")
    assert fit.report.passes == 1


def test_sums_of_integers_are_solved_without_loss() -> None:
    """A polynomial of degree 5: the condition of its Gram matrix is 10¹³, and its coefficients have all digits."""
    x = np.column_stack([np.arange(21.0) ** power for power in range(1, 6)])
    y = 1 + x.sum(axis=1)
    for moments in (gdfast.Moments(5).update(x, y), gdfast.Moments(5).update(x[:9], y[:9]).update(x[9:], y[9:])):
        fit = moments.solve(fit_intercept=True)
        np.testing.assert_allclose([fit.b, *fit.w], 1, rtol=1e-9)
    assert gdfast.Moments(5).update(x, y).solve(fit_intercept=True).w == pytest.approx(np.ones(5), rel=1e-14)


def test_more_columns_than_rows_are_one_piece_of_advice() -> None:
    """Each of the dependencies has nearly all of the columns: to list them all says no more."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((10, 30)), rng.standard_normal(10)
    (advice,) = gdfast.fit(x, y, optimizer="exact", fit_intercept=True).report.advice
    assert "collinear to working precision, in 21 ways: x[:, 0], x[:, 1]" in str(advice)
    assert "and 24 more" in str(advice)
    assert gdfast.fit(x, y, optimizer="exact", fit_intercept=True, l2=1e-6).report.advice == ()


def test_few_groups_of_collinear_columns_are_told_apart() -> None:
    x = np.random.default_rng(0).standard_normal((50, 5))
    x = np.column_stack([x, x[:, 0], 2 * x[:, 3]])
    advice = gdfast.fit(x, x.sum(axis=1), optimizer="exact").report.advice
    assert len(advice) == 2


@pytest.mark.parametrize("copies", [0, 1, 5, 40])
@pytest.mark.parametrize("d", [31, 32, 33, 64, 97])
def test_more_columns_than_a_block_of_pivots(d: int, copies: int) -> None:
    """Of scales and correlations that mix the order of pivots; some columns once more, so that factors end within."""
    rng = np.random.default_rng(d + copies)
    x = rng.standard_normal((400, d)) @ (np.eye(d) + 0.1 * rng.standard_normal((d, d))) * 10.0 ** rng.integers(-2, 3, d)
    x = np.c_[x, x[:, rng.integers(0, d, copies)]]
    y = x @ (rng.standard_normal(d + copies) / x.std(axis=0)) + rng.standard_normal(400)
    fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=True, standardize=False)
    about = x - x.mean(axis=0)
    right = np.linalg.lstsq(about, y - y.mean(), rcond=1e-12)[0]
    np.testing.assert_allclose(about @ fit.w, about @ right, rtol=0, atol=1e-10 * y.std())
    assert np.linalg.norm(fit.w) <= (1 + 1e-10) * np.linalg.norm(right)
    assert fit.gap is not None
    assert fit.gap < 1e-18
    assert fit.converged
