"""The moments of samples in NumPy: all that least squares depends on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdfast.conversion import Array

BLOCK = 2**17  # numbers of a block of rows: 1 MiB of float64


def moments(x: Array, y: Array, sample_weight: Array | None) -> tuple[NDArray[np.float64], int, int]:
    """The Gram matrix of z = [x, 1, y], the bytes read for it, and 0 for extra memory, which is not counted."""
    n, d = x.shape
    gram = np.zeros((d + 2, d + 2))
    rows = max(1, BLOCK // (d + 2))
    for start in range(0, n, rows):
        block = slice(start, min(n, start + rows))
        z = np.empty((block.stop - start, d + 2))
        z[:, :d], z[:, d], z[:, d + 1] = x[block], 1, y[block]
        gram += z.T @ (z if sample_weight is None else sample_weight[block, None].astype(np.float64) * z)
    gram = (gram + gram.T) / 2
    arrays = (x, y) if sample_weight is None else (x, y, sample_weight)
    return gram, sum(array.size * array.itemsize for array in arrays), 0
