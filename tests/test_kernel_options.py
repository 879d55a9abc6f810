"""sample_weight, intercept, reduction and out=: each against the oracle, alone and together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

SHAPES: list[tuple[int, int | None]] = [
    (n, d) for n in (1, 2, 16, 17, 129, 257, 1025, 5003) for d in (None, 1, 2, 5, 8, 15, 16, 17, 33, 100)
]


def weights(n: int, dtype: Any) -> Any:
    return np.random.default_rng(n).uniform(0.1, 2.0, n).astype(dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("b", [None, 0.375])
@pytest.mark.parametrize("weighted", [False, True])
def test_options_against_the_oracle(backend: Any, dtype: Any, weighted: bool, b: float | None, reduction: str) -> None:
    for n, d in SHAPES:
        x, y, w = oracle.normal(n, d, dtype)
        s = weights(n, dtype) if weighted else None
        for order in "CF":
            arranged = np.asarray(x, order=order)  # type: ignore[call-overload]
            got = backend.loss_and_gradient(arranged, y, w, b, sample_weight=s, reduction=reduction)
            assert isinstance(got[1], tuple) == (b is not None)
            answer = oracle.solve(x, y, w, b or 0.0, s, reduction)
            assert oracle.error_share(got, answer) <= oracle.allowance(backend, x), (n, d, order)


@pytest.mark.parametrize("d", [None, 3, 16])
def test_types_of_the_results(backend: Any, dtype: Any, d: int | None) -> None:
    problem = oracle.normal(40, d, dtype)
    loss, grad = backend.loss_and_gradient(*problem)
    loss_b, (grad_w, grad_b) = backend.loss_and_gradient(*problem, 0.5)
    assert [type(v) for v in (loss, loss_b, grad_b)] == [float, float, float]
    for g in (grad, grad_w, backend.gradient(problem.x, problem.y, problem.y)):
        if d is None:
            assert type(g) is float
        else:
            assert (g.shape, g.dtype, g.flags.c_contiguous, g.flags.writeable) == ((d,), dtype, True, True)


def test_integer_weights_repeat_rows(backend: Any, dtype: Any) -> None:
    """A weight of 3 is the row three times over; a weight of 0 is no row at all."""
    problem = oracle.integers(64, 5, dtype)
    times = np.random.default_rng(0).integers(0, 4, 64)
    repeated = np.repeat(problem.x, times, axis=0), np.repeat(problem.y, times)
    got = backend.loss_and_gradient(*problem, 1.0, sample_weight=times.astype(dtype), reduction="sum")
    assert oracle.same_bits(got, backend.loss_and_gradient(*repeated, problem.w, 1.0, reduction="sum"))


def test_weights_of_one_are_no_weights(backend: Any, dtype: Any) -> None:
    problem = oracle.integers(1024, 17, dtype)
    got = backend.loss_and_gradient(*problem, sample_weight=np.ones(1024, dtype))
    assert oracle.same_bits(got, backend.loss_and_gradient(*problem))


def test_the_mean_is_the_sum_over_n(backend: Any, dtype: Any) -> None:
    problem = oracle.normal(256, 9, dtype)
    loss, grad = backend.loss_and_gradient(*problem)
    loss_sum, grad_sum = backend.loss_and_gradient(*problem, reduction="sum")
    eps = float(np.finfo(dtype).eps)
    assert loss == pytest.approx(loss_sum / 256, rel=4 * eps)
    np.testing.assert_allclose(grad, grad_sum / 256, rtol=4 * eps)


@pytest.mark.parametrize("reduction", ["Mean", "none", "", None, 1, b"mean"])
def test_unknown_reduction(backend: Any, dtype: Any, reduction: Any) -> None:
    x, y, w = oracle.normal(10, 3, dtype)
    with pytest.raises(ValueError, match=r"reduction.*mean.*sum"):
        backend.loss_and_gradient(x, y, w, reduction=reduction)
    with pytest.raises(ValueError, match=r"reduction.*mean.*sum"):
        backend.loss(y, y, reduction=reduction)
    with pytest.raises(ValueError, match=r"reduction.*mean.*sum"):
        backend.gradient(x, y, y, reduction=reduction)


@pytest.mark.parametrize("b", [None, 0.5])
@pytest.mark.parametrize("d", [1, 5, 16, 100])
def test_out_receives_the_gradient(backend: Any, dtype: Any, d: int, b: float | None) -> None:
    problem = oracle.normal(300, d, dtype)
    want = backend.loss_and_gradient(*problem, b)
    store = np.full(d + 2, np.nan, dtype)
    got = backend.loss_and_gradient(*problem, b, out=store[1:-1])
    grad = got[1] if b is None else got[1][0]
    assert np.shares_memory(grad, store)
    assert oracle.same_bits(got, want)
    assert np.isnan(store[[0, -1]]).all(), "written beyond out"


def test_out_is_the_returned_object(backend: Any, dtype: Any) -> None:
    out = np.empty(4, dtype)
    assert backend.loss_and_gradient(*oracle.normal(10, 4, dtype), out=out)[1] is out


def read_only(a: Any) -> Any:
    a.flags.writeable = False
    return a


BAD_OUT: dict[str, Callable[[Any], Any]] = {
    "length": lambda t: np.empty(5, t),
    "shape": lambda t: np.empty((1, 4), t),
    "dtype": lambda t: np.empty(4, "f8" if t == "f4" else "f4"),
    "integer": lambda t: np.empty(4, np.int64),
    "strided": lambda t: np.empty(8, t)[::2],
    "reversed": lambda t: np.empty(4, t)[::-1],
    "read-only": lambda t: read_only(np.empty(4, t)),
    "list": lambda _: [0.0] * 4,
    "byte order": lambda t: np.empty(4, t.newbyteorder()),
}


@pytest.mark.parametrize("what", BAD_OUT)
def test_bad_out(backend: Any, dtype: Any, what: str) -> None:
    with pytest.raises((ValueError, TypeError), match="out"):
        backend.loss_and_gradient(*oracle.normal(10, 4, dtype), out=BAD_OUT[what](dtype))


def test_out_is_for_matrices_only(backend: Any, dtype: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="out"):
        backend.loss_and_gradient(*oracle.normal(10, None, dtype), out=np.empty(1, dtype))


def test_out_may_be_w(dtype: Any) -> None:
    """The gradient may replace the weights it was computed from: w is read before out is written."""
    x, y, w = oracle.normal(100, 20, dtype)
    want = gdfast.loss_and_gradient(x, y, w)
    assert oracle.same_bits(gdfast.loss_and_gradient(x, y, w, out=w), want)
