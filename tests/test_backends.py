"""The implementations are interchangeable: the same names, signatures and, up to rounding, results."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

SHAPES = [(n, d) for n in (1, 2, 3, 17, 100) for d in (None, 1, 2, 3, 7, 16, 33)]
FUNCTIONS = ["forward", "loss", "gradient", "loss_and_gradient", "fit"]

pytest_shapes = pytest.mark.parametrize(("n", "d"), SHAPES)
pytest_reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])


# --- the registry -----------------------------------------------------------------------------------------------------


def test_the_best_backend_comes_first() -> None:
    assert gdfast.backends()[:2] == ["native", "numpy"]
    assert set(gdfast.backends()) <= {"native", "numpy", "torch"}


def test_a_backend_is_one_object(backend: Any) -> None:
    assert gdfast.backend(backend.name) is backend
    assert pickle.loads(pickle.dumps(backend)) is backend
    assert backend.name in repr(backend)


@pytest.mark.parametrize("name", ["jax", "Native", "", "base", None, 3])
def test_an_unknown_backend_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match=r"'native', 'numpy', 'torch'"):
        gdfast.backend(name)
    with pytest.raises(ValueError, match=r"'native', 'numpy', 'torch'"):
        gdfast.fit([1.0], [1.0], backend=name)


@pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")
def test_the_functions_of_the_module_are_the_native_ones() -> None:
    native = gdfast.backend("native")
    for name in FUNCTIONS[:-1]:
        assert getattr(gdfast, name) is getattr(native, name) is getattr(gdfast._core, name)
    assert gdfast.fit([1.0], [1.0]).backend is native


@pytest.mark.parametrize("function", FUNCTIONS[:-1])
def test_signatures_are_the_same(function: str) -> None:
    wanted = inspect.signature(getattr(gdfast.backend("numpy"), function))
    for name in gdfast.backends():
        signature = inspect.signature(getattr(gdfast.backend(name), function))
        assert parameters(signature) == parameters(wanted), name


def test_fit_takes_the_same_options_with_and_without_a_name() -> None:
    general = parameters(inspect.signature(gdfast.fit))
    assert general[-1][0] == "backend"
    for name in gdfast.backends():
        assert parameters(inspect.signature(gdfast.backend(name).fit)) == general[:-1]


def parameters(signature: inspect.Signature) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


# --- results ----------------------------------------------------------------------------------------------------------


@pytest_shapes
@pytest_reductions
def test_loss_and_gradient(backend: Any, dtype: np.dtype[Any], n: int, d: int | None, reduction: str) -> None:
    x, y, w = oracle.normal(n, d, dtype)
    weights = np.random.default_rng(n).uniform(0.5, 2, n).astype(dtype)
    for b in (None, 0.75):
        for s in (None, weights):
            want = oracle.solve(x, y, w, b or 0.0, s, reduction)
            got = backend.loss_and_gradient(x, y, w, b, sample_weight=s, reduction=reduction)
            assert oracle.error_share(got, want) <= 1
            grad_w = got[1] if b is None else got[1][0]
            assert type(grad_w) is float if d is None else (grad_w.shape, grad_w.dtype) == ((d,), dtype)


@pytest_shapes
@pytest_reductions
def test_forward_loss_and_gradient(backend: Any, dtype: np.dtype[Any], n: int, d: int | None, reduction: str) -> None:
    x, y, w = oracle.normal(n, d, dtype)
    want = oracle.solve(x, y, w, 0.75, reduction=reduction)
    y_pred = backend.forward(x, w, 0.75)
    assert (y_pred.shape, y_pred.dtype) == ((n,), dtype)
    assert oracle.share(backend.loss(y, y_pred, reduction=reduction), want.loss, want.loss_bound) <= 1
    assert oracle.share(backend.gradient(x, y, y_pred, reduction=reduction), want.grad_w, want.grad_w_bound) <= 1
    no_intercept = oracle.solve(x, np.zeros_like(y), w, reduction="sum")
    squares = backend.loss(np.zeros_like(y), backend.forward(x, w), reduction="sum")
    assert oracle.share(squares, no_intercept.loss, no_intercept.loss_bound) <= 1


@pytest.mark.parametrize(("n", "d"), [(3, 2), (17, 7), (40, 33)])
def test_every_layout(backend: Any, dtype: np.dtype[Any], layout: Callable[[Any], Any], n: int, d: int) -> None:
    problem = oracle.normal(n, d, dtype)
    x = layout(problem.x)
    want = oracle.solve(np.array(x), problem.y, problem.w, 0.5)
    assert oracle.error_share(backend.loss_and_gradient(x, problem.y, problem.w, 0.5), want) <= 1
    y_pred = backend.forward(x, problem.w, 0.5)
    assert oracle.share(backend.loss(problem.y, y_pred), want.loss, want.loss_bound) <= 1
    assert oracle.share(backend.gradient(x, problem.y, y_pred), want.grad_w, want.grad_w_bound) <= 1


@pytest.mark.parametrize("n", [3, 40])
def test_every_layout_of_vectors(backend: Any, dtype: np.dtype[Any], layout_1d: Callable[[Any], Any], n: int) -> None:
    problem = oracle.normal(n, None, dtype)
    x, y, s = layout_1d(problem.x), layout_1d(problem.y), layout_1d(np.full(n, 0.5, dtype))
    want = oracle.solve(np.array(x), np.array(y), problem.w, 0.5, np.array(s))
    assert oracle.error_share(backend.loss_and_gradient(x, y, problem.w, 0.5, sample_weight=s), want) <= 1
    y_pred = layout_1d(backend.forward(x, problem.w))
    loss = np.square(y_pred.astype(np.longdouble) - y).mean()
    assert float(abs(backend.loss(y, y_pred) - loss)) <= 8 * np.finfo(dtype).eps * float(
        loss
    )  # each residual is rounded once


@pytest.mark.parametrize("d", [None, 1, 5, 17])
def test_small_integers_are_exact(backend: Any, dtype: np.dtype[Any], d: int | None) -> None:
    problem = oracle.integers(64, d, dtype)
    loss, grad_w, grad_b = oracle.exact_sums(problem)
    got_loss, (got_w, got_b) = backend.loss_and_gradient(*problem, 0.0, reduction="sum")
    assert (got_loss, np.atleast_1d(got_w).tolist(), got_b) == (loss, grad_w, grad_b)
    y_pred = backend.forward(problem.x, problem.w)
    assert backend.loss(problem.y, y_pred, reduction="sum") == loss
    assert np.atleast_1d(backend.gradient(problem.x, problem.y, y_pred, reduction="sum")).tolist() == grad_w


def test_the_sum_is_n_times_the_mean(backend: Any) -> None:
    x, y, w = oracle.integers(64, 3, np.float64)
    mean_loss, mean_grad = backend.loss_and_gradient(x, y, w)
    sum_loss, sum_grad = backend.loss_and_gradient(x, y, w, reduction="sum")
    assert sum_loss == 64 * mean_loss
    np.testing.assert_array_equal(sum_grad, 64 * mean_grad)


def test_weights_count_samples(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y, w = oracle.integers(16, 3, dtype)
    counts = np.arange(16) % 4
    repeated = backend.loss_and_gradient(np.repeat(x, counts, 0), np.repeat(y, counts), w, 1.0, reduction="sum")
    weighted = backend.loss_and_gradient(x, y, w, 1.0, sample_weight=counts, reduction="sum")
    assert oracle.same_bits(weighted, repeated)


def test_the_loss_overflows_in_float64_only(backend: Any) -> None:
    y = np.array([0.0, 0.0], np.float32)
    y_pred = np.array([1e30, -1e30], np.float32)
    np.testing.assert_allclose(backend.loss(y, y_pred), 1e60, rtol=1e-6)
    loss, _ = backend.loss_and_gradient(np.array([1, -1], np.float32), y, 1e30, reduction="sum")
    np.testing.assert_allclose(loss, 2e60, rtol=1e-6)


def test_autograd_records_whatever_the_caller_does() -> None:
    torch = pytest.importorskip("torch")
    backend = gdfast.backend("torch")
    x, y, w = oracle.integers(16, 3, np.float64)
    want = backend.loss_and_gradient(x, y, w, 1.0)
    for context in (torch.no_grad(), torch.inference_mode(), torch.set_grad_enabled(False)):
        with context:
            assert oracle.same_bits(backend.loss_and_gradient(x, y, w, 1.0), want)
            backend.gradient(x, y, y)
