"""How a step follows from a gradient. Each class is one way; to add another, write it and name it in `OPTIMIZERS`.

An optimiser knows a vector of parameters `p` and its gradients, and neither data nor losses. `at` is where the next
gradient is to be taken. Its state has the dtype of `p`, and its formulas are those of torch.optim.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from gdfast.conversion import Array
from gdfast.descent import Options

# The proximal step of what the gradient leaves out: (parameters, length of the step) to parameters.
Prox = Callable[[Array, float], Array]


class Optimizer(Protocol):
    """What the training loop asks of an optimiser."""

    p: Array

    @property
    def at(self) -> Array:
        """Where the next gradient is to be taken."""
        ...

    def step(self, grad: Array) -> None:
        """Move `p`, given the gradient at `at`."""
        ...


class GradientDescent:
    """A step against the gradient, then the proximal step: ISTA where there is an l1 penalty."""

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.rate, self.prox = p, options.learning_rate, prox

    @property
    def at(self) -> Array:
        return self.p

    def step(self, grad: Array) -> None:
        self.p = self.prox(self.p - self.rate * grad, self.rate)


class Momentum:
    """The heavy ball: a step along a decaying sum of the gradients (torch.optim.SGD with momentum)."""

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.rate, self.momentum = p, options.learning_rate, options.momentum
        self.sum = np.zeros_like(p)

    @property
    def at(self) -> Array:
        return self.p

    def step(self, grad: Array) -> None:
        self.sum = self.momentum * self.sum + grad
        self.p = self.p - self.rate * self.sum


class Nesterov(Momentum):
    """The heavy ball with a look ahead (torch.optim.SGD with nesterov=True)."""

    def step(self, grad: Array) -> None:
        self.sum = self.momentum * self.sum + grad
        self.p = self.p - self.rate * (grad + self.momentum * self.sum)


class Adam:
    """A step of about the learning rate in each parameter: the mean gradient by its size (torch.optim.Adam)."""

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.rate, self.betas, self.eps = p, options.learning_rate, options.betas, options.eps
        self.mean, self.square = np.zeros_like(p), np.zeros_like(p)
        self.steps = 0

    @property
    def at(self) -> Array:
        return self.p

    def step(self, grad: Array) -> None:
        beta1, beta2 = self.betas
        self.steps += 1
        self.mean = self.mean + (grad - self.mean) * (1 - beta1)
        self.square = beta2 * self.square + (1 - beta2) * grad**2
        # Both averages began at 0, and are so much too small yet.
        rate = self.rate / (1 - beta1**self.steps)
        size = np.sqrt(self.square) / math.sqrt(1 - beta2**self.steps)
        self.p = self.p - rate * (self.mean / (size + self.eps))


class Fista:
    """Proximal steps from a point ahead of `p` (Beck and Teboulle 2009, with constant step size)."""

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.rate, self.prox = p, options.learning_rate, prox
        self.at, self.t = p, 1.0

    at: Array

    def step(self, grad: Array) -> None:
        p = self.prox(self.at - self.rate * grad, self.rate)
        t = (1 + math.sqrt(1 + 4 * self.t**2)) / 2
        self.at = p + ((self.t - 1) / t) * (p - self.p)
        self.p, self.t = p, t


OPTIMIZERS: dict[str, Callable[[Array, Options, Prox], Optimizer]] = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
    "fista": Fista,
}
