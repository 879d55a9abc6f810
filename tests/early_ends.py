"""Fits that are ended early, at random moments and in random ways. A process of its own calls `main`."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import gdfast
from gdfast import progress

ROWS = [2_000, 120_000, 400_000]
FOR_EVER = 10**8  # passes
HANGS = 20.0  # seconds
SOON = 0.2  # seconds
DATA = {n: np.random.default_rng(n).standard_normal((n, 3)) for n in ROWS}


@dataclass(frozen=True)
class Enough(Exception):
    """Takes no attributes."""

    code: int


class Raising:
    """A terminal on which one write or other ends in an exception."""

    def __init__(self, error: BaseException, after: int) -> None:
        self.error, self.left = error, after
        self.at: float | None = None

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.left -= 1
        if self.left < 0 and self.at is None:
            self.at = time.perf_counter()
            raise self.error

    def flush(self) -> None:
        pass


def arguments(choose: random.Random) -> tuple[Any, Any, dict[str, Any]]:
    """Data, and options with which it trains for ever."""
    n = choose.choice(ROWS)
    x = DATA[n].astype(choose.choice(["f4", "f8"]))
    options: dict[str, Any] = {
        "n_iters": FOR_EVER,
        "learning_rate": 1e-4,
        "batch_size": choose.choice([None, n // 2, n // 7, n - 1]),
        "shuffle": choose.random() < 0.9,
        "rng": choose.randrange(10),
        "fit_intercept": choose.random() < 0.5,
        "standardize": choose.random() < 0.2,
        "progress": choose.random() < 0.3,
        "callback": choose.choice([None, None, lambda step: None]),
        "plan": "stream",
        "backend": "numpy" if choose.random() < 0.1 else "native",
    }
    return x, x.sum(axis=1), options


def wait(choose: random.Random) -> float:
    """Seconds to a random moment: sometimes before the first pass, sometimes many passes later."""
    return choose.choice([choose.uniform(0.0005, 0.005), choose.uniform(0.005, 0.15)])


def later(seconds: float, act: Callable[[], None]) -> threading.Thread:
    thread = threading.Timer(seconds, act)
    thread.start()
    return thread


# Each of these makes a fit end, and gives the seconds that it took to return, and what it raised.
Ended = tuple[float, BaseException]


def ended(call: Callable[[], Any], told: Callable[[], float | None]) -> Ended:
    """`told` knows when the end began."""
    try:
        call()
    except BaseException as error:
        now, at = time.perf_counter(), told()
        if at is None:
            raise
        return now - at, error
    raise AssertionError("the fit wasn't ended")


def interrupted(seconds: float, call: Callable[[], Any]) -> Ended:
    """By Ctrl-C, so many seconds from now."""
    at = time.perf_counter() + seconds

    def called() -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)  # in here, since it may come at once
        call()

    return ended(called, lambda: at)


def by_signal(choose: random.Random) -> Ended:
    x, y, options = arguments(choose)
    seconds = wait(choose)
    return interrupted(seconds, lambda: gdfast.fit(x, y, **options))


def by_nan(choose: random.Random) -> Ended:
    """Which another thread writes into y while it is being read."""
    x, y, options = arguments(choose)
    options["backend"] = "native"  # a pass of the reference takes its time, and NaN is found at the end of it
    at: list[float] = []

    def spoil() -> None:
        at.append(time.perf_counter())
        y[choose.randrange(len(y))] = np.nan

    thread = later(wait(choose), spoil)
    try:
        return ended(lambda: gdfast.fit(x, y, **options), lambda: at[0])
    finally:
        thread.join()


def by_callback(choose: random.Random) -> Ended:
    x, y, options = arguments(choose)
    last = time.perf_counter() + wait(choose)
    error = choose.choice([ZeroDivisionError(), Enough(3), KeyboardInterrupt(), SystemExit(), StopIteration()])
    at: list[float] = []

    def raise_when_due(step: gdfast.Step) -> None:
        if time.perf_counter() > last:
            at.append(time.perf_counter())
            raise error

    return ended(lambda: gdfast.fit(x, y, **options | {"callback": raise_when_due}), lambda: at[0])


def by_stream(choose: random.Random) -> Ended:
    x, y, options = arguments(choose)
    stream = Raising(choose.choice([KeyboardInterrupt(), SystemExit()]), choose.randrange(2))
    before, sys.stderr = sys.stderr, stream
    try:
        return ended(lambda: gdfast.fit(x, y, **options | {"progress": True}), lambda: stream.at)
    finally:
        sys.stderr = before


def with_shared_generator(choose: random.Random) -> Ended:
    """Others draw from the same generator, and one of them fails."""
    x, y, options = arguments(choose)
    options |= {"rng": np.random.default_rng(0), "batch_size": len(y) // 2, "shuffle": True, "progress": False}
    options["backend"] = "native"  # the others are waited for
    bad = y.copy()
    bad[choose.randrange(len(y))] = np.nan

    def other(y: Any) -> None:
        with contextlib.suppress(gdfast.DivergenceError):
            gdfast.fit(x, y, **options | {"n_iters": 20})

    threads = [threading.Thread(target=other, args=(data,)) for data in (y, bad)]
    for thread in threads:
        thread.start()
    seconds = wait(choose)
    try:
        return interrupted(seconds, lambda: gdfast.fit(x, y, **options))
    finally:
        for thread in threads:
            thread.join()


def with_held_lock(choose: random.Random) -> Ended:
    """Somebody else keeps the generator's lock."""
    x, y, options = arguments(choose)
    options |= {"rng": np.random.default_rng(0), "batch_size": len(y) // 2, "shuffle": True}
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with options["rng"].bit_generator.lock:
            held.set()
            enough.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    seconds = wait(choose)
    try:
        return interrupted(seconds, lambda: gdfast.fit(x, y, **options))
    finally:
        enough.set()


KINDS = [by_signal, by_signal, by_nan, by_callback, by_stream, with_shared_generator, with_held_lock]


def check(error: BaseException) -> None:
    """The fit so far is on whatever ended it."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [k for k, frame in enumerate(frames) if frame.name == "run" and "training" in frame.filename]
    fit = getattr(error, "fit", None)
    if fit is None:  # then Ctrl-C came while arguments were being checked
        if inside and inside[-1] + 1 < len(frames):
            raise AssertionError(f"no fit on {error!r}") from error
        return
    assert fit.n_iters == len(fit.losses)
    assert fit.stop_reason == ("diverged" if isinstance(error, gdfast.DivergenceError) else "interrupted")
    assert (fit.n_iters == 0) == np.isnan(fit.loss) or fit.stop_reason == "diverged"


def kept_waiting() -> dict[str, float] | None:
    """For how many seconds each thread of this process could have run but had no CPU; None where no kernel tells."""
    tasks = Path("/proc/self/task")
    if not (tasks.parent / "schedstat").exists():
        return None
    waited = {}
    for task in tasks.iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            waited[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
    return waited


def end_one(choose: random.Random, taken: list[dict[str, Any]]) -> float:
    """One fit; adds what it was, the time it took to return, and how much of that the machine had no CPU for it."""
    faulthandler.dump_traceback_later(HANGS, exit=True)
    kind = choose.choice(KINDS)
    # Python loses a signal that comes while it runs a weak reference's callback, as where ended threads are collected.
    gc.collect()
    gc.disable()
    before = kept_waiting()
    late, error = kind(choose)
    after = kept_waiting()
    gc.enable()
    check(error)
    # Of threads that are waited for one after the other the delays add up.
    waited = None if before is None or after is None else sum(after[name] - before.get(name, 0.0) for name in after)
    taken.append({"kind": kind.__name__, "seconds": late, "waited": waited})
    return late


def main(seed: int, count: int, threads: int) -> NoReturn:
    signal.signal(signal.SIGALRM, signal.default_int_handler)  # Ctrl-C to the microsecond
    gdfast.set_num_threads(threads)
    progress.FIRST_AFTER = progress.TERMINAL_EVERY = 0.0
    choose = random.Random(seed)
    first: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for _ in range(count):
        state = choose.getstate()
        if end_one(choose, first) > SOON:  # because of the fit, or because the machine had other things to do?
            choose.setstate(state)
            end_one(choose, again)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps([first, again]))
    sys.exit(0)
