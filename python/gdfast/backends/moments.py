"""The moments of a data set in NumPy, for the reference backends: the formula, a block of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import validation
from gdfast.conversion import Array
from gdfast.objective import quiet

_BLOCK = 2**16  # numbers of z at a time: the extra memory depends on neither n nor, below that many columns, on d


def moments(x: Any, y: Any, sample_weight: Any = None) -> tuple[NDArray[np.float64], NDArray[np.float64], int, int]:
    """The sum of ``s * outer(z, z)`` over the rows ``z = [x - o, 1, y - p]``, ``[o, p]``, the bytes read, extra bytes.

    Every argument has x's dtype first, as everywhere; differences, products and sums are float64.
    """
    x, y, s = validation.samples(x, y, sample_weight)
    rows = x.reshape(len(x), -1) if x.ndim == 1 else x
    n, d = rows.shape
    gram = np.zeros((d + 2, d + 2))
    step = max(1, _BLOCK // (d + 2))
    origin: NDArray[np.float64] | None = None
    with quiet():
        for block in (slice(i, i + step) for i in range(0, n, step)):
            z = np.column_stack([rows[block], np.ones_like(y[block]), y[block]]).astype(np.float64)
            if origin is None:
                origin = _medians(z if s is None else z[s[block] > 0])
            z -= origin
            gram += z.T @ (z if s is None else s[block, np.newaxis] * z)
    assert origin is not None
    gram = (gram + gram.T) / 2
    read = sum(array.size * array.itemsize for array in (x, y, s) if array is not None)
    return gram, np.delete(origin, -2), read, 3 * 8 * min(step, n) * (d + 2)


def _medians(z: Array) -> NDArray[np.float64]:
    """Of each column's finite values the lower median, so a value of its own; 0 of the column of ones."""
    medians = np.zeros(z.shape[1])
    for k, column in enumerate(z.T):
        finite = np.sort(column[np.isfinite(column)])
        if len(finite):
            medians[k] = finite[(len(finite) - 1) // 2]
    medians[-2] = 0.0
    return medians
