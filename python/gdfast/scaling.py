"""Mean and standard deviation of each column, for `standardize=True`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import optimum
from gdfast.conversion import Array
from gdfast.descent import Gram, Samples
from gdfast.objective import quiet, sample_bytes
from gdfast.storage import widened

# Numbers of a block of rows in float64: 256 KiB, which stay in a core's own cache while they are read four times.
BLOCK = 2**15

Columns = NDArray[np.float64]


class Scaling(NamedTuple):
    """Training descends in the columns (x - shift) / scale."""

    shift: Columns
    scale: Columns  # 0 for a column that is the same everywhere
    bytes_read: int


def scaling(train: Samples, intercept: bool) -> Scaling:
    """Weighted mean and population standard deviation of the columns.

    Nothing can be subtracted from x without an intercept to make up for it: then the shift is 0, and the scale the root
    mean square.
    """
    with quiet():
        if train.gram is not None:
            mean, variance = _of_moments(train.gram)
            read = 0
        else:
            assert train.x is not None
            mean, variance = of_samples(train.x, train.sample_weight)
            read = sample_bytes(train._replace(y=None))
        if not intercept:
            mean, variance = np.zeros_like(mean), variance + mean**2
        return Scaling(mean, np.sqrt(variance), read)


def _of_moments(gram: Gram) -> tuple[Columns, Columns]:
    """A column is constant if its centred sum is exactly 0, as it is about a value of its own."""
    return optimum.means(gram)[:-1], np.diag(optimum.centred(gram))[:-1] / gram.matrix[-2, -2]


def of_samples(x: Array, sample_weight: Array | None) -> tuple[Columns, Columns]:
    """Block by block, each about its own mean; blocks are merged as in Chan, Golub and LeVeque (1983)."""
    n, d = x.shape
    rows = max(1, BLOCK // d)
    first = 0 if sample_weight is None else int(np.argmax(sample_weight > 0))
    origin = widened(x[first]).astype(np.float64)  # a row that counts, so that a constant column is exactly 0
    total, mean, squares = 0.0, np.zeros(d), np.zeros(d)
    for start in range(0, n, rows):
        z = np.subtract(widened(x[start : start + rows]), origin, dtype=np.float64)
        s = np.ones(len(z)) if sample_weight is None else sample_weight[start : start + rows].astype(np.float64)
        weight = float(s.sum())
        if weight == 0:
            continue
        if not s.all():  # a row that doesn't count may be so large that its square is infinite
            z, s = z[s != 0], s[s != 0]
        block_mean = s @ z / weight
        z -= block_mean
        z *= z
        step = block_mean - mean
        squares += s @ z + step**2 * (total * weight / (total + weight))
        total += weight
        mean += step * (weight / total)
    return origin + mean, squares / total
