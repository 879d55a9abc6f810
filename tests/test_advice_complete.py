"""No piece of advice is left out by the tests that follow advice: each string of the source that gives some was in a
message that one of them followed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import advice
from advice_sources import sources

for package in ("pandas", "polars", "pyarrow", "torch", "scipy", "sklearn", "typer", "distributed"):
    pytest.importorskip(package)

FOLLOWING = (
    "test_advice.py",
    "test_advice_tables.py",
    "test_advice_names.py",
    "test_advice_calls.py",
    "test_advice_reports.py",
    "test_advice_dask.py",
    "test_cli_advice.py",
    "test_cli_advice_options.py",
    "test_magnitudes.py",
    "test_offsets.py::test_streamed_float32_that_is_too_coarse_is_no_fit",
    "test_path_hard.py::test_a_path_that_stops_short_says_so_and_what_to_write",
    "test_path_hard.py::test_what_moments_hide_has_a_gap_at_a_penalty_of_0",
)

# Parts of what is said, and why no test can do as they say.
NOT_HERE = {
    "pip install": "tests run where everything is installed, and install nothing (test_import.py has what is said)",
    "install a later gdfast": "there is none yet",
    "Files to write": "a heading of the help",
    "{}.get()": "arrays of CuPy need its devices",
    "{}.cpu()": "a device is needed, and torch's 'meta' has no numbers to copy",
    "jax.device_get": "likewise",
    "in the memory of the CPU": "likewise",
    "reports: ask for one at a time": "each of them takes minutes (test_bench.py runs them, one at a time)",
    "as a dense tensor of float32 or float64 on the CPU": "for tensors of kinds that torch has yet to invent",
    "an array or a list of numbers": "for what nobody knows how to read",
}


def test_every_advice_is_followed_by_a_test(tmp_path: Path) -> None:
    log = tmp_path / "followed"
    files = [str(Path(__file__).with_name(name)) for name in FOLLOWING]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *files]
    # In one process, whatever the options that this run was started with: they may ask for several.
    env = os.environ | {advice.LOG: str(log), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    messages = "\0".join({json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()})
    given = list(sources())
    left = [source for source in given if not source.pattern().search(messages)]
    assert [source for source in left if not any(part in source.text for part in NOT_HERE)] == []
    assert [part for part in NOT_HERE if not any(part in source.text for source in given)] == []
