"""The optimum of least squares with penalties, from moments: the formulas in NumPy, as the reference backends use them.

The native backend has the same in C++ (`cpp/engine/solve/`): there by Cholesky's factors, here by eigenvalues.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gdfast.descent import Gram, Options
from gdfast.objective import GRAM_ERROR, exact_sum

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
ROUNDS = 100_000
ROUNDING = 1e-14  # a duality gap that is none, as a share of the objective at 0


def moved(gram: Gram, shift: Vector | float = 0.0, scale: Vector | float = 1.0, y_shift: float = 0.0) -> Vector:
    """The sums of products of the columns ``[(x - shift) / scale, 1, y - y_shift]``; of scale 0 nothing is left.

    With z the columns as they were summed up, the new ones are ``T @ z``: so their sums are ``T @ G @ T.T``.
    """
    d = len(gram.origin) - 1
    scale = np.broadcast_to(np.asarray(scale, np.float64), d)
    factor = np.append(np.divide(1.0, scale, out=np.zeros(d), where=scale != 0), [1.0, 1.0])
    offset = np.append(gram.origin[:-1] - shift, [0.0, gram.origin[-1] - y_shift])
    matrix, total = gram.matrix, gram.matrix[-2, -2]
    first = matrix[-2].copy()
    first[-2] = 0.0  # the column of ones moves with nothing
    mixed = np.outer(offset, first)
    sums = matrix + (mixed + mixed.T) + np.outer(offset, offset) * total
    first[-2] = total
    sums[-2], sums[:, -2] = first + offset * total, first + offset * total
    return np.asarray(sums * np.outer(factor, factor))


def means(gram: Gram) -> Vector:
    """Of the columns of [x, y], weighted."""
    first = np.delete(gram.matrix[-2], -2)
    return np.asarray(gram.origin + first / gram.matrix[-2, -2])


def centred(gram: Gram) -> Vector:
    """The sums of products of the columns of [x, y] about their means; 0 for columns that are the same everywhere."""
    rest = np.delete(np.arange(len(gram.matrix)), -2)
    total, first = gram.matrix[-2, -2], gram.matrix[-2, rest]
    # Of weights that are huge or tiny no product is in range: as many as if they added up to 0.5 to 1.
    one, unit = np.frexp(total)
    squares, sum_ = np.ldexp(np.diag(gram.matrix)[rest], -unit), np.ldexp(first, -unit)
    sums = gram.matrix[np.ix_(rest, rest)] - np.outer(first, first / total)
    constant = ~(squares * one > sum_**2) & np.isfinite(squares)
    sums[constant], sums[:, constant] = 0.0, 0.0
    return np.asarray(sums)


def added(a: Gram, b: Gram) -> Gram:
    """The moments of both, about a point near all of the data.

    Where the origins differ, that is a column's mean, rounded to a few binary digits of its standard deviation: so that
    sums of integers, which are exact, stay so.
    """
    if not a.matrix[-2, -2] or not b.matrix[-2, -2]:  # one of them counts for nothing
        other = b if not a.matrix[-2, -2] else a
        return Gram(a.matrix + b.matrix, other.origin.copy())
    if np.array_equal(a.origin, b.origin):
        return Gram(a.matrix + b.matrix, a.origin.copy())
    weights = a.matrix[-2, -2], b.matrix[-2, -2]
    share = weights[1] / (weights[0] + weights[1])
    mean_a, mean_b = means(a), means(b)
    apart = mean_b - mean_a
    variance = (np.diag(centred(a)) + np.diag(centred(b))) / sum(weights) + share * (1 - share) * apart**2
    mean = mean_a + share * apart
    grid = np.ldexp(1.0, np.frexp(np.sqrt(variance) / 4)[1])
    with np.errstate(all="ignore"):
        about = np.where(grid > 0, np.round(mean / grid) * grid, a.origin)
    usable = np.isfinite(about) & (a.origin != b.origin)
    origin = np.where(usable, about, a.origin)
    both = moved(a, origin[:-1], y_shift=origin[-1]) + moved(b, origin[:-1], y_shift=origin[-1])
    return Gram(both, origin)


class Quadratic:
    """The objective as a function of the coefficients v, the intercept at its best where there is one.

    k - 2 c·v + v·A v + l1 |v|
    """

    def __init__(self, gram: Gram, options: Options, intercept: bool) -> None:
        mean = options.reduction == "mean"
        total = float(gram.matrix[-2, -2])
        self.share = 1 / total if mean else 1.0
        self.weight = 1.0 if mean else total  # of the square of the mean residual
        self.intercept, self.l1 = intercept, options.l1
        d = len(gram.origin) - 1
        self.shift = np.zeros(d) if options.shift is None else options.shift
        scale = np.ones(d) if options.scale is None else options.scale
        inverse = np.divide(1.0, scale, out=np.zeros(d), where=scale != 0)
        factor = np.append(inverse, 1.0)
        if intercept:
            sums = self.share * factor[:, np.newaxis] * centred(gram) * factor
        else:
            rest = np.delete(np.arange(d + 2), -2)
            sums = self.share * moved(gram, self.shift, scale)[np.ix_(rest, rest)]
        self.a = sums[:-1, :-1] + options.l2 * np.eye(d)
        self.c = sums[:-1, -1]
        self.k = max(float(sums[-1, -1]), 0.0)
        self.scale, self.means = scale, means(gram)
        offset = np.zeros(d + 1) if intercept else gram.origin - np.append(self.shift, 0.0)
        squares = np.delete(np.diag(gram.matrix), -2) + offset**2 * total
        self.sizes = factor * np.sqrt(self.share * squares)

    def smooth(self, v: Vector) -> float:
        return max(self.k + float(v @ (self.a @ v - 2 * self.c)), 0.0)

    def value(self, v: Vector) -> float:
        return self.smooth(v) + self.l1 * float(np.abs(v).sum())

    def best_intercept(self, v: Vector) -> float:
        """In the coordinates of v."""
        return float(self.means[-1] - self.z_means() @ v)

    def z_means(self) -> Vector:
        """Of the columns in the coordinates of v."""
        shifted = self.means[:-1] - self.shift
        return np.divide(shifted, self.scale, out=np.zeros_like(shifted), where=self.scale != 0)

    def error(self, v: Vector) -> float:
        """By how much rounding may have put the smooth part wrong."""
        return GRAM_ERROR * float(np.abs(np.append(v, 1.0)) @ self.sizes) ** 2

    # --- without l1 ---

    def _eigen(self) -> tuple[Vector, Vector, Vector]:
        """Eigenvalues and vectors of A with its diagonal scaled to 1, and what scales it (0 for a constant column)."""
        diagonal = np.diag(self.a)
        scale = np.divide(1.0, np.sqrt(np.maximum(diagonal, 0)), out=np.zeros(len(diagonal)), where=diagonal > 0)
        values, vectors = np.linalg.eigh(scale[:, np.newaxis] * self.a * scale)
        return values, vectors, scale

    def solve(self, start: Vector) -> tuple[Vector, tuple[tuple[int, ...], ...], float]:
        """The optimum, the columns that depend on one another, and the smallest eigenvalue that was kept."""
        if self.l1 > 0:
            return self._descend(start.copy()), (), 1.0
        values, vectors, scale = self._eigen()
        kept = values > 32 * EPS * (len(values) + 4)
        right = vectors[:, kept]
        v = scale * (right @ ((right.T @ (scale * self.c)) / values[kept]))
        nothing = vectors[:, ~kept] * scale[:, np.newaxis]
        nothing = nothing[:, np.linalg.norm(nothing, axis=0) > 0]
        if nothing.shape[1]:  # of all solutions the shortest: without the part that changes no prediction
            q, _ = np.linalg.qr(nothing)
            v = v - q @ (q.T @ v)
        involved = np.flatnonzero(np.abs(vectors[:, ~kept]).max(axis=1, initial=0.0) * (scale > 0) > 1e-6)
        dependent = (tuple(map(int, involved)),) if len(involved) > 1 else ()
        return v, dependent, float(values[kept].min(initial=1.0))

    # --- with l1 ---

    def dual(self, v: Vector) -> float:
        """A bound from below on the least value."""
        return dual(self.c - self.a @ v, self.smooth(v), self.k - float(self.c @ v), self.l1)

    def _descend(self, v: Vector) -> Vector:
        """Coordinate descent, until the duality gap is rounding."""
        usable = np.flatnonzero(np.diag(self.a) > 0)
        v[np.diag(self.a) <= 0] = 0.0
        for _ in range(ROUNDS):
            for j in usable:
                alone = self.c[j] - self.a[j] @ v + self.a[j, j] * v[j]
                size = abs(alone) - self.l1 / 2
                v[j] = math.copysign(size / self.a[j, j], alone) if size > 0 else 0.0
            if self.value(v) - self.dual(v) <= ROUNDING * self.k:
                break
        return v

    # --- how far from it ---

    def gap(self, v: Vector) -> float:
        """A bound on value(v) - least value."""
        if self.l1 > 0:
            best = self._descend(v.copy())
            return max(self.value(v) - max(self.dual(best), self.dual(v)), 0.0) + self.error(v)
        values, vectors, scale = self._eigen()
        kept = values > 32 * EPS * (len(values) + 4)
        steepness = vectors[:, kept].T @ (scale * (self.c - self.a @ v)) / np.sqrt(values[kept])
        wrong = GRAM_ERROR * float(np.abs(np.append(v, 1.0)) @ self.sizes) * scale * self.sizes[:-1]
        length = np.linalg.norm(steepness) + np.linalg.norm(wrong) / math.sqrt(values[kept].min(initial=1.0))
        return min(float(length) ** 2, self.smooth(v) + self.error(v))


def certify(gram: Gram, options: Options, w: Vector, b: float | None) -> tuple[float, float, float]:
    """``(gap, loss_error, gradient_norm)`` of the model x @ w + b, in the units of x: see `gdfast.Fit`."""
    objective = Quadratic(gram, options, b is not None)
    v = w * objective.scale
    off = 0.0
    if b is not None:  # the mean residual, whose terms may be large and cancel
        off = exact_sum([b, -objective.means[-1], *(objective.means[:-1] * w)])
    beside = objective.weight * off**2
    # Where y is the same everywhere nothing is left at w = 0: then it is a share of what y itself is.
    whole = objective.k if objective.k > 0 else objective.weight * float(gram.origin[-1]) ** 2
    gap = objective.gap(v) + beside
    h = objective.c - objective.a @ v
    gradient = 2 * objective.weight * off * objective.z_means() - 2 * h
    norm = math.hypot(subgradient_norm(gradient, v, objective.l1), 2 * objective.weight * off)
    # A loss is taken with the intercept about the origin, whose terms may be large and cancel.
    terms = abs(b or 0.0) + float(np.abs(gram.origin) @ np.abs(np.append(w, 1.0)))
    mean = EPS * terms * math.sqrt(objective.weight)
    cancelled = mean * (2 * math.sqrt(objective.smooth(v)) + mean)
    return gap / whole if gap else 0.0, objective.error(v) + cancelled + 4 * EPS * beside, norm


def dual(h: Vector, squares: float, with_y: float, l1: float) -> float:
    """The dual of the objective at 2αr, for the residuals r of some coefficients and the best feasible α.

    h is Xᵀr (with l2, of rows √l2 below those of X), `squares` r·r and `with_y` r·y: feasible is |2αh| ≤ l1.
    """
    steepest = float(np.abs(h).max())
    most = l1 / (2 * steepest) if steepest > 0 else math.inf
    alpha = min(max(with_y / squares, -most), most) if squares > 0 else 0.0
    return alpha * (2 * with_y - alpha * squares)


def subgradient_norm(gradient: Vector, v: Vector, l1: float) -> float:
    """Of the shortest subgradient of the objective, where `gradient` is that of its smooth part."""
    at_zero = np.maximum(np.abs(gradient) - l1, 0.0)
    return float(np.linalg.norm(np.where(v == 0, at_zero, gradient + l1 * np.sign(v))))
