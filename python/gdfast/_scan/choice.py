"""Which columns of a table are x, y and weights; and whether a column's type is one of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gdfast._scan.pieces import UNIT_PIECES, Asked, Wanted, piece_rows
from gdfast.wording import listed

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def wanted(what: str, names: Sequence[str], asked: Asked, storage: Callable[[str], np.dtype[Any] | str]) -> Wanted:
    """The columns to read of a source that `what` names.

    `storage` says what a column is stored as: a dtype of numbers, or a word for what else it holds.

    Raises
    ------
    ValueError, TypeError
        There is no such column, none is left for x, a name stands twice, or a column holds no numbers.
    """
    x = chosen(what, names, asked.columns, asked.y, asked.sample_weight)
    kinds = {name: storage(name) for name in (*x, *filter(None, (asked.y, asked.sample_weight)))}
    refuse_no_numbers(what, kinds)
    dtype = FLOAT32 if all(kinds[name] in (np.dtype(np.float16), FLOAT32) for name in x) else FLOAT64
    rows = asked.piece_rows or piece_rows(len(kinds), dtype)
    unit_rows = asked.piece_rows or UNIT_PIECES * rows
    return Wanted(x, asked.y, asked.sample_weight, dtype, rows, unit_rows, asked.missing)


def chosen(
    what: str, names: Sequence[str], columns: tuple[str, ...] | None, y: str | None, sample_weight: str | None
) -> tuple[str, ...]:
    """The columns of x: these, or all but y and sample_weight.

    Raises
    ------
    ValueError
        There is no such column, none is left for x, or a name stands twice.
    """
    twice = sorted({name for name in names if list(names).count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ValueError(f"{what} has more than one column called {listed(twice)}: give each a name of its own")
    special = [name for name in (y, sample_weight) if name is not None]
    for argument, name in (("y", y), ("sample_weight", sample_weight)):
        if name is not None and name not in names:
            raise ValueError(f"{argument} is {name!r}, and {what} has no such column: it has {listed(names)}")
    if len(set(special)) < len(special):
        raise ValueError(f"y and sample_weight are both {special[0]!r}: they have to be two columns")
    x = tuple(name for name in names if name not in special) if columns is None else columns
    missing = [name for name in x if name not in names]
    if missing:
        raise ValueError(f"columns: {what} has no column {listed(missing)}: it has {listed(names)}")
    both = [name for name in x if name in special]
    if both:
        raise ValueError(f"columns has {listed(both)}, which is y or sample_weight as well: leave it out")
    if not x:
        raise ValueError(f"{what} has no column left for x beside {listed(special)}")
    return x


def refuse_no_numbers(what: str, kinds: Mapping[str, np.dtype[Any] | str]) -> None:
    """Raise a TypeError where a column holds no numbers."""
    bad = [name for name, kind in kinds.items() if isinstance(kind, str)]
    if bad:
        found = ", ".join(f"{name!r} ({kinds[name]})" for name in bad[:10])
        raise TypeError(
            f"{what}: no numbers in {found}, accepted are floating point, integers and Booleans: convert what is meant "
            "as a number where the data is written, or name the columns of x with columns=[…]"
        )
