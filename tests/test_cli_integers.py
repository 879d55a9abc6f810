"""Integers that float64 can't tell apart are refused, wherever they come from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from commands import done, refused, write

SMALL = {"b": [3, 1, 4, 1, 5], "y": [2, 7, 1, 8, 2]}

COLLAPSING: dict[str, list[int]] = {
    "ids": [2**60 + k for k in range(5)],
    "negative": [-(2**60) - k for k in range(5)],
    "the first two": [2**53, 2**53 + 1, 0, 1, 2],
    "unsigned": [2**63 + k for k in range(5)],
}
DISTINCT: dict[str, list[int]] = {
    "equal": [2**60 + 1] * 4 + [3],
    "far apart": [2**60 + 1024 * k for k in range(5)],
    "nanoseconds since 1970": [1_700_000_000_000_000_000 + 10**9 * k for k in range(5)],
    "the largest there are": [2**53 - k for k in range(5)],
}


def files(path: Path, values: list[int]) -> list[Path]:
    kind = pa.uint64() if max(values) >= 2**63 else pa.int64()
    numbers: dict[str, Any] = {"id": pa.array(values, kind), **SMALL}
    parquet.write_table(pa.table(numbers), path / "a.parquet")
    decimals = pa.array([Decimal(value) for value in values], pa.decimal128(38, 0))
    parquet.write_table(pa.table({**numbers, "id": decimals}), path / "b.parquet")
    return [path / "a.parquet", path / "b.parquet", write(path / "a.csv", {"id": values, **SMALL})]


@pytest.mark.parametrize("name", COLLAPSING)
def test_integers_that_collapse(name: str, tmp_path: Path) -> None:
    for path in files(tmp_path, COLLAPSING[name]):
        line = refused("fit", path, "--target", "y")
        assert "column 'id'" in line
        assert "2^53" in line
        assert "--exclude id leaves it out" in line
        assert "1 column," in done("fit", path, "--target", "y", "--exclude", "id")
        assert "--exclude" not in refused("fit", path, "--target", "id")


@pytest.mark.parametrize("name", DISTINCT)
def test_integers_that_stay_distinct(name: str, tmp_path: Path) -> None:
    for path in files(tmp_path, DISTINCT[name]):
        assert "2 columns, float64" in done("fit", path, "--target", "y")


def test_more_digits_than_64_bits(tmp_path: Path) -> None:
    for first in (2**64, 10**25):
        path = write(tmp_path / "a.csv", {"id": [first + k for k in range(5)], **SMALL})
        assert f"{first} and {first + 1} would become the same number" in refused("fit", path, "--target", "y")
    for values in ([10**100, 2.5, 1, 2, 3], [f"1e{k + 20}" for k in range(5)], [2**64, "", 1, 2, 3]):
        done("fit", write(tmp_path / "a.csv", {"id": values, **SMALL}), "--target", "y", "--drop-missing")


def test_a_matrix_of_integers(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.column_stack([COLLAPSING["ids"], *SMALL.values()]))
    assert "column '0'" in (line := refused("fit", tmp_path / "a.npy"))
    assert "--exclude 0 leaves it out" in line
    np.save(tmp_path / "a.npy", np.column_stack([DISTINCT["far apart"], *SMALL.values()]))
    done("fit", tmp_path / "a.npy")


def test_predictions_from_such_integers(tmp_path: Path) -> None:
    model = tmp_path / "m.json"
    done("fit", write(tmp_path / "a.csv", {"id": range(5), **SMALL}), "--target", "y", "--model", model)
    line = refused("predict", model, write(tmp_path / "b.csv", {"id": COLLAPSING["ids"], **SMALL}))
    assert "column 'id'" in line
    assert "--exclude" not in line
