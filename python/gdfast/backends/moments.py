"""The moments of a data set in NumPy, for the reference backends: the formula, a block of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import validation

_BLOCK = 2**16  # numbers of z at a time: the extra memory depends on neither n nor, below that many columns, on d


def moments(x: Any, y: Any, sample_weight: Any = None) -> tuple[NDArray[np.float64], int, int]:
    """The sum of ``s * outer(z, z)`` over the rows ``z = [x, 1, y]``, the bytes read of the arguments, and extra bytes.

    Every argument has x's dtype first, as everywhere; products and sums are float64.
    """
    x, y, s = validation.samples(x, y, sample_weight)
    rows = x.reshape(len(x), -1) if x.ndim == 1 else x
    n, d = rows.shape
    gram = np.zeros((d + 2, d + 2))
    step = max(1, _BLOCK // (d + 2))
    for block in (slice(i, i + step) for i in range(0, n, step)):
        z = np.column_stack([rows[block], np.ones_like(y[block]), y[block]]).astype(np.float64)
        gram += z.T @ (z if s is None else s[block, np.newaxis] * z)
    gram = (gram + gram.T) / 2
    read = sum(array.size * array.itemsize for array in (x, y, s) if array is not None)
    return gram, read, 3 * 8 * min(step, n) * (d + 2)
