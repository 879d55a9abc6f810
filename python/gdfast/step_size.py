"""The largest step that cannot overshoot: 1/L, L no less than the largest eigenvalue of the objective's Hessian.

The objective is quadratic (but for l1, which asks for no smaller steps), so its Hessian H is the same everywhere. Of up
to a few hundred columns it is known from moments, and with it its eigenvalues. Of more columns, a product Hv costs a
pass over the data, since with all targets 0 it is the gradient at v; Lanczos' method takes some twenty of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gdfast import optimum
from gdfast.descent import Gram

Vector = NDArray[np.float64]

# Up to so many columns all eigenvalues take a few milliseconds, and moments no longer than Lanczos' products would.
SMALL = 256

PRODUCTS = 40
ENOUGH = 1.25  # times the largest eigenvalue found: a closer bound would take more passes than it saves
RISK = 1e-6  # that a start drawn at random leaves the bound below the largest eigenvalue

EPS = float(np.finfo(np.float64).eps)


def hessian(
    gram: Gram, *, intercept: bool, reduction: str, l2: float, shift: Vector | None, scale: Vector | None
) -> Vector:
    """Of loss + l2·‖w‖² in the parameters in which training descends."""
    shift_or_none, scale_or_one = (0.0, 1.0) if scale is None or shift is None else (shift, scale)
    sums = optimum.moved(gram, shift_or_none, scale_or_one)[:-1, :-1]
    half = sums / gram.matrix[-2, -2] if reduction == "mean" else sums.copy()
    half[np.arange(len(half) - 1), np.arange(len(half) - 1)] += l2
    return np.asarray(2 * (half if intercept else half[:-1, :-1]))


def largest_of(matrix: Vector) -> float:
    """No less than the largest eigenvalue of a symmetric matrix, and hardly more; NaN where it isn't finite."""
    if not np.isfinite(matrix).all():
        return math.nan
    size = len(matrix)
    margin = 1 + 4 * size * EPS
    if size <= SMALL:
        return float(np.linalg.eigvalsh(matrix)[-1]) * margin
    bound = largest_eigenvalue(lambda v: matrix @ v, size, enough=1.01)
    # A matrix that has Cholesky's factors has no eigenvalue below 0: so bound·I - H says whether it is one.
    try:
        np.linalg.cholesky(bound * np.eye(size) - matrix)
    except np.linalg.LinAlgError:
        return float(np.linalg.eigvalsh(matrix)[-1]) * margin
    return bound * margin


def largest_eigenvalue(product: Callable[[Vector], Vector], size: int, enough: float = ENOUGH) -> float:
    """An upper bound on the largest eigenvalue of a positive semidefinite matrix, given as `product`: v to Hv.

    Lanczos' method, every vector made orthogonal to all before it, from a start that is the same in each run. After k
    products the largest Ritz value t falls short of the eigenvalue by more than a share e with a probability of at most
    1.648 √size · exp(-√e (2k - 1)) over starts (Kuczyński and Woźniakowski 1992, theorem 4.2): so t / (1 - e) is a
    bound but for a risk of one in a million. Where the vectors are exhausted, t is the eigenvalue itself.
    """
    basis = np.zeros((min(PRODUCTS, size), size))
    start = np.random.default_rng(0).standard_normal(size)
    basis[0] = start / np.linalg.norm(start)
    diagonal: list[float] = []
    beside: list[float] = []
    for k in range(len(basis)):
        image = np.asarray(product(basis[k]), dtype=np.float64)
        if not np.isfinite(image).all():
            return math.nan
        diagonal.append(float(basis[k] @ image))
        for _ in range(2):  # the second time for what rounding left
            image -= basis[: k + 1].T @ (basis[: k + 1] @ image)
        length = float(np.linalg.norm(image))
        ritz = float(np.linalg.eigvalsh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))[-1])
        if length <= size * EPS * ritz or k + 1 == size:
            return ritz * (1 + size * EPS) + length
        short = (math.log(1.648 * math.sqrt(size) / RISK) / (2 * k + 1)) ** 2
        if 1 / (1 - short) <= enough if short < 1 else False:
            break
        if k + 1 < len(basis):
            beside.append(length)
            basis[k + 1] = image / length
    return ritz / (1 - short)
