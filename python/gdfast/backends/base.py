"""What a backend is: one object with the five functions, whichever way they are computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdfast import validation
from gdfast.result import Fit, Step, StopReason

Array = NDArray[Any]
Callback = Callable[[Step], object]

# (w, b, losses, loss, n_iters, stop_reason, error): how far training came, and what ended it early, if anything raised.
Outcome = tuple[Array, float | None, NDArray[np.float64], float, int, StopReason, BaseException | None]
# Called once a pass with (iteration, copy of w, b, loss); a true answer stops.
AfterPass = Callable[[int, Array, float | None, float], object]


class Forward(Protocol):
    def __call__(self, x: Any, w: Any, b: Any = None) -> Array: ...


class Loss(Protocol):
    def __call__(self, y: Any, y_pred: Any, *, reduction: str = "mean") -> float: ...


class Gradient(Protocol):
    def __call__(self, x: Any, y: Any, y_pred: Any, *, reduction: str = "mean") -> Any: ...


class LossAndGradient(Protocol):
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


class Descend(Protocol):
    """Full-batch gradient descent on checked arguments: x is (n, d), w (d,) of x's dtype."""

    def __call__(
        self,
        x: Array,
        y: Array,
        w: Array,
        b: float | None,
        learning_rate: float,
        n_iters: int,
        reduction: str,
        callback: AfterPass | None,
    ) -> Outcome: ...


@dataclass(frozen=True)
class Backend:
    """One implementation of the model.

    Attributes
    ----------
    name : str
        What `gdfast.backend` knows it by.
    forward, loss, gradient, loss_and_gradient : callable
        As the functions of the same name in `gdfast`.
    descend : callable
        The training loop under `fit`.

    Examples
    --------
    >>> import gdfast
    >>> gdfast.backend("numpy").loss([1.0, 2.0], [1.0, 4.0])
    2.0
    """

    name: str
    forward: Forward
    loss: Loss
    gradient: Gradient
    loss_and_gradient: LossAndGradient
    descend: Descend

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        w0: ArrayLike | None = None,
        b0: float | None = None,
        fit_intercept: bool = False,
        learning_rate: float = 0.01,
        n_iters: int = 100,
        reduction: str = "mean",
        callback: Callback | None = None,
    ) -> Fit:
        """Train with this backend: `gdfast.fit` without its option `backend`.

        Examples
        --------
        >>> import gdfast
        >>> gdfast.backend("numpy").fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=0)
        Fit(w=0, b=None, loss=30, n_iters=0, stop_reason='n_iters', backend='numpy')
        """
        data = validation.fit(
            x,
            y,
            w0=w0,
            b0=b0,
            fit_intercept=fit_intercept,
            learning_rate=learning_rate,
            n_iters=n_iters,
            reduction=reduction,
            callback=callback,
        )
        one_column = data.x.ndim == 1
        w, b, losses, loss, passes, stop_reason, error = self.descend(
            data.x[:, np.newaxis] if one_column else data.x,
            data.y,
            data.w,
            data.b,
            data.learning_rate,
            data.n_iters,
            reduction,
            None if callback is None else _after_pass(callback, one_column),
        )
        fit = Fit(_w(w, one_column), b, losses, loss, passes, stop_reason, self)
        if error is not None:
            _raise_with(fit, error)
        return fit

    def __repr__(self) -> str:
        return f"<gdfast backend {self.name!r}>"

    def __reduce__(self) -> tuple[Callable[[str], Backend], tuple[str]]:
        return load, (self.name,)  # pickled by name: there is one object a backend


def load(name: str) -> Backend:
    """The backend whose module in this package is called `name`."""
    return cast(Backend, import_module(f"gdfast.backends.{name}").BACKEND)


def _w(w: Array, one_column: bool) -> Any:
    """w as users know it: a float for (n,) x."""
    return float(w[0]) if one_column else w


def _after_pass(callback: Callback, one_column: bool) -> AfterPass:
    """The user's callback, which takes a `Step`, as the descent loops call it."""
    return lambda iteration, w, b, loss: callback(Step(iteration, _w(w, one_column), b, loss))


def _raise_with(fit: Fit, error: BaseException) -> None:
    """Raise what ended training, with the fit so far on it."""
    error.fit = fit  # type: ignore[attr-defined]
    try:
        raise error
    finally:
        del error, fit  # the traceback holds this frame: without this the data would outlive the exception in a cycle
