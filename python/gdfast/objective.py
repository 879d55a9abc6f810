"""What the training loop descends on: losses of data, in some coordinates, with penalties.

Streamed, FromMoments   the loss at w and b, and its gradient
Coordinates             w and b as one vector p of parameters, and of standardised columns if wanted
Penalty                 what large coefficients cost
Objective               the three together: value and gradient at p
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gdfast.conversion import Array
from gdfast.descent import Gram, Samples
from gdfast.storage import computed

# Of an element of a Gram matrix, as a share of the root of its two diagonal elements: chains of 128 or 256 additions
# and the sums of their ends, whose roundings are of either sign.
GRAM_ERROR = 16 * float(np.finfo(np.float64).eps)

Columns = NDArray[np.float64]  # (d,)
Value = tuple[float, Array, float]  # loss, gradient in w, gradient in b


def exact_sum(terms: Iterable[float]) -> float:
    """Their sum, rounded once. NaN where it isn't finite: `math.fsum` raises then."""
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):
        return math.nan


def quiet() -> np.errstate:
    """A loss beyond all bounds is told by an exception after the pass, not by warnings from inside it."""
    return np.errstate(over="ignore", invalid="ignore")


class LossAndGradient(Protocol):
    """`gdfast.loss_and_gradient`, of one backend."""

    def __call__(
        self,
        x: Any,
        y: Any,
        w: Any,
        b: Any = None,
        *,
        sample_weight: Any = None,
        reduction: str = "mean",
        out: Array | None = None,
    ) -> tuple[float, Any]: ...


class Data(Protocol):
    """Samples, as far as a descent needs them."""

    bytes_read: int

    @property
    def eps(self) -> float:
        """Of the numbers in which its derivatives are taken."""
        ...

    def evaluate(self, w: Array, b: float | None) -> Value: ...

    def without_y(self) -> Data:
        """The same with every target 0: their gradient is the Hessian times (w, b)."""
        ...

    def error(self, w: Array, b: float | None, loss: float) -> float:
        """By how much rounding may have put a loss wrong; 0 where that is less than anyone would stop by."""
        ...

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Data]:
        """The data in pieces of `size` rows, in an order drawn by `rng`; with size 0, all of it at once."""
        ...


@dataclass
class Streamed:
    """Samples that are read for every evaluation."""

    loss_and_gradient: LossAndGradient
    samples: Samples
    reduction: str
    given: Samples | None = None  # what the samples are a copy of
    bytes_read: int = 0

    @property
    def eps(self) -> float:
        assert self.samples.x is not None
        return float(np.finfo(computed(self.samples.x.dtype)).eps)

    def evaluate(self, w: Array, b: float | None) -> Value:
        x, y, s, _ = self.samples
        assert x is not None
        assert y is not None
        self.bytes_read += sample_bytes(self.given or self.samples)
        if s is not None and not s.any():  # a batch of which no sample counts: its mean is nobody's
            return 0.0, np.zeros_like(w), 0.0
        loss, grad = self.loss_and_gradient(x, y, w, b, sample_weight=s, reduction=self.reduction)
        return (loss, grad, 0.0) if b is None else (loss, *grad)

    def without_y(self) -> Data:
        y = self.samples.y
        assert y is not None
        nothing = np.broadcast_to(np.zeros(1, y.dtype), y.shape)
        return Streamed(self.loss_and_gradient, self.samples._replace(y=nothing), self.reduction, self.given)

    def error(self, w: Array, b: float | None, loss: float) -> float:
        return 0.0

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Data]:
        if size == 0:
            yield self
            return
        x, y, s, _ = self.samples
        assert x is not None
        assert y is not None
        row_bytes = sample_bytes(self.given or self.samples) // len(x)
        order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
        for start in range(0, len(x), size):
            rows = order[start : start + size]
            batch = Samples(x[rows], y[rows], None if s is None else s[rows])
            self.bytes_read += len(rows) * row_bytes
            yield Streamed(self.loss_and_gradient, batch, self.reduction)


@dataclass
class FromMoments:
    """Samples of which the Gram matrix G of [x - o, 1, y - p] is left, which is all that their loss depends on.

    With v = [w, b + o·w - p, -1] the residuals are [x - o, 1, y - p] @ v, so the sum of their squares is vᵀGv, and its
    gradient is 2Gv.
    """

    gram: Gram
    reduction: str
    target: float = 1.0  # 0: as if every target were 0
    bytes_read: int = 0
    eps: float = float(np.finfo(np.float64).eps)

    def evaluate(self, w: Array, b: float | None) -> Value:
        matrix, origin = self.gram
        w = w.astype(np.float64)
        intercept = exact_sum([b or 0.0, -self.target * origin[-1], *(origin[:-1] * w)])
        v = np.concatenate([w, [intercept, -self.target]])
        product = matrix @ v
        divisor = matrix[-2, -2] if self.reduction == "mean" else 1.0
        # Of a good fit rounding may leave less than nothing. (What isn't finite stays so.)
        total = float(v @ product)
        loss = float((0.0 if math.isfinite(total) and total < 0 else total) / divisor)
        grad = 2 * product / divisor
        return loss, grad[:-2] + origin[:-1] * grad[-2], float(grad[-2])

    def without_y(self) -> Data:
        return FromMoments(self.gram, self.reduction, 0.0)

    def error(self, w: Array, b: float | None, loss: float) -> float:
        matrix, origin = self.gram
        divisor = matrix[-2, -2] if self.reduction == "mean" else 1.0
        sizes = np.delete(np.sqrt(np.diag(matrix)), -2)
        of_gram = GRAM_ERROR * float(np.abs(np.append(w, 1.0)) @ sizes) ** 2 / divisor
        # The intercept about the origin is a sum of large terms that cancel.
        terms = abs(b or 0.0) + float(np.abs(origin) @ np.abs(np.append(w, 1.0)))
        offset = float(np.finfo(np.float64).eps * terms * np.sqrt(matrix[-2, -2] / divisor))
        return of_gram + offset * (2 * math.sqrt(loss) + offset)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Data]:
        assert size == 0
        yield self


def sample_bytes(samples: Samples) -> int:
    """Bytes of one read of the samples."""
    x, y, s, _ = samples
    return (0 if x is None else x.nbytes) + (0 if y is None else y.nbytes) + (0 if s is None else s.nbytes)


class Coordinates:
    """The parameters p = [v, c] of a model in the columns z = (x - shift) / scale; c only where there is an intercept.

    v @ z + c is w @ x + b with w = v / scale and b = c - shift @ w. A column of scale 0 is the same everywhere: its
    coefficient is 0, and stays so. With a target the data are read as (x - shift, y - target), and c is so much less.
    """

    def __init__(
        self,
        dtype: np.dtype[Any],
        intercept: bool,
        shift: Columns | None,
        scale: Columns | None,
        target: float | None = None,
    ) -> None:
        self.dtype, self.intercept, self.target = dtype, intercept, target
        self.standardized = scale is not None
        self.shift: Columns | float = 0.0 if shift is None else shift
        self.scale: Columns | float = 1.0 if scale is None else scale
        self.inverse: Columns | float = 1.0
        if scale is not None:
            self.inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale != 0)

    def enter(self, w: Array, b: float | None) -> Array:
        """p, for the coefficients of x."""
        if self.standardized:
            b = None if b is None else b + float(np.sum(self.shift * w)) - (self.target or 0.0)
            w = w * self.scale
        return np.array(w if b is None else np.append(w, b), dtype=self.dtype)

    def leave(self, p: Array) -> tuple[Array, float | None]:
        """The coefficients of x, for p."""
        w, b = (p[:-1].copy(), float(p[-1])) if self.intercept else (p.copy(), None)
        if self.standardized:
            with quiet():
                w = (w * self.inverse).astype(self.dtype)
                if self.target is not None:
                    assert b is not None
                    b = exact_sum([b, self.target, *(-self.shift * w)])
                else:
                    b = None if b is None else float(self.dtype.type(b - np.sum(self.shift * w)))
        return w, b

    def at(self, p: Array) -> tuple[Array, float | None]:
        """The coefficients of the data as they are read."""
        if self.target is None:
            return self.leave(p)
        with quiet():
            return (p[:-1] * self.inverse).astype(self.dtype), float(p[-1])

    def gradient(self, grad_w: Array, grad_b: float) -> Array:
        """The gradient in p, for that in the coefficients of x: the chain rule."""
        if self.standardized:
            shift = self.shift if self.target is None else 0.0
            grad_w = (grad_w - shift * grad_b) * self.inverse  # without an intercept the shift is 0
        return np.array(np.append(grad_w, grad_b) if self.intercept else grad_w, dtype=self.dtype)


@dataclass
class Penalty:
    """l2·‖v‖² + l1·‖v‖₁ of the coefficients in p; an intercept costs nothing."""

    l2: float
    l1: float
    intercept: bool

    def value(self, p: Array) -> float:
        v = self._coefficients(p).astype(np.float64)
        return float(self.l2 * (v @ v) + self.l1 * np.abs(v).sum())

    def gradient(self, p: Array) -> Array:
        """Of the smooth part, l2; what l1 does is a proximal step."""
        grad = np.zeros_like(p)
        self._coefficients(grad)[:] = 2 * self.l2 * self._coefficients(p)
        return grad

    def prox(self, p: Array, length: float) -> Array:
        """The proximal step of l1: each coefficient by length·l1 closer to 0, and no further."""
        if self.l1 == 0:
            return p
        shrunk = p.copy()
        v = self._coefficients(p)
        self._coefficients(shrunk)[:] = np.sign(v) * np.maximum(np.abs(v) - length * self.l1, 0)
        return shrunk

    def _coefficients(self, p: Array) -> Array:
        return p[:-1] if self.intercept else p


@dataclass
class Objective:
    """The value that training lowers, and its gradient, at the parameters p."""

    coordinates: Coordinates
    penalty: Penalty

    def __call__(self, data: Data, p: Array) -> tuple[float, Array]:
        w, b = self.coordinates.at(p)
        with quiet():
            loss, grad_w, grad_b = data.evaluate(w, b)
            grad = self.coordinates.gradient(grad_w, grad_b)
            if self.penalty.l2 == 0 and self.penalty.l1 == 0:
                return loss, grad
            return loss + self.penalty.value(p), grad + self.penalty.gradient(p)

    def product(self, data: Data, p: Array) -> Array:
        """The Hessian of loss and l2 times p."""
        without_y = data.without_y()
        _, image = self(without_y, p)
        data.bytes_read += without_y.bytes_read
        return image
