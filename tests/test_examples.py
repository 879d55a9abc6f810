"""The scripts in examples/ run and say what they should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def output_of(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / script)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tutorial_ends_at_ten_four_times() -> None:
    lines = output_of("tutorial.py").splitlines()
    assert lines.count("Prediction before training: f(5) = 0.000") == 4
    assert lines.count("Prediction after training: f(5) = 10.000") == 4
    assert lines.count("epoch 3: w = 1.872, loss = 0.76800019") == 1
    assert lines.count("epoch 11: w = 1.665, loss = 1.16278565") >= 1


def test_diabetes_is_solved() -> None:
    pytest.importorskip("sklearn")
    lines = [line.split() for line in output_of("diabetes.py").splitlines()]
    names = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "intercept"]
    table = {line[0]: [float(value) for value in line[1:]] for line in lines if line and line[0] in names}
    assert list(table) == names
    for ours, lstsq, difference in table.values():
        assert ours == pytest.approx(lstsq, abs=1e-6)
        assert abs(difference) <= 1e-9
    assert table["intercept"][0] == pytest.approx(-334.567139, abs=1e-5)
    above = {(line[0], line[1]): float(line[3]) for line in lines if line and line[0] in ("gd", "nesterov", "cg")}
    assert above["gd", "100"] > 1 > above["gd", "10,000"]
    assert min(value for (name, _), value in above.items() if name == "cg") <= 1e-8
