"""What numbers are stored as, as against what is computed with.

float32, float16 and bfloat16 are computed in float32, all else in float64. The kernels convert a cache-sized block at a
time; the reference backends convert arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast._core import BFLOAT16

__all__ = ["BFLOAT16", "FLOAT32", "FLOAT64", "computed", "is_stored", "named", "widened"]

Array = NDArray[Any]

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

# NumPy has no name for bfloat16: arrays of it are of BFLOAT16, sixteen bits under that name.
_SHORT = (FLOAT32, np.dtype(np.float16), BFLOAT16)
_STORED = {*_SHORT, *map(np.dtype, "?bBhHiIlLqQd")}


def is_stored(dtype: np.dtype[Any]) -> bool:
    """Whether the kernels read this dtype as it is, in the byte order of this machine."""
    return dtype in _STORED


def computed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the computation, for x of this one."""
    if dtype is FLOAT32 or dtype is FLOAT64:
        return dtype
    return FLOAT32 if dtype in _SHORT else FLOAT64


def widened(array: Array) -> Array:
    """The numbers in what they are computed in; the array itself if it is that."""
    if array.dtype is FLOAT32 or array.dtype is FLOAT64:
        return array
    if array.dtype == BFLOAT16:
        return (array["bfloat16"].astype(np.uint32) << 16).view(np.float32)
    return array.astype(computed(array.dtype), copy=False)


def named(array: Array) -> Array:
    """The array with bfloat16 of the package ml_dtypes called as it is here."""
    return array.view(BFLOAT16) if array.dtype.name == "bfloat16" else array
