"""Every check of a user's arrays, and every message that explains what was wrong with them.

The reference backends call this module at the top of each function. The native functions look at their arguments in C++
and come here for whatever isn't a plain array of numbers of the right shape: what comes back is ready to use,
or an exception says which argument was wrong, what came, and what to write instead. The options of `fit` are checked in
`gdfast.fit_options`.

Two rules run through it. x decides the dtype of the computation, is never copied and keeps the dtype that it is stored
in; all else is converted to that of the computation, so a value beyond its range becomes infinite. And nothing is
broadcast: (n,) is not (n, 1).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gdfast import remedies, several, spelled, tables
from gdfast._tables.table import Table
from gdfast.conversion import Array, cast, floating, stored, to_float, to_ndarray
from gdfast.errors import Argument, Entry, Message
from gdfast.storage import computed
from gdfast.wording import shown, type_name

REDUCTIONS = ("mean", "sum")

_MOST_COLUMNS = 2**30  # of more, no address holds the matrix
_LARGE = 1e280  # weights below this add up to a finite number, for any number of rows that there can be


# --- one function for each signature ----------------------------------------------------------------------------------


def problem(
    x: Any, y: Any, w: Any, b: Any = None, sample_weight: Any = None, in_columns: bool = False
) -> tuple[Array, Array, Any, Any, Array | None]:
    """x, y, w, b and sample_weight of `loss_and_gradient`: w a float for (n,) x, (d,) or (d, K) for (n, d) x.

    With K models b is (K,), and y (n,) or (n, K). `in_columns`, here and below: whether a table stays one, for the
    kernels; else it becomes an array.
    """
    x, y, sample_weight = tables.named("x", x, y, sample_weight)
    x, w, b = prediction(x, w, b, in_columns)
    dtype, models = computed(x.dtype), several.models_in(w)
    y = several.targets(y, x, dtype, models) if models else per_sample("y", y, x, dtype)
    if sample_weight is not None:
        sample_weight = weights("sample_weight", per_sample("sample_weight", sample_weight, x, dtype))
    return x, y, w, b, sample_weight


def samples(
    x: Any, y: Any, sample_weight: Any = None, name: str = "x", in_columns: bool = False
) -> tuple[Array, Array, Array | None]:
    """x, y and sample_weight of `moments`, of which a part may weigh nothing; `name` is what x is called."""
    x, y, sample_weight = tables.named(name, x, y, sample_weight)
    x = matrix(x, name, in_columns)
    dtype = computed(x.dtype)
    y = per_sample("y", y, x, dtype, name)
    if sample_weight is not None:
        sample_weight = per_sample("sample_weight", sample_weight, x, dtype, name)
        weights("sample_weight", sample_weight, some=False)
    return x, y, sample_weight


def prediction(x: Any, w: Any, b: Any = None, in_columns: bool = False) -> tuple[Array, Any, Any]:
    """x, w and b of `forward`."""
    x = matrix(x, "x", in_columns)
    w = coefficients("w", w, x, many=True)
    models = several.models_in(w)
    if b is not None:
        b = several.intercepts(b, models) if models else scalar("b", b)
    return x, w, b


def like_the_fit(x: Any, shape: tuple[int, ...], names: tuple[str, ...] | None) -> Array:
    """x of `Fit.predict`, for w of this shape: by name where both are tables, else by position."""
    with spelled.needed("x", x, names) as x:
        array = matrix(x, "x", in_columns=True)
    if array.shape[1:] == shape:
        return array
    d = shape[0] if shape else 1
    if not shape:
        wanted = "(n,)"
        advice = remedies.flat("x", x, array, len(array)) if d == array.shape[1] else "it has a single column"
    else:
        wanted = f"(n, {d})"
        advice = f"{d} coefficients don't go with {array.shape[-1] if array.ndim > 1 else 1} columns"
        if array.ndim == 1 and len(array) == d:
            advice = f"for a single row write {remedies.single_row('x', x)}"
        elif array.ndim == 1 and d == 1:
            advice = f"write {remedies.single_column('x', x)}"
    raise ValueError(f"x has shape {array.shape}, accepted is x of shape {wanted}, as in the fit; {advice}")


def residual(y: Any, y_pred: Any) -> tuple[Array, Array]:
    """y and y_pred of `loss`: in what y is computed in when it is floating point, else y_pred, else float64.

    Both are (n,), or both (n, K).
    """
    given, given_pred = to_ndarray("y", y), floating("y_pred", y_pred)
    target = to_float("y", given, y)
    if target.ndim != 1 and not _are_columns(target, given_pred):
        raise ValueError(f"y has shape {target.shape}, accepted is (n,): {remedies.flat('y', y, target, None)}")
    _not_empty("y", target)
    dtype = given_pred.dtype if given.dtype.kind in "iub" else target.dtype
    if given_pred.shape != target.shape:
        per_sample("y_pred", y_pred, target, dtype, "y")  # which says what is wrong
    return cast(target, dtype), cast(given_pred, dtype)


def gradient(x: Any, y: Any, y_pred: Any, in_columns: bool = False) -> tuple[Array, Array, Array]:
    """x, y and y_pred of `gradient`: for (n, d) x both may be (n, K)."""
    x, y, _ = tables.named("x", x, y, None)
    x = matrix(x, "x", in_columns)
    dtype = computed(x.dtype)
    if x.ndim == 2:
        target, predicted = floating("y", y), floating("y_pred", y_pred)
        if _are_columns(target, predicted) and len(target) == len(x):
            return x, cast(target, dtype), cast(predicted, dtype)
    return x, per_sample("y", y, x, dtype), per_sample("y_pred", y_pred, x, dtype)


def _are_columns(y: Array, y_pred: Array) -> bool:
    return y.ndim == 2 and y.shape == y_pred.shape and y.shape[1] > 0


def reduction(value: object) -> None:
    """The reduction is one of the two there are."""
    if not isinstance(value, str) or value not in REDUCTIONS:
        raise ValueError(Message(Argument("reduction"), f" is {shown(value)}, accepted are 'mean' and 'sum'"))


def out(out: object, x: Any, models: int = 0) -> None:
    """`out` can receive the gradient of (n, d) x as it is: its memory is written, so it is never converted.

    `models` is K of w (d, K), or 0.
    """
    x = matrix(x, "x", in_columns=True)
    if x.ndim != 2:
        raise ValueError(
            f"out takes the gradient of (n, d) x, and for x of shape {x.shape} that is a float: call it without out="
        )
    shape, dtype = (x.shape[1], models) if models else x.shape[1:], computed(x.dtype)
    wanted = (
        f"accepted is a writable, C-contiguous array of shape {shape} and dtype {dtype}: "
        f"write np.empty({shape if models else shape[0]}, np.{dtype})"
    )
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is of type {type_name(out)}, {wanted}")
    if out.dtype != dtype:
        raise TypeError(f"out has dtype {out.dtype}, {wanted}")
    if out.shape != shape:
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
        raise TypeError(f"d is {shown(d)}, {accepted}") from None
    if count < 1:
        raise ValueError(f"d is {shown(count)}, {accepted}")
    if count >= _MOST_COLUMNS:
        raise ValueError(f"d is {shown(count)}, {accepted} to {_MOST_COLUMNS - 1:,}: moments take 8 (d + 2)² bytes")
    return count


def same_columns(name: str, got: int, d: int) -> None:
    """Moments of d columns take data, and add moments, of d columns."""
    if got != d:
        plural = "column" if got == 1 else "columns"
        raise ValueError(f"{name}: {got} {plural} came, accepted are {d}: write gdfast.Moments({got}) for these")


def point(w: Any, b: Any, d: int) -> tuple[Any, float | None]:
    """w and b of `Moments.loss_and_gradient`: w float64 of shape (d,), or () for a number where d is 1."""
    given, w = w, floating("w", w).astype(np.float64)
    if w.shape != (d,) and not (d == 1 and w.ndim == 0):
        number = " or a number" if d == 1 else ""
        advice = _fitting("w", given, w, d)
        raise ValueError(f"w has shape {w.shape}, accepted is w of shape {(d,)}{number}; {advice}")
    return w, None if b is None else scalar("b", b)


def same_rows(name: str, got: int, n: int) -> None:
    """What has a number for each row of a scan has as many as that has rows."""
    if got != n:
        raise ValueError(
            f"{name} has shape {(got,)}, and the scan has more or fewer rows ({n:,} so far): accepted is "
            "one for each row"
        )


# --- shapes -----------------------------------------------------------------------------------------------------------


def matrix(x: Any, name: str = "x", in_columns: bool = False) -> Array:
    """x as (n,) or (n, d), of the dtype that it is stored in.

    With `in_columns` it is a `Table`, which passes for an array, where it came in columns that lie apart.
    """
    array = _in_columns(name, x) if in_columns and type(x) is not np.ndarray else stored(name, x)
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number, accepted is (n,) or (n, d): for one sample write [{name}]")
    if array.ndim > 2:
        raise ValueError(f"{name} has shape {array.shape}, accepted is (n,) or (n, d): {remedies.rows(name, x)}")
    _not_empty(name, array)
    if array.shape[-1] == 0:
        raise ValueError(f"{name} has shape {array.shape}: it has no columns, and at least one is needed")
    return array


def _in_columns(name: str, x: Any) -> Array:
    if isinstance(x, Table):
        return x  # type: ignore[return-value]
    return tables.data(name, x) if tables.is_table(x) else stored(name, x)  # type: ignore[return-value]


def _not_empty(name: str, array: Array) -> None:
    if array.shape[0] == 0:
        raise ValueError(f"{name} has shape {array.shape}: it has no samples, and at least one is needed")


def per_sample(name: str, value: Any, x: Array, dtype: np.dtype[Any], x_name: str = "x") -> Array:
    """An array of one entry a sample."""
    array = floating(name, value)
    n = x.shape[0]
    if array.shape != (n,):
        advice = remedies.flat(name, value, array, n)
        came = f"{name} has shape {array.shape} and {x_name} has shape {x.shape}"
        raise ValueError(f"{came}: accepted is {name} of shape {(n,)}; {advice}")
    return cast(array, dtype)


def coefficients(name: str, value: Any, x: Array, many: bool = False) -> Any:
    """w for x, in the computation's dtype: a float for (n,), (d,) for (n, d), or (d, K) where `many` models may be."""
    if x.ndim == 1 and type(value) is float:
        return value
    array = floating(name, value)
    if array.shape == x.shape[1:]:
        return cast(array, computed(x.dtype)) if array.ndim else float(array)
    found = several.coefficients(name, array, x) if many else None
    if found is not None:
        return cast(found, computed(x.dtype))
    came = f"{name} has shape {array.shape} and x has shape {x.shape}"
    if x.ndim == 1:
        advice = remedies.item(name, value) if array.size == 1 else "for several columns, x is (n, d)"
        raise ValueError(f"{came}: accepted is a number for {name}; {advice}")
    d = x.shape[1]
    wanted = f"{name} of shape {(d,)}{f', or ({d}, K) for K models' if many else ''}"
    advice = (several.turned(name, value, array, d) if many else None) or _fitting(name, value, array, d)
    raise ValueError(f"{came}: accepted is {wanted}; {advice}")


def _fitting(name: str, value: Any, array: Array, d: int) -> str:
    """What to write for coefficients of another shape than (d,)."""
    if array.ndim == 0:
        return f"write np.full({d}, {name})"
    if array.ndim == 1 or array.size != d:
        return f"{array.size} coefficients don't go with {d} columns"
    return remedies.flat(name, value, array, d)


def scalar(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    array = floating(name, value)
    if array.ndim:
        advice = f": {remedies.item(name, value)}" if array.size == 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, accepted is a number{advice}")
    return float(array)


def weights(name: str, weight: Array, some: bool = True) -> Array:
    """Weights below 0 would leave the loss without a least value; of total 0 it has none at all, unless `some` may be.

    `some` is whether one of them has to count.
    """
    lowest, highest = float(weight.min()), float(weight.max())  # which NumPy finds quicker than a sum
    if lowest >= 0 and (highest > 0 or not some) and highest < _LARGE:
        return weight
    with np.errstate(over="ignore", invalid="ignore"):
        total = weight.sum(dtype=np.float64)
    if lowest >= 0 and (total > 0 or not some) and total < np.inf:
        return weight
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    accepted = f"accepted are finite numbers, 0 or more{', not all of them 0' if some else ''}"
    if wrong.size:
        raise ValueError(Message(Entry(name, (int(wrong[0]),)), f" is {weight[wrong[0]]}, {accepted}"))
    raise ValueError(Message(Argument(name), f" adds up to {total}, {accepted}"))
