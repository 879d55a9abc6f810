"""What users get of a fit under way: coefficients in their shape, a `Step` each pass, the fit so far on an error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gdfast.conversion import Array
from gdfast.descent import AfterPass, Outcome, StopReason
from gdfast.result import Fit
from gdfast.step import Callback, Step

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments


def coefficients(w: Array, one_column: bool) -> Any:
    """w as users know it: a float for (n,) x."""
    return float(w[0]) if one_column else w


def after_pass(callback: Callback, one_column: bool) -> AfterPass:
    """The user's callback, which takes a `Step`, as the descent loops call it."""
    return lambda iteration, w, b, loss: callback(Step(iteration, coefficients(w, one_column), b, loss))


def attach(error: BaseException, fit: Fit) -> None:
    """`error.fit = fit`, whatever the class of the error has against it: it is the user's error that must come out.

    A frozen dataclass, say, forbids new attributes in a `__setattr__` of its own, and has room for them all the same.
    """
    try:
        BaseException.__setattr__(error, "fit", fit)
    except Exception:  # the class has a `fit` that can't be set
        notes = [*getattr(error, "__notes__", ()), f"The fit so far: {fit!r}"]
        BaseException.__setattr__(error, "__notes__", notes)


def nothing_done(arguments: FitArguments, stop_reason: StopReason) -> Outcome:
    """Training that ended before its first pass."""
    none = np.empty(0)
    return Outcome(arguments.w, arguments.b, none, none.copy(), math.nan, stop_reason, None, 0, 0)
