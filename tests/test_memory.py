"""Extra memory is bounded by a constant, whatever the layout: the peak is read from the kernel's own count."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import RunPython

MIB = 2**20
LIMIT = 4 * MIB

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")

# The array is filled in place, so that no temporary raises the peak before the measurement begins. A small problem of
# the same layout first: it starts the pool and touches the code.
MEASURE = """
import sys
from pathlib import Path
import numpy as np
import gdfast

layout, what, n, d, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
gdfast.set_num_threads(threads)

def status(key):
    line = next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith(key))
    return int(line.split()[1]) * 1024

def reset_peak():
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # refused in some sandboxes: then the peak so far must be what is in use now, which is checked below

def make(n, d, dtype=np.float32):
    def full(*shape):
        a = np.empty(shape, dtype)
        a.fill(0.5)
        return a
    if layout == "c": return full(n, d)
    if layout == "f": return full(d, n).T
    if layout == "float64": return np.full((n // 2, d), 0.5)
    if layout == "row_slice": return full(n, d)[::2]
    if layout == "column_slice": return full(n, d)[:, 1:]
    if layout == "column_step": return full(n, d)[:, ::2]
    if layout == "f_row_slice": return full(d, n).T[1:-1]
    if layout == "f_row_step": return full(d, n).T[::2]
    if layout == "reversed": return full(n, d)[::-1, ::-1]
    if layout == "f_reversed": return full(d, n).T[::-1, ::-1]
    if layout == "stride_0_rows": return np.broadcast_to(full(1, d), (n, d))
    if layout == "stride_0_columns": return np.broadcast_to(full(n, 1), (n, d))
    if layout == "stride_0_both": return np.broadcast_to(full(1, 1), (n, d))
    if layout == "one_dimensional": return full(n * d)
    if layout == "one_dimensional_step": return full(n * d)[::2]
    def odd(*shape):
        store = np.empty(n * d * 4 + 1, np.uint8)
        store.fill(0)
        return store[1:].view(dtype).reshape(shape)
    if layout == "misaligned": return odd(n, d)
    if layout == "f_misaligned": return odd(d, n).T
    raise SystemExit("unknown layout")

def run(x):
    rows = len(x)
    y = np.zeros(rows, x.dtype)
    s = np.ones(rows, x.dtype)
    w = 0.0 if x.ndim == 1 else np.zeros(x.shape[1], x.dtype)
    y.fill(1), s.fill(1)
    results = rows * x.itemsize if what == "forward" else 0
    reset_peak()
    before = status("VmRSS")
    assert status("VmHWM") - before <= 2**19, "the peak could not be reset"
    if what == "loss_and_gradient":
        gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=s)
    elif what == "fit":
        gdfast.fit(x, y, fit_intercept=True, learning_rate=1e-9, n_iters=2)
    elif what == "forward":
        gdfast.forward(x, w, 0.5)
    elif what == "gradient":
        gdfast.gradient(x, y, s)
    return status("VmHWM") - before - results

run(make(300, d))
print(run(make(n, d)))
"""

LAYOUTS = [
    *("c", "f", "float64", "row_slice", "column_slice", "column_step", "f_row_slice", "f_row_step"),
    *("reversed", "f_reversed", "stride_0_rows", "stride_0_columns", "stride_0_both"),
    *("one_dimensional", "one_dimensional_step", "misaligned", "f_misaligned"),
]


def extra_bytes(run_python: RunPython, layout: str, what: str, n: int, d: int, threads: int = 2) -> int:
    return int(run_python(MEASURE, layout, what, n, d, threads))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_64_mb(run_python: RunPython, layout: str) -> None:
    assert extra_bytes(run_python, layout, "loss_and_gradient", 1_000_000, 16) <= LIMIT


@pytest.mark.parametrize("layout", ["c", "f", "column_step", "misaligned"])
@pytest.mark.parametrize("what", ["forward", "gradient", "fit"])
def test_the_other_functions(run_python: RunPython, layout: str, what: str) -> None:
    assert extra_bytes(run_python, layout, what, 1_000_000, 16) <= LIMIT


@pytest.mark.parametrize("layout", ["c", "f", "column_step", "f_row_step"])
@pytest.mark.parametrize(("threads", "d"), [(7, 20_000), (16, 1_000), (16, 64)])
def test_many_threads_and_wide_rows(run_python: RunPython, layout: str, threads: int, d: int) -> None:
    """Beyond the constant, a thread may have a few rows of its own."""
    extra = extra_bytes(run_python, layout, "loss_and_gradient", 16_000_000 // d, d, threads)
    assert extra <= LIMIT + 8 * 8 * threads * d


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "d"),
    [
        (layout, d)
        for layout in LAYOUTS
        for d in (1, 7, 16, 100, 4096)
        if d > 1 or layout not in ("column_slice", "column_step")  # nothing is left of one column
    ],
)
def test_every_layout_of_400_mb(run_python: RunPython, layout: str, d: int) -> None:
    assert extra_bytes(run_python, layout, "loss_and_gradient", 100_000_000 // d, d) <= LIMIT


@pytest.mark.slow
def test_no_address_space_is_kept_in_proportion_to_n(run_python: RunPython) -> None:
    """Not even memory that is reserved and never touched, which a limit on address space would count."""
    code = """
from pathlib import Path
import numpy as np
import gdfast

def size():
    line = next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmSize"))
    return int(line.split()[1]) * 1024

def grown(n):
    x, y = np.full(n, 0.5, np.float32), np.full(n, 1, np.float32)
    before = size()
    gdfast.loss_and_gradient(x, y, 1.0)
    return size() - before

gdfast.set_num_threads(1)  # a further thread brings a stack and an arena of malloc
print(grown(100_000_000))
"""
    assert int(run_python(code)) <= LIMIT


def test_many_calls_leave_nothing_behind(run_python: RunPython) -> None:
    code = """
import resource
import numpy as np
import gdfast

problems = [(np.ones((n, d), t, order), np.ones(n, t), np.ones(d, t))
            for n, d in [(4, 1), (40, 20), (3000, 17)] for t in ("f4", "f8") for order in "CF"]
out = {len(w): np.empty(len(w), w.dtype) for _, _, w in problems}

def calls(repetitions):
    for _ in range(repetitions):
        for x, y, w in problems:
            gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=y)
            gdfast.gradient(x, y, gdfast.forward(x, w))
            try:
                gdfast.loss_and_gradient(x, y[1:], w)
            except ValueError:
                pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(-calls(50) + calls(500))
"""
    assert int(run_python(code)) <= 512, "KiB more after ten times the calls"
