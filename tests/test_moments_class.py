"""The class Moments: loss and gradient, adding, copying, what it takes, and what it says to wrong arguments."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from test_moments import plain


def test_loss_and_gradient_are_those_of_the_data(dtype: np.dtype[Any]) -> None:
    for d in (1, 3, 20):
        x, y, w = oracle.normal(500, d, dtype)
        s = np.linspace(0.5, 1.5, 500).astype(dtype)
        for weights in (None, s):
            moments = gdfast.Moments(d).update(x, y, weights)
            for reduction in ("mean", "sum"):
                for b in (None, 0.5):
                    loss, grad = moments.loss_and_gradient(w, b, reduction=reduction)
                    answer = oracle.solve(x, y, w, b or 0.0, weights, reduction)
                    assert loss == pytest.approx(float(answer.loss), rel=1e-12)
                    grad_w, grad_b = (grad, None) if b is None else grad
                    np.testing.assert_allclose(grad_w, np.asarray(answer.grad_w, float), rtol=1e-10, atol=1e-10)
                    assert grad_b is None or grad_b == pytest.approx(float(answer.grad_b), rel=1e-10, abs=1e-10)
                    assert isinstance(grad_w, np.ndarray)
                    assert grad_w.shape == (d,)
                    assert grad_w.dtype == np.float64


def test_the_loss_is_never_negative() -> None:
    x, _, w = oracle.normal(1000, 5, np.float64)
    moments = gdfast.Moments(5).update(x, x @ w)
    loss, grad = moments.loss_and_gradient(w)
    assert 0 <= loss < 1e-14 * moments.gram[-1, -1]
    assert abs(grad).max() < 1e-12


def test_one_column_takes_and_gives_numbers_and_arrays() -> None:
    moments = gdfast.Moments(1).update([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert moments.loss_and_gradient(0.0) == (30.0, -30.0)
    loss, (grad_w, grad_b) = moments.loss_and_gradient([0.0], 0)
    assert (loss, grad_w.tolist(), grad_b) == (30.0, [-30.0], -10.0)
    column = gdfast.Moments(1).update(np.array([[1.0], [2.0], [3.0], [4.0]]), [2, 4, 6, 8])
    assert oracle.same_bits(column.gram, moments.gram)


def test_parts_add_up_to_the_whole(dtype: np.dtype[Any]) -> None:
    x, y, _ = oracle.integers(1000, 6, dtype)
    s = np.arange(1000).astype(dtype) % 4
    whole = gdfast.Moments(6).update(x, y, s)
    chunks = gdfast.Moments(6)
    for i in range(0, 1000, 130):
        assert chunks.update(x[i : i + 130], y[i : i + 130], s[i : i + 130]) is chunks
    first, second = gdfast.Moments(6).update(x[:7], y[:7], s[:7]), gdfast.Moments(6).update(x[7:], y[7:], s[7:])
    before = first.gram.copy()
    both = first + second
    np.testing.assert_array_equal(first.gram, before)
    first += second
    for moments in (chunks, both, first, second + gdfast.Moments(6).update(x[:7], y[:7], s[:7])):
        np.testing.assert_array_equal(moments.gram, whole.gram)
        assert (moments.n, moments.d) == (1000, 6)
    assert whole.gram[6, 6] == s.sum()


def test_moments_with_and_without_weights_mix() -> None:
    """A sample without a weight counts once."""
    x, y, _ = oracle.integers(20, 2, np.float64)
    mixed = gdfast.Moments(2).update(x[:5], y[:5]).update(x[5:], y[5:], np.full(15, 2))
    np.testing.assert_array_equal(mixed.gram, plain(x, y, np.repeat([1.0, 2.0], [5, 15])))
    assert (mixed.n, mixed.gram[2, 2]) == (20, 35)


@pytest.mark.parametrize("move", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(move: Callable[[gdfast.Moments], gdfast.Moments]) -> None:
    x, y, w = oracle.normal(50, 3, np.float32)
    moments = gdfast.Moments(3).update(x, y)
    other = move(moments)
    assert (other.n, other.d) == (50, 3)
    assert oracle.same_bits(other.loss_and_gradient(w, 1.0), moments.loss_and_gradient(w, 1.0))
    other.update(x, y)
    assert (other.n, moments.n) == (100, 50)
    assert moments.gram[3, 3] == 50


def test_gram_is_read_only_and_symmetric() -> None:
    x, y, _ = oracle.normal(333, 21, np.float32)
    gram = gdfast.Moments(21).update(x, y, abs(y)).gram
    with pytest.raises(ValueError, match="read-only"):
        gram[0, 0] = 1
    np.testing.assert_array_equal(gram, gram.T)
    assert gram.flags.c_contiguous


def test_inputs_as_elsewhere() -> None:
    moments = gdfast.Moments(2).update([[1, 2], [3, 4], [5, 6]], [True, False, True], np.array([1, 2, 3]))
    np.testing.assert_array_equal(
        moments.gram, plain(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([1, 0, 1]), np.array([1, 2, 3]))
    )
    assert repr(moments) == "<gdfast.Moments: n=3, d=2>"


X = np.ones((4, 3))
WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: gdfast.Moments(0), ValueError, "d is 0"),
    (lambda: gdfast.Moments(-1), ValueError, "d is -1"),
    (lambda: gdfast.Moments(2.0), TypeError, "d is 2.0"),  # type: ignore[arg-type]
    (lambda: gdfast.Moments(True), TypeError, "d is True"),
    (lambda: gdfast.Moments("3"), TypeError, "d is '3'"),  # type: ignore[arg-type]
    (
        lambda: gdfast.Moments(2).update(X, np.ones(4)),
        ValueError,
        "X: 3 columns came, accepted are 2: write gdfast.Moments(3)",
    ),
    (lambda: gdfast.Moments(2).update([1.0], [1.0]), ValueError, "X: 1 column came, accepted are 2"),
    (lambda: gdfast.Moments(3).update(X, np.ones(5)), ValueError, "y has shape (5,)"),
    (lambda: gdfast.Moments(3).update(X, np.ones((4, 1))), ValueError, "write y[:, 0]"),
    (lambda: gdfast.Moments(3).update(X, np.ones(4), np.ones(3)), ValueError, "sample_weight has shape (3,)"),
    (lambda: gdfast.Moments(3).update(X[:0], []), ValueError, "no samples"),
    (lambda: gdfast.Moments(3).update(X[:, :0], np.ones(4)), ValueError, "no columns"),
    (lambda: gdfast.Moments(3).update(X * 1j, np.ones(4)), TypeError, "complex128"),
    (lambda: gdfast.Moments(3) + gdfast.Moments(4), ValueError, "4 columns came, accepted are 3"),
    (lambda: gdfast.Moments(3) + 1, TypeError, "unsupported operand"),  # type: ignore[operator]
    (lambda: gdfast.Moments(1).loss_and_gradient(0.0), ValueError, "no samples yet: call update(X, y) first"),
    (lambda: full().loss_and_gradient(0.0), ValueError, "write np.full(3, w)"),
    (lambda: full().loss_and_gradient([1.0]), ValueError, "1 coefficients don't go with 3 columns"),
    (lambda: full().loss_and_gradient(np.ones((3, 1))), ValueError, "write w[:, 0]"),
    (lambda: full().loss_and_gradient(np.ones(3), [1, 2]), ValueError, "b has shape (2,)"),
    (lambda: full().loss_and_gradient(np.ones(3), reduction="none"), ValueError, "accepted are 'mean' and 'sum'"),
]


def full() -> gdfast.Moments:
    return gdfast.Moments(3).update(X, np.ones(4))


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_errors_say_what_to_write(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_after_an_error_nothing_has_changed() -> None:
    moments = full()
    with pytest.raises(ValueError, match="columns came"):
        moments += gdfast.Moments(2)
    with pytest.raises(ValueError, match="y has shape"):
        moments.update(X, np.ones(3))
    assert oracle.same_bits(moments.gram, full().gram)
    assert moments.n == 4


# --- names ------------------------------------------------------------------------------------------------------------


def test_columns_of_tables_are_found_by_name() -> None:
    pd = pytest.importorskip("pandas")
    x, y, _ = oracle.normal(60, 3, np.float64)
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    turned = frame[["c", "a", "b"]]
    want = gdfast.fit(frame, y, optimizer="exact", fit_intercept=True)
    moments = gdfast.Moments(3).update(frame[:20], y[:20]).update(turned[20:40], y[20:40])
    moments += gdfast.Moments(3).update(turned[40:], y[40:])
    fit = moments.solve(fit_intercept=True)
    assert fit.feature_names == ("a", "b", "c")
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-12)
    np.testing.assert_allclose(fit.predict(turned), want.predict(frame), rtol=1e-12)
    held_out = moments.fit(optimizer="exact", fit_intercept=True, validation=(turned, y))
    np.testing.assert_allclose(held_out.validation_losses, want.loss, rtol=1e-12)
    with pytest.raises(ValueError, match="lacks the column 'b'"):
        moments.update(frame[["a", "c"]], y)
    other = gdfast.Moments(3).update(frame.rename(columns={"b": "d"}), y)
    with pytest.raises(ValueError, match="accepted are those of 'a', 'b', 'c'"):
        moments + other
