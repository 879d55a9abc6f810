"""Every layout of x and of the vectors: right, never written, and nothing used from beside them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

SHAPES = [(n, d) for n in (1, 2, 16, 17, 65, 129, 300) for d in (1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 130)]
LARGER = [(4097, 5), (2050, 16), (1025, 100), (40, 4097)]
LENGTHS = [*range(1, 36), 63, 64, 65, 255, 256, 257, 1023, 1025, 4097, 20011]


def whole(view: Any) -> Any:
    """The array that owns a view's memory."""
    while isinstance(view.base, np.ndarray):
        view = view.base
    return view


def digest(*views: Any) -> list[str]:
    return [hashlib.sha256(whole(view).tobytes()).hexdigest() for view in views if isinstance(view, np.ndarray)]


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradient(backend: Any, dtype: Any, layout: oracle.Layout, weighted: bool) -> None:
    """The parent of each view is NaN everywhere else, so a single stray element would show."""
    for n, d in SHAPES + LARGER:
        values, y, w = oracle.normal(n, d, dtype)
        x, b = layout(values), 0.375 if weighted else None
        s = np.linspace(0.5, 1.5, n).astype(dtype) if weighted else None
        got = backend.loss_and_gradient(x, y, w, b, sample_weight=s)
        assert oracle.error_share(got, oracle.solve(x, y, w, b or 0.0, s)) <= oracle.allowance(backend, x), (n, d)


def test_forward_and_gradient_alone(backend: Any, dtype: Any, layout: oracle.Layout) -> None:
    for n, d in SHAPES + LARGER:
        values, y, w = oracle.normal(n, d, dtype)
        x = layout(values)
        y_pred = backend.forward(x, w, 0.375)
        assert oracle.share(y_pred, *oracle.predict(x, w, 0.375)) <= oracle.allowance(backend, x), (n, d)
        answer = oracle.solve_given(x, y, y_pred)
        assert oracle.share(backend.gradient(x, y, y_pred), answer.grad_w, answer.grad_w_bound) <= oracle.allowance(
            backend, x
        ), (n, d)


@pytest.mark.parametrize("d", [None, 3, 16, 33])
def test_layouts_of_the_vectors(backend: Any, dtype: Any, layout_1d: oracle.Layout, d: int | None) -> None:
    """y, w, the weights and the prediction may lie anywhere too."""
    for n in (1, 17, 129, 2050):
        x, y, w = oracle.normal(n, d, dtype)
        y, s = layout_1d(y), layout_1d(np.linspace(0.5, 1.5, n).astype(dtype))
        w = w if d is None else layout_1d(w)
        answer = oracle.solve(x, y, w, 0.375, s)
        assert oracle.error_share(
            backend.loss_and_gradient(x, y, w, 0.375, sample_weight=s), answer
        ) <= oracle.allowance(backend, x), n

        y_pred = layout_1d(np.ascontiguousarray(backend.forward(x, w)))
        result = backend.loss(y, y_pred), backend.gradient(x, y, y_pred)
        assert oracle.error_share(result, oracle.solve_given(x, y, y_pred)) <= oracle.allowance(backend, x), n


def test_one_dimensional_x(backend: Any, dtype: Any, layout_1d: oracle.Layout) -> None:
    for n in LENGTHS:
        values, y, w = oracle.normal(n, None, dtype)
        x = layout_1d(values)
        assert oracle.error_share(
            backend.loss_and_gradient(x, y, w, 0.375), oracle.solve(x, y, w, 0.375)
        ) <= oracle.allowance(backend, x), n


def test_inputs_are_never_written(backend: Any, dtype: Any, layout: oracle.Layout) -> None:
    for n, d in [(33, 5), (300, 17), (40, 4097)]:
        values, y, w = oracle.normal(n, d, dtype)
        x, s = layout(values), np.ones(n, dtype)
        before = digest(x, y, w, s)
        y_pred = backend.forward(x, w, 0.5)
        backend.loss(y, y_pred)
        backend.gradient(x, y, y_pred)
        backend.loss_and_gradient(x, y, w, 0.5, sample_weight=s)
        backend.fit(x, y, w0=w, b0=0.5, fit_intercept=True, learning_rate=1e-4, n_iters=3)
        assert digest(x, y, w, s) == before


def test_all_inputs_may_be_read_only(backend: Any, dtype: Any) -> None:
    x, y, w = (oracle.LAYOUTS["read_only"](v) for v in oracle.normal(300, 17, dtype))
    got = backend.loss_and_gradient(x, y, w, sample_weight=y * y)
    assert oracle.error_share(got, oracle.solve(x, y, w, 0.0, y * y)) <= oracle.allowance(backend, x)


def test_rows_and_columns_of_a_3d_parent(backend: Any, dtype: Any) -> None:
    """A plane of a cube: no stride is the itemsize, and rows aren't multiples of columns."""
    cube = np.random.default_rng(0).standard_normal((17, 19, 23)).astype(dtype)
    for x in (cube[:, :, 5], cube[:, 5, :], cube[5], cube[:, :, 5].T, cube[::2, 3, ::-3]):
        y, w = np.ones(x.shape[0], dtype), np.linspace(-1, 1, x.shape[1]).astype(dtype)
        assert oracle.error_share(backend.loss_and_gradient(x, y, w), oracle.solve(x, y, w)) <= oracle.allowance(
            backend, x
        )


@pytest.mark.parametrize("d", [17, 24, 33, 100, 112, 113])
@pytest.mark.parametrize("n", [20_000, 30_011])
def test_columns_give_the_same_bits_whatever_their_stride(dtype: Any, n: int, d: int) -> None:
    """Columns a multiple of 4 KiB apart share the sets of L1, and are walked in blocks where others are in strips."""
    values, y, w = oracle.normal(n, d, dtype)
    s = np.linspace(0.5, 1.5, n).astype(dtype)
    contiguous = oracle.walled(np.ascontiguousarray(values.T)).T
    results = [gdfast.loss_and_gradient(contiguous, y, w, 0.25, sample_weight=s)]
    for stride in (n + 3, 32_768):
        x = np.zeros((d, stride), dtype)[:, :n].T
        x[...] = values
        results.append(gdfast.loss_and_gradient(x, y, w, 0.25, sample_weight=s))
    assert oracle.error_share(results[0], oracle.solve(values, y, w, 0.25, s)) <= 1
    for loss, gradient in results[1:]:
        assert (loss, gradient[1]) == (results[0][0], results[0][1][1])
        np.testing.assert_array_equal(gradient[0], results[0][1][0])


@pytest.mark.parametrize("layout_name", ["c", "f", "strided_both", "stride_0_rows", "records"])
def test_training_in_every_layout(backend: Any, dtype: Any, layout_name: str) -> None:
    values, y, _ = oracle.normal(257, 5, dtype)
    x = oracle.LAYOUTS[layout_name](values)
    got = backend.fit(x, y, learning_rate=0.05, n_iters=20)
    want = backend.fit(np.array(x), y, learning_rate=0.05, n_iters=20)
    np.testing.assert_allclose(got.w, want.w, rtol=100 * np.finfo(dtype).eps, atol=100 * np.finfo(dtype).eps)
    np.testing.assert_allclose(got.losses, want.losses, rtol=100 * np.finfo(dtype).eps)
