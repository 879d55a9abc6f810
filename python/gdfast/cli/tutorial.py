"""``gdfast tutorial``."""

from __future__ import annotations

import typer

import gdfast
from gdfast import tutorial
from gdfast.cli import as_json
from gdfast.cli.console import fail

_BACKENDS = ("native", "numpy", "torch")
_TRANSCRIPTS = {"gradient written by hand": tutorial.hand_written, "gradient from autograd": tutorial.autograd}


def show(backend: str, *, json: bool = False) -> None:
    """Print both transcripts of the tutorial, and why they differ.

    Parameters
    ----------
    backend : str
        A backend's name, or ``"all"``, which leaves out, and names, one that is not installed.
    """
    if backend not in (*_BACKENDS, "all"):
        raise fail(f"no backend is called {backend!r}: choose native, numpy, torch or all")
    transcripts: dict[str, dict[str, list[str]]] = {}
    for name in _BACKENDS if backend == "all" else (backend,):
        try:
            gdfast.backend(name)
        except ImportError as error:
            if backend != "all":
                raise fail(str(error), status=1) from None
            typer.echo(f"{name}: left out ({error})\n", err=True)
            continue
        transcripts[name] = {kind: list(transcript(name)) for kind, transcript in _TRANSCRIPTS.items()}
        if not json:
            _print_transcripts(name, transcripts[name])
    if json:
        as_json.show(transcripts)
        return
    typer.echo(tutorial.WHY_THEY_DIFFER)


def _print_transcripts(name: str, transcripts: dict[str, list[str]]) -> None:
    for heading, lines in transcripts.items():
        typer.echo(f"{heading}, backend {name}")
        for line in lines:
            typer.echo(line)
        typer.echo()
