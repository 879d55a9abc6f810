"""`gdfast.path(plan="stream")`: the path from moments, without moments; and what `explain` says of both."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gdfast
from gdfast._path import planning

Array = NDArray[Any]

N, D = 300, 60
rng = np.random.default_rng(0)
X = rng.standard_normal((N, D)) @ (np.eye(D) + 0.04 * rng.standard_normal((D, D))) + rng.standard_normal(D)
Y = X[:, ::9].sum(axis=1) + 2 * rng.standard_normal(N) + 3
S = rng.uniform(0.2, 3.0, N)
FOLDS = rng.integers(0, 5, N)
FEW: dict[str, Any] = {"n_penalties": 12, "eps": 0.02}


def assert_equal(got: gdfast.Path, want: gdfast.Path, atol: float = 1e-8) -> None:
    assert got.report.plan == "stream"
    np.testing.assert_allclose(got.penalties, want.penalties, rtol=atol)
    np.testing.assert_allclose(got.coefs, want.coefs, atol=atol)
    np.testing.assert_allclose(got.intercepts, want.intercepts, atol=10 * atol)
    assert got.best == want.best
    if want.cv_loss is not None:
        assert got.cv_loss is not None
        np.testing.assert_allclose(got.cv_loss, want.cv_loss, rtol=10 * atol)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("folds", [None, 4, FOLDS], ids=["alone", "contiguous", "random"])
def test_is_the_path_from_moments(ratio: float, folds: Any) -> None:
    for weighted, intercept, standardize in itertools.product((False, True), repeat=3):
        options: dict[str, Any] = {
            **FEW, "l1_ratio": ratio, "folds": folds, "sample_weight": S if weighted else None,
            "fit_intercept": intercept, "standardize": standardize,
        }  # fmt: skip
        got, want = gdfast.path(X, Y, plan="stream", **options), gdfast.path(X, Y, **options)
        assert_equal(got, want)
        assert np.nanmax(got.gaps) <= 1e-10
        if ratio > 0:
            np.testing.assert_array_equal(got.df, want.df)
        if folds is not None:
            np.testing.assert_allclose(got.fit.w, want.fit.w, atol=1e-7)
            assert got.fit.b == pytest.approx(want.fit.b, abs=1e-6)
            np.testing.assert_allclose(got.fit.predict(X[:5]), want.fit.predict(X[:5]), atol=1e-6)


def test_mixtures_penalties_of_0_and_in_any_order() -> None:
    options: dict[str, Any] = {"l1_ratio": [0.0, 0.3, 1.0], "penalties": [0.1, 0.0, 2.0, 0.02], "folds": 3}
    assert_equal(gdfast.path(X, Y, plan="stream", **options), gdfast.path(X, Y, **options))


def test_layouts_and_dtypes(dtype: np.dtype[Any]) -> None:
    x, y = X.astype(dtype), Y.astype(dtype)
    want = gdfast.path(x, y, folds=FOLDS, **FEW)
    for data in (np.asfortranarray(x), x[:, ::-1][:, ::-1], np.repeat(x, 2, axis=0)[::2]):
        assert_equal(
            gdfast.path(data, y, folds=FOLDS, plan="stream", **FEW), want, atol=1e-5 if x.itemsize == 4 else 1e-8
        )
    one = gdfast.path(x[:, 0], y, folds=4, plan="stream", **FEW)
    assert_equal(one, gdfast.path(x[:, 0], y, folds=4, **FEW), atol=1e-5)


def test_what_the_screening_foresees_is_little_of_the_data() -> None:
    """3,000 columns, of which 20 matter: moments of a few hundred, and about a pass a penalty."""
    draw = np.random.default_rng(3)
    x = draw.standard_normal((400, 3_000))
    y = 2 * x[:, :20].sum(axis=1) + draw.standard_normal(400)
    path = gdfast.path(x, y, plan="stream", n_penalties=30, eps=0.1)
    want = gdfast.path(x, y, plan="moments", n_penalties=30, eps=0.1)
    assert_equal(path, want)
    assert path.columns is not None
    assert len(path.columns) < 600
    assert path.report.passes < 40
    assert path.report.peak_bytes < 16e6 < want.table.coefs.shape[-1] ** 2 * 8


def test_constant_columns_and_targets() -> None:
    x = np.column_stack([np.full(N, 7.0), X])
    assert_equal(gdfast.path(x, Y, folds=FOLDS, plan="stream", **FEW), gdfast.path(x, Y, folds=FOLDS, **FEW))
    path = gdfast.path(x, np.full(N, 4.0), folds=3, plan="stream", **FEW)
    assert not path.coefs.any()
    np.testing.assert_allclose(path.intercepts, 4)


def test_equal_bits_for_any_number_of_threads() -> None:
    found = []
    for k in (1, 2, 5):
        gdfast.set_num_threads(k)
        path = gdfast.path(X, Y, folds=FOLDS, plan="stream", **FEW)
        assert path.cv_loss is not None
        found.append((path.coefs.tobytes(), path.cv_loss.tobytes()))
    assert len(set(found)) == 1


def test_bad_data_names_fold_and_column() -> None:
    x = X.copy()
    x[np.flatnonzero(FOLDS == 3)[1], 4] = np.nan
    bad: list[tuple[dict[str, Any], str]] = [
        ({"x": x}, "x[4] holds NaN or infinity in fold 3"),
        ({"y": np.where(FOLDS == 1, np.inf, Y)}, "y holds NaN or infinity in fold 1"),
        ({"sample_weight": FOLDS != 2}, "sample_weight is 0 for all rows in fold 2"),
        ({"plan": "often"}, "plan is 'often', accepted are 'auto', 'moments', 'stream'"),
    ]
    for options, message in bad:
        with pytest.raises(ValueError, match=re.escape(message)):
            gdfast.path(**{"x": X, "y": Y, "folds": FOLDS, "plan": "stream"} | options)


# --- which plan -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "plan"), [(50, "moments"), (1_000, "moments"), (20_000, "stream")])
def test_explain_says_which_and_what_it_costs(d: int, plan: str) -> None:
    x = np.broadcast_to(np.float64(1), (20_000, d))
    explained = gdfast.explain(x, x[:, 0], folds=5)
    assert explained.plan == plan
    assert f"moments of {d:,} columns in 5 folds take" in explained.why
    assert explained.costs["moments"].bytes_read == x.nbytes + x[:, 0].nbytes
    assert explained.costs["stream"].bytes_read > 100 * x.nbytes
    assert all(cost.seconds > 0 for cost in explained.costs.values())


def test_explain_is_of_a_path_where_an_option_says_so() -> None:
    assert "columns take" in gdfast.explain(X, Y, l1_ratio=0.5).why
    assert gdfast.explain(X, Y, penalties=[0.1], plan="stream").why == "plan='stream' was asked for"
    with pytest.raises(ValueError, match="folds is 1"):
        gdfast.explain(X, Y, folds=1)
    assert "passes" in gdfast.explain(X, Y).why


def test_auto_streams_what_moments_have_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gdfast.path(X, Y, folds=5, **FEW).report.plan == "moments"
    monkeypatch.setattr(planning, "_MOST_BYTES", 1000)
    path = gdfast.path(X, Y, folds=5, **FEW)
    assert path.report.plan == gdfast.explain(X, Y, folds=5, **FEW).plan == "stream"
