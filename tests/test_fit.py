"""Training: the same trajectory from every backend, callbacks, starts, and what is left when training is stopped."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import gdfast
import oracle

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

PASSES = 100

pytest_reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])


class Trajectory(NamedTuple):
    w: Any  # (passes + 1, d)
    b: Any  # (passes + 1,)
    losses: Any  # (passes + 1,), the last one after the last update


def descend(problem: oracle.Problem, rate: float, passes: int, intercept: bool, reduction: str = "mean") -> Trajectory:
    """Gradient descent from zero in the oracle's precision."""
    wide: Any = np.float64 if problem.x.dtype == np.float32 else np.longdouble
    x: Any = problem.x.astype(wide).reshape(len(problem.y), -1)
    y: Any = problem.y.astype(wide)
    scale = wide(1 if reduction == "sum" else 1 / wide(len(y)))
    w: Any = np.zeros(x.shape[1], wide)
    b: Any = wide(0)
    ws, bs, losses = [], [], []
    for _ in range(passes + 1):
        r = x @ w + b - y
        ws.append(w)
        bs.append(b)
        losses.append(scale * (r @ r))
        w = w - wide(rate) * 2 * scale * (x.T @ r)
        b = b - wide(rate) * 2 * scale * r.sum() if intercept else b
    return Trajectory(np.array(ws), np.array(bs), np.array(losses))


def rate_for(problem: oracle.Problem, reduction: str) -> float:
    """A stable learning rate: half of 1/L."""
    x = problem.x.astype(np.float64).reshape(len(problem.y), -1)
    lipschitz = 2 * np.linalg.norm(np.column_stack([x, np.ones(len(x))]), 2) ** 2
    return float(0.5 / (lipschitz if reduction == "sum" else lipschitz / len(x)))


def tolerance(dtype: np.dtype[Any], passes: int) -> float:
    """How far w may be off, relative to its size.

    A pass rounds the gradient and the update, 2 eps at most for data of order 1; a stable descent doesn't amplify what
    earlier passes were off by, so that errors add up.
    """
    return float(2 * passes * np.finfo(dtype).eps)


# --- trajectories -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(("n", "d"), [(4, None), (50, None), (50, 1), (60, 3), (100, 17)])
@pytest_reductions
def test_trajectories(
    backend: Any, dtype: np.dtype[Any], n: int, d: int | None, intercept: bool, reduction: str
) -> None:
    problem = oracle.normal(n, d, dtype)
    rate = rate_for(problem, reduction)
    want = descend(problem, rate, PASSES, intercept, reduction)

    steps: list[gdfast.Step] = []
    fit = backend.fit(
        problem.x,
        problem.y,
        fit_intercept=intercept,
        learning_rate=rate,
        n_iters=PASSES,
        reduction=reduction,
        callback=steps.append,
    )
    assert [step.iteration for step in steps] == list(range(PASSES))
    slack = tolerance(dtype, PASSES)
    size = max(float(np.abs(want.w).max()), float(np.abs(want.b).max()))
    ws = np.array([np.atleast_1d(step.w) for step in steps])
    np.testing.assert_allclose(ws, want.w[1:].astype(float), rtol=0, atol=slack * size)
    if intercept:
        bs = np.array([step.b for step in steps], dtype=float)
        np.testing.assert_allclose(bs, want.b[1:].astype(float), rtol=0, atol=slack * size)
    # At w + e the loss is off by gradient * e, and gradient**2 <= 2 L * loss.
    np.testing.assert_allclose([step.loss for step in steps], want.losses[:-1].astype(float), rtol=8 * slack)
    np.testing.assert_allclose(fit.loss, float(want.losses[-1]), rtol=8 * slack)
    assert fit.losses.tolist() == [step.loss for step in steps]
    np.testing.assert_array_equal(fit.w, steps[-1].w)
    assert fit.b == steps[-1].b


def test_w_and_loss_are_those_of_single_steps(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y, _ = oracle.normal(20, 3, dtype)
    w = np.zeros(3, dtype)
    fit = backend.fit(x, y, learning_rate=0.1, n_iters=5, plan="stream")
    for k in range(5):
        loss, grad = backend.loss_and_gradient(x, y, w)
        assert loss == fit.losses[k]
        w = w - dtype.type(0.1) * grad
    np.testing.assert_array_equal(w, fit.w)
    assert fit.loss == backend.loss_and_gradient(x, y, w)[0]


def test_the_optimum_is_the_closed_form(backend: Any) -> None:
    x, y, _ = oracle.normal(40, 3, np.float64)
    fit = backend.fit(x, y, fit_intercept=True, learning_rate=0.2, n_iters=500)
    *w, b = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), y, rcond=None)[0]
    np.testing.assert_allclose(fit.w, w, rtol=1e-10)
    np.testing.assert_allclose(fit.b, b, rtol=1e-10)


@pytest.mark.parametrize("intercept", [False, True])
def test_every_layout_trains(backend: Any, dtype: np.dtype[Any], layout: Callable[[Any], Any], intercept: bool) -> None:
    problem = oracle.normal(30, 3, dtype)
    x = layout(problem.x)
    fit = backend.fit(x, problem.y, fit_intercept=intercept, learning_rate=0.01, n_iters=10)
    want = descend(oracle.Problem(np.array(x), problem.y, None), 0.01, 10, intercept)
    np.testing.assert_allclose(fit.w, want.w[-1].astype(float), rtol=0, atol=tolerance(dtype, 10))


# --- starts -----------------------------------------------------------------------------------------------------------


def test_training_can_go_on_where_it_ended(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y, _ = oracle.normal(20, 3, dtype)
    whole = backend.fit(x, y, fit_intercept=True, n_iters=10)
    half = backend.fit(x, y, fit_intercept=True, n_iters=5)
    rest = backend.fit(x, y, fit_intercept=True, n_iters=5, w0=half.w, b0=half.b)
    np.testing.assert_array_equal(rest.w, whole.w)
    assert rest.b == whole.b
    assert [*half.losses, *rest.losses] == whole.losses.tolist()
    assert half.loss == rest.losses[0]


def test_no_passes_evaluate_the_loss(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y, w = oracle.normal(20, 3, dtype)
    fit = backend.fit(x, y, w0=w, n_iters=0, plan="stream")
    np.testing.assert_array_equal(fit.w, w)
    assert (fit.b, fit.n_iters, fit.losses.shape, fit.stop_reason) == (None, 0, (0,), "n_iters")
    assert fit.loss == backend.loss_and_gradient(x, y, w)[0]


@pytest.mark.parametrize("w0", [2, 2.0, np.float32(2), np.array(2.0)])
def test_one_column_starts_at_a_number(backend: Any, dtype: np.dtype[Any], w0: Any) -> None:
    fit = backend.fit(np.array([1, 2], dtype), np.array([2, 4], dtype), w0=w0, b0=0, fit_intercept=np.True_)
    assert (fit.w, fit.b, fit.loss) == (2.0, 0.0, 0.0)
    assert (type(fit.w), type(fit.b), type(fit.loss), type(fit.n_iters)) == (float, float, float, int)


def test_a_start_is_taken_in_the_dtype_of_x(backend: Any) -> None:
    x, y = np.array([1, 2], np.float32), np.array([2, 4], np.float32)
    fit = backend.fit(x, y, w0=0.1, b0=0.1, fit_intercept=True, n_iters=0)
    assert (fit.w, fit.b) == (float(np.float32(0.1)), float(np.float32(0.1)))


# --- callbacks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("true", [True, 1, "stop", np.True_])
@pytest.mark.parametrize("last", [0, 3, 9])
def test_a_true_callback_stops(backend: Any, true: Any, last: int) -> None:
    x, y, _ = oracle.normal(20, 3, np.float64)
    fit = backend.fit(x, y, n_iters=10, callback=lambda step: true if step.iteration == last else None)
    assert (fit.n_iters, len(fit.losses), fit.stop_reason) == (last + 1, last + 1, "callback")
    shorter = backend.fit(x, y, n_iters=last + 1)
    np.testing.assert_array_equal(fit.w, shorter.w)
    assert fit.loss == shorter.loss


def test_a_step_is_a_copy(backend: Any) -> None:
    x, y, _ = oracle.normal(20, 3, np.float64)
    kept: list[Any] = []

    def meddle(step: gdfast.Step) -> None:
        kept.append(step.w.copy())
        step.w[:] = np.nan
        with pytest.raises(dataclasses.FrozenInstanceError):
            step.loss = 0.0  # type: ignore[misc]

    fit = backend.fit(x, y, n_iters=5, callback=meddle)
    np.testing.assert_array_equal(fit.w, backend.fit(x, y, n_iters=5).w)
    np.testing.assert_array_equal(fit.w, kept[-1])


def test_a_callback_may_train_and_evaluate(backend: Any) -> None:
    x, y, _ = oracle.normal(20, 3, np.float64)
    losses = []

    def inner(step: gdfast.Step) -> None:
        losses.append(backend.loss(y, backend.forward(x, step.w)))
        backend.fit(x, y, n_iters=2)

    fit = backend.fit(x, y, n_iters=5, callback=inner)
    np.testing.assert_allclose(losses, [*fit.losses[1:], fit.loss], rtol=1e-12)


# --- the result -------------------------------------------------------------------------------------------------------


def test_a_fit_predicts(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y, _ = oracle.normal(20, 3, dtype)
    fit = backend.fit(x, y, fit_intercept=True)
    np.testing.assert_array_equal(fit.predict(x), backend.forward(x, fit.w, fit.b))
    assert fit.predict(x).dtype == dtype
    with pytest.raises(ValueError, match=r"3 coefficients don't go with 2 columns"):
        fit.predict(x[:, :2])


def test_a_fit_is_pickled(backend: Any) -> None:
    fit = backend.fit([1.0, 2.0], [2.0, 4.0], fit_intercept=True)
    copy = pickle.loads(pickle.dumps(fit))
    assert repr(copy) == repr(fit)
    assert copy.backend is backend
    assert copy.predict([3.0]) == fit.predict([3.0])


def test_a_fit_is_shown_on_one_line(backend: Any) -> None:
    fit = backend.fit(np.eye(40), np.ones(40), fit_intercept=True)
    assert repr(fit).startswith("Fit(w=[")
    for part in ("...", "b=", "loss=", "n_iters=100", "stop_reason='n_iters'", f"backend={backend.name!r}"):
        assert part in repr(fit)
    assert "\n" not in repr(fit)
    assert repr(backend.fit([1.0], [2.0], n_iters=0)).startswith("Fit(w=0, b=None, loss=4, gap=")


def test_numbers_of_numpy_are_options(backend: Any) -> None:
    fit = backend.fit([1.0], [2.0], learning_rate=np.float32(0.25), n_iters=np.int64(3))
    assert fit.n_iters == 3
    assert fit.losses.dtype == np.float64
    assert backend.fit([1.0], [2.0], learning_rate=0.25, n_iters=3).w == fit.w


def test_fit_runs_the_backend_that_is_named(backend: Any) -> None:
    x, y, _ = oracle.normal(20, 3, np.float64)
    fit = gdfast.fit(x, y, backend=backend.name)
    assert fit.backend.name == backend.name
    np.testing.assert_array_equal(fit.w, backend.fit(x, y).w)
