"""The operator behind `torch.vmap` over models of one x: all of them from one read of it.

It is `mse_linear` with a first dimension for the models: w (K, d), b (K,) or None, y (n,) for all of them or (K, n),
and losses (K,) with their gradients (K, d) and (K,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdfast import _core, torch_checks

# The library lives as long as its object.
library: Any = torch.library.Library("gdfast", "DEF")  # type: ignore[no-untyped-call]
library.define("mse_linear_models(Tensor x, Tensor y, Tensor w, Tensor? b) -> (Tensor, Tensor, Tensor)")
op = torch.ops.gdfast.mse_linear_models.default


def in_turn(
    one: Any, count: int, in_dims: tuple[int | None, ...], arguments: tuple[Tensor | None, ...]
) -> tuple[Tensor, ...]:
    """What the operator gives for each model alone, stacked."""
    if count == 0:
        raise ValueError("torch.vmap over 0 calls of mse_linear, accepted is one or more")
    each = []
    for k in range(count):
        taken = [a if at is None or a is None else a.select(at, k) for a, at in zip(arguments, in_dims, strict=True)]
        each.append(one(*taken))
    return tuple(torch.stack(outputs) for outputs in zip(*each, strict=True))


def _check(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> None:
    for name, a in (("y", y if y.ndim == 2 else None), ("b", b)):
        if a is not None and len(a) != len(w):
            raise ValueError(f"{name} is for {len(a)} models, and w for {len(w)}")
    torch_checks.check(x, _one(y) if y.ndim == 2 else y, _one(w), None if b is None else _one(b))


def _one(a: Tensor) -> Tensor:
    """Of one model's shape and type, without its numbers: there may be no model."""
    return a.new_empty(a.shape[1:])


def _on_the_cpu(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The losses, and their gradients in w and b: three tensors that share memory with nothing else."""
    _check(x, y, w, b)
    if len(w) == 0:
        return x.new_empty(0), w.new_empty(w.shape), x.new_empty(0)
    starts = w.numpy(force=True).T, np.zeros(len(w)) if b is None else b.numpy(force=True)
    losses, grads = _core.loss_and_gradient(x.numpy(force=True), y.numpy(force=True).T, *starts)
    found = [torch.from_numpy(np.ascontiguousarray(values)).to(x.dtype) for values in (losses, grads[0].T, grads[1])]
    return found[0], found[1], found[2]


def _shapes(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """What comes out, without any number: for tracing."""
    _check(x, y, w, b)
    return x.new_empty(w.shape[:1]), w.new_empty(w.shape), x.new_empty(w.shape[:1])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*inputs, *output[1:])


def _backward(ctx: Any, g: Tensor | None, gw: Tensor | None, gb: Tensor | None) -> tuple[Tensor | None, ...]:
    """As of one model: there the formulas are explained."""
    x, y, w, b, grad_w, grad_b = ctx.saved_tensors
    needs_x, needs_y, needs_w, needs_b = ctx.needs_input_grad[:4]
    second = gw is not None or gb is not None
    if second and gw is None:
        gw = torch.zeros_like(w)
    dw = db = dx = dy = None
    if g is not None:
        dw, db = g[:, None] * grad_w, g * grad_b
    if second and (needs_w or needs_b):
        _, hw, hb = op(x, x.new_zeros(len(x)), gw, gb)
        dw, db = added(dw, hw), added(db, hb)
    if (needs_x or needs_y) and (g is not None or second):
        r = _predictions(x, w, b) - (y[:, None] if y.ndim == 1 else y.T)
        along = torch.zeros_like(r) if g is None else g * r
        if gw is not None:
            along = along + _predictions(x, gw, gb)
        share = 2 / len(x)
        dx = share * (along @ w if gw is None else along @ w + r @ gw)
        dy = -share * (along.sum(1) if y.ndim == 1 else along.T)
    return dx if needs_x else None, dy if needs_y else None, dw if needs_w else None, db if needs_b else None


def _predictions(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """(n, K)"""
    y_pred = x @ w.T
    return y_pred if b is None else y_pred + b


def added(a: Tensor | None, b: Tensor) -> Tensor:
    """The sum of what there is."""
    return b if a is None else a + b


def _of_many(info: Any, in_dims: tuple[int | None, ...], *arguments: Tensor | None) -> tuple[Any, tuple[int, int, int]]:
    return in_turn(op, info.batch_size, in_dims, arguments), (0, 0, 0)


library.impl("mse_linear_models", _on_the_cpu, "CPU")
library.impl("mse_linear_models", torch_checks.refuse_elsewhere, "CompositeExplicitAutograd")
torch.library.register_fake("gdfast::mse_linear_models", _shapes, lib=library)
torch.library.register_autograd("gdfast::mse_linear_models", _backward, setup_context=_keep, lib=library)
torch.library.register_vmap("gdfast::mse_linear_models", _of_many, lib=library)
