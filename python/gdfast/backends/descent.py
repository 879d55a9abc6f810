"""The training loop of the reference backends: the tutorial's, with an intercept and a callback."""

from __future__ import annotations

import math

import numpy as np

from gdfast.backends.base import AfterPass, Array, LossAndGradient, Outcome
from gdfast.result import StopReason


def descend(
    loss_and_gradient: LossAndGradient,
    x: Array,
    y: Array,
    w: Array,
    b: float | None,
    learning_rate: float,
    n_iters: int,
    reduction: str,
    callback: AfterPass | None,
) -> Outcome:
    """Gradient descent on all of the data at once; `Backend.descend` for a backend that has no loop of its own."""
    losses: list[float] = []
    loss = math.nan
    stop_reason: StopReason = "n_iters"
    error: BaseException | None = None
    try:
        for iteration in range(n_iters):
            loss, grad = loss_and_gradient(x, y, w, b, reduction=reduction)
            grad_w, grad_b = (grad, 0.0) if b is None else grad
            w = np.asarray(w - learning_rate * grad_w, dtype=x.dtype)
            b = None if b is None else float(x.dtype.type(b - learning_rate * grad_b))
            losses.append(loss)
            if callback is not None and callback(iteration, w.copy(), b, loss):
                stop_reason = "callback"
                break
        loss, _ = loss_and_gradient(x, y, w, b, reduction=reduction)
    except BaseException as raised:  # Ctrl-C, or whatever the callback raised: `Backend.fit` raises it again
        stop_reason, error = "interrupted", raised
    return w, b, np.array(losses, dtype=np.float64), loss, len(losses), stop_reason, error
