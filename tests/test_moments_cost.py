"""What moments cost: bytes read, working memory, and the time until Ctrl-C is heard."""

from __future__ import annotations

import os

import numpy as np
import pytest

import gdfast
from conftest import RunPython
from gdfast import _core


@pytest.mark.parametrize(("n", "d"), [(1_000_000, 1), (500_000, 4), (200_000, 16), (30_000, 100), (20_000, 300)])
def test_bytes_read_and_working_memory(n: int, d: int) -> None:
    x, y, s = np.ones((n, d), np.float32), np.ones(n, np.float32), np.ones(n)
    for threads in (1, 2):
        gdfast.set_num_threads(threads)
        for weights in (None, s):
            _, _, read, peak = _core.moments(x, y, weights)
            assert read == x.nbytes + y.nbytes + (0 if weights is None else s.nbytes)
            assert 0 < peak <= 4 * 2**20 + 8 * (d + 2) ** 2
            assert peak == _core.moments(x[: n // 2 * 2], y, weights)[3] if threads == 1 else True


MEMORY = """
import sys
from pathlib import Path
import numpy as np
import gdfast

d, order, weighted = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
gdfast.set_num_threads(2)

def status(key):
    line = next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith(key))
    return int(line.split()[1]) * 1024

def run(n):
    x, y = np.full((n, d), 0.5, np.float32, order), np.full(n, 1, np.float32)
    moments = gdfast.Moments(d)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass
    before = status("VmRSS")
    assert status("VmHWM") - before <= 2**19, "the peak could not be reset"
    moments.update(x, y, y if weighted else None)
    return status("VmHWM") - before

run(300)
print(run(16_000_000 // d))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="reads Linux's /proc")
@pytest.mark.parametrize("d", [1, 16, 100, 200, 1000])
@pytest.mark.parametrize(("order", "weighted"), [("C", False), ("F", True)])
def test_the_kernels_own_count_of_the_peak(run_python: RunPython, d: int, order: str, weighted: bool) -> None:
    """Beside the matrix, and what an update adds to it, no more than a constant."""
    assert int(run_python(MEMORY, d, order, weighted)) <= 4 * 2**20 + 3 * 8 * (d + 2) ** 2


CTRL_C = """
import signal, sys, threading, time
import numpy as np
import gdfast

n, d, threads = map(int, sys.argv[1:])
gdfast.set_num_threads(threads)
x = np.broadcast_to(np.ones((1, d), np.float32), (n, d))  # seconds of work without the memory
y = np.broadcast_to(np.float32(1), (n,))
moments = gdfast.Moments(d)
sent = []
def send():
    sent.append(time.perf_counter())
    signal.raise_signal(signal.SIGINT)
threading.Timer(0.3, send).start()
try:
    moments.update(x, y)
except KeyboardInterrupt:
    print(time.perf_counter() - sent[0])
assert moments.n == 0 and not moments.gram.any()
moments.update(np.ones((5, d)), np.ones(5))
assert moments.n == 5
"""


GROUPED = """
import signal, sys, threading, time
import numpy as np
import gdfast

d, threads = map(int, sys.argv[1:])
gdfast.set_num_threads(threads)
n = 30_000_000
x = np.broadcast_to(np.ones((1, d), np.float32), (n, d))  # seconds of work without the memory
y = np.broadcast_to(np.float32(1), (n,))
ids = np.arange(n) % 5
moments = gdfast.Moments(d, groups=5)
sent = []
def send():
    sent.append(time.perf_counter())
    signal.raise_signal(signal.SIGINT)
threading.Timer(0.3, send).start()
try:
    moments.update(x, y, group=ids)
except KeyboardInterrupt:
    print(time.perf_counter() - sent[0])
assert moments.n == moments[1].n == 0
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("d", [60, 126])
def test_ctrl_c_of_groups(run_python: RunPython, d: int, threads: int) -> None:
    assert float(run_python(GROUPED, d, threads)) < 0.4  # 0.2 promised, on a machine that does nothing else


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("n", "d"), [(10**11, 2), (10**10, 16), (10**9, 120), (10**9, 500), (10**8, 2000)])
def test_ctrl_c(run_python: RunPython, n: int, d: int, threads: int) -> None:
    assert float(run_python(CTRL_C, n, d, threads)) < 0.4  # 0.2 promised, on a machine that does nothing else
