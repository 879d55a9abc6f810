"""Fits that are ended at random moments (see `early_ends`): none hangs, and each gives control back at once."""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import RunPython

SOON = 0.2  # seconds


def end_early(run_python: RunPython, seed: int, count: int, threads: int) -> None:
    code = f"import early_ends; early_ends.main({seed}, {count}, {threads})"
    seconds = json.loads(run_python(code, timeout=60 + count))
    taken = np.array([each for of_kind in seconds.values() for each in of_kind])
    assert len(taken) == count
    # A machine that does other things too may be late now and then, but not often, and never by much.
    assert np.mean(taken > SOON) <= 0.05, seconds
    assert taken.max() < 10 * SOON, seconds


@pytest.mark.parametrize("threads", [1, 2])
def test_early_ends(threads: int, run_python: RunPython) -> None:
    end_early(run_python, 0, 40, threads)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_early_ends(seed: int, threads: int, run_python: RunPython) -> None:
    end_early(run_python, seed, 170, threads)
