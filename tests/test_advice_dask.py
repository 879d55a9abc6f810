"""What is said of data on a cluster is followed to the letter, and works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from advice_cases import MANY as X
from advice_cases import TARGET as Y
from advice_cases import Case, follow

pd: Any = pytest.importorskip("pandas")
da: Any = pytest.importorskip("dask.array")
dd: Any = pytest.importorskip("dask.dataframe")
distributed: Any = pytest.importorskip("distributed")

import gdfast.dask as gdask  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning", "ignore::DeprecationWarning")

GD: dict[str, Any] = {"learning_rate": 0.1, "n_iters": 3}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0", silence_logs=50
    ) as made:
        yield made


def test_without_a_client(cluster: Any) -> None:
    frame = dd.from_pandas(pd.DataFrame({"a": X[:, 0], "y": Y}), npartitions=2)

    def with_a_client() -> None:
        client = distributed.Client(cluster)
        gdask.fit(frame, "y", **GD)
        gdask.fit(frame, "y", client=client, **GD)
        client.close()

    follow(Case(lambda: gdask.fit(frame, "y", **GD), "write client = distributed.Client(…)", (with_a_client,)))


def test_frames_and_arrays(cluster: Any) -> None:
    frame = dd.from_pandas(pd.DataFrame({"a": X[:, 0]}), npartitions=2)
    y = dd.from_pandas(pd.Series(Y), npartitions=2)
    whole = frame.assign(y=y)
    nullable = pd.DataFrame({"a": pd.array([None, *X[1:, 0]], "Float64"), "y": Y})
    holes = dd.from_pandas(nullable, npartitions=2)
    x, target = da.from_array(X, chunks=(20, 3)), da.from_array(Y, chunks=20)
    unknown = x[x[:, 0] > -10]
    with distributed.Client(cluster):
        cases = [
            Case(
                lambda: gdask.fit(frame, y, **GD),
                "write frame.assign(y=…) and y='y'",
                (lambda: gdask.fit(frame.assign(y=y), y="y", **GD),),
            ),
            Case(
                lambda: gdask.fit(whole, **GD),
                "write the name of the column to predict",
                (lambda: gdask.fit(whole, "y", **GD),),
            ),
            Case(lambda: gdask.fit(x, **GD), "write gdfast.dask.fit(x, y)", (lambda: gdask.fit(x, target, **GD),)),
            Case(
                lambda: gdask.fit(unknown, da.from_array(Y, chunks=-1), **GD),
                "write x.compute_chunk_sizes()",
                (lambda: gdask.fit(unknown.compute_chunk_sizes(), da.from_array(Y, chunks=-1), **GD),),
            ),
            Case(
                lambda: gdask.fit(holes, "y", **GD),
                "column 'a' has 1 null: write frame.dropna()",
                (lambda: gdask.fit(holes.dropna(), "y", **GD),),
            ),
            Case(
                lambda: gdask.fit(whole, "y", batch_size=4, **GD),
                "write batch_size=None",
                (lambda: gdask.fit(whole, "y", batch_size=None, **GD),),
            ),
        ]
        for case in cases:
            follow(case)


def test_estimators(cluster: Any) -> None:
    pytest.importorskip("sklearn")
    from gdfast.dask import DaskGDRegressor

    frame = dd.from_pandas(pd.DataFrame({"a": X[:, 0], "y": Y}), npartitions=2)
    with distributed.Client(cluster):

        def added_up() -> Any:
            moments = gdask.moments(frame, "y")
            return (moments + gdask.moments(frame, "y")).solve()

        says = "write moments = gdfast.dask.moments(frame, y), add them up, and moments.solve()"
        follow(Case(lambda: DaskGDRegressor().partial_fit(frame[["a"]], frame["y"]), says, (added_up,)))
