"""Fits that are ended at random moments (see `early_ends`): none hangs, and each gives control back at once."""

from __future__ import annotations

import json

import pytest

from conftest import RunPython
from early_ends import SOON


def end_early(run_python: RunPython, seed: int, count: int, threads: int) -> None:
    """Each gives control back within 200 ms, but for the time in which the machine had no CPU for it.

    That is what the kernel counts: how long threads of the process were ready to run and didn't, other processes having
    theirs. Nothing is let off where it was idle, or where no kernel tells. One that was late all the same, for whatever
    reason, isn't when it is done once more, all choices alike.
    """
    code = f"import early_ends; early_ends.main({seed}, {count}, {threads})"
    first, again = json.loads(run_python(code, timeout=60 + count))
    assert len(first) == count
    assert [one for one in first if one["seconds"] - (one["waited"] or 0.0) > SOON] == []
    assert [one for one in first if one["seconds"] > 10 * SOON] == []
    assert [one for one in again if one["seconds"] - (one["waited"] or 0.0) > SOON] == []


@pytest.mark.parametrize("threads", [1, 2])
def test_early_ends(threads: int, run_python: RunPython) -> None:
    end_early(run_python, 0, 40, threads)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_early_ends(seed: int, threads: int, run_python: RunPython) -> None:
    end_early(run_python, seed, 170, threads)
