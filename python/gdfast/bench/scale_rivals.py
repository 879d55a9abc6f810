"""What else fits Parquet files that needn't fit into memory, as it would be used: each by itself, of the same files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TARGET = "y"

ROUNDS_OF_XGBOOST = 3  # reads of the data; each takes longer than all else here together


class Rival(NamedTuple):
    """A way of others."""

    name: str
    module: str  # that has to be there
    package: str  # that brings it
    coefficients: Callable[[Sequence[Path]], Array]
    remark: str
    slow: bool = False  # it is timed once
    optimal: bool = False  # it leads to the optimum

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None


def groups(paths: Sequence[Path]) -> Iterator[Any]:
    """Each row group of the files, as pyarrow reads it."""
    from pyarrow import parquet

    for path in paths:
        with parquet.ParquetFile(path, pre_buffer=True) as file:
            for i in range(file.num_row_groups):
                yield file.read_row_group(i)


def _matrices(paths: Sequence[Path]) -> Iterator[tuple[Array, Array]]:
    for table in groups(paths):
        columns = _matrix(table)
        yield columns[:, :-1], columns[:, -1]


def _matrix(table: Any) -> Array:
    return np.column_stack([table[name].to_numpy() for name in table.column_names])


def _names(paths: Sequence[Path]) -> list[str]:
    from pyarrow import parquet

    return [name for name in parquet.read_schema(paths[0]).names if name != TARGET]


def _duckdb(paths: Sequence[Path]) -> Array:
    """The normal equations, from sums of products that the database takes."""
    import duckdb

    names = _names(paths)
    d = len(names)
    pairs = [(i, j) for i in range(d) for j in range(i, d)]
    products = [f"sum({names[i]} * {names[j]})" for i, j in pairs] + [f"sum({name} * {TARGET})" for name in names]
    with duckdb.connect() as connection:
        query = f"SELECT {', '.join(products)} FROM read_parquet({list(map(str, paths))})"
        found = connection.execute(query).fetchone()
    assert found is not None
    gram = np.zeros((d, d))
    for (i, j), value in zip(pairs, found[: len(pairs)], strict=True):
        gram[i, j] = gram[j, i] = value
    return np.asarray(np.linalg.solve(gram, np.array(found[len(pairs) :], dtype=float)))


def _partial_fit(paths: Sequence[Path]) -> Array:
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(penalty=None, fit_intercept=False)
    for x, y in _matrices(paths):
        model.partial_fit(x, y)
    return np.asarray(model.coef_)


def _dask_ml(paths: Sequence[Path]) -> Array:
    """Its default solver, over partitions that are read again in each of its passes."""
    import dask.array as da
    from dask.delayed import delayed
    from dask_ml.linear_model import LinearRegression
    from pyarrow import parquet

    d = len(_names(paths))
    parts = []
    for path in paths:  # its solvers lose track of what dask.dataframe makes
        metadata = parquet.read_metadata(path)
        for i in range(metadata.num_row_groups):
            part: Any = delayed(_group)(str(path), i)
            shape = (metadata.row_group(i).num_rows, d + 1)
            parts.append(da.from_delayed(part, shape, np.float64))  # type: ignore[no-untyped-call]
    columns: Any = da.concatenate(parts)  # type: ignore[no-untyped-call]
    model = LinearRegression(fit_intercept=False).fit(columns[:, :d], columns[:, d])
    return np.asarray(model.coef_)


def _group(path: str, i: int) -> Array:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return _matrix(file.read_row_group(i))


def _xgboost(paths: Sequence[Path]) -> Array:
    """Coordinate descent; its other updater, and the default, ``shotgun``, diverges on data in pages."""
    from tempfile import TemporaryDirectory

    import xgboost

    class Pages(xgboost.DataIter):  # type: ignore[misc]
        def __init__(self, prefix: str) -> None:
            self.parts = _matrices(paths)
            super().__init__(cache_prefix=prefix)

        def next(self, input_data: Callable[..., None]) -> bool:
            part = next(self.parts, None)
            if part is not None:
                input_data(data=part[0], label=part[1])
            return part is not None

        def reset(self) -> None:
            self.parts = _matrices(paths)

    options = {
        "booster": "gblinear", "updater": "coord_descent", "eta": 1.0, "lambda": 0.0, "alpha": 0.0, "base_score": 0.0,
        "nthread": 1,  # two take longer
    }  # fmt: skip
    with TemporaryDirectory(prefix="gdfast-xgboost-") as folder:
        data = xgboost.DMatrix(Pages(str(Path(folder) / "pages")))
        model = xgboost.train(options, data, num_boost_round=ROUNDS_OF_XGBOOST)
        del data
    return np.array(json.loads(model.get_dump(dump_format="json")[0])["weight"])


RIVALS = (
    Rival("DuckDB, sums in SQL", "duckdb", "duckdb", _duckdb, "normal equations", optimal=True),
    Rival("SGDRegressor.partial_fit", "sklearn", "scikit-learn", _partial_fit, "one pass"),
    Rival("dask_ml LinearRegression", "dask_ml", "dask-ml", _dask_ml, "admm, its default", slow=True),
    Rival(
        "xgboost gblinear, external memory",
        "xgboost",
        "xgboost",
        _xgboost,
        f"{ROUNDS_OF_XGBOOST} rounds of coord_descent",
        slow=True,
    ),
)
