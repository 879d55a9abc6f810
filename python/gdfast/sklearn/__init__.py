"""gdfast as scikit-learn's users know it: estimators for pipelines, searches and everything else that takes one.

>>> import numpy as np
>>> from gdfast.sklearn import GDRegressor
>>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
>>> model = GDRegressor().fit(X, X @ [1.0, 2.0] + 3.0)
>>> model.coef_.round(6), round(model.intercept_, 6)
(array([1., 2.]), 3.0)
"""

try:
    import sklearn.utils.validation
except ImportError as error:
    message = f"gdfast.sklearn can't run ({error}): pip install 'scikit-learn>=1.6'"
    raise ImportError(message, name="sklearn") from error

if not hasattr(sklearn.utils.validation, "validate_data"):
    raise ImportError(
        f"gdfast.sklearn needs scikit-learn 1.6 or later, and {sklearn.__version__} is installed: "
        "pip install 'scikit-learn>=1.6'",
        name="sklearn",
    )

from gdfast.sklearn.cross_validated import GDRegressorCV
from gdfast.sklearn.regressor import GDRegressor

__all__ = ["GDRegressor", "GDRegressorCV"]
