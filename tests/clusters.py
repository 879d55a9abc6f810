"""What the tests of gdfast.dask share: the rows of `scans` as partitions, and clusters within this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from scans import NAMES, S, X, Y

pd: Any = pytest.importorskip("pandas")
dask: Any = pytest.importorskip("dask")
dd: Any = pytest.importorskip("dask.dataframe")
distributed: Any = pytest.importorskip("distributed")

CUTS = [0, 90, 90, 400, 401, 650, 650, 900, 1000]  # two partitions have no rows
ROWS = [slice(a, b) for a, b in pairwise(CUTS)]

STREAMED: list[dict[str, Any]] = [
    {"optimizer": "cg", "plan": "stream", "fit_intercept": True, "n_iters": 5},
    {"optimizer": "nesterov", "learning_rate": "auto", "l1": 0.1, "standardize": True, "plan": "stream", "n_iters": 5},
]
SOLVED: list[dict[str, Any]] = [
    {"optimizer": "exact", "fit_intercept": True},
    {"optimizer": "exact", "l1": 0.1, "standardize": True},
]


def frames(dtype: Any = np.float64, columns: Any = (*NAMES, "y", "s")) -> list[Any]:
    whole = pd.DataFrame({**dict(zip(NAMES, X.T, strict=True)), "y": Y, "s": S}).astype(dtype)
    return [whole.iloc[rows][list(columns)] for rows in ROWS]


def on_cluster(parts: list[Any]) -> Any:
    return dd.from_delayed([dask.delayed(part) for part in parts], meta=parts[0].iloc[:0], verify_meta=False)


def scanned(parts: list[Any]) -> gdfast.Scan:
    return gdfast.scan(lambda: iter(parts))


@contextmanager
def cluster_of(workers: int, threads: int = 1, **options: Any) -> Iterator[tuple[Any, Any]]:
    """A cluster of so many workers, as threads of this process where nothing else is said, and a client of it."""
    options = {"processes": False, "dashboard_address": ":0", "silence_logs": 50, **options}
    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=threads, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


def same_fit(found: gdfast.Fit, want: gdfast.Fit) -> None:
    assert oracle.same_bits(found.w, want.w)
    assert oracle.same_bits(found.losses, want.losses)
    assert found.b == want.b
