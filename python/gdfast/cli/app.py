"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

import gdfast
from gdfast.cli import bench as bench_command
from gdfast.cli import tutorial as tutorial_command
from gdfast.cli.console import fail

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Gradient descent on least squares at the speed at which the machine can read memory.",
)


@app.command()
def tutorial(
    backend: Annotated[str, typer.Option(help="native, numpy, torch, or all of them in turn.")] = "native",
) -> None:
    """Train the tutorial's model twice: with the gradient written by hand, and with autograd's."""
    tutorial_command.show(backend)


@app.command()
def info() -> None:
    """Show version, compiler, instruction sets, threads and caches."""
    gdfast.show_config()


@app.command()
def bench(
    dtype: Annotated[Literal["f32", "f64"], typer.Option(help="Type of the values.")] = "f32",
    order: Annotated[Literal["C", "F"], typer.Option(help="Memory order of x.")] = "C",
    threads: Annotated[int, typer.Option(min=1, help="Threads of gdfast and of its rivals.")] = 1,
    shapes: Annotated[str | None, typer.Option(help="Shapes instead of the usual ones: 4x1,1000x16,...")] = None,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time for the table (about).")] = 45.0,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller problems, less time: a trial run.")] = False,
    roofline: Annotated[
        bool, typer.Option("--roofline", help="GB/s against read bandwidth over d, orders, dtypes, ISAs, threads.")
    ] = False,
    targets: Annotated[bool, typer.Option("--targets", help="Every speed target with what was measured.")] = False,
    time_to_loss: Annotated[
        bool, typer.Option("--time-to-loss", help="How long each way to train takes to the same error.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="JSON file to write; the chart goes beside it as .png.", dir_okay=False)
    ] = None,
) -> None:
    """Check gdfast and its rivals against float64, then time them side by side."""
    if roofline + targets + time_to_loss > 1:
        raise fail("--roofline, --targets and --time-to-loss are three reports: ask for one at a time")
    if roofline:
        bench_command.roofline(output, quick=quick)
    elif targets:
        bench_command.targets(output, quick=quick)
    elif time_to_loss:
        bench_command.time_to_loss(output, quick=quick)
    else:
        bench_command.compare(
            output, dtype=dtype, order=order, threads=threads, shapes=shapes, seconds=seconds, quick=quick
        )
