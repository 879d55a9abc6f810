"""The operator behind `gdfast.torch`: its registration, its derivatives, and a shorter way to call it.

The dispatcher takes 10 µs to an operator written in Python, and a derivative registered for it 40 more. So plain
tensors go to the kernel by a function of autograd's. What traces, compiles, transforms or watches sees the operator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdfast import _core, torch_checks, torch_models
from gdfast.torch_models import added

_library = torch_models.library
_library.define("mse_linear(Tensor x, Tensor y, Tensor w, Tensor? b) -> (Tensor, Tensor, Tensor)")
op = torch.ops.gdfast.mse_linear.default

_NUMPYS = {torch.float32: np.float32, torch.float64: np.float64}


def _on_the_cpu(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The loss, and its gradient in w and b: three tensors that share memory with nothing else."""
    torch_checks.check(x, y, w, b)
    start = w.numpy(force=True) if w.ndim else w.item()
    intercept = 0.0 if b is None else b.item()
    loss, grads = _core.loss_and_gradient(x.numpy(force=True), y.numpy(force=True), start, intercept)
    dtype = _NUMPYS[x.dtype]
    return _tensor(loss, dtype), _tensor(grads[0], dtype), _tensor(grads[1], dtype)


def _tensor(value: Any, dtype: Any) -> Tensor:
    """Of an array or a number; torch makes one of an array four times as fast as of a number."""
    return torch.from_numpy(np.asarray(value, dtype))


def _shapes(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """What comes out, without any number: for tracing."""
    torch_checks.check(x, y, w, b)
    return x.new_empty(()), w.new_empty(w.shape), x.new_empty(())


# --- its derivatives --------------------------------------------------------------------------------------------------


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, y, w, b = inputs
    # An output that nobody used has no gradient, and costs no read of x then.
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(x, y, w, b, *output[1:])


def _backward(ctx: Any, g: Tensor | None, gw: Tensor | None, gb: Tensor | None) -> tuple[Tensor | None, ...]:
    """Derivatives of g·loss + gw·grad_w + gb·grad_b.

    With r = x w + b - y the loss is r·r / n. In (w, b) the derivative of the second part is the Hessian times (gw, gb),
    which is the gradient of the loss for y = 0 at (gw, gb). In x and y it is written out, for those who need it.
    """
    x, y, w, b, grad_w, grad_b = ctx.saved_tensors
    needs_x, needs_y, needs_w, needs_b = ctx.needs_input_grad[:4]
    second = gw is not None or gb is not None
    dw = db = dx = dy = None
    if g is not None:
        dw = g * grad_w if needs_w else None
        db = g * grad_b if needs_b else None
    if second:
        gw = torch.zeros_like(w) if gw is None else gw
        if needs_w or needs_b:
            _, hw, hb = op(x, torch.zeros_like(y), gw, gb)
            dw = added(dw, hw) if needs_w else None
            db = added(db, hb) if needs_b else None
    if needs_x or needs_y:
        dx, dy = _in_the_data(x, y, w, b, g, gw if second else None, gb)
    return dx if needs_x else None, dy if needs_y else None, dw, db


def _in_the_data(
    x: Tensor, y: Tensor, w: Tensor, b: Tensor | None, g: Tensor | None, gw: Tensor | None, gb: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """The same in x and y."""
    r = _model(x, w, b) - y
    along = None if g is None else g * r
    if gw is not None:
        along = added(along, _model(x, gw, gb))
    if along is None:
        return None, None
    share = 2 / x.shape[0]
    dx = _outer(along, w) if gw is None else _outer(along, w) + _outer(r, gw)
    return share * dx, -share * along


def _model(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    y_pred = x * w if w.ndim == 0 else x @ w
    return y_pred if b is None else y_pred + b


def _outer(r: Tensor, w: Tensor) -> Tensor:
    return r * w if w.ndim == 0 else r[:, None] * w


def _of_many(info: Any, in_dims: tuple[int | None, ...], *arguments: Tensor | None) -> tuple[Any, tuple[int, int, int]]:
    """`torch.vmap`: models of one x from one read of it, others in turn; with the bits of a call for each alone."""
    x, y, w, b = arguments
    x_at, y_at, w_at, b_at = in_dims
    assert x is not None
    assert y is not None
    assert w is not None
    dims = [a.ndim - (at is not None) for a, at in ((y, y_at), (w, w_at), (b, b_at)) if a is not None]
    # What has other dimensions is refused as it is alone.
    if x_at is not None or x.ndim not in (1, 2) or dims != [1, x.ndim - 1, 0][: len(dims)]:
        return torch_models.in_turn(op, info.batch_size, in_dims, arguments), (0, 0, 0)
    targets = y if y_at is None else y.movedim(y_at, 0)
    starts = _side_by_side(w, w_at, info.batch_size)
    intercepts = None if b is None else _side_by_side(b, b_at, info.batch_size)
    if x.ndim == 2:
        return torch_models.op(x, targets, starts, intercepts), (0, 0, 0)
    losses, grad_w, grad_b = torch_models.op(x[:, None], targets, starts[:, None], intercepts)
    return (losses, grad_w[:, 0], grad_b), (0, 0, 0)


def _side_by_side(a: Tensor, at: int | None, count: int) -> Tensor:
    return a.expand(count, *a.shape) if at is None else a.movedim(at, 0)


# --- the shorter way --------------------------------------------------------------------------------------------------


def eager(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """The loss, outside of `torch.compile` and ``torch.func``."""
    if torch.is_grad_enabled() and (
        w.requires_grad or x.requires_grad or y.requires_grad or (b is not None and b.requires_grad)
    ):
        loss: Tensor = _Loss.apply(x, y, w, b)  # type: ignore[no-untyped-call]
        return loss
    return _found(x, y, w, b)[0]


def _found(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """The loss, and its gradient in w and b."""
    if torch_checks.are_plain(x, y, w, b):
        start = w.numpy(force=True) if w.ndim else w.item()
        try:
            loss, (grad_w, grad_b) = _core.loss_and_gradient(
                x.numpy(), y.numpy(), start, 0.0 if b is None else b.item()
            )
        except (ValueError, TypeError, RuntimeError):  # the operator knows what is wrong, or how to read these
            return op(x, y, w, b)  # type: ignore[no-any-return]
        dtype = _NUMPYS[x.dtype]
        return _tensor(loss, dtype), _tensor(grad_w, dtype), None if b is None else _tensor(grad_b, dtype)
    return op(x, y, w, b)  # type: ignore[no-any-return]


class _Loss(torch.autograd.Function):
    """The loss. Its first derivative in w and b is known with it, and needs none of what is kept for others."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        loss, *ctx.gradient = _found(x, y, w, b)
        ctx.save_for_backward(x, y, w, b)
        return loss

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        needs_x, needs_y, needs_w, needs_b = ctx.needs_input_grad
        grad_w, grad_b = ctx.gradient
        dx = dy = None
        if needs_x or needs_y or torch.is_grad_enabled():
            x, y, w, b = ctx.saved_tensors
            if torch.is_grad_enabled():
                grad_w, grad_b = _differentiable(x, y, w, b, grad_w, grad_b)
            if needs_x or needs_y:
                dx, dy = _in_the_data(x, y, w, b, g, None, None)
        return (
            dx if needs_x else None,
            dy if needs_y else None,
            g * grad_w if needs_w else None,
            g * grad_b if needs_b else None,
        )


def _differentiable(
    x: Tensor, y: Tensor, w: Tensor, b: Tensor | None, grad_w: Tensor, grad_b: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """The gradient, for derivatives of it."""
    if torch._C._are_functorch_transforms_active():  # which know no functions of autograd's: one more read of x
        _, grad_w, grad_b = op(x, y, w, b)
        return grad_w, grad_b
    found: tuple[Tensor, Tensor | None] = _Gradient.apply(x, y, w, b, grad_w, grad_b)  # type: ignore[no-untyped-call]
    return found


class _Gradient(torch.autograd.Function):
    """The gradient that `_Loss` has found."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*arguments)
        grad_w, grad_b = arguments[4:]
        return grad_w.clone(), None if grad_b is None else grad_b.clone()

    @staticmethod
    def backward(ctx: Any, gw: Tensor | None, gb: Tensor | None) -> tuple[Tensor | None, ...]:
        return (*_backward(ctx, None, gw, gb), None, None)


_library.impl("mse_linear", _on_the_cpu, "CPU")
_library.impl("mse_linear", torch_checks.refuse_elsewhere, "CompositeExplicitAutograd")
torch.library.register_fake("gdfast::mse_linear", _shapes, lib=_library)
torch.library.register_autograd("gdfast::mse_linear", _backward, setup_context=_keep, lib=_library)
torch.library.register_vmap("gdfast::mse_linear", _of_many, lib=_library)
