"""Moments: exact where they can be, within a bound elsewhere, the same bits everywhere, and additive."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import math
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gdfast
import oracle
from conftest import RunPython
from gdfast import _core
from gdfast.backends.moments import moments as reference

ISAS: list[str] = gdfast.config()["isas_supported"]
# Both sides of every form, strip and block: few columns to 4, strips of 8, one matrix from 127 columns on.
COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 64, 100, 126, 127, 129, 257]
ROWS = [1, 2, 7, 8, 9, 63, 127, 128, 129, 517]
THREADS = [1, 2, 3, 7]
Array = NDArray[Any]


def plain(x: Array, y: Array, s: Array | None = None, dtype: Any = np.float64) -> Array:
    """The formula."""
    z = np.column_stack([x.reshape(len(x), -1), np.ones(len(x), x.dtype), y]).astype(dtype)
    weighted = z if s is None else s[:, np.newaxis].astype(dtype) * z
    gram: Array = weighted.T @ z
    return gram


def gram_of(x: Array, y: Array, s: Array | None = None) -> Array:
    gram: Array = _core.moments(x, y, s)[0]
    return gram


# --- right ---


@pytest.mark.parametrize("d", COLUMNS)
def test_integers_are_exact(dtype: np.dtype[Any], d: int) -> None:
    for n in ROWS:
        x, y, _ = oracle.integers(n, d, dtype)
        s = np.arange(n).astype(dtype) % 3
        for order in "CF":
            arranged = np.asarray(x, order=order)  # type: ignore[call-overload]
            np.testing.assert_array_equal(gram_of(arranged, y), plain(x, y), str((n, order)))
            np.testing.assert_array_equal(gram_of(arranged, y, s), plain(x, y, s), str((n, order)))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8, 17, 33, 130])
def test_every_layout_is_exact_and_has_the_same_bits(
    layout: oracle.Layout, layout_1d: oracle.Layout, dtype: np.dtype[Any], d: int
) -> None:
    """Everything is packed to the same panels, so not even the layout shows."""
    n = 300 if d < 100 else 50
    x, y, _ = oracle.integers(n, d, dtype)
    view, vector = layout(x), layout_1d(y)
    s = layout_1d(np.arange(n).astype(dtype) % 3)
    np.testing.assert_array_equal(gram_of(view, vector, s), plain(view, vector, s))
    x = oracle.normal(n, d, dtype).x
    same = layout(x)
    assert oracle.same_bits(gram_of(same, y), gram_of(np.ascontiguousarray(same), y))


def test_one_dimensional_x(layout_1d: oracle.Layout, dtype: np.dtype[Any]) -> None:
    for n in (1, 7, 300, 5000):
        x, y, _ = oracle.integers(n, None, dtype)
        view = layout_1d(x)
        np.testing.assert_array_equal(gram_of(view, y), plain(view, y))


@pytest.mark.parametrize(("n", "d"), [(3, 4), (50_000, 1), (20_000, 3), (9_000, 16), (3_000, 65), (1_500, 140)])
@pytest.mark.parametrize("weighted", [False, True])
def test_error_is_bounded_component_by_component(dtype: np.dtype[Any], n: int, d: int, weighted: bool) -> None:
    """A chain of 128 FMAs, then sums of at most 64 and 128 terms: below 40 units in the last place, of random signs."""
    x, y, _ = oracle.normal(n, d, dtype)
    x += 1000  # far from the origin: products are large, their sums don't cancel
    s = np.linspace(0.5, 1.5, n).astype(dtype) if weighted else None
    want = plain(x, y, s, np.longdouble)
    sizes = plain(abs(x), abs(y), s, np.longdouble)
    assert oracle.share(gram_of(x, y, s), want.reshape(-1), 20 * np.finfo(np.float64).eps * sizes.reshape(-1)) <= 1


def test_equal_terms_do_not_drift(dtype: np.dtype[Any]) -> None:
    """Their roundings all go one way: the worst case for a long chain."""
    n = 3_000_000
    value = dtype.type(0.1)
    gram = gram_of(np.full((n, 1), value), np.full(n, value))
    assert gram[0, 0] == pytest.approx(n * float(value) ** 2, rel=1e-14)
    assert gram[1, 1] == n


def test_vectors_of_another_dtype_are_rounded_to_that_of_x() -> None:
    x = np.array([[1.0], [2.0]], np.float32)
    y = np.array([0.1, 0.2])
    assert oracle.same_bits(gram_of(x, y, y), gram_of(x, y.astype(np.float32), y.astype(np.float32)))
    assert gram_of(x, y)[2, 2] != gram_of(x.astype(float), y)[2, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("d", [1, 3, 8, 11, 130])
def test_what_is_not_finite_reaches_all_it_belongs_to_and_no_more(dtype: np.dtype[Any], value: float, d: int) -> None:
    n = 150
    x, y, _ = oracle.integers(n, d, dtype)
    clean = plain(x, y)
    for i in (0, 77, n - 1):
        for j in {0, d // 2, d - 1}:
            spoilt = x.copy()
            spoilt[i, j] = value
            got = gram_of(spoilt, y)
            rest = np.delete(np.arange(d + 2), j)
            np.testing.assert_array_equal(got[np.ix_(rest, rest)], clean[np.ix_(rest, rest)])
            assert not np.isfinite(got[j, [j, d]]).any()
    spoilt = y.copy()
    spoilt[5] = value
    got = gram_of(x, spoilt)
    np.testing.assert_array_equal(got[:-1, :-1], clean[:-1, :-1])
    assert not np.isfinite(got[-1, -2:]).any()


def test_the_reference_agrees(dtype: np.dtype[Any]) -> None:
    for n, d in [(1, 1), (70_000, 3), (200, 40)]:
        x, y, _ = oracle.integers(n, d, dtype)
        s = np.arange(n).astype(dtype) % 3
        for weights in (None, s):
            want, native = reference(x, y, weights), _core.moments(x, y, weights)
            np.testing.assert_array_equal(want[0], native[0])
            assert want[1] == native[1]  # bytes read
        np.testing.assert_array_equal(reference(x[:, 0], y)[0], gram_of(x[:, 0], y))


# --- the same everywhere ---


def problems() -> Any:
    """(key, x, y, s) whose bits mustn't depend on ISA, threads or alignment."""
    for dtype in ("float32", "float64"):
        for d in COLUMNS:
            for n in (5, 140, 700 if d < 100 else 300):
                x, y, _ = oracle.normal(n, d, dtype)
                s = np.linspace(0.5, 1.5, n).astype(dtype)
                for order in "CF":
                    arranged = np.asarray(x, order=order)  # type: ignore[call-overload]
                    yield f"{dtype} {order} {n} x {d}", arranged, y, None
                    yield f"{dtype} {order} {n} x {d} weighted", arranged, y, s


def digest(gram: Array) -> str:
    return hashlib.sha256(gram.tobytes()).hexdigest()[:16]


@functools.cache
def report(isa: str) -> dict[str, Any]:
    """What `work` prints in a process with that ISA: it is chosen at import."""
    env = os.environ | {"GDFAST_ISA": isa}
    done = subprocess.run([sys.executable, __file__], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def work() -> dict[str, Any]:
    return {"isa": gdfast.config()["isa"], "digests": {key: digest(gram_of(x, y, s)) for key, x, y, s in problems()}}


def test_every_isa_gives_the_same_bits(isa: str) -> None:
    assert report(isa)["isa"] == isa
    want, got = report(ISAS[0])["digests"], report(isa)["digests"]
    assert len(got) > 400
    assert [key for key in want if got[key] != want[key]] == []


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("n", "d"), [(200_000, 2), (60_001, 17), (9_001, 100), (2_001, 150), (600, 700)])
def test_every_thread_count_gives_the_same_bits(dtype: np.dtype[Any], n: int, d: int) -> None:
    x, y, _ = oracle.normal(n, d, dtype)
    s = np.linspace(0.5, 1.5, n).astype(dtype)
    for weights in (None, s):
        digests = set()
        for k in THREADS * 2:
            gdfast.set_num_threads(k)
            digests.add(digest(gram_of(x, y, weights)))
        assert len(digests) == 1


@pytest.mark.parametrize("d", [1, 3, 8, 19, 130])
def test_every_alignment_gives_the_same_bits(dtype: np.dtype[Any], d: int) -> None:
    x, y, _ = oracle.normal(200, d, dtype)
    want = digest(gram_of(x, y))
    for offset in (0, 1, 4, 8, 12, 60):
        at = oracle.aligned_at(offset)
        assert digest(gram_of(at(x), at(y))) == want
        assert digest(gram_of(at(np.ascontiguousarray(x.T)).T, at(y))) == want


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7, 8, 9, 17])
def test_nothing_beyond_the_last_byte_is_read(dtype: np.dtype[Any], d: int) -> None:
    for n in (1, 3, 16, 17, 35, 140):
        x, y, _ = map(oracle.walled, oracle.integers(n, d, dtype))
        np.testing.assert_array_equal(gram_of(x, y, y), plain(x, y, y))
        columns = oracle.walled(np.ascontiguousarray(x.T)).T
        np.testing.assert_array_equal(gram_of(columns, y), plain(x, y))
        wider = oracle.walled(np.concatenate([np.zeros((n, 3), dtype), x], axis=1))
        np.testing.assert_array_equal(gram_of(wider[:, 3:], y), plain(x, y))


# --- what it takes ---


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("n", "d"), [(1_000_000, 1), (500_000, 4), (200_000, 16), (30_000, 100), (20_000, 300)])
def test_bytes_read_and_working_memory(n: int, d: int) -> None:
    x, y, s = np.ones((n, d), np.float32), np.ones(n, np.float32), np.ones(n)
    for threads in (1, 2):
        gdfast.set_num_threads(threads)
        for weights in (None, s):
            _, read, peak = _core.moments(x, y, weights)
            assert read == x.nbytes + y.nbytes + (0 if weights is None else s.nbytes)
            assert 0 < peak <= 4 * 2**20 + 8 * (d + 2) ** 2
            assert peak == _core.moments(x[: n // 2 * 2], y, weights)[2] if threads == 1 else True


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


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("n", "d"), [(10**11, 2), (10**10, 16), (10**9, 120), (10**9, 500), (10**8, 2000)])
def test_ctrl_c(run_python: RunPython, n: int, d: int, threads: int) -> None:
    assert float(run_python(CTRL_C, n, d, threads)) < 0.4  # 0.2 promised, on a machine that does nothing else


# --- the class ---


def test_loss_and_gradient_are_those_of_the_data(dtype: np.dtype[Any]) -> None:
    for d in (1, 3, 20):
        x, y, w = oracle.normal(500, d, dtype)
        s = np.linspace(0.5, 1.5, 500).astype(dtype)
        for weights in (None, s):
            moments = gdfast.Moments(d).update(x, y, weights)
            for reduction in ("mean", "sum"):
                for b in (None, 0.5):
                    loss, grad = moments.loss_and_gradient(w, b, reduction=reduction)
                    answer = oracle.solve(x, y, w, b or 0.0, weights, reduction)
                    assert loss == pytest.approx(float(answer.loss), rel=1e-12)
                    grad_w, grad_b = (grad, None) if b is None else grad
                    np.testing.assert_allclose(grad_w, np.asarray(answer.grad_w, float), rtol=1e-10, atol=1e-10)
                    assert grad_b is None or grad_b == pytest.approx(float(answer.grad_b), rel=1e-10, abs=1e-10)
                    assert isinstance(grad_w, np.ndarray)
                    assert grad_w.shape == (d,)
                    assert grad_w.dtype == np.float64


def test_the_loss_is_never_negative() -> None:
    x, _, w = oracle.normal(1000, 5, np.float64)
    moments = gdfast.Moments(5).update(x, x @ w)
    loss, grad = moments.loss_and_gradient(w)
    assert 0 <= loss < 1e-14 * moments.gram[-1, -1]
    assert abs(grad).max() < 1e-12


def test_one_column_takes_and_gives_numbers_and_arrays() -> None:
    moments = gdfast.Moments(1).update([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert moments.loss_and_gradient(0.0) == (30.0, -30.0)
    loss, (grad_w, grad_b) = moments.loss_and_gradient([0.0], 0)
    assert (loss, grad_w.tolist(), grad_b) == (30.0, [-30.0], -10.0)
    column = gdfast.Moments(1).update(np.array([[1.0], [2.0], [3.0], [4.0]]), [2, 4, 6, 8])
    assert oracle.same_bits(column.gram, moments.gram)


def test_parts_add_up_to_the_whole(dtype: np.dtype[Any]) -> None:
    x, y, _ = oracle.integers(1000, 6, dtype)
    s = np.arange(1000).astype(dtype) % 4
    whole = gdfast.Moments(6).update(x, y, s)
    chunks = gdfast.Moments(6)
    for i in range(0, 1000, 130):
        assert chunks.update(x[i : i + 130], y[i : i + 130], s[i : i + 130]) is chunks
    first, second = gdfast.Moments(6).update(x[:7], y[:7], s[:7]), gdfast.Moments(6).update(x[7:], y[7:], s[7:])
    before = first.gram.copy()
    both = first + second
    np.testing.assert_array_equal(first.gram, before)
    first += second
    for moments in (chunks, both, first, second + gdfast.Moments(6).update(x[:7], y[:7], s[:7])):
        np.testing.assert_array_equal(moments.gram, whole.gram)
        assert (moments.n, moments.d) == (1000, 6)
    assert whole.gram[6, 6] == s.sum()


def test_moments_with_and_without_weights_mix() -> None:
    """A sample without a weight counts once."""
    x, y, _ = oracle.integers(20, 2, np.float64)
    mixed = gdfast.Moments(2).update(x[:5], y[:5]).update(x[5:], y[5:], np.full(15, 2))
    np.testing.assert_array_equal(mixed.gram, plain(x, y, np.repeat([1.0, 2.0], [5, 15])))
    assert (mixed.n, mixed.gram[2, 2]) == (20, 35)


@pytest.mark.parametrize("move", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(move: Callable[[gdfast.Moments], gdfast.Moments]) -> None:
    x, y, w = oracle.normal(50, 3, np.float32)
    moments = gdfast.Moments(3).update(x, y)
    other = move(moments)
    assert (other.n, other.d) == (50, 3)
    assert oracle.same_bits(other.loss_and_gradient(w, 1.0), moments.loss_and_gradient(w, 1.0))
    other.update(x, y)
    assert (other.n, moments.n) == (100, 50)
    assert moments.gram[3, 3] == 50


def test_gram_is_read_only_and_symmetric() -> None:
    x, y, _ = oracle.normal(333, 21, np.float32)
    gram = gdfast.Moments(21).update(x, y, abs(y)).gram
    with pytest.raises(ValueError, match="read-only"):
        gram[0, 0] = 1
    np.testing.assert_array_equal(gram, gram.T)
    assert gram.flags.c_contiguous


def test_inputs_as_elsewhere() -> None:
    moments = gdfast.Moments(2).update([[1, 2], [3, 4], [5, 6]], [True, False, True], np.array([1, 2, 3]))
    np.testing.assert_array_equal(
        moments.gram, plain(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([1, 0, 1]), np.array([1, 2, 3]))
    )
    assert repr(moments) == "<gdfast.Moments: n=3, d=2>"


X = np.ones((4, 3))
WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: gdfast.Moments(0), ValueError, "d is 0"),
    (lambda: gdfast.Moments(-1), ValueError, "d is -1"),
    (lambda: gdfast.Moments(2.0), TypeError, "d is 2.0"),  # type: ignore[arg-type]
    (lambda: gdfast.Moments(True), TypeError, "d is True"),
    (lambda: gdfast.Moments("3"), TypeError, "d is '3'"),  # type: ignore[arg-type]
    (
        lambda: gdfast.Moments(2).update(X, np.ones(4)),
        ValueError,
        "X: 3 columns came, accepted are 2: write Moments(3)",
    ),
    (lambda: gdfast.Moments(2).update([1.0], [1.0]), ValueError, "X: 1 column came, accepted are 2"),
    (lambda: gdfast.Moments(3).update(X, np.ones(5)), ValueError, "y has shape (5,)"),
    (lambda: gdfast.Moments(3).update(X, np.ones((4, 1))), ValueError, "write y[:, 0]"),
    (lambda: gdfast.Moments(3).update(X, np.ones(4), np.ones(3)), ValueError, "sample_weight has shape (3,)"),
    (lambda: gdfast.Moments(3).update(X[:0], []), ValueError, "no samples"),
    (lambda: gdfast.Moments(3).update(X[:, :0], np.ones(4)), ValueError, "no columns"),
    (lambda: gdfast.Moments(3).update(X * 1j, np.ones(4)), TypeError, "complex128"),
    (lambda: gdfast.Moments(3) + gdfast.Moments(4), ValueError, "4 columns came, accepted are 3"),
    (lambda: gdfast.Moments(3) + 1, TypeError, "unsupported operand"),  # type: ignore[operator]
    (lambda: gdfast.Moments(1).loss_and_gradient(0.0), ValueError, "no samples yet: call update(X, y) first"),
    (lambda: full().loss_and_gradient(0.0), ValueError, "write np.full(3, w)"),
    (lambda: full().loss_and_gradient([1.0]), ValueError, "1 coefficients don't go with 3 columns"),
    (lambda: full().loss_and_gradient(np.ones((3, 1))), ValueError, "write w[:, 0]"),
    (lambda: full().loss_and_gradient(np.ones(3), [1, 2]), ValueError, "b has shape (2,)"),
    (lambda: full().loss_and_gradient(np.ones(3), reduction="none"), ValueError, "accepted are 'mean' and 'sum'"),
]


def full() -> gdfast.Moments:
    return gdfast.Moments(3).update(X, np.ones(4))


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_errors_say_what_to_write(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_after_an_error_nothing_has_changed() -> None:
    moments = full()
    with pytest.raises(ValueError, match="columns came"):
        moments += gdfast.Moments(2)
    with pytest.raises(ValueError, match="y has shape"):
        moments.update(X, np.ones(3))
    assert oracle.same_bits(moments.gram, full().gram)
    assert moments.n == 4


if __name__ == "__main__":
    json.dump(work(), sys.stdout)
