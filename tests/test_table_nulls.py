"""Rows of tables that lack a number: left out where that is asked for, in whatever is done with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")


HOLES = {
    "a": [1.0, None, 3.0, 4.0, 5.0, 7.0],
    "b": [True, False, None, True, True, False],
    "y": [1.0, 2.0, 3.0, 5.0, None, 8.0],
    "s": [1.0, 1.0, 1.0, 2.0, 2.0, 0.5],
}


HOLED: dict[str, Callable[[], Any]] = {
    "Arrow": lambda: pa.table(HOLES),
    "chunks": lambda: pa.concat_tables([pa.table(HOLES).slice(0, 2), pa.table(HOLES).slice(2)]),
    "polars": lambda: pl.DataFrame(HOLES),
    "polars chunks": lambda: pl.concat([pl.DataFrame(HOLES)[:3], pl.DataFrame(HOLES)[3:]], rechunk=False),
    "pandas, nullable": lambda: pd.DataFrame({key: pd.array(values) for key, values in HOLES.items()}),
    "pandas on Arrow": lambda: pa.table(HOLES).to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": lambda: pytest.importorskip("duckdb").arrow(pa.table(HOLES)),
    "reader": lambda: pa.table(HOLES).to_reader(4),
}


@pytest.mark.parametrize("name", HOLED)
@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_rows_with_nulls_may_be_dropped(name: str, backend: str) -> None:
    table = HOLED[name]()
    kept = np.array([True, False, False, True, False, True])
    x = np.array([[1.0, 4.0, 7.0], [1, 1, 0]]).T
    y = np.array([1.0, 5.0, 8.0])
    fit = gdfast.fit(table, "y", sample_weight="s", missing="drop", optimizer="exact", backend=backend)
    want = gdfast.fit(x, y, sample_weight=np.array(HOLES["s"])[kept], optimizer="exact")
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-12)
    assert fit.report.dropped_rows == 3
    assert "3 rows" in str(fit.report)


def test_dropped_rows_elsewhere() -> None:
    table = pl.DataFrame(HOLES)
    x, y = np.array([[1.0, 4.0, 7.0], [1, 1, 0]]).T, np.array([1.0, 5.0, 8.0])
    moments = gdfast.Moments(2).update(table, "y", columns=["a", "b"], missing="drop")
    np.testing.assert_allclose(moments.gram, gdfast.Moments(2).update(x, y).gram, rtol=1e-12)
    streamed = gdfast.fit(
        table, "y", columns=["a", "b"], missing="drop", plan="stream", standardize=True, fit_intercept=True, n_iters=5
    )
    want = gdfast.fit(x, y, plan="stream", standardize=True, fit_intercept=True, n_iters=5)
    np.testing.assert_allclose(streamed.w, want.w, rtol=1e-9)
    got = gdfast.path(table, "y", columns=["a", "b"], missing="drop", n_penalties=5)
    np.testing.assert_allclose(got.coefs, gdfast.path(x, y, n_penalties=5).coefs, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match=r"^y has 1 null, in row 4"):
        gdfast.fit(table.select("s"), table["y"])
    with pytest.raises(ValueError, match=r"^every row has a null"):
        gdfast.fit(pl.DataFrame({"a": [1.0, None], "y": [None, 2.0]}), "y", missing="drop")
    with pytest.raises(ValueError, match=r"^missing is 'skip', accepted are"):
        gdfast.fit(table, "y", missing="skip")
