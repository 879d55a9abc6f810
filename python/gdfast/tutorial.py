"""The two training runs of the tutorial, printed as it prints them.

A line through x = [1, 2, 3, 4] and y = [2, 4, 6, 8], from w = 0: once with the gradient that the tutorial writes by
hand, once with the one that autograd finds. Both are run by whichever backend is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gdfast.backends import Backend, backend
from gdfast.step import Step

WHY_THEY_DIFFER = (
    "The hand-written gradient is the sum over the 4 samples (np.dot has summed before .mean() gets its one number), "
    "autograd's is their mean: at one learning rate the first run's steps are 4 times as long."
)

LEARNING_RATE = 0.01


def hand_written(backend_name: str) -> Iterator[str]:
    """Lines of the run with the hand-written gradient: the sum over the samples, 20 passes, every second shown.

    Parameters
    ----------
    backend_name : {"native", "numpy", "torch"}

    Yields
    ------
    str
        One line, without its end.

    Examples
    --------
    >>> from gdfast import tutorial
    >>> for line in list(tutorial.hand_written("numpy"))[:2]:
    ...     print(line)
    Prediction before training: f(5) = 0.000
    epoch 1: w = 1.200, loss = 30.00000000
    """
    return _transcript(backend(backend_name), gradient="sum", n_iters=20, every=2)


def autograd(backend_name: str) -> Iterator[str]:
    """Lines of the run with autograd's gradient: the mean over the samples, 100 passes, every tenth shown.

    Parameters
    ----------
    backend_name : {"native", "numpy", "torch"}

    Yields
    ------
    str
        One line, without its end.

    Examples
    --------
    >>> from gdfast import tutorial
    >>> for line in list(tutorial.autograd("numpy"))[:2]:
    ...     print(line)
    Prediction before training: f(5) = 0.000
    epoch 1: w = 0.300, loss = 30.00000000
    """
    return _transcript(backend(backend_name), gradient="mean", n_iters=100, every=10)


def _transcript(implementation: Backend, *, gradient: str, n_iters: int, every: int) -> Iterator[str]:
    x = np.array([1, 2, 3, 4], dtype=np.float32)
    y = np.array([2, 4, 6, 8], dtype=np.float32)
    # The tutorial prints the mean loss of both runs, also of the one that descends along the sum's gradient.
    samples_in_loss = len(x) if gradient == "sum" else 1

    steps: list[Step] = []
    fit = implementation.fit(
        x, y, w0=0.0, learning_rate=LEARNING_RATE, n_iters=n_iters, reduction=gradient, callback=steps.append
    )
    five = np.array([5], dtype=np.float32)
    yield f"Prediction before training: f(5) = {implementation.forward(five, 0.0)[0]:.3f}"
    for step in steps[::every]:
        yield f"epoch {step.iteration + 1}: w = {step.w:.3f}, loss = {step.loss / samples_in_loss:.8f}"
    yield f"Prediction after training: f(5) = {fit.predict(five)[0]:.3f}"
