"""The tutorial's two runs are printed as the tutorial prints them, by every backend."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gdfast
from gdfast import tutorial

HAND_WRITTEN = """\
Prediction before training: f(5) = 0.000
epoch 1: w = 1.200, loss = 30.00000000
epoch 3: w = 1.872, loss = 0.76800019
epoch 5: w = 1.980, loss = 0.01966083
epoch 7: w = 1.997, loss = 0.00050332
epoch 9: w = 1.999, loss = 0.00001288
epoch 11: w = 2.000, loss = 0.00000033
epoch 13: w = 2.000, loss = 0.00000001
epoch 15: w = 2.000, loss = 0.00000000
epoch 17: w = 2.000, loss = 0.00000000
epoch 19: w = 2.000, loss = 0.00000000
Prediction after training: f(5) = 10.000
"""

AUTOGRAD = """\
Prediction before training: f(5) = 0.000
epoch 1: w = 0.300, loss = 30.00000000
epoch 11: w = 1.665, loss = 1.16278565
epoch 21: w = 1.934, loss = 0.04506890
epoch 31: w = 1.987, loss = 0.00174685
epoch 41: w = 1.997, loss = 0.00006770
epoch 51: w = 1.999, loss = 0.00000262
epoch 61: w = 2.000, loss = 0.00000010
epoch 71: w = 2.000, loss = 0.00000000
epoch 81: w = 2.000, loss = 0.00000000
epoch 91: w = 2.000, loss = 0.00000000
Prediction after training: f(5) = 10.000
"""

LAST_DECIMALS = re.compile(r"(?<=\.\d{5})\d{3}$")


@pytest.mark.parametrize("name", gdfast.backends())
@pytest.mark.parametrize("run", ["hand_written", "autograd"])
def test_the_transcript(name: str, run: str) -> None:
    lines = list(getattr(tutorial, run)(name))
    wanted = {"hand_written": HAND_WRITTEN, "autograd": AUTOGRAD}[run].splitlines()
    # Everything but the last three of the loss's eight decimals is the same to the last digit.
    assert [LAST_DECIMALS.sub("", line) for line in lines] == [LAST_DECIMALS.sub("", line) for line in wanted]
    # From the sixth on it may be off by two units: of float32 at the loss's size, or of the last decimal.
    for line, want in zip(lines[1:-1], wanted[1:-1], strict=True):
        loss = float(want.split()[-1])
        assert abs(float(line.split()[-1]) - loss) <= 2 * max(np.spacing(np.float32(loss)), 1.001e-8), line


def test_the_two_runs_differ_by_a_factor_of_the_number_of_samples() -> None:
    x, y = [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]
    by_hand = gdfast.fit(x, y, n_iters=20, learning_rate=0.01, reduction="sum")
    by_mean = gdfast.fit(x, y, n_iters=20, learning_rate=0.04, reduction="mean")
    assert by_hand.w == pytest.approx(by_mean.w, rel=1e-14)


def test_why_they_differ_is_one_line() -> None:
    assert "\n" not in tutorial.WHY_THEY_DIFFER
    assert "sum" in tutorial.WHY_THEY_DIFFER
    assert "mean" in tutorial.WHY_THEY_DIFFER


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="'native', 'numpy', 'torch'"):
        list(tutorial.hand_written("jax"))
