"""Problems beyond 32 bits and 10^8 rows. Stride 0 makes them without their memory; the exact answer is known."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import gdfast
import oracle

pytestmark = pytest.mark.slow


def repeated(value: float, n: int) -> Any:
    return np.broadcast_to(np.float32(value), n)


@pytest.mark.parametrize("d", [1, 3, 16, 100, 1000])
def test_more_elements_than_32_bits_count(d: int) -> None:
    """One row of small integers over and over: every sum is exact, and a row too few would show."""
    n = 2**31 // d + 12_345
    row, y, w = oracle.integers(1, d, np.float32)
    loss, grad_w, grad_b = oracle.exact_sums(oracle.Problem(row, y, w))
    x = np.broadcast_to(row, (n, d))
    assert x.size > 2**31
    got = gdfast.loss_and_gradient(x, repeated(y[0], n), w, 0.0, reduction="sum")
    assert oracle.same_bits(got, (float(n * loss), (np.array([n * g for g in grad_w], np.float32), float(n * grad_b))))


def test_more_elements_than_32_bits_count_in_columns() -> None:
    """One column of small integers over and over."""
    n = d = 46_342
    assert n * d > 2**31
    column, y, _ = oracle.integers(n, None, np.float32)
    w = np.resize(np.array([1, -2, 1, 1, -1], np.float32), d)
    x = np.broadcast_to(column[:, None], (n, d))
    loss, grad = gdfast.loss_and_gradient(x, y, w, reduction="sum")
    r = column.astype(np.int64) * int(w.sum()) - y.astype(np.int64)
    assert loss == int(r @ r)
    assert np.array_equal(grad, np.full(d, 2 * (r @ column.astype(np.int64)), np.float32))


def test_more_rows_than_32_bits_count() -> None:
    n = 2**31 + 4_321
    loss, grad = gdfast.loss_and_gradient(repeated(0.75, n), repeated(0.5, n), 2.0)
    assert (loss, grad) == (1.0, 1.5)
    assert gdfast.loss(repeated(0.75, n), repeated(0.5, n), reduction="sum") == n / 16


def sparse(n: int, d: int) -> Any:
    """Zeros that take memory only where they are written, in small pages."""
    try:
        memory = mmap.mmap(-1, n * d * 4)
    except OSError:
        pytest.skip("no address space for it")
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(n, d)


@pytest.mark.parametrize("far", ["rows", "columns"])
@pytest.mark.parametrize("step", [1, 5])
def test_offsets_beyond_32_bits(far: str, step: int) -> None:
    """Elements up to 9 GB apart along rows or columns: the pages between are never touched, and cost nothing."""
    many, few, gap = 2_200, 40, 2**20
    x = sparse(many, gap)[:, : few * step : step]
    if far == "columns":
        x = x.T
    values = np.random.default_rng(0).integers(-3, 4, x.shape)
    x[...] = values
    w = np.random.default_rng(1).integers(-2, 3, x.shape[1])
    loss, grad = gdfast.loss_and_gradient(x, np.ones(len(x), "f4"), w.astype("f4"), reduction="sum")
    r = values @ w - 1
    assert loss == int(r @ r)
    assert np.array_equal(grad, 2 * (values.T @ r))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("d", [None, 3, 16, 33])
def test_accuracy_is_flat_to_1e8_periodic_rows(dtype: str, d: int | None) -> None:
    """10^8 rows of which 10^4 differ: the exact answer is that of one period. Rows overlap, so that it's one vector."""
    period, n = 10_000, 100_000_000
    v, y, _ = oracle.normal(period, None, dtype)
    base = np.resize(v, n + (d or 1) - 1)
    x = base if d is None else as_strided(base, (n, d), 2 * base.strides, writeable=False)
    w: Any = 0.375 if d is None else np.linspace(0.3, -0.7, d).astype(dtype)
    loss, grad = gdfast.loss_and_gradient(x, np.resize(y, n), w)
    want = oracle.solve(np.array(x[:period]), y, w)
    near_loss, near_grad = (1e-7, 1e-6) if dtype == "float32" else (1e-14, 1e-14)
    assert abs(loss - want.loss) <= near_loss * want.loss
    error = np.linalg.norm((grad - want.grad_w).astype(np.float64))
    assert error <= near_grad * np.linalg.norm(want.grad_w.astype(np.float64))


@pytest.mark.parametrize("d", [None, 1, 3, 16, 33])
def test_float32_is_flat_to_1e8_equal_rows(d: int | None) -> None:
    """All terms equal: the rounding of a sum in float32 goes one way. It may not pile up with the number of rows."""
    row, _, w = oracle.normal(1, d, np.float32)

    def evaluate(n: int) -> Any:
        return gdfast.loss_and_gradient(np.broadcast_to(row[0], (n, *row.shape[1:])), repeated(0.7, n), w)

    few, many = evaluate(2**14), evaluate(100_000_000)
    assert many[0] == pytest.approx(few[0], rel=1e-7)
    assert np.linalg.norm(many[1] - few[1]) <= 1e-6 * np.linalg.norm(few[1])
