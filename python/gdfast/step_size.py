"""The largest step that cannot overshoot: 1/L, where L is the largest eigenvalue of the objective's Hessian.

The objective is quadratic (but for l1, which asks for no smaller steps), so its Hessian H is the same everywhere, and
with all targets 0 the gradient at v is Hv. That product costs one pass over the data, and Lanczos' method needs about
ten of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast.descent import Samples
from gdfast.objective import Coordinates, FromMoments, LossAndGradient, Objective, Penalty, Streamed, sample_bytes

Vector = NDArray[np.float64]

PRODUCTS = 40
# Fewer products can miss a lone large eigenvalue among very many columns: a random start has little of its direction.
FEWEST_PRODUCTS = 4
TOLERANCE = 0.01
# Up to so many columns, all eigenvalues of a matrix that is there anyway take less than a few milliseconds.
SMALL = 256


class Curvature(NamedTuple):
    """The largest eigenvalue of the Hessian, at most a few percent too large, and what was read to find it."""

    largest: float
    bytes_read: int


def curvature(
    train: Samples,
    loss_and_gradient: LossAndGradient,
    *,
    dtype: np.dtype[np.floating],
    intercept: bool,
    reduction: str,
    l2: float,
    shift: Vector | None,
    scale: Vector | None,
) -> Curvature:
    """L of loss + l2·‖w‖² in the parameters in which training descends; NaN where the data isn't finite."""
    if train.gram is not None:
        dtype = np.dtype(np.float64)
    objective = Objective(Coordinates(dtype, intercept, shift, scale), Penalty(l2, 0.0, intercept))
    if train.gram is not None:
        without_y = train.gram.copy()
        without_y[-1] = without_y[:, -1] = 0
        moments = FromMoments(without_y, reduction)
        size = len(without_y) - 2 + intercept
        if size > SMALL:
            return Curvature(largest_eigenvalue(lambda v: objective(moments, v)[1], size), 0)
        hessian = np.array([objective(moments, v)[1] for v in np.eye(size)])
        return Curvature(float(np.linalg.eigvalsh(hessian)[-1]) if np.isfinite(hessian).all() else np.nan, 0)

    assert train.x is not None
    n, d = train.x.shape
    data = Streamed(loss_and_gradient, train._replace(y=np.broadcast_to(np.zeros(1, dtype), n)), reduction)
    largest = largest_eigenvalue(lambda v: objective(data, v.astype(dtype))[1], d + intercept)
    passes = data.bytes_read // sample_bytes(data.samples)
    return Curvature(largest, passes * sample_bytes(train._replace(y=None)))


def largest_eigenvalue(product: Callable[[Vector], Vector], size: int) -> float:
    """An upper estimate of the largest eigenvalue of a positive semidefinite matrix, given as `product`: v to Hv.

    Lanczos' method, every vector made orthogonal to all before it, from a start that is the same in each run. Its Ritz
    value is below the eigenvalue by at most its residual (and in general by far less), so their sum is what is handed
    out once the residual is small.
    """
    basis = np.zeros((min(PRODUCTS, size), size))
    start = np.random.default_rng(0).standard_normal(size)
    basis[0] = start / np.linalg.norm(start)
    diagonal: list[float] = []
    beside: list[float] = []
    ritz = residual = 0.0
    for k in range(len(basis)):
        image = np.asarray(product(basis[k]), dtype=np.float64)
        if not np.isfinite(image).all():
            return np.nan
        diagonal.append(float(basis[k] @ image))
        for _ in range(2):  # the second time for what rounding left
            image -= basis[: k + 1].T @ (basis[: k + 1] @ image)
        length = float(np.linalg.norm(image))

        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        gain, ritz = values[-1] - ritz, values[-1]
        residual = length * abs(vectors[-1, -1])
        converged = max(residual, gain) <= TOLERANCE * ritz and k + 1 >= FEWEST_PRODUCTS
        if k + 1 == len(basis) or converged or length <= np.finfo(np.float64).eps * ritz:
            break
        beside.append(length)
        basis[k + 1] = image / length
    return float(ritz + residual)
