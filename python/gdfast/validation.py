"""Every check of a user's arrays, and every message that explains what was wrong with them.

The reference backends call this module at the top of each function. The native functions look at their arguments in C++
and come here for whatever isn't a plain float32 or float64 array of the right shape: what comes back is ready to use,
or an exception says which argument was wrong, what came, and what to write instead. The options of `fit` are checked in
`gdfast.fit_options`.

Two rules run through it. x decides the dtype of the computation and is never copied when it is floating point; all else
is converted to that dtype, so a value beyond its range becomes infinite. And nothing is broadcast: (n,) is not (n, 1).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gdfast.conversion import Array, cast, floating, is_floating, to_float, to_ndarray, type_name

REDUCTIONS = ("mean", "sum")


# --- one function for each signature ----------------------------------------------------------------------------------


def problem(
    x: Any, y: Any, w: Any, b: Any = None, sample_weight: Any = None
) -> tuple[Array, Array, Any, float | None, Array | None]:
    """x, y, w, b and sample_weight of `loss_and_gradient`: w a float for (n,) x, (d,) for (n, d) x."""
    x = matrix(x)
    y = per_sample("y", y, x, x.dtype)
    if sample_weight is not None:
        sample_weight = per_sample("sample_weight", sample_weight, x, x.dtype)
    return x, y, coefficients("w", w, x), None if b is None else scalar("b", b), sample_weight


def samples(x: Any, y: Any, sample_weight: Any = None) -> tuple[Array, Array, Array | None]:
    """x, y and sample_weight of `moments`."""
    x = matrix(x)
    y = per_sample("y", y, x, x.dtype)
    if sample_weight is not None:
        sample_weight = per_sample("sample_weight", sample_weight, x, x.dtype)
    return x, y, sample_weight


def prediction(x: Any, w: Any, b: Any = None) -> tuple[Array, Any, float | None]:
    """x, w and b of `forward`."""
    x = matrix(x)
    return x, coefficients("w", w, x), None if b is None else scalar("b", b)


def residual(y: Any, y_pred: Any) -> tuple[Array, Array]:
    """y and y_pred of `loss`: of y's dtype when it is floating point, else of y_pred's, else float64."""
    given, y_pred = to_ndarray("y", y), floating("y_pred", y_pred)
    y = to_float("y", given)
    if y.ndim != 1:
        raise ValueError(f"y has shape {y.shape}, accepted is (n,): {_flatten('y', y)}")
    _not_empty("y", y)
    dtype = y.dtype if is_floating(given.dtype) else y_pred.dtype
    return cast(y, dtype), per_sample("y_pred", y_pred, y, dtype, "y")


def gradient(x: Any, y: Any, y_pred: Any) -> tuple[Array, Array, Array]:
    """x, y and y_pred of `gradient`."""
    x = matrix(x)
    return x, per_sample("y", y, x, x.dtype), per_sample("y_pred", y_pred, x, x.dtype)


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
    return w, None if b is None else scalar("b", b)


# --- shapes -----------------------------------------------------------------------------------------------------------


def matrix(x: Any, name: str = "x") -> Array:
    """x as (n,) or (n, d)."""
    array = floating(name, x)
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number, accepted is (n,) or (n, d): for one sample write [{name}]")
    if array.ndim > 2:
        advice = f"write {name}.reshape(len({name}), -1)"
        raise ValueError(f"{name} has shape {array.shape}, accepted is (n,) or (n, d): {advice}")
    _not_empty(name, array)
    if array.shape[-1] == 0:
        raise ValueError(f"{name} has shape {array.shape}: it has no columns, and at least one is needed")
    return array


def _not_empty(name: str, array: Array) -> None:
    if array.shape[0] == 0:
        raise ValueError(f"{name} has shape {array.shape}: it has no samples, and at least one is needed")


def per_sample(name: str, value: Any, x: Array, dtype: np.dtype[Any], x_name: str = "x") -> Array:
    """An array of one entry a sample."""
    array = floating(name, value)
    n = x.shape[0]
    if array.shape != (n,):
        advice = _flatten(name, array) if array.ndim != 1 else f"{array.size} entries don't go with {n} samples"
        came = f"{name} has shape {array.shape} and {x_name} has shape {x.shape}"
        raise ValueError(f"{came}: accepted is {name} of shape {(n,)}; {advice}")
    return cast(array, dtype)


def coefficients(name: str, value: Any, x: Array) -> Any:
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


def scalar(name: str, value: Any) -> float:
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
