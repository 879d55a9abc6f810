"""`gdfast bench --path`: its rows, on small problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from commands import done, refused


def test_the_rows_are_measured_and_written(tmp_path: Path) -> None:
    printed = done("bench", "--path", "--quick", "--output", tmp_path / "path.json")
    assert "LassoCV" in printed
    rows = json.loads((tmp_path / "path.json").read_text())["rows"]
    assert [row["bound"] for row in rows] == [40, 150, 1.5, 1.3, 5]
    assert all(row["value"] > 0 for row in rows)


def test_one_report_at_a_time() -> None:
    assert "five reports" in refused("bench", "--path", "--targets")
