"""`gdfast fit --summary`: the numbers of `Fit.summary`, in the user's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import NAMES, S, X, done, refused, target, write

pytest.importorskip("scipy")

NOISY = X @ [2.0, -30.0, 0.5] + 7 + np.random.default_rng(5).standard_normal(len(X))


@pytest.fixture
def columns() -> dict[str, Any]:
    return {**dict(zip(NAMES, X.T, strict=True)), "price": NOISY}


@pytest.mark.parametrize("vcov", ["iid", "HC0", "HC1"])
def test_the_summary_is_printed(table: Path, vcov: str) -> None:
    printed = done("fit", table, *target(table), "--summary", "--vcov", vcov)
    fit = gdfast.fit(X, NOISY, optimizer="exact", fit_intercept=True, standardize=True)
    want = fit.summary(X, NOISY, vcov=vcov)
    rows = {row[0]: row for row in map(str.split, printed.split("std error")[1].splitlines()) if row}
    for j, name in enumerate([*(NAMES if table.suffix != ".npy" else "012"), "intercept"]):
        assert float(rows[name][2]) == pytest.approx(want.std_errors[j], rel=1e-5)
    assert f"R² {want.r2:.6g}" in " ".join(printed.split())


def test_weights_and_streams(tmp_path: Path, columns: dict[str, Any]) -> None:
    table = write(tmp_path / "data.csv", {**columns, "count": S})
    fit = gdfast.fit(X, NOISY, optimizer="exact", fit_intercept=True, sample_weight=S)
    want = fit.summary(X, NOISY, sample_weight=S, vcov="HC1")
    for options in ((), ("--plan", "stream")):
        printed = done("fit", table, "--target", "price", "--weights", "count", "--summary", "--vcov", "HC1", *options)
        assert f"{want.std_errors[0]:.4g}" in printed


def test_what_has_no_summary(tmp_path: Path, columns: dict[str, Any]) -> None:
    table = write(tmp_path / "data.csv", {**columns, "twice": 2 * X[:, 0]})
    fit = "fit", table, "--target", "price"
    assert "--vcov says what" in refused(*fit, "--vcov", "HC1")
    assert "this one has --l2 0.5: fit again with --l2 0" in refused(*fit, "--summary", "--l2", 0.5)
    assert "'area', 'twice' depend on one another" in refused(*fit, "--summary", status=1)
    short = ("--optimizer", "gd", "--n-iters", 2)
    assert "fit again with --optimizer exact" in refused(*fit, "--exclude", "twice", "--summary", *short, status=1)


@pytest.mark.parametrize("weighted", [False, True])
def test_clusters_are_a_column(table: Path, weighted: bool) -> None:
    pytest.importorskip("pyarrow")
    if table.suffix == ".npy":
        matrix = np.load(table)
        np.save(table, np.column_stack([np.arange(len(X)) % 7, S, matrix]))
        cluster, weights, drop = "0", "1", ("--target", "-1")
    else:
        names = np.array(["north", "south", "east", "west", "up", "down", "here"])
        data = {**dict(zip(NAMES, X.T, strict=True)), "price": NOISY, "count": S, "shop": names[np.arange(len(X)) % 7]}
        write(table, data)
        cluster, weights, drop = "shop", "count", ("--target", "price")
    s = S if weighted else None
    more = ("--weights", weights) if weighted else ("--exclude", weights)
    printed = done("fit", table, *drop, *more, "--summary", "--cluster", cluster)
    fit = gdfast.fit(X, NOISY, optimizer="exact", fit_intercept=True, standardize=True, sample_weight=s)
    want = fit.summary(X, NOISY, sample_weight=s, vcov={"cluster": np.arange(len(X)) % 7})
    rows = {row[0]: row for row in map(str.split, printed.split("std error")[1].splitlines()) if row}
    assert float(rows["intercept"][2]) == pytest.approx(want.std_errors[-1], rel=1e-5)
    assert "7 clusters" in printed


def test_clusters_that_are_none(tmp_path: Path, columns: dict[str, Any]) -> None:
    shops = [None, *(["a", "b"] * len(X))[: len(X) - 1]]
    table = write(tmp_path / "data.csv", {**columns, "shop": shops, "one": ["x"] * len(X)})
    fit = "fit", table, "--target", "price"
    assert "--cluster is for the standard errors of --summary" in refused(*fit, "--cluster", "shop")
    assert "leave out --vcov" in refused(*fit, "--summary", "--vcov", "HC1", "--cluster", "shop")
    assert "no value of column 'shop' in 1 of" in refused(*fit, "--exclude", "one", "--summary", "--cluster", "shop")
    assert "'one' is the same in all rows" in refused(*fit, "--exclude", "shop", "--summary", "--cluster", "one")
    assert "has no column 'town'" in refused(*fit, "--exclude", "one,shop", "--summary", "--cluster", "town")
