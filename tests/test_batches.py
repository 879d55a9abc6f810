"""Mini-batches in C++: the rows that NumPy's permutation names, in every layout, without a copy of x."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from conftest import RunPython

# Beyond 100,000 rows and with more than one thread, an order is drawn while the one before is in use.
SIZES = [1, 2, 3, 63, 64, 65, 66, 127, 128, 129, 1_000, 4_097, 65_536, 65_537, 120_001]


@pytest.mark.parametrize("n", SIZES)
def test_the_last_row_is_numpys(n: int) -> None:
    """After a step of rate 1/2 on a sample of x = 1, w is that sample's y: of batches of one, that of the last."""
    x, y = np.ones(n), np.arange(n, dtype=np.float64)
    ours, theirs = np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(3):
        fit = gdfast.fit(x, y, batch_size=1, rng=ours, n_iters=1, learning_rate=0.5)
        assert round(fit.w) == theirs.permutation(n)[-1]


@pytest.mark.parametrize("threads_used", [1, 2])
@pytest.mark.parametrize("n", SIZES)
def test_every_row_is_numpys(n: int, threads_used: int) -> None:
    """Each batch's update depends on all before it, so w agrees only if the whole order does; and so does the rng."""
    gdfast.set_num_threads(threads_used)
    x, y, _ = oracle.normal(n, 3, np.float64)
    ours, theirs = np.random.default_rng(n), np.random.default_rng(n)
    size = max(1, n // 7)
    fit = gdfast.fit(x, y, batch_size=size, rng=ours, n_iters=3, learning_rate=0.05)
    want = gdfast.fit(x, y, batch_size=size, rng=theirs, n_iters=3, learning_rate=0.05, backend="numpy")
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(fit.losses, want.losses, rtol=1e-11)
    assert ours.bit_generator.state == theirs.bit_generator.state


@pytest.mark.parametrize(
    "bits", [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_any_bit_generator(bits: Any) -> None:
    x, y, _ = oracle.normal(1_000, 3, np.float64)
    options: Any = {"batch_size": 10, "n_iters": 2, "learning_rate": 0.01}
    fit = gdfast.fit(x, y, rng=np.random.Generator(bits(5)), **options)
    want = gdfast.fit(x, y, rng=np.random.Generator(bits(5)), backend="numpy", **options)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("d", [1, 3, 5, 16, 33])
def test_every_layout(layout: oracle.Layout, dtype: np.dtype[Any], d: int, shuffle: bool, weighted: bool) -> None:
    values, y, _ = oracle.normal(101, d, dtype)
    s = np.linspace(0, 1, 101).astype(dtype) if weighted else None
    options: Any = {"batch_size": 17, "n_iters": 3, "learning_rate": 0.01, "shuffle": shuffle, "rng": 3}
    x = layout(values)
    fit = gdfast.fit(x, y, sample_weight=s, fit_intercept=True, **options)
    want = gdfast.fit(np.array(x), y, sample_weight=s, fit_intercept=True, backend="numpy", **options)
    slack = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(fit.w, want.w, rtol=slack, atol=slack)
    np.testing.assert_allclose(fit.losses, want.losses, rtol=slack)


def test_a_callback_may_draw_from_the_same_generator() -> None:
    x, y, _ = oracle.normal(150_000, 2, np.float64)
    drawn: dict[str, list[float]] = {"native": [], "numpy": []}
    for name, numbers in drawn.items():
        rng = np.random.default_rng(0)

        def draw(step: gdfast.Step, rng: np.random.Generator = rng, numbers: list[float] = numbers) -> None:
            numbers.append(rng.random())

        gdfast.fit(x, y, batch_size=50_000, rng=rng, n_iters=3, backend=name, callback=draw)
    assert drawn["native"] == drawn["numpy"]


def test_early_ends_leave_the_generator_where_the_passes_brought_it() -> None:
    x, y, _ = oracle.normal(120_000, 2, np.float64)
    ours, theirs = np.random.default_rng(0), np.random.default_rng(0)
    fit = gdfast.fit(x, y, batch_size=40_000, rng=ours, n_iters=50, tol=0.5)
    assert fit.stop_reason == "tol"
    for _ in range(fit.n_iters):
        theirs.permutation(120_000)
    assert ours.bit_generator.state == theirs.bit_generator.state


SAME_BITS = """
import hashlib
import numpy as np
import gdfast, oracle

digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    for n, d, size in ((1_001, 1, 100), (1_001, 3, 64), (1_001, 17, 256), (513, 40, 513), (40_001, 8, 40_000)):
        for order in "CF":
            values, y, _ = oracle.normal(n, d, dtype)
            x = np.asarray(values, order=order)
            for threads in (1, 2, 3):
                gdfast.set_num_threads(threads)
                fit = gdfast.fit(x, y, batch_size=size, rng=1, n_iters=2, optimizer="adam", fit_intercept=True)
                digest.update(np.asarray(fit.w).tobytes() + np.float64(fit.b).tobytes() + fit.losses.tobytes())
                if threads == 1:
                    first = fit
                assert np.asarray(fit.w).tobytes() == np.asarray(first.w).tobytes(), (dtype, n, d, order, threads)
print(digest.hexdigest())
"""


def test_same_bits_on_every_isa_and_any_threads(run_python: RunPython) -> None:
    isas = gdfast.config()["isas_supported"]
    digests = {isa: run_python(SAME_BITS, env={"GDFAST_ISA": isa}) for isa in isas}
    assert len(set(digests.values())) == 1, digests


def test_memory_is_the_order_and_a_batch() -> None:
    x, y, _ = oracle.normal(200_000, 40, np.float32)
    fit = gdfast.fit(x, y, batch_size=256, rng=0, n_iters=2)
    assert fit.report.peak_bytes < 2 * 8 * 200_000 + 2**20
    assert gdfast.fit(x, y, batch_size=100_000, shuffle=False, n_iters=2).report.peak_bytes < 2**20


def test_bytes_are_counted() -> None:
    x, y, _ = oracle.normal(1_000, 4, np.float32)
    one_read = 1_000 * 5 * 4
    for options in ({"batch_size": 64}, {"batch_size": 64, "shuffle": False}, {"plan": "stream"}):
        report = gdfast.fit(x, y, n_iters=3, **options).report
        assert report.bytes_read == 4 * one_read  # the last one is for the loss that training ended with
        assert report.passes == 4


INTERRUPTED = """
import json, os, signal, threading, time
import numpy as np
import gdfast

n = 30_000_000  # drawing an order takes about a second
x, y = np.broadcast_to(np.float32(1), (n,)), np.broadcast_to(np.float32(1), (n,))
sent = []

def send():
    time.sleep(0.5)
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=send).start()
rng = np.random.default_rng(0)
try:
    gdfast.fit(x, y, batch_size=1_000, rng=rng, n_iters=1_000)
except KeyboardInterrupt as error:
    seconds, reason = time.monotonic() - sent[0], error.fit.stop_reason
rng.random()  # its lock is free
print(json.dumps([seconds, reason, gdfast.fit(x[:100], y[:100], batch_size=10, rng=rng).stop_reason]))
"""


def test_ctrl_c_while_an_order_is_drawn(run_python: RunPython) -> None:
    for _ in range(10):  # a machine that is busy may be late, but not always
        seconds, *reasons = json.loads(run_python(INTERRUPTED))
        assert reasons == ["interrupted", "n_iters"]
        if seconds < 0.2:
            return
    pytest.fail(f"control came back {seconds} s after Ctrl-C")


# --- the generator's lock ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [900, 150_000])
@pytest.mark.parametrize("threads_used", [1, 2])
def test_fits_share_a_generator_and_one_of_them_fails(n: int, threads_used: int) -> None:
    """None waits for another with the GIL, and the lock is free in the end."""
    gdfast.set_num_threads(threads_used)
    x, y, _ = oracle.normal(n, 2, np.float64)
    bad = y.copy()
    bad[n // 3] = np.nan
    rng = np.random.default_rng(0)

    def train(y: Any) -> str:
        try:
            return gdfast.fit(x, y, batch_size=n // 2, rng=rng, n_iters=20).stop_reason
        except gdfast.DivergenceError as error:
            return error.fit.stop_reason

    with ThreadPoolExecutor(4) as executor:
        for _ in range(5):
            reasons = list(executor.map(train, [y, bad, y, bad], timeout=30))
            assert reasons == ["n_iters", "diverged", "n_iters", "diverged"]
    assert rng.bit_generator.lock.acquire(timeout=1)
    rng.bit_generator.lock.release()


LOCK = """
import signal, sys, threading, time
import numpy as np
import gdfast

n, threads = map(int, sys.argv[1:])
gdfast.set_num_threads(threads)
x, y = np.ones((n, 2)), np.ones(n)
rng = np.random.default_rng(0)
"""


@pytest.mark.parametrize("n", [900, 300_000])
@pytest.mark.parametrize("threads_used", [1, 2])
def test_ctrl_c_while_somebody_else_keeps_the_lock(n: int, threads_used: int, run_python: RunPython) -> None:
    code = """
signal.signal(signal.SIGALRM, signal.default_int_handler)
held, enough = threading.Event(), threading.Event()

def keep():
    with rng.bit_generator.lock:
        held.set()
        enough.wait()

thread = threading.Thread(target=keep)
thread.start()
held.wait()
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    gdfast.fit(x, y, batch_size=n // 2, rng=rng)
except KeyboardInterrupt as error:
    print(error.fit.n_iters)
enough.set()
thread.join()
print(gdfast.fit(x, y, batch_size=n // 2, rng=rng, n_iters=3).n_iters)
"""
    assert run_python(LOCK + code, n, threads_used, timeout=30) == "0\n3\n"


@pytest.mark.parametrize("n", [900, 300_000])
@pytest.mark.parametrize("threads_used", [1, 2])
def test_a_signal_handler_may_draw_from_the_generator(n: int, threads_used: int, run_python: RunPython) -> None:
    """Handlers run while the loop waits for an order, but not while it has the lock itself."""
    code = """
drawn = []
signal.signal(signal.SIGALRM, lambda number, frame: drawn.append(rng.random()))
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    gdfast.fit(x, y, batch_size=n // 2, rng=rng, n_iters=30)
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(drawn) > 3)
"""
    assert run_python(LOCK + code, n, threads_used, timeout=30) == "True\n"


@pytest.mark.parametrize("n", [900, 150_000])
def test_a_lock_that_raises_ends_training(n: int) -> None:
    """Whatever a bit generator of the user's own has for a lock."""
    given = np.random.default_rng(0)

    class Lock:
        released = 0

        def acquire(self, blocking: bool, timeout: float) -> bool:
            raise ZeroDivisionError("no lock today")

        def release(self) -> None:
            self.released += 1

    class Bits:
        lock, capsule = Lock(), given.bit_generator.capsule

    class Generator:
        bit_generator = Bits()

    x, y, _ = oracle.normal(n, 2, np.float64)
    with pytest.raises(ZeroDivisionError, match="no lock today") as caught:
        descend_with(x, y, Generator())
    assert Bits.lock.released == 0
    assert caught.value.fit.n_iters == 0  # type: ignore[attr-defined]


def descend_with(x: Any, y: Any, rng: Any) -> None:
    """`fit` with a generator that its checks wouldn't let through."""
    native = gdfast.backend("native")

    def descend(train: Any, validation: Any, w: Any, b: Any, options: Any, hooks: Any) -> Any:
        return native.descend(train, validation, w, b, options._replace(rng=rng), hooks)

    dataclasses.replace(native, descend=descend).fit(x, y, batch_size=len(y) // 2, n_iters=3, rng=0)
