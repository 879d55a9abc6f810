"""The data of a fit: samples, validation, and where coefficients start; each checked, in the form a descent takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gdfast import spelled, tables
from gdfast import validation as arrays
from gdfast._scan.sums import Passes
from gdfast._tables.table import Table
from gdfast.conversion import Array, cast
from gdfast.descent import Samples
from gdfast.errors import Argument, Message
from gdfast.scan import Scan
from gdfast.storage import computed, widened
from gdfast.wording import shown, type_name


def samples(matrix: Array, y: Any, weight: Any, y_name: str, weight_name: str, x_name: str) -> Samples:
    dtype = computed(matrix.dtype)
    y = arrays.per_sample(y_name, y, matrix, dtype, x_name)
    if weight is not None:
        weight = arrays.per_sample(weight_name, weight, matrix, dtype, x_name)
        arrays.weights(weight_name, weight)
    return Samples(matrix.reshape(-1, 1) if matrix.ndim == 1 else matrix, y, weight)


def in_arrays(samples: Samples) -> Samples:
    x: Any = samples.x
    return samples._replace(x=x.copied()) if isinstance(x, Table) else samples


def validation(given: Any, x: Array, columns: tuple[str, ...] | None) -> Samples:
    accepted = "accepted is (x, y) or (x, y, sample_weight)"
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"validation is of type {type_name(given)}, {accepted}")
    if len(given) not in (2, 3):
        raise ValueError(f"validation has {len(given)} parts, {accepted}")
    found = tables.named("validation[0]", *given, *(None,) * (3 - len(given)))
    found = found._replace(x=tables.by_name("validation[0]", found.x, columns))
    try:
        return _held_out(found, x)
    except (TypeError, ValueError):
        spelled.refuse(found, spelled.Asked.of(given, columns), spelled.VALIDATION, needed=True)
        raise


def _held_out(given: tables.Named, x: Array) -> Samples:
    x_name, y_name, weight_name = spelled.VALIDATION
    matrix: Any = arrays.matrix(given.x, x_name, in_columns=True)
    if matrix.shape[1:] != x.shape[1:]:
        accepted = "(n,)" if x.ndim == 1 else f"(n, {x.shape[1]})"
        raise ValueError(
            f"validation[0] has shape {matrix.shape} and x has shape {x.shape}: accepted is validation[0] of shape "
            f"{accepted}, with the columns of x"
        )
    if computed(matrix.dtype) != computed(x.dtype):
        matrix = cast(matrix if isinstance(matrix, Table) else widened(matrix), computed(x.dtype))
    return samples(matrix, given.y, given.sample_weight, y_name, weight_name, x_name)


def passes_over(x: Scan | Passes, y: Any, sample_weight: Any, columns: Any, missing: Any) -> Passes:
    """Passes over a scan whose columns may be chosen where it is used, and not where it was made."""
    if isinstance(x, Passes):
        return x
    if missing != "error":
        raise ValueError(f"missing is {shown(missing)} for a scan: write it there, gdfast.scan(…, missing='drop')")
    return Passes.over(x if columns is None else x.with_columns(tables.texts(columns)), y, sample_weight)


def scanned_validation(given: Any, passes: Passes) -> tuple[Any, Passes | None]:
    """Validation for a scan: arrays, as they came; or another scan."""
    if not (isinstance(given, tuple | list) and given and isinstance(given[0], Scan)):
        return given, None
    held_out = Passes.over(given[0], *given[1:3], *(None,) * (3 - len(given)))
    bound = held_out.bound
    if (bound.names, bound.d, bound.dtype) != (passes.bound.names, passes.bound.d, passes.bound.dtype):
        raise ValueError(
            f"validation[0] has {bound.d:,} columns of {bound.dtype} and x has {passes.bound.d:,} of "
            f"{passes.bound.dtype}: accepted is a scan with the columns of x, in their order and of their dtypes"
        )
    return None, held_out


def columns(x: Any, matrix: Array) -> tuple[str, ...] | None:
    """The names of x's columns, where it is a table that has some."""
    names = tables.names("x", x)
    return names if matrix.ndim == 2 and names is not None and len(names) == matrix.shape[1] else None


def start(w0: Any, matrix: Array) -> Array:
    """Where w starts, in an array of its own: a fit never hands out the caller's w0."""
    dtype = computed(matrix.dtype)
    if w0 is None:
        return np.zeros(1 if matrix.ndim == 1 else matrix.shape[1], dtype)
    start = cast(np.atleast_1d(arrays.coefficients("w0", w0, matrix)), dtype).copy()
    wrong = np.flatnonzero(~np.isfinite(start))
    if wrong.size:
        where = "w0" if matrix.ndim == 1 else f"w0[{wrong[0]}]"
        raise ValueError(f"{where} is {start[wrong[0]]} in {dtype}, accepted are finite numbers")
    return start


def intercept(b0: Any, fit_intercept: object, dtype: np.dtype[Any]) -> float | None:
    if not isinstance(fit_intercept, (bool, np.bool_)):
        came = f" is {shown(fit_intercept)}, accepted are True and False (its start is b0)"
        raise TypeError(Message(Argument("fit_intercept"), came))
    if not fit_intercept:
        if b0 is not None:
            why = "b0 is where the intercept starts, but there is none to fit: write "
            raise ValueError(Message(why, Argument("fit_intercept", True)))
        return None
    if b0 is None:
        return 0.0
    start = float(cast(np.array(arrays.scalar("b0", b0)), dtype))
    if not math.isfinite(start):
        raise ValueError(f"b0 is {start} in {dtype}, accepted is a finite number")
    return start
