"""Exceptions and Ctrl-C end training, with the fit so far on them, and leave everything working."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import pytest

import gdfast
import oracle


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit])
@pytest.mark.parametrize("last", [0, 3, 9])
def test_what_a_callback_raises_carries_the_fit(backend: Any, error: type[BaseException], last: int) -> None:
    x, y, _ = oracle.normal(20, 3, np.float64)
    raised = error("no more")

    def fail(step: gdfast.Step) -> None:
        if step.iteration == last:
            raise raised

    with pytest.raises(error) as caught:
        backend.fit(x, y, fit_intercept=True, n_iters=10, callback=fail)
    assert caught.value is raised
    assert [entry.name for entry in caught.traceback][-1] == "fail"  # where it was raised can be seen
    fit = caught.value.fit  # type: ignore[attr-defined]
    assert isinstance(fit, gdfast.Fit)
    assert (fit.n_iters, len(fit.losses), fit.stop_reason) == (last + 1, last + 1, "interrupted")
    whole = backend.fit(x, y, fit_intercept=True, n_iters=last + 1)
    np.testing.assert_array_equal(fit.w, whole.w)
    assert fit.b == whole.b
    assert fit.losses.tolist() == whole.losses.tolist()
    assert fit.predict(x).shape == (20,)


def test_an_answer_without_a_truth_value_is_an_error(backend: Any) -> None:
    with pytest.raises(ValueError, match="ambiguous") as caught:
        backend.fit([1.0, 2.0], [1.0, 2.0], callback=lambda step: np.array([True, False]))
    assert caught.value.fit.n_iters == 1  # type: ignore[attr-defined]


def test_a_callback_of_another_signature_is_an_error(backend: Any) -> None:
    wrong: Any = lambda: None  # noqa: E731
    with pytest.raises(TypeError, match="positional argument") as caught:
        backend.fit([1.0, 2.0], [1.0, 2.0], callback=wrong)
    assert caught.value.fit.n_iters == 1  # type: ignore[attr-defined]


# Run in a Python of its own: the tests' own process isn't one to send SIGINT to.
CTRL_C = """
import json, math, os, signal, sys, threading, time
import numpy as np
import gdfast

name, with_callback = sys.argv[1], sys.argv[2] == "True"
backend = gdfast.backend(name)
x = np.random.default_rng(0).standard_normal((50_000, 8)).astype(np.float32)
y = x.sum(axis=1)
want = backend.loss_and_gradient(x, y, np.ones(8))[0]
sent = []

def send():
    time.sleep(0.3)
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=send).start()
try:
    callback = (lambda step: None) if with_callback else None
    backend.fit(x, y, learning_rate=1e-6, n_iters=10**6, callback=callback, plan="stream")
except KeyboardInterrupt as error:
    seconds, fit = time.monotonic() - sent[0], error.fit
print(json.dumps({
    "seconds": seconds, "stop_reason": fit.stop_reason, "n_iters": fit.n_iters, "losses": len(fit.losses),
    "finite": bool(np.isfinite(fit.w).all() and math.isfinite(fit.loss)), "falling": bool(fit.loss < fit.losses[0]),
    "works": backend.loss_and_gradient(x, y, np.ones(8))[0] == want and backend.fit(x, y, n_iters=3).n_iters == 3,
}))
"""


@pytest.mark.parametrize("with_callback", [False, True])
def test_ctrl_c_stops_training(backend: Any, with_callback: bool, run_python: Callable[..., str]) -> None:
    seconds = []
    for _ in range(10):  # a machine that is busy may be late, but not always
        found = json.loads(run_python(CTRL_C, backend.name, with_callback))
        assert found["stop_reason"] == "interrupted"
        assert found["losses"] == found["n_iters"] > 0
        assert found["finite"]
        assert found["falling"] or found["n_iters"] == 1
        assert found["works"]
        seconds.append(found["seconds"])
        if seconds[-1] < 0.2:
            return
    pytest.fail(f"control came back {seconds} s after Ctrl-C")


CTRL_C_IN_THE_FIRST_PASS = """
import math, os, signal, threading, time
import numpy as np
import gdfast

x = np.broadcast_to(np.ones((1, 64)), (10**9, 64))  # a pass takes many seconds and no memory
y = np.broadcast_to(np.ones(1), 10**9)

def send():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=send).start()
start = time.monotonic()
try:
    gdfast.fit(x, y, plan="stream", learning_rate=LEARNING_RATE)
except KeyboardInterrupt as error:
    fit = error.fit
soon = time.monotonic() - start < 2
print(fit.stop_reason, fit.n_iters, len(fit.losses), fit.w.tolist() == [0.0] * 64, fit.loss, soon)
"""


CTRL_C_IN_A_CALL = """
import os, signal, threading, time
import numpy as np
import gdfast

# Each call takes seconds and no memory to speak of.
x, n = np.broadcast_to(np.ones((1, 4_000)), (4_000_000, 4_000)), 20_000_000_000
some, many = np.broadcast_to(np.ones(1), len(x)), np.broadcast_to(np.ones(1, np.float32), n)
call = {
    "forward": lambda: gdfast.forward(x, x[0]),
    "loss": lambda: gdfast.loss(many, many),
    "gradient": lambda: gdfast.gradient(x, some, some),
    "loss_and_gradient": lambda: gdfast.loss_and_gradient(x, some, x[0]),
}["CALL"]
beats = []  # of another thread, which needs the GIL

def send():
    for _ in range(30):
        time.sleep(0.01)
        beats.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

thread = threading.Thread(target=send)
thread.start()
try:
    call()
except KeyboardInterrupt:
    late = time.monotonic() - beats[-1]
print(late < 0.2, max(np.diff(beats)) < 0.2)
"""


@pytest.mark.parametrize("call", ["forward", "loss", "gradient", "loss_and_gradient"])
def test_ctrl_c_stops_a_call_that_lets_others_run(call: str, run_python: Callable[..., str]) -> None:
    for _ in range(10):  # a machine that is busy may be late, but not always
        found = run_python(CTRL_C_IN_A_CALL.replace("CALL", call)).split()
        if found == ["True", "True"]:
            return
    pytest.fail(f"back in time, with the GIL let go of meanwhile: {found}")


@pytest.mark.parametrize("learning_rate", [0.01, "auto"])
def test_ctrl_c_stops_a_pass(learning_rate: object, run_python: Callable[..., str]) -> None:
    script = CTRL_C_IN_THE_FIRST_PASS.replace("LEARNING_RATE", repr(learning_rate))
    assert run_python(script).split() == ["interrupted", "0", "0", "True", "nan", "True"]


CTRL_C_BETWEEN_TWO_QUESTIONS = """
import signal, sys, time
import numpy as np
import gdfast

signal.signal(signal.SIGALRM, signal.default_int_handler)  # Ctrl-C to the microsecond
gdfast.set_num_threads(1)
backend = gdfast.backend(sys.argv[1])
x = np.random.default_rng(0).standard_normal((50_000, 8)).astype(np.float32)
y = x.sum(axis=1)

def seconds(passes):
    start = time.perf_counter()
    backend.fit(x, y, n_iters=passes, plan="stream")
    return time.perf_counter() - start

passes = 8
while min(seconds(passes) for _ in range(3)) < 0.015:
    passes *= 2
wait = 0.6 * min(seconds(passes) for _ in range(5))
for _ in range(20):
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        backend.fit(x, y, n_iters=passes, plan="stream")
        time.sleep(1)
    except KeyboardInterrupt as error:
        fit = getattr(error, "fit", None)  # a machine that was busy before may be quicker now, and be done
        kept = fit is not None and fit.n_iters == len(fit.losses) > 0 and np.isfinite(fit.loss)
        print(kept and fit.stop_reason == "interrupted")
"""


@pytest.mark.parametrize("name", ["native", "numpy"])
def test_ctrl_c_shortly_before_the_end_costs_nothing(name: str, run_python: Callable[..., str]) -> None:
    """The native loop asks every 50 ms: here it has ended, or nearly so, before it asks for the first time."""
    kept = run_python(CTRL_C_BETWEEN_TWO_QUESTIONS, name).split()
    assert len(kept) == 20
    assert kept.count("True") >= 15


def test_ctrl_c_while_the_outcome_is_handed_out(backend: Any) -> None:
    """It is raised when the loop has ended and nobody has got hold yet of what it gives back."""
    x, y, _ = oracle.normal(20, 3, np.float64)
    want = backend.fit(x, y, n_iters=7)

    def handed_out(*arguments: Any) -> NoReturn:
        backend.descend(*arguments)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        dataclasses.replace(backend, descend=handed_out).fit(x, y, n_iters=7)
    fit = caught.value.fit  # type: ignore[attr-defined]
    np.testing.assert_array_equal(fit.w, want.w)
    assert (fit.n_iters, fit.loss, fit.stop_reason) == (7, want.loss, "interrupted")
    assert fit.report.bytes_read == want.report.bytes_read


@pytest.mark.parametrize("name", ["native", "numpy"])
def test_what_another_signals_handler_raises_carries_the_fit(name: str, run_python: Callable[..., str]) -> None:
    code = """
import signal, sys
import numpy as np
import gdfast

def give_up(number, frame):
    raise TimeoutError

backend = gdfast.backend(sys.argv[1])
signal.signal(signal.SIGALRM, give_up)
x, y = np.ones((50_000, 2)), np.ones(50_000)
backend.fit(x, y, n_iters=3, plan="stream")
for wait in (0.1, 0.3):
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        backend.fit(x, y, learning_rate=1e-6, n_iters=10**8, plan="stream")
    except TimeoutError as error:
        print(error.fit.n_iters > 0, error.fit.stop_reason)
"""
    assert run_python(code, name) == "True interrupted\n" * 2
