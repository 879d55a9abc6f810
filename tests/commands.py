"""What the tests of `gdfast fit` and `gdfast predict` share: a small table, and running the commands on files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("matplotlib")
pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet
from typer.testing import CliRunner, Result

from gdfast.cli.app import app

NAMES = ["area", "rooms", "age"]
W = np.array([2.0, -30.0, 0.5])
B = 7.0
N = 80

rng = np.random.default_rng(0)
X = rng.standard_normal((N, 3)) * [40.0, 1.5, 20.0] + [100.0, 3.0, 50.0]
Y = X @ W + B
S = rng.integers(1, 4, N).astype(float)
COLUMNS = {**dict(zip(NAMES, X.T, strict=True)), "price": Y}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def done(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object, status: int = 2) -> str:
    """The one line that a command failed with."""
    result = run(*arguments)
    assert result.exit_code == status, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("gdfast: ")
    return lines[0]


def write(path: Path, columns: dict[str, Any]) -> Path:
    if path.suffix == ".npy":
        np.save(path, np.column_stack(list(columns.values())))
    elif path.suffix == ".parquet":
        parquet.write_table(pa.table(columns), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def target(table: Path) -> list[str]:
    return [] if table.suffix == ".npy" else ["--target", "price"]
