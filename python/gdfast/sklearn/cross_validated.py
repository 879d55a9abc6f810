"""A path of penalties, cross-validated, as an estimator of scikit-learn."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import check_cv
from sklearn.utils import metadata_routing as routing

import gdfast
from gdfast.sklearn import inputs, words
from gdfast.sklearn.linear import LinearEstimator
from gdfast.wording import shown


class GDRegressorCV(LinearEstimator):
    r"""Lasso, ridge regression or the elastic net, the penalty chosen by cross-validation: `gdfast.path`.

    For each ``alpha`` the coefficients are those at which
    :math:`\sum_i s_i r_i^2 / \sum_i s_i + 2\alpha\rho \|w\|_1 + \alpha(1 - \rho) \|w\|^2` is least, for
    residuals r, sample weights s and :math:`\rho` = ``l1_ratio``. That is twice what `sklearn.linear_model.LassoCV`
    and ``ElasticNetCV`` lower, so ``alpha`` means the same; `gdfast.path` counts penalties in
    :math:`\lambda = 2\alpha`, and ``Ridge(a)`` has :math:`\alpha` = ``a / n_samples``.

    All folds of all penalties come from one read of X, which is not copied. Rows of folds that don't lie together are
    gathered, a few megabytes at a time.

    Parameters
    ----------
    l1_ratio : float or list of float, default 1
        1 for the lasso, 0 for ridge regression, or between them. The best of a list is chosen as well.
    alphas : int or array of shape (n_alphas,), default 100
        The penalties, 0 or more; or how many of them, from the least that sets all coefficients to 0 down to ``eps``
        times that.
    eps : float, default 1e-3
        The least penalty, as a share of the largest.
    cv : int, splitter or iterable of (train, test), optional
        How rows are held out: in so many folds of consecutive rows, 5 by default; or by test sets that have each row
        once, such as those of ``KFold(5, shuffle=True, random_state=0)``.
    fit_intercept : bool, default True
        Whether there is an intercept, which costs nothing.
    standardize : bool, default False
        Whether penalties act on the coefficients of columns of deviation 1; each training set has scales of its own.
    rule : {"min", "1se"}, default "min"
        Take the penalty of the least error, or the largest whose error is within one standard error of that.

    Attributes
    ----------
    alpha_ : float
        The penalty that was chosen.
    l1_ratio_ : float
        The mixture that was chosen.
    coef_ : ndarray of shape (n_features,)
        Coefficients on all rows, of X's dtype.
    intercept_ : float
        0 with ``fit_intercept=False``.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The penalties, from the largest downwards.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on each fold of the model of all others. Their mean is weighted with the folds' weights.
    converged_ : bool
        Whether the objective is at most 1e-6 of that at ``w = 0`` above the least one.
    path_ : gdfast.Path
        All models, standard errors, and the chart: ``path_.plot()``.
    report_ : gdfast.Report
        What was read, and how fast.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where X was a table whose columns have strings for names.

    See Also
    --------
    GDRegressor : For a penalty that is known.
    gdfast.path : What it does, without scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from gdfast.sklearn import GDRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((1_000, 5))
    >>> y = X @ [3.0, -2.0, 0.0, 0.0, 0.0] + 1.0 + rng.standard_normal(1_000)
    >>> model = GDRegressorCV(rule="1se").fit(X, y)
    >>> model.coef_.round(1) + 0.0, round(model.alpha_, 3)
    (array([ 2.9, -1.8,  0. ,  0. ,  0. ]), 0.102)
    >>> model.mse_path_.shape, model.report_.passes
    ((100, 5), 1.0)
    """

    path_: gdfast.Path

    def __init__(
        self,
        *,
        l1_ratio: float | Sequence[float] = 1.0,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = None,
        fit_intercept: bool = True,
        standardize: bool = False,
        rule: str = "min",
    ) -> None:
        self.l1_ratio = l1_ratio
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.rule = rule

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, **params: Any) -> GDRegressorCV:
        """Choose the penalty, and find its coefficients on all rows.

        Parameters
        ----------
        X : array or table of shape (n_samples, n_features)
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            What each sample counts, in training and in the error of the rows held out: 0 or more.
        **params : dict
            What ``cv.split`` takes, such as ``groups``, with scikit-learn's metadata routing switched on.

        Returns
        -------
        GDRegressorCV
            This estimator.

        Raises
        ------
        ValueError, TypeError
            When X, y or a parameter is not as above.
        """
        split_params = self._of_the_splitter(params, sample_weight)
        X, y, sample_weight = inputs.samples(self, X, y, sample_weight, reset=True)
        penalties = self._penalties()
        folds = self._folds(len(y), split_params)
        try:
            found = gdfast.path(
                X,
                y,
                l1_ratio=self.l1_ratio,
                penalties=None if isinstance(penalties, int) else penalties,
                n_penalties=penalties if isinstance(penalties, int) else 100,
                eps=self.eps,
                folds=folds,
                sample_weight=sample_weight,
                fit_intercept=self.fit_intercept,
                standardize=self.standardize,
                rule=self.rule,
            )
        except (ValueError, TypeError) as error:
            inputs.refuse_not_finite(self, X)
            words.reraise(error)
        return self._keep(found, inputs.dtype_of_coefficients(X))

    def get_metadata_routing(self) -> routing.MetadataRouter:
        """Where scikit-learn's metadata go: ``sample_weight`` to this estimator, others to the splitter."""
        to_split = routing.MethodMapping().add(caller="fit", callee="split")
        router = routing.MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=to_split)

    # --- what is done for these ---

    def _of_the_splitter(self, params: dict[str, Any], sample_weight: Any) -> dict[str, Any]:
        routing._raise_for_params(params, self, "fit")
        if not routing._routing_enabled():
            return {}
        routed = routing.process_routing(self, "fit", sample_weight=sample_weight, **params)
        return dict(routed.splitter.split)

    def _folds(self, n: int, split_params: dict[str, Any]) -> Any:
        """What `gdfast.path` takes for cv: a number, whose folds it reads where they lie, or a splitter."""
        if self.cv is not None and not isinstance(self.cv, numbers.Integral):
            return _Splits(check_cv(self.cv), split_params)
        folds = 5 if self.cv is None else int(self.cv)
        if folds > n:
            raise ValueError(f"cv={folds} folds are more than n_samples={n}: write cv={n} or give more rows")
        if folds < 2:
            raise ValueError(f"cv is {folds}, accepted is a number of folds from 2, or a splitter")
        return folds

    def _penalties(self) -> int | NDArray[np.float64]:
        """The number of penalties, or these, in units of `gdfast.path`."""
        accepted = "accepted is a number of penalties from 1, or a list of finite numbers, 0 or more"
        given: Any = self.alphas
        if isinstance(given, int | np.integer) and not isinstance(given, bool):
            if given < 1:
                raise ValueError(f"alphas is {given}, {accepted}")
            return int(given)
        try:
            alphas = np.sort(np.asarray(given, np.float64))[::-1]
        except (TypeError, ValueError):
            raise TypeError(f"alphas is {shown(given)}, {accepted}") from None
        if alphas.ndim != 1 or not len(alphas) or not (np.isfinite(alphas) & (alphas >= 0)).all():
            raise ValueError(f"alphas is {shown(given)}, {accepted}")
        return 2 * alphas

    def _keep(self, found: gdfast.Path, dtype: np.dtype[Any]) -> GDRegressorCV:
        chosen = found.best if found.rule == "min" else found.best_1se
        ratio = chosen[0] if isinstance(chosen, tuple) else 0
        self.path_ = found
        self.alphas_ = found.penalties / 2
        self.mse_path_: NDArray[np.float64] = np.asarray(found.cv_loss)
        self.alpha_ = float(self.alphas_[chosen])
        self.l1_ratio_ = float(found.l1_ratio[ratio])
        self.coef_ = found.fit.w.astype(dtype, copy=False)
        self.intercept_ = 0.0 if found.fit.b is None else found.fit.b
        self.converged_ = found.fit.converged
        self.report_ = found.report
        return self


@dataclasses.dataclass(frozen=True)
class _Splits:
    """A splitter together with what metadata routing brings for it."""

    splitter: Any
    params: dict[str, Any]

    def split(self, X: Any, y: Any, groups: None) -> Any:
        return self.splitter.split(X, y, **self.params)
