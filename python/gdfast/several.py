"""Several models of the same rows: w of shape (d, K), b (K,), y (n,) for all of them or (n, K) with a column for each.

What is checked of their arrays, and how the reference backends evaluate them: one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gdfast import remedies
from gdfast.containers import container
from gdfast.conversion import Array, cast, floating


def models_in(value: Any) -> int:
    """K of w (d, K), or of predictions (n, K); 0 for one model."""
    return int(value.shape[1]) if np.ndim(value) == 2 else 0


def coefficients(name: str, array: Array, x: Array) -> Array | None:
    """w (d, K); None where it has another shape."""
    if x.ndim != 2 or array.ndim != 2 or array.shape[0] != x.shape[1]:
        return None
    if array.shape[1] == 0:
        raise ValueError(f"{name} has shape {array.shape}: it has no models, and at least one is needed")
    return array


def turned(name: str, value: Any, array: Array, d: int) -> str | None:
    """What to write for w that has a row for each model; None where it is none of that kind."""
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] != d:
        return None
    return f"for {array.shape[0]} models write {container(value).array.format(name)}.T"


def targets(value: Any, x: Array, dtype: np.dtype[Any], models: int) -> Array:
    """y in this dtype: (n,), or (n, K)."""
    array = floating("y", value)
    n = x.shape[0]
    if array.shape in ((n,), (n, models)):
        return cast(array, dtype)
    if array.shape == (models, n):
        advice = f"write {container(value).array.format('y')}.T"
    elif array.ndim == 2 and array.shape[0] == n and array.shape[1] > 1:
        advice = f"{array.shape[1]} targets don't go with {models} models"
    else:
        advice = remedies.flat("y", value, array, n)
    raise ValueError(
        f"y has shape {array.shape} and x has shape {x.shape}: accepted is y of shape {(n,)}, or {(n, models)} with "
        f"a target for each of {models} models; {advice}"
    )


def intercepts(value: Any, models: int) -> Array:
    """b (K,)."""
    array = floating("b", value)
    if array.shape == (models,):
        return array
    if array.ndim == 0:
        advice = f"nothing is broadcast: write np.full({models}, b)"
    elif array.ndim == 2 and array.size == models:
        advice = remedies.flat("b", value, array, models)
    else:
        advice = f"{array.size} intercepts don't go with {models} models"
    raise ValueError(f"b has shape {array.shape}, accepted is b of shape {(models,)}, one for each model; {advice}")


def each(
    evaluate: Callable[..., tuple[float, Any]],
    x: Array,
    y: Array,
    w: Array,
    b: Array | None,
    s: Array | None,
    reduction: str,
    out: Array | None,
) -> tuple[Array, Any]:
    """`loss_and_gradient` of each model alone: losses (K,) and gradients (d, K), with b those in b (K,)."""
    losses = np.empty(w.shape[1])
    grad_w = np.empty_like(w, order="C") if out is None else out
    grad_b = np.empty(w.shape[1])
    for k in range(w.shape[1]):
        intercept = None if b is None else float(b[k])
        target = y if y.ndim == 1 else _one(y, k)
        losses[k], grad = evaluate(x, target, _one(w, k), intercept, sample_weight=s, reduction=reduction)
        if b is None:
            grad_w[:, k] = grad
        else:
            grad_w[:, k], grad_b[k] = grad
    return losses, grad_w if b is None else (grad_w, grad_b)


def columns(evaluate: Callable[..., Any], *arrays: Any) -> Array:
    """What a call gives for each model alone, side by side, of arrays (…, K)."""
    models = arrays[0].shape[-1]
    return np.stack([evaluate(*(_one(array, k) for array in arrays)) for k in range(models)], axis=-1)


def _one(array: Array, k: int) -> Any:
    """The number or vector of a model, as it would be handed in alone: what NumPy's sums are depends on the strides."""
    return np.ascontiguousarray(array[:, k]) if array.ndim == 2 else array[k]
