"""`gdfast fit` and `gdfast predict`: from a table to a model to predictions, and one line for whatever is wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("matplotlib")
pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet
from typer.testing import CliRunner, Result

from gdfast.cli.app import app
from gdfast.cli.messages import as_options
from gdfast.cli.model import Model, ModelError, load

NAMES = ["area", "rooms", "age"]
W = np.array([2.0, -30.0, 0.5])
B = 7.0
N = 80

rng = np.random.default_rng(0)
X = rng.standard_normal((N, 3)) * [40.0, 1.5, 20.0] + [100.0, 3.0, 50.0]
Y = X @ W + B
S = rng.integers(1, 4, N).astype(float)


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


@pytest.fixture
def columns() -> dict[str, Any]:
    return {**dict(zip(NAMES, X.T, strict=True)), "price": Y}


@pytest.fixture(params=[".csv", ".parquet", ".npy"])
def table(request: pytest.FixtureRequest, tmp_path: Path, columns: dict[str, Any]) -> Path:
    return write(tmp_path / f"data{request.param}", columns)


def target(table: Path) -> list[str]:
    return [] if table.suffix == ".npy" else ["--target", "price"]


# --- fit, and there and back


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("output", [".csv", ".npy"])
def test_there_and_back(table: Path, suffix: str, output: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    printed = done("fit", table, *target(table), "--model", path, "--chart", tmp_path / "chart.png")
    assert "loss" in printed
    assert "R² 1 " in printed
    assert "plan" in printed
    assert f"Written: {path}" in printed
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")

    model = load(path)
    assert model.names == (tuple(NAMES) if table.suffix != ".npy" else ("0", "1", "2"))
    assert model.gdfast_version == gdfast.__version__
    np.testing.assert_allclose(model.w, W, rtol=1e-6)
    assert model.b == pytest.approx(B, abs=1e-4)

    predictions = tmp_path / f"out{output}"
    assert "R² 1 on 80 rows" in done("predict", path, table, "--output", predictions)
    found = np.load(predictions) if output == ".npy" else np.loadtxt(predictions, skiprows=1)
    np.testing.assert_array_equal(found, model.predict(X))


def test_predictions_go_to_stdout_and_the_loss_does_not(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    done("fit", table, *target(table), "--model", path)
    result = run("predict", path, table)
    assert result.exit_code == 0
    np.testing.assert_array_equal(np.array(result.stdout.split(), dtype=float), load(path).predict(X))
    assert "R² 1 on 80 rows" in result.stderr


def test_columns_are_found_by_name(tmp_path: Path, columns: dict[str, Any]) -> None:
    path = tmp_path / "model.npz"
    done("fit", write(tmp_path / "a.csv", columns), "--target", "price", "--model", path)
    other = {"note": ["a"] * N, **{name: columns[name] for name in reversed(NAMES)}}
    result = run("predict", path, write(tmp_path / "b.parquet", other))
    np.testing.assert_array_equal(np.array(result.stdout.split(), dtype=float), load(path).predict(X))
    assert result.stderr == ""
    del other["rooms"]
    assert "lacks what" in refused("predict", path, write(tmp_path / "c.csv", other))


def test_the_fit_is_that_of_gdfast(tmp_path: Path, columns: dict[str, Any]) -> None:
    path, data = tmp_path / "model.json", write(tmp_path / "a.parquet", columns | {"s": S})
    options = {"l2": 0.1, "l1": 0.2, "n_iters": 50, "learning_rate": 0.05, "optimizer": "nesterov"}
    given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    done("fit", data, "--target", "price", "--weights", "s", *given, "--model", path, "--plan", "stream")
    ours = gdfast.fit(np.asfortranarray(X), Y, sample_weight=S, fit_intercept=True, standardize=True, plan="stream",
                      **options)  # type: ignore[arg-type]  # fmt: skip
    model = load(path)
    np.testing.assert_array_equal(model.w, ours.w)
    assert model.b == ours.b


def test_without_intercept_and_scales(tmp_path: Path, columns: dict[str, Any]) -> None:
    path, data = tmp_path / "model.json", write(tmp_path / "a.csv", columns)
    done("fit", data, "--target", "price", "--no-intercept", "--no-standardize", "--model", path, "--n-iters", 20)
    assert load(path).b is None
    ours = gdfast.fit(np.asfortranarray(X), Y, learning_rate="auto", n_iters=20)
    np.testing.assert_allclose(load(path).w, ours.w, rtol=1e-12)


def test_validation_holds_rows_out(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    printed = done("fit", table, *target(table), "--validation", 0.25, "--seed", 3, "--model", path)
    assert "60 rows and 20 held out" in printed
    assert "on the rows held out" in printed
    assert json.loads(path.read_text())["training"]["validation_r2"] > 0.99


def test_mini_batches(table: Path) -> None:
    given = ["--batch-size", 16, "--learning-rate", 0.05, "--seed", 1, "--n-iters", 5]
    assert (
        done("fit", table, *target(table), *given).splitlines()[:8]
        == done("fit", table, *target(table), *given).splitlines()[:8]
    )


def test_columns_are_chosen_and_left_out(tmp_path: Path, columns: dict[str, Any]) -> None:
    data, path = write(tmp_path / "a.csv", {**columns, "a,b": X[:, 0], "city": ["Bonn"] * N}), tmp_path / "m.json"
    done("fit", data, "--target", "price", "--columns", "rooms,area", "--columns", "a,b", "--model", path)
    assert load(path).names == ("rooms", "area", "a,b")
    done("fit", data, "--target", "price", "--exclude", "a,b", "--exclude", "city,age", "--model", path)
    assert load(path).names == ("area", "rooms")


def test_dtype_is_that_of_the_columns_or_asked_for(tmp_path: Path) -> None:
    single = {"x": X[:, 0].astype(np.float32), "y": Y.astype(np.float32)}
    for suffix in (".npy", ".parquet"):
        data = write(tmp_path / f"a{suffix}", single)
        assert "1 column, float32" in done("fit", data, "--target", "1" if suffix == ".npy" else "y")
        assert "1 column, float64" in done("fit", data, "--target", "1" if suffix == ".npy" else "y", "--dtype", "f64")


def test_one_column_is_drawn_with_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    plot = gdfast.Fit.plot

    def remembered(fit: gdfast.Fit) -> Any:
        figures.append(plot(fit))
        return figures[-1]

    monkeypatch.setattr(gdfast.Fit, "plot", remembered)
    data = write(tmp_path / "a.csv", {"area": X[:, 0], "price": Y})
    done("fit", data, "--target", "price", "--chart", tmp_path / "a.svg")
    assert [figures[0].axes[1].get_xlabel(), figures[0].axes[1].get_ylabel()] == ["area", "price"]


def test_integers_booleans_and_compressed_csv(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("n,flag,y\n1,true,3\n2,false,4\n3,true,7\n4,false,8\n")
    assert "R² 1 " in done("fit", path, "--target", "y")


def test_many_columns_are_not_all_printed(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", rng.standard_normal((30, 100)))
    printed = done("fit", tmp_path / "a.npy", "--n-iters", 2)
    assert "and 59 more" in printed
    assert "--optimizer nesterov" in printed


def test_coefficients_of_zero_are_counted(tmp_path: Path, columns: dict[str, Any]) -> None:
    data = write(tmp_path / "a.csv", columns)
    assert "3 of 3 coefficients are 0" in done("fit", data, "--target", "price", "--l1", 1e6)


def test_interrupted_training_leaves_its_model(
    tmp_path: Path, columns: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = gdfast.fit

    def interrupted(*arguments: Any, **options: Any) -> None:
        error = KeyboardInterrupt()
        so_far = fit(*arguments, **options | {"n_iters": 3, "progress": False})
        object.__setattr__(so_far, "stop_reason", "interrupted")
        error.fit = so_far  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(gdfast, "fit", interrupted)
    path = tmp_path / "m.json"
    line = refused("fit", write(tmp_path / "a.csv", columns), "--target", "price", "--model", path, status=130)
    assert "the model so far" in line
    assert json.loads(path.read_text())["training"]["passes"] == 3


# --- what is wrong with a table


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


BAD_CSV: dict[str, tuple[str, list[str], list[str]]] = {
    "no target": ("a,y\n1,2\n", [], ["--target says", "'a', 'y'"]),
    "unknown target": ("a,y\n1,2\n", ["--target", "z"], ["--target:", "no column 'z'", "'a', 'y'"]),
    "unknown column": ("a,y\n1,2\n", ["--target", "y", "--columns", "b"], ["--columns:", "no column 'b'"]),
    "unknown weights": ("a,y\n1,2\n", ["--target", "y", "--weights", "b"], ["--weights:", "no column 'b'"]),
    "target among columns": ("a,y\n1,2\n", ["--target", "y", "--columns", "a,y"], ["'y' is what"]),
    "nothing left": ("a,y\n1,2\n", ["--target", "y", "--exclude", "a"], ["no column left"]),
    "text": ("a,b,y\n1,2,3\n2,Ulm,4\n", ["--target", "y"], ["'b'", "'Ulm' in row 2", "--exclude b"]),
    "missing": ("a,b,y\n1,,3\n2,1,4\n", ["--target", "y"], ["'b' (1 of 2 rows)", "--drop-missing", "--exclude b"]),
    "missing everywhere": ("a,b,y\n1,,3\n2,,4\n", ["--target", "y", "--drop-missing"], ["every row", "--exclude b"]),
    "infinite": ("a,b,y\n1,inf,3\n2,1,4\n", ["--target", "y"], ["infinite", "'b'", "--exclude b"]),
    "dates": ("a,y\n2024-01-01,3\n2024-01-02,4\n", ["--target", "y"], ["'a'", "date32", "--exclude a"]),
    "semicolons": ("a;y\n1;2\n", ["--target", "y"], ["--delimiter ';'"]),
    "no header": ("1.5,2\n3,4\n", ["--target", "y"], ["1.5, 2", "--no-header"]),
    "twice the same name": ("a,a,y\n1,2,3\n", ["--target", "y"], ["more than one column called 'a'"]),
    "ragged": ("a,y\n1,2\n1\n", ["--target", "y"], ["can't be read as CSV"]),
    "empty": ("", ["--target", "y"], ["can't be read as CSV"]),
    "no rows": ("a,y\n", ["--target", "y"], ["no rows"]),
    "weights below 0": ("a,s,y\n1,-1,3\n2,1,4\n", ["--target", "y", "--weights", "s"], ["sample_weight[0] is -1"]),
    "one row": ("a,y\n1,2\n", ["--target", "y", "--validation", "0.5"], ["but one row"]),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_table_is_one_line(name: str, tmp_path: Path) -> None:
    content, options, expected = BAD_CSV[name]
    line = refused("fit", text(tmp_path / "bad.csv", content), *options)
    assert [part for part in expected if part not in line] == [], line


def test_missing_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    data = text(tmp_path / "a.csv", "a,y\n1,2\n,3\n3,6\n")
    assert "2 rows, 1 left out" in done("fit", data, "--target", "y", "--drop-missing")


def test_other_separators(tmp_path: Path) -> None:
    assert "R² 1 " in done("fit", text(tmp_path / "a.csv", "a;y\n1;2\n2;4\n"), "--target", "y", "--delimiter", ";")
    assert "R² 1 " in done("fit", text(tmp_path / "a.csv", "1,2\n2,4\n"), "--target", "1", "--no-header")


def test_bad_files_are_one_line(tmp_path: Path) -> None:
    assert "there is no file" in refused("fit", tmp_path / "none.csv", "--target", "y")
    for suffix, kind in ((".parquet", "Parquet"), (".npy", "can't be read"), (".xlsx", ".csv, .csv.gz, .parquet")):
        assert kind in refused("fit", text(tmp_path / f"bad{suffix}", "nonsense"), "--target", "y")
    np.savez(tmp_path / "a.npz", a=X)
    assert "np.save" in refused("fit", tmp_path / "a.npz")
    np.save(tmp_path / "flat.npy", Y)
    assert "(80,)" in refused("fit", tmp_path / "flat.npy")
    np.save(tmp_path / "text.npy", np.array([["a", "b"]]))
    assert "<U1" in refused("fit", tmp_path / "text.npy")
    np.save(tmp_path / "pickle.npy", np.array([[None, {}]]), allow_pickle=True)
    assert "can't be read" in refused("fit", tmp_path / "pickle.npy")


# --- what is wrong with options


def test_divergence_is_one_line_that_names_columns(table: Path) -> None:
    line = refused("fit", table, *target(table), "--no-standardize", "--learning-rate", 1, status=1)
    assert "diverged" in line
    assert "Write --learning-rate auto or --standardize." in line
    assert ("'area'" in line) == (table.suffix != ".npy")


BAD_OPTIONS: dict[str, tuple[list[Any], list[str]]] = {
    "adam": (["--optimizer", "adam"], ["--learning-rate auto", "--optimizer nesterov"]),
    "batches": (["--batch-size", 8], ["--learning-rate auto", "no --batch-size"]),
    "l1": (["--l1", 1, "--optimizer", "momentum"], ["--l1 1.0 with --optimizer momentum"]),
    "l2": (["--l2", -1], ["--l2 is -1"]),
    "too large a batch": (["--batch-size", 999, "--learning-rate", 0.1], ["--batch-size is 999", "80"]),
    "share": (["--validation", 20], ["--validation is 20", "such as 0.2"]),
    "delimiter": (["--delimiter", "::"], ["--delimiter is '::'"]),
    "model": (["--model", "a.pkl"], ["--model: 'a.pkl' has to end in .json or .npz"]),
    "chart": (["--chart", "nowhere/a.png"], ["--chart: there is no folder 'nowhere'"]),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_a_bad_option_is_one_line(name: str, tmp_path: Path, columns: dict[str, Any]) -> None:
    options, expected = BAD_OPTIONS[name]
    line = refused("fit", write(tmp_path / "a.csv", columns), "--target", "price", *options)
    assert [part for part in expected if part not in line] == [], line


def test_messages_speak_of_options() -> None:
    assert as_options("write learning_rate='auto', batch_size=None or standardize=True.") == (
        "write --learning-rate auto, no --batch-size or --standardize."
    )
    assert as_options("learning_rate=0.5: tol is -1.0, standardize=False") == (
        "--learning-rate 0.5: --tol is -1.0, --no-standardize"
    )


# --- models


def test_bad_models_are_one_line(tmp_path: Path, columns: dict[str, Any]) -> None:
    data, path = write(tmp_path / "a.csv", columns), tmp_path / "m.json"
    for content in ("", "[]", "{}", '{"format": "other"}'):
        assert "no model" in refused("predict", text(path, content), data)
    head = '{"format": "gdfast linear model", "format_version": '
    line = refused("predict", text(path, head + '99, "gdfast_version": "9.0"}'), data)
    assert "written by gdfast 9.0" in line
    assert "damaged" in refused("predict", text(path, head + '1, "dtype": "float64", "coefficients": {}}'), data)
    assert "no model" in refused("predict", text(tmp_path / "m.npz", "nonsense"), data)
    assert "there is no file" in refused("predict", tmp_path / "none.json", data)


def test_a_model_keeps_every_bit(tmp_path: Path) -> None:
    for dtype in (np.float32, np.float64):
        w: Any = (rng.standard_normal(3) / 3).astype(dtype)
        for suffix in (".json", ".npz"):
            for b in (None, 0.1):
                Model(("ä", "b c", "c"), w, b, "y", {"rows": 3}).save(tmp_path / f"m{suffix}")
                again = load(tmp_path / f"m{suffix}")
                np.testing.assert_array_equal(again.w, w)
                assert again.w.dtype == dtype
                assert (again.names, again.b, again.target) == (("ä", "b c", "c"), b, "y")
                assert again.training == {"rows": 3}


def test_an_unpickled_array_is_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", format=np.array([{}], dtype=object))
    with pytest.raises(ModelError, match="can't be read"):
        load(tmp_path / "m.npz")


def test_rows_with_missing_values_have_no_prediction(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    Model(("a",), np.array([2.0]), 1.0, "y").save(path)
    result = run("predict", path, text(tmp_path / "a.csv", "a,y\n1,3\n,4\n"))
    assert result.stdout.split() == ["3.0", "nan"]
    assert "1 row has missing values" in result.stderr
    assert "on 1 row" in result.stderr


RunPython = Callable[..., str]


def test_a_reader_that_stops_is_no_error(tmp_path: Path, run_python: RunPython) -> None:
    Model(("0",), np.array([2.0]), None, "1").save(tmp_path / "m.json")
    np.save(tmp_path / "a.npy", np.ones((200_000, 1)))
    code = """
import subprocess, sys
command = [sys.executable, "-m", "gdfast.cli", "predict", sys.argv[1], sys.argv[2]]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
print(process.stdout.readline().strip())
process.stdout.close()
print(process.stderr.read())
"""
    assert run_python(code, tmp_path / "m.json", tmp_path / "a.npy").split() == ["2.0"]
