"""Where in a scan a number is that isn't finite."""

from __future__ import annotations

from collections.abc import Callable

from gdfast import doctor
from gdfast._scan.sums import Passes


def first_not_finite(passes: Passes, name: Callable[[int], str]) -> str | None:
    """The first one, with file, piece, column and row; in a pass of its own, where there can be one."""
    if not passes.bound.restartable:
        return None
    for piece in passes:
        for what, array in zip(("x", "y", "sample_weight"), piece[:3], strict=True):
            at = None if array is None else doctor.first_not_finite(array)
            if array is None or at is None:
                continue
            column = f"column {name(at[1])} of x" if len(at) == 2 else what
            return (
                f"{piece.where}: {column} is {array[at]} in row {at[0]:,} of this piece, and no loss is finite with "
                "it: leave such rows out where the data is written, or fill them in"
            )
    return None
