"""The numbers that say of which group each row is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def group_numbers(group: Any, n: int, count: int) -> NDArray[Any]:
    accepted = _accepted(n, count)
    if group is None:
        raise ValueError(f"group is missing, {accepted}")
    ids = np.asarray(group)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"group is of dtype {ids.dtype}, {accepted}")
    if ids.shape != (n,):
        raise ValueError(f"group has shape {ids.shape}, {accepted}")
    return ids


def wrong_number(ids: NDArray[Any], count: int) -> str:
    first = np.flatnonzero((ids < 0) | (ids >= count))[0]
    return f"group[{first}] is {ids[first]}, {_accepted(len(ids), count)}"


def _accepted(n: int, count: int) -> str:
    return f"accepted are numbers of groups, from 0 to {count - 1}, of shape {(n,)}"
