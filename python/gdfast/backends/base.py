"""What a backend is: one object with the five functions, whichever way they are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from gdfast import fit_options, training
from gdfast.containers import Exporter
from gdfast.conversion import Array
from gdfast.defaults import LEARNING_RATE, N_ITERS, OPTIMIZER
from gdfast.descent import Descend
from gdfast.objective import LossAndGradient
from gdfast.plan import REFERENCE, CostModel
from gdfast.result import Fit
from gdfast.scan import Scan
from gdfast.step import Callback
from gdfast.step_size import TakeMoments


class Forward(Protocol):
    def __call__(self, x: Any, w: Any, b: Any = None) -> Array: ...


class Loss(Protocol):
    def __call__(self, y: Any, y_pred: Any, *, reduction: str = "mean") -> float: ...


class Gradient(Protocol):
    def __call__(self, x: Any, y: Any, y_pred: Any, *, reduction: str = "mean") -> Any: ...


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
        The training loop under `fit`: see `gdfast.descent`.
    moments : callable
        ``(x, y, sample_weight)`` to the Gram matrix of ``[x, 1, y]``, the bytes it read and the most memory it used.
    isa : str
        Instruction set of its kernels, or the library that computes in their place.
    threads : callable
        How many threads it may use now, or None where that is left to a library.
    costs : CostModel
        What its work costs.
    is_reference : bool
        Whether it is there to be read and compared with: it follows the formulas pass by pass unless told otherwise.

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
    moments: TakeMoments
    isa: str
    threads: Callable[[], int | None] = lambda: None
    costs: CostModel = REFERENCE
    is_reference: bool = True

    def fit(
        self,
        x: ArrayLike | Exporter | Scan,
        y: ArrayLike | str | None = None,
        *,
        w0: ArrayLike | None = None,
        b0: float | None = None,
        fit_intercept: bool = False,
        learning_rate: float | str = LEARNING_RATE,
        n_iters: int = N_ITERS,
        optimizer: str = OPTIMIZER,
        momentum: float = 0.9,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        batch_size: int | None = None,
        shuffle: bool = True,
        rng: int | np.random.Generator | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        sample_weight: ArrayLike | str | None = None,
        standardize: bool = False,
        reduction: str = "mean",
        tol: float | None = None,
        validation: tuple[ArrayLike, ...] | None = None,
        patience: int = 10,
        callback: Callback | None = None,
        progress: bool = False,
        plan: str = "auto",
        columns: Sequence[str] | None = None,
        missing: str = "error",
    ) -> Fit:
        """Train with this backend: `gdfast.fit` without its option `backend`.

        Examples
        --------
        >>> import gdfast
        >>> gdfast.backend("numpy").fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=0)
        Fit(w=0, b=None, loss=30, gap=None, n_iters=0, stop_reason='n_iters', backend='numpy')
        """
        arguments = fit_options.check(
            x,
            y,
            w0=w0,
            b0=b0,
            fit_intercept=fit_intercept,
            learning_rate=learning_rate,
            n_iters=n_iters,
            optimizer=optimizer,
            momentum=momentum,
            betas=betas,
            eps=eps,
            batch_size=batch_size,
            shuffle=shuffle,
            rng=rng,
            l2=l2,
            l1=l1,
            sample_weight=sample_weight,
            standardize=standardize,
            reduction=reduction,
            tol=tol,
            validation=validation,
            patience=patience,
            callback=callback,
            progress=progress,
            plan=plan,
            columns=columns,
            missing=missing,
        )
        return training.train(self, arguments)

    def __repr__(self) -> str:
        return f"<gdfast backend {self.name!r}>"

    def __reduce__(self) -> tuple[Callable[[str], Backend], tuple[str]]:
        return load, (self.name,)  # pickled by name: there is one object a backend


@cache
def load(name: str) -> Backend:
    """The backend whose module in this package is called `name`."""
    return cast(Backend, import_module(f"gdfast.backends.{name}").BACKEND)
