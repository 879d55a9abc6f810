"""`gdfast fit` with its defaults finds the least squares of tables as people have them, in one read, and says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nist
from commands import done, write
from gdfast.cli.model import load

datasets = pytest.importorskip("sklearn.datasets")

Table = tuple[dict[str, Any], str]


def bundled(name: str) -> Table:
    """A table that scikit-learn brings."""
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    target = "target" if "target" in frame else frame.columns[-1]
    return {str(column): frame[column].to_numpy() for column in frame}, target


def certified(name: str) -> Table:
    """One of NIST's."""
    (regression,) = (one for one in nist.REGRESSIONS if one.name == name)
    x, y = regression.samples()
    return {**{f"x{j}": column for j, column in enumerate(x.T)}, "y": y}, "y"


TABLES = {
    **dict.fromkeys(("diabetes", "iris", "wine", "breast_cancer", "linnerud"), bundled),
    **dict.fromkeys(("Longley", "Norris", "Pontius", "Wampler1", "Wampler2", "Wampler3"), certified),
}


COLLINEAR = ("Wampler1", "Wampler2", "Wampler3")  # powers of one column, for which rounded sums ask for a second read


@pytest.mark.parametrize("name", TABLES)
def test_least_squares_from_one_read(name: str, tmp_path: Path) -> None:
    columns, target = TABLES[name](name)
    model = tmp_path / "model.json"
    printed = done("fit", write(tmp_path / "table.csv", columns), "--target", target, "--model", model)
    assert re.search(r"converged, at (most \S+ of the objective at w = 0 above )?the least", printed), printed
    assert re.search(rf"^passes +{2 if name in COLLINEAR else 1}$", printed, re.MULTILINE), printed

    found = load(model)
    x = np.column_stack([columns[column] for column in found.names]).astype(float)
    scale = x.std(axis=0)
    z = (x - x.mean(axis=0)) / scale
    y = columns[target].astype(float)
    want = np.linalg.lstsq(z, y - y.mean(), rcond=None)[0]
    np.testing.assert_allclose(found.w * scale / y.std(), want / y.std(), rtol=1e-6, atol=1e-6)
