"""How well a model does on some rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gdfast

Array = NDArray[Any]


class Score(NamedTuple):
    """The loss, and the share of the target's variance that the model accounts for."""

    loss: float
    r2: float | None  # None where the target doesn't vary

    @property
    def r2_text(self) -> str:
        return "not defined, for the target is the same in all rows," if self.r2 is None else f"{self.r2:.6g}"


def score(x: Array, y: Array, w: Any, b: float | None, sample_weight: Array | None = None) -> Score:
    """Loss and R² = 1 - loss / variance of y, both weighted.

    Examples
    --------
    >>> import numpy as np
    >>> from gdfast.cli.score import score
    >>> score(np.array([[1.0], [2.0], [3.0]]), np.array([2.0, 4.0, 7.0]), np.array([2.0]), None)
    Score(loss=0.3333333333333333, r2=0.9210526315789473)
    """
    loss, _ = gdfast.loss_and_gradient(x, y, w, b, sample_weight=sample_weight)
    target = y.astype(np.float64)
    mean = np.average(target, weights=sample_weight)
    variance = float(np.average((target - mean) ** 2, weights=sample_weight))
    return Score(loss, 1 - loss / variance if variance > 0 else None)
