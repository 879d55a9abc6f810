"""Every optimiser takes the steps that its formulas say: torch.optim's, and literal loops where torch has none."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import gdfast
import oracle

PASSES = 200
N, D = 40, 3
RTOL = 1e-10


class Trajectory(NamedTuple):
    """What a callback sees, pass by pass, and the objective at the end."""

    w: Any
    b: Any
    losses: Any


def data(weighted: bool) -> tuple[Any, Any, Any]:
    """Columns of unequal scale, an offset to fit, and weights of which some are 0."""
    x, y, _ = oracle.normal(N, D, np.float64)
    s = np.random.default_rng(1).integers(0, 4, N) / 2 if weighted else None
    return x * [1.0, 0.5, 2.0], y + 3, s


def batches(size: int | None, shuffle: bool, seed: int) -> Iterator[list[Any]]:
    """The rows of each batch of each pass."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(N) if shuffle and size else np.arange(N)
        yield [order[start : start + (size or N)] for start in range(0, N, size or N)]


def recorded(backend: Any, x: Any, y: Any, **options: Any) -> Trajectory:
    steps: list[gdfast.Step] = []
    fit = backend.fit(x, y, callback=steps.append, n_iters=PASSES, plan="stream", **options)
    assert fit.losses.tolist() == [step.loss for step in steps]
    return Trajectory([s.w for s in steps], [s.b for s in steps], [*fit.losses, fit.loss])


def assert_close(got: Trajectory, want: Trajectory) -> None:
    scale = np.abs(np.array(want.w)).max()
    np.testing.assert_allclose(got.w, want.w, rtol=RTOL, atol=RTOL * scale)
    np.testing.assert_allclose(got.losses, want.losses, rtol=RTOL)
    if want.b[0] is None:
        assert set(got.b) == {None}
    else:
        np.testing.assert_allclose(got.b, want.b, rtol=RTOL, atol=RTOL * np.abs(want.b).max())


# --- torch.optim ------------------------------------------------------------------------------------------------------

RATES = {"gd": 0.02, "momentum": 0.01, "nesterov": 0.01, "adam": 0.05}


@functools.cache
def torch_trajectory(
    name: str, l2: float, intercept: bool, batch_size: int | None, shuffle: bool, weighted: bool
) -> Trajectory:
    """Training with torch.optim, where the penalty is its weight_decay, on w alone."""
    torch = pytest.importorskip("torch")
    x, y, s = data(weighted)
    rate = RATES[name]
    w = torch.zeros(D, dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    groups = [{"params": [w], "weight_decay": 2 * l2}, {"params": [b] if intercept else [], "weight_decay": 0.0}]
    if name == "adam":
        optimizer: Any = torch.optim.Adam(groups[: 1 + intercept], lr=rate, betas=(0.8, 0.99), eps=1e-6)
    else:
        momentum = 0.0 if name == "gd" else 0.8
        optimizer = torch.optim.SGD(groups[: 1 + intercept], lr=rate, momentum=momentum, nesterov=name == "nesterov")
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    weights = torch.ones(N, dtype=torch.float64) if s is None else torch.from_numpy(s)

    def loss_of(rows: Any) -> Any:
        r = x[rows] @ w + b - y[rows]
        return (weights[rows] * r**2).sum() / weights[rows].sum()

    def penalised(loss: Any) -> float:
        return float(loss.detach() + l2 * (w.detach() ** 2).sum())

    ws, bs, losses = [], [], []
    for rows_of_pass in itertools.islice(batches(batch_size, shuffle, seed=5), PASSES):
        values = []
        for rows in rows_of_pass:
            optimizer.zero_grad()
            loss = loss_of(rows)
            values.append(penalised(loss))
            loss.backward()
            optimizer.step()
        losses.append(np.mean(values))
        ws.append(w.detach().numpy().copy())
        bs.append(float(b.detach()) if intercept else None)
    return Trajectory(ws, bs, [*losses, penalised(loss_of(np.arange(N)))])


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("batch", [(None, True), (7, True), (10, False)], ids=str)
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("name", RATES)
def test_trajectories_are_those_of_torch(
    backend: Any, name: str, l2: float, intercept: bool, batch: tuple[int | None, bool], weighted: bool
) -> None:
    x, y, s = data(weighted)
    size, shuffle = batch
    want = torch_trajectory(name, l2, intercept, size, shuffle, weighted)
    got = recorded(
        backend,
        x,
        y,
        optimizer=name,
        learning_rate=RATES[name],
        momentum=0.8,
        betas=(0.8, 0.99),
        eps=1e-6,
        l2=l2,
        fit_intercept=intercept,
        batch_size=size,
        shuffle=shuffle,
        rng=5,
        sample_weight=s,
    )
    assert_close(got, want)


@pytest.mark.parametrize("name", RATES)
def test_defaults_are_those_of_torch(backend: Any, name: str) -> None:
    torch = pytest.importorskip("torch")
    x, y, _ = data(False)
    w = torch.zeros(D, dtype=torch.float64, requires_grad=True)
    classes: dict[str, Any] = {
        "gd": lambda: torch.optim.SGD([w], lr=0.01),
        "momentum": lambda: torch.optim.SGD([w], lr=0.01, momentum=0.9),
        "nesterov": lambda: torch.optim.SGD([w], lr=0.01, momentum=0.9, nesterov=True),
        "adam": lambda: torch.optim.Adam([w], lr=0.01),
    }
    optimizer = classes[name]()
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(torch.from_numpy(x) @ w, torch.from_numpy(y)).backward()
        optimizer.step()
    fit = backend.fit(x, y, optimizer=name, n_iters=20, plan="stream")
    np.testing.assert_allclose(fit.w, w.detach().numpy(), rtol=RTOL)


@pytest.mark.parametrize("name", RATES)
def test_the_state_has_the_dtype_of_x(backend: Any, name: str) -> None:
    """In float32, twenty steps stay within a few roundings of torch's own in float32."""
    torch = pytest.importorskip("torch")
    x, y, _ = (None if a is None else a.astype(np.float32) for a in data(False))
    w = torch.zeros(D, requires_grad=True)
    momentum = {} if name == "adam" else {"momentum": 0.0 if name == "gd" else 0.9, "nesterov": name == "nesterov"}
    optimizer = (torch.optim.Adam if name == "adam" else torch.optim.SGD)([w], lr=0.01, **momentum)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(torch.from_numpy(x) @ w, torch.from_numpy(y)).backward()
        optimizer.step()
    fit = backend.fit(x, y, optimizer=name, n_iters=20)
    assert fit.w.dtype == np.float32
    np.testing.assert_allclose(fit.w, w.detach().numpy(), rtol=1e-4)


def test_batches_depend_on_the_seed_only(backend: Any) -> None:
    x, y, _ = data(False)
    first = backend.fit(x, y, batch_size=7, rng=3)
    np.testing.assert_array_equal(first.w, backend.fit(x, y, batch_size=7, rng=np.random.default_rng(3)).w)
    assert not np.array_equal(first.w, backend.fit(x, y, batch_size=7, rng=4).w)
    assert not np.array_equal(first.w, backend.fit(x, y, batch_size=7, rng=3, shuffle=False).w)


def test_a_batch_that_counts_nothing_changes_nothing(backend: Any) -> None:
    x, y, _ = data(False)
    s = np.zeros(N)
    s[10:20] = 1
    fit = backend.fit(x, y, sample_weight=s, batch_size=10, shuffle=False, n_iters=5, fit_intercept=True)
    want = backend.fit(x[10:20], y[10:20], n_iters=5, fit_intercept=True, plan="stream")
    np.testing.assert_allclose(fit.w, want.w, rtol=RTOL)
    np.testing.assert_allclose(fit.losses, want.losses / 4, rtol=RTOL)


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


# --- moments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize("penalty", [{}, {"l2": 0.3}, {"l1": 0.8, "l2": 0.1}], ids=str)
@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_moments_take_the_same_steps(
    backend: Any, name: str, penalty: dict[str, float], intercept: bool, weighted: bool, reduction: str
) -> None:
    if "l1" in penalty and name in ("momentum", "adam"):
        pytest.skip("refused")
    x, y, s = data(weighted)
    rate = RATES[name] if reduction == "mean" or name == "adam" else RATES[name] / N
    options = {
        "optimizer": name,
        "learning_rate": rate,
        "fit_intercept": intercept,
        "sample_weight": s,
        "reduction": reduction,
        "n_iters": PASSES,
        **penalty,
    }
    stream = backend.fit(x, y, plan="stream", **options)
    moments = backend.fit(x, y, plan="moments", **options)
    assert (stream.report.plan, moments.report.plan) == ("stream", "moments")
    np.testing.assert_allclose(moments.w, stream.w, rtol=1e-9)
    np.testing.assert_allclose(moments.losses, stream.losses, rtol=1e-9)
    np.testing.assert_allclose(moments.loss, stream.loss, rtol=1e-9)
    if intercept:
        np.testing.assert_allclose(moments.b, stream.b, rtol=1e-9)
