"""Where equality is promised, equality is tested: exact data, repeated calls, alignments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

SHAPES = [
    (n, d)
    for n in (1, 2, 15, 16, 17, 33, 127, 129, 257, 1025)
    for d in (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 65, 129)
]


def sums(backend: Any, x: Any, y: Any, w: Any) -> tuple[float, list[float], float]:
    loss, (grad_w, grad_b) = backend.loss_and_gradient(x, y, w, 0.0, reduction="sum")
    return loss, np.atleast_1d(grad_w).tolist(), grad_b


def test_small_integers_are_exact_in_every_layout(backend: Any, dtype: Any, layout: oracle.Layout) -> None:
    for n, d in SHAPES:
        problem = oracle.integers(n, d, dtype)
        x = layout(problem.x)
        assert sums(backend, x, problem.y, problem.w) == oracle.exact_sums(problem, x), (n, d)


@pytest.mark.parametrize(("n", "d"), [(20011, 3), (20011, 17), (4097, 100), (300, 1000), (40, 5000)])
def test_small_integers_are_exact_in_larger_problems(
    backend: Any, dtype: Any, layout: oracle.Layout, n: int, d: int
) -> None:
    problem = oracle.integers(n, d, dtype)
    x = layout(problem.x)
    loss, grad_w, grad_b = oracle.exact_sums(problem, x)
    if max(map(abs, [*grad_w, grad_b])) < 2 ** (np.finfo(dtype).nmant - 2):  # else it isn't exact in x's dtype
        assert sums(backend, x, problem.y, problem.w) == (loss, grad_w, grad_b)
    else:
        assert layout in (oracle.LAYOUTS["stride_0_rows"], oracle.LAYOUTS["stride_0_both"])


def test_small_integers_are_exact_for_one_dimensional_x(backend: Any, dtype: Any, layout_1d: oracle.Layout) -> None:
    for n in [*range(1, 70), 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 4097, 20011]:
        problem = oracle.integers(n, None, dtype)
        x = layout_1d(problem.x)
        assert sums(backend, x, problem.y, problem.w) == oracle.exact_sums(problem, x), n


@pytest.mark.parametrize("d", [None, 5, 16, 40])
def test_the_mean_over_a_power_of_two_is_exact(backend: Any, dtype: Any, d: int | None) -> None:
    problem = oracle.integers(1024, d, dtype)
    loss, grad_w, grad_b = oracle.exact_sums(problem)
    got_loss, (got_w, got_b) = backend.loss_and_gradient(*problem, 0.0)
    assert (got_loss, got_b) == (loss / 1024, grad_b / 1024)
    assert np.atleast_1d(got_w).tolist() == [g / 1024 for g in grad_w]


@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 16), (17, 3), (33, 8), (129, 15), (257, 16), (300, 100), (2001, 33)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_alignment_changes_no_bit(dtype: Any, order: str, n: int, d: int) -> None:
    x, y, w = oracle.normal(n, d, dtype)
    want = gdfast.loss_and_gradient(np.asarray(x, order=order), y, w, 0.5)  # type: ignore[call-overload]
    for offset in (0, dtype.itemsize, 2 * dtype.itemsize, 3 * dtype.itemsize, 32, 1, dtype.itemsize + 1):
        place = oracle.aligned_at(offset)
        moved = place(x) if order == "C" else place(np.ascontiguousarray(x.T)).T
        assert moved.ctypes.data % 64 == offset
        got = gdfast.loss_and_gradient(moved, place(y), place(w), 0.5)
        assert oracle.same_bits(got, want), f"{offset} bytes after a cache line's start"


def test_a_view_with_gaps_has_the_bits_of_its_packed_copy(dtype: Any) -> None:
    """One dtype's data in one order gives the same bits however its rows are spaced, and wherever the vectors lie.

    Not so where pieces are packed first, as of `records`: a piece ends some of the sums early.
    """
    for n, d in [(17, 3), (129, 15), (257, 16), (1025, 40), (300, 257), (5000, 40)]:
        x, y, w = oracle.normal(n, d, dtype)
        want = gdfast.loss_and_gradient(oracle.LAYOUTS["c"](x), y, w, 0.5)
        for name in ("row_slice", "column_slice", "misaligned", "read_only"):
            got = gdfast.loss_and_gradient(oracle.LAYOUTS[name](x), y, w, 0.5)
            assert oracle.same_bits(got, want), (name, n, d)
        for name, layout in oracle.LAYOUTS_1D.items():
            if name != "stride_0":
                got = gdfast.loss_and_gradient(x, layout(y), layout(w), 0.5)
                assert oracle.same_bits(got, want), (name, n, d)


@pytest.mark.parametrize("d", [None, 3, 16, 100])
def test_repeated_calls_give_the_same_bits(backend: Any, dtype: Any, d: int | None) -> None:
    problem = oracle.normal(5003, d, dtype)
    first = backend.loss_and_gradient(*problem, 0.5)
    for _ in range(20):
        assert oracle.same_bits(backend.loss_and_gradient(*problem, 0.5), first)
