"""The model in NumPy, written to be read: the formulas of a beginner's tutorial, with any number of columns.

    r    = x @ w + b - y
    loss = sum(s * r**2) / sum(s)            sum(s) is n without sample weights, and 1 for reduction="sum"
    grad = 2 * x.T @ (s * r) / sum(s)

What overflows or is undefined gets NumPy's own warning, as `np.errstate` says.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gdfast import several, validation
from gdfast.backends.base import Backend
from gdfast.backends.moments import moments
from gdfast.backends.reference import descend
from gdfast.conversion import Array
from gdfast.scan import Scan
from gdfast.storage import widened


def forward(x: Any, w: Any, b: Any = None) -> Array:
    """The model: a prediction (n,) for each row of x, (n,) or (n, d); with w (d, K) a column for each of K models."""
    x, w, b = validation.prediction(x, w, b)
    x = widened(x)
    if several.models_in(w):
        return several.columns(partial(forward, x), *((w,) if b is None else (w, b)))
    return _model(x, w, b)


def loss(y: Any, y_pred: Any, *, reduction: str = "mean") -> Any:
    """The mean (or sum) of the squared residuals, added up in float64: a float, or (K,) for (n, K)."""
    validation.reduction(reduction)
    y, y_pred = validation.residual(y, y_pred)
    if several.models_in(y_pred):
        return several.columns(partial(loss, reduction=reduction), y, y_pred)
    squares = np.square(_difference(y_pred, y))
    return float(squares.mean() if reduction == "mean" else squares.sum())


def gradient(x: Any, y: Any, y_pred: Any, *, reduction: str = "mean") -> Any:
    """The derivative of the loss with respect to w: a float for (n,) x, (d,) for (n, d) x, (d, K) for y of (n, K)."""
    validation.reduction(reduction)
    x, y, y_pred = validation.gradient(x, y, y_pred)
    x = widened(x)
    if several.models_in(y_pred):
        return several.columns(partial(gradient, x, reduction=reduction), y, y_pred)
    grad = (2 * (x.T @ _difference(y_pred, y)) / (len(y) if reduction == "mean" else 1)).astype(x.dtype)
    return float(grad) if x.ndim == 1 else grad


def loss_and_gradient(
    x: Any,
    y: Any,
    w: Any,
    b: Any = None,
    *,
    sample_weight: Any = None,
    reduction: str = "mean",
    out: Array | None = None,
) -> tuple[Any, Any]:
    """The loss, and its derivatives: ``(loss, grad_w)``, or ``(loss, (grad_w, grad_b))`` where b is given."""
    if isinstance(x, Scan):
        return x._loss_and_gradient(y, w, b, sample_weight, reduction, out, "numpy")
    validation.reduction(reduction)
    x, y, w, b, s = validation.problem(x, y, w, b, sample_weight)
    x = widened(x)
    models = several.models_in(w)
    if out is not None:
        validation.out(out, x, models)
    if models:
        return several.each(loss_and_gradient, x, y, w, b, s, reduction, out)
    if s is None:
        s = np.ones_like(y)

    b = None if b is None else x.dtype.type(b)
    r = _difference(_model(x.astype(np.float64), np.asarray(w, x.dtype), b), y)
    divisor = float(np.sum(s, dtype=np.float64)) if reduction == "mean" else 1
    value = float(np.sum(s * r * r) / divisor)  # in this order a weight of 0 is stronger than any residual
    grad_w = (2 * (x.T @ (s * r)) / divisor).astype(x.dtype)
    grad_b = float(2 * np.sum(s * r) / divisor)

    if x.ndim == 1:
        grad_w = float(grad_w)
    elif out is not None:
        out[:] = grad_w
        grad_w = out
    return value, grad_w if b is None else (grad_w, grad_b)


def _difference(y_pred: Array, y: Array) -> Array:
    """The residuals in float64: those of float32 numbers may be too large for float32."""
    r: Array = np.subtract(y_pred, y, dtype=np.float64)
    return r


def _model(x: Array, w: Any, b: float | None) -> Array:
    y_pred: Array = x * w if x.ndim == 1 else x @ w
    return y_pred if b is None else y_pred + b


BACKEND = Backend(
    "numpy",
    forward,
    loss,
    gradient,
    loss_and_gradient,
    partial(descend, loss_and_gradient),
    moments,
    isa="numpy",
)
