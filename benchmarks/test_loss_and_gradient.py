"""How fast are loss and gradient, beside what else one would use, for each shape and each level of cache?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gdfast.bench.machine import beyond_cache_bytes
from gdfast.bench.problems import DtypeName, Order, Shape

TimeOn = Callable[[Shape, DtypeName, Order], None]

WITHIN_CACHES = ["4x1", "1000x1", "1000x16", "1000x100", "100000x1", "100000x7", "100000x16", "100000x100"]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("shape", WITHIN_CACHES)
def test_c_order(time_on: TimeOn, shape: str, dtype: DtypeName) -> None:
    time_on(Shape.parse(shape), dtype, "C")


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("shape", ["1000x16", "1000x100", "100000x16"])
def test_fortran_order(time_on: TimeOn, shape: str, dtype: DtypeName) -> None:
    time_on(Shape.parse(shape), dtype, "F")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("d", [1, 7, 16, 100, 1_000, 20_000])
def test_beyond_the_cache(time_on: TimeOn, d: int, order: Order, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--beyond-cache"):
        pytest.skip("runs with --beyond-cache")
    time_on(Shape.of_size(beyond_cache_bytes(), d, "f32"), "f32", order)
