"""The check that comes before every timing: against a float64 reference, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast.bench.problems import DTYPES, FloatArray, Problem

# float64 values held at a time while the reference is computed.
_CHUNK_VALUES = 4_194_304


class DisagreementError(ArithmeticError):
    """A contender's loss or gradient is further from the float64 reference than rounding explains."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Loss and gradient in float64, with the scale of the rounding error that each may carry.

    The error of entry j of the gradient is bounded by ``c * eps * grad_scale[j]`` with
    ``grad_scale[j] = 2/n * sum_i |x_ij| * (sum_k |x_ik * w_k| + |y_i|)``: entries of a gradient cancel, so a bound
    relative to their value would either reject right answers or accept wrong ones.
    """

    loss: float
    grad: NDArray[np.float64]
    loss_scale: float
    grad_scale: NDArray[np.float64]


def reference(problem: Problem) -> Reference:
    """Compute loss and gradient in float64.

    Parameters
    ----------
    problem : Problem
        Its rows repeat, so predictions are computed for one tile only; every entry of y is visited.

    Returns
    -------
    Reference
    """
    n, d, rows = problem.shape.n, problem.shape.d, problem.tile_rows
    tile = problem.x[:rows].reshape(rows, d).astype(np.float64)
    w = np.asarray(problem.w, dtype=np.float64).reshape(d)
    predicted, size = tile @ w, np.abs(tile) @ np.abs(w)
    residuals, sizes = np.zeros(rows), np.zeros(rows)
    loss = loss_scale = 0.0
    for y in _tiles_of(problem.y, rows):
        m = y.shape[1]
        r, bound = predicted[:m] - y, size[:m] + np.abs(y)
        residuals[:m] += r.sum(axis=0)
        sizes[:m] += bound.sum(axis=0)
        loss += float(np.vdot(r, r))
        loss_scale += float(np.vdot(bound, bound))
    return Reference(loss / n, 2 / n * (residuals @ tile), loss_scale / n, 2 / n * (sizes @ np.abs(tile)))


def check(name: str, call: Callable[[], Any], problem: Problem, truth: Reference, *, plain_sums: bool = False) -> float:
    """Run a contender once and compare with the reference.

    Parameters
    ----------
    name : str
        Whose result it is, for the message.
    call : callable
        Returns (loss, gradient), as numbers, arrays or tensors.
    problem : Problem
    truth : Reference
    plain_sums : bool
        The contender adds all n terms in x's dtype, as BLAS and autograd do: its error grows with n.

    Returns
    -------
    float
        The largest error as a share of its bound, between 0 and 1.

    Raises
    ------
    DisagreementError
        If a bound is exceeded, or a result is not finite or not of the gradient's shape.
    """
    loss, grad = call()
    grad = np.asarray(grad, dtype=np.float64)
    if grad.shape != np.shape(problem.w):
        raise DisagreementError(f"{name} on {problem.shape}: gradient of shape {grad.shape}")
    allowed = _slack(problem, plain_sums) * float(np.finfo(DTYPES[problem.dtype]).eps)
    loss_error = abs(float(loss) - truth.loss) / truth.loss_scale
    grad_errors = np.abs(grad.reshape(-1) - truth.grad) / truth.grad_scale
    used = float(np.max([loss_error, *grad_errors])) / allowed
    # Written so that NaN, which np.max passes on, is refused too.
    if not used <= 1:
        raise DisagreementError(
            f"{name} disagrees with the float64 reference on {problem.shape} {problem.dtype} ({problem.order} order): "
            f"error {used:.3g} times the bound for rounding"
        )
    return used


def loss_error(call: Callable[[], Any], truth: Reference) -> float:
    """Run a contender once: how far its loss is off, relative to the loss."""
    return abs(float(call()[0]) - truth.loss) / truth.loss


def _slack(problem: Problem, plain_sums: bool) -> float:
    # The c of the bound: a few roundings of one product and sum, and twice the standard deviation of a sum of d terms
    # each rounded at random. A plain sum of n terms adds more than its standard deviation, because a term that is small
    # beside the sum is rounded the same way every time: BLAS's chain of n/16 of them ended 6% off at n = 84,000,000,
    # d = 2. Against float64 data the reference is itself a sum of n terms.
    slack = 8 + 2 * problem.shape.d**0.5
    if plain_sums:
        slack += 8 * problem.shape.n**0.5 + problem.shape.n / 64
    elif problem.dtype == "f64":
        slack += 2 * problem.shape.n**0.5
    return float(slack)


def _tiles_of(y: FloatArray, rows: int) -> list[FloatArray]:
    """Cut y into arrays (tiles, rows) of bounded size, the last one a part of a tile."""
    full = len(y) // rows * rows
    tiles = y[:full].reshape(-1, rows)
    step = max(1, _CHUNK_VALUES // rows)
    pieces = [tiles[start : start + step] for start in range(0, len(tiles), step)]
    if full < len(y):
        pieces.append(y[full:].reshape(1, -1))
    return pieces
