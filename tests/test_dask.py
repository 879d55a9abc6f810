"""Data on a Dask cluster: the bits of a scan of the same pieces, wherever partitions lie and whoever is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from clusters import SOLVED, STREAMED, dask, dd, distributed, frames, on_cluster, pd, same_fit, scanned
from gdfast._scan.tree import Nodes, Tree, merged
from scans import NAMES, S, X, Y

da: Any = pytest.importorskip("dask.array")

import gdfast.dask as gdask  # noqa: E402
from gdfast.dask import tasks  # noqa: E402


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=2, processes=False, dashboard_address=":0", silence_logs=50
    ) as made:
        yield made


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with distributed.Client(cluster) as made:
        yield made


# --- the same bits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [*STREAMED, *SOLVED], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_fits_have_the_bits_of_a_scan(options: dict[str, Any], weighted: bool, client: Any) -> None:
    parts = frames()
    weight = "s" if weighted else None
    columns = None if weighted else NAMES
    found = gdask.fit(on_cluster(parts), "y", sample_weight=weight, columns=columns, **options)
    scan = scanned(parts) if weighted else scanned(parts).with_columns(NAMES)
    want = gdfast.fit(scan, "y", sample_weight=weight, **options)
    same_fit(found, want)
    assert found.feature_names == tuple(NAMES)
    assert found.report.threads == 6
    assert (found.gap is None) == (want.gap is None)
    assert found.report.passes == want.report.passes + (options.get("plan") == "stream")  # one that looks at y alone


def test_rows_far_from_0_have_the_bits_of_a_scan(client: Any) -> None:
    """They are read less a point near their means, there as here."""
    rng = np.random.default_rng(0)
    z = 1.7e9 + rng.standard_normal((1000, 3))
    y = 1.7e9 + (z - 1.7e9) @ [1.0, 2.0, 3.0] + rng.standard_normal(1000)
    options: dict[str, Any] = {"optimizer": "cg", "plan": "stream", "fit_intercept": True}
    found = gdask.fit(da.from_array(z, chunks=(300, 3)), da.from_array(y, chunks=300), **options)
    pieces = [(z[start : start + 300], y[start : start + 300]) for start in range(0, 1000, 300)]
    same_fit(found, gdfast.fit(gdfast.scan(lambda: iter(pieces)), **options))
    np.testing.assert_allclose(found.w, gdfast.fit(z, y, optimizer="exact", fit_intercept=True).w, rtol=1e-10)


def test_moments_and_paths_have_the_bits_of_a_scan(client: Any) -> None:
    parts = frames()
    moments = gdask.moments(on_cluster(parts), "y", sample_weight="s")
    want = gdfast.Moments(4).update(scanned(parts), "y", "s")
    assert moments.to_bytes() == want.to_bytes()
    for folds in (3, np.arange(1000) % 4):
        path = gdask.path(on_cluster(parts), "y", sample_weight="s", folds=folds, n_penalties=10)
        by_scan = gdfast.path(scanned(parts), "y", sample_weight="s", folds=_as_array(folds), n_penalties=10)
        assert oracle.same_bits(path.coefs, by_scan.coefs)
        np.testing.assert_allclose(path.cv_loss, by_scan.cv_loss, rtol=1e-12)  # type: ignore[arg-type]


def _as_array(folds: Any) -> Any:
    """A scan of a function doesn't know its rows beforehand."""
    return np.repeat(np.arange(3), [334, 333, 333]) if isinstance(folds, int) else folds


def add(a: float, b: float) -> float:
    return a + b


@pytest.mark.parametrize("count", [*range(1, 20), 64, 100])
def test_parts_are_added_first_where_they_are_with_the_bits_of_the_tree(count: int) -> None:
    rng = np.random.default_rng(count)
    parts = [None if rng.random() < 0.1 else float(x) for x in rng.standard_normal(count)]
    tree: Tree[float] = Tree(add)
    for part in parts:
        tree.put(part)
    holders = rng.integers(0, 3, count)
    nodes: Nodes[float] = {}
    for holder in range(3):
        held: Nodes[float] = {(0, i): parts[i] for i in np.flatnonzero(holders == holder).tolist()}
        nodes |= merged(held, count, add)
    assert list(merged(nodes, count, add).values()) == [tree.total()]


# --- arrays -----------------------------------------------------------------------------------------------------------


def test_arrays_cut_anywhere(client: Any, dtype: np.dtype[Any]) -> None:
    x_in, y_in, s_in = X.astype(dtype), Y.astype(dtype), S.astype(dtype)
    x = da.from_array(x_in, chunks=(300, 3))  # between columns as well
    options: dict[str, Any] = SOLVED[0]
    pieces = [(x_in[i : i + 300], y_in[i : i + 300], s_in[i : i + 300]) for i in range(0, 1000, 300)]
    want = gdfast.fit(gdfast.scan(pieces), **options)
    for y in (da.from_array(y_in, chunks=170), y_in):
        same_fit(gdask.fit(x, y, sample_weight=da.from_array(s_in, chunks=999), **options), want)
    one = gdask.fit(x[:, 0], y_in, **options)
    assert isinstance(one.w, float)


def test_chunks_of_unknown_size(client: Any) -> None:
    frame = on_cluster(frames())
    x, y = frame[NAMES].to_dask_array(), frame["y"].to_dask_array()
    assert np.isnan(x.chunks[0][0])
    found = gdask.fit(x, y, **SOLVED[0])
    np.testing.assert_allclose(found.w, gdfast.fit(X, Y, **SOLVED[0]).w, rtol=1e-9)
    with pytest.raises(ValueError, match=r"y has 2 chunks and x has 8, of which some are of unknown size"):
        gdask.fit(x, da.from_array(Y, chunks=500), **SOLVED[0])
    shifted = dd.from_delayed([dask.delayed(part.iloc[:, 4]) for part in frames()[::-1]]).to_dask_array()
    with pytest.raises(ValueError, match=r"partition \d: y has \d+ rows, and x has \d+"):
        gdask.fit(x, shifted, **SOLVED[0])


# --- what partitions are like -----------------------------------------------------------------------------------------


def test_columns_in_any_order(client: Any) -> None:
    parts = frames()
    want = gdask.fit(on_cluster(parts), "y", sample_weight="s", **SOLVED[0])
    parts[3] = parts[3][["y", "d", "s", "b", "a", "c"]]
    same_fit(gdask.fit(on_cluster(parts), "y", sample_weight="s", **SOLVED[0]), want)


def test_meta_made_of_fake_data_is_not_believed(client: Any) -> None:
    parts = frames(np.float32)
    meta = parts[0].iloc[:0].astype(np.int64)
    frame = dd.from_delayed([dask.delayed(part) for part in parts], meta=meta, verify_meta=False)
    assert gdask.fit(frame, "y", sample_weight="s", **SOLVED[0]).w.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda part: part.drop(columns="c"), ValueError, "partition 4 lacks column 'c', which partition 0 has"),
        (lambda part: part.assign(e=1.0), ValueError, "partition 4 has column 'e', which partition 0 hasn't"),
        (lambda part: part.astype(np.float32), ValueError, "partition 4 has x of float32, and partition 0 of float64"),
        (lambda part: part.assign(c="x"), TypeError, "partition 4"),
        (lambda part: part.assign(s=-1.0), ValueError, "partition 4: sample_weight[0] is -1.0"),
    ],
)
def test_partitions_that_disagree_are_named(change: Any, kind: type[Exception], message: str, client: Any) -> None:
    parts = frames()
    parts[4] = change(parts[4])
    frame = on_cluster(parts)
    for options in (SOLVED[0], STREAMED[0]):
        with pytest.raises(kind) as raised:
            gdask.fit(frame, "y", sample_weight="s", **options)
        assert message in str(raised.value)


def test_what_is_not_finite_is_named(client: Any) -> None:
    parts = frames()
    parts[4] = parts[4].assign(c=np.where(np.arange(len(parts[4])) == 7, np.nan, parts[4]["c"]))
    for options in (SOLVED[0], STREAMED[0]):
        with pytest.raises(gdfast.DivergenceError, match=r"partition 4: column 'c' of x is nan in row 7"):
            gdask.fit(on_cluster(parts), "y", sample_weight="s", **options)


def test_what_is_refused(client: Any) -> None:
    frame = on_cluster(frames())
    with pytest.raises(TypeError, match=r"y is of type .*Series, accepted is the name of a column of the frame"):
        gdask.fit(frame[NAMES], frame["y"])
    with pytest.raises(ValueError, match="y is missing: write the name of the column to predict; there are 'a'"):
        gdask.fit(frame)
    with pytest.raises(ValueError, match="the frame has no column 'z'"):
        gdask.fit(frame, "z")
    with pytest.raises(TypeError, match=r"frame is of type numpy.ndarray, accepted are a dask.dataframe"):
        gdask.fit(X, Y)
    with pytest.raises(ValueError, match="mini-batches are not for a cluster"):
        gdask.fit(frame, "y", batch_size=10, learning_rate=1e-9)
    with pytest.raises(ValueError, match="the frame has no rows"):
        gdask.fit(on_cluster([frames()[1]] * 2), "y")


def test_a_client_is_needed() -> None:
    with pytest.raises(ValueError, match="there is no client of a cluster: write"):
        gdask.fit(da.from_array(X), da.from_array(Y))


# --- threads ----------------------------------------------------------------------------------------------------------


OF_PARTITIONS = tasks.of_partitions
USED: list[int] = []  # threads by tasks


def noted(items: Any, group: tasks.Group, parts: Any, *rest: Any) -> Any:
    """It goes by its name, and so notes here."""

    def part(piece: Any) -> Any:
        USED.append(gdfast.get_num_threads())
        return parts(piece)

    return OF_PARTITIONS(items, group, part, *rest)


def test_each_task_is_one_thread(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many run at a time as their worker has threads."""
    USED.clear()
    monkeypatch.setattr(tasks, "of_partitions", noted)
    before = gdfast.get_num_threads()
    gdfast.set_num_threads(3)
    try:
        gdask.fit(on_cluster(frames()), "y", **STREAMED[0])
    finally:
        gdfast.set_num_threads(before)
    assert len(USED) > 8
    assert set(USED) == {1}


def test_tasks_leave_the_threads_of_the_process_as_they_were(client: Any) -> None:
    before = gdfast.get_num_threads()
    gdfast.set_num_threads(3)
    try:
        gdask.fit(on_cluster(frames()), "y", **STREAMED[0])
        assert gdfast.get_num_threads() == 3
    finally:
        gdfast.set_num_threads(before)


# --- the estimator ----------------------------------------------------------------------------------------------------


def test_the_estimator(client: Any) -> None:
    pytest.importorskip("sklearn")
    frame = on_cluster(frames())
    model = gdask.DaskGDRegressor().fit(frame[[*NAMES, "y"]], "y")
    want = gdfast.fit(X, Y, optimizer="exact", fit_intercept=True)
    np.testing.assert_allclose(model.coef_, want.w, rtol=1e-9)
    predicted = model.predict(frame)
    np.testing.assert_allclose(predicted.compute().to_numpy(), want.predict(X), rtol=1e-9)
    local = model.to_local()
    assert type(local) is gdfast.sklearn.GDRegressor
    np.testing.assert_allclose(local.predict(pd.DataFrame(X, columns=NAMES)), want.predict(X), rtol=1e-9)
    arrays = gdask.DaskGDRegressor(l2=0.1).fit(da.from_array(X, chunks=(200, 2)), da.from_array(Y, chunks=200))
    np.testing.assert_allclose(
        arrays.predict(da.from_array(X, chunks=(200, 2))).compute(), arrays.to_local().predict(X), rtol=1e-9
    )
    with pytest.raises(NotImplementedError, match=r"gdfast.dask.moments"):
        model.partial_fit(frame, "y")
