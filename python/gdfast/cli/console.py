"""What the commands share: where they print, how they fail, how they show progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Where the output goes into a file or a pipe there is no width to ask for; this one holds every table.
_WIDTH_OF_A_FILE = 120


def out() -> Console:
    """The console for results."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_A_FILE)


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
    typer.echo(f"gdfast: {' '.join(message.split())}", err=True)
    return typer.Exit(status)


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
