"""Training with a backend chosen by name."""

from __future__ import annotations

from numpy.typing import ArrayLike

from gdfast.backends import backend as backend_by_name
from gdfast.backends.base import Callback
from gdfast.result import Fit, Step

__all__ = ["Fit", "Step", "fit"]


def fit(
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
    backend: str = "native",
) -> Fit:
    r"""Train ``y ≈ x @ w + b`` by gradient descent on all of the data at once.

    Each pass reads the data once and moves against the gradient,
    :math:`w \leftarrow w - \eta \, \partial L / \partial w` and b likewise. :math:`\eta` is the learning rate, and
    :math:`L = \sum_i r_i^2 / n` the loss of the residuals :math:`r = x w + b - y`, without the division for
    ``reduction="sum"``.

    Parameters
    ----------
    x : array of shape (n,) or (n, d)
        Data: float32 or float64 in any memory layout, which is not copied; or integers, booleans or lists, which become
        float64. It decides the dtype of the computation.
    y : array of shape (n,)
        Targets.
    w0 : number for (n,) x, array of shape (d,) for (n, d) x, optional
        Where w starts. Zeros by default.
    b0 : number, optional
        Where b starts, with ``fit_intercept=True``. 0 by default.
    fit_intercept : bool, default False
        Whether there is a b.
    learning_rate : float, default 0.01
        Length of a step, as a multiple of the gradient. Above 0.
    n_iters : int, default 100
        Passes over the data. With 0 the loss is evaluated, and nothing else happens.
    reduction : {"mean", "sum"}, default "mean"
        Whether the loss is the mean over the samples, or their sum: then a step is n times as long.
    callback : callable, optional
        Called after each pass with a `Step`. Training stops when it returns True.
    backend : {"native", "numpy", "torch"}, default "native"
        What computes it: see `gdfast.backend`.

    Returns
    -------
    Fit
        w and b, the loss of each pass, and why training stopped.

    Raises
    ------
    ValueError, TypeError
        When an argument is not as above. The message says what is accepted.
    ImportError
        When the backend can't run here.
    KeyboardInterrupt
        On Ctrl-C. The fit so far is its attribute ``fit``. The same holds for whatever the callback raises.

    Examples
    --------
    >>> import gdfast
    >>> fit = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=100)
    >>> round(fit.w, 3), fit.losses[0], fit.n_iters
    (2.0, np.float64(30.0), 100)

    Stop as soon as the loss is small:

    >>> fit = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], callback=lambda step: step.loss < 1e-3)
    >>> fit.n_iters, fit.stop_reason
    (33, 'callback')
    """
    return backend_by_name(backend).fit(
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
