"""How a descent reads rows: as they are; or in float64, or less a point near their means, where digits would be lost.

Beside an offset like that of timestamps every residual is rounded to the offset's digits, though the rows have more;
and in float32 a product of two numbers of 10⁻²⁵ is 0. The native loop makes such rows a piece at a time in the cache
(`cpp/engine/sources/`); everything else makes a copy, here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import doctor, optimum, scaling
from gdfast._fit import data
from gdfast.conversion import Array
from gdfast.descent import Gram, Options, Samples
from gdfast.digits import SAMPLE_ROWS
from gdfast.objective import Data, FromMoments, LossAndGradient, Streamed, quiet
from gdfast.storage import FLOAT64, computed, widened

Columns = NDArray[np.float64]
DType = np.dtype[Any]

# With a mean so many deviations from 0 residuals keep eleven digits, and coefficients about as many.
FAR = 1e5

# Of columns of such sizes float32 has all digits of squares, of their sums, and of residuals a thousand times smaller.
LEAST, LARGEST = 1e-15, 1e15


class Spread(NamedTuple):
    """Of y. Where it isn't far from 0, only its size matters."""

    mean: float
    deviation: float


def spread_of_y(train: Samples) -> Spread:
    """From moments; or of evenly spaced rows that count, since about is near enough."""
    with quiet():
        if train.gram is not None:
            weight, squares = train.gram.matrix[-2, -2], optimum.centred(train.gram)[-1, -1]
            return Spread(float(optimum.means(train.gram)[-1]), float(np.sqrt(max(squares / weight, 0.0))))
        assert train.y is not None
        return _spread_of_rows(train.y, train.sample_weight)


def _spread_of_rows(y: Array, s: Array | None) -> Spread:
    # Of m numbers the deviation is at least the range by √(2m): so most data is told by that alone.
    if s is None:
        y = y[:: max(1, len(y) // SAMPLE_ROWS)]
        low, high = float(y.min()), float(y.max())
        size = max(-low, high)
        if size * math.sqrt(4 * SAMPLE_ROWS) <= FAR * (high - low):
            return Spread(0.0, size)
    else:
        rows = np.flatnonzero(s > 0)
        rows = rows[:: max(1, len(rows) // SAMPLE_ROWS)]
        y, s = y[rows], s[rows]
    mean, variance = scaling.of_samples(y[:, np.newaxis], s)
    return Spread(float(mean[0]), float(np.sqrt(variance[0])))


def chosen(train: Samples, options: Options, dtype: DType, intercept: bool, y: Spread) -> tuple[Options, DType]:
    """The options with what is subtracted of y and x, if anything is, and the dtype of the descent.

    `options` have the deviations of the columns as scales, where these are known.
    """
    with quiet():
        if dtype == FLOAT64 or train.gram is not None:
            target = _target(options, y) if intercept else None
            return options if target is None else options._replace(target=target), dtype
        sizes = np.append(_sizes_of_x(train, options), np.hypot(y.mean, y.deviation))
        beyond = (sizes > 0) & ((sizes < LEAST) | (sizes > LARGEST))
        return options, FLOAT64 if beyond.any() else dtype


def _target(options: Options, y: Spread) -> float | None:
    """What is subtracted of y. None: neither x nor y is far from 0, and nothing is subtracted."""
    assert options.shift is not None
    assert options.scale is not None
    if y.deviation > 0 and abs(y.mean) > FAR * y.deviation:
        return y.mean
    far = np.abs(options.shift) > FAR * options.scale
    return 0.0 if (far & (options.scale > 0)).any() else None


def _sizes_of_x(train: Samples, options: Options) -> Columns:
    if options.scale is None or options.shift is None:
        return doctor.column_scales(train)
    return np.asarray(np.hypot(options.shift, options.scale))


def data_of(samples: Samples, loss_and_gradient: LossAndGradient, options: Options, dtype: DType) -> Data:
    """What a descent in `dtype` evaluates."""
    read = as_read(samples, options, dtype)
    if read.gram is not None:
        return FromMoments(read.gram, options.reduction)
    return Streamed(loss_and_gradient, read, options.reduction, samples)


def as_read(samples: Samples, options: Options, dtype: DType) -> Samples:
    """The samples, or their moments, as a descent in `dtype` has them."""
    shift, target = options.shift, options.target
    if samples.gram is not None:
        if shift is None or target is None:
            return samples
        return samples._replace(gram=Gram(samples.gram.matrix, samples.gram.origin - np.append(shift, target)))
    assert samples.x is not None
    is_narrower = computed(samples.x.dtype) != dtype
    if target is None and not is_narrower:
        return samples
    x, y, s, _ = data.in_arrays(samples)
    assert x is not None
    assert y is not None
    if is_narrower:
        x, y, s = widened(x).astype(dtype), y.astype(dtype), None if s is None else s.astype(dtype)
    return Samples(x, y, s) if target is None else Samples(widened(x) - shift, y - target, s)
