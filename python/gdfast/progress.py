"""The progress bar of `fit(progress=True)`: a line on stderr that is written over, or lines now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from gdfast.descent import Outcome

WIDTH = 24
FIRST_AFTER = 0.5  # seconds: what is done sooner needs no bar
TERMINAL_EVERY = 0.1
LOG_EVERY = 10.0


class ProgressBar:
    """Shows how far training is. Nothing is written within the first half second.

    Parameters
    ----------
    total : int
        Passes to do.
    stream : file, optional
        stderr by default.

    Examples
    --------
    >>> import io
    >>> from gdfast.progress import ProgressBar
    >>> log = io.StringIO()
    >>> with ProgressBar(100, log) as bar:
    ...     bar(50, 2.0)  # too soon to be shown
    >>> log.getvalue()
    ''
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total = total
        self.stream = sys.stderr if stream is None else stream
        self.terminal = bool(self.stream) and self.stream.isatty()
        self.every = TERMINAL_EVERY if self.terminal else LOG_EVERY
        self.started = self.shown = time.monotonic()
        self.lines = 0
        self.width = 0

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lines and self.terminal:
            self._write("\n")

    def __call__(self, done: int, loss: float) -> None:
        """Take note of `done` passes; `loss` is that of the last one."""
        now = time.monotonic()
        due = FIRST_AFTER if self.lines == 0 and self.terminal else self.every
        if now - (self.started if self.lines == 0 else self.shown) >= due:
            self._show(done, loss, now)

    def finished(self, outcome: Outcome) -> Outcome:
        """Show where training ended, if it took long enough to be shown at all."""
        now = time.monotonic()
        if self.lines or now - self.started >= FIRST_AFTER:
            self._show(len(outcome.losses), outcome.loss, now)
        return outcome

    def _show(self, done: int, loss: float, now: float) -> None:
        self.shown = now
        self.lines += 1
        left = (now - self.started) / max(done, 1) * (self.total - done)
        text = f"{done:,}/{self.total:,} passes, loss {loss:.6g}, {_duration(left)} left"
        if self.terminal:
            filled = WIDTH * done // max(self.total, 1)
            text = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {text}"
            # Spaces over what a longer line left behind.
            self._write("\r" + text.ljust(self.width))
            self.width = len(text)
        else:
            self._write(text + "\n")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except Exception:
            pass  # nobody is there to read it, which is no reason to stop training


def _duration(seconds: float) -> str:
    """Seconds as `12 s`, `3:05 min` or `2:03:05 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"
