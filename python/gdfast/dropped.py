"""Rows that are left out since a number is missing in them: read as 0, and weighing nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gdfast import checks, copies, tables
from gdfast._tables.opened import Opened, opened
from gdfast.containers import container
from gdfast.conversion import floating

MISSING = ("error", "drop")


class Without(NamedTuple):
    """x, y and weights in which nothing is missing any more, and how many rows have no weight for that."""

    x: Any
    y: Any
    sample_weight: Any
    rows: int


def without(given: tables.Named, missing: Any, name: str = "x") -> Without:
    """What `missing` says about nulls: with "drop", weights that are 0 where there is one in x, y or sample_weight.

    Raises
    ------
    ValueError, TypeError
        `missing` is neither "error" nor "drop"; no row is left, or a column holds no numbers.
    """
    checks.one_of("missing", missing, MISSING)
    names = name, "y", "sample_weight"
    if missing == "error":
        return Without(*given, 0)
    found = [_with_nulls(*one) for one in zip(names, given, strict=True)]
    if not any(found):
        return Without(*given, 0)
    x = tables.data(name, found[0] or given.x, drop=True) if tables.is_table(given.x) else floating(name, given.x)
    weights = np.ones(len(x), x.dtype)
    for one in found:
        if one is not None and len(one) == len(weights):
            one.table(x.dtype)._clear_missing(weights)
    left_out = len(weights) - int(np.count_nonzero(weights))
    if left_out == len(weights):
        raise ValueError("every row has a null, and missing='drop' would leave none: name columns with columns=[…]")
    y, s = (
        value if one is None else tables.read(what, one, drop=True)
        for what, value, one in list(zip(names, given, found, strict=True))[1:]
    )
    if s is not None:
        s = floating("sample_weight", s)
        if s.shape == weights.shape:
            weights *= s
    return Without(x, y, copies.made(weights), left_out)


def _with_nulls(name: str, value: Any) -> Opened | None:
    """A table or column in which something is missing."""
    if not tables.is_table(value):
        return None
    found = opened(value, container(value))
    found.check(name, drop=True)
    return found if found.nulls else None
