"""Least squares on a cluster, as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

import gdfast
from gdfast import plan as plans
from gdfast.dask.functions import passes_over, train
from gdfast.dask.passes import ClusterPasses
from gdfast.sklearn import GDRegressor, words


class DaskGDRegressor(GDRegressor):
    """`gdfast.sklearn.GDRegressor` of data that lies on a Dask cluster.

    Parameters and attributes are those of `gdfast.sklearn.GDRegressor`, but for mini-batches.

    See Also
    --------
    gdfast.dask.fit : What it does.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from gdfast.dask import DaskGDRegressor
    >>> client = Client(processes=False, n_workers=2, dashboard_address=":0")
    >>> X = da.random.default_rng(0).standard_normal((1_000, 3), chunks=(100, 3))
    >>> model = DaskGDRegressor().fit(X, X @ [1.0, 2.0, 3.0] + 4.0)
    >>> model.coef_.round(6), model.predict(X[:2]).chunks
    (array([1., 2., 3.]), ((2,),))
    >>> client.close()
    >>> model.to_local().predict([[1.0, 1.0, 1.0]]).round(6)
    array([10.])
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DaskGDRegressor:
        """Find the coefficients.

        Parameters
        ----------
        X : dask.dataframe.DataFrame or dask.array.Array of shape (n_samples, n_features)
        y : str, or dask.array.Array of shape (n_samples,)
            The column to predict of a frame; of an array, another one.
        sample_weight : str or dask.array.Array, optional

        Returns
        -------
        DaskGDRegressor
            This estimator.

        Raises
        ------
        ValueError, TypeError
            As `gdfast.dask.fit`, and `gdfast.sklearn.GDRegressor.fit`.
        """
        passes = passes_over(None, X, y, sample_weight)
        self._note_columns(passes)
        options = self._options(plans.moments_fit(passes.bound.d, passes.one_read))
        try:
            found = words.silent_about_defaults(train, passes, **options)
        except (ValueError, TypeError, gdfast.DivergenceError) as error:
            words.reraise(error)
        self._keep(found, found.w.dtype, options["optimizer"])
        return self

    def _note_columns(self, passes: ClusterPasses) -> None:
        self.n_features_in_ = passes.bound.d
        self.__dict__.pop("feature_names_in_", None)
        if passes.bound.names is not None:
            self.feature_names_in_ = np.array(passes.bound.names, dtype=object)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> DaskGDRegressor:
        """Not for a cluster: add `gdfast.dask.moments` up, which are all that it would keep.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError("write moments = gdfast.dask.moments(frame, y), add them up, and moments.solve()")

    def predict(self, X: Any) -> Any:
        """The model's value for each row, as a collection of Dask with the partitions of X.

        Parameters
        ----------
        X : dask.dataframe.DataFrame or dask.array.Array of shape (n_samples, n_features), or as of `to_local`

        Returns
        -------
        dask.dataframe.Series or dask.array.Array of shape (n_samples,); or an array, of data in memory
        """
        local = self.to_local()
        if hasattr(X, "npartitions") and hasattr(X, "columns"):
            return X.map_partitions(_of_frame, local, meta=(None, self.coef_.dtype))
        if hasattr(X, "map_blocks"):
            dtype = np.result_type(X.dtype, np.float32)
            return X.rechunk({1: -1}).map_blocks(_of_block, local, drop_axis=1, dtype=dtype)
        return local.predict(X)

    def to_local(self) -> GDRegressor:
        """The same model, without Dask.

        Returns
        -------
        gdfast.sklearn.GDRegressor
        """
        local = GDRegressor(**self.get_params())
        local.__dict__.update({name: value for name, value in self.__dict__.items() if name.endswith("_")})
        return local


def _of_frame(part: Any, model: GDRegressor) -> Any:
    names = list(getattr(model, "feature_names_in_", part.columns))
    values = _of_block(part[names], model)
    return part[names[0]]._constructor(values, index=part.index)  # a Series like its columns


def _of_block(block: Any, model: GDRegressor) -> Any:
    if not len(block):
        return np.empty(0, model.coef_.dtype)
    return model.predict(block)
