"""The moments of a data set in NumPy, for the reference backends: the formula, a block of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import validation
from gdfast.conversion import Array
from gdfast.objective import quiet
from gdfast.storage import widened

_BLOCK = 2**16  # numbers of z at a time: the extra memory depends on neither n nor, below that many columns, on d


def moments(x: Any, y: Any, sample_weight: Any = None) -> tuple[NDArray[np.float64], NDArray[np.float64], int, int]:
    """The sum of ``s * outer(z, z)`` over the rows ``z = [x - o, 1, y - p]``, ``[o, p]``, the bytes read, extra bytes.

    Every argument has the dtype of x's computation first, as everywhere; differences, products and sums are float64.
    """
    x, y, s = validation.samples(x, y, sample_weight)
    rows = x.reshape(len(x), -1) if x.ndim == 1 else x
    n, d = rows.shape
    gram = np.zeros((d + 2, d + 2))
    step = max(1, _BLOCK // (d + 2))
    first = 0 if s is None else int(np.argmax(s > 0))  # the origin is near rows that count
    with quiet():
        origin = _medians(*_block(x, y, s, slice(first, first + step)))
        for block in (slice(i, i + step) for i in range(0, n, step)):
            z, weights = _block(x, y, s, block)
            z -= origin
            gram += z.T @ (z if weights is None else weights[:, np.newaxis] * z)
    gram = (gram + gram.T) / 2
    read = sum(array.size * array.itemsize for array in (x, y, s) if array is not None)
    return gram, np.delete(origin, -2), read, 3 * 8 * min(step, n) * (d + 2)


def _block(x: Array, y: Array, s: Array | None, block: slice) -> tuple[NDArray[np.float64], Array | None]:
    """Rows ``[x, 1, y]``, and what they weigh."""
    z = np.column_stack([widened(x[block]), np.ones_like(y[block]), y[block]]).astype(np.float64)
    return z, None if s is None else s[block]


def _medians(z: Array, weights: Array | None) -> NDArray[np.float64]:
    """Of each column's finite values that count the lower median, so a value of its own; 0 of the column of ones."""
    z = z if weights is None else z[weights > 0]
    medians = np.zeros(z.shape[1])
    for k, column in enumerate(z.T):
        finite = np.sort(column[np.isfinite(column)])
        if len(finite):
            medians[k] = finite[(len(finite) - 1) // 2]
    medians[-2] = 0.0
    return medians
