"""Whole fits have the same bits for any number of threads and every instruction set.

As in test_isa.py, each instruction set gets one process, this file run as a script, that reports digests.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

ISAS: list[str] = gdfast.config()["isas_supported"]
THREADS = [1, 2, 3, 7, 16]
SHAPES = [(7, 1), (50, 3), (300, 16), (300, 64), (1_000, 256), (20_001, 5), (3_001, 33), (40, 60)]
FITS: list[dict[str, Any]] = [
    {"optimizer": "gd"},
    {"optimizer": "momentum", "standardize": True},
    {"optimizer": "nesterov", "learning_rate": "auto"},
    {"optimizer": "nesterov", "learning_rate": "auto", "l1": 0.01},
    {"optimizer": "adam", "batch_size": 5, "rng": 0},
    {"optimizer": "cg"},
    {"optimizer": "cg", "plan": "stream", "standardize": True},
    {"optimizer": "exact"},
    {"optimizer": "exact", "l1": 0.01, "l2": 0.1},
]


def bits(fit: gdfast.Fit) -> bytes:
    intercept = np.array([] if fit.b is None else [fit.b])
    numbers = [np.atleast_1d(fit.w), intercept, fit.losses, np.array([fit.loss, fit.learning_rate])]
    return fit.report.plan.encode() + b"".join(np.ascontiguousarray(array).tobytes() for array in numbers)


def work() -> dict[str, str]:
    """Digests of all fits, by shape, dtype, options and number of threads."""
    found = {}
    for dtype in ("float32", "float64"):
        for n, d in SHAPES:
            x, y, _ = oracle.normal(n, d, dtype)
            for options in FITS:
                for k in THREADS:
                    gdfast.set_num_threads(k)
                    fit = gdfast.fit(x, y, fit_intercept=True, n_iters=8, **{"learning_rate": 1e-3} | options)
                    key = f"{dtype} {n} x {d} {options} {k} threads"
                    found[key] = hashlib.sha256(bits(fit)).hexdigest()[:16]
    return found


@functools.cache
def report(isa: str) -> dict[str, str]:
    env = os.environ | {"GDFAST_ISA": isa}
    done = subprocess.run([sys.executable, __file__], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, str] = json.loads(done.stdout)
    return parsed


@pytest.mark.parametrize("isa", ISAS)
def test_every_number_of_threads(isa: str) -> None:
    digests = report(isa)
    assert len(digests) == 2 * len(SHAPES) * len(FITS) * len(THREADS)
    for key, digest in digests.items():
        if key.endswith(" 1 threads"):
            stem = key.removesuffix(" 1 threads")
            assert {digests[f"{stem} {k} threads"] for k in THREADS} == {digest}, stem


@pytest.mark.parametrize("isa", ISAS)
def test_every_isa(isa: str) -> None:
    want, got = report(ISAS[0]), report(isa)
    assert [key for key in want if got[key] != want[key]] == []


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # few of them arrive in eight passes
    json.dump(work(), sys.stdout)
