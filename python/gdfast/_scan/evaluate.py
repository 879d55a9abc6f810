"""`gdfast.loss_and_gradient` of a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gdfast import validation
from gdfast._scan.descent import Scanned
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
) -> tuple[float, Any]:
    """In one pass: sums over the pieces, each taken by a backend."""
    validation.reduction(reduction)
    passes = Passes.over(scan, y, sample_weight)
    bound = passes.bound
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
