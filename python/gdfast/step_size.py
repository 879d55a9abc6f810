"""The largest step that cannot overshoot: 1/L, L no less than the largest eigenvalue of the objective's Hessian.

The objective is quadratic (but for l1, which asks for no smaller steps), so its Hessian H is the same everywhere. Of up
to a few hundred columns it is known from moments, and with it its eigenvalues. Of more columns, a product Hv costs a
pass over the data, since with all targets 0 it is the gradient at v; Lanczos' method takes some twenty of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gdfast import optimum
from gdfast.conversion import Array
from gdfast.descent import Gram, Options, Samples
from gdfast.objective import Coordinates, LossAndGradient, Objective, Penalty, Streamed, quiet, sample_bytes

Vector = NDArray[np.float64]

# Up to so many columns all eigenvalues take a few milliseconds, and moments no longer than Lanczos' products would.
SMALL = 256

PRODUCTS = 40
ENOUGH = 1.25  # times the largest eigenvalue found: a closer bound would take more passes than it saves
RISK = 1e-6  # that a start drawn at random leaves the bound below the largest eigenvalue

EPS = float(np.finfo(np.float64).eps)


# (x, y, sample_weight) to (Gram matrix of [x - o, 1, y - p], [o, p], bytes read, most extra bytes in use)
TakeMoments = Callable[[Array, Array, Array | None], tuple[Vector, Vector, int, int]]


class Machinery(Protocol):
    """What is asked of a backend."""

    @property
    def loss_and_gradient(self) -> LossAndGradient: ...
    @property
    def moments(self) -> TakeMoments: ...


class Curvature(NamedTuple):
    """No less than the largest eigenvalue of the Hessian, and what it took to find it."""

    largest: float  # NaN where the data isn't finite
    bytes_read: int
    peak_bytes: int


def curvature(
    backend: Machinery, train: Samples, options: Options, dtype: np.dtype[np.floating], intercept: bool
) -> Curvature:
    """Of the objective (but for l1) in the parameters in which training descends."""
    with quiet():
        if train.gram is not None:
            return Curvature(largest_of(hessian(train.gram, options, intercept)), 0, 0)
        assert train.x is not None
        if train.x.shape[1] > SMALL:
            return _streamed(backend, train, options, dtype, intercept)
        nothing = np.broadcast_to(np.zeros(1, dtype), len(train.x))  # the Hessian depends on no target
        matrix, origin, read, peak = backend.moments(train.x, nothing, train.sample_weight)
        largest = largest_of(hessian(Gram(matrix, origin), options, intercept))
        return Curvature(largest, read - nothing.nbytes, peak)


def _streamed(
    backend: Machinery, train: Samples, options: Options, dtype: np.dtype[np.floating], intercept: bool
) -> Curvature:
    """From products of the Hessian with vectors, a pass each."""
    assert train.x is not None
    coordinates = Coordinates(dtype, intercept, options.shift, options.scale)
    objective = Objective(coordinates, Penalty(options.l2, 0.0, intercept))
    data = Streamed(backend.loss_and_gradient, train, options.reduction)
    largest = largest_eigenvalue(lambda v: objective.product(data, v.astype(dtype)), train.x.shape[1] + intercept)
    passes = data.bytes_read // sample_bytes(train)
    return Curvature(largest, passes * sample_bytes(train._replace(y=None)), 0)


def hessian(gram: Gram, options: Options, intercept: bool) -> Vector:
    """Of loss + l2·‖w‖² in the parameters in which training descends."""
    shift, scale = (0.0, 1.0) if options.scale is None or options.shift is None else (options.shift, options.scale)
    sums = optimum.moved(gram, shift, scale)[:-1, :-1]
    half = sums / gram.matrix[-2, -2] if options.reduction == "mean" else sums.copy()
    half[np.arange(len(half) - 1), np.arange(len(half) - 1)] += options.l2
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
