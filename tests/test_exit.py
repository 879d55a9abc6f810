"""The interpreter ends while daemon threads train: without a hang or an abort, whatever they are at."""

from __future__ import annotations

import pytest

from conftest import RunPython

START = """
import sys, threading, time
import numpy as np
import gdfast

gdfast.set_num_threads(3)
x = np.random.default_rng(0).standard_normal((200_000, 4)).astype("f4")
y = x.sum(axis=1)
generator = np.random.default_rng(0)

def fit(**options):
    gdfast.fit(x, y, n_iters=10**8, learning_rate=1e-3, **options)

class Slow:
    def __bool__(self):
        time.sleep(0.001)
        return False
    def __del__(self):
        time.sleep(0.001)

class SlowStream:
    def isatty(self):
        return True
    def write(self, text):
        time.sleep(0.001)
    def flush(self):
        time.sleep(0.001)

def often(call):
    while True:
        call()
"""

AT_WORK = {
    "no callback": "fit()",
    "a callback that sleeps": "fit(callback=lambda step: time.sleep(0.001))",
    "a callback that computes": "fit(callback=lambda step: sum(range(10_000)) < 0)",
    "an answer that takes its time": "fit(callback=lambda step: Slow())",
    "a callback that trains": "fit(callback=lambda step: gdfast.fit(x, y, n_iters=2, batch_size=90_000) is None)",
    "long orders": "fit(batch_size=50_000, rng=0)",
    "long orders, a callback": "fit(batch_size=50_000, rng=0, callback=lambda step: time.sleep(0.001))",
    "a generator for all": "fit(batch_size=50_000, rng=generator)",
    "a generator for all, short orders": "gdfast.fit(x[:900], y[:900], n_iters=10**8, batch_size=300, rng=generator)",
    "a slow progress bar": "fit(progress=True, batch_size=150_000)",
    "the numpy backend": "fit(backend='numpy', callback=lambda step: time.sleep(0.001))",
    "moments": "often(lambda: gdfast.Moments(4).update(x, y))",
    "short fits": "often(lambda: gdfast.fit(x, y, n_iters=1, batch_size=150_000, rng=0))",
    "lists": "often(lambda: gdfast.loss_and_gradient([1.0] * 1_000, [2.0] * 1_000, 0.5))",
}

END = """
if sys.argv[1] == "a slow progress bar":
    from gdfast import progress
    progress.FIRST_AFTER = progress.TERMINAL_EVERY = 0.0
    sys.stderr = SlowStream()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(float(sys.argv[2]))
"""


def ends(run_python: RunPython, name: str, times: int) -> None:
    for k in range(times):
        code = f"{START}\ndef work():\n    {AT_WORK[name]}\n{END}"
        assert run_python(code, name, 0.15 + 0.003 * (k % 20), timeout=60) == ""


@pytest.mark.parametrize("name", AT_WORK)
def test_daemon_threads_at_work_when_python_ends(name: str, run_python: RunPython) -> None:
    ends(run_python, name, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", AT_WORK)
def test_daemon_threads_at_work_when_python_ends_again_and_again(name: str, run_python: RunPython) -> None:
    ends(run_python, name, 20)


def test_a_finalizer_may_train_while_python_ends(run_python: RunPython) -> None:
    """Threads other than the main one come to nothing by then, so none may be waited for that needs the GIL."""
    code = """
import os
import numpy as np
import gdfast

gdfast.set_num_threads(3)
x, y = np.ones((300_000, 4), np.float32), np.ones(300_000, np.float32)
gdfast.fit(x[:9], y[:9], batch_size=3, rng=0)  # imports what it needs, while that can be had

class Last:
    def __init__(self, n):
        self.n = n
    def __del__(self, fit=gdfast.fit, x=x, y=y, write=os.write):
        write(1, b"%d " % fit(x[: self.n], y[: self.n], batch_size=self.n // 2, rng=0, n_iters=3).n_iters)

short, long = Last(1_000), Last(300_000)
"""
    assert run_python(code, timeout=60) == "3 3 "
