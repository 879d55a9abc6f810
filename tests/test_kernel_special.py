"""NaN, infinities, overflow, subnormals, and the floating-point environment."""

from __future__ import annotations

import math
import platform
from itertools import product
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from conftest import RunPython

SHAPES: list[tuple[int, int | None]] = [(70, None), (35, 1), (35, 5), (35, 12), (35, 16), (35, 19), (20, 40)]
VALUES = [math.nan, math.inf, -math.inf]


def same_pattern(got: Any, want: Any) -> bool:
    """The same components are NaN, +inf and -inf."""
    got, want = np.atleast_1d(got), np.atleast_1d(want).astype(float)
    special = ~np.isfinite(want)
    return bool(np.array_equal(got[special], want[special], equal_nan=True) and np.isfinite(got[~special]).all())


def check(backend: Any, x: Any, y: Any, w: Any, b: float, s: Any) -> None:
    with np.errstate(all="ignore"):
        answer = oracle.solve(x, y, w, b, s)
        loss, (grad_w, grad_b) = backend.loss_and_gradient(x, y, w, b, sample_weight=s)
    assert not np.isfinite(answer.loss)
    assert same_pattern(loss, answer.loss)
    assert same_pattern(grad_b, answer.grad_b)
    assert same_pattern(grad_w, answer.grad_w)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_from_any_position_of_x(backend: Any, dtype: Any, n: int, d: int | None, order: str) -> None:
    x, y, w = oracle.normal(n, d, dtype)
    if order == "F":
        x = np.asarray(x, order="F")
    elif order == "strided":
        x = np.repeat(x, 2, axis=0)[::2] if d is None else oracle.LAYOUTS["strided_both"](x)
    for i, index in enumerate(np.ndindex(x.shape)):
        if backend.name == "native" or i % 7 == 0:
            kept, x[index] = x[index], VALUES[i % 3]
            check(backend, x, y, w, 0.5, None)
            x[index] = kept


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("name", ["y", "w"])
def test_from_any_position_of_the_vectors(backend: Any, dtype: Any, n: int, d: int | None, name: str) -> None:
    x, y, w = oracle.normal(n, d, dtype)
    s = np.linspace(0.5, 1.5, n).astype(dtype)
    vector = {"y": y, "w": np.atleast_1d(w)}[name]
    for i in range(len(vector)):
        for value in VALUES:
            kept, vector[i] = vector[i], value
            check(backend, x, y, float(vector[0]) if name == "w" and d is None else w, 0.5, s)
            vector[i] = kept


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("b", VALUES)
def test_from_the_intercept(backend: Any, dtype: Any, n: int, d: int | None, b: float) -> None:
    check(backend, *oracle.normal(n, d, dtype), b, None)


@pytest.mark.parametrize("d", [None, 5, 16, 40])
def test_through_forward_loss_and_gradient(backend: Any, dtype: Any, d: int | None) -> None:
    x, y, w = oracle.normal(50, d, dtype)
    for i in (0, 15, 16, 48, 49):
        for value in VALUES:
            bad = y.copy()
            bad[i] = value
            with np.errstate(all="ignore"):
                assert same_pattern(backend.loss(bad, y), math.nan if math.isnan(value) else math.inf)
                want = 2 * np.mean((x.T * (bad - y)).T, axis=0)
                assert same_pattern(backend.gradient(x, y, bad), want)
            poisoned = x.copy()
            poisoned[i] = value
            with np.errstate(all="ignore"):
                want = np.dot(poisoned.astype(np.longdouble), w)
                assert same_pattern(backend.forward(poisoned, w), want)


@pytest.mark.parametrize("d", [None, 5, 16, 40])
@pytest.mark.parametrize(("dtype_name", "huge"), [("float32", 1e30), ("float64", 1e150)])
def test_the_loss_does_not_overflow(backend: Any, dtype_name: str, huge: float, d: int | None) -> None:
    x, y, w = oracle.normal(100, d, dtype_name)
    y = np.full_like(y, huge)
    loss, grad = backend.loss_and_gradient(x, y, w)
    assert loss == pytest.approx(float(np.float64(y[0])) ** 2, rel=1e-6)
    assert np.isfinite(grad).all()
    assert backend.loss(y, -y) == pytest.approx(4 * float(y[0]) ** 2, rel=1e-6)


@pytest.mark.parametrize(
    ("n", "d"), [*product((1, 16, 100), (None, 3, 16, 40)), (300_000, None), (300_000, 3), (300_000, 16)]
)
def test_subnormal_numbers_count(dtype: Any, n: int, d: int | None, threads: None) -> None:
    """Neither the caller nor a worker of the pool flushes them to zero."""
    gdfast.set_num_threads(3)
    tiny = 4 * np.finfo(dtype).smallest_subnormal
    x = np.full(n if d is None else (n, d), tiny, dtype)
    w: Any = 0.0 if d is None else np.zeros(d, dtype)
    loss, grad = gdfast.loss_and_gradient(x, np.full(n, -1, dtype), w)
    assert loss == 1.0
    assert np.array_equal(np.atleast_1d(grad), np.full(d or 1, 2 * tiny, dtype))


def test_import_leaves_the_floating_point_environment_alone(run_python: RunPython) -> None:
    """Rounding mode, traps and subnormals are the process's own, before and after import, work and threads."""
    code = """
import ctypes, platform, sys
libm = ctypes.CDLL(None)

def environment():
    state = (ctypes.c_ubyte * 64)()
    libm.fegetenv(state)
    mxcsr = int.from_bytes(bytes(state[28:32]), sys.byteorder)  # where glibc keeps it on x86-64
    return libm.fegetround(), mxcsr & 0xFFC0 if platform.machine() == "x86_64" else 0

before = environment()
import gdfast
import numpy as np
gdfast.set_num_threads(2)
gdfast.loss_and_gradient(np.ones((200_000, 4)), np.ones(200_000), np.ones(4))
assert environment() == before, (environment(), before)
assert np.float64(5e-324) * 1 != 0 and np.float32(1e-45) * np.float32(1) != 0
"""
    if platform.system() != "Linux":
        pytest.skip("asks the C library of Linux")
    run_python(code)
