"""fork() with work before and after it, in parent, child and grandchild: no hang, right results, threads everywhere."""

from __future__ import annotations

import os

import pytest

from conftest import RunPython

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

# Runs in a process of its own, so that a hang is a timeout and nothing of pytest is forked.
FORKS = """
import os, sys, warnings
import numpy as np
import gdfast, oracle

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads: that's the point here
repetitions, generations = map(int, sys.argv[1:])
gdfast.set_num_threads(3)
problem = oracle.normal(100_003, 3, np.float32)
want = gdfast.loss_and_gradient(*problem, 0.5)

def work():
    if not oracle.same_bits(gdfast.loss_and_gradient(*problem, 0.5), want):
        os._exit(1)

def threads():
    return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 2

def generation(left):
    if left == 0:
        return
    child = os.fork()
    if child == 0:
        try:
            work()
            if threads() < 2:
                os._exit(4)
            generation(left - 1)
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 2)
    work()
    _, status = os.waitpid(child, 0)
    if status:
        os._exit(3)

for i in range(repetitions):
    generation(generations)
    if i % 10 == 0:
        gdfast.set_num_threads(2 + i % 3)
work()
print("done")
"""


def test_parent_child_and_grandchild_work(run_python: RunPython) -> None:
    assert run_python(FORKS, 50, 2, timeout=60) == "done\n"


def test_five_generations(run_python: RunPython) -> None:
    assert run_python(FORKS, 3, 5, timeout=60) == "done\n"


@pytest.mark.slow
def test_a_thousand_forks(run_python: RunPython) -> None:
    assert run_python(FORKS, 1000, 2, timeout=300) == "done\n"


def test_fork_while_another_thread_is_in_a_call(run_python: RunPython) -> None:
    """The child gets a pool of its own even where fork caught the parent's at work."""
    code = """
import os, threading, warnings
import numpy as np
import gdfast, oracle

warnings.simplefilter("ignore", DeprecationWarning)
gdfast.set_num_threads(3)
problem = oracle.normal(200_003, 3, np.float32)
want = gdfast.loss_and_gradient(*problem)
stop = threading.Event()

def busy():
    while not stop.is_set():
        gdfast.loss_and_gradient(*problem)

worker = threading.Thread(target=busy)
worker.start()
for _ in range(30):
    child = os.fork()
    if child == 0:
        os._exit(0 if oracle.same_bits(gdfast.loss_and_gradient(*problem), want) else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
worker.join()
print("done")
"""
    assert run_python(code, timeout=60) == "done\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run_python: RunPython, method: str) -> None:
    code = """
import multiprocessing, sys, warnings
import numpy as np
import gdfast, oracle

warnings.simplefilter("ignore", DeprecationWarning)
gdfast.set_num_threads(2)
problem = oracle.normal(50_003, 5, np.float32)
want = gdfast.loss_and_gradient(*problem)
with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
    got = pool.starmap(gdfast.loss_and_gradient, [problem] * 6)
assert all(oracle.same_bits(g, want) for g in got)
print("done")
"""
    assert run_python(code, method, timeout=120) == "done\n"


def test_exit_is_clean_with_threads_asleep_or_at_work(run_python: RunPython) -> None:
    """The interpreter ends while the pool sleeps, and while a daemon thread is inside a call."""
    code = """
import threading
import numpy as np
import gdfast

gdfast.set_num_threads(4)
x = np.broadcast_to(np.ones(100, np.float32), (1_000_000, 100))
args = x, np.ones(len(x), np.float32), np.ones(100, np.float32)
gdfast.loss_and_gradient(*args)
threading.Thread(target=lambda: [gdfast.loss_and_gradient(*args) for _ in range(100)], daemon=True).start()
print("done")
"""
    for _ in range(3):
        assert run_python(code, timeout=60) == "done\n"
