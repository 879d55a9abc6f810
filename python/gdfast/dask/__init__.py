"""gdfast on a Dask cluster: data that lies in the memory of many workers.

>>> from distributed import Client
>>> import dask.array as da
>>> from gdfast import dask as gdask
>>> client = Client(processes=False, n_workers=2, dashboard_address=":0")
>>> x = da.random.default_rng(0).standard_normal((1_000, 3), chunks=(100, 3))
>>> fit = gdask.fit(x, x @ [1.0, 2.0, 3.0] + 4.0, optimizer="exact", fit_intercept=True)
>>> fit.w.round(6), round(fit.b, 6)
(array([1., 2., 3.]), 4.0)
>>> client.close()
"""

try:
    import distributed as _distributed  # noqa: F401  # whether it is there
except ImportError as error:
    message = f"gdfast.dask can't run ({error}): pip install 'gdfast[dask]'"
    raise ImportError(message, name="distributed") from error

from typing import TYPE_CHECKING

from gdfast.dask.functions import fit, moments, path

if TYPE_CHECKING:
    from gdfast.dask.regressor import DaskGDRegressor

__all__ = ["DaskGDRegressor", "fit", "moments", "path"]


def __getattr__(name: str) -> object:
    """The estimator needs scikit-learn, and the functions don't."""
    if name == "DaskGDRegressor":
        from gdfast.dask.regressor import DaskGDRegressor

        return DaskGDRegressor
    raise AttributeError(f"module 'gdfast.dask' has no attribute {name!r}")
