"""The strongest hand-written rivals: loss and gradient fused in one Numba loop, as users would write it.

The loops are plain Python; `compiled` hands them to Numba. Each walks x along its memory and reads it from there once.
Sums are in x's dtype, and ``fastmath`` lets the compiler reorder them: what is fastest. A patient user adds in float64
what several thousand rows gave, since a float32 sum over all of a hundred million rows is wrong in the third digit. The
plain loops don't.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from gdfast.bench.problems import Problem

# Bytes of x in a block of rows in Fortran order: a block is read twice, the second time from a level-2 cache of
# common size.
_BLOCK_BYTES = 524_288
_FEWEST_ROWS = 64
# Rows whose sums stay in x's dtype.
_SHORT_SUM = 8_192


def one_feature(x: Any, y: Any, w: Any, grad: Any, start: int, stop: int) -> Any:
    """1-D x: add the rows' gradient to grad[0], return the sum of their squared residuals."""
    loss = total = x.dtype.type(0)
    for i in range(start, stop):
        r = x[i] * w - y[i]
        loss += r * r
        total += r * x[i]
    grad[0] += total
    return loss


def c_order(x: Any, y: Any, w: Any, grad: Any, start: int, stop: int) -> Any:
    """2-D x in C order: four rows' residuals, then their gradient while the rows are in the nearest cache."""
    loss = zero = x.dtype.type(0)
    fours = start + (stop - start) // 4 * 4
    for i in range(start, fours, 4):
        r0 = r1 = r2 = r3 = zero
        for j in range(x.shape[1]):
            r0 += x[i, j] * w[j]
            r1 += x[i + 1, j] * w[j]
            r2 += x[i + 2, j] * w[j]
            r3 += x[i + 3, j] * w[j]
        r0, r1, r2, r3 = r0 - y[i], r1 - y[i + 1], r2 - y[i + 2], r3 - y[i + 3]
        loss += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3
        for j in range(x.shape[1]):
            grad[j] += r0 * x[i, j] + r1 * x[i + 1, j] + r2 * x[i + 2, j] + r3 * x[i + 3, j]
    for i in range(fours, stop):
        r0 = -y[i]
        for j in range(x.shape[1]):
            r0 += x[i, j] * w[j]
        loss += r0 * r0
        for j in range(x.shape[1]):
            grad[j] += r0 * x[i, j]
    return loss


def fortran_order(columns: Any, y: Any, w: Any, grad: Any, start: int, stop: int) -> Any:
    """2-D x in Fortran order, given as x.T: a block of rows at a time, column by column."""
    loss = zero = columns.dtype.type(0)
    block = max(_FEWEST_ROWS, _BLOCK_BYTES // (columns.shape[0] * columns.itemsize))
    for first in range(start, stop, block):
        last = min(first + block, stop)
        r = -y[first:last]
        for j in range(columns.shape[0]):
            column = columns[j, first:last]
            for i in range(last - first):
                r[i] += column[i] * w[j]
        for i in range(last - first):
            loss += r[i] * r[i]
        for j in range(columns.shape[0]):
            column, total = columns[j, first:last], zero
            for i in range(last - first):
                total += column[i] * r[i]
            grad[j] += total
    return loss


def plain_one_feature(x: Any, y: Any, w: Any) -> Any:
    """1-D x: all there is to it."""
    loss = grad = x.dtype.type(0)
    for i in range(x.shape[0]):
        r = x[i] * w - y[i]
        loss += r * r
        grad += r * x[i]
    scale = 2 / len(y)
    return loss / len(y), np.full(1, grad * scale)


def plain_rows(x: Any, y: Any, w: Any) -> Any:
    """2-D x, row by row: a dot product, then its share of the gradient."""
    loss = x.dtype.type(0)
    grad = np.zeros(x.shape[1], x.dtype)
    for i in range(x.shape[0]):
        r = -y[i]
        for j in range(x.shape[1]):
            r += x[i, j] * w[j]
        loss += r * r
        for j in range(x.shape[1]):
            grad[j] += r * x[i, j]
    return loss / len(y), grad * x.dtype.type(2 / len(y))


def compiled(problem: Problem, threads: int, *, plain: bool = False) -> Callable[[], tuple[Any, Any]]:
    """Compile the loop for a problem.

    Parameters
    ----------
    problem : Problem
    threads : int
        With more than one, the rows are cut into as many parts for ``prange``.
    plain : bool
        The loop without blocks, on one thread whatever `threads` says, with all sums in x's dtype.

    Returns
    -------
    callable
        One call is one loss and gradient; the gradient is an array even when d = 1.

    Raises
    ------
    ImportError
        If Numba is not installed.
    """
    x, w = problem.x, problem.w
    if plain:
        one = problem.shape.d == 1
        function = _plain_function(plain_one_feature if one else plain_rows)
        return partial(function, x, problem.y, x.dtype.type(w) if one else w)
    loop: Callable[..., Any] = c_order
    if problem.shape.d == 1:
        loop, w = one_feature, x.dtype.type(w)
    elif problem.order == "F":
        loop, x = fortran_order, x.T
    function = _function(loop, shared=threads > 1)
    return partial(function, x, problem.y, w, problem.shape.d, threads)


@lru_cache
def _plain_function(loop: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    return importlib.import_module("numba").njit(fastmath=True)(loop)  # type: ignore[no-any-return]


@lru_cache
def _function(loop: Callable[..., Any], *, shared: bool) -> Callable[..., tuple[Any, Any]]:
    numba = importlib.import_module("numba")
    prange = numba.prange
    inner = numba.njit(fastmath=True)(loop)

    def add_rows(x: Any, y: Any, w: Any, grad: Any, start: int, stop: int) -> Any:
        loss = 0.0
        for first in range(start, stop, _SHORT_SUM):
            part = np.zeros(grad.shape[0], x.dtype)
            loss += inner(x, y, w, part, first, min(first + _SHORT_SUM, stop))
            grad += part
        return loss

    all_rows = numba.njit(fastmath=True)(add_rows)

    def on_one_thread(x: Any, y: Any, w: Any, d: int, threads: int) -> Any:
        grad = np.zeros(d)
        loss = all_rows(x, y, w, grad, 0, len(y))
        return loss / len(y), grad * (2 / len(y))

    def on_many_threads(x: Any, y: Any, w: Any, d: int, threads: int) -> Any:
        n = len(y)
        grads = np.zeros((threads, d))
        losses = np.zeros(threads)
        for t in prange(threads):
            losses[t] = all_rows(x, y, w, grads[t], n * t // threads, n * (t + 1) // threads)
        return losses.sum() / n, grads.sum(axis=0) * (2 / n)

    if shared:
        return numba.njit(fastmath=True, parallel=True)(on_many_threads)  # type: ignore[no-any-return]
    return numba.njit(fastmath=True)(on_one_thread)  # type: ignore[no-any-return]
