"""Commands on several files, or a pattern of names: what they print is what they print of the same rows in one file."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import COLUMNS, NAMES, B, S, W, X, Y, done, refused, run, write
from gdfast import progress
from gdfast.cli import in_pieces
from gdfast.cli.arrow import ParquetTable

NOISE = np.random.default_rng(1).standard_normal(len(Y))
TABLE = {**COLUMNS, "price": Y + NOISE, "s": S, "shop": np.arange(len(Y)) // 7}
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"part{k}.parquet" for k in range(3)]
    for path, rows in zip(paths, (slice(0, 30), slice(30, 31), slice(31, None)), strict=True):
        write(path, {name: column[rows] for name, column in TABLE.items()})
    return paths


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    (tmp_path / "whole").mkdir()
    return write(tmp_path / "whole" / "all.parquet", TABLE)


def fitted(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done("fit", *arguments, "--json"))
    return found


ALIKE: list[list[object]] = [
    [],
    ["--weights", "s"],
    ["--l2", 0.1],
    ["--l1", 0.1, "--no-intercept"],
    ["--plan", "stream"],
    ["--optimizer", "gd", "--learning-rate", 0.1, "--n-iters", 20],
    ["--folds", 4],
    ["--summary", "--vcov", "HC1"],
    ["--summary", "--cluster", "shop"],
]


@pytest.mark.parametrize("options", ALIKE, ids=str)
def test_several_files_are_fitted_as_one(options: list[object], files: list[Path], whole: Path) -> None:
    columns = ["--target", "price", "--columns", ",".join(NAMES)]
    want = fitted(whole, *columns, *options)
    for data in (files, [files[0].parent / "*.parquet"]):
        found = fitted(*data, *columns, *options)
        assert found["source"] == f"3 files, {files[0]} to {files[-1]}"
        assert found["coefficients"] == pytest.approx(want["coefficients"], rel=1e-6)
        assert found["loss"] == pytest.approx(want["loss"], rel=1e-8)
        assert found["r2"] == pytest.approx(want["r2"], rel=1e-8)
        for key in ("rows", "optimizer", "l1", "l2", "stop_reason"):
            assert found[key] == (pytest.approx(want[key], rel=1e-6) if key in ("l1", "l2") else want[key])
        if "--summary" in options:
            np.testing.assert_allclose(found["summary"]["std_errors"], want["summary"]["std_errors"], rtol=1e-7)


def test_the_heading_says_what_was_read(files: list[Path]) -> None:
    text = done("fit", files[0].parent / "part*.parquet", "--target", "price", "--exclude", "s,shop", "--summary")
    assert f"3 files, {files[0]} to {files[-1]}: target 'price', 80 rows, 3 columns, float64" in text
    assert "from disk" in text
    assert "std error" in text


def test_moments_of_several_files(files: list[Path], whole: Path, tmp_path: Path) -> None:
    options = ("--target", "price", "--weights", "s", "--exclude", "shop")
    done("moments", *files, *options, "-o", tmp_path / "a.gdm")
    done("moments", whole, *options, "-o", tmp_path / "b.gdm")
    one, other = (gdfast.Moments.from_bytes((tmp_path / name).read_bytes()) for name in ("a.gdm", "b.gdm"))
    np.testing.assert_allclose(one.gram, other.gram, rtol=1e-12)
    assert (one.n, one.feature_names, one.target) == (80, tuple(NAMES), "price")


def test_rows_with_nulls_are_left_out_or_refused(files: list[Path]) -> None:
    table = parquet.read_table(files[2])
    values = table["age"].to_pylist()
    values[3] = None
    parquet.write_table(table.set_column(2, "age", [values]), files[2])
    command = ("fit", *files, "--target", "price")
    message = refused(*command)
    assert f"{files[2]}, row group 0: column 'age' has 1 null: write --drop-missing to leave such rows out" in message
    assert "79 rows, 1 left out for missing values" in done(*command, "--drop-missing")


def test_with_drop_missing_nan_is_missing_as_in_one_file(files: list[Path], tmp_path: Path) -> None:
    price = TABLE["price"].copy()
    price[[3, 50]] = np.nan
    paths = [write(tmp_path / f"nan{k}.npy", {**TABLE, "price": price}) for k in range(2)]
    command = ("fit", *paths, "--target", 3, "--drop-missing")
    assert "156 rows, 4 left out for missing values" in done(*command)
    table = parquet.read_table(files[2])
    age = table["age"].to_numpy().copy()
    age[:2] = np.nan
    parquet.write_table(table.set_column(2, "age", [age]), files[2])
    command = ("fit", *files, "--target", "price")
    assert "column 'age' of x is nan in row 0" in refused(*command)
    assert "78 rows, 2 left out for missing values" in done(*command, "--drop-missing")


def test_columns_without_numbers_can_be_left_out(files: list[Path]) -> None:
    for path in files:
        table = parquet.read_table(path)
        parquet.write_table(table.append_column("town", [["x"] * len(table)]), path)
    command = ("fit", *files, "--target", "price")
    assert "has no numbers in column 'town' (type string): --exclude town leaves it out" in refused(*command)
    assert "80 rows, 5 columns" in done(*command, "--exclude", "town")
    assert "--target: column 'town'" in refused("fit", *files, "--target", "town")


def test_the_index_of_pandas_is_left_out(files: list[Path]) -> None:
    for path in files:
        table = parquet.read_table(path)
        parquet.write_table(table.append_column("__index_level_0__", [np.arange(len(table))]), path)
    result = run("fit", *files, "--target", "price")
    assert "is taken for the numbers or names of the rows and left out" in result.stderr
    assert "80 rows, 5 columns" in result.stdout


# --- one large file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def large(whole: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of several row groups, and large beside what counts as such here."""
    parquet.write_table(parquet.read_table(whole), whole, row_group_size=30)
    monkeypatch.setattr(in_pieces, "LARGE", 8 * len(Y) * len(TABLE) - 1)
    return whole


@pytest.mark.parametrize("options", ALIKE, ids=str)
def test_a_large_file_is_read_by_row_groups(
    options: list[object], large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command: list[object] = [large, "--target", "price", "--columns", ",".join(NAMES), *options]
    with monkeypatch.context() as patch:
        patch.setattr(in_pieces, "LARGE", 2**28)
        want = fitted(*command)
    monkeypatch.setattr(ParquetTable, "matrix", None)  # which loads it
    found = fitted(*command)
    assert found["source"] == want["source"]
    assert found["coefficients"] == pytest.approx(want["coefficients"], rel=1e-6)
    assert found["loss"] == pytest.approx(want["loss"], rel=1e-8)
    assert found["rows"] == want["rows"]


def test_progress_is_shown_for_a_large_file(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "ROWS_FIRST_AFTER", 0.0)
    assert "/80 rows" in run("fit", large, "--target", "price").stderr


def test_other_commands_read_a_large_file_by_row_groups(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ParquetTable, "matrix", None)
    done("moments", large, "--target", "price", "-o", tmp_path / "a.gdm")
    assert gdfast.Moments.from_bytes((tmp_path / "a.gdm").read_bytes()).n == 80
    done("fit", large, "--target", "price", "--model", tmp_path / "m.json")
    assert "80 predictions" in done("predict", tmp_path / "m.json", large, "-o", tmp_path / "y.npy")
    assert len(done("predict", tmp_path / "m.json", large).split()) == 80


def test_a_large_file_is_loaded_where_its_rows_are_needed_at_once(large: Path, tmp_path: Path) -> None:
    command = ("fit", large, "--target", "price")
    assert "held out" in done(*command, "--validation", 0.2)
    assert "float32" in done(*command, "--dtype", "f32")
    done(*command, "--model", tmp_path / "m.json")
    assert len(json.loads(done("predict", tmp_path / "m.json", large, "--json"))["predictions"]) == 80
    table = parquet.read_table(large)
    decimals = pa.array([Decimal(i) for i in range(80)], pa.decimal128(9, 2))
    parquet.write_table(table.append_column("sum", decimals), large)
    assert "80 rows, 6 columns" in done(*command)


# --- predictions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    done("fit", whole, "--target", "price", "--columns", ",".join(NAMES), "--model", path)
    return path


def test_predictions_of_several_files(files: list[Path], whole: Path, model: Path, tmp_path: Path) -> None:
    done("predict", model, whole, "-o", tmp_path / "want.npy")
    want = np.load(tmp_path / "want.npy")
    pattern = files[0].parent / "part*.parquet"
    for name in ("found.npy", "found.csv", "found.parquet"):
        text = done("predict", model, pattern, "-o", tmp_path / name)
        assert f"Written: {tmp_path / name} (80 predictions of 'price')" in text
        assert "R² 0.99" in text
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), want, rtol=1e-12)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "found.csv", skiprows=1), want, rtol=1e-12)
    np.testing.assert_allclose(parquet.read_table(tmp_path / "found.parquet")["prediction"], want, rtol=1e-12)
    printed = done("predict", model, *files)
    np.testing.assert_allclose(np.array(printed.split(), float), want, rtol=1e-12)
    found = json.loads(done("predict", model, pattern, "-o", tmp_path / "found.csv", "--json"))
    want_json = json.loads(done("predict", model, whole, "-o", tmp_path / "found.csv", "--json"))
    assert found == {**want_json, "loss": pytest.approx(want_json["loss"]), "r2": pytest.approx(want_json["r2"])}


def test_a_row_with_a_null_has_no_prediction(files: list[Path], model: Path, tmp_path: Path) -> None:
    table = parquet.read_table(files[2])
    values = table["age"].to_pylist()
    values[3] = None
    parquet.write_table(table.set_column(2, "age", [values]), files[2])
    done("predict", model, *files, "-o", tmp_path / "y.npy")
    assert np.flatnonzero(np.isnan(np.load(tmp_path / "y.npy"))).tolist() == [34]


def test_predict_to_a_file_and_as_an_array(tmp_path: Path) -> None:
    scan = gdfast.scan([(X[:50], Y[:50]), (X[50:50], Y[50:50]), (X[50:], Y[50:])])
    fit = gdfast.fit(scan, optimizer="exact", fit_intercept=True)
    want = X @ W + B
    np.testing.assert_allclose(fit.predict(scan), want, rtol=1e-9)
    assert fit.predict_to(tmp_path / "y.npy", scan) == 80
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), fit.predict(scan))
    with pytest.raises(ValueError, match=r"'y.txt' has to end in .csv, .npy or .parquet"):
        fit.predict_to("y.txt", scan)
    with pytest.raises(TypeError, match=r"x is of type numpy.ndarray, accepted is a scan"):
        fit.predict_to(tmp_path / "y.npy", X)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="x has 2 columns, and the model 3 coefficients"):
        fit.predict(gdfast.scan([(X[:, :2], Y)]))


# --- what is refused --------------------------------------------------------------------------------------------------


def test_options_that_several_files_have_not(files: list[Path], model: Path, tmp_path: Path) -> None:
    fit = ("fit", *files, "--target", "price")
    assert "--dtype is for one file" in refused(*fit, "--dtype", "f32")
    assert "--validation is for one file" in refused(*fit, "--validation", 0.2)
    assert "options about CSV files" in refused(*fit, "--decimal", ",")
    assert "no column 'cost'; it has" in refused("fit", *files, "--target", "cost")
    assert "--target says which column" in refused("fit", *files)
    assert "no file has a name like" in refused("fit", tmp_path / "none*.csv", "--target", "price")
    assert "of several kinds" in refused("fit", files[0], write(tmp_path / "a.csv", TABLE), "--target", "price")
    other = write(tmp_path / "z.parquet", {"a": Y})
    assert f"{other} lacks column" in refused("fit", *files, other, "--target", "price")
    assert "lacks what" in refused("predict", model, other.parent / "z*.parquet", "-o", tmp_path / "y.csv")
    assert "has to end in .csv, .npy or .parquet" in refused("predict", model, *files, "-o", tmp_path / "y.txt")
