"""The progress bar: where it goes, how often, and that nothing of it is left behind."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import progress
from gdfast.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time that passes when it is told to."""

    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def run(clock: Any, stream: io.StringIO, seconds: float, passes: int) -> str:
    with ProgressBar(passes, stream) as bar:
        for done in range(1, passes + 1):
            clock.now += seconds / passes
            bar(done, 1 / done)
    return stream.getvalue()


def test_a_terminal_gets_one_line(clock: Any) -> None:
    shown = run(clock, Terminal(), seconds=4.0, passes=1_000)
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    states = shown.strip().split("\r")
    assert 30 <= len(states) <= 40  # ten a second, but for the first half second
    assert states[0].startswith("[###.....................] 125/1,000 passes, loss 0.008, 4 s left")
    assert "0 s left" in states[-1]


def test_a_log_gets_a_line_now_and_then(clock: Any) -> None:
    lines = run(clock, io.StringIO(), seconds=65.0, passes=650).splitlines()
    assert len(lines) == 6  # every ten seconds
    assert re.fullmatch(r"10\d/650 passes, loss 0\.00\d+, 55 s left", lines[0])
    assert "\r" not in "".join(lines)


def test_nothing_is_shown_of_a_short_fit(clock: Any) -> None:
    assert run(clock, Terminal(), seconds=0.4, passes=100) == ""
    assert run(clock, io.StringIO(), seconds=0.4, passes=100) == ""


def test_a_shorter_line_covers_a_longer_one(clock: Any) -> None:
    stream = Terminal()
    with ProgressBar(10, stream) as bar:
        clock.now += 5_000
        bar(1, 1.23456)
        clock.now += 1
        bar(9, 1.0)
    long, short = stream.getvalue().strip("\r\n").split("\r")
    assert len(short) == len(long)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (60, "1:00 min"), (3_599, "59:59 min"), (3_725, "1:02:05 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert progress._duration(seconds) == text


def test_a_closed_stream_stops_nothing() -> None:
    stream = Terminal()
    stream.close()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    with ProgressBar(2, stream) as bar:
        bar.started -= 10
        bar(1, 1.0)


class Raising(Terminal):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize("error", [OSError(), RuntimeError(), UnicodeEncodeError("ascii", "", 0, 1, "")], ids=repr)
def test_a_stream_that_raises_stops_nothing(backend: Any, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(sys, "stderr", Raising(error))
    x = np.ones((200_000, 2))
    gdfast.set_num_threads(2)
    fit = backend.fit(x, x[:, 0], batch_size=100_000, rng=0, n_iters=30, progress=True)
    assert (fit.n_iters, fit.stop_reason) == (30, "n_iters")


def test_ctrl_c_while_it_is_shown_ends_training(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an order of rows being drawn meanwhile."""
    monkeypatch.setattr(progress, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(sys, "stderr", Raising(KeyboardInterrupt()))
    x = np.ones((200_000, 2))
    gdfast.set_num_threads(2)
    with pytest.raises(KeyboardInterrupt) as caught:
        backend.fit(x, x[:, 0], batch_size=100_000, rng=0, n_iters=10**7, progress=True)
    assert caught.value.fit.n_iters > 0  # type: ignore[attr-defined]


def test_no_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert gdfast.fit([1.0], [1.0], progress=True, n_iters=99, backend="numpy").n_iters == 99


def test_a_fit_shows_its_progress(backend: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """A short one, in a hurry: it is shown at the end at least."""
    monkeypatch.setattr(progress, "FIRST_AFTER", 0.0)
    fit = backend.fit([1.0, 2.0], [2.0, 4.0], progress=True, n_iters=7)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1] == f"7/7 passes, loss {fit.loss:.6g}, 0 s left"


def test_a_long_fit_calls_now_and_then(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    start = time.monotonic()
    fit = backend.fit(
        [1.0, 2.0],
        [2.0, 4.0],
        progress=True,
        n_iters=10**9,
        callback=lambda step: time.monotonic() - start > 1.2,
        plan="stream",
    )
    assert fit.stop_reason == "callback"
    states = terminal.getvalue().split("\r")
    assert 2 <= len(states) - 1 <= 12
