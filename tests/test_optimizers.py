"""Every optimiser takes the steps of torch.optim, from samples and from their moments."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest

from trajectories import PASSES, RTOL, D, N, Trajectory, allowed, assert_close, batches, data, recorded

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


# --- moments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize(
    ("name", "penalty"),
    allowed(["gd", "momentum", "nesterov", "adam"], [{}, {"l2": 0.3}, {"l1": 0.8, "l2": 0.1}]),
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_moments_take_the_same_steps(
    backend: Any, name: str, penalty: dict[str, float], intercept: bool, weighted: bool, reduction: str
) -> None:
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
