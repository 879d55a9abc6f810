"""How a step follows from a gradient. Each class is one way; to add another, write it and name it in `OPTIMIZERS`.

An optimiser knows a vector of parameters `p` and its gradients, and neither data nor losses. `at` is where the next
gradient is to be taken. Its state has the dtype of `p`, and its formulas are those of torch.optim. Two ways need more
than gradients, and so make their update themselves: conjugate gradients, and the exact solution.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import numpy as np

from gdfast.conversion import Array
from gdfast.descent import Options
from gdfast.objective import Data, FromMoments, Objective
from gdfast.optimum import Quadratic

# The proximal step of what the gradient leaves out: (parameters, length of the step) to parameters.
Prox = Callable[[Array, float], Array]


class Optimizer(Protocol):
    """What the training loop asks of an optimiser."""

    p: Array

    def update(self, objective: Objective, data: Data) -> float:
        """Move `p`; the objective before."""
        ...

    @property
    def arrived(self) -> bool:
        """Whether nothing is left to gain."""
        ...

    @property
    def had_moved(self) -> bool:
        """Whether the pass before the last one led anywhere."""
        ...


class Stepper(ABC):
    """Takes a gradient, and a step."""

    p: Array
    arrived = False
    had_moved = True

    @property
    @abstractmethod
    def at(self) -> Array:
        """Where the next gradient is to be taken."""

    @abstractmethod
    def step(self, grad: Array) -> None:
        """Move `p`, given the gradient at `at`."""

    def update(self, objective: Objective, data: Data) -> float:
        value, grad = objective(data, self.at)
        self.step(grad)
        return value


class GradientDescent(Stepper):
    """A step against the gradient, then the proximal step: ISTA where there is an l1 penalty."""

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.rate, self.prox = p, options.learning_rate, prox

    @property
    def at(self) -> Array:
        return self.p

    def step(self, grad: Array) -> None:
        self.p = self.prox(self.p - self.rate * grad, self.rate)


class Momentum(Stepper):
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


class Adam(Stepper):
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


class Fista(Stepper):
    """Proximal steps from a point ahead of `p` (Beck and Teboulle 2009, with constant step size)."""

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.rate, self.prox = p, options.learning_rate, prox
        self.ahead, self.t = p, 1.0

    @property
    def at(self) -> Array:
        return self.ahead

    def step(self, grad: Array) -> None:
        p = self.prox(self.ahead - self.rate * grad, self.rate)
        t = (1 + math.sqrt(1 + 4 * self.t**2)) / 2
        self.ahead = p + ((self.t - 1) / t) * (p - self.p)
        self.p, self.t = p, t


class ConjugateGradients:
    """Each step goes to the least objective along a direction that keeps what those before have gained (Hestenes 1952).

    A pass is a product of the Hessian with the direction. Gradient and objective follow from it; they are taken afresh
    at first, every 200 steps to be rid of roundings, where the objective has fallen to a small share of what it was,
    and before it is said that nothing is left to gain. Gradients are orthogonal to one another until rounding has its
    way, so each is made orthogonal to all before it. Where it had, and the point turns out no better than before, the
    steps since then are taken back.
    """

    nothing = 1e-20  # a share of the objective that isn't worth a pass: it moves coefficients by 1e-10 of them
    afresh = 200
    steepest = 0.0  # the largest curvature seen, of a direction of length 1
    reported = math.inf  # what the last pass gave
    unit = 1.0  # of objectives and their derivatives: so no square of them is too large or small, whatever weights are

    value: float
    grad: Array
    direction: Array
    before: list[Array]  # gradients of length 1
    # Of those taken afresh.
    least = math.inf
    best: tuple[Array, Array]  # gradient and p

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p = p
        self.steps: int | None = None  # since the gradient was taken afresh
        # steep: the direction is against a gradient taken afresh
        self.steep = self.stalled = self.arrived = self.went_back = False
        # In the last pass, and in that before it: one that takes the gradient afresh moves nothing.
        self.moves = self.had_moved = False

    def update(self, objective: Objective, data: Data) -> float:
        self.had_moved, self.moves = self.moves, False
        restarts = self.steps is None or self.stalled or self._has_fallen(data.eps)
        if restarts or self.steps == self.afresh:
            value, grad = objective(data, self.p)
            if self.steps is None:
                self.unit = _unit_of(grad)
            self.reported = self._start(value / self.unit, grad / self.unit, data.eps, restarts)
            return self.reported * self.unit
        self.reported = self.value
        unit = self.direction / np.abs(self.direction).max()  # products then neither overflow nor vanish
        image = objective.product(data, unit) / self.unit
        if not np.isfinite(image).all():
            return math.nan  # squares of the data overflow: there is no such descent
        along, curvature = self.grad @ unit, unit @ image
        squared = unit @ unit
        self.steepest = max(self.steepest, curvature / squared)
        # Where columns depend on one another some directions have no curvature, and rounding would step far along them.
        flat = not curvature > 64 * data.eps * self.steepest * squared
        length = -along / curvature if not flat and along < 0 else 0.0
        gain = -along * length / 2
        # The gradient of float32 is rounded, and that leaves nothing smaller to gain.
        if gain <= max(self.nothing, data.eps**2) * self.value:
            self.arrived, self.stalled = self.steep, True
        else:
            self._step(length * unit, length * image, gain)
        return self.reported * self.unit

    def _step(self, step: Array, image: Array, gain: float) -> None:
        before = self.grad
        self.p, self.grad = self.p + step, before + image
        self.stalled |= bool(gain > self.value)  # more than there is: the direction or its curvature is rounding
        self.value -= gain if gain <= self.value else 0.0
        assert self.steps is not None
        self.steep, self.steps, self.moves = False, self.steps + 1, True
        basis = np.array(self.before).reshape(-1, len(before))
        self.grad = self.grad - basis.T @ (basis @ self.grad)
        self._keep()
        self._turn(before)
        self.stalled |= not self.direction.any()

    def _has_fallen(self, eps: float) -> bool:
        """What is left of a much larger objective, once so much was subtracted from it, is mostly its rounding."""
        return bool(self.steps and self.value < math.sqrt(eps) * self.least)

    def _start(self, value: float, grad: Array, eps: float, restarts: bool) -> float:
        """The direction is kept if nothing is wrong with it: nothing was stepped since it was chosen."""
        if self.steps is not None and not self._is_better(value, grad, eps):
            self.arrived, self.went_back = self.went_back, True
            # Fewer steps are made before the next look; and the second time none.
            self.afresh = max(self.afresh // 10, 2)
            grad, self.p = self.best
            restarts = True
        else:
            self.went_back, self.arrived = False, not grad.any()
            self.least, self.best = min(value, self.least), (grad, self.p)
        if restarts:
            self.direction, self.before = -grad, []
        self.value = min(self.least, self.reported)  # a step doesn't raise it: by how much it seems to is rounding
        self.grad, self.steep, self.stalled, self.steps = grad, restarts, False, 0
        self._keep()
        return self.value

    def _is_better(self, value: float, grad: Array, eps: float) -> bool:
        """Than the best so far. A value that is hardly higher may be so by rounding, which gradients have less of."""
        about = self.least * (1 + math.sqrt(eps))
        other, _ = self.best
        return value < self.least or (value <= about and bool(4 * grad @ grad < other @ other))

    def _keep(self) -> None:
        length = np.linalg.norm(self.grad)
        if length > 0:
            self.before.append(self.grad / length)

    def _turn(self, before: Array) -> None:
        """Polak's and Ribière's formula, which turns back to the gradient where roundings have spoilt the direction."""
        beta = max(self.grad @ (self.grad - before) / (before @ before), 0.0)
        self.direction = beta * self.direction - self.grad


def _unit_of(grad: Array) -> float:
    """A power of two, which rounds nothing, in which the largest element is 0.5 to 1."""
    largest = np.abs(grad).max()
    return math.ldexp(1.0, int(np.frexp(largest)[1])) if largest > 0 and math.isfinite(largest) else 1.0


class Exact:
    """The optimum itself, from moments: see `gdfast.optimum`."""

    dependent: tuple[tuple[int, ...], ...] = ()
    smallest_pivot = 1.0
    arrived = False
    had_moved = True

    def __init__(self, p: Array, options: Options, prox: Prox) -> None:
        self.p, self.options = p, options

    def update(self, objective: Objective, data: Data) -> float:
        assert isinstance(data, FromMoments)
        value, _ = objective(data, self.p)
        intercept = objective.coordinates.intercept
        quadratic = Quadratic(data.gram, self.options, intercept)
        if not np.isfinite(quadratic.a).all():
            return math.nan  # as the data is, or its squares are
        v, self.dependent, self.smallest_pivot = quadratic.solve(self.p[:-1] if intercept else self.p)
        self.p = np.append(v, quadratic.best_intercept(v)) if intercept else v
        self.arrived = True
        return value


OPTIMIZERS: dict[str, Callable[[Array, Options, Prox], Optimizer]] = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
    "fista": Fista,
    "cg": ConjugateGradients,
    "exact": Exact,
}
