"""The caller's floating-point environment counts, on every thread of the pool, and is left as it was."""

from __future__ import annotations

import platform

import pytest

from conftest import RunPython

MODES = {  # of fesetround(): nearest, downward, upward, toward zero
    "x86_64": [0x000, 0x400, 0x800, 0xC00],
    "aarch64": [0x000000, 0x800000, 0x400000, 0xC00000],
}.get(platform.machine(), [])

# In a Python of its own, as a rounding mode is the process's affair. Its first problem wakes the pool's threads.
START = """
import ctypes, sys
import numpy as np
import gdfast, oracle

libm = ctypes.CDLL(None)
problems = [oracle.normal(n, d, dtype) for dtype in (np.float32, np.float64) for n, d in [(300_007, 3), (3_001, 400)]]
tiny = np.full((300_007, 3), 1e-310), np.full(300_007, 3e-310), np.ones(3)

def results(problem, threads):
    x, y, w = problem
    gdfast.set_num_threads(threads)
    moments = gdfast.Moments(x.shape[1]).update(x, y)
    fit = gdfast.fit(x, y, n_iters=3, learning_rate=1e-3, fit_intercept=True, plan="stream")
    return gdfast.loss_and_gradient(x, y, w, 0.25), gdfast.forward(x, w), moments.gram, (fit.w, fit.b, fit.losses)

def same_for_any_threads(problem):
    alone = results(problem, 1)
    for _ in range(5):
        for threads in (2, 3, 4, 7):
            assert oracle.same_bits(results(problem, threads), alone), threads
    return alone

as_usual = [same_for_any_threads(problem) for problem in problems]
"""

ROUNDING = """
nearest, *others = map(int, sys.argv[1:])
for mode in others:
    assert libm.fesetround(mode) == 0
    rounded = [same_for_any_threads(problem) for problem in problems]
    assert libm.fegetround() == mode
    assert libm.fesetround(nearest) == 0
    assert not any(map(oracle.same_bits, rounded, as_usual))
# Nothing of it is left on the pool's threads.
assert all(map(oracle.same_bits, map(same_for_any_threads, problems), as_usual))
print("done")
"""

# MXCSR lies behind the 28 bytes of the x87's environment; bit 15 flushes subnormal results to 0, bit 6 takes subnormal
# operands for 0.
SUBNORMALS = """
control = (ctypes.c_uint32 * 8)()

def flush(on):
    libm.fegetenv(control)
    control[7] = control[7] | 0x8040 if on else control[7] & ~0x8040
    libm.fesetenv(control)

kept = same_for_any_threads(tiny)
flush(True)
flushed = same_for_any_threads(tiny)
flush(False)
assert np.all(kept[1] > 0) and np.all(flushed[1] == 0)
assert oracle.same_bits(same_for_any_threads(tiny), kept)
print("done")
"""


@pytest.mark.skipif(not MODES, reason="the numbers of this machine's rounding modes aren't known here")
def test_a_rounding_mode_rounds_alike_on_every_thread(run_python: RunPython) -> None:
    assert run_python(START + ROUNDING, *MODES) == "done\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="MXCSR is a register of x86")
def test_subnormals_are_flushed_alike_on_every_thread(run_python: RunPython) -> None:
    assert run_python(START + SUBNORMALS) == "done\n"
