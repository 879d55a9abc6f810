"""What the estimators have in common: a linear model predicts in one way, however it was found."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

import gdfast
from gdfast.sklearn import inputs


class LinearEstimator(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator with ``coef_`` and ``intercept_``."""

    coef_: NDArray[Any]
    intercept_: float
    n_features_in_: int

    def predict(self, X: Any) -> NDArray[Any]:
        """The model's value for each row.

        Parameters
        ----------
        X : array or table of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), of X's dtype
        """
        check_is_fitted(self)
        X = inputs.rows(self, X)
        y_pred: NDArray[Any] = gdfast.forward(X, self.coef_, self.intercept_)
        if not np.isfinite(y_pred).all():
            inputs.refuse_not_finite(self, X)
        return y_pred
