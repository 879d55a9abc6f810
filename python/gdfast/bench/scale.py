"""How long a fit of Parquet files takes, beside reading them with pyarrow alone and beside what else fits them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gdfast
from gdfast.bench.verify import DisagreementError

Array = NDArray[Any]

COLUMNS = 20
GROUP = 250_000  # rows of a row group
ROUNDS = 3
_CLOSE = 1e-6  # of a coefficient of 1, where a way leads to the optimum

# What of the rivals would be too much to write down here: it is only said whether it is there.
NOT_COMPARED = {"xgboost": "gblinear with external memory", "dask_ml": "LinearRegression"}


class Sizes(NamedTuple):
    """Of the files."""

    files: int = 4
    rows: int = 750_000  # of each

    @property
    def nbytes(self) -> int:
        return self.files * self.rows * (COLUMNS + 1) * 8


QUICK = Sizes(2, 20_000)


class Taken(NamedTuple):
    """One way, and the quickest of its rounds."""

    name: str
    seconds: float
    of_reading: float  # the seconds that pyarrow takes to read the same columns, by these
    error: float | None  # of the coefficients, the largest; None where there are none

    def as_dict(self) -> dict[str, Any]:
        return self._asdict()


def missing() -> list[str]:
    """What is not compared, and why."""
    optional = {"duckdb": "sums in SQL", "sklearn": "SGDRegressor.partial_fit"}
    lines = [f"{name} ({what}) is not installed" for name, what in optional.items() if find_spec(name) is None]
    return lines + [f"{name} ({what}) is not compared" for name, what in NOT_COMPARED.items()]


def run(sizes: Sizes, tick: Callable[[str], None]) -> list[Taken]:
    """Write the files, check each way, and time it; the files are removed.

    Raises
    ------
    DisagreementError
        When a way that leads to the optimum ends elsewhere.
    """
    with tempfile.TemporaryDirectory(prefix="gdfast-scale-") as folder:
        tick(f"writing {sizes.nbytes / 1e9:.2g} GB")
        w = np.linspace(-1, 1, COLUMNS)
        paths = _write(Path(folder), sizes, w)
        pattern = str(Path(folder) / "*.parquet")
        ways: dict[str, Callable[[], Array | None]] = {
            "pyarrow alone": lambda: _read(paths),
            "gdfast, moments": lambda: _fitted(gdfast.fit(gdfast.scan(pattern), "y", optimizer="exact")),
            "gdfast, one pass": lambda: _pass(pattern),
        }
        if find_spec("duckdb") is not None:
            ways["DuckDB, sums in SQL"] = lambda: _duckdb(pattern)
        if find_spec("sklearn") is not None:
            ways["SGDRegressor.partial_fit"] = lambda: _partial_fit(paths)
        best: dict[str, float] = {}
        found: dict[str, Array | None] = {}
        for k in range(ROUNDS):
            for name, way in ways.items():
                tick(f"round {k + 1}: {name}")
                began = time.perf_counter()
                found[name] = way()
                best[name] = min(best.get(name, np.inf), time.perf_counter() - began)
    return [_checked(name, best, found[name], found["gdfast, moments"]) for name in ways]


def steps() -> int:
    """How often `run` ticks."""
    return 1 + ROUNDS * (3 + sum(find_spec(name) is not None for name in ("duckdb", "sklearn")))


def _checked(name: str, best: dict[str, float], w: Array | None, optimum: Array | None) -> Taken:
    error = None if w is None or optimum is None else float(np.abs(w - optimum).max())
    if name.startswith("DuckDB") and error is not None and not error <= _CLOSE:
        raise DisagreementError(f"the coefficients of gdfast and {name} differ by {error:.2g}")
    return Taken(name, best[name], best["pyarrow alone"] / best[name], error)


def _write(folder: Path, sizes: Sizes, w: Array) -> list[Path]:
    import pyarrow as pa
    from pyarrow import parquet

    paths = []
    for k in range(sizes.files):
        rng = np.random.default_rng(k)
        x = rng.standard_normal((COLUMNS, sizes.rows))
        columns = {f"x{j}": x[j] for j in range(COLUMNS)} | {"y": w @ x + rng.standard_normal(sizes.rows)}
        paths.append(folder / f"{k}.parquet")
        parquet.write_table(pa.table(columns), paths[-1], row_group_size=GROUP)
    return paths


def _groups(paths: list[Path]) -> Iterator[Any]:
    from pyarrow import parquet

    for path in paths:
        with parquet.ParquetFile(path, pre_buffer=True) as file:
            for i in range(file.num_row_groups):
                yield file.read_row_group(i)


def _read(paths: list[Path]) -> None:
    for _ in _groups(paths):
        pass


def _fitted(fit: gdfast.Fit) -> Array:
    return np.asarray(fit.w)


def _pass(pattern: str) -> None:
    gdfast.loss_and_gradient(gdfast.scan(pattern), "y", np.zeros(COLUMNS))


def _duckdb(pattern: str) -> Array:
    """The normal equations, from sums of products that the database takes."""
    import duckdb

    names = [f"x{j}" for j in range(COLUMNS)]
    pairs = [(i, j) for i in range(COLUMNS) for j in range(i, COLUMNS)]
    products = [f"sum({names[i]} * {names[j]})" for i, j in pairs] + [f"sum({name} * y)" for name in names]
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {', '.join(products)} FROM read_parquet('{pattern}')").fetchone()
    assert found is not None
    gram = np.zeros((COLUMNS, COLUMNS))
    for (i, j), value in zip(pairs, found[: len(pairs)], strict=True):
        gram[i, j] = gram[j, i] = value
    return np.asarray(np.linalg.solve(gram, np.array(found[len(pairs) :], dtype=float)))


def _partial_fit(paths: list[Path]) -> Array:
    """One pass of stochastic gradient descent: it comes near the optimum, and not to it."""
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(penalty=None, fit_intercept=False)
    for table in _groups(paths):
        columns = np.column_stack([table[name].to_numpy() for name in table.column_names])
        model.partial_fit(columns[:, :-1], columns[:, -1])
    return np.asarray(model.coef_)
