"""`gdfast.loss_and_gradient` of a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gdfast import several, validation
from gdfast._scan import sums
from gdfast._scan.descent import NO_WEIGHT, Scanned
from gdfast._scan.sums import Passes
from gdfast.backends import backend as backend_by_name
from gdfast.conversion import Array, cast
from gdfast.objective import quiet

if TYPE_CHECKING:
    from gdfast.scan import Scan


def loss_and_gradient(
    scan: Scan,
    y: Any,
    w: Any,
    b: Any,
    sample_weight: Any,
    reduction: Any,
    out: Array | None,
    backend: str,
) -> tuple[Any, Any]:
    """In one pass: sums over the pieces, each taken by a backend."""
    validation.reduction(reduction)
    passes = Passes.over(scan, y, sample_weight)
    bound = passes.bound
    if several.models_in(w):
        return _of_several(passes, w, b, reduction, out, backend)
    given, b = validation.point(w, b, bound.d)
    at = cast(np.atleast_1d(given), bound.dtype)
    if out is not None:
        validation.out(out, np.broadcast_to(np.zeros(1, bound.dtype), (1, bound.d)))
    with quiet():
        loss, grad, grad_b = Scanned(passes, backend_by_name(backend), reduction, None).evaluate(at, b)
        grad_w = float(grad[0]) if given.ndim == 0 else grad.astype(bound.dtype)
    if out is not None:
        out[:] = grad_w
        grad_w = out
    return loss, grad_w if b is None else (grad_w, grad_b)


def _of_several(passes: Passes, w: Any, b: Any, reduction: str, out: Array | None, backend: str) -> tuple[Array, Any]:
    """Of w (d, K): each model as it would be alone, in the same pass."""
    stand_in = passes.shape()[0]
    at = validation.coefficients("w", w, stand_in, many=True)
    intercepts = None if b is None else several.intercepts(b, at.shape[1])
    if out is not None:
        validation.out(out, stand_in, at.shape[1])
    with quiet():
        total = sums.loss_and_gradient(passes, at, intercepts, backend_by_name(backend))
        if not total.weight:
            raise ValueError(NO_WEIGHT)
        divisor = total.weight if reduction == "mean" else 1.0
        losses, grad = np.asarray(total.loss / divisor), total.grad / divisor
        grad_w = np.ascontiguousarray(grad[:-1], passes.bound.dtype)
    if out is not None:
        out[:] = grad_w
        grad_w = out
    return losses, grad_w if b is None else (grad_w, grad[-1])
