"""What scikit-learn demands of X, y and sample_weight, without the second read of X that its test for NaN would be.

Arrays go through scikit-learn's own checks, which copy no float32 or float64. Tables go on as they are, since scikit-
learn would copy their columns into one array: here only the names and the number of their columns are looked at.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_array, check_consistent_length, validate_data

from gdfast import conversion

# What gdfast reads without scikit-learn's help. Anything else becomes float64, the first of them.
_READ_AS_THEY_ARE = [np.float64, np.float32, *map(np.dtype, "bBhHiIlLqQ?")]


class Samples(NamedTuple):
    """Checked arguments of `fit`. X is an array or a table, and may hold NaN."""

    X: Any
    y: Any
    sample_weight: Any


def samples(estimator: Any, X: Any, y: Any, sample_weight: Any, reset: bool) -> Samples:
    """X, y and sample_weight of a fit; the estimator learns names and number of X's columns, or compares them."""
    X, y, sample_weight = _memory("X", X), _memory("y", y), _memory("sample_weight", sample_weight)
    if _is_table(X):
        y = validate_data(estimator, y=y, reset=False, y_numeric=True)
        X = validate_data(estimator, X, reset=reset, skip_check_array=True)
        check_consistent_length(X, y)
    else:
        X, y = validate_data(
            estimator, X, y, reset=reset, dtype=_READ_AS_THEY_ARE, ensure_all_finite=False, y_numeric=True
        )
    if y.dtype not in (np.float32, np.float64):
        y = y.astype(np.float64)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(sample_weight, X)
        if not sample_weight.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
    return Samples(X, y, sample_weight)


def rows(estimator: Any, X: Any) -> Any:
    """X of a prediction."""
    X = _memory("X", X)
    if _is_table(X):
        return validate_data(estimator, X, reset=False, skip_check_array=True)
    return validate_data(estimator, X, reset=False, dtype=_READ_AS_THEY_ARE, ensure_all_finite=False)


def dtype_of_coefficients(X: Any) -> np.dtype[Any]:
    """float32 where all of X is, else float64."""
    own = getattr(X, "dtype", None)
    dtypes = getattr(X, "dtypes", ()) if own is None else (own,)
    single = {str(dtype).lower() for dtype in dtypes} == {"float32"}
    return np.dtype(np.float32 if single else np.float64)


def refuse_not_finite(estimator: Any, X: Any) -> None:
    """Raise in scikit-learn's words if X holds NaN or infinity."""
    check_array(X, dtype=_READ_AS_THEY_ARE, ensure_all_finite=True, input_name="X", estimator=estimator)


def _is_table(X: Any) -> bool:
    """Whether X has columns with dtypes of their own: pandas, polars, Arrow, or what hands out Arrow's streams."""
    is_table = hasattr(X, "iloc") or hasattr(X, "__arrow_c_stream__") or hasattr(X, "__arrow_c_array__")
    return is_table and len(getattr(X, "shape", ())) == 2


def _memory(name: str, value: Any) -> Any:
    """What exports its memory by DLPack, a tensor or an array of JAX, as an array of NumPy's; anything else as it is.

    scikit-learn would take the numbers behind a mask for data, and copy or refuse what has DLPack alone.
    """
    if np.ma.is_masked(value):
        raise TypeError(
            f"{name} is a masked array, and its mask would be ignored: leave those rows out, or write {name}.filled(0)"
        )
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray | np.generic):
        return conversion.to_ndarray(name, value)
    return value
