"""Paths where a descent can go astray: columns that depend on one another, or of very different scales."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import advice
import gdfast

Array = NDArray[Any]


def dependent(seed: int, n: int = 60) -> tuple[Array, Array]:
    """The fourth and fifth column are multiples of others, the sixth is a sum."""
    rng = np.random.default_rng(seed)
    own = rng.integers(-5, 6, (n, 3)) if seed % 2 else rng.standard_normal((n, 3))
    x = np.c_[own, 4 * own[:, 0], -3 * own[:, 1], own[:, 0] + own[:, 1]].astype(np.float64)
    return x, own[:, 0] + 0.5 * own[:, 1] + 0.3 * rng.standard_normal(n)


def loss_held_out(x: Array, y: Array, l1: float, rows: Array) -> float:
    """Of the lasso of all other rows, by another solver."""
    fit = gdfast.fit(x[~rows], y[~rows], optimizer="exact", l1=l1, fit_intercept=True)
    return float(np.mean((fit.predict(x[rows]) - y[rows]) ** 2))


@pytest.mark.parametrize("plan", ["moments", "stream"])
@pytest.mark.parametrize("penalties", [[0.003, 0.005, 0.7, 0.004], [0.7, 0.1, 0.01, 0.005, 0.001, 0.0001]])
def test_dependent_columns(penalties: list[float], plan: Any) -> None:
    for seed in range(12):
        x, y = dependent(seed)
        path = gdfast.path(x, y, penalties=penalties, folds=3, standardize=False, plan=plan)
        want = [[loss_held_out(x, y, l1, np.arange(60) // 20 == fold) for fold in range(3)] for l1 in path.penalties]
        np.testing.assert_allclose(np.asarray(path.cv_loss), np.array(want), rtol=1e-5)
        assert path.gaps.max() <= (1e-12 if plan == "moments" else 1e-10)
        assert np.abs(path.coefs).max() < 2


def test_dependent_columns_standardised_weighted_and_by_the_default_grid() -> None:
    for seed in range(12):
        x, y = dependent(seed)
        s = np.random.default_rng(seed).random(len(y))
        path = gdfast.path(x, y, folds=5, sample_weight=s)
        assert path.cv_loss is not None
        assert path.cv_loss.max() < 10 * y.var()
        assert path.cv_loss.min() > 1e-3 * y.var()
        assert path.gaps.max() <= 1e-12
        for i in (10, 50, 99):
            alone = gdfast.fit(
                x, y, optimizer="exact", l1=path.penalties[i], fit_intercept=True, standardize=True, sample_weight=s
            )
            np.testing.assert_allclose(path.coefs[i] @ x.T, alone.w @ x.T, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-9, 1e5, 1e9])
@pytest.mark.parametrize("plan", ["moments", "stream"])
def test_columns_of_very_different_scales(plan: Any, scale: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 2)) * [1, scale]
    y = x @ [1, 0.5 / scale] + 0.3 * rng.standard_normal(200) + 5
    path = gdfast.path(x, y, penalties=[0.08], folds=5, standardize=False, plan=plan)
    assert path.cv_loss is not None
    assert path.gaps[0] < 1e-5
    for fold in range(5):
        assert path.cv_loss[0, fold] == pytest.approx(loss_held_out(x, y, 0.08, np.arange(200) // 40 == fold), rel=1e-6)


def both(scales: list[float], **options: Any) -> tuple[gdfast.Path, gdfast.Path]:
    """Streamed, and from moments."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, len(scales)))
    y = x.sum(axis=1) + 0.3 * rng.standard_normal(200) + 5
    ask: dict[str, Any] = {"folds": 5, "standardize": False, **options}
    return gdfast.path(x * scales, y, plan="stream", **ask), gdfast.path(x * scales, y, plan="moments", **ask)


@pytest.mark.parametrize(
    ("scale", "plan", "options", "written"),
    [(1e9, "stream", {"l1_ratio": 0}, "plan='moments'"), (1e14, "moments", {}, "standardize=True")],
)
def test_a_path_that_stops_short_says_so_and_what_to_write(
    scale: float, plan: Any, options: dict[str, Any], written: str
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 2))
    y = x.sum(axis=1) + 0.3 * rng.standard_normal(200) + 5
    x[:, 1] *= scale
    ask: dict[str, Any] = {"penalties": [0.01], "standardize": False, "plan": plan, **options}
    with pytest.warns(gdfast.ConvergenceWarning, match=f"not converged: at some penalties.*Write {written}") as told:
        path = gdfast.path(x, y, **ask)
    assert [str(one.message) for one in told] == list(path.report.advice)
    assert path.gaps[0] > 1e-4
    (option,) = advice.options(path.report.advice[0])
    again = gdfast.path(x, y, **(ask | option))
    assert again.gaps[0] < 1e-12
    assert not again.report.advice


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("standardize", [False, True])
def test_the_gap_at_a_penalty_of_0_is_that_of_the_exact_fit(l1_ratio: float, standardize: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 6)) + 5
    y = x @ np.arange(6.0) + rng.standard_normal(200)
    path = gdfast.path(x, y, penalties=[1.0, 0.0], l1_ratio=l1_ratio, standardize=standardize)
    exact = gdfast.fit(x, y, optimizer="exact", fit_intercept=True, standardize=standardize)
    assert exact.gap is not None
    assert 0 < path.gaps[1] < 1e-12
    assert path.gaps[1] < 100 * exact.gap  # both are roundings
    assert not path.report.advice


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_what_moments_hide_has_a_gap_at_a_penalty_of_0(l1_ratio: float) -> None:
    """As in test_certificate.py: columns that differ by 10⁻⁷ of their deviation, and y is that difference."""
    rng = np.random.default_rng(0)
    a, z = rng.standard_normal((2, 500))
    x, y = np.c_[a, a + 1e-7 * z], z + 0.1 * rng.standard_normal(500)
    with pytest.warns(gdfast.ConvergenceWarning, match="without a penalty.* a difference of two of them") as told:
        path = gdfast.path(x, y, penalties=[1.0, 0.0], l1_ratio=l1_ratio)
    advice.followed(str(told[0].message))
    w = path.coefs[1]
    residuals = x @ w + path.intercepts[1] - y
    with_ones = np.c_[x, np.ones(500)]
    least = np.mean((with_ones @ np.linalg.lstsq(with_ones, y, rcond=None)[0] - y) ** 2)
    assert np.mean(residuals**2) - least <= path.gaps[1] * y.var() * (1 + 1e-9)
    (named,) = gdfast.fit(x, y, optimizer="exact", fit_intercept=True).report.advice
    assert "x[:, 0], x[:, 1]" in named
    again = gdfast.path(np.c_[a, x[:, 1] - x[:, 0]], y, penalties=[1.0, 0.0], l1_ratio=l1_ratio)
    assert again.gaps[1] < 1e-12
    assert not again.report.advice


@pytest.mark.parametrize("intercept", [False, True])
def test_a_penalty_of_0_asks_for_no_scale(intercept: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        streamed, moments = both([1, 1e-4, 1e4], penalties=[1.0, 0.1, 0.0], fit_intercept=intercept)
    np.testing.assert_allclose(np.asarray(streamed.cv_loss), np.asarray(moments.cv_loss), rtol=1e-6)
    np.testing.assert_allclose(streamed.coefs, moments.coefs, rtol=1e-6, atol=1e-9)
