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
from gdfast._inference.basis import Counted, counted
from gdfast.conversion import Array
from gdfast.descent import Gram
from gdfast.storage import widened

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


class Meat(NamedTuple):
    """What `Scores.meat` is the sum of."""

    robust: bool
    frequency: bool  # weights are numbers of equal rows


class Partial(NamedTuple):
    """Sums over some of the rows, about the model's shift."""

    squares: float
    gradient: Vector
    meat: Vector | None  # of rows that are independent of one another

    def __add__(self, other: Partial) -> Partial:  # type: ignore[override]
        meat = None if self.meat is None or other.meat is None else self.meat + other.meat
        return Partial(self.squares + other.squares, self.gradient + other.gradient, meat)


class Rows(NamedTuple):
    """The data of a fit."""

    x: Array  # (n, d)
    y: Array
    sample_weight: Array | None
    kept: NDArray[np.bool_] | None = None  # where some are left out: they weigh nothing, and are in no cluster

    def moments(self) -> tuple[Gram, Counted]:
        """Of all rows."""
        matrix, origin, _, _ = _core.moments(self.x, self.y, self.sample_weight)
        return Gram(matrix, origin), counted(len(self.x), self.sample_weight)

    def scores(self, model: Model, meat: Meat) -> Scores:
        """In one read."""
        return total(partial(self, model, meat), model)

    def scores_of_clusters(self, model: Model, ids: Any) -> tuple[Scores, int]:
        """In one read, and how many clusters there are."""
        codes = codes_of(ids, len(self.x), self.kept)
        by_cluster = np.zeros((int(codes.max()) + 1, len(model.w) + model.intercept))
        found = partial(self, model, Meat(False, False), codes, by_cluster)
        return total_of_clusters(found, model, by_cluster), len(by_cluster)


def partial(
    rows: Rows,
    model: Model,
    kind: Meat,
    clusters: NDArray[np.intp] | None = None,
    by_cluster: Vector | None = None,
) -> Partial:
    """Sums over these rows; what `meat` is the sum of, where it is one over rows:

    s²·r²·z·zᵀ; with frequencies s·r²·z·zᵀ, as of so many rows. Where rows have clusters, s·r·z is added to that of
    each row's cluster.
    """
    size = len(model.w) + model.intercept
    squares, gradient = 0.0, np.zeros(size)
    meat = np.zeros((size, size)) if kind.robust else None
    for start, z, r, s in _blocks(rows, model):
        squares += float(np.sum(s * r * r))
        u = s * r
        gradient += _weighted_sum(z, u, model.intercept)
        if clusters is not None and by_cluster is not None:
            _add_by_cluster(by_cluster, clusters[start : start + len(u)], z, u, model.intercept)
        elif meat is not None:
            meat += _products(z, s * r * r if kind.frequency else u * u, model.intercept)
    return Partial(squares, gradient, meat)


def total(sums: Partial, model: Model) -> Scores:
    """Of the sums over all rows, about the means themselves."""
    about = np.eye(len(sums.gradient))
    if model.intercept:
        about[:-1, -1] = -model.missed
    return Scores(sums.squares, about @ sums.gradient, None if sums.meat is None else about @ sums.meat @ about.T)


def total_of_clusters(sums: Partial, model: Model, by_cluster: Vector) -> Scores:
    """The meat is the sum of U·Uᵀ over the clusters, U being the sum of s·r·z over one."""
    return total(sums._replace(meat=_products(by_cluster, np.ones(len(by_cluster)), intercept=False)), model)


def _blocks(rows: Rows, model: Model) -> Iterator[tuple[int, Vector, Vector, Vector]]:
    """First row, centred columns, residuals and weights of each."""
    x, y, weight, _ = rows
    step = max(1, _BLOCK // x.shape[1])
    for start in range(0, len(x), step):
        chosen = slice(start, start + step)
        z = np.subtract(widened(x[chosen]), model.shift, dtype=np.float64)
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


def codes_of(ids: Any, n: int, kept: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
    """Clusters as numbers from 0; those of rows that aren't kept are of no interest.

    Raises
    ------
    ValueError, TypeError
        When there isn't one for each row, one is missing, or all are the same.
    """
    given = np.asarray(ids)
    if given.shape != (n,):
        raise ValueError(f"vcov['cluster'] has shape {given.shape}, accepted is a number or name for each row: {(n,)}")
    if kept is not None:
        codes = np.zeros(n, np.intp)
        codes[kept] = codes_of(given[kept], int(np.count_nonzero(kept)))
        return codes
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
