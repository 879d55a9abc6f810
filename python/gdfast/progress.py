"""Progress bars: a line on stderr that is written over, or lines now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from gdfast.descent import Outcome

WIDTH = 24
FIRST_AFTER = 0.5  # seconds: what is done sooner needs no bar
ROWS_FIRST_AFTER = 2.0
TERMINAL_EVERY = 0.1
LOG_EVERY = 10.0


class Line:
    """One line of a terminal, written again and again; or a line each time, in a log."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.terminal = bool(self.stream) and self.stream.isatty()
        self.every = TERMINAL_EVERY if self.terminal else LOG_EVERY
        self.lines = 0
        self.width = 0

    def show(self, share: float | None, text: str) -> None:
        """`share` of the bar is filled, where it is known."""
        self.lines += 1
        if not self.terminal:
            self.write(text + "\n")
            return
        if share is not None:
            filled = int(WIDTH * share)
            text = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {text}"
        # Spaces over what a longer line left behind.
        self.write("\r" + text.ljust(self.width))
        self.width = len(text)

    def clear(self) -> None:
        """Leave nothing of it on a terminal."""
        if self.lines and self.terminal:
            self.write("\r" + " " * self.width + "\r")
        self.lines = self.width = 0

    def write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except Exception:
            pass  # nobody is there to read it, which is no reason to stop


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
        self.line = Line(stream)
        self.started = self.shown = time.monotonic()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.line.lines and self.line.terminal:
            self.line.write("\n")

    def __call__(self, done: int, loss: float) -> None:
        """Take note of `done` passes; `loss` is that of the last one."""
        now = time.monotonic()
        line = self.line
        due = FIRST_AFTER if line.lines == 0 and line.terminal else line.every
        if now - (self.started if line.lines == 0 else self.shown) >= due:
            self._show(done, loss, now)

    def finished(self, outcome: Outcome) -> Outcome:
        """Show where training ended, if it took long enough to be shown at all."""
        now = time.monotonic()
        if self.line.lines or now - self.started >= FIRST_AFTER:
            self._show(len(outcome.losses), outcome.loss, now)
        return outcome

    def _show(self, done: int, loss: float, now: float) -> None:
        self.shown = now
        left = (now - self.started) / max(done, 1) * (self.total - done)
        text = f"{done:,}/{self.total:,} passes, loss {loss:.6g}, {_duration(left)} left"
        self.line.show(done / max(self.total, 1), text)


class RowsBar:
    """Shows how much of a pass over a scan is done. Nothing is written within the first two seconds.

    Parameters
    ----------
    stream : file, optional
        stderr by default.

    Examples
    --------
    >>> import io
    >>> from gdfast.progress import RowsBar
    >>> log = io.StringIO()
    >>> bar = RowsBar(log)
    >>> bar(1_000, 4_000)  # too soon to be shown
    >>> log.getvalue()
    ''
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.line = Line(stream)
        self.passes = 1
        self.started: float | None = None
        self.shown = 0.0

    def __call__(self, rows: int, total: int | None) -> None:
        """Take note of `rows` read in this pass, of `total` where that is known."""
        now = time.monotonic()
        if self.started is None:
            self.started = self.shown = now
        due = ROWS_FIRST_AFTER if self.line.lines == 0 else self.line.every
        if now - self.shown >= due:
            self.shown = now
            self._show(rows, total, now - self.started)

    def finished(self) -> None:
        """The pass is done."""
        self.line.clear()
        self.passes += 1
        self.started = None

    def _show(self, rows: int, total: int | None, seconds: float) -> None:
        which = "" if self.passes == 1 else f"pass {self.passes:,}: "
        if total is None:
            self.line.show(None, f"{which}{rows:,} rows")
            return
        left = seconds / max(rows, 1) * (total - rows)
        self.line.show(min(rows / max(total, 1), 1.0), f"{which}{rows:,}/{total:,} rows, {_duration(left)} left")


def _duration(seconds: float) -> str:
    """Seconds as `12 s`, `3:05 min` or `2:03:05 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"
