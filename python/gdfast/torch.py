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

try:
    import torch
except ImportError as error:
    raise ImportError(f"gdfast.torch can't run ({error}): pip install 'gdfast[torch]'", name="torch") from error

from torch import Tensor, nn

from gdfast import torch_checks, torch_operator

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
        torch_checks.refuse_no_tensors(x, y, w)
        b = torch.tensor(b, dtype=x.dtype)
    if torch.compiler.is_compiling() or torch_checks.is_transformed():
        loss: Tensor = torch_operator.op(x, y, w, b)[0]
        return loss
    try:
        return torch_operator.eager(x, y, w, b)
    except (AttributeError, RuntimeError, TypeError):  # looking at four types beforehand would show on few samples
        torch_checks.refuse_no_tensors(x, y, w)
        raise


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
