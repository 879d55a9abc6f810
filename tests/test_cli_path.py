"""`gdfast fit --folds`: the penalty that `gdfast.path` chooses, its model and its chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import NAMES, N, X, done, refused, target, write
from gdfast.cli.model import load

NOISY = X @ [2.0, -30.0, 0.0] + 7 + 40 * np.random.default_rng(5).standard_normal(N)


@pytest.fixture
def columns() -> dict[str, Any]:
    return {**dict(zip(NAMES, X.T, strict=True)), "price": NOISY}


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_the_model_is_the_chosen_one(table: Path, tmp_path: Path, rule: str) -> None:
    model, chart = tmp_path / "model.json", tmp_path / "path.png"
    options = "--folds", 4, "--l1-ratio", 0.5, "--rule", rule, "--seed", 3
    printed = done("fit", table, *target(table), *options, "--model", model, "--chart", chart)
    path = gdfast.path(X, NOISY, folds=4, l1_ratio=0.5, rng=3, rule=rule)
    np.testing.assert_allclose(load(model).w, path.fit.w, rtol=1e-6)
    assert load(model).training["l1"] == pytest.approx(path.fit.basis.l1, rel=1e-6)
    place = path.table.best if rule == "min" else path.table.best_1se
    assert place is not None
    assert f"penalty {path.table.penalties[place]:.6g} of 100" in printed
    assert "chosen by 4 folds from 1 read" in " ".join(printed.split())
    assert chart.read_bytes()[:4] == b"\x89PNG"


def test_what_has_no_folds(tmp_path: Path, columns: dict[str, Any]) -> None:
    fit = "fit", write(tmp_path / "data.csv", columns), "--target", "price"
    assert "write --folds 5 as well" in refused(*fit, "--l1-ratio", 0.5)
    assert "leave out --l1, --l2" in refused(*fit, "--folds", 5, "--l2", 0.1)
    assert "leave out --optimizer" in refused(*fit, "--folds", 5, "--optimizer", "gd")
    assert "up to the 80 rows" in refused(*fit, "--folds", 81)
