"""How good a fit is: how far above the least objective, how steep it is there, how exactly its loss is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import digits, doctor, magnitudes, optimum, scaling
from gdfast.descent import Options, Outcome, Samples
from gdfast.objective import quiet

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments

Vector = NDArray[np.float64]


class Certificate(NamedTuple):
    """The first three as `gdfast.Fit` has them."""

    gap: float | None
    loss_error: float
    gradient_norm: float
    far_columns: tuple[int, ...] = ()  # for which the dtype of streamed data has too few digits
    small_columns: Mapping[int, float] = {}  # whose squares vanish, and about how large they are


UNKNOWN = Certificate(None, math.nan, math.nan)


def certificate(arguments: FitArguments, train: Samples, options: Options, outcome: Outcome) -> Certificate:
    """Of moments, whose descent has brought it along; or of a streamed fit, from the gradient at its end.

    `train` and `options` are those of the descent: with moments, if there are any, and the scales of the columns.
    """
    if train.gram is not None:
        gap, small = outcome.gap, magnitudes.vanishing(train, options)
        known = not small and gap == gap  # else the bound is that of the other columns
        return Certificate(gap if known else None, outcome.loss_error, outcome.gradient_norm, (), small)
    if outcome.gradient is None:
        return UNKNOWN
    with quiet():
        return Streamed(arguments, options, outcome).certificate()


class Streamed:
    """A fit at its end, in the coordinates of its descent."""

    @property
    def n(self) -> int:
        """Rows of the data."""
        assert self.arguments.train.y is not None
        return len(self.arguments.train.y)

    def __init__(self, arguments: FitArguments, options: Options, outcome: Outcome) -> None:
        assert outcome.gradient is not None
        self.arguments, self.options, self.outcome = arguments, options, outcome
        self.intercept = arguments.b is not None
        self.gradient = outcome.gradient
        self.v = outcome.w * (1.0 if options.scale is None else options.scale)

    def certificate(self) -> Certificate:
        d = len(self.v)
        in_v = optimum.subgradient_norm(self.gradient[:d], self.v, self.options.l1)
        norm = float(np.linalg.norm([in_v, *self.gradient[d:]]))
        error = self.loss_error()
        far = digits.far_columns(self.arguments, self.options)
        small = magnitudes.vanishing(self.arguments.train, self.options)
        gap = None if small else self.least_known_gap(error) if far else self.gap(error)
        return Certificate(gap, error, norm, far, small)

    def least_known_gap(self, loss_error: float) -> float | None:
        """A bound that asks nothing of the gradient: no objective is below 0."""
        at_zero, _ = self.spread()
        return float((self.outcome.loss + loss_error) / at_zero) if at_zero > 0 else None

    def loss_error(self) -> float:
        """An estimate: what residuals lose that are sums of terms as large as the columns' scales say.

        Each residual is off by some 4 eps of its terms, and the loss by what that does to the mean of their squares.
        """
        train = self.arguments.train
        assert train.y is not None
        sampled = train.y[:: max(1, len(train.y) // doctor.SAMPLE_ROWS)].astype(np.float64)
        in_x = float(np.abs(self.outcome.w) @ doctor.column_scales(train))
        terms = in_x + abs(self.outcome.b or 0.0) + float(np.sqrt(np.mean(np.square(sampled))))
        residual = 4 * float(np.finfo(self.arguments.w.dtype).eps) * terms
        count = 1.0 if self.options.reduction == "mean" else float(self.n)
        loss = max(self.outcome.loss, 0.0)
        return residual * (2 * math.sqrt(loss * count) + residual * count) + 1e-14 * loss

    def gap(self, loss_error: float) -> float | None:
        """A bound where a penalty says how fast the objective rises, and the columns have mean 0 beside an intercept.

        With l2 alone that is the square of the gradient by four times l2; with l1 it is the duality gap.
        """
        l2, l1 = self.options.l2, self.options.l1
        if (l2 == 0 and l1 == 0) or (self.intercept and self.options.scale is None):
            return None
        at_zero, weight = self.spread()
        if not at_zero > 0:
            return None
        gradient, beside = self.gradient, 0.0
        if self.intercept:
            beside, gradient = gradient[-1] ** 2 / (4 * weight), gradient[:-1]
        above = float(gradient @ gradient) / (4 * l2) if l1 == 0 else self.duality_gap(gradient, beside)
        return float((above + beside + loss_error) / at_zero)

    def duality_gap(self, gradient: Vector, beside: float) -> float:
        """See `optimum.Quadratic.dual`; without what lies in the mean residual, which the intercept is free to take."""
        penalty = self.options.l1 * float(np.abs(self.v).sum())
        squares = max(self.outcome.loss - penalty - beside, 0.0)
        h = -gradient / 2
        dual = optimum.dual(h, squares, squares + float(h @ self.v), self.options.l1)
        return max(squares + penalty - dual, 0.0)

    def spread(self) -> tuple[float, float]:
        """The objective at w = 0 (with the best intercept, if any), and what the mean residual's square weighs."""
        y, s = self.arguments.train.y, self.arguments.train.sample_weight
        assert y is not None
        means, variances = scaling.of_samples(y[:, np.newaxis], s)
        mean, variance = float(means[0]), float(variances[0])
        total = float(len(y) if s is None else s.sum(dtype=np.float64))
        weight = 1.0 if self.options.reduction == "mean" else total
        return weight * (variance if self.intercept else variance + mean**2), weight
