"""Exceptions and Ctrl-C end training, with the fit so far on them, and leave everything working."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

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
    for _ in range(3):  # a machine that is busy may be late, but not always
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


@pytest.mark.parametrize("learning_rate", [0.01, "auto"])
def test_ctrl_c_stops_a_pass(learning_rate: object, run_python: Callable[..., str]) -> None:
    script = CTRL_C_IN_THE_FIRST_PASS.replace("LEARNING_RATE", repr(learning_rate))
    assert run_python(script).split() == ["interrupted", "0", "0", "True", "nan", "True"]
