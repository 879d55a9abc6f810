"""`torch.vmap` over models of one x: all of them from one read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gdfast import _core, torch_models  # noqa: E402
from gdfast.torch import mse_linear  # noqa: E402

ONE = torch.ops.gdfast.mse_linear.default
MODELS = torch_models.op


def problem(dtype: Any = torch.float64, n: int = 20, d: int = 3, models: int = 4) -> tuple[Any, ...]:
    """x, y (n,), targets (K, n), w (K, d) and b (K,)."""
    generator = torch.Generator().manual_seed(0)
    sizes = ((n, d), (n,), (models, n), (models, d), (models,))
    return tuple(torch.randn(size, generator=generator, dtype=dtype) for size in sizes)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each read of x, how many models it was for."""
    seen: list[int] = []
    kernel = _core.loss_and_gradient

    class Core:
        @staticmethod
        def loss_and_gradient(x: Any, y: Any, w: Any, b: Any) -> Any:
            seen.append(w.shape[1] if np.ndim(w) == 2 else 1)
            return kernel(x, y, w, b)

    monkeypatch.setattr("gdfast.torch_models._core", Core)
    monkeypatch.setattr("gdfast.torch_operator._core", Core)
    return seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batched", ["w", "y", "b", "wyb", "wb"])
def test_one_read_with_the_bits_of_single_calls(dtype: Any, batched: str, reads: list[int]) -> None:
    x, y, targets, w, b = problem(dtype, n=1_000, d=17)
    arguments = [targets if "y" in batched else y, w if "w" in batched else w[0], b if "b" in batched else b[0]]
    in_dims = tuple(0 if name in batched else None for name in "ywb")
    found = torch.vmap(lambda *rest: ONE(x, *rest), in_dims=in_dims)(*arguments)
    assert reads == [4]
    for k in range(4):
        alone = ONE(x, *(a if at is None else a[k] for a, at in zip(arguments, in_dims, strict=True)))
        for many, one in zip(found, alone, strict=True):
            assert many.dtype is dtype
            assert torch.equal(many[k], one)


def test_without_an_intercept_and_along_any_dimension(reads: list[int]) -> None:
    x, y, _, w, _ = problem()
    alone = torch.stack([mse_linear(x, y, one) for one in w])
    reads.clear()
    assert torch.equal(torch.vmap(lambda w: mse_linear(x, y, w), in_dims=1)(w.T), alone)
    assert reads == [4]


def test_gradients_of_all_models_take_no_further_read(reads: list[int]) -> None:
    x, y, _, w, b = problem()
    w.requires_grad_()
    b.requires_grad_()
    torch.vmap(lambda w, b: mse_linear(x, y, w, b))(w, b).sum().backward()
    assert reads == [4]
    for k in range(4):
        _, grad_w, grad_b = ONE(x, y, w.detach()[k], b.detach()[k])
        assert torch.equal(w.grad[k], grad_w)
        assert torch.equal(b.grad[k], grad_b)


def test_a_hessian_by_vmap_takes_one_further_read(reads: list[int]) -> None:
    x, y, _, w, _ = problem()
    at = w[0].clone().requires_grad_()
    (grad,) = torch.autograd.grad(mse_linear(x, y, at), at, create_graph=True)
    hessian = torch.vmap(lambda v: torch.autograd.grad(grad, at, v, retain_graph=True)[0])(torch.eye(3, dtype=w.dtype))
    torch.testing.assert_close(hessian, 2 * x.T @ x / len(x))
    assert reads == [1, 3]


@pytest.mark.parametrize("each_its_target", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("sought", ["xywb", "x", "y", "w", "b", "xw"])
def test_derivatives(each_its_target: bool, intercept: bool, sought: str) -> None:
    x, y, targets, w, b = problem(n=5, models=2)
    given = zip("xywb", (x, targets if each_its_target else y, w, b), strict=True)
    arguments = [t.requires_grad_(name in sought) for name, t in given]
    if not intercept:
        if sought == "b":
            pytest.skip("there is none")
        arguments[3] = None
    torch.library.opcheck(MODELS, tuple(arguments))
    losses = lambda *a: MODELS(*a)[0]  # noqa: E731
    assert torch.autograd.gradcheck(losses, tuple(arguments))
    assert torch.autograd.gradgradcheck(losses, tuple(arguments))


def test_models_within_models_and_many_data_sets(reads: list[int]) -> None:
    x, y, _, w, _ = problem()
    both = torch.vmap(torch.vmap(lambda w: mse_linear(x, y, w)))(torch.stack([w, 2 * w]))
    assert reads == [4, 4]
    assert torch.equal(both[1, 2], mse_linear(x, y, 2 * w[2]))
    data = torch.stack([x, x + 1])
    found = torch.vmap(lambda x: mse_linear(x, y, w[0]))(data)
    assert torch.equal(found, torch.stack([mse_linear(one, y, w[0]) for one in data]))


def test_one_column_without_a_dimension(reads: list[int]) -> None:
    x, y, _, w, b = problem()
    found = torch.vmap(lambda w, b: ONE(x[:, 0], y, w, b))(w[:, 0], b)
    assert reads == [4]
    for k in range(4):
        for many, one in zip(found, ONE(x[:, 0], y, w[k, 0], b[k]), strict=True):
            assert torch.equal(many[k], one)


def test_no_models() -> None:
    x, y, _, w, b = problem()
    losses, grad_w, grad_b = torch.vmap(lambda w: ONE(x, y, w, b[0]))(w[:0])
    assert (losses.shape, grad_w.shape, grad_b.shape) == ((0,), (0, 3), (0,))
    with pytest.raises(ValueError, match="over 0 calls"):
        torch.vmap(lambda x: mse_linear(x, y, w[0]))(x[None][:0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y, w, b: torch.vmap(lambda w: mse_linear(x, y, w))(w[:, :2]), r"w has shape \(2,\) and x has"),
        (lambda x, y, w, b: torch.vmap(lambda w: mse_linear(x, y, w))(w[:, :, None]), r"w has shape \(3, 1\) and"),
        (lambda x, y, w, b: torch.vmap(lambda b: mse_linear(x, y, w[0], b))(b[:, None]), r"b has shape \(1,\)"),
        # Neither a target for each model that nobody asked for, nor one number of each for all of them.
        (lambda x, y, w, b: torch.vmap(lambda w: mse_linear(x, y.expand(4, -1), w))(w), r"y has shape \(4, 20\)"),
        (lambda x, y, w, b: torch.vmap(lambda y: mse_linear(x, y, w[0]))(y), r"y has shape \(\) and x has"),
        (lambda x, y, w, b: torch.vmap(lambda y: mse_linear(x, y, w[0]))(y[None, :, None]), r"write y.reshape"),
    ],
)
def test_shapes_are_refused_as_those_of_one_model(call: Any, message: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=message):
        call(*(t for i, t in enumerate(problem()) if i != 2))


def test_dtypes_are_refused_as_those_of_one_model() -> None:
    x, y, _, w, _ = problem()
    with pytest.raises(TypeError, match=r"w has dtype torch\.float32 and x has torch\.float64"):
        torch.vmap(lambda w: mse_linear(x, y, w))(w.float())


def test_compiled() -> None:
    x, y, _, w, b = problem()
    each = torch.vmap(lambda w, b: mse_linear(x, y, w, b))
    compiled = torch.compile(each, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(w, b), each(w, b))
