"""The Gram matrix of a fit's columns, inverted where that loses the fewest digits: about the means, diagonal 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdfast import optimum
from gdfast.descent import Gram
from gdfast.objective import quiet

Vector = NDArray[np.float64]

# The part of a combination of columns below which a column has no part in it.
_INVOLVED = 1e-6


class CollinearError(ValueError):
    """Columns that depend on one another have no standard errors of their own."""


@dataclass(frozen=True, eq=False)
class Design:
    """The columns z = [x - shift, 1] of a fit with an intercept, or z = x of one without.

    Attributes
    ----------
    shift : ndarray (d,)
        The means, as far as numbers have them, or 0.
    missed : ndarray (d,)
        What the means are beside that: of timestamps, a share of the spacing between numbers that would show.
    inverse : ndarray (k, k)
        Of ``sum(s * outer(z, z))``.
    to_x : ndarray (k, k)
        Takes coefficients of z to those of x and the intercept.
    inflation : ndarray (k,)
        Variance inflation of each coefficient; NaN for that of a constant.
    constant : int or None
        The coefficient that all rows share: the intercept's, or that of a column that is the same everywhere.
    total : float
        Squares of y that are to be explained: about its mean where there is a constant.
    condition : float
        Of the matrix [x, 1] as it is, rows weighted.
    """

    shift: Vector
    missed: Vector
    inverse: Vector
    to_x: Vector
    inflation: Vector
    constant: int | None
    total: float
    condition: float


def design(gram: Gram, intercept: bool, name: Callable[[int], str]) -> Design:
    """Of the columns that `gram` is of; `name` is what messages call column j.

    Raises
    ------
    CollinearError
        When columns depend on one another, to working precision.
    """
    d = len(gram.origin) - 1
    with quiet():
        centred = optimum.centred(gram)
        about_0 = optimum.moved(gram)
    constant_columns = np.flatnonzero((np.diag(centred)[:d] == 0) & (np.diag(about_0)[:d] > 0))
    size = d + intercept
    inflation = np.full(size, np.nan)
    if intercept:
        inverse, inflation[:d] = _inverse(centred[:d, :d], name, ", which the intercept is too")
        means, total = optimum.means(gram)[:d], gram.matrix[d, d]
        inverse = np.block([[inverse, np.zeros((d, 1))], [np.zeros((1, d)), np.full((1, 1), 1 / total)]])
        to_x = np.eye(size)
        to_x[d, :d] = -means
        missed = (gram.origin[:d] - means) + gram.matrix[d, :d] / total
        constant: int | None = d
    else:
        inverse, inflation[:] = _inverse(about_0[:d, :d], name, "")
        means, missed, to_x = np.zeros(d), np.zeros(d), np.eye(d)
        constant = int(constant_columns[0]) if len(constant_columns) == 1 else None
        if constant is not None:  # it is an intercept in all but name: what is beside it is inflated as beside one
            others = np.delete(np.arange(d), constant)
            inflation[:] = np.nan
            if d > 1:
                _, inflation[others] = _inverse(centred[np.ix_(others, others)], name, "")
    y = centred if constant is not None else about_0
    return Design(
        means, missed, inverse, to_x, inflation, constant, max(float(y[-1, -1]), 0.0), _condition(about_0, size)
    )


def _inverse(sums: Vector, name: Callable[[int], str], beside: str) -> tuple[Vector, Vector]:
    """The inverse of a positive definite matrix, and its diagonal as a multiple of what it were alone."""
    diagonal = np.diag(sums)
    nothing = np.flatnonzero(~(diagonal > 0))
    if len(nothing):
        what = "the same in all rows" + beside if beside else "0 in all rows"
        raise CollinearError(_said(f"{name(int(nothing[0]))} is {what}: leave it out"))
    scale = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(scale[:, np.newaxis] * sums * scale)
    kept = values > 32 * optimum.EPS * (len(values) + 4)
    if not kept.all():
        involved = np.flatnonzero(np.abs(vectors[:, ~kept]).max(axis=1) > _INVOLVED)
        names = [name(int(j)) for j in involved]
        more = f" and {len(names) - 6:,} more" if len(names) > 6 else ""
        raise CollinearError(
            _said(f"{', '.join(names[:6])}{more} depend on one another, to working precision: leave one out")
        )
    scaled = (vectors / values) @ vectors.T
    scaled = (scaled + scaled.T) / 2
    return np.asarray(scale[:, np.newaxis] * scaled * scale), np.diag(scaled)


def _said(why: str) -> str:
    return f"there are no standard errors of these coefficients, since {why}"


def _condition(about_0: Vector, size: int) -> float:
    d = len(about_0) - 2
    values = np.linalg.eigvalsh(about_0[:size, :size] if size <= d + 1 else about_0)
    return float(np.sqrt(values[-1] / values[0])) if values[0] > 0 else float("inf")
