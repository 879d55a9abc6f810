"""docs/conversions.md: every line of its table, against the library that it speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast

rng = np.random.default_rng(0)
N, D = 60, 4
X = rng.standard_normal((N, D))
Y = X @ [3.0, -2.0, 0.5, 0.0] + 1.0 + 0.3 * rng.standard_normal(N)
S = rng.uniform(0.5, 2.0, N)
L2, L1 = 0.3, 0.8


def optimum(**options: Any) -> gdfast.Fit:
    """gdfast's minimum, to many digits."""
    optimizer = "nesterov" if options.get("l1") else "gd"
    return gdfast.fit(X, Y, fit_intercept=True, learning_rate="auto", n_iters=5_000, optimizer=optimizer, **options)


def same(model: Any, fit: gdfast.Fit) -> None:
    np.testing.assert_allclose(model.coef_, fit.w, atol=1e-7)
    assert float(model.intercept_) == pytest.approx(fit.b, abs=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_ridge(reduction: str, weighted: bool) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    s = S if weighted else None
    total = S.sum() if weighted else N
    alpha = total * L2 if reduction == "mean" else L2
    model = linear_model.Ridge(alpha=alpha).fit(X, Y, sample_weight=s)
    same(model, optimum(l2=L2, reduction=reduction, sample_weight=s))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_lasso(reduction: str, weighted: bool) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    s = S if weighted else None
    total = S.sum() if weighted else N
    l1 = L1 if reduction == "mean" else L1 * total
    alpha = l1 / 2 if reduction == "mean" else l1 / (2 * total)
    model = linear_model.Lasso(alpha=alpha, tol=1e-14, max_iter=100_000).fit(X, Y, sample_weight=s)
    fit = optimum(l1=l1, reduction=reduction, sample_weight=s)
    same(model, fit)
    assert (fit.w == 0).any()


def test_elastic_net_there_and_back() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    alpha, l1_ratio = L2 + L1 / 2, L1 / (L1 + 2 * L2)
    assert 2 * alpha * l1_ratio == pytest.approx(L1)
    assert alpha * (1 - l1_ratio) == pytest.approx(L2)
    model = linear_model.ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000).fit(X, Y)
    same(model, optimum(l1=L1, l2=L2))


def test_sgd_regressor_step_by_step() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rate = 0.01
    model = linear_model.SGDRegressor(
        alpha=L2, eta0=2 * rate, learning_rate="constant", shuffle=False, max_iter=3, tol=None
    ).fit(X, Y)
    fit = gdfast.fit(X, Y, fit_intercept=True, learning_rate=rate, l2=L2, batch_size=1, shuffle=False, n_iters=3)
    np.testing.assert_allclose(model.coef_, fit.w, rtol=1e-10)
    assert float(model.intercept_[0]) == pytest.approx(fit.b, rel=1e-10)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nesterov", "adam"])
def test_torch_step_by_step(optimizer: str) -> None:
    torch = pytest.importorskip("torch")
    rate, n_iters = 0.02, 25
    w = torch.zeros(D, dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    # b is a group of its own: gdfast never penalises it.
    groups = [{"params": [w], "weight_decay": 2 * L2}, {"params": [b], "weight_decay": 0.0}]
    if optimizer == "adam":
        method = torch.optim.Adam(groups, lr=rate)
    else:
        momentum = {"gd": 0.0}.get(optimizer, 0.9)
        method = torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=optimizer == "nesterov")
    for _ in range(n_iters):
        method.zero_grad()
        torch.nn.functional.mse_loss(torch.from_numpy(X) @ w + b, torch.from_numpy(Y)).backward()
        method.step()
    fit = gdfast.fit(
        X, Y, fit_intercept=True, learning_rate=rate, l2=L2, optimizer=optimizer, n_iters=n_iters, plan="stream"
    )
    np.testing.assert_allclose(w.detach().numpy(), fit.w, rtol=1e-9)
    assert b.item() == pytest.approx(fit.b, rel=1e-9)


@pytest.mark.parametrize("l2", [0.0, L2])
def test_vowpal_wabbit_step_by_step(l2: float) -> None:
    pyvw = pytest.importorskip("vowpalwabbit.pyvw")
    rate = 0.01
    line = f"--sgd --power_t 0 --noconstant -l {rate} --l2 {2 * l2} --min_prediction -99 --max_prediction 99 --quiet"
    model = pyvw.Workspace(line)
    for _ in range(3):
        for row, y in zip(X, Y, strict=True):
            model.learn(f"{float(y)} | " + " ".join(f"{j}:{float(value)}" for j, value in enumerate(row)))
    predictions = [model.predict("| " + f"{j}:1") for j in range(D)]
    model.finish()
    fit = gdfast.fit(X, Y, learning_rate=rate, l2=l2, batch_size=1, shuffle=False, n_iters=3)
    np.testing.assert_allclose(predictions, fit.w, atol=1e-5)  # its weights are float32
