"""How a descent reads rows: as they are, less a point near their means, or in float64, where digits would be lost.

Beside an offset like that of timestamps every residual is rounded to the offset's digits, though the rows have more;
and in float32 products of two numbers of 10⁻²⁵ are 0. The native loop reads such rows a piece at a time in the cache
(`cpp/engine/sources/`), and what is here is for all else: a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gdfast import doctor, optimum, scaling
from gdfast.conversion import Array
from gdfast.descent import Gram, Options, Samples
from gdfast.digits import SAMPLE_ROWS
from gdfast.storage import FLOAT32, FLOAT64, computed, widened

T = TypeVar("T")

Columns = NDArray[np.float64]

# A mean so many deviations from 0 leaves a residual eleven digits, and coefficients about as many.
FAR = 1e5

# Of columns of this size squares, their sums over many rows, and residuals a thousand times smaller are numbers that
# float32 has with all its digits.
LEAST, LARGEST = 1e-15, 1e15

# Numbers of which a copy is made at a time, where rows come in pieces: 2 MiB.
COPIED = 2**18


class Spread(NamedTuple):
    """Of y."""

    mean: float
    deviation: float

    @property
    def size(self) -> float:
        return float(np.hypot(self.mean, self.deviation))


def spread_of_y(train: Samples) -> Spread:
    """Of evenly spaced rows that count: a factor of two is near enough."""
    if train.gram is not None:
        weight = train.gram.matrix[-2, -2]
        return Spread(float(optimum.means(train.gram)[-1]), _root(optimum.centred(train.gram)[-1, -1] / weight))
    y, s = train.y, train.sample_weight
    assert y is not None
    if s is not None:
        rows = np.flatnonzero(s > 0)
        rows = rows[:: max(1, len(rows) // SAMPLE_ROWS)]
        y, s = y[rows], s[rows]
    else:
        y = y[:: max(1, len(y) // SAMPLE_ROWS)]
    mean, variance = scaling.of_samples(y[:, np.newaxis], s)
    return Spread(float(mean[0]), _root(float(variance[0])))


def _root(square: float) -> float:
    return float(np.sqrt(max(square, 0.0)))


def target_of(options: Options, deviations: Columns, of_y: Spread) -> float | None:
    """What `Options.target` is to be, where the columns have these deviations; None: nothing is far from 0."""
    assert options.shift is not None
    y_is_far = of_y.deviation > 0 and abs(of_y.mean) > FAR * of_y.deviation
    x_is_far = ((deviations > 0) & (np.abs(options.shift) > FAR * deviations)).any()
    if not (y_is_far or x_is_far):
        return None
    return of_y.mean if y_is_far else 0.0  # a number near 0 is best left as it is


def beyond_float32(sizes: Columns) -> bool:
    """Whether float32 holds columns of these sizes, y among them, but not what is reckoned with them."""
    sizes = sizes[sizes > 0]
    return bool(((sizes < LEAST) | (sizes > LARGEST)).any())


def sizes_of_x(train: Samples, options: Options) -> Columns:
    """The root mean square of each column."""
    if options.scale is None or options.shift is None:
        return doctor.column_scales(train)
    return np.asarray(np.hypot(options.shift, options.scale))


# --- what is read -----------------------------------------------------------------------------------------------------


def as_read(samples: Samples, options: Options, dtype: np.dtype[np.floating]) -> Samples:
    """The samples as a descent in `dtype` reads them; moments of them, if there are any, likewise."""
    x, y, s, gram = samples
    target = options.target
    if gram is not None:
        if target is None:
            return samples
        return samples._replace(gram=Gram(gram.matrix, gram.origin - np.append(options.shift, target)))
    assert x is not None
    assert y is not None
    if computed(x.dtype) != dtype:
        x, y, s = widened(x).astype(dtype), y.astype(dtype), None if s is None else s.astype(dtype)
    if target is None:
        return Samples(x, y, s)
    return Samples(widened(x) - options.shift, y - target, s)


def is_read_as_it_is(options: Options, of: np.dtype[np.floating], dtype: np.dtype[np.floating]) -> bool:
    """Whether a descent in `dtype` takes rows computed in `of` without a copy."""
    return options.target is None and of == dtype


def of_blocks(
    part: Callable[[Samples], T | None],
    add: Callable[[T, T], T],
    samples: Samples,
    options: Options,
    dtype: np.dtype[np.floating],
) -> T | None:
    """What `part` makes of the samples as they are read, block by block, added up: a copy of one is there at a time."""
    x, y, s, _ = samples
    assert x is not None
    assert y is not None
    rows = max(1, COPIED // x.shape[1])
    total: T | None = None
    for block in (slice(start, start + rows) for start in range(0, len(x), rows)):
        found = part(as_read(Samples(x[block], y[block], None if s is None else s[block]), options, dtype))
        total = found if total is None or found is None and (found := total) is None else add(total, found)
    return total


def dtype_of(train: Samples, options: Options, of_y: Spread, dtype: np.dtype[np.floating]) -> np.dtype[np.floating]:
    """What a descent on streamed samples of this dtype is computed in."""
    if dtype == FLOAT64 or not beyond_float32(np.append(sizes_of_x(train, options), of_y.size)):
        return dtype
    return FLOAT64


__all__ = ["FLOAT32"]
