"""What the tests of training share: small data, the batches of a pass, and whole trajectories to compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import gdfast
import oracle

PASSES = 200
N, D = 40, 3
RTOL = 1e-10


class Trajectory(NamedTuple):
    """What a callback sees, pass by pass, and the objective at the end."""

    w: Any
    b: Any
    losses: Any


def data(weighted: bool) -> tuple[Any, Any, Any]:
    """Columns of unequal scale, an offset to fit, and weights of which some are 0."""
    x, y, _ = oracle.normal(N, D, np.float64)
    s = np.random.default_rng(1).integers(0, 4, N) / 2 if weighted else None
    return x * [1.0, 0.5, 2.0], y + 3, s


def batches(size: int | None, shuffle: bool, seed: int) -> Iterator[list[Any]]:
    """The rows of each batch of each pass."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(N) if shuffle and size else np.arange(N)
        yield [order[start : start + (size or N)] for start in range(0, N, size or N)]


def recorded(backend: Any, x: Any, y: Any, **options: Any) -> Trajectory:
    steps: list[gdfast.Step] = []
    fit = backend.fit(x, y, callback=steps.append, n_iters=PASSES, plan="stream", **options)
    assert fit.losses.tolist() == [step.loss for step in steps]
    return Trajectory([s.w for s in steps], [s.b for s in steps], [*fit.losses, fit.loss])


def assert_close(got: Trajectory, want: Trajectory) -> None:
    scale = np.abs(np.array(want.w)).max()
    np.testing.assert_allclose(got.w, want.w, rtol=RTOL, atol=RTOL * scale)
    np.testing.assert_allclose(got.losses, want.losses, rtol=RTOL)
    if want.b[0] is None:
        assert set(got.b) == {None}
    else:
        np.testing.assert_allclose(got.b, want.b, rtol=RTOL, atol=RTOL * np.abs(want.b).max())


def allowed(optimizers: Any, penalties: list[dict[str, float]]) -> list[Any]:
    """Parameters (optimizer, penalty) of a test; momentum and Adam refuse an l1 penalty."""
    return [
        pytest.param(name, penalty, id=f"{name}-{penalty}")
        for name in optimizers
        for penalty in penalties
        if "l1" not in penalty or name not in ("momentum", "adam")
    ]
