"""Columns, y among them, whose squares are beyond the range of float64: below it, where they vanish, or above."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gdfast import doctor
from gdfast.conversion import Array
from gdfast.descent import Options, Samples
from gdfast.digits import some
from gdfast.errors import Argument, Message, Part

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments

# A square this far above the least number there is, 4.9e-324, is known to 1e-10.
LEAST_SQUARE = 4.9e-314
# Scales and their inverses can be squared, and the squares of a million rows be added.
LEAST_SCALE, LARGEST_SCALE = 1e-150, 1e150
# The least number of float32 that has all its digits is 1.2e-38.
LEAST_IN_FLOAT32 = 1e-19


def vanishing(train: Samples, options: Options) -> dict[int, float]:
    """Columns that differ by so little that their squares vanish, and about how much that is: no constant ones.

    y is one more, behind those of x. Known where squares were summed: of moments, of y, and of streamed columns whose
    scales were asked for.
    """
    if train.gram is not None:
        return _of_moments(train)
    return _of_columns(train, options) | _of_target(train)


def vanishing_in_float32(train: Samples) -> dict[int, float]:
    """The same, of columns and a y whose squares float32 has not: for rows that are read in float32 as they are."""
    assert train.x is not None
    assert train.y is not None
    target = np.sqrt(np.mean(np.square(train.y.astype(np.float64))))
    sizes = np.append(doctor.column_scales(train), target)
    return {int(j): float(sizes[j]) for j in np.flatnonzero((sizes > 0) & (sizes < LEAST_IN_FLOAT32))}


def _of_columns(train: Samples, options: Options) -> dict[int, float]:
    if train.x is None or options.scale is None or options.shift is None:
        return {}
    small = np.flatnonzero(options.scale**2 < LEAST_SQUARE)
    rows = train.x[:: max(1, len(train.x) // doctor.SAMPLE_ROWS)]
    spread = np.ptp(rows[:, small].astype(np.float64), axis=0)
    return {int(j): float(size) for j, size in zip(small, spread, strict=True) if size > 0}


def _of_target(train: Samples) -> dict[int, float]:
    """A few rows tell of nearly every y that its squares don't vanish; then the others aren't looked at."""
    x, y = train.x, train.y
    if x is None or y is None or np.square(_spread(y[:: max(1, len(y) // doctor.SAMPLE_ROWS)])) >= LEAST_SQUARE:
        return {}
    size = _spread(y)
    return {x.shape[1]: size} if size > 0 and size**2 < LEAST_SQUARE else {}


def _spread(y: Array) -> float:
    return float(y.max()) - float(y.min())


def _of_moments(train: Samples) -> dict[int, float]:
    """A column that is the same everywhere is summed about its own value: all that it has a part in is 0."""
    assert train.gram is not None
    matrix, weight = train.gram.matrix, float(train.gram.matrix[-2, -2])
    sums = np.delete(matrix, -2, axis=0)
    squares = np.delete(matrix.diagonal(), -2)
    small = np.flatnonzero(squares < LEAST_SQUARE * weight)
    small = small[sums[small].any(axis=1)]
    sizes = np.maximum(np.abs(sums[small, -2]) / weight, np.sqrt(squares[small] / weight))
    return dict(zip(small.tolist(), sizes.tolist(), strict=True))


def lost(arguments: FitArguments, columns: Mapping[int, float]) -> Message:
    """What is said of such columns."""
    d, least = arguments.w.size, min(columns.values())
    dtype = arguments.w.dtype if least**2 >= LEAST_SQUARE else "float64"
    sizes = {j: f" (about {size:.0g})" for j, size in columns.items()}
    named: list[str | Part] = [some(arguments.name(j) + size for j, size in sizes.items() if j < d)]
    if d in sizes:
        named += [", " if named[0] else "", Argument("y"), sizes[d]]
    factor = min(300, -math.floor(math.log10(max(max(columns.values()), 1e-300))))
    return Message(
        f"the squares of what is so small are 0 in {dtype}: ",
        *named,
        ". Nothing is known of coefficients there: ",
        f"multiply these columns by a number such as 1e{factor}",
    )


def beyond(arguments: FitArguments, options: Options) -> Message:
    """What is said where a fit can't be, since there are no finite squares, or no finite inverses of them."""
    scales = doctor.column_scales(arguments.train) if options.scale is None else options.scale
    odd = ~((scales >= LEAST_SCALE) & (scales <= LARGEST_SCALE)) & (scales != 0)
    if not odd.any():
        return Message(
            "the squares of the data are beyond the range of its dtype: scale columns, or y, to numbers nearer to 1"
        )
    sizes = {int(j): f" (about {scales[j]:.0g})" if np.isfinite(scales[j]) else "" for j in np.flatnonzero(odd)}
    named = some(arguments.name(j) + size for j, size in sizes.items())
    return Message(f"the squares of {named} are beyond the range of float64: scale columns to numbers nearer to 1")
