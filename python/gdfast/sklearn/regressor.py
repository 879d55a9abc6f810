"""Least squares as an estimator of scikit-learn."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

import gdfast
from gdfast import plan as plans
from gdfast.sklearn import inputs, words
from gdfast.sklearn.linear import LinearEstimator

_OF_SINGLE_SAMPLES = ("batch_size", "shuffle", "rng", "plan")


class GDRegressor(LinearEstimator):
    r"""Linear regression by `gdfast.fit`: the optimum from one read of X, or gradient descent.

    What is lowered is :math:`\sum_i s_i r_i^2 / \sum_i s_i + \lambda_2 \|w\|^2 + \lambda_1 \|w\|_1` for the residuals
    :math:`r = X w + b - y` and sample weights s. :math:`\lambda_2` is ``l2``, and :math:`\lambda_1` is ``l1``:
    ``Ridge(alpha)`` has ``l2 = alpha / n_samples``, ``Lasso(alpha)`` has ``l1 = 2 * alpha``.

    float32 and float64 arrays are not copied, in C order, Fortran order or any other, and neither is a DataFrame whose
    floats lie in one piece. X is read once where the optimum is found from moments: NaN and infinity are noticed in
    the result.

    Parameters
    ----------
    optimizer : {"auto", "exact", "cg", "gd", "momentum", "nesterov", "adam"}, default "auto"
        How the coefficients are found: see `gdfast.fit`. ``"auto"`` is ``"exact"``; where the moments of very many
        columns would take too much memory, ``"cg"``, or with l1 ``"nesterov"``; and ``"gd"`` where a learning rate or
        batch size is chosen.
    l2, l1 : float, default 0
        What the coefficients cost.
    fit_intercept : bool, default True
        Whether there is an intercept, which costs nothing.
    standardize : bool, default False
        Whether penalties and learning rate act on the coefficients of columns of mean 0 and standard deviation 1.
        X is not changed.
    learning_rate : float or "auto", default "auto"
        Length of a step, as a multiple of the gradient of the mean squared residual. ``"auto"`` can't diverge; Adam and
        mini-batches need a number.
    max_iter : int, default 1000
        Passes over the data, at most. ``"exact"`` takes one.
    tol : float or None, default 1e-8
        Stop when the objective of a pass differs from the one before by at most this share of it. ``"exact"`` needs
        none.
    momentum, betas, eps
        As of `gdfast.fit`.
    batch_size : int, optional
        Rows of a mini-batch. All rows by default.
    shuffle : bool, default True
        Whether each pass draws the order of the rows for the mini-batches.
    random_state : int, numpy.random.RandomState or numpy.random.Generator, optional
        What draws it.
    warm_start : bool, default False
        Whether descent starts from the coefficients of the previous fit.
    plan : {"auto", "stream", "moments"}, default "auto"
        Whether to read the data once a pass, or once in all: see `gdfast.fit`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, of X's dtype.
    intercept_ : float
        0 with ``fit_intercept=False``.
    n_iter_ : int
        Passes that were made.
    converged_ : bool or None
        Whether the objective is at most 1e-6 of that at ``w = 0`` above the least one; None where that isn't known.
    report_ : gdfast.Report
        What was read, and how fast; and what could make the fit better.
    moments_ : gdfast.Moments
        After `partial_fit`: all that it keeps of the samples.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where X was a table whose columns have strings for names.

    See Also
    --------
    GDRegressorCV : Chooses the penalty, by cross-validation.
    gdfast.fit : What it does, without scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from gdfast.sklearn import GDRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((1_000, 3)).astype(np.float32)
    >>> model = GDRegressor().fit(X, X @ [1.0, 2.0, 3.0] + 4.0)
    >>> model.coef_.round(3), round(model.intercept_, 3)
    (array([1., 2., 3.], dtype=float32), 4.0)
    >>> model.converged_, model.report_.passes
    (True, 1.0)

    The same, chunk by chunk:

    >>> chunks = GDRegressor()
    >>> for start in range(0, 1_000, 250):
    ...     part = X[start : start + 250]
    ...     chunks = chunks.partial_fit(part, part @ [1.0, 2.0, 3.0] + 4.0)
    >>> chunks.coef_.round(3)
    array([1., 2., 3.], dtype=float32)
    """

    moments_: gdfast.Moments

    def __init__(
        self,
        *,
        optimizer: str = "auto",
        l2: float = 0.0,
        l1: float = 0.0,
        fit_intercept: bool = True,
        standardize: bool = False,
        learning_rate: float | Literal["auto"] = "auto",
        max_iter: int = 1000,
        tol: float | None = 1e-8,
        momentum: float = 0.9,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        batch_size: int | None = None,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        warm_start: bool = False,
        plan: str = "auto",
    ) -> None:
        self.optimizer = optimizer
        self.l2 = l2
        self.l1 = l1
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.momentum = momentum
        self.betas = betas
        self.eps = eps
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.plan = plan

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> GDRegressor:
        """Find the coefficients.

        Parameters
        ----------
        X : array or table of shape (n_samples, n_features)
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            What each sample counts: 0 or more.

        Returns
        -------
        GDRegressor
            This estimator.

        Raises
        ------
        ValueError, TypeError
            When X, y or a parameter is not as above.
        gdfast.DivergenceError
            When a learning rate is too large, or numbers are so large that their squares are no numbers of X's dtype.
        """
        X, y, sample_weight = inputs.samples(self, X, y, sample_weight, reset=True)
        options = self._options(plans.moments_fit(self.n_features_in_, 8 * X.shape[0] * X.shape[1]))
        try:
            found = words.silent_about_defaults(gdfast.fit, X, y, sample_weight=sample_weight, **options)
        except gdfast.DivergenceError as error:
            inputs.refuse_not_finite(self, X)
            words.reraise(error)
        except (ValueError, TypeError) as error:
            words.reraise(error)
        self.__dict__.pop("moments_", None)
        return self._keep(found, found.w.dtype, options["optimizer"])

    def partial_fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> GDRegressor:
        """Add samples, and find the coefficients of all that were added so far.

        The result is that of `fit` on all of them at once, but for rounding: what is kept are `gdfast.Moments`, a
        matrix of n_features + 2 rows and columns, and each call solves for the optimum anew.

        Parameters
        ----------
        X : array or table of shape (n_samples, n_features)
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional

        Returns
        -------
        GDRegressor
            This estimator; as it was if an exception comes instead.

        Raises
        ------
        ValueError, TypeError
            As `fit`; and with ``batch_size``, since moments know no single batch.

        Warns
        -----
        UserWarning
            After `fit`, which keeps nothing of its samples: then the samples added here are the first.
        """
        begun = hasattr(self, "moments_")
        if not begun and hasattr(self, "coef_"):
            warnings.warn(
                "partial_fit begins anew, since fit keeps nothing of its samples: call partial_fit for these as well, "
                "instead of fit; the result is the same",
                stacklevel=2,
            )
        X, y, sample_weight = inputs.samples(self, X, y, sample_weight, reset=not begun)
        options = self._options(moments_fit=True)
        if options["batch_size"] is not None:
            raise ValueError("partial_fit trains from moments, which know no single batch: write batch_size=None")
        try:
            added = gdfast.Moments(self.n_features_in_).update(X, y, sample_weight)
            self._check_finite(added, X)
            moments: gdfast.Moments = self.moments_ + added if begun else added
            options = {name: value for name, value in options.items() if name not in _OF_SINGLE_SAMPLES}
            found = words.silent_about_defaults(moments.fit, **options)
        except (ValueError, TypeError) as error:
            words.reraise(error)
        self.moments_ = moments
        dtype = inputs.dtype_of_coefficients(X)
        dtype = np.result_type(dtype, self.coef_.dtype) if begun else dtype
        return self._keep(found, dtype, options["optimizer"])

    # --- what is done for these ---

    def _options(self, moments_fit: bool) -> dict[str, Any]:
        """The options of `gdfast.fit`; `moments_fit` is whether moments of so many columns take little memory."""
        if self.max_iter == 0:
            raise ValueError("max_iter is 0, accepted is a whole number of passes, 1 or more")
        starts = self.warm_start and hasattr(self, "coef_") and self.coef_.shape == (self.n_features_in_,)
        return {
            "w0": self.coef_ if starts else None,
            "b0": self.intercept_ if starts and self.fit_intercept else None,
            "fit_intercept": self.fit_intercept,
            "learning_rate": self.learning_rate,
            "n_iters": self.max_iter,
            "optimizer": self._optimizer(moments_fit),
            "momentum": self.momentum,
            "betas": self.betas,
            "eps": self.eps,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "rng": words.generator(self.random_state) if self.batch_size is not None else None,
            "l2": self.l2,
            "l1": self.l1,
            "standardize": self.standardize,
            "tol": self.tol,
            "plan": self.plan,
        }

    def _optimizer(self, moments_fit: bool) -> str:
        if self.optimizer != "auto":
            return self.optimizer
        if self.batch_size is not None or self.learning_rate != "auto":
            return "gd"  # who says how to step wants steps
        if self.plan == "moments" or (self.plan == "auto" and moments_fit):
            return "exact"
        return "nesterov" if self.l1 else "cg"

    def _check_finite(self, moments: gdfast.Moments, X: Any) -> None:
        """Moments of NaN would spoil all that comes after them."""
        if not np.isfinite(moments.gram).all():
            inputs.refuse_not_finite(self, X)
            raise ValueError("the squares of X or y are beyond the range of float64: scale the largest columns down")

    def _keep(self, found: gdfast.Fit, dtype: np.dtype[Any], optimizer: str) -> GDRegressor:
        self.coef_ = found.w.astype(dtype, copy=False)
        self.intercept_ = 0.0 if found.b is None else found.b
        self.n_iter_ = found.n_iters
        self.converged_ = found.converged
        self.report_ = dataclasses.replace(found.report, advice=tuple(map(words.said, found.report.advice)))
        if found.stop_reason == "n_iters" and not found.converged and optimizer != "exact":
            advice = " ".join(self.report_.advice) or f"Write max_iter={10 * self.max_iter}, or a larger tol"
            warnings.warn(f"max_iter={self.max_iter} passes were made. {advice}", ConvergenceWarning, stacklevel=3)
        return self
