"""`gdfast bench --scale`: its rows, on small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from commands import done


def test_the_rows_are_measured_and_written(tmp_path: Path) -> None:
    printed = done("bench", "--scale", "--quick", "--output", tmp_path / "scale.json")
    assert "of pyarrow alone" in printed
    assert "xgboost (gblinear with external memory) is not compared" in printed
    rows = {row["name"]: row for row in json.loads((tmp_path / "scale.json").read_text())["rows"]}
    assert {"pyarrow alone", "gdfast, moments", "gdfast, one pass", "SGDRegressor.partial_fit"} <= rows.keys()
    assert rows["pyarrow alone"]["of_reading"] == 1
    assert 0 < rows["SGDRegressor.partial_fit"]["error"] < 0.5
    assert all(row["seconds"] > 0 for row in rows.values())
