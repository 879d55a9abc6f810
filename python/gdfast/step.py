"""What training hands to a callback, once a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One pass of training, as the callback sees it.

    Attributes
    ----------
    iteration : int
        Number of the pass, from 0: ``step.loss`` is ``fit.losses[step.iteration]``.
    w : float or ndarray of shape (d,)
        Coefficients after this pass's update, of x's dtype; a float where x is (n,). A copy.
    b : float or None
        Intercept after this pass's update; None where none is fitted.
    loss : float
        Objective at the start of the pass, before its update.

    Examples
    --------
    >>> import gdfast
    >>> def watch(step):
    ...     print(f"{step.iteration}: w = {step.w:.3f}, loss = {step.loss:.3f}")
    >>> fit = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=2, callback=watch)
    0: w = 0.300, loss = 30.000
    1: w = 0.555, loss = 21.675
    """

    iteration: int
    w: Any
    b: float | None
    loss: float


Callback = Callable[[Step], object]
