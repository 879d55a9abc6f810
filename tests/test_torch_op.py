"""`gdfast.torch`: values, derivatives of every order and argument, tracing, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

import gdfast

torch: Any = pytest.importorskip("torch")

from gdfast.torch import LinearMSE, mse_linear  # noqa: E402

N, D = 7, 3
OP = torch.ops.gdfast.mse_linear.default


def problem(dtype: Any = torch.float64, n: int = N, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    drawn = torch.Generator().manual_seed(seed)
    shapes: tuple[tuple[int, ...], ...] = ((n, D), (n,), (D,), ())
    x, y, w, b = (torch.randn(shape, dtype=dtype, generator=drawn) for shape in shapes)
    return x, y, w, b


def eager(x: Any, y: Any, w: Any, b: Any = None) -> Any:
    y_pred = x * w if w.ndim == 0 else x @ w
    return torch.nn.functional.mse_loss(y_pred if b is None else y_pred + b, y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("with_b", [False, True])
def test_loss_and_gradient_are_those_of_the_kernel(dtype: Any, with_b: bool) -> None:
    x, y, w, b = problem(dtype, 1_000)
    arguments = [x, y, w.requires_grad_(), b.requires_grad_()][: 4 if with_b else 3]
    loss: Any = mse_linear(*arguments)
    loss.backward()
    expected, grads = gdfast.loss_and_gradient(x, y, w.detach(), float(b.detach()) if with_b else 0.0)
    assert loss.dtype == w.grad.dtype == dtype
    assert loss.item() == pytest.approx(expected, rel=1e-7)
    assert (w.grad.numpy() == grads[0]).all()
    if with_b:
        assert b.grad.item() == pytest.approx(grads[1], rel=1e-7)


@pytest.mark.parametrize("needs", [m for m in itertools.product([False, True], repeat=4) if any(m)])
@pytest.mark.parametrize("one_column", [False, True])
def test_derivatives_in_any_of_the_arguments(needs: tuple[bool, ...], one_column: bool) -> None:
    x, y, w, b = problem()
    if one_column:
        x, w = x[:, 0].clone(), w[0].clone()
    given = [a.requires_grad_(need) for a, need in zip((x, y, w, b), needs, strict=True)]
    for arguments in (given, given[:3]):
        if any(a.requires_grad for a in arguments):
            assert torch.autograd.gradcheck(mse_linear, arguments)
            assert torch.autograd.gradgradcheck(mse_linear, arguments)
            assert torch.autograd.gradcheck(OP, [*arguments, None][:4])  # all three outputs, as they are registered


@pytest.mark.parametrize("with_b", [False, True])
@pytest.mark.parametrize("in_the_data", [False, True])
def test_opcheck(with_b: bool, in_the_data: bool) -> None:
    x, y, w, b = problem()
    arguments = (x.requires_grad_(in_the_data), y, w.requires_grad_(), b.requires_grad_() if with_b else None)
    done = torch.library.opcheck(OP, arguments)
    assert set(done.values()) == {"SUCCESS"}


def test_first_derivatives_take_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from gdfast import _core

    calls: list[int] = []
    kernel = _core.loss_and_gradient

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return kernel(*arguments)

    monkeypatch.setattr(_core, "loss_and_gradient", counted)
    x, y, w, b = problem()
    loss = mse_linear(x, y, w.requires_grad_(), b.requires_grad_())
    (grad,) = torch.autograd.grad(loss, w, create_graph=True)
    assert len(calls) == 1
    torch.autograd.grad(grad.sum(), w)
    assert len(calls) == 2  # a product with the Hessian


def test_hessians() -> None:
    x, y, w, b = problem()
    expected = 2 * x.T @ x / N
    for vectorize in (False, True):
        found = torch.autograd.functional.hessian(lambda w: mse_linear(x, y, w, b), w, vectorize=vectorize)
        torch.testing.assert_close(found, expected)
    blocks = torch.autograd.functional.hessian(lambda w, b: mse_linear(x, y, w, b), (w, b))
    torch.testing.assert_close(blocks[0][1], 2 * x.mean(0))
    torch.testing.assert_close(blocks[1][1], torch.tensor(2.0, dtype=x.dtype))


def test_vmap_has_the_bits_of_single_calls() -> None:
    x, y, w, b = problem()
    many = torch.stack([w, 2 * w, -w])
    alone = torch.stack([mse_linear(x, y, one, b) for one in many])
    assert (torch.vmap(lambda w: mse_linear(x, y, w, b))(many) == alone).all()
    assert (torch.vmap(lambda w: mse_linear(x, y, w, b), in_dims=1)(many.T) == alone).all()
    data = torch.stack([x, x + 1])
    torch.testing.assert_close(
        torch.vmap(mse_linear, in_dims=(0, None, None))(data, y, w), torch.stack([eager(one, y, w) for one in data])
    )
    many.requires_grad_()
    torch.vmap(lambda w: mse_linear(x, y, w, b))(many).sum().backward()
    for one, grad in zip(many.detach(), many.grad, strict=True):
        torch.testing.assert_close(grad, OP(x, y, one, b)[1])


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch's own, in jvp
def test_other_transforms_are_refused_and_never_wrong() -> None:
    """torch takes forward derivatives of an operator from outside for 0, without a word."""
    x, y, w, _ = problem()

    def loss(w: Any) -> Any:
        return mse_linear(x, y, w)

    for call in (
        lambda: torch.func.grad(loss)(w),
        lambda: torch.func.hessian(loss)(w),
        lambda: torch.func.jacfwd(loss)(w),
        lambda: torch.func.jvp(loss, (w,), (w,)),
        lambda: torch.func.jvp(torch.vmap(loss), (w[None],), (w[None],)),
        lambda: torch.vmap(torch.func.grad(loss))(w[None]),
    ):
        with pytest.raises(NotImplementedError, match=r"write torch.autograd.grad\(loss, w\)"):
            call()  # type: ignore[no-untyped-call]
    for start in (w, w.clone().requires_grad_()):
        with torch.autograd.forward_ad.dual_level(), pytest.raises(NotImplementedError, match="forward mode"):
            loss(torch.autograd.forward_ad.make_dual(start, w))
    with pytest.raises(RuntimeError, match="forward mode"):  # torch's own class of error, around ours
        torch.compile(lambda w: torch.func.jvp(loss, (w,), (w,)), fullgraph=True, backend="aot_eager")(w)
    compiled = torch.compile(loss, backend="aot_eager")
    with torch.autograd.forward_ad.dual_level(), pytest.raises(Exception, match="forward mode"):
        compiled(torch.autograd.forward_ad.make_dual(w, w))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compile(dynamic: bool) -> None:
    def function(x: Any, y: Any, w: Any, b: Any) -> Any:
        return mse_linear(x, y, 2 * w, b).sin()

    compiled = torch.compile(function, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for n in (7, 5):
        ours = [a.requires_grad_() for a in problem(n=n)]
        theirs = [a.requires_grad_() for a in problem(n=n)]
        compiled(*ours).backward()
        eager(theirs[0], theirs[1], 2 * theirs[2], theirs[3]).sin().backward()
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a.grad, b.grad)


def test_tracing_keeps_the_operator() -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    x, y, w, b = problem()
    graph = make_fx(mse_linear)(x, y, w, b)
    torch.testing.assert_close(graph(x, y, 2 * w, b), eager(x, y, 2 * w, b))  # no number was taken for a constant


def test_what_watches_sees_the_operator() -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: list[Any] = []

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, called: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(called)
            return called(*args, **(kwargs or {}))

    x, y, w, b = problem()
    alone = mse_linear(x, y, w.requires_grad_(), b)
    with Watch():  # type: ignore[no-untyped-call]
        assert mse_linear(x, y, w, b) == alone
    assert OP in seen
    with torch.profiler.profile() as profile:
        mse_linear(x, y, w, b)
    assert "gdfast::mse_linear" in {event.key for event in profile.key_averages()}


def test_what_the_short_way_does_not_know_goes_through_the_operator() -> None:
    x, y, w, b = problem()
    complex_rows = torch.complex(torch.zeros_like(x), x)
    assert mse_linear(complex_rows.conj().imag, y, w, b) == mse_linear(-x, y, w, b)  # a lazy sign
    assert mse_linear(torch.nn.Parameter(x), y, w, b) == mse_linear(x, y, w, b)
    with pytest.raises(ValueError, match="y has shape"):
        mse_linear(x, y[:-1], w, b)
    with pytest.raises(TypeError, match=r"write x.to_dense\(\)"):
        mse_linear(x.to_sparse(), y, w, b)


def test_a_graph_is_walked_as_often_as_asked_for() -> None:
    x, y, w, b = problem()
    loss = mse_linear(x, y, w.requires_grad_(), b.requires_grad_())
    weights = torch.tensor([1.0, 2.0], dtype=x.dtype)
    (first,) = torch.autograd.grad(loss, w, retain_graph=True)
    for create_graph in (False, True):
        (many,) = torch.autograd.grad(
            loss, w, weights, retain_graph=True, create_graph=create_graph, is_grads_batched=True
        )
        torch.testing.assert_close(many, weights[:, None] * first)
    many[1].sum().backward()  # derivatives of what was batched
    torch.testing.assert_close(w.grad, 2 * (2 * x.T @ x / N).sum(0))
    torch.testing.assert_close(b.grad, 2 * 2 * x.mean(0).sum())
    again = torch.utils.checkpoint.checkpoint(mse_linear, x, y, w, b, use_reentrant=False)
    torch.testing.assert_close(torch.autograd.grad(again, w)[0], first)
    loss = mse_linear(x, y, w, b)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, w, create_graph=True)


def test_any_memory_layout() -> None:
    x, y, w, _ = problem()
    expected = eager(x, y, w)
    wide = torch.zeros(2 * N, D, dtype=x.dtype)
    wide[::2] = x
    for same in (x.T.contiguous().T, wide[::2], torch._neg_view(-x)):
        torch.testing.assert_close(mse_linear(same, y, w), expected)


def test_meta() -> None:
    loss = mse_linear(*(a.to("meta") for a in problem()))
    assert loss.shape == ()
    assert loss.device.type == "meta"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x, y, w, b: (x.to_sparse(), y, w, b), TypeError, r"x has the layout .*write x.to_dense\(\)"),
        (lambda x, y, w, b: (x.half(), y, w, b), TypeError, r"x has dtype torch.float16.*write x.float\(\)"),
        (lambda x, y, w, b: (x, y, w.float(), b), TypeError, r"w has dtype torch.float32.*write w.to\(x.dtype\)"),
        (lambda x, y, w, b: (x, y[:, None], w, b), ValueError, r"y has shape \(7, 1\).*write y.reshape\(\(7,\)\)"),
        (lambda x, y, w, b: (x, y, w[:2], b), ValueError, r"w has shape \(2,\).*accepted is w of shape \(3,\)$"),
        (lambda x, y, w, b: (x, y, w, b[None]), ValueError, r"b has shape \(1,\).*write b.reshape\(\(\)\)"),
        (lambda x, y, w, b: (x.numpy(), y, w, b), TypeError, r"x is of type numpy.ndarray.*write torch.as_tensor\(x\)"),
        (lambda x, y, w, b: (x, y.tolist(), w, b), TypeError, r"y is of type list, accepted are tensors"),
        (lambda x, y, w, b: (x, y, w.detach().numpy(), 1.0), TypeError, r"w is of type numpy.ndarray"),
        (lambda x, y, w, b: (x[:0], y[:0], w, b), ValueError, "no samples"),
        (lambda x, y, w, b: (x[None], y, w, b), ValueError, r"x has shape \(1, 7, 3\)"),
    ],
)
def test_what_is_refused(change: Callable[..., Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mse_linear(*change(*problem()))


def test_other_devices_get_a_clear_error() -> None:
    from gdfast.torch_checks import refuse_elsewhere

    # Of no device but the CPU is there one everywhere: meta stands for it.
    x, y, w, _ = problem()
    with pytest.raises(TypeError, match=r"x is on meta, accepted are tensors on the CPU: write x.cpu\(\)"):
        refuse_elsewhere(x.to("meta"), y, w, None)


def test_linear_mse_trains_as_linear_does() -> None:
    x, y, _, _ = problem(n=50)
    ours, theirs = LinearMSE(D, dtype=torch.float64), torch.nn.Linear(D, 1, dtype=torch.float64)
    with torch.no_grad():
        ours.weight.copy_(theirs.weight[0])
        assert ours.bias is not None
        ours.bias.copy_(theirs.bias[0])
    steps = [torch.optim.Adam(model.parameters(), lr=0.05) for model in (ours, theirs)]
    for _ in range(20):
        for step in steps:
            step.zero_grad()
        losses: list[Any] = [ours(x, y), eager(x, y, theirs.weight[0], theirs.bias[0])]
        for loss, step in zip(losses, steps, strict=True):
            loss.backward()
            step.step()
    torch.testing.assert_close(ours.weight.detach(), theirs.weight[0].detach())
    torch.testing.assert_close(ours.predict(x), theirs(x)[:, 0])
    again = LinearMSE(D, dtype=torch.float64)
    again.load_state_dict(ours.state_dict())
    assert again(x, y) == ours(x, y)
    assert LinearMSE(4, bias=False).bias is None


def test_gdfast_brings_no_torch(run_python: Callable[..., str]) -> None:
    assert run_python("import sys, gdfast; print('torch' in sys.modules)") == "False\n"
