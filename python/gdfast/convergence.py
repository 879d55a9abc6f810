"""Whether a fit has arrived: what is said of one that hasn't, and the bound for fits whose data was streamed."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

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

# So many groups of columns that depend on one another are told one by one.
MOST_GROUPS = 3

_ALL_THERE_IS = "These are the smallest of all coefficients that fit equally well: "
_HIDDEN = (
    "Whether what is left between them explains more of y is beyond what moments tell: have a difference of two of "
    "them in place of one, "
)

_PACKAGE = str(Path(__file__).parent)


class ConvergenceWarning(UserWarning):
    """A fit ended before it got to the optimum, and nobody had chosen its optimiser, learning rate or passes.

    Who writes one of them has chosen, also where it is the default. There is one as well, whatever was chosen, where
    streamed columns are so far from 0 that their dtype has too few digits to get there, or columns so small that their
    squares are 0. `Fit.gap` says how far the fit is, and `Fit.report.advice` what to write.

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
    if outcome.stop_reason not in ("n_iters", "tol", "converged") or arguments.options.n_iters == 0:
        return None
    if gap is None or math.isnan(gap):
        return _of_losses(arguments, outcome)
    if gap <= CONVERGED:
        return None
    if outcome.dependent:
        return None  # `collinear` says it
    far = f"not converged: the objective may be {gap:.2g} of that at w = 0 above the least one. "
    return Message(far, _remedy(arguments, plan))


def _of_losses(arguments: FitArguments, outcome: Outcome) -> Message | None:
    """Where no bound is known, what the last pass did says something; the first of conjugate gradients does nothing."""
    losses, last = outcome.losses, outcome.loss
    if arguments.options.batch_size or outcome.stop_reason == "converged":
        return None
    before = losses[-1]
    still = before - last > STILL_FALLING * max(abs(last), STILL_FALLING * abs(losses[0]))
    if arguments.options.optimizer == "cg" and len(losses) == 1:
        return Message("not converged: the first pass only finds the gradient. ", _remedy(arguments, "stream"))
    if not still:
        return None
    falling = f"not converged: the last pass still lowered the objective by {(before - last) / before:.2g} of it. "
    return Message(falling, _remedy(arguments, "stream"))


def _remedy(arguments: FitArguments, plan: str) -> Message:
    """The optimiser that gets there, or the number of passes."""
    options = arguments.options
    if options.optimizer == "exact":
        return Message(
            f"The optimum is between the numbers that {arguments.w.dtype} has for coefficients and intercept: have ",
            Argument("x"),
            " in float64, or subtract something from the columns or from y",
        )
    if plan == "moments" and options.batch_size == 0:
        return Message("Write ", Argument("optimizer", "exact"))
    if options.optimizer == "cg":
        return Message("Write ", Argument("n_iters", max(10 * options.n_iters, arguments.w.size + 2)))
    if options.l1 == 0 and options.batch_size == 0:
        return Message("Write ", Argument("optimizer", "cg"))
    return Message("Write ", Argument("n_iters", 10 * options.n_iters))


def collinear(outcome: Outcome, named: Callable[[int], str]) -> tuple[Message, ...]:
    """What to know of columns that depend on one another, and so have no coefficients of their own."""
    remedy = "leave a column out, or write ", Argument("l2", 1e-6)
    found = []
    groups = [[int(j) for j in columns] for columns in outcome.dependent]
    certain = not outcome.gap > CONVERGED  # it is NaN where nothing tells
    ways = ""
    if len(groups) > MOST_GROUPS:  # as where there are more columns than rows: each has nearly all of them
        ways = f", in {len(groups):,} ways"
        groups = [sorted({j for group in groups for j in group})]
    for group in groups:
        listed = ", ".join(named(j) for j in group[:6]) + (f" and {len(group) - 6:,} more" if len(group) > 6 else "")
        these = _ALL_THERE_IS if certain else _HIDDEN
        found.append(Message(f"collinear to working precision{ways}: {listed}. {these}", *remedy))
    if not found and outcome.smallest_pivot < NEARLY_COLLINEAR:
        digits = max(int(16 + math.log10(outcome.smallest_pivot)), 0)
        left = f"all but {outcome.smallest_pivot:.1g} of the variance of a column is explained by the others"
        known = f"about {digits} digits of some coefficients are known: "
        found.append(Message(f"nearly collinear to working precision: {left}, and {known}", *remedy))
    return tuple(found)


def warn(message: Message) -> None:
    """At the line that called gdfast."""
    warnings.warn(message, ConvergenceWarning, stacklevel=_levels_to_the_user())


def _levels_to_the_user() -> int:
    """How many calls up the stack somebody else's code is, for `warnings.warn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
