"""The models of sums over rows, which no row is read for again."""

from __future__ import annotations

from typing import Any

import numpy as np

from gdfast import fit_options, tables, training, validation
from gdfast._moments.sums import Sums
from gdfast.backends import backend as backend_by_name
from gdfast.objective import FromMoments
from gdfast.result import Fit

_OF_SINGLE_SAMPLES = {"sample_weight", "batch_size", "shuffle", "rng", "plan"}


class Models(Sums):
    """Sums, and what follows from them: the loss anywhere, a descent, the optimum."""

    def loss_and_gradient(self, w: Any, b: Any = None, *, reduction: str = "mean") -> tuple[float, Any]:
        """The loss over all samples seen, and its derivatives.

        Parameters
        ----------
        w : array_like, (d,), or float where d is 1
        b : float, optional
            The intercept. Without it the model has none.
        reduction : {"mean", "sum"}

        Returns
        -------
        loss : float
        grad : ndarray (d,) of float64, or float for a number w; with b a pair of that and a float

        Raises
        ------
        TypeError, ValueError
            w has another shape, b is no number, the reduction is neither of the two, or there are no samples yet.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(2).update([[1, 2], [3, 4]], [1, 0])
        >>> moments.loss_and_gradient([0.0, 0.0], 1.0)
        (0.5, (array([3., 4.]), 1.0))
        """
        validation.reduction(reduction)
        w, b = validation.point(w, b, self._d)
        self._has_weight()
        with np.errstate(all="ignore"):  # the kernels are silent about overflow, too
            loss, grad, grad_b = FromMoments(self._sums, reduction).evaluate(np.atleast_1d(w), b)
        grad_w = float(grad[0]) if np.ndim(w) == 0 else grad
        return loss, grad_w if b is None else (grad_w, grad_b)

    def fit(self, *, backend: str = "native", **options: Any) -> Fit:
        """Train on the samples seen, none of which is read again: each pass takes one product with the matrix.

        Parameters
        ----------
        backend : {"native", "numpy", "torch"}
        **options
            Those of `gdfast.fit` that ask for no single sample: all but `sample_weight`, `batch_size`, `shuffle`, `rng`
            and `plan`. With them come its defaults.

        Returns
        -------
        Fit
            Its w is an array (d,) of float64.

        Raises
        ------
        TypeError, ValueError
            As `gdfast.fit`; an option is none of those, or there are no samples yet.

        See Also
        --------
        gdfast.fit : What it does, and what it raises besides.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(1).update([1, 2], [3, 5]).update([3, 4], [7, 9])
        >>> fit = moments.fit(fit_intercept=True, learning_rate="auto", optimizer="nesterov", n_iters=1_000)
        >>> fit.w.round(6), round(fit.b, 6), fit.report.bytes_read
        (array([2.]), 1.0, 0)
        """
        for name in _OF_SINGLE_SAMPLES & options.keys():
            raise TypeError(
                f"{name} is no option of Moments.fit, which has no single sample: write gdfast.fit(x, y, …)"
            )
        self._has_weight()
        held_out = options.get("validation")
        if isinstance(held_out, tuple | list) and held_out:
            options["validation"] = (tables.by_name("validation[0]", held_out[0], self._names), *held_out[1:])
        arguments = fit_options.check_moments(self._sums, self._rows, **options)
        return training.train(backend_by_name(backend), arguments._replace(columns=self._names))

    def solve(
        self,
        *,
        fit_intercept: bool = False,
        l2: float = 0.0,
        l1: float = 0.0,
        standardize: bool = False,
        reduction: str = "mean",
        backend: str = "native",
    ) -> Fit:
        """The optimum itself: `fit` with ``optimizer="exact"``.

        Parameters
        ----------
        fit_intercept, l2, l1, standardize, reduction, backend
            As of `gdfast.fit`.

        Returns
        -------
        Fit
            Its ``gap`` says how close rounding let it come.

        Raises
        ------
        TypeError, ValueError
            As `fit`.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(1).update([1, 2, 3, 4], [3, 5, 7, 9])
        >>> fit = moments.solve(fit_intercept=True)
        >>> fit.w.round(12), round(fit.b, 12), fit.converged
        (array([2.]), 1.0, True)
        >>> moments.solve(fit_intercept=True, l1=1.0).w.round(12)
        array([1.6])
        """
        return self.fit(
            optimizer="exact",
            fit_intercept=fit_intercept,
            l2=l2,
            l1=l1,
            standardize=standardize,
            reduction=reduction,
            backend=backend,
        )
