"""Rows that are left out since a number is missing in them: read as 0, and weighing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import checks, copies, tables
from gdfast._tables.opened import Opened, opened
from gdfast._tables.table import Table
from gdfast.containers import container
from gdfast.conversion import Array, cast, floating
from gdfast.validation import per_sample

MISSING = ("error", "drop")

_BLOCK = 2**16  # numbers of rows left out that are looked at together

Rows = NDArray[np.bool_]


class Without(NamedTuple):
    """x, y and weights in which nothing is missing any more, and how many rows have no weight for that."""

    x: Any
    y: Any
    sample_weight: Any
    rows: int
    kept: Rows | None = None  # which rows count; None where all do


def without(given: tables.Named, missing: Any, name: str = "x") -> Without:
    """What `missing` says about nulls: with "drop", weights that are 0 where there is one in x, y or sample_weight.

    Whatever else such a row holds is read as 0 as well where it isn't finite: 0 times NaN would be NaN.

    Raises
    ------
    ValueError, TypeError
        `missing` is neither "error" nor "drop"; no row is left, or a column holds no numbers.
    """
    checks.one_of("missing", missing, MISSING)
    names = name, "y", "sample_weight"
    if missing == "error":
        return Without(*given, 0)
    found = [with_nulls(*one) for one in zip(names, given, strict=True)]
    if not any(found):
        return Without(*given, 0)
    x: Any = tables.data(name, found[0] or given.x, drop=True) if tables.is_table(given.x) else floating(name, given.x)
    kept = rows_without_nulls(found, len(x))
    if not kept.any():
        raise ValueError("every row has a null, and missing='drop' would leave none: name columns with columns=[…]")
    out = np.flatnonzero(~kept)
    if isinstance(x, Table):
        x = _table_finite_in(x, found[0] or opened(given.x, container(given.x)), out)
    else:
        x = _finite_in(x, out)
    y = _vector("y", found[1] or given.y, x, out)
    s = None if given.sample_weight is None else _vector("sample_weight", found[2] or given.sample_weight, x, out)
    weights = kept.astype(x.dtype)
    if s is not None:
        weights *= per_sample("sample_weight", s, x, x.dtype, name)
    return Without(x, y, copies.made(weights), len(out), kept)


def with_nulls(name: str, value: Any) -> Opened | None:
    """A table or column in which something is missing."""
    if not tables.is_table(value):
        return None
    found = opened(value, container(value))
    found.check(name, drop=True)
    return found if found.nulls else None


def rows_without_nulls(found: Sequence[Opened | None], n: int) -> Rows:
    """Which of n rows have none in any of these."""
    weights = np.ones(n)
    for one in found:
        if one is not None and len(one) == n:
            one.table(weights.dtype)._clear_missing(weights)
    return weights > 0


def _vector(name: str, value: Any, x: Any, out: NDArray[np.intp]) -> Any:
    """y or weights, with 0 in the rows that are left out where there is no finite number."""
    array = tables.read(name, value, drop=True) if isinstance(value, Opened) else floating(name, value)
    if array.shape != (len(x),):
        return value  # whoever checks it says so
    array = floating(name, array)
    return array if np.isfinite(cast(array[out], x.dtype)).all() else _cleared(array, out)


def _cleared(array: Array, out: NDArray[np.intp]) -> Array:
    array = array.copy()
    array[out] = 0
    return copies.made(array)


def _finite_in(x: Array, out: NDArray[np.intp]) -> Any:
    """An array of which these rows are finite: of many columns, those are read as if nulls were there that aren't."""
    bad = _not_finite(x, out)
    if not bad.any():
        return x
    if x.ndim != 2:
        return _cleared(x, out)
    missing = _missing(len(x), out)
    return Table([(x[:, j], missing if bad[j] else None) for j in range(x.shape[1])], len(x), x.dtype)


def _table_finite_in(x: Table, given: Opened, out: NDArray[np.intp]) -> Table:
    """Likewise of a table, of which only columns are copied that aren't finite there."""
    bad = _not_finite(x, out)
    if not bad.any():
        return x
    missing = _missing(len(x), out)
    parts = [column.part for column in given.columns]
    for j in np.flatnonzero(bad):
        parts[j] = (Opened(given.given, [given.columns[j]], given.rows, None).array(), missing)
    return Table(parts, len(x), x.dtype)


def _missing(n: int, out: NDArray[np.intp]) -> Rows:
    missing = np.zeros(n, np.bool_)
    missing[out] = True
    return missing


def _not_finite(x: Any, rows: NDArray[np.intp]) -> Rows:
    """Which columns of x hold something in these rows that isn't finite."""
    found = np.zeros(x.shape[1:], np.bool_)
    step = max(1, _BLOCK // max(1, found.size))
    for start in range(0, len(rows), step):
        found |= ~np.isfinite(x[rows[start : start + step]]).all(axis=0)
    return found
