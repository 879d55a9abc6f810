"""The reference that every kernel is measured against, and how far from it a kernel may be.

Everything here is slow and obvious: float32 problems are computed in float64, float64 problems in long double.
It also makes the problems: values (`normal`, `integers`) and memory layouts (`LAYOUTS`, `LAYOUTS_1D`).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[Any]

# The bound is C * eps * (2/n) * sum_i |x_ij| * a_i with a_i = sum_k |x_ik w_k| + |b| + |y_i|: what an error of C * eps
# in every residual, relative to the terms it was summed from, would do to the gradient.
#
# Roundings that always happen, in units of u = eps/2: the product x_ik w_k, the residual, the product x_ij r_i, the
# result: 4. A chain of m further additions adds at most m * u, but roundings are of either sign, and m of them (uniform
# in +-u) add up to sqrt(m/3) * u; over L independent lanes that shrinks by sqrt(L). The longest chain here is 256 terms
# in each of 16 lanes: sqrt(256/3) / sqrt(16) = 2.3 u as a standard deviation, relative to a sum that this bound takes
# without its cancellation. So 4 u + 2 * 2.3 u = 8.6 u = 4.3 eps: 4 holds with nearly two standard deviations for the
# worst case of the chains (all terms of one sign and size), and with far more for the random signs that the tests draw.
C = 4.0

# The loss is summed in float64. Where all its terms are equal, roundings go one way and add up: 90 u are the promise.
LOSS_SLACK = 1e-14


class Problem(NamedTuple):
    """Data of one least-squares problem; `w` is a float where x is (n,)."""

    x: Array
    y: Array
    w: Any


class Answer(NamedTuple):
    """What is right, and by how much a result may be off. `grad_w` is always 1-D."""

    loss: Any
    grad_w: Array
    grad_b: Any
    loss_bound: Any
    grad_w_bound: Array
    grad_b_bound: Any


def solve(
    x: Array,
    y: Array,
    w: Any,
    b: float = 0.0,
    sample_weight: Array | None = None,
    reduction: str = "mean",
) -> Answer:
    """Loss, gradients and their bounds, straight from the formulas."""
    wide, slack = _precision(x.dtype)
    rows = x.astype(wide).reshape(len(x), -1)
    w = np.asarray(w, x.dtype).astype(wide).reshape(-1)
    s = np.ones(len(x), wide) if sample_weight is None else sample_weight.astype(wide)
    r = rows @ w + wide(b) - y.astype(wide)
    terms = np.abs(rows) @ np.abs(w) + abs(wide(b)) + np.abs(y.astype(wide))
    return _reduce(rows, r, slack * terms, s, slack, reduction)


def solve_given(x: Array, y: Array, y_pred: Array, reduction: str = "mean") -> Answer:
    """The same where the prediction is given, as `loss` and `gradient` alone have it."""
    wide, slack = _precision(x.dtype)
    r = y_pred.astype(wide) - y.astype(wide)
    r_bound = slack * (np.abs(y_pred.astype(wide)) + np.abs(y.astype(wide)))
    return _reduce(x.astype(wide).reshape(len(x), -1), r, r_bound, np.ones(len(x), wide), slack, reduction)


def predict(x: Array, w: Any, b: float = 0.0) -> tuple[Array, Array]:
    """The prediction, and its bound."""
    wide, slack = _precision(x.dtype)
    rows = x.astype(wide).reshape(len(x), -1)
    w = np.asarray(w, x.dtype).astype(wide).reshape(-1)
    return rows @ w + wide(b), slack * (np.abs(rows) @ np.abs(w) + abs(wide(b)))


def _precision(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The dtype to compute in, and what a unit of a bound is."""
    wide: Any = np.float64 if dtype == np.float32 else np.longdouble
    return wide, C * wide(np.finfo(dtype).eps)


def _reduce(rows: Array, r: Array, r_bound: Array, s: Array, slack: Any, reduction: str) -> Answer:
    total = s.sum() if reduction == "mean" else 1
    loss = s @ (r * r) / total
    return Answer(
        loss=loss,
        grad_w=2 * (rows.T @ (s * r)) / total,
        grad_b=2 * (s @ r) / total,
        loss_bound=s @ (2 * np.abs(r) * r_bound + r_bound**2) / total + max(slack, LOSS_SLACK) * loss,
        grad_w_bound=2 * (np.abs(rows).T @ (s * r_bound)) / total,
        grad_b_bound=2 * (s @ r_bound) / total,
    )


def share(got: Any, want: Any, bound: Any) -> float:
    """The largest error as a share of its bound: right when at most 1. A NaN, or a wrong shape, is infinitely wrong."""
    got = np.asarray(got)
    if got.size != np.size(want):
        return np.inf
    error = np.abs(got.reshape(-1).astype(np.longdouble) - want)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0, error / bound)
    return float(np.max(np.nan_to_num(ratio, nan=np.inf)))


def error_share(result: Any, answer: Answer) -> float:
    """The worst `share` of what `loss_and_gradient` returned, with or without an intercept."""
    loss, grad = result
    grad_w, grad_b = grad if isinstance(grad, tuple) else (grad, None)
    shares = [
        share(loss, answer.loss, answer.loss_bound),
        share(grad_w, answer.grad_w, answer.grad_w_bound),
    ]
    if grad_b is not None:
        shares.append(share(grad_b, answer.grad_b, answer.grad_b_bound))
    return max(shares)


def allowance(backend: Any, x: Array) -> float:
    """How many times the bound a backend may be off: once, but for the references.

    They sum as NumPy and torch do: in x's dtype, in the worst case one long chain over all rows or columns. Of m terms
    that is sqrt(m/3) u, so two standard deviations of it are sqrt(m) / 7 times the C * eps of the bound.
    """
    return 1.0 if backend.name == "native" else 1 + max(x.shape) ** 0.5 / 7


def same_bits(left: Any, right: Any) -> bool:
    """Equal to the last bit (NaN of any payload equals NaN), for numbers, arrays and nested tuples of them."""
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same_bits, left, right))
    left, right = np.asarray(left), np.asarray(right)
    return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=True)


# --- values ---


def normal(n: int, d: int | None, dtype: Any, seed: int = 0) -> Problem:
    """Normal data with noise, at a w that is not the optimum. `d=None`: x is (n,) and w a float."""
    rng = np.random.default_rng([seed, n, d or 0])
    x = rng.standard_normal(n if d is None else (n, d)).astype(dtype)
    truth = rng.standard_normal(d)
    y = (np.dot(x, truth) + rng.standard_normal(n)).astype(dtype)
    w = rng.standard_normal(d)
    return Problem(x, y, float(np.dtype(dtype).type(w)) if d is None else np.asarray(w, dtype))


def integers(n: int, d: int | None, dtype: Any, seed: int = 0) -> Problem:
    """Integers so small that every sum is exact in either dtype, in any order: results must be equal, not close."""
    rng = np.random.default_rng([seed, n, d or 0])
    x = rng.integers(-3, 4, n if d is None else (n, d)).astype(dtype)
    y = rng.integers(-4, 5, n).astype(dtype)
    w = rng.integers(-2, 3, d)
    return Problem(x, y, float(w) if d is None else np.asarray(w, dtype))


def exact_sums(problem: Problem, x: Array | None = None) -> tuple[int, list[int], int]:
    """Loss, gradient in w and gradient in b of the reduction "sum", in integer arithmetic."""
    rows = (problem.x if x is None else x).astype(np.int64).reshape(len(problem.y), -1)
    r = rows @ np.asarray(problem.w, np.int64).reshape(-1) - problem.y.astype(np.int64)
    return int(r @ r), [int(g) for g in 2 * (rows.T @ r)], int(2 * r.sum())


# --- layouts ---
# Each takes a C-ordered array and gives a view of the same shape that lies differently in memory, in a parent that is
# NaN everywhere else: a kernel that uses one element too many gives itself away. Except where strides are 0 or rows
# overlap, the view has the values of what came in.

GUARD = 67  # elements before and after, more than any register or prefetch of whole registers covers


def _place(values: Array, parent_shape: tuple[int, ...], index: Any) -> Array:
    """`values` written into `parent[index]` of a NaN-filled parent that itself lies between NaN guards."""
    size = int(np.prod(parent_shape))
    store = np.full(size + 2 * GUARD, np.nan, values.dtype)
    view: Array = store[GUARD : GUARD + size].reshape(parent_shape)[index]
    view[...] = values
    return view


def _shifted(values: Array, offset: int) -> Array:
    """`values`, contiguous, `offset` bytes after a 64-byte boundary."""
    guard = GUARD * values.itemsize
    store = np.full(values.nbytes + 2 * guard + 64, 0xFF, np.uint8)  # all bits set is a NaN
    start = -(store.ctypes.data + guard) % 64 + guard + offset
    view: Array = store[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    view[...] = values
    return view


def _records(values: Array) -> Array:
    """A field of packed records, a byte of something else before and after: strides are no multiple of the itemsize."""
    record = np.dtype([("before", np.uint8), ("row", values.dtype, values.shape[1:]), ("after", np.uint8)])
    view: Array = _shifted(np.full(len(values) * record.itemsize, 0xFF, np.uint8), 0).view(record)["row"]
    view[...] = values
    return view


def _read_only(values: Array) -> Array:
    view = _place(values, values.shape, ...)
    view.flags.writeable = False
    return view


def aligned_at(offset: int) -> Callable[[Array], Array]:
    """A layout: C order, `offset` bytes after a cache line's start."""
    return lambda values: _shifted(values, offset)


def walled(values: Array) -> Array:
    """`values`, contiguous, up to the last byte before a page that can't be read: one byte too many is a crash."""
    page = mmap.PAGESIZE
    pages = -(-values.nbytes // page)
    memory = mmap.mmap(-1, (pages + 1) * page)
    store = np.frombuffer(memory, np.uint8)
    wall = ctypes.c_void_p(store.ctypes.data + pages * page)
    if ctypes.CDLL(None, use_errno=True).mprotect(wall, ctypes.c_size_t(page), 0) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")
    end = pages * page
    view: Array = store[end - values.nbytes : end].view(values.dtype).reshape(values.shape)
    view[...] = values
    return view


def _windows(values: Array) -> Array:
    """Rows that overlap in memory: row i + 1 starts one element after row i."""
    n, d = values.shape
    base = _place(values.reshape(-1)[: n + d - 1], (n + d - 1,), ...)
    return as_strided(base, (n, d), (base.itemsize, base.itemsize), writeable=False)


Layout = Callable[[Array], Array]

_all = slice(None)
LAYOUTS: dict[str, Layout] = {
    "c": lambda v: _place(v, v.shape, ...),
    "f": lambda v: _place(v.T, v.T.shape, ...).T,
    "row_slice": lambda v: _place(v, (2 * len(v), v.shape[1]), slice(1, None, 2)),
    "column_slice": lambda v: _place(v, (len(v), v.shape[1] + 8), (_all, slice(3, 3 + v.shape[1]))),
    "column_step": lambda v: _place(v, (len(v), 2 * v.shape[1]), (_all, slice(1, None, 2))),
    "rows_reversed": lambda v: _place(v, v.shape, slice(None, None, -1)),
    "columns_reversed": lambda v: _place(v, v.shape, (_all, slice(None, None, -1))),
    "both_reversed": lambda v: _place(v, v.shape, (slice(None, None, -1),) * 2),
    "strided_both": lambda v: _place(v, (3 * len(v), 2 * v.shape[1]), (slice(2, None, 3), slice(0, None, 2))),
    "f_row_slice": lambda v: _place(v.T, (v.shape[1], len(v) + 5), (_all, slice(2, 2 + len(v)))).T,
    "f_column_step": lambda v: _place(v.T, (2 * v.shape[1], len(v)), slice(1, None, 2)).T,
    "f_strided_both": lambda v: _place(v.T, (2 * v.shape[1], 3 * len(v)), (slice(0, None, 2), slice(1, None, 3))).T,
    "f_both_reversed": lambda v: _place(v.T, v.T.shape, (slice(None, None, -1),) * 2).T,
    "stride_0_rows": lambda v: np.broadcast_to(_place(v[:1], (1, v.shape[1]), ...), v.shape),
    "stride_0_columns": lambda v: np.broadcast_to(_place(v[:, :1], (len(v), 1), ...), v.shape),
    "stride_0_both": lambda v: np.broadcast_to(_place(v[:1, :1], (1, 1), ...), v.shape),
    "windows": _windows,
    "misaligned": lambda v: _shifted(v, 1),
    "f_misaligned": lambda v: _shifted(np.ascontiguousarray(v.T), v.itemsize - 1).T,
    "records": _records,
    "f_records": lambda v: _records(np.ascontiguousarray(v.T)).T,
    "read_only": _read_only,
}
LAYOUTS_1D: dict[str, Layout] = {
    "contiguous": lambda v: _place(v, v.shape, ...),
    "step": lambda v: _place(v, (3 * len(v),), slice(1, None, 3)),
    "reversed": lambda v: _place(v, v.shape, slice(None, None, -1)),
    "step_back": lambda v: _place(v, (2 * len(v),), slice(None, None, -2)),
    "stride_0": lambda v: np.broadcast_to(_place(v[:1], (1,), ...), v.shape),
    "misaligned": lambda v: _shifted(v, 1),
    "records": _records,
    "read_only": _read_only,
}
