"""``--json`` on every command; what goes into a pipe; completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import COLUMNS, NAMES, B, N, W, X, done, refused, run, write
from gdfast.cli.app import app


def parsed(*arguments: object) -> Any:
    return json.loads(done(*arguments, "--json"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "homes.csv", COLUMNS)


def test_every_command_has_it() -> None:
    import typer

    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert any("--json" in option.opts for option in command.params), name


def test_fit(table: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    found = parsed("fit", table, "--target", "price", "--model", model)
    assert list(found["coefficients"]) == NAMES
    np.testing.assert_allclose(list(found["coefficients"].values()), W, rtol=1e-9)
    assert found["intercept"] == pytest.approx(B)
    assert found["converged"] is True
    assert (found["rows"], found["rows_held_out"], found["stop_reason"]) == (N, 0, "converged")
    assert found["report"]["passes"] >= 1
    assert found["written"] == [str(model)]
    assert model.exists()


def test_fit_with_folds_and_with_a_summary(table: Path) -> None:
    found = parsed("fit", table, "--target", "price", "--folds", 4)
    assert len(found["path"]["penalties"]) == len(found["path"]["cv_mean"]) == 100
    assert found["l1"] == pytest.approx(found["path"]["penalties"][found["path"]["best"][1]])
    pytest.importorskip("scipy")
    noisy = COLUMNS | {"price": COLUMNS["price"] + np.random.default_rng(1).standard_normal(N)}
    write(table, noisy)
    summary = parsed("fit", table, "--target", "price", "--summary")["summary"]
    assert summary == json.loads(json.dumps(summary))
    assert len(summary) > 5


def test_moments_and_predictions(table: Path, tmp_path: Path) -> None:
    moments, model = tmp_path / "homes.gdm", tmp_path / "model.json"
    found = parsed("moments", table, "--target", "price", "--output", moments)
    assert found == {"target": "price", "columns": NAMES, "rows": N, "written": [str(moments)]}
    done("fit", moments, "--model", model)
    found = parsed("predict", model, table)
    np.testing.assert_allclose(found["predictions"], X @ W + B)
    assert found["rows"] == found["rows_with_target"] == N
    assert found["r2"] == pytest.approx(1)
    output = tmp_path / "predictions.npy"
    found = parsed("predict", model, table, "--output", output)
    assert found["written"] == [str(output)]
    assert "predictions" not in found
    assert len(np.load(output)) == N


def test_missing_values_are_null(table: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    done("fit", table, "--target", "price", "--model", model)
    columns = {name: values.copy() for name, values in COLUMNS.items() if name != "price"}
    columns["age"][3] = np.nan
    result = run("predict", model, write(tmp_path / "new.parquet", columns), "--json")
    found = json.loads(result.stdout)
    assert found["predictions"][3] is None
    assert found["rows_with_missing_values"] == 1
    assert "loss" not in found


def test_info_and_tutorial() -> None:
    assert parsed("info") == gdfast.config()
    found = parsed("tutorial", "--backend", "numpy")
    assert list(found["numpy"]) == ["gradient written by hand", "gradient from autograd"]
    assert found["numpy"]["gradient written by hand"][-1].endswith("f(5) = 10.000")


def test_bench(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    result = run("bench", "--quick", "--shapes", "4x1", "--seconds", 0.05, "--output", output, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads(output.read_text())
    assert "Written" in result.stderr


def test_failures_say_nothing_on_stdout(table: Path) -> None:
    assert "price2" in refused("fit", table, "--target", "price2", "--json")


def test_no_colours_in_a_pipe(table: Path) -> None:
    command = [sys.executable, "-m", "gdfast", "fit", str(table), "--target", "price"]
    environment = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "PY_COLORS")}
    result = subprocess.run(command, capture_output=True, check=True, env=environment | {"TERM": "xterm-256color"})
    assert b"\x1b" not in result.stdout + result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'gdfast'; from gdfast.cli import main; main()"]
    environment = os.environ | {"_GDFAST_COMPLETE": f"source_{shell}"}
    script = subprocess.run(command, capture_output=True, check=True, env=environment, text=True).stdout
    assert "_GDFAST_COMPLETE" in script
