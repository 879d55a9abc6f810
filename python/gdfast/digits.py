"""Columns so far from 0 that the numbers of their dtype are too coarse to train on them while they are streamed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from gdfast import scaling
from gdfast.descent import Options, Samples
from gdfast.errors import Argument, Message

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments

# What rounding may be of a deviation. A residual is wrong by so much then, and by its square, a share of the variance
# of y, the objective may end above the least one: that is `convergence.CONVERGED`.
COARSE = 1e-3

# Deviations that are wanted to a factor of two are taken of evenly spaced rows: so many, and so few numbers that it
# takes no time.
SAMPLE_ROWS = 1024
SAMPLE_NUMBERS = 2**17

NAMED = 3  # columns that a message names


def far_columns(arguments: FitArguments, options: Options) -> tuple[int, ...]:
    """Those whose mean has rounding errors that are no longer small beside their deviation.

    Asked of streamed fits in columns less their means: what is left there of a derivative is a difference of two that
    are larger by mean / deviation.
    """
    if options.shift is None or arguments.b is None:
        return ()
    known = arguments.standardize or options.l2 == 0  # else conjugate gradients leave the columns their scales
    deviations = options.scale if known else _sampled_deviations(arguments.train)
    assert deviations is not None
    rounding = float(np.finfo(arguments.w.dtype).eps) / 2
    far = (deviations > 0) & (rounding * np.abs(options.shift) > COARSE * deviations)
    return tuple(map(int, np.flatnonzero(far)))


def _sampled_deviations(train: Samples) -> scaling.Columns:
    assert train.x is not None
    n, d = train.x.shape
    step = max(1, n // min(SAMPLE_ROWS, max(16, SAMPLE_NUMBERS // d)))
    weights = None if train.sample_weight is None else train.sample_weight[::step]
    _, variance = scaling.of_samples(train.x[::step], weights)
    return np.sqrt(variance)


def lost(arguments: FitArguments, columns: tuple[int, ...]) -> Message:
    """What is said of such columns."""
    return Message(
        f"{arguments.w.dtype} has too few digits for columns so far from 0 as {some(map(arguments.name, columns))}: "
        "what rounding leaves of the gradient says nothing of the optimum. Have ",
        Argument("x"),
        " in float64, or subtract a number near its mean from each of these columns",
    )


def some(names: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
