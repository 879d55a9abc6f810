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


OVERFLOWING = [None, 1, 3, 5, 16, 17, 19, 40, 120]


@pytest.mark.parametrize("d", OVERFLOWING)
@pytest.mark.parametrize("layout_name", ["c", "f", "strided_both", "f_misaligned"])
def test_residuals_too_large_for_float32(backend: Any, d: int | None, layout_name: str) -> None:
    """Numbers that float32 holds, and residuals that only float64 does: loss and gradient are finite."""
    x, y, w = oracle.normal(300, d, "float32")
    x *= np.float32(0.25)
    laid = x if d is None else oracle.LAYOUTS[layout_name](x)
    y[::2], y[1::2] = 3e38, -3e38
    y_pred = -y
    s = np.linspace(0, 2, 300).astype(np.float32)
    got = backend.loss_and_gradient(laid, y, w, -3e38, sample_weight=s)
    assert np.isfinite(got[0])
    assert oracle.error_share(got, oracle.solve(x, y, w, float(np.float32(-3e38)), s)) <= oracle.allowance(backend, x)
    given = backend.loss(y, y_pred), backend.gradient(laid, y, y_pred)
    assert np.isfinite(given[0])
    assert oracle.error_share(given, oracle.solve_given(x, y, y_pred)) <= oracle.allowance(backend, x)


@pytest.mark.parametrize("d", OVERFLOWING)
@pytest.mark.parametrize("order", ["C", "F"])
def test_predictions_too_large_for_float32(backend: Any, d: int | None, order: Any) -> None:
    """x·w is 1e50 and more; the gradient is then too, where the column isn't small, and that no float32 holds."""
    x, y, _ = oracle.normal(200, d, "float32")
    x = np.asarray(x * np.float32(1e-30), order=order)
    x[0] = 1e30
    w: Any = 1e20 if d is None else np.full(d, 1e20, np.float32)
    with np.errstate(over="ignore"):
        loss, grad = backend.loss_and_gradient(x, y, w, reduction="sum")
    answer = oracle.solve(x, y, w, reduction="sum")
    assert loss == pytest.approx(answer.loss, rel=1e-6, abs=0)
    assert np.array_equal(np.atleast_1d(grad), np.full(d or 1, np.inf))
    if d is not None:
        x[0, 1:], x[0, 0] = 0, 1e-8
        w[0] = 3e38
        y[0] = -3e38
        loss, grad = backend.loss_and_gradient(x, y, w, 3e38)
        want = oracle.solve(x, y, w, float(np.float32(3e38)))
        assert oracle.error_share((loss, grad[0]), want) <= oracle.allowance(backend, x)


@pytest.mark.parametrize("d", [None, 3, 16, 40])
@pytest.mark.parametrize("order", ["C", "F"])
def test_sums_too_large_for_float32(backend: Any, d: int | None, order: Any) -> None:
    """Each product fits, a few of them together don't; their mean does."""
    x = np.full(1000 if d is None else (1000, d), 1e10, np.float32, order=order)
    y = np.full(1000, -1e28, np.float32)
    w: Any = 0.0 if d is None else np.zeros(d, np.float32)
    assert backend.loss_and_gradient(x, y, w)[1] == pytest.approx(np.full(d or 1, 2e38), rel=1e-6)
    assert backend.gradient(x, y, 0 * y) == pytest.approx(np.full(d or 1, 2e38), rel=1e-6)


@pytest.mark.parametrize("d", [3, 16, 40])
@pytest.mark.parametrize("value", VALUES)
def test_what_is_not_finite_reaches_the_result_beside_an_overflow(backend: Any, d: int, value: float) -> None:
    x, y, w = oracle.normal(100, d, "float32")
    y[:] = 3e38
    y[50] = value
    check(backend, x, y, w, -3e38, np.ones(100, np.float32))


def test_an_overflow_has_the_same_bits_for_any_number_of_threads() -> None:
    x, y, w = oracle.normal(100_003, 5, "float32")
    y = np.clip(y, -3, 3) * np.float32(1e38)
    results = []
    for k in (1, 2, 7):
        gdfast.set_num_threads(k)
        results.append(gdfast.loss_and_gradient(x, y, w, 3e38))
    assert np.isfinite(results[0][0])
    assert all(oracle.same_bits(results[0], other) for other in results)


@pytest.mark.parametrize("batch_size", [None, 64])
def test_a_descent_from_an_overflow(batch_size: int | None) -> None:
    """A loss that only float64 holds is a number: the fit goes on, in one batch or in shuffled ones."""
    x = np.full((256, 1), 0.3, np.float32)
    y = np.tile(np.array([3e38, -3e38], np.float32), 128)
    w0 = np.array([-3e38], np.float32)
    fit = gdfast.fit(x, y, w0=w0, learning_rate=1, n_iters=10, batch_size=batch_size, rng=0, plan="stream")
    assert fit.losses[0] == pytest.approx(9e76 + 0.9e38**2, rel=0.1 if batch_size else 1e-6)
    assert np.isfinite(fit.losses).all()
    assert fit.losses[-1] < fit.losses[0]


@pytest.mark.parametrize(
    ("n", "d"), [*product((1, 16, 100), (None, 3, 16, 40)), (300_000, None), (300_000, 3), (300_000, 16)]
)
def test_subnormal_numbers_count(dtype: Any, n: int, d: int | None) -> None:
    """Neither the caller nor a worker of the pool flushes them to zero."""
    gdfast.set_num_threads(3)
    tiny = 4 * np.finfo(dtype).smallest_subnormal
    x = np.full(n if d is None else (n, d), tiny, dtype)
    w: Any = 0.0 if d is None else np.zeros(d, dtype)
    loss, grad = gdfast.loss_and_gradient(x, np.full(n, -1, dtype), w)
    assert loss == 1.0
    assert np.array_equal(np.atleast_1d(grad), np.full(d or 1, 2 * tiny, dtype))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("layout_name", ["c", "f", "strided_both"])
@pytest.mark.parametrize("scale", [1e-17, 1e-20, 1e-25])
@pytest.mark.parametrize("d", [1, 4, 15, 40])
def test_squares_too_small_for_float32(backend: Any, d: int, scale: float, layout_name: str, weighted: bool) -> None:
    x, y, w = oracle.normal(3_001, d, np.dtype("float32"))
    s = np.linspace(0.5, 1.5, len(y), dtype=np.float32) if weighted else None
    y = (y * np.float32(scale)).astype(np.float32)
    w = (np.atleast_1d(w) * np.float32(scale)).astype(np.float32)
    answer = oracle.solve(x, y, w, 0.0, s)
    lying = oracle.LAYOUTS[layout_name](x)
    loss, (grad_w, _) = backend.loss_and_gradient(lying, y, w, 0.0, sample_weight=s)
    assert 0 < answer.loss < 1e-31
    assert loss == pytest.approx(answer.loss, rel=1e-6, abs=0)
    assert grad_w == pytest.approx(answer.grad_w, rel=1e-4, abs=1e-5 * float(np.abs(answer.grad_w).max()))
    several, _ = backend.loss_and_gradient(lying, y, np.stack([w, 0 * w], axis=1), sample_weight=s)
    assert several[0] == loss


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
