"""How fast are forward, loss and gradient on their own, beside the NumPy expression for each?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import gdfast
from gdfast.bench.problems import Arena, Shape

SHAPE = Shape(100_000, 16)
PROBLEM = Arena(SHAPE.arena_bytes("f32")).problem(SHAPE)
x, y, w = PROBLEM.x, PROBLEM.y, PROBLEM.w
y_pred = x @ w


def numpy_loss() -> Any:
    r = y_pred - y
    return r @ r / len(y)


def numpy_gradient() -> Any:
    r = y_pred - y
    return r @ x * (2 / len(y))


PIECES: dict[str, dict[str, Callable[[], Any]]] = {
    "forward": {"gdfast": lambda: gdfast.forward(x, w), "numpy": lambda: x @ w},
    "loss": {"gdfast": lambda: gdfast.loss(y, y_pred), "numpy": numpy_loss},
    "gradient": {"gdfast": lambda: gdfast.gradient(x, y, y_pred), "numpy": numpy_gradient},
}


@pytest.mark.parametrize("who", ["gdfast", "numpy"])
@pytest.mark.parametrize("piece", PIECES)
def test_piece(benchmark: BenchmarkFixture, piece: str, who: str) -> None:
    np.testing.assert_allclose(PIECES[piece][who](), PIECES[piece]["numpy"](), rtol=1e-3, atol=1e-5)
    benchmark.group = f"{piece} on {SHAPE} f32"
    benchmark(PIECES[piece][who])
