"""Covariances of coefficients that assume nothing of the residuals' sizes: one more read, for the scores s·r·z.

The sums are made by the kernels, a cache-sized block of float64 at a time: with the same bits for any number of
threads, and x is read once for residuals and sums together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, optimum
from gdfast.conversion import Array
from gdfast.descent import Gram

Vector = NDArray[np.float64]

_BLOCK = 2**16  # numbers of a block in float64: 512 KiB, which stay in a core's own cache while they are used


class Scores(NamedTuple):
    """Sums over the rows, for the columns z = [x - mean, 1]; without an intercept z = x."""

    squares: float  # s·r²
    gradient: Vector  # (k,): s·r·z, which is 0 at the optimum
    meat: Vector | None  # (k, k)


class Model(NamedTuple):
    """Residuals are y - (x - shift) @ w - c; shift + missed is what columns are taken about."""

    shift: Vector
    missed: Vector
    w: Vector
    c: float
    intercept: bool


class Rows(NamedTuple):
    """The data of a fit."""

    x: Array  # (n, d)
    y: Array
    sample_weight: Array | None


def scores(rows: Rows, model: Model, robust: bool, clusters: NDArray[np.intp] | None, frequency: bool) -> Scores:
    """In one read. What `meat` is the sum of, where `robust`:

    s²·r²·z·zᵀ over the rows; with frequencies s·r²·z·zᵀ, as of so many rows; with clusters U·Uᵀ over them, where U is
    the sum of s·r·z over one.
    """
    size = len(model.w) + model.intercept
    squares, gradient = 0.0, np.zeros(size)
    meat = np.zeros((size, size)) if robust else None
    by_cluster = np.zeros((0 if clusters is None else int(clusters.max()) + 1, size))
    for start, z, r, s in _blocks(rows, model):
        squares += float(np.sum(s * r * r))
        u = s * r
        gradient += _weighted_sum(z, u, model.intercept)
        if clusters is not None:
            _add_by_cluster(by_cluster, clusters[start : start + len(u)], z, u, model.intercept)
        elif meat is not None:
            meat += _products(z, s * r * r if frequency else u * u, model.intercept)
    if clusters is not None:
        meat = _products(by_cluster, np.ones(len(by_cluster)), intercept=False)
    about = np.eye(size)
    if model.intercept:
        about[:-1, -1] = -model.missed
    return Scores(squares, about @ gradient, None if meat is None else about @ meat @ about.T)


def _blocks(rows: Rows, model: Model) -> Iterator[tuple[int, Vector, Vector, Vector]]:
    """First row, centred columns, residuals and weights of each."""
    x, y, weight = rows
    step = max(1, _BLOCK // x.shape[1])
    for start in range(0, len(x), step):
        chosen = slice(start, start + step)
        z = np.subtract(x[chosen], model.shift, dtype=np.float64)
        r = y[chosen].astype(np.float64) - _core.forward(z, model.w, model.c)
        yield start, z, r, np.ones(len(r)) if weight is None else weight[chosen].astype(np.float64)


def _weighted_sum(z: Vector, u: Vector, intercept: bool) -> Vector:
    """Σ u·z: half the gradient of a sum of squares, which the kernels take, at a residual of u."""
    of_z = _core.gradient(z, np.zeros(len(u)), u, reduction="sum") / 2
    return np.append(of_z, u.sum()) if intercept else np.asarray(of_z)


def _products(z: Vector, weight: Vector, intercept: bool) -> Vector:
    """Σ weight·z·zᵀ, with a column of ones beside z for an intercept."""
    if not weight.any():
        return np.zeros((z.shape[1] + intercept,) * 2)
    matrix, origin, _, _ = _core.moments(z, np.zeros(len(z)), weight)
    size = z.shape[1] + intercept
    return np.asarray(optimum.moved(Gram(matrix, origin))[:size, :size])


def _add_by_cluster(into: Vector, codes: NDArray[np.intp], z: Vector, u: Vector, intercept: bool) -> None:
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    terms = z[order] * u[order, np.newaxis]
    into[codes[first], : z.shape[1]] += np.add.reduceat(terms, first)
    if intercept:
        into[codes[first], -1] += np.add.reduceat(u[order], first)


def codes_of(ids: Any, n: int) -> NDArray[np.intp]:
    """Clusters as numbers from 0.

    Raises
    ------
    ValueError, TypeError
        When there isn't one for each row, one is missing, or all are the same.
    """
    given = np.asarray(ids)
    if given.shape != (n,):
        raise ValueError(f"vcov['cluster'] has shape {given.shape}, accepted is a number or name for each row: {(n,)}")
    try:
        _, codes, counts = np.unique(given, return_inverse=True, return_counts=True)
    except TypeError:  # names beside None or NaN have no order
        raise TypeError("vcov['cluster'] mixes types that have no order: write names or numbers alone") from None
    if given.dtype.kind in "fcmM" and np.isnan(given).any():
        missing = int(np.flatnonzero(np.isnan(given))[0])
        raise ValueError(f"vcov['cluster'][{missing}] is missing, accepted is a cluster for each row")
    if len(counts) < 2:
        raise ValueError("vcov['cluster'] has one cluster, and at least two are needed")
    return np.asarray(codes, dtype=np.intp)
