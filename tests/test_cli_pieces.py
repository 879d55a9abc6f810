"""Several files get the care that one file gets: what is refused, noted, left out or told apart there is so here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import done, refused, run, text, write

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

N = 40
rng = np.random.default_rng(0)
A, NOISE = rng.standard_normal(N), rng.standard_normal(N)
Y = 2 * A + NOISE
HALVES = slice(0, N // 2), slice(N // 2, N)


def parts(folder: Path, columns: dict[str, Any], suffix: str = ".csv") -> list[Path]:
    """The rows in two files."""
    return [
        write(folder / f"part{k}{suffix}", {name: column[rows] for name, column in columns.items()})
        for k, rows in enumerate(HALVES)
    ]


def fitted(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done("fit", *arguments, "--json"))
    return found


# --- integers that float64 can't tell apart ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("start", [2**60, -(2**60), 2**53])
def test_integers_beyond_2_53_are_refused(suffix: str, start: int, tmp_path: Path) -> None:
    paths = parts(tmp_path, {"id": start + np.arange(N), "a": A, "y": Y}, suffix)
    for data in (paths, [paths[0].parent / f"part[01]{suffix}"], paths[:1]):
        line = refused("fit", *data, "--target", "y")
        assert f"column 'id' of {paths[0]} has integers beyond 2^53" in line
        assert "--exclude id leaves it out, or subtract a number" in line
    assert "1 column" in done("fit", *paths, "--target", "y", "--exclude", "id")
    assert "2^53" in refused("moments", *paths, "--target", "y", "-o", tmp_path / "a.gdm")


def test_integers_are_compared_across_files(tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet", ".npy"):
        ids = np.arange(N) * 2**20 + 2**60
        ids[-1] = ids[0] + 1
        paths = [tmp_path / f"far{k}{suffix}" for k in range(2)]
        for path, rows in zip(paths, HALVES, strict=True):
            write(path, {"id": ids[rows], "y": np.arange(N)[rows] % 7})
        option = ["--target", "1" if suffix == ".npy" else "y"]
        assert f"of {paths[1]} has integers beyond 2^53" in refused("fit", *paths, *option)
        done("fit", paths[0], *option)


def test_integers_beyond_2_53_that_are_told_apart_are_read(tmp_path: Path) -> None:
    ids = 2**60 + 2**20 * np.arange(N)
    for suffix in (".csv", ".parquet"):
        assert fitted(*parts(tmp_path, {"id": ids, "y": Y}, suffix), "--target", "y")["rows"] == N
    assert fitted(*parts(tmp_path, {"a": A * 1e100, "y": Y}), "--target", "y")["rows"] == N


def test_integers_beyond_2_53_in_matrices_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.npy" for k in range(2)]
    for path, rows in zip(paths, HALVES, strict=True):
        np.save(path, np.column_stack([2**60 + np.arange(N), np.arange(N) % 5, np.arange(N) % 3])[rows])
    assert "column '0'" in refused("fit", *paths)
    assert "1 column" in done("fit", *paths, "--exclude", "0")


def test_integers_beyond_2_53_have_no_predictions(tmp_path: Path) -> None:
    model = tmp_path / "m.json"
    done("fit", write(tmp_path / "d.csv", {"id": np.arange(N), "y": Y}), "--target", "y", "--model", model)
    paths = parts(tmp_path, {"id": 2**60 + np.arange(N)})
    assert "subtract a number from the column, here and where the model learned" in refused("predict", model, *paths)


# --- which columns there are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_an_index_without_a_name_is_left_out(name: str, tmp_path: Path) -> None:
    paths = parts(tmp_path, {name: np.arange(N), "a": A, "y": Y})
    for data in (paths, [tmp_path / "part[0].csv"]):
        result = run("fit", *data, "--target", "y")
        assert "is taken for the numbers or names of the rows and left out" in result.stderr
        assert "1 column" in result.stdout
    assert "2 columns" in done("fit", *paths, "--target", "y", "--columns", f"{name},a")


def test_a_column_that_only_some_files_have_is_refused(tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        one = write(tmp_path / f"1{suffix}", {"a": A, "y": Y})
        other = write(tmp_path / f"2{suffix}", {"a": A, "b": NOISE, "y": Y})
        message = refused("fit", one, other, "--target", "y")
        assert f"{other} has column 'b', which {one} hasn't: --exclude b leaves it out" in message
        message = refused("fit", other, one, "--target", "y")
        assert f"{one} lacks column 'b', which {other} has: --exclude b leaves it out" in message
        for files in ((one, other), (other, one)):
            assert fitted(*files, "--target", "y", "--exclude", "b")["coefficients"].keys() == {"a"}
            assert fitted(*files, "--target", "y", "--columns", "a")["rows"] == 2 * N
        assert "lacks column 'b'" in refused("fit", other, one, "--target", "b")


def test_a_first_line_of_numbers(tmp_path: Path) -> None:
    paths = [text(tmp_path / f"{k}.csv", "1,2,3\n2,1,5\n4,3,1\n7,7,2\n3,1,4\n") for k in range(2)]
    result = run("fit", *paths, "--target", "3")
    assert f"the first line of {paths[0]} (1, 2, 3) is taken for names of columns; --no-header" in result.stderr
    assert "8 rows" in result.stdout
    assert "--no-header for data" in refused("fit", *paths, "--target", "2")
    assert "10 rows" in done("fit", *paths, "--target", "2", "--no-header")


def test_a_column_counted_from_the_end_has_to_be_there(tmp_path: Path) -> None:
    paths = parts(tmp_path, {"a": A, "b": NOISE, "y": Y}, ".npy")
    for data in (paths[:1], paths):
        for target in ("-4", "-0", "-9"):
            assert f"has no column '{target}'; it has '0', '1', '2'" in refused("fit", *data, "--target", target)
        assert "target '0'" in done("fit", *data, "--target", "-3")
    with pytest.raises(ValueError, match=r"y is '-9', and .* has no such column"):
        gdfast.fit(gdfast.scan(paths), "-9")


# --- numbers of float32 and float64 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e9, 1e40])
def test_a_float64_target_beside_float32_columns_keeps_its_digits(scale: float, tmp_path: Path) -> None:
    y = scale + Y if scale == 1e9 else scale * Y
    paths = parts(tmp_path, {"a": A.astype(np.float32), "y": y}, ".parquet")
    whole = write(tmp_path / "whole.parquet", {"a": A.astype(np.float32), "y": y})
    want, found = (fitted(*data, "--target", "y") for data in ([whole], paths))
    assert found["coefficients"] == pytest.approx(want["coefficients"], rel=1e-6)
    assert found["loss"] == pytest.approx(want["loss"], rel=1e-6)
    assert found["coefficients"]["a"] == pytest.approx(2.0 if scale == 1e9 else 2 * scale, rel=0.2)
    assert "float64" in done("fit", *paths, "--target", "y")


def test_all_float32_stays_float32(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"a": A.astype(np.float32), "y": Y.astype(np.float32)}
    assert "float32" in done("fit", *parts(tmp_path, columns, ".parquet"), "--target", "y")
    columns["y"] = Y
    assert "float64" in done("fit", *parts(tmp_path, {**columns, "s": np.ones(N, np.float32)}, ".parquet"),
                             "--target", "y", "--weights", "s")  # fmt: skip


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_values_are_refused(bad: float, tmp_path: Path) -> None:
    paths = parts(tmp_path, {"a": [*A[:-1], bad], "y": Y})
    says = f"{paths[1]}: column 'a' of x is {bad} in row 19 of this piece"
    for options in ([], ["--plan", "stream"], ["--folds", 2]):
        assert says in refused("fit", *paths, "--target", "y", *options)
    assert says in refused("moments", *paths, "--target", "y", "-o", tmp_path / "m.gdm")
    assert not (tmp_path / "m.gdm").exists()


# --- clusters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("names", [np.array(["Ulm", "Bonn", "Kiel", "x y"]), 2**60 + np.arange(4)], ids=["text", "big"])
def test_clusters_of_any_kind(names: Any, suffix: str, tmp_path: Path) -> None:
    columns = {"a": A, "g": names[np.arange(N) % 4], "y": Y}
    options = ["--target", "y", "--summary", "--cluster", "g"]
    want = fitted(write(tmp_path / f"whole{suffix}", columns), *options)["summary"]
    found = fitted(*parts(tmp_path, columns, suffix), *options)["summary"]
    np.testing.assert_allclose(found["std_errors"], want["std_errors"], rtol=1e-9)
    assert found["n_clusters"] == 4


def test_one_cluster_and_weights_below_0(tmp_path: Path) -> None:
    paths = parts(tmp_path, {"a": A, "g": ["x"] * N, "s": [*np.ones(N - 1), -1], "y": Y})
    command = ("fit", *paths, "--target", "y", "--columns", "a")
    assert "gdfast: --cluster has one cluster" in refused(*command, "--summary", "--cluster", "g", status=1)
    for options in ([], ["--folds", 2], ["--plan", "stream"]):
        says = f"{paths[1]}: row 19 of this piece in column 's' is -1.0, accepted are finite numbers"
        assert says in refused(*command, "--weights", "s", *options)


def test_each_row_needs_a_cluster(tmp_path: Path) -> None:
    columns = {"a": A, "g": [None, *["x", "y"] * (N // 2 - 1), "x"], "y": Y}
    paths = parts(tmp_path, columns, ".parquet")
    command = ("fit", *paths, "--target", "y", "--summary", "--cluster", "g")
    assert f"{paths[0]} has no value of column 'g' in some rows" in refused(*command)
    assert run(*command).stdout == ""


# --- predictions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    done("fit", write(tmp_path / "learnt.csv", {"a": A, "y": Y}), "--target", "y", "--model", path)
    return path


def test_a_target_that_cant_be_read_is_no_hindrance(model: Path, tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", {"a": A, "y": Y})
    bad = write(tmp_path / "bad.csv", {"a": A, "y": [*Y[1:], "?"]})
    for files in ([bad, good], [good, bad]):
        result = run("predict", model, *files)
        assert result.exit_code == 0, result.output
        assert len(result.stdout.split()) == 2 * N
        assert f"no loss, since column 'y' of {bad} holds text ('?' in row {N})" in result.stderr
        assert "R²" not in result.stderr
    assert "R²" in run("predict", model, good, write(tmp_path / "more.csv", {"a": A, "y": Y})).stderr
    without = write(tmp_path / "without.csv", {"a": A})
    assert "no loss, since only 1 of 2 files have column 'y'" in run("predict", model, good, without).stderr
    towns = parts(tmp_path, {"a": A, "y": ["Ulm"] * N}, ".parquet")
    assert f"no loss, since column 'y' of {towns[0]} is of type string" in run("predict", model, *towns).stderr


def test_columns_to_predict_from_have_to_be_numbers(model: Path, tmp_path: Path) -> None:
    paths = parts(tmp_path, {"a": ["x"] * N}, ".parquet")
    assert f"column 'a' of {paths[0]} is of type string, and {model} predicts from numbers" in refused(
        "predict", model, *paths
    )
    empty = pa.table({"a": pa.nulls(N)})
    for path in paths:
        parquet.write_table(empty, path)
    assert done("predict", model, *paths).split() == ["nan"] * (2 * N)
    parquet.write_table(pa.table({"a": A}), paths[0])
    assert done("predict", model, *paths).split()[N:] == ["nan"] * N
