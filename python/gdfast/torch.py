"""Mean squared error of a linear model as an operator of PyTorch: loss and gradient from one read of x.

>>> import torch
>>> from gdfast.torch import mse_linear
>>> x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
>>> w = torch.zeros(1, requires_grad=True)
>>> loss = mse_linear(x, torch.tensor([2.0, 4.0, 6.0, 8.0]), w)
>>> loss.backward()
>>> loss.item(), w.grad
(30.0, tensor([-30.]))
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError(f"gdfast.torch can't run ({error}): pip install 'gdfast[torch]'", name="torch") from error

from torch import Tensor, nn

from gdfast import _core, torch_checks

__all__ = ["LinearMSE", "mse_linear"]


def mse_linear(x: Tensor, y: Tensor, w: Tensor, b: Tensor | float | None = None) -> Tensor:
    r"""The mean of :math:`(x w + b - y)^2` over the rows, with autograd.

    The forward pass finds the gradient in w and b as well, from the same read of x: the backward pass is a
    multiplication. A product with the Hessian takes one more read. Autograd differentiates it in each of its arguments,
    as often as you like, and `torch.vmap` and `torch.compile` take it. ``torch.func.grad`` and forward mode don't know
    operators from outside torch, and raise: write ``torch.autograd.grad``.

    Parameters
    ----------
    x : Tensor of shape (n, d), or (n,) for a w without dimensions
        float32 or float64, on the CPU, in any memory layout. It is not copied.
    y : Tensor of shape (n,)
    w : Tensor of shape (d,)
    b : Tensor of shape () or float, optional
        The intercept.

    Returns
    -------
    Tensor of shape ()
        Of x's dtype; summed up in float64.

    Raises
    ------
    TypeError
        When an argument is no dense float32 or float64 tensor on the CPU, or their dtypes differ.
    ValueError
        When shapes don't go together. Nothing is broadcast.
    NotImplementedError
        Inside of ``torch.func.grad`` and in forward mode.

    See Also
    --------
    gdfast.loss_and_gradient : The same for arrays.

    Examples
    --------
    >>> import torch
    >>> from gdfast.torch import mse_linear
    >>> x, y = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 0.0])
    >>> w, b = torch.zeros(2, requires_grad=True), torch.ones((), requires_grad=True)
    >>> mse_linear(x, y, w, b).backward()
    >>> w.grad, b.grad
    (tensor([3., 4.]), tensor(1.))

    The Hessian, 2 XᵀX / n:

    >>> torch.autograd.functional.hessian(lambda w: mse_linear(x, y, w), torch.zeros(2))
    tensor([[10., 14.],
            [14., 20.]])
    """
    if b is not None and not isinstance(b, Tensor):
        b = torch.tensor(b, dtype=x.dtype)
    through_torch = torch.compiler.is_compiling() or torch_checks.is_transformed()
    loss: Tensor = (_op if through_torch else _eager)(x, y, w, b)[0]
    return loss


class LinearMSE(nn.Module):
    """A linear model with one output, and its mean squared error by `mse_linear`.

    Parameters
    ----------
    in_features : int
        Columns of x.
    bias : bool, default True
        Whether there is an intercept.
    dtype : torch.dtype, optional
        float32 or float64; torch's default dtype by default.

    Attributes
    ----------
    weight : Parameter of shape (in_features,)
        Drawn as that of `torch.nn.Linear` is.
    bias : Parameter of shape (), or None

    Examples
    --------
    >>> import torch
    >>> from gdfast.torch import LinearMSE
    >>> x = torch.randn(1_000, 3, generator=torch.Generator().manual_seed(0))
    >>> y = x @ torch.tensor([1.0, 2.0, 3.0]) + 4.0
    >>> model = LinearMSE(3)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     model(x, y).backward()
    ...     _ = optimizer.step()
    >>> model.weight.data, model.predict(x[:1]).shape
    (tensor([1.0000, 2.0000, 3.0000]), torch.Size([1]))
    """

    def __init__(self, in_features: int, bias: bool = True, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.in_features = in_features
        self.weight = nn.Parameter(torch.empty(in_features, dtype=dtype))
        self.bias = nn.Parameter(torch.empty((), dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters uniformly within 1/√in_features, as `torch.nn.Linear` does."""
        bound = 1 / math.sqrt(self.in_features)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss on x (n, in_features) and y (n,)."""
        return mse_linear(x, y, self.weight, self.bias)

    def predict(self, x: Tensor) -> Tensor:
        """The model's value (n,) for each row of x."""
        y_pred = x @ self.weight
        return y_pred if self.bias is None else y_pred + self.bias

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, bias={self.bias is not None}"


# --- the operator -----------------------------------------------------------------------------------------------------

# The library lives as long as its object.
_library: Any = torch.library.Library("gdfast", "DEF")  # type: ignore[no-untyped-call]
_library.define("mse_linear(Tensor x, Tensor y, Tensor w, Tensor? b) -> (Tensor, Tensor, Tensor)")
_op = torch.ops.gdfast.mse_linear.default


def _on_the_cpu(x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The loss, and its gradient in w and b: three tensors that share memory with nothing else."""
    torch_checks.check(x, y, w, b)
    start = w.numpy(force=True) if w.ndim else w.item()
    intercept = 0.0 if b is None else b.item()
    loss, grads = _core.loss_and_gradient(x.numpy(force=True), y.numpy(force=True), start, intercept)
    dtype = np.float32 if x.dtype is torch.float32 else np.float64
    # torch makes a tensor of an array four times as fast as of a number.
    tensors = [torch.from_numpy(np.asarray(value, dtype)) for value in (loss, *grads)]
    return tensors[0], tensors[1], tensors[2]


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
    needs_x, needs_y, needs_w, needs_b = ctx.needs_input_grad
    second = gw is not None or gb is not None
    dw = db = dx = dy = None
    if g is not None:
        dw = g * grad_w if needs_w else None
        db = g * grad_b if needs_b else None
    if second:
        gw = torch.zeros_like(w) if gw is None else gw
        if needs_w or needs_b:
            _, hw, hb = _op(x, torch.zeros_like(y), gw, gb)
            dw = _sum(dw, hw) if needs_w else None
            db = _sum(db, hb) if needs_b else None
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
        along = _sum(along, _model(x, gw, gb))
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


def _sum(a: Tensor | None, b: Tensor) -> Tensor:
    return b if a is None else a + b


def _of_many(info: Any, in_dims: tuple[int | None, ...], *arguments: Tensor | None) -> tuple[Any, tuple[int, int, int]]:
    """`torch.vmap`: each in turn, with the bits of a call for it alone."""
    each = []
    for k in range(info.batch_size):
        taken = [a if at is None or a is None else a.select(at, k) for a, at in zip(arguments, in_dims, strict=True)]
        each.append(_op(*taken))
    return tuple(torch.stack(outputs) for outputs in zip(*each, strict=True)), (0, 0, 0)


class _Eager(torch.autograd.Function):
    """The operator outside of `torch.compile` and ``torch.func``, where its registered derivative costs more to call.

    What is computed goes through the operator all the same, so that modes which watch operators see it.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        output: tuple[Tensor, Tensor, Tensor] = _op(x, y, w, b)
        _keep(ctx, (x, y, w, b), output)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return _backward(ctx, *grads)


_eager: Any = _Eager.apply

_library.impl("mse_linear", _on_the_cpu, "CPU")
_library.impl("mse_linear", torch_checks.refuse_elsewhere, "CompositeExplicitAutograd")
torch.library.register_fake("gdfast::mse_linear", _shapes, lib=_library)
torch.library.register_autograd("gdfast::mse_linear", _backward, setup_context=_keep, lib=_library)
torch.library.register_vmap("gdfast::mse_linear", _of_many, lib=_library)
