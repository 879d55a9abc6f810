"""`gdfast fit` and `gdfast predict`: from a table to a model to predictions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import NAMES, B, N, S, W, X, Y, done, refused, rng, run, target, text, write
from gdfast.cli.model import Model, ModelError, load

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
    given = ["--no-intercept", "--no-standardize", "--optimizer", "gd", "--n-iters", 20]
    done("fit", data, "--target", "price", *given, "--model", path)
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


def test_what_is_drawn_has_the_names_of_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    plot = gdfast.Fit.plot

    def remembered(fit: gdfast.Fit) -> Any:
        figures.append(plot(fit))
        return figures[-1]

    monkeypatch.setattr(gdfast.Fit, "plot", remembered)
    data = write(tmp_path / "a.csv", {"area": X[:, 0], "price": Y})
    done("fit", data, "--target", "price", "--chart", tmp_path / "a.svg")
    assert [figures[0].axes[0].get_xlabel(), figures[0].axes[0].get_ylabel()] == ["area", "price"]
    data = write(tmp_path / "b.csv", {"area": X[:, 0], "rooms": X[:, 1], "price": Y})
    done("fit", data, "--target", "price", "--chart", tmp_path / "b.svg")
    assert [figures[1].axes[0].get_xlabel(), figures[1].axes[0].get_ylabel()] == ["price, predicted", "price"]
    done("fit", data, "--target", "price", "--optimizer", "gd", "--chart", tmp_path / "b.svg")
    assert figures[2].axes[0].get_xlabel() == "passes over the data"


def test_integers_booleans_and_compressed_csv(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("n,flag,y\n1,true,3\n2,false,4\n3,true,7\n4,false,8\n")
    assert "R² 1 " in done("fit", path, "--target", "y")


def test_many_columns_are_not_all_printed(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", rng.standard_normal((30, 100)))
    printed = done("fit", tmp_path / "a.npy", "--optimizer", "gd", "--n-iters", 2)
    assert "and 59 more" in printed
    assert "Write --optimizer" in printed


def test_coefficients_of_zero_are_counted(tmp_path: Path, columns: dict[str, Any]) -> None:
    data = write(tmp_path / "a.csv", columns)
    assert "3 of 3 coefficients are 0" in done("fit", data, "--target", "price", "--l1", 1e6)


def test_interrupted_training_leaves_its_model(
    tmp_path: Path, columns: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = gdfast.fit

    def interrupted(*arguments: Any, **options: Any) -> None:
        error = KeyboardInterrupt()
        so_far = fit(*arguments, **options | {"optimizer": "gd", "n_iters": 3, "progress": False})
        object.__setattr__(so_far, "stop_reason", "interrupted")
        error.fit = so_far  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(gdfast, "fit", interrupted)
    path = tmp_path / "m.json"
    line = refused("fit", write(tmp_path / "a.csv", columns), "--target", "price", "--model", path, status=130)
    assert "the model so far" in line
    assert json.loads(path.read_text())["training"]["passes"] == 3


def test_a_warning_is_a_line(tmp_path: Path, columns: dict[str, Any]) -> None:
    data = write(tmp_path / "a.csv", {**columns, "tiny": np.arange(len(X)) * 1e-317})
    result = run("fit", data, "--target", "price")
    assert result.exit_code == 0
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("gdfast: the squares of what is so small are 0 in float64: 'tiny'")


# --- the optimum


@pytest.mark.parametrize("options", [[], ["--plan", "stream"], ["--dtype", "f32"], ["--no-standardize"], ["--l2", 0.1]])
def test_by_default_it_goes_for_the_optimum(options: list[object], tmp_path: Path, columns: dict[str, Any]) -> None:
    noisy = columns | {"price": Y + rng.standard_normal(N), "rooms": columns["rooms"] + 1e3}
    path, data = tmp_path / "m.json", write(tmp_path / "a.csv", noisy)
    printed = done("fit", data, "--target", "price", "--model", path, *options)
    assert ", converged" in printed
    assert "not converged" not in printed
    x = np.column_stack([noisy[name] for name in NAMES])
    z, y = (x - x.mean(0)) / x.std(0), noisy["price"] - noisy["price"].mean()
    l2 = 0.1 if "--l2" in options else 0.0
    w = np.linalg.solve(z.T @ z / N + l2 * np.eye(3), z.T @ y / N) / x.std(0)
    np.testing.assert_allclose(load(path).w, w, rtol=1e-4 if "f32" in options else 1e-6)


def test_it_says_how_close_it_is(tmp_path: Path, columns: dict[str, Any]) -> None:
    data = write(tmp_path / "a.csv", columns)
    exact = done("fit", data, "--target", "price", "--model", tmp_path / "m.json")
    assert re.search(r"1 pass, converged, at most \S+ of the objective at w = 0 above the least", exact)
    assert json.loads((tmp_path / "m.json").read_text())["training"]["gap"] <= 1e-6
    assert "Write --optimizer" in done("fit", data, "--target", "price", "--optimizer", "gd", "--n-iters", 3)


def test_whoever_says_how_to_step_gets_steps(tmp_path: Path, columns: dict[str, Any]) -> None:
    path, data = tmp_path / "m.json", write(tmp_path / "a.csv", columns)
    for options, optimizer in ((["--learning-rate", 0.1], "gd"), (["--plan", "stream", "--l1", 1], "nesterov")):
        done("fit", data, "--target", "price", "--model", path, *options)
        assert json.loads(path.read_text())["training"]["optimizer"] == optimizer


# --- models


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
command = [sys.executable, "-m", "gdfast", "predict", sys.argv[1], sys.argv[2]]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
print(process.stdout.readline().strip())
process.stdout.close()
print(process.stderr.read())
"""
    assert run_python(code, tmp_path / "m.json", tmp_path / "a.npy").split() == ["2.0"]
