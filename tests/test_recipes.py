"""The recipes of docs/scans-and-clusters.md for engines that aren't gdfast's affair."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import scans
from scans import NAMES, X, Y, pa

PAGE = Path(__file__).parent.parent / "docs" / "scans-and-clusters.md"

if not PAGE.exists():
    pytest.skip("the pages are not here", allow_module_level=True)

SPARK, RAY = re.findall(r"~~~\n(def moments_of.*?)~~~", PAGE.read_text(encoding="utf-8"), re.DOTALL)
TABLE = scans.table(slice(0, 1000), order=(*NAMES, "y"))
WANT = gdfast.fit(X, Y, optimizer="exact", fit_intercept=True)


def function_of(recipe: str) -> Callable[[Any], Any]:
    namespace: dict[str, Any] = {}
    exec(recipe.split("\n\n")[0], namespace)
    made: Callable[[Any], Any] = namespace["moments_of"]
    return made


def added(parts: list[bytes]) -> gdfast.Fit:
    moments = [gdfast.Moments.from_bytes(part) for part in parts]
    return sum(moments[1:], moments[0]).solve(fit_intercept=True)


def test_the_function_for_spark() -> None:
    moments_of = function_of(SPARK)
    batches = TABLE.to_batches(max_chunksize=300)
    shares: list[list[Any]] = [batches[:2], batches[2:], []]
    parts = [found for share in shares for found in moments_of(iter(share))]
    fit = added([part["moments"][0].as_py() for part in parts])
    np.testing.assert_allclose(fit.w, WANT.w, rtol=1e-9)


def test_the_function_for_ray() -> None:
    moments_of = function_of(RAY)
    fit = added([moments_of(TABLE.slice(start, 300))["moments"][0] for start in range(0, 1000, 300)])
    np.testing.assert_allclose(fit.w, WANT.w, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_with_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    with sql.SparkSession.builder.master("local[2]").getOrCreate() as spark:
        namespace: dict[str, Any] = {"frame": spark.createDataFrame(TABLE.to_pandas()), "gdfast": gdfast}
        exec(SPARK, namespace)
    np.testing.assert_allclose(namespace["fit"].w, WANT.w, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray", "ignore::FutureWarning:ray", "ignore::ResourceWarning")
def test_with_ray() -> None:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False)
    try:
        namespace: dict[str, Any] = {"dataset": ray.data.from_arrow(pa.table(TABLE)), "gdfast": gdfast}
        exec(RAY, namespace)
    finally:
        ray.shutdown()
    np.testing.assert_allclose(namespace["fit"].w, WANT.w, rtol=1e-9)
