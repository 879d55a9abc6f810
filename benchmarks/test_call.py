"""What does a call cost when there is almost nothing to compute, and what does each option add?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import gdfast

n, d = 4, 3
x = np.arange(n * d, dtype=np.float32).reshape(n, d)
y = np.ones(n, dtype=np.float32)
w = np.zeros(d, dtype=np.float32)
weights = np.ones(n, dtype=np.float32)
out = np.empty(d, dtype=np.float32)

CALLS: dict[str, Callable[[], Any]] = {
    "plain": lambda: gdfast.loss_and_gradient(x, y, w),
    "with b": lambda: gdfast.loss_and_gradient(x, y, w, 0.0),
    "with out=": lambda: gdfast.loss_and_gradient(x, y, w, out=out),
    "with sample_weight=": lambda: gdfast.loss_and_gradient(x, y, w, sample_weight=weights),
    "with reduction=": lambda: gdfast.loss_and_gradient(x, y, w, reduction="mean"),
}


@pytest.mark.benchmark(group=f"one call on {n} × {d} f32")
@pytest.mark.parametrize("call", CALLS)
def test_options(benchmark: BenchmarkFixture, call: str) -> None:
    loss, grad = CALLS[call]()
    assert loss == 1.0
    np.testing.assert_array_equal(grad[0] if call == "with b" else grad, [-9.0, -11.0, -13.0])
    benchmark(CALLS[call])


@pytest.mark.benchmark(group=f"one call of a backend on {n} × {d} f32")
@pytest.mark.parametrize("name", gdfast.backends())
def test_backends(benchmark: BenchmarkFixture, name: str) -> None:
    backend = gdfast.backend(name)
    assert backend.loss_and_gradient(x, y, w)[0] == 1.0
    benchmark(backend.loss_and_gradient, x, y, w)
