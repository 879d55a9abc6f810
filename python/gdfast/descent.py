"""What goes into a descent loop and what comes out of it: all that `Backend.descend` and its callers agree upon."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gdfast.conversion import Array

StopReason = Literal["n_iters", "tol", "converged", "validation", "callback", "interrupted", "diverged"]

# An objective more than so many times what training began with, or could have begun with at w = b = 0, is on its way to
# infinity: where the last is only a pass or two away, rounding has left nothing of the optimum.
GROWTH = 1e10

# Called after each pass with (iteration, copy of w, b, loss); a true answer stops.
AfterPass = Callable[[int, Array, float | None, float], object]
# Called with (passes done, loss), at most every 0.1 s.
OnProgress = Callable[[int, float], None]


class Gram(NamedTuple):
    """The moments of samples: sums of products of the columns z = [x - o, 1, y - p], about an origin near the data.

    About 0 a column of years would lose to its offset the digits in which it differs from row to row.
    """

    matrix: NDArray[np.float64]  # (d + 2, d + 2)
    origin: NDArray[np.float64]  # (d + 1,): o, then p


class Samples(NamedTuple):
    """Data that a descent evaluates: samples, or the moments of samples that it needn't see."""

    x: Array | None  # (n, d)
    y: Array | None  # (n,) of x's dtype
    sample_weight: Array | None  # (n,) of x's dtype; None: all 1
    gram: Gram | None = None  # if there, nothing else is read


class Options(NamedTuple):
    """The numbers of a descent, all of them checked. The C++ loop reads them in this order."""

    learning_rate: float
    n_iters: int
    optimizer: str  # "gd", "momentum", "nesterov", "adam", "fista", "cg", "exact"
    momentum: float
    betas: tuple[float, float]
    eps: float
    batch_size: int  # 0: all rows
    rng: np.random.Generator | None  # draws the order of the rows; None: as they lie
    l2: float
    l1: float
    reduction: str
    tol: float  # below 0: no such rule
    patience: int
    shift: NDArray[np.float64] | None  # (d,): training descends in the coordinates of (x - shift) / scale
    scale: NDArray[np.float64] | None  # 0 for a column that is the same everywhere: its coefficient is 0
    target: float | None = None  # rows are read as (x - shift, y - target): see `gdfast.reading`. None: as they are


class Hooks(NamedTuple):
    """What a descent calls back."""

    callback: AfterPass | None
    progress: OnProgress | None
    kept: list[tuple[Any, ...]]  # the outcome is put here too: Ctrl-C can come before whoever called has got it


class Outcome(NamedTuple):
    """How far a descent came, and what ended it."""

    w: Array  # (d,) of x's dtype, for x as it was given
    b: float | None
    losses: NDArray[np.float64]
    validation_losses: NDArray[np.float64]  # empty without validation
    loss: float  # objective at w and b; NaN where it isn't known
    stop_reason: StopReason
    error: BaseException | None  # what the callback raised, or Ctrl-C
    bytes_read: int  # of x, y and sample_weight
    peak_bytes: int  # most extra memory in use at once
    gap: float = math.nan  # these three as in `gdfast.Fit`; NaN where there are no moments to tell
    loss_error: float = math.nan
    gradient_norm: float = math.nan
    gradient: NDArray[np.float64] | None = None  # of loss and l2 at the end, where nothing else says how far that is
    dependent: Sequence[Sequence[int]] = ()  # columns that depend on one another, where "exact" met any
    smallest_pivot: float = 1.0  # what is left of the least independent column, as a share of its variance
    form: str | None = None  # of the kernel that read the samples; None where none did


class Descend(Protocol):
    """Training on checked arguments; w is (d,) of x's dtype."""

    def __call__(
        self,
        train: Samples,
        validation: Samples | None,
        w: Array,
        b: float | None,
        options: Options,
        hooks: Hooks,
    ) -> Outcome: ...
