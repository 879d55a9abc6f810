"""Mean and standard deviation of each column, for `standardize=True`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast.conversion import Array
from gdfast.descent import Samples
from gdfast.errors import Argument, Message
from gdfast.objective import quiet, sample_bytes

# Numbers of a block of rows in float64: 256 KiB, which stay in a core's own cache while they are read four times.
BLOCK = 2**15

# A variance is the difference of two moments, each right to about 1e-15 of the mean square: one below this share of the
# mean square can't be told from none.
ROUNDING = 1e-13

FAR = 1e2

LOST_DIGITS = Message(
    "the means of some columns are more than a hundred of their standard deviations, and moments of such columns lose "
    "some of their digits when they are standardised: write ",
    Argument("plan", "stream"),
    ", or subtract something from the columns",
)

Columns = NDArray[np.float64]


class Scaling(NamedTuple):
    """Training descends in the columns (x - shift) / scale."""

    shift: Columns
    scale: Columns
    bytes_read: int

    def loses_digits(self) -> bool:
        """Whether the moments of x are too coarse for those of the standardised columns, which are their differences.

        Of float64's 16 digits a mean of 100 standard deviations takes 4 away.
        """
        return bool(np.any(np.abs(self.shift) > FAR * self.scale))


def scaling(train: Samples, intercept: bool) -> Scaling:
    """Weighted mean and population standard deviation of the columns.

    Nothing can be subtracted from x without an intercept to make up for it: then the shift is 0, and the scale the root
    mean square. A column of scale 0 keeps the scale 1.
    """
    with quiet():
        if train.gram is not None:
            mean, variance = _of_moments(train.gram)
            read = 0
        else:
            assert train.x is not None
            mean, variance = _of_samples(train.x, train.sample_weight)
            read = sample_bytes(train._replace(y=None))
        if not intercept:
            mean, variance = np.zeros_like(mean), variance + mean**2
        scale = np.sqrt(variance)
    return Scaling(mean, np.where(scale == 0, 1.0, scale), read)


def _of_moments(gram: NDArray[np.float64]) -> tuple[Columns, Columns]:
    total = gram[-2, -2]
    mean = gram[:-2, -2] / total
    square = np.diag(gram)[:-2] / total
    variance = square - mean**2
    return mean, np.where(variance <= ROUNDING * square, 0.0, variance)


def _of_samples(x: Array, sample_weight: Array | None) -> tuple[Columns, Columns]:
    """Block by block, each about its own mean; blocks are merged as in Chan, Golub and LeVeque (1983)."""
    n, d = x.shape
    rows = max(1, BLOCK // d)
    origin = x[0].astype(np.float64)  # so that a constant column is exactly 0
    total, mean, squares = 0.0, np.zeros(d), np.zeros(d)
    for start in range(0, n, rows):
        z = np.subtract(x[start : start + rows], origin, dtype=np.float64)
        s = np.ones(len(z)) if sample_weight is None else sample_weight[start : start + rows].astype(np.float64)
        weight = float(s.sum())
        if weight == 0:
            continue
        block_mean = s @ z / weight
        z -= block_mean
        z *= z
        step = block_mean - mean
        squares += s @ z + step**2 * (total * weight / (total + weight))
        total += weight
        mean += step * (weight / total)
    return origin + mean, squares / total
