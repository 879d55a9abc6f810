"""Where in a scan a number is that isn't finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gdfast import doctor
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Passes


def first_not_finite(passes: Passes, name: Callable[[int], str]) -> str | None:
    """The first one, with file, piece, column and row; in a pass of its own, where there can be one."""
    if not passes.bound.restartable:
        return None
    at = passes.reduce(not_finite_in, lambda first, _: first)
    if at is None:
        return None
    column = f"column {name(at.column)} of x" if at.column is not None else at.array
    return (
        f"{at.where}: {column} is {at.value} in row {at.row:,} of this piece, and no loss is finite with it: leave "
        "such rows out where the data is written, or fill them in"
    )


class Place(NamedTuple):
    """Of a number that isn't finite."""

    where: str
    array: str  # "x", "y", "sample_weight"
    row: int  # of its piece
    column: int | None  # of x
    value: float


def not_finite_in(piece: Piece) -> Place | None:
    """The first one of a piece: a part for `Passes.reduce`."""
    for name, array in zip(("x", "y", "sample_weight"), piece[:3], strict=True):
        at = None if array is None else doctor.first_not_finite(array)
        if array is not None and at is not None:
            return Place(piece.where, name, int(at[0]), int(at[1]) if len(at) == 2 else None, float(array[at]))
    return None
