"""The thread pool: how many, who decides, and that it never shows in a result."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from conftest import RunPython

THREADS = [1, 2, 3, 7, 16]
# Large enough that no threshold keeps them on the calling thread.
SHARED = [(2_000_003, None), (700_001, 3), (60_011, 33), (3_001, 1_000)]


COUNT = "import gdfast; print(gdfast.get_num_threads())"


@pytest.mark.parametrize(("n", "d"), SHARED)
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_every_count_gives_the_same_bits(dtype: Any, n: int, d: int | None, order: str) -> None:
    x, y, w = oracle.normal(n, d, dtype)
    if order == "F":
        x = np.asarray(x, order="F")
    elif order == "strided":
        x = x[::2] if d is None else x[::2, ::2]
        y, w = y[::2], w if d is None else w[::2]
    s = np.abs(y)
    results = []
    for k in THREADS:
        gdfast.set_num_threads(k)
        assert gdfast.get_num_threads() == k
        y_pred = gdfast.forward(x, w, 0.5)
        results.append(
            (
                gdfast.loss_and_gradient(x, y, w),
                gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=s, reduction="sum"),
                (y_pred, gdfast.loss(y, y_pred), gdfast.gradient(x, y, y_pred)),
            )
        )
    for k, result in zip(THREADS[1:], results[1:], strict=True):
        assert oracle.same_bits(result, results[0]), f"{k} threads"


def test_every_count_trains_alike(dtype: Any) -> None:
    x, y, _ = oracle.normal(300_007, 4, dtype)
    fits = []
    for k in THREADS:
        gdfast.set_num_threads(k)
        fit = gdfast.fit(x, y, fit_intercept=True, learning_rate=0.1, n_iters=5)
        fits.append((fit.w, fit.b, fit.losses))
    assert all(oracle.same_bits(fit, fits[0]) for fit in fits[1:])


@pytest.mark.parametrize("k", [0, -1, 2**31, 2**70])
def test_counts_that_are_refused(k: int) -> None:
    before = gdfast.get_num_threads()
    with pytest.raises((ValueError, OverflowError), match=r"thread|\bk\b"):
        gdfast.set_num_threads(k)
    assert gdfast.get_num_threads() == before


@pytest.mark.parametrize("k", [1.5, "2", None, [2]])
def test_counts_of_the_wrong_type(k: Any) -> None:
    before = gdfast.get_num_threads()
    with pytest.raises(TypeError):
        gdfast.set_num_threads(k)
    assert gdfast.get_num_threads() == before


def test_any_integer_is_a_count() -> None:
    gdfast.set_num_threads(np.int64(3))  # type: ignore[arg-type]
    assert gdfast.get_num_threads() == 3


def test_the_count_is_in_the_config() -> None:
    gdfast.set_num_threads(5)
    assert gdfast.config()["threads"] == 5


@pytest.mark.parametrize(
    ("env", "count"),
    [
        ({"GDFAST_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"GDFAST_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"GDFAST_NUM_THREADS": "", "OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
    ],
)
def test_the_environment_decides(run_python: RunPython, env: dict[str, str], count: int) -> None:
    assert run_python(COUNT, env=env) == f"{count}\n"


@pytest.mark.parametrize("value", ["0", "-2", "many", "1.5", "99999999999999999999"])
def test_a_bad_gdfast_num_threads_is_named(run_python: RunPython, value: str) -> None:
    """Our own variable is never silently ignored."""
    output = run_python(COUNT, env={"GDFAST_NUM_THREADS": value}, check=False)
    assert "ImportError" in output
    assert "GDFAST_NUM_THREADS" in output
    assert value in output


@pytest.mark.parametrize("value", ["0", "many", ""])
def test_a_bad_omp_num_threads_is_not_ours_to_judge(run_python: RunPython, value: str) -> None:
    assert int(run_python(COUNT, env={"OMP_NUM_THREADS": value})) >= 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_decides(run_python: RunPython) -> None:
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); " + COUNT
    assert run_python(code) == "1\n"
    assert int(run_python(COUNT)) <= len(os.sched_getaffinity(0))


def test_threadpoolctl_sees_and_limits_the_pool() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def ours() -> list[Any]:
        return [entry for entry in threadpoolctl.threadpool_info() if entry["user_api"] == "gdfast"]

    gdfast.set_num_threads(3)
    assert [entry["num_threads"] for entry in ours()] == [3]
    assert ours()[0]["version"] == gdfast.__version__
    with threadpoolctl.threadpool_limits(limits=1, user_api="gdfast"):
        assert gdfast.get_num_threads() == 1
    assert gdfast.get_num_threads() == 3
    with threadpoolctl.threadpool_limits(limits=2):
        assert gdfast.get_num_threads() == 2
    assert gdfast.get_num_threads() == 3


def test_threadpoolctl_that_is_imported_first(run_python: RunPython) -> None:
    pytest.importorskip("threadpoolctl")
    code = "import {}, {}\nprint([e['user_api'] for e in threadpoolctl.threadpool_info()].count('gdfast'))"
    assert run_python(code.format("threadpoolctl", "gdfast")) == "1\n"
    assert run_python(code.format("gdfast", "threadpoolctl")) == "1\n"


def test_many_python_threads_share_the_pool() -> None:
    gdfast.set_num_threads(2)
    problems = [oracle.normal(100_003, d, np.float32, seed) for seed, d in enumerate((None, 3, 16, 20, 1, 8))]
    want = [gdfast.loss_and_gradient(*p, 0.5) for p in problems]

    def solve(problem: oracle.Problem) -> Any:
        return gdfast.loss_and_gradient(*problem, 0.5)

    with ThreadPoolExecutor(8) as executor:
        for _ in range(5):
            got = executor.map(solve, problems * 3)
            assert all(oracle.same_bits(g, w) for g, w in zip(got, want * 3, strict=True))


def test_the_count_may_change_while_others_work() -> None:
    problem = oracle.normal(100_003, 8, np.float32)
    want = gdfast.loss_and_gradient(*problem)
    with ThreadPoolExecutor(4) as executor:
        futures = [executor.submit(lambda: gdfast.loss_and_gradient(*problem)) for _ in range(60)]
        for k in [2, 1, 7, 3, 1, 16, 2] * 4:
            gdfast.set_num_threads(k)
        assert all(oracle.same_bits(f.result(timeout=60), want) for f in futures)


@pytest.mark.parametrize("function", ["loss_and_gradient", "loss"])
def test_other_threads_run_during_a_call(function: str) -> None:
    """The GIL is free while the kernels work: a second Python thread counts on."""
    gdfast.set_num_threads(1)
    x = np.broadcast_to(np.ones(1000, np.float32), (200_000, 1000))
    long = np.broadcast_to(np.float32(1), x.size)
    ticks, done = 0, threading.Event()

    def call() -> None:
        if function == "loss":
            gdfast.loss(long, long)
        else:
            gdfast.loss_and_gradient(x, np.ones(len(x), np.float32), np.ones(1000, np.float32))
        done.set()

    worker = threading.Thread(target=call)
    worker.start()
    start = time.perf_counter()
    while not done.is_set():
        time.sleep(0.0005)
        ticks += 1
    elapsed = time.perf_counter() - start
    worker.join()
    assert ticks >= 3, f"{ticks} turns in {elapsed:.3f} s"
