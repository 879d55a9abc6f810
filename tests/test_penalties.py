"""Penalties: proximal steps as literal loops take them, and optima as closed forms and scikit-learn give them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import oracle
from trajectories import PASSES, D, N, Trajectory, assert_close, batches, data, recorded

# --- l1 ---------------------------------------------------------------------------------------------------------------


def soft(w: Any, threshold: float) -> Any:
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)


def value_and_gradient(x: Any, y: Any, s: Any, w: Any, b: float, l2: float, l1: float) -> tuple[float, Any, float]:
    r = x @ w + b - y
    total = s.sum()
    value = (s @ r**2) / total + l2 * (w @ w) + l1 * np.abs(w).sum()
    return float(value), 2 * x.T @ (s * r) / total + 2 * l2 * w, float(2 * (s @ r) / total)


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("size", [None, 7])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_gd_with_l1_is_proximal_descent(
    backend: Any, l2: float, intercept: bool, size: int | None, weighted: bool
) -> None:
    x, y, s = data(weighted)
    weights = np.ones(N) if s is None else s
    rate, l1 = 0.02, 0.8
    w, b = np.zeros(D), 0.0
    ws, bs, losses = [], [], []
    for rows_of_pass in itertools.islice(batches(size, True, seed=5), PASSES):
        values = []
        for rows in rows_of_pass:
            value, grad_w, grad_b = value_and_gradient(x[rows], y[rows], weights[rows], w, b, l2, l1)
            w, b = soft(w - rate * grad_w, rate * l1), b - rate * grad_b * intercept
            values.append(value)
        ws.append(w)
        bs.append(b if intercept else None)
        losses.append(np.mean(values))
    want = Trajectory(ws, bs, [*losses, value_and_gradient(x, y, weights, w, b, l2, l1)[0]])
    options = {"l1": l1, "l2": l2, "fit_intercept": intercept, "batch_size": size, "rng": 5, "sample_weight": s}
    assert_close(recorded(backend, x, y, learning_rate=rate, **options), want)


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_nesterov_with_l1_is_fista(backend: Any, l2: float, intercept: bool, weighted: bool) -> None:
    x, y, s = data(weighted)
    weights = np.ones(N) if s is None else s
    rate, l1 = 0.02, 0.8
    p, z, t = np.zeros(D + 1), np.zeros(D + 1), 1.0
    ws, bs, losses = [], [], []
    for _ in range(PASSES):
        value, grad_w, grad_b = value_and_gradient(x, y, weights, z[:-1], z[-1], l2, l1)
        new = z - rate * np.array([*grad_w, grad_b * intercept])
        new[:-1] = soft(new[:-1], rate * l1)
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        z = new + (t - 1) / t_new * (new - p)
        p, t = new, t_new
        ws.append(p[:-1])
        bs.append(float(p[-1]) if intercept else None)
        losses.append(value)
    want = Trajectory(ws, bs, [*losses, value_and_gradient(x, y, weights, p[:-1], p[-1], l2, l1)[0]])
    options = {"l1": l1, "l2": l2, "fit_intercept": intercept, "sample_weight": s, "optimizer": "nesterov"}
    assert_close(recorded(backend, x, y, learning_rate=rate, **options), want)


# --- optima -----------------------------------------------------------------------------------------------------------

RUN_TO_THE_END: dict[str, Any] = {"learning_rate": "auto", "n_iters": 3_000, "fit_intercept": True}


@pytest.mark.parametrize("optimizer", ["gd", "nesterov"])
@pytest.mark.parametrize("ratio", [1.0, 0.6])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_the_optimum_with_l1_is_that_of_scikit_learn(
    backend: Any, optimizer: str, ratio: float, weighted: bool
) -> None:
    """scikit-learn's objective is half of ours: l1 = 2 alpha ratio, l2 = alpha (1 - ratio)."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y, s = data(weighted)
    alpha = 0.3
    model = linear_model.ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-14, max_iter=100_000)
    model.fit(x, y, sample_weight=s)
    l1, l2 = 2 * alpha * ratio, alpha * (1 - ratio)
    fit = backend.fit(x, y, optimizer=optimizer, l1=l1, l2=l2, sample_weight=s, **RUN_TO_THE_END)
    np.testing.assert_allclose(fit.w, model.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fit.b, model.intercept_, rtol=1e-6)


def test_l1_leaves_coefficients_at_exactly_0(backend: Any) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y, _ = oracle.normal(60, 8, np.float64)
    model = linear_model.Lasso(alpha=0.5, tol=1e-14, max_iter=100_000).fit(x, y)
    assert 0 < np.sum(model.coef_ == 0) < 8
    for optimizer in ("gd", "nesterov"):
        fit = backend.fit(x, y, l1=1.0, optimizer=optimizer, **RUN_TO_THE_END)
        np.testing.assert_array_equal(fit.w == 0, model.coef_ == 0)
        np.testing.assert_allclose(fit.w, model.coef_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nesterov"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_the_optimum_with_l2_is_the_closed_form(backend: Any, optimizer: str, reduction: str, plan: str) -> None:
    x, y, _ = data(False)
    l2 = 0.7
    fit = backend.fit(x, y, optimizer=optimizer, l2=l2, reduction=reduction, plan=plan, **RUN_TO_THE_END)
    z = np.column_stack([x, np.ones(N)])
    ridge = (l2 if reduction == "sum" else l2 * N) * np.diag([1.0] * D + [0.0])
    *w, b = np.linalg.solve(z.T @ z + ridge, z.T @ y)
    np.testing.assert_allclose(fit.w, w, rtol=1e-9)
    np.testing.assert_allclose(fit.b, b, rtol=1e-9)
