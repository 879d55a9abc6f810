"""The model in PyTorch, written to be read: it says what the loss is, and autograd finds the gradient.

Arguments and results are those of the other backends: NumPy arrays and Python floats.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdfast import several, validation
from gdfast.backends.base import Backend
from gdfast.backends.moments import moments
from gdfast.backends.reference import descend
from gdfast.conversion import Array
from gdfast.scan import Scan
from gdfast.storage import widened

# Autograd has to record here, whether or not the caller is inside `torch.no_grad()` or `torch.inference_mode()`.
_recording = partial(torch.inference_mode, mode=False)


def forward(x: Any, w: Any, b: Any = None) -> Array:
    """The model: a prediction (n,) for each row of x, (n,) or (n, d); with w (d, K) a column for each of K models."""
    x, w, b = validation.prediction(x, w, b)
    x = widened(x)
    if several.models_in(w):
        return several.columns(partial(forward, x), *((w,) if b is None else (w, b)))
    y_pred: Array = _model(_tensor(x), _tensor(np.asarray(w, x.dtype)), b).numpy()
    return y_pred


def loss(y: Any, y_pred: Any, *, reduction: str = "mean") -> Any:
    """The mean (or sum) of the squared residuals, added up in float64: a float, or (K,) for (n, K)."""
    validation.reduction(reduction)
    y, y_pred = validation.residual(y, y_pred)
    if several.models_in(y_pred):
        return several.columns(partial(loss, reduction=reduction), y, y_pred)
    return float(_objective(_tensor(y), _tensor(y_pred), None, reduction))


def gradient(x: Any, y: Any, y_pred: Any, *, reduction: str = "mean") -> Any:
    """The derivative of the loss with respect to w: a float for (n,) x, (d,) for (n, d) x, (d, K) for y of (n, K).

    Autograd goes from the loss to the predictions, and from the model to w. The model is linear in w, so its derivative
    is the same at every w: here at 0.
    """
    validation.reduction(reduction)
    x, y, y_pred = validation.gradient(x, y, y_pred)
    x = widened(x)
    if several.models_in(y_pred):
        return several.columns(partial(gradient, x, reduction=reduction), y, y_pred)
    with _recording():
        prediction = _parameter(y_pred, np.dtype(np.float64))
        _objective(_tensor(y), prediction, None, reduction).backward()  # type: ignore[no-untyped-call]
        w = _parameter(np.zeros(x.shape[1:]), x.dtype)
        _model(_tensor(x).double(), w.double(), None).backward(gradient=prediction.grad)  # type: ignore[no-untyped-call]
    return _result(w.grad)


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
        return x._loss_and_gradient(y, w, b, sample_weight, reduction, out, "torch")
    validation.reduction(reduction)
    x, y, w, b, s = validation.problem(x, y, w, b, sample_weight)
    x = widened(x)
    models = several.models_in(w)
    if out is not None:
        validation.out(out, x, models)
    if models:
        return several.each(loss_and_gradient, x, y, w, b, s, reduction, out)

    with _recording():
        w = _parameter(w, x.dtype)
        b = None if b is None else _parameter(x.dtype.type(b), np.dtype(np.float64))  # its gradient is a Python float
        # The prediction from float32 numbers may be too large for float32.
        y_pred = _model(_tensor(x).double(), w.double(), b)
        value = _objective(_tensor(y), y_pred, None if s is None else _tensor(s), reduction)
        value.backward()  # type: ignore[no-untyped-call]

    grad_w = _result(w.grad)
    if out is not None:
        out[:] = grad_w
        grad_w = out
    return value.item(), grad_w if b is None else (grad_w, _result(b.grad))


def _model(x: Tensor, w: Tensor, b: Tensor | float | None) -> Tensor:
    y_pred = x * w if x.ndim == 1 else x @ w
    return y_pred if b is None else y_pred + b


def _objective(y: Tensor, y_pred: Tensor, s: Tensor | None, reduction: str) -> Tensor:
    s = torch.ones_like(y) if s is None else s
    r = y_pred.double() - y.double()
    total = (s * r * r).sum()  # in this order a weight of 0 is stronger than any residual
    return total / s.double().sum() if reduction == "mean" else total


def _tensor(array: Array) -> Tensor:
    """The array's memory as a tensor, or a copy where torch takes no such memory: read-only, misaligned, backwards."""
    if not (array.flags.writeable and array.flags.aligned) or min(array.strides, default=0) < 0:
        array = array.copy()
    return torch.from_numpy(array)


def _parameter(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """A copy of the value with respect to which autograd differentiates."""
    return torch.from_numpy(np.array(value, dtype)).requires_grad_()


def _result(grad: Tensor | None) -> Any:
    """A gradient as users get it: a float, or an array (d,)."""
    assert grad is not None  # every parameter has been through `backward`
    return float(grad) if grad.ndim == 0 else grad.numpy()


BACKEND = Backend(
    "torch",
    forward,
    loss,
    gradient,
    loss_and_gradient,
    partial(descend, loss_and_gradient),
    moments,
    isa="torch",
)
