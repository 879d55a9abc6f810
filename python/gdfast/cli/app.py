"""The commands; what they do is in the modules beside this one, and what options several have in `*_options`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import gdfast
from gdfast.cli import as_json, scanned, scanned_prediction
from gdfast.cli import bench as bench_command
from gdfast.cli import fit as fit_command
from gdfast.cli import moments as moments_command
from gdfast.cli import predict as predict_command
from gdfast.cli import tutorial as tutorial_command
from gdfast.cli.console import fail
from gdfast.cli.csv_table import PLAIN, CsvOptions
from gdfast.cli.data import Data
from gdfast.cli.data_options import COLUMNS, CSV
from gdfast.cli.groups import takes
from gdfast.cli.hand_out import Outputs
from gdfast.cli.in_pieces import are_scanned
from gdfast.cli.training_options import TRAINING, Training

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Gradient descent on least squares at the speed at which the machine can read memory.",
)


_OUTPUT = "Files to write"

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


@app.command()
@takes(table=COLUMNS, csv=CSV, training=TRAINING)
def fit(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Table to learn from: .csv, .csv.gz, .tsv, .parquet, or .npy; several files, or a pattern such as "
            "'data/*.parquet': these, and large Parquet files, needn't fit into memory; or files of moments: .gdm.",
            readable=False,
        ),
    ],
    table: dict[str, Any],
    csv: CsvOptions,
    training: Training,
    model: Annotated[
        Path | None, typer.Option(help="Model file to write: .json or .npz.", dir_okay=False, rich_help_panel=_OUTPUT)
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Picture to write: .png, .svg or .pdf.", dir_okay=False, rich_help_panel=_OUTPUT)
    ] = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Print standard errors, p-values and confidence intervals, too. Of fits without penalties.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    vcov: Annotated[
        Literal["iid", "HC0", "HC1"] | None,
        typer.Option(
            help="What they take residuals for: of one variance (iid), or not (White's); with --summary.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Column that says which rows belong together, for --summary: residuals may be alike within a cluster.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    json: _Json = False,
) -> None:
    """Fit a linear model to a table."""
    if vcov is not None and not summary:
        raise fail("--vcov says what the standard errors of --summary are: write --summary as well")
    if cluster is not None and (vcov is not None or not summary):
        raise fail("--cluster is for the standard errors of --summary: write --summary as well, and leave out --vcov")
    if training.path is not None and summary:
        raise fail("--folds chooses a penalty, and no standard errors are known of what it leaves: leave out --summary")
    kind = "cluster" if cluster is not None else vcov or "iid"
    outputs = Outputs(model, chart, kind if summary else None, json)
    if moments_command.are_moments(data):
        moments_command.fit(data, Data(data[0], csv=csv, cluster=cluster, **table), training, outputs)
        return
    chosen = Data(data[0], csv=csv, cluster=cluster, **table)
    in_pieces = are_scanned(data, chosen, whole=training.held_out is not None)
    run = scanned.fit if in_pieces else fit_command.run
    run(data, chosen, outputs, training)


@app.command()
@takes(table=COLUMNS, csv=CSV)
def moments(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Table to read: .csv, .csv.gz, .tsv, .parquet, or .npy; or several files, or a pattern.",
            readable=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .gdm.", dir_okay=False)],
    table: dict[str, Any],
    csv: CsvOptions,
    json: _Json = False,
) -> None:
    """Write the moments of a table: all that a fit needs of it. `gdfast fit day*.gdm` adds such files up."""
    chosen = Data(data[0], csv=csv, **table)
    if are_scanned(data, chosen):
        scanned.moments(data, chosen, output, json=json)
    else:
        moments_command.write(chosen, output, json=json)


@app.command()
@takes(csv=CSV)
def predict(
    model: Annotated[Path, typer.Argument(help="Model file that gdfast fit wrote.", readable=False)],
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Table with the model's columns, in any order and among others; or several files, or a pattern.",
            readable=False,
        ),
    ],
    csv: CsvOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write: .csv, .npy or .parquet. Printed by default.", dir_okay=False
        ),
    ] = None,
    json: _Json = False,
) -> None:
    """Predict with a model, and say how well it does where the table has the target too."""
    if are_scanned(data, whole=csv != PLAIN or (json and output is None)):
        scanned_prediction.run(model, data, output=output, csv=csv, json=json)
    else:
        predict_command.run(model, data[0], output=output, csv=csv, json=json)


@app.command()
def tutorial(
    backend: Annotated[str, typer.Option(help="native, numpy, torch, or all of them in turn.")] = "native",
    json: _Json = False,
) -> None:
    """Train the tutorial's model twice: with the gradient written by hand, and with autograd's."""
    tutorial_command.show(backend, json=json)


@app.command()
def info(json: _Json = False) -> None:
    """Show version, compiler, instruction sets, threads and caches."""
    if json:
        as_json.show(gdfast.config())
    else:
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
    path: Annotated[
        bool, typer.Option("--path", help="Cross-validated paths of penalties beside scikit-learn's.")
    ] = False,
    scale: Annotated[
        bool, typer.Option("--scale", help="Fits of Parquet files beside reading them, and beside what else does it.")
    ] = False,
    gigabytes: Annotated[float, typer.Option(min=0.001, help="Of the files of --scale, as float64.")] = 1.0,
    output: Annotated[
        Path | None, typer.Option(help="JSON file to write; the chart goes beside it as .png.", dir_okay=False)
    ] = None,
    json: _Json = False,
) -> None:
    """Check gdfast and its rivals against float64, then time them side by side."""
    if roofline + targets + time_to_loss + path + scale > 1:
        raise fail("--roofline, --targets, --time-to-loss, --path and --scale are five reports: ask for one at a time")
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        if roofline:
            written = bench_command.roofline(output, quick=quick)
        elif targets:
            written = bench_command.targets(output, quick=quick)
        elif time_to_loss:
            written = bench_command.time_to_loss(output, quick=quick)
        elif path:
            written = bench_command.paths(output, quick=quick)
        elif scale:
            written = bench_command.scale(output, gigabytes=gigabytes, quick=quick)
        else:
            written = bench_command.compare(
                output, dtype=dtype, order=order, threads=threads, shapes=shapes, seconds=seconds, quick=quick
            )
    if json:
        as_json.show(as_json.of_file(written))
