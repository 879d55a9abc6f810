"""Every check of a user's arguments, and every message that explains what was wrong with them.

The reference backends call this module at the top of each function. The native functions look at their arguments in C++
and come here for whatever isn't a plain float32 or float64 array of the right shape: what comes back is ready to use,
or an exception says which argument was wrong, what came, and what to write instead.

Two rules run through it. x decides the dtype of the computation and is never copied when it is floating point; all else
is converted to that dtype, so a value beyond its range becomes infinite. And nothing is broadcast: (n,) is not (n, 1).
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from gdfast.conversion import Array, cast, floating, is_floating, to_float, to_ndarray, type_name

REDUCTIONS = ("mean", "sum")


class FitArguments(NamedTuple):
    """What `fit` hands to a descent loop."""

    x: Array  # (n, d), or (n,)
    y: Array  # (n,) of x's dtype
    w: Array  # (d,) of x's dtype, (1,) where x is (n,)
    b: float | None
    learning_rate: float
    n_iters: int


# --- one function for each signature ----------------------------------------------------------------------------------


def problem(
    x: Any, y: Any, w: Any, b: Any = None, sample_weight: Any = None
) -> tuple[Array, Array, Any, float | None, Array | None]:
    """x, y, w, b and sample_weight of `loss_and_gradient`: w a float for (n,) x, (d,) for (n, d) x."""
    x = _matrix(x)
    y = _samples("y", y, x, x.dtype)
    if sample_weight is not None:
        sample_weight = _samples("sample_weight", sample_weight, x, x.dtype)
    return x, y, _coefficients("w", w, x), None if b is None else _scalar("b", b), sample_weight


def samples(x: Any, y: Any, sample_weight: Any = None) -> tuple[Array, Array, Array | None]:
    """x, y and sample_weight of `moments`."""
    x = _matrix(x)
    y = _samples("y", y, x, x.dtype)
    if sample_weight is not None:
        sample_weight = _samples("sample_weight", sample_weight, x, x.dtype)
    return x, y, sample_weight


def prediction(x: Any, w: Any, b: Any = None) -> tuple[Array, Any, float | None]:
    """x, w and b of `forward`."""
    x = _matrix(x)
    return x, _coefficients("w", w, x), None if b is None else _scalar("b", b)


def residual(y: Any, y_pred: Any) -> tuple[Array, Array]:
    """y and y_pred of `loss`: of y's dtype when it is floating point, else of y_pred's, else float64."""
    given, y_pred = to_ndarray("y", y), floating("y_pred", y_pred)
    y = to_float("y", given)
    if y.ndim != 1:
        raise ValueError(f"y has shape {y.shape}, accepted is (n,): {_flatten('y', y)}")
    _not_empty("y", y)
    dtype = y.dtype if is_floating(given.dtype) else y_pred.dtype
    return cast(y, dtype), _samples("y_pred", y_pred, y, dtype, "y")


def gradient(x: Any, y: Any, y_pred: Any) -> tuple[Array, Array, Array]:
    """x, y and y_pred of `gradient`."""
    x = _matrix(x)
    return x, _samples("y", y, x, x.dtype), _samples("y_pred", y_pred, x, x.dtype)


def reduction(value: object) -> None:
    """The reduction is one of the two there are."""
    if not isinstance(value, str) or value not in REDUCTIONS:
        raise ValueError(f"reduction is {value!r}, accepted are 'mean' and 'sum'")


def out(out: object, x: Array) -> None:
    """`out` can receive the gradient of (n, d) x as it is: its memory is written, so it is never converted."""
    if x.ndim != 2:
        raise ValueError(
            f"out takes the gradient of (n, d) x, and for x of shape {x.shape} that is a float: call it without out="
        )
    d = x.shape[1]
    wanted = f"accepted is a writable, C-contiguous array of shape {(d,)} and dtype {x.dtype}: np.empty({d}, x.dtype)"
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is of type {type_name(out)}, {wanted}")
    if out.dtype != x.dtype:
        raise TypeError(f"out has dtype {out.dtype}, {wanted}")
    if out.shape != (d,):
        raise ValueError(f"out has shape {out.shape}, {wanted}")
    if not (out.flags.c_contiguous and out.flags.aligned):
        raise ValueError(f"out has strides {out.strides} or lies misaligned, {wanted}")
    if not out.flags.writeable:
        raise ValueError(f"out is read-only, {wanted}")


def fit(
    x: Any,
    y: Any,
    *,
    w0: Any,
    b0: Any,
    fit_intercept: object,
    learning_rate: Any,
    n_iters: Any,
    reduction: object,
    callback: object,
) -> FitArguments:
    """All arguments of `fit`, with the starts it takes when none are given: zeros."""
    _one_of_reductions(reduction)
    x = _matrix(x)
    y = _samples("y", y, x, x.dtype)
    start = np.zeros(x.shape[1:]) if w0 is None else _coefficients("w0", w0, x)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is of type {type_name(callback)}, accepted is None or a function that takes a Step")
    return FitArguments(
        x=x,
        y=y,
        w=cast(np.atleast_1d(start), x.dtype).copy(),  # a fit never hands out the caller's w0
        b=_intercept(b0, fit_intercept, x.dtype),
        learning_rate=_learning_rate(learning_rate),
        n_iters=_n_iters(n_iters),
    )


_one_of_reductions = reduction  # where an argument of the same name hides the function


def columns(d: Any) -> int:
    """The number of columns of `Moments`."""
    accepted = "accepted is the number of columns, a whole number from 1"
    try:
        if isinstance(d, (bool, np.bool_)):
            raise TypeError
        count = operator.index(d)
    except TypeError:
        raise TypeError(f"d is {d!r}, {accepted}") from None
    if count < 1:
        raise ValueError(f"d is {count}, {accepted}")
    return count


def same_columns(name: str, got: int, d: int) -> None:
    """Moments of d columns take data, and add moments, of d columns."""
    if got != d:
        plural = "column" if got == 1 else "columns"
        raise ValueError(f"{name}: {got} {plural} came, accepted are {d}: write Moments({got}) for these")


def point(w: Any, b: Any, d: int) -> tuple[Any, float | None]:
    """w and b of `Moments.loss_and_gradient`: w float64 of shape (d,), or () for a number where d is 1."""
    w = floating("w", w).astype(np.float64)
    if w.shape != (d,) and not (d == 1 and w.ndim == 0):
        advice = f"write np.full({d}, w)" if w.ndim == 0 else _flatten("w", w)
        if w.ndim == 1:
            advice = f"{w.size} coefficients don't go with {d} columns"
        number = " or a number" if d == 1 else ""
        raise ValueError(f"w has shape {w.shape}, accepted is w of shape {(d,)}{number}; {advice}")
    return w, None if b is None else _scalar("b", b)


# --- options of fit ---------------------------------------------------------------------------------------------------


def _intercept(b0: Any, fit_intercept: object, dtype: np.dtype[Any]) -> float | None:
    if not isinstance(fit_intercept, (bool, np.bool_)):
        raise TypeError(f"fit_intercept is {fit_intercept!r}, accepted are True and False (its start is b0)")
    if not fit_intercept:
        if b0 is not None:
            raise ValueError("b0 is where the intercept starts, but there is none to fit: write fit_intercept=True")
        return None
    return 0.0 if b0 is None else float(cast(np.array(_scalar("b0", b0)), dtype))


def _learning_rate(value: Any) -> float:
    accepted = "accepted is a finite number above 0"
    if isinstance(value, (bool, np.bool_, str)):
        raise TypeError(f"learning_rate is {value!r}, {accepted}")
    rate = _scalar("learning_rate", value)
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"learning_rate is {rate}, {accepted}")
    return rate


def _n_iters(value: Any) -> int:
    accepted = "accepted is a whole number of passes, 0 or more"
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"n_iters is {value!r}, {accepted}") from None
    if count < 0:
        raise ValueError(f"n_iters is {count}, {accepted}")
    return count


# --- shapes -----------------------------------------------------------------------------------------------------------


def _matrix(x: Any) -> Array:
    """x as (n,) or (n, d)."""
    array = floating("x", x)
    if array.ndim == 0:
        raise ValueError("x is a single number, accepted is (n,) or (n, d): for one sample write [x]")
    if array.ndim > 2:
        raise ValueError(f"x has shape {array.shape}, accepted is (n,) or (n, d): write x.reshape(len(x), -1)")
    _not_empty("x", array)
    if array.shape[-1] == 0:
        raise ValueError(f"x has shape {array.shape}: it has no columns, and at least one is needed")
    return array


def _not_empty(name: str, array: Array) -> None:
    if array.shape[0] == 0:
        raise ValueError(f"{name} has shape {array.shape}: it has no samples, and at least one is needed")


def _samples(name: str, value: Any, x: Array, dtype: np.dtype[Any], x_name: str = "x") -> Array:
    """An array of one entry a sample."""
    array = floating(name, value)
    n = x.shape[0]
    if array.shape != (n,):
        advice = _flatten(name, array) if array.ndim != 1 else f"{array.size} entries don't go with {n} samples"
        came = f"{name} has shape {array.shape} and {x_name} has shape {x.shape}"
        raise ValueError(f"{came}: accepted is {name} of shape {(n,)}; {advice}")
    return cast(array, dtype)


def _coefficients(name: str, value: Any, x: Array) -> Any:
    """w for x: a float for (n,), an array (d,) of x's dtype for (n, d)."""
    if x.ndim == 1 and type(value) is float:
        return value
    array = floating(name, value)
    if array.shape == x.shape[1:]:
        return cast(array, x.dtype) if array.ndim else float(array)
    came = f"{name} has shape {array.shape} and x has shape {x.shape}"
    if x.ndim == 1:
        advice = f"write {name}.item()" if array.size == 1 else "for several columns, x is (n, d)"
        raise ValueError(f"{came}: accepted is a number for {name}; {advice}")
    d = x.shape[1]
    if array.ndim == 0:
        advice = f"write np.full({d}, {name})"
    elif array.ndim == 1:
        advice = f"{array.size} coefficients don't go with {d} columns"
    else:
        advice = _flatten(name, array)
    raise ValueError(f"{came}: accepted is {name} of shape {(d,)}; {advice}")


def _scalar(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    array = floating(name, value)
    if array.ndim:
        advice = f": write {name}.item()" if array.size == 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, accepted is a number{advice}")
    return float(array)


def _flatten(name: str, array: Array) -> str:
    """What to write for a column, a row, or worse, where (n,) is wanted."""
    if array.ndim == 2 and array.shape[1] == 1:
        return f"nothing is broadcast: write {name}[:, 0]"
    if array.ndim == 2 and array.shape[0] == 1:
        return f"nothing is broadcast: write {name}[0]"
    if array.ndim == 0:
        return f"nothing is broadcast: write np.full(n, {name})"
    return f"write {name}[:, k] for its k-th column" if array.ndim == 2 else f"write {name}.ravel()"
