"""What the commands share: where they print, how they fail, how they show progress."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Where the output goes into a file or a pipe there is no width to ask for; this one holds every table.
_WIDTH_OF_A_FILE = 120

# What a shell reports of a program whose reader went away: 128 + SIGPIPE.
READER_GONE = 141


def out() -> Console:
    """The console for results."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_A_FILE)


def printable(text: str) -> str:
    r"""`text` on one line and without what a terminal would obey: names of columns and files may hold anything.

    Examples
    --------
    >>> from gdfast.cli.console import printable
    >>> print(printable("naïve \x1b[31mred\n"))
    naïve \x1b[31mred\n
    """
    if text.isprintable():
        return text
    return "".join(c if _is_harmless(c) else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"  # a space of some width


def note(message: str) -> None:
    """Print one line to stderr."""
    with suppress(OSError, ValueError):  # where nobody can read it, the rest still counts
        typer.echo(f"gdfast: {printable(' '.join(message.splitlines()))}", err=True)


def fail(message: str, status: int = 2) -> typer.Exit:
    """Print one line to stderr.

    Parameters
    ----------
    message : str
    status : int
        Of the process.

    Returns
    -------
    typer.Exit
        To be raised.
    """
    note(message)
    return typer.Exit(status)


class OutputLostError(Exception):
    """Stdout takes no more: its reader is gone, or its disk is full.

    It is no OSError, since Typer and Rich end the process at a broken pipe in ways of their own.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.reader_gone = isinstance(error, BrokenPipeError)
        self.reason = error.strerror

    def end(self) -> int:
        """Say what is lost, if anybody wants to know, and return the status of the process."""
        if self.reader_gone:
            return READER_GONE
        note(f"stdout can't be written to: {self.reason}")
        return 1


class Stdout(io.TextIOWrapper):
    """Stdout, with an error of its own, and a way to write any name in any encoding."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(
            stream.buffer, stream.encoding, "backslashreplace", line_buffering=stream.isatty(), write_through=False
        )

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._lost(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._lost(error) from None

    def _lost(self, error: OSError) -> OutputLostError:
        # What is still in a buffer goes nowhere: else the interpreter would try again at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return OutputLostError(error)


def stdout_is_closed() -> bool:
    """Whether whoever started the command has closed stdout."""
    return sys.stdout is None or getattr(sys.stdout, "name", None) == os.devnull


@contextmanager
def guarded_stdout() -> Iterator[None]:
    """Raise `OutputLostError` where stdout can't be written to; also at the end, when the last of it is."""
    if stdout_is_closed():
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # it stays open to the end of the process
    else:
        sys.stdout = Stdout(sys.stdout)
    try:
        yield
    finally:
        sys.stdout.flush()


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on stderr.

    Parameters
    ----------
    steps : int
        How often the function will be called.

    Yields
    ------
    callable
        Takes a line on what comes next.
    """
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=steps)
        started = 0

        def tick(text: str) -> None:
            nonlocal started
            bar.update(task, description=text, completed=started)
            started += 1

        yield tick
