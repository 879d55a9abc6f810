"""Data for the tests of summaries, whose residuals are of no one variance, and the fit of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import gdfast

Array = NDArray[Any]

N, D = 120, 4
rng = np.random.default_rng(0)
X = rng.standard_normal((N, D)) @ rng.standard_normal((D, D)) + [3.0, -1.0, 0.0, 10.0]
Y = X @ [1.0, -0.5, 0.0, 2.0] + 5 + rng.standard_normal(N) * (0.5 + abs(X[:, 0]))
S = rng.uniform(0.2, 3.0, N)
COUNTS = rng.integers(1, 5, N)
CLUSTERS = rng.integers(0, 17, N)


def exact(x: Any = X, y: Any = Y, fit_intercept: bool = True, **options: Any) -> gdfast.Fit:
    return gdfast.fit(x, y, optimizer="exact", fit_intercept=fit_intercept, **options)
