"""What `gdfast.torch` accepts, and what to write instead of the rest."""

from __future__ import annotations

import math
from typing import NoReturn

import torch
from torch import Tensor
from torch._C import _functorch
from torch.autograd import forward_ad

from gdfast.wording import type_name

_DTYPES = (torch.float32, torch.float64)

_REVERSE = (
    "for a gradient write torch.autograd.grad(loss, w), for a Hessian "
    "torch.autograd.functional.hessian(…, vectorize=True)"
)


def is_transformed() -> bool:
    """Whether this runs inside of `torch.vmap`, which knows registered operators and no functions of autograd's.

    Raises
    ------
    NotImplementedError
        Inside of the other transforms.
    """
    if not torch._C._are_functorch_transforms_active():
        return False
    kinds = {level.key() for level in _functorch.get_interpreter_stack() or ()}
    if kinds - {_functorch.TransformType.Vmap}:
        raise NotImplementedError(f"of the transforms of torch.func, mse_linear knows torch.vmap: {_REVERSE}")
    return True


_PLAIN = (Tensor, torch.nn.Parameter)


def are_plain(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> bool:
    """Whether these are tensors of one dtype and nothing watches what becomes of them; shapes are not looked at."""
    dtype = x.dtype
    return (
        dtype in _DTYPES
        and y.dtype is dtype
        and w.dtype is dtype
        and type(x) in _PLAIN
        and type(y) in _PLAIN
        and type(w) in _PLAIN
        and w.is_cpu
        and (b is None or (b.dtype is dtype and type(b) in _PLAIN and b.is_cpu and b.ndim == 0))
        and not torch._C._len_torch_dispatch_stack()
        and forward_ad._current_level < 0
        and torch._C._get_tracing_state() is None
        and not torch._C._autograd._profiler_enabled()
    )


def refuse_no_tensors(x: object, y: object, w: object) -> None:
    """Raise where one is an array or a list."""
    for name, value in (("x", x), ("y", y), ("w", w)):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name} is of type {type_name(value)}, accepted are tensors: write torch.as_tensor({name})"
            ) from None


def refuse_elsewhere(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> NoReturn:
    """Tensors of other devices and layouts: what to write instead."""
    for name, tensor in _named(x, y, w, b):
        if tensor.layout != torch.strided:
            raise TypeError(
                f"{name} has the layout {tensor.layout}, accepted are dense tensors: write {name}.to_dense()"
            )
        if tensor.device.type != "cpu":
            raise TypeError(f"{name} is on {tensor.device}, accepted are tensors on the CPU: write {name}.cpu()")
    raise TypeError(f"x is of type {type(x).__name__}, accepted are dense tensors on the CPU")


def check(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> None:
    if forward_ad._current_level >= 0:
        # torch would take the derivative of an operator from outside for 0, without a word; under torch.compile too.
        raise NotImplementedError(f"mse_linear has no derivative in forward mode: {_REVERSE}")
    dtype, rows = x.dtype, x.shape[0] if x.ndim else 0
    right = dtype in _DTYPES and y.dtype is dtype and w.dtype is dtype and x.ndim in (1, 2)
    right = right and y.ndim == 1 and y.shape[0] == rows and w.shape == x.shape[1:]
    if not (right and (b is None or (b.dtype is dtype and b.ndim == 0))):
        _refuse(x, y, w, b)


def _refuse(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> NoReturn:
    for name, tensor in _named(x, y, w, b):
        if tensor.dtype not in _DTYPES:
            raise TypeError(f"{name} has dtype {tensor.dtype}, accepted are float32 and float64: write {name}.float()")
        if tensor.dtype != x.dtype:
            raise TypeError(f"{name} has dtype {tensor.dtype} and x has {x.dtype}: write {name}.to(x.dtype)")
    if x.ndim not in (1, 2):
        raise ValueError(f"x has shape {tuple(x.shape)}, accepted is (n, d), or (n,) for a w without dimensions")
    wanted = {"y": x.shape[:1], "w": x.shape[1:], "b": ()}
    for name, tensor in _named(x, y, w, b)[1:]:
        if tensor.shape != wanted[name]:
            shape = tuple(wanted[name])
            fits = tensor.numel() == math.prod(shape)
            advice = f": write {name}.reshape({shape})" if fits else ""
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)} and x has shape {tuple(x.shape)}: "
                f"accepted is {name} of shape {shape}{advice}"
            )
    raise AssertionError("what was refused is right")


def _named(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> list[tuple[str, Tensor]]:
    named = [("x", x), ("y", y), ("w", w)]
    return named if b is None else [*named, ("b", b)]
