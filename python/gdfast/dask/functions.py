"""`fit`, `path` and `moments` of data on a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import distributed

import gdfast
from gdfast import fit_options, training
from gdfast.backends import backend as backend_by_name
from gdfast.dask.passes import ClusterPasses


def passes_over(
    client: Any, frame: Any, y: Any, sample_weight: Any = None, columns: Sequence[str] | None = None
) -> ClusterPasses:
    """Passes over a frame or an array; see `fit`."""
    if client is None:
        try:
            client = distributed.get_client()
        except ValueError:
            raise ValueError(
                "there is no client of a cluster: write client = distributed.Client(…) before, or client=…"
            ) from None
    return ClusterPasses(client, frame, y, sample_weight, columns)


def fit(
    frame: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    columns: Sequence[str] | None = None,
    client: Any = None,
    backend: str = "native",
    **options: Any,
) -> gdfast.Fit:
    """`gdfast.fit` of data whose partitions lie on the workers of a Dask cluster, where they stay.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame, or dask.array.Array of shape (n,) or (n, d)
        Partitions may be empty, of unknown size, and have their columns in any order. An array may be cut between
        columns as well. What isn't in the workers' memory is brought there first, and stays for the fit.
    y : str, or dask.array.Array of shape (n,)
        The column to predict of a frame; of an array, another one.
    sample_weight : str or dask.array.Array, optional
        What each row counts.
    columns : list of str, optional
        Those of x; by default all others of the frame.
    client : distributed.Client, optional
        By default the current one.
    backend : {"native", "numpy", "torch"}
        What computes on the workers.
    **options
        Those of `gdfast.fit`, but for mini-batches. Validation is data in memory.

    Returns
    -------
    gdfast.Fit
        Its ``report.threads`` counts those of all workers.

    Raises
    ------
    ValueError, TypeError
        As `gdfast.fit`; or partitions disagree about columns or dtypes, of which the message names one.

    Notes
    -----
    With ``plan="moments"`` there is one round trip, and (d + 2)² numbers a partition are added on the workers. With
    ``plan="stream"`` each pass is one: w goes out, loss and gradient of each partition come back. Either way parts are
    added in a binary tree over the partitions' numbers, as a scan of the same pieces adds them: so the bits don't
    depend on how many workers there are, on which of them have what, or on tasks that are done again because one was
    lost.

    Examples
    --------
    >>> import gdfast.dask
    >>> fit = gdfast.dask.fit(frame, "y", optimizer="exact", fit_intercept=True)  # doctest: +SKIP
    """
    passes = passes_over(client, frame, y, sample_weight, columns)
    return train(passes, backend=backend, **options)


def train(passes: ClusterPasses, *, backend: str = "native", **options: Any) -> gdfast.Fit:
    """`fit`, where passes are at hand."""
    found = training.train(backend_by_name(backend), fit_options.check(passes, None, **options))
    return dataclasses.replace(found, report=dataclasses.replace(found.report, threads=passes.threads))


def path(
    frame: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    columns: Sequence[str] | None = None,
    client: Any = None,
    **options: Any,
) -> gdfast.Path:
    """`gdfast.path` of data on a Dask cluster, from one read of it.

    Parameters
    ----------
    frame, y, sample_weight, columns, client
        As of `fit`.
    **options
        Those of `gdfast.path`. ``folds`` goes by the numbers of rows, as in memory.

    Returns
    -------
    gdfast.Path

    Raises
    ------
    ValueError, TypeError
        As `gdfast.path` and `fit`.

    Examples
    --------
    >>> import gdfast.dask
    >>> path = gdfast.dask.path(frame, "y", folds=5)  # doctest: +SKIP
    """
    passes: Any = passes_over(client, frame, y, sample_weight, columns)
    return gdfast.path(passes, **options)


def moments(
    frame: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    columns: Sequence[str] | None = None,
    client: Any = None,
) -> gdfast.Moments:
    """`gdfast.Moments` of data on a Dask cluster, from one read of it.

    Parameters
    ----------
    frame, y, sample_weight, columns, client
        As of `fit`.

    Returns
    -------
    gdfast.Moments

    Raises
    ------
    ValueError, TypeError
        As `fit`.

    Examples
    --------
    >>> import gdfast.dask
    >>> monday = gdfast.dask.moments(frame, "y").to_bytes()  # doctest: +SKIP
    """
    passes = passes_over(client, frame, y, sample_weight, columns)
    return gdfast.Moments(passes.bound.d)._add_passes(passes, y if isinstance(y, str) else None)
