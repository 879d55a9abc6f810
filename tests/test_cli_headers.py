"""Headers of CSV files, and columns of text, as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import done, refused, run, text, write
from gdfast.cli.model import Model, load

WITH_TARGET = ("--target", "y")


def fitted(path: Path, *options: object) -> Model:
    """The model of a table, by the command line."""
    model = path.parent / "fitted.json"
    done("fit", path, *options, "--model", model)
    return load(model)


# --- headers


YEARS = "2010,2011,2012\n1,2,3\n2,1,4\n3,5,9\n4,4,8\n"


def test_years_for_names(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", YEARS)
    expected = fitted(text(tmp_path / "b.csv", YEARS.replace("20", "y20")), "--target", "y2012")
    for options in ([], ["--header"]):
        model = fitted(path, "--target", "2012", *options)
        assert model.names == ("2010", "2011")
        np.testing.assert_array_equal(model.w, expected.w)
    result = run("fit", path, "--target", "2012")
    assert "(2010, 2011, 2012) is taken for names of columns; --no-header" in result.stderr
    predicted = run("predict", tmp_path / "fitted.json", path)
    assert len(predicted.stdout.split()) == 4


def test_numbers_that_nobody_calls_names_are_asked_about(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", YEARS)
    line = refused("fit", path, "--target", "2")
    assert "(2010, 2011, 2012)" in line
    assert "--header" in line
    assert "--no-header" in line
    assert "5 rows" in done("fit", path, "--target", "2", "--no-header")
    assert "has no column '2'" in refused("fit", path, "--target", "2", "--header")


def test_names_that_stand_twice(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "a,b,a,y\n9,1,1,2\n8,2,2,4\n7,3,3,6\n")
    line = refused("fit", path, *WITH_TARGET)
    assert "more than one column called 'a': --exclude a leaves the columns out" in line
    model = fitted(path, *WITH_TARGET, "--exclude", "a")
    assert model.names == ("b",)
    np.testing.assert_allclose(model.w, [2], rtol=1e-9)
    assert "--target: " in refused("fit", path, "--target", "a")
    model_path = tmp_path / "m.json"
    Model(("a",), np.ones(1), None, "y").save(model_path)
    assert "--exclude" not in refused("predict", model_path, path)


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
@pytest.mark.parametrize("kind", ["numbers", "names"])
def test_an_index_is_left_out_and_said(name: str, kind: str, tmp_path: Path) -> None:
    index: list[Any] = list(range(5)) if kind == "numbers" else list("vwxyz")
    path = write(tmp_path / "a.csv", {name: index, "a": [1, 2, 3, 4, 7], "y": [2, 4, 6, 8, 14]})
    result = run("fit", path, *WITH_TARGET, "--model", tmp_path / "m.json")
    assert result.exit_code == 0
    assert f"first column of {path}, '{name}', is taken for the numbers or names of the rows" in result.stderr
    assert list(json.loads((tmp_path / "m.json").read_text())["coefficients"]) == ["a"]
    assert run("fit", path, *WITH_TARGET, "--exclude", name).stderr == ""
    if kind == "numbers":
        assert fitted(path, *WITH_TARGET, "--columns", name, "--columns", "a").names == (name, "a")


def test_an_index_of_pandas_in_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"a": [1, 2, 3], "y": [2, 4, 6], "__index_level_0__": ["u", "v", "w"]})
    result = run("fit", path, *WITH_TARGET)
    assert result.exit_code == 0
    assert "'__index_level_0__'" in result.stderr


# --- text


def test_text_far_down_is_found(tmp_path: Path) -> None:
    rows = "".join(f"{i % 97},{i % 89},{i % 97}\n" for i in range(150_000))
    path = text(tmp_path / "a.csv", f"a,b,y\n{rows}oops,1,3\n")
    assert "'a' of" in (line := refused("fit", path, *WITH_TARGET))
    assert "text ('oops' in row 150,001)" in line


def test_all_columns_of_text_are_said_at_once(tmp_path: Path) -> None:
    columns = {f"text {j}": ["a", "b"] for j in range(30)}
    path = write(tmp_path / "a.csv", {**columns, "when": ["2024-01-01", "2024-01-02"], "a": [1, 2], "y": [1, 2]})
    line = refused("fit", path, *WITH_TARGET)
    assert f"--exclude '{','.join(columns)},when' leaves the columns out" in line


def test_a_target_of_text_must_be_a_number(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "fare,age,survived,w\n7.25,9,no,a\n71.28,8,yes,b\n8.05,7,no,c\n")
    line = refused("fit", path, "--target", "survived")
    assert "--target: column 'survived'" in line
    assert "'no' in row 1" in line
    assert "must be a number" in line
    assert "--exclude" not in line
    line = refused("fit", path, "--target", "fare", "--weights", "w", "--exclude", "survived")
    assert "--weights: column 'w'" in line
    assert "--exclude" not in line
