"""What users get of a fit under way: coefficients in their shape, a `Step` each pass, the fit so far on an error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gdfast.conversion import Array
from gdfast.descent import AfterPass, Outcome, StopReason
from gdfast.objective import quiet
from gdfast.result import Fit
from gdfast.step import Step

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments


def coefficients(w: Array, one_column: bool) -> Any:
    """w as users know it: a float for (n,) x."""
    return float(w[0]) if one_column else w


def after_pass(arguments: FitArguments) -> AfterPass | None:
    """The user's callback, which takes a `Step`, as the descent loops call it."""
    callback, one_column, dtype = arguments.callback, arguments.one_column, arguments.w.dtype
    if callback is None:
        return None

    def call(iteration: int, w: Array, b: float | None, loss: float) -> object:
        w, b = _in(dtype, w, b)
        return callback(Step(iteration, coefficients(w, one_column), b, loss))

    return call


def rounded(outcome: Outcome, arguments: FitArguments) -> Outcome:
    """The outcome of a descent that may be in float64 where the data is not: see `gdfast.reading`."""
    w, b = _in(arguments.w.dtype, outcome.w, outcome.b)
    if w is outcome.w:
        return outcome
    beyond = np.isfinite(outcome.w).all() and is_beyond(w, outcome.w.dtype)
    return outcome._replace(w=w, b=b, stop_reason="diverged" if beyond else outcome.stop_reason)


def is_beyond(w: Array, dtype: np.dtype[Any]) -> bool:
    """Whether coefficients of a descent in `dtype` are none that the dtype of the data has."""
    return w.dtype != dtype and not np.isfinite(w).all()


def _in(dtype: np.dtype[Any], w: Array, b: float | None) -> tuple[Array, float | None]:
    if w.dtype == dtype:
        return w, b
    with quiet():
        return w.astype(dtype), None if b is None else float(dtype.type(b))


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
