"""Whether a fit has arrived: what is said of one that hasn't, and the bound for fits whose data was streamed."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gdfast import doctor
from gdfast.descent import Outcome
from gdfast.errors import Argument, Message

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments

# A fit whose objective is at most this share of the objective at w = 0 above the least one has converged.
CONVERGED = 1e-6

# A pass that lowers the objective by more than this share of it isn't the last one worth making.
STILL_FALLING = 1e-6

# The share of a column's variance that the other columns leave, below which its coefficient has lost half its digits.
NEARLY_COLLINEAR = 1e-8

_PACKAGE = str(Path(__file__).parent)


class ConvergenceWarning(UserWarning):
    """A fit whose optimiser was left to defaults ended before it got to the optimum.

    `Fit.gap` says how far it is, and `Fit.report.advice` what to write.

    Examples
    --------
    >>> import warnings
    >>> import gdfast
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     fit = gdfast.fit([1, 2, 3, 4], [3, 5, 7, 9], fit_intercept=True)
    >>> caught[0].category is gdfast.ConvergenceWarning, fit.converged
    (True, False)
    """


def advice(arguments: FitArguments, outcome: Outcome, gap: float | None, plan: str) -> Message | None:
    """What to write for a fit that hasn't arrived; None if it has, was stopped on purpose, or nobody can tell."""
    if outcome.stop_reason not in ("n_iters", "tol") or arguments.options.n_iters == 0:
        return None
    if gap is None or math.isnan(gap):
        return _of_losses(arguments, outcome.losses)
    if gap <= CONVERGED:
        return None
    far = f"not converged: the objective may be {gap:.2g} of that at w = 0 above the least one. "
    return Message(far, _remedy(arguments, plan))


def _of_losses(arguments: FitArguments, losses: NDArray[np.float64]) -> Message | None:
    """Where no bound is known, what the last pass did says something."""
    if len(losses) < 2 or arguments.options.batch_size:
        return None
    before, last = losses[-2:]
    if not before - last > STILL_FALLING * max(abs(last), STILL_FALLING * abs(losses[0])):
        return None
    falling = f"not converged: the last pass still lowered the objective by {(before - last) / before:.2g} of it. "
    return Message(falling, _remedy(arguments, "stream"))


def _remedy(arguments: FitArguments, plan: str) -> Message:
    """The optimiser that gets there, or the number of passes."""
    options = arguments.options
    if plan == "moments" and options.batch_size == 0 and options.optimizer != "exact":
        return Message("Write ", Argument("optimizer", "exact"))
    if options.optimizer == "cg":
        return Message("Write ", Argument("n_iters", max(10 * options.n_iters, arguments.w.size + 1)))
    if options.l1 == 0 and options.batch_size == 0:
        return Message("Write ", Argument("optimizer", "cg"))
    return Message("Write ", Argument("n_iters", 10 * options.n_iters))


def collinear(outcome: Outcome, named: Callable[[int], str]) -> tuple[Message, ...]:
    """What to know of columns that depend on one another, and so have no coefficients of their own."""
    remedy = "leave a column out, or write ", Argument("l2", 1e-6)
    found = []
    for columns in outcome.dependent:
        names = [named(int(j)) for j in columns]
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")
        these = "Of all coefficients that fit equally well these are the smallest: "
        found.append(Message(f"collinear to working precision: {listed}. {these}", *remedy))
    if not found and outcome.smallest_pivot < NEARLY_COLLINEAR:
        digits = max(int(16 + math.log10(outcome.smallest_pivot)), 0)
        left = f"all but {outcome.smallest_pivot:.1g} of the variance of a column is explained by the others"
        known = f"about {digits} digits of some coefficients are known: "
        found.append(Message(f"nearly collinear to working precision: {left}, and {known}", *remedy))
    return tuple(found)


def warn_of_defaults(arguments: FitArguments, message: Message | None) -> None:
    """Where nothing was chosen that would say how long training takes, nobody expects that it hasn't arrived."""
    options = arguments.options
    defaults = options.optimizer == "gd" and options.learning_rate == 0.01 and options.n_iters == 100
    if message is not None and defaults and not options.batch_size and not arguments.finds_rate:
        warnings.warn(message, ConvergenceWarning, stacklevel=_levels_to_the_user())


def _levels_to_the_user() -> int:
    """How many calls up the stack somebody else's code is, for `warnings.warn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level - 1


def streamed_gap(
    outcome: Outcome, v: NDArray[np.float64], at_zero: float, l2: float, l1: float, intercept: bool, weight: float
) -> float | None:
    """The gap of a streamed fit, where its penalty says how fast the objective rises; None without one.

    `outcome.gradient` is that of loss and l2 in columns that have mean 0 if there is an intercept; `v` are the
    coefficients in them, `at_zero` the objective at w = 0 with the best intercept, and `weight` what the square of the
    mean residual counts.

    With l1 the bound is the duality gap, with l2 alone the gradient's square by four times l2.
    """
    if (l2 == 0 and l1 == 0) or len(outcome.gradient) == 0 or not at_zero > 0:
        return None
    gradient, beside = outcome.gradient, 0.0
    if intercept:
        beside, gradient = gradient[-1] ** 2 / (4 * weight), gradient[:-1]
    if l1 == 0:
        return float((gradient @ gradient / (4 * l2) + beside) / at_zero)
    smooth = outcome.loss - l1 * float(np.abs(v).sum()) - beside
    h = -gradient / 2
    with_y = smooth + float(h @ v)
    steepest = float(np.abs(h).max())
    most = l1 / (2 * steepest) if steepest > 0 else math.inf
    alpha = min(max(with_y / smooth, -most), most) if smooth > 0 else 0.0
    dual = alpha * (2 * with_y - alpha * smooth)
    return float((outcome.loss - dual) / at_zero)


def spread(
    y: NDArray[np.floating], s: NDArray[np.floating] | None, intercept: bool, reduction: str
) -> tuple[float, float]:
    """The objective at w = 0 (with the best intercept, if any), and what the mean residual's square weighs."""
    about = float(np.average(y, weights=s)) if intercept else 0.0
    squares = np.square(y.astype(np.float64) - about)
    total = float(len(y) if s is None else s.sum(dtype=np.float64))
    whole = float(squares.sum() if s is None else squares @ s)
    return (whole / total, 1.0) if reduction == "mean" else (whole, total)


def streamed_loss_error(arguments: FitArguments, outcome: Outcome, reduction: str) -> float:
    """An estimate: what residuals lose that are sums of terms as large as the columns' scales say.

    Each residual is off by some 4 eps of its terms, and the loss by what that does to the mean of their squares.
    """
    train, dtype = arguments.train, arguments.w.dtype
    assert train.y is not None
    scales = doctor.column_scales(train)
    sampled = train.y[:: max(1, len(train.y) // doctor.SAMPLE_ROWS)].astype(np.float64)
    terms = float(np.abs(outcome.w) @ scales) + abs(outcome.b or 0.0) + float(np.sqrt(np.mean(np.square(sampled))))
    residual = 4 * float(np.finfo(dtype).eps) * terms
    count = 1.0 if reduction == "mean" else float(len(train.y))
    loss = max(outcome.loss, 0.0)
    return residual * (2 * math.sqrt(loss * count) + residual * count) + 1e-14 * loss
