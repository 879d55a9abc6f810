"""What does training cost, from the tutorial's four samples to data that fill a cache, on each backend?"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import gdfast
from gdfast.bench.problems import Arena, Shape

TUTORIAL_X = np.array([1, 2, 3, 4], dtype=np.float32)


@pytest.mark.benchmark(group="the tutorial's loop: 4 × 1 f32, 100 passes")
@pytest.mark.parametrize("name", gdfast.backends())
def test_tutorial(benchmark: BenchmarkFixture, name: str) -> None:
    fit = gdfast.backend(name).fit
    y = 2 * TUTORIAL_X
    assert fit(TUTORIAL_X, y, n_iters=100).w == pytest.approx(2.0, abs=1e-5)
    benchmark(fit, TUTORIAL_X, y, n_iters=100)


@pytest.mark.parametrize("name", gdfast.backends())
@pytest.mark.parametrize("shape", ["1000x16", "100000x16"])
def test_passes(benchmark: BenchmarkFixture, shape: str, name: str) -> None:
    size = Shape.parse(shape)
    problem = Arena(size.arena_bytes("f32")).problem(size)
    fit, expected = gdfast.backend(name).fit, gdfast.backend("numpy").fit(problem.x, problem.y, n_iters=10)
    result = fit(problem.x, problem.y, n_iters=10)
    np.testing.assert_allclose(result.losses, expected.losses, rtol=1e-4)
    benchmark.group = f"{size} f32, 10 passes"
    benchmark(fit, problem.x, problem.y, n_iters=10)
