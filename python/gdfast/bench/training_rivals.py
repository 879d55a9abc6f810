"""What a user would train with instead of gdfast, as `gdfast.bench.training` times it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gdfast.bench.problems import FloatArray, Problem

BATCH = 256
RATE = 1e-3


def tutorial_loop(x: FloatArray, y: FloatArray, passes: int) -> float:
    """The tutorial's training loop, with its three functions and the sum that its gradient is; nothing is printed.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
    passes : int

    Returns
    -------
    float
        w, from 0.
    """
    w = 0.0
    for _ in range(passes):
        y_pred = _forward(x, w)
        _loss(y, y_pred)
        w -= 0.01 * _gradient(x, y, y_pred)
    return w


def _forward(x: FloatArray, w: float) -> FloatArray:
    return w * x


def _loss(y: FloatArray, y_pred: FloatArray) -> Any:
    return ((y_pred - y) ** 2).mean()


def _gradient(x: FloatArray, y: FloatArray, y_pred: FloatArray) -> Any:
    return np.dot(2 * x, y_pred - y).mean()


def normal_equations(problem: Problem) -> FloatArray:
    """The optimum, in float64."""
    x = problem.x.astype(np.float64)
    solution: FloatArray = np.linalg.solve(x.T @ x, x.T @ problem.y)
    return solution


def linear_regression(problem: Problem) -> Callable[[], Any]:
    """scikit-learn's closed form."""
    from sklearn.linear_model import LinearRegression

    return partial(LinearRegression(fit_intercept=False).fit, problem.x, problem.y)


def sgd_epoch(problem: Problem) -> Callable[[], Any]:
    """One epoch of scikit-learn's stochastic gradient descent, one sample at a time."""
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(
        max_iter=1, tol=None, learning_rate="constant", eta0=RATE, penalty=None, fit_intercept=False, random_state=0
    )

    def epoch() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one epoch is few
            return model.fit(problem.x, problem.y)

    return epoch


def torch_loop(problem: Problem) -> Callable[[], Any]:
    """One pass over the batches that `gdfast.fit(rng=0)` takes."""
    import torch

    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)

    def loop() -> Any:
        order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
        w = torch.zeros(x.shape[1], requires_grad=True)
        step = torch.optim.SGD([w], lr=RATE)
        for rows in torch.split(order, BATCH):
            step.zero_grad()
            loss = torch.nn.functional.mse_loss(x.index_select(0, rows) @ w, y.index_select(0, rows))
            loss.backward()  # type: ignore[no-untyped-call]
            step.step()
        return w.detach().numpy()

    return loop
