"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import gdfast
from gdfast.cli import as_json, csv_head
from gdfast.cli import bench as bench_command
from gdfast.cli import fit as fit_command
from gdfast.cli import moments as moments_command
from gdfast.cli import predict as predict_command
from gdfast.cli import tutorial as tutorial_command
from gdfast.cli.console import fail
from gdfast.cli.csv_table import CsvOptions
from gdfast.cli.data import Data
from gdfast.cli.hand_out import Outputs

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Gradient descent on least squares at the speed at which the machine can read memory.",
)


_DATA, _TRAINING, _STOPPING, _OUTPUT = "Data", "Training", "Penalties and stopping", "Files to write"

_Target = Annotated[
    str | None,
    typer.Option(help="Column to predict; of .npy its index, by default the last.", rich_help_panel=_DATA),
]
_Columns = Annotated[
    list[str] | None,
    typer.Option(help="Columns to predict it from: a,b,c. All others by default.", rich_help_panel=_DATA),
]
_Exclude = Annotated[list[str] | None, typer.Option(help="Columns to leave out: a,b,c.", rich_help_panel=_DATA)]
_Weights = Annotated[str | None, typer.Option(help="Column of sample weights.", rich_help_panel=_DATA)]
_DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Leave out rows with missing values.", rich_help_panel=_DATA)
]
_Dtype = Annotated[
    Literal["f32", "f64"] | None,
    typer.Option(help="Type of the values; f32 by default if all columns are.", rich_help_panel=_DATA),
]
_Delimiter = Annotated[
    str | None,
    typer.Option(help="What stands between the values of a CSV file. Found in it by default.", rich_help_panel=_DATA),
]
_Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether a CSV file begins with the names of its columns. It does by default, and may not be all numbers.",
        rich_help_panel=_DATA,
    ),
]
_Encoding = Annotated[
    str | None, typer.Option(help="Encoding of a CSV file that isn't UTF-8, such as latin-1.", rich_help_panel=_DATA)
]
_Decimal = Annotated[
    Literal[".", ","], typer.Option(help="Decimal mark of the numbers in a CSV file.", rich_help_panel=_DATA)
]
_Missing = Annotated[
    list[str] | None,
    typer.Option(
        help="Words for a missing value in a CSV file, beside NA, nan and null, such as '?'", rich_help_panel=_DATA
    ),
]

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def _csv(
    delimiter: str | None, header: bool | None, encoding: str | None, decimal: str, missing: list[str] | None
) -> CsvOptions:
    if delimiter == "\\t":
        delimiter = "\t"
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
        raise fail(f"--delimiter is {delimiter!r}, accepted is one character of ASCII such as ';'")
    known = None if encoding is None else csv_head.known_encoding(encoding)
    if encoding is not None and known is None:
        raise fail(f"--encoding: no encoding of text is called {encoding!r}; there are utf-8, utf-16, latin-1 and more")
    words = [word for given in missing or () for word in given.split(",")]
    return CsvOptions(delimiter, header, known, decimal, tuple(words))


def _rate(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor auto") from None


@app.command()
def fit(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Table to learn from: .csv, .csv.gz, .tsv, .parquet, or .npy; or files of moments: .gdm.",
            readable=False,
        ),
    ],
    target: _Target = None,
    columns: _Columns = None,
    exclude: _Exclude = None,
    weights: _Weights = None,
    drop_missing: _DropMissing = False,
    dtype: _Dtype = None,
    delimiter: _Delimiter = None,
    header: _Header = None,
    encoding: _Encoding = None,
    decimal: _Decimal = ".",
    missing: _Missing = None,
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
    optimizer: Annotated[
        Literal["auto", "exact", "cg", "gd", "momentum", "nesterov", "adam"],
        typer.Option(
            help="auto: exact, from one read; cg where that takes too much memory, or with --plan stream (nesterov "
            "with --l1); gd where --learning-rate or --batch-size is given.",
            rich_help_panel=_TRAINING,
        ),
    ] = "auto",
    learning_rate: Annotated[
        Any,
        typer.Option(
            parser=_rate,
            metavar="NUMBER|auto",
            help="Length of a step; auto is the safe one.",
            rich_help_panel=_TRAINING,
        ),
    ] = "auto",
    momentum: Annotated[
        float, typer.Option(help="What momentum and nesterov keep of earlier steps.", rich_help_panel=_TRAINING)
    ] = 0.9,
    n_iters: Annotated[
        int, typer.Option(min=0, help="Passes over the data, at most; exact makes one.", rich_help_panel=_TRAINING)
    ] = 1_000,
    tol: Annotated[
        float | None,
        typer.Option(help="Stop when a pass changes the objective by at most this share.", rich_help_panel=_STOPPING),
    ] = None,
    l2: Annotated[
        float, typer.Option(help="Penalty on the squares of the coefficients.", rich_help_panel=_STOPPING)
    ] = 0.0,
    l1: Annotated[
        float, typer.Option(help="Penalty on their absolute values; sets some to 0.", rich_help_panel=_STOPPING)
    ] = 0.0,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Choose the penalty by cross-validation in so many folds of shuffled rows; --chart draws the path.",
            rich_help_panel=_STOPPING,
        ),
    ] = None,
    l1_ratio: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="With --folds: 1 for the lasso (default), 0 for ridge, or between.",
            rich_help_panel=_STOPPING,
        ),
    ] = None,
    rule: Annotated[
        Literal["min", "1se"] | None,
        typer.Option(
            help="With --folds: the penalty of the least loss (default), or the largest within one standard error.",
            rich_help_panel=_STOPPING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Rows of a mini-batch. All by default.", rich_help_panel=_TRAINING)
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Chooses the rows held out and the order of mini-batches.", rich_help_panel=_TRAINING),
    ] = 0,
    standardize: Annotated[
        bool,
        typer.Option(
            help="Descend in columns of mean 0 and deviation 1. The model is in the units of the data.",
            rich_help_panel=_TRAINING,
        ),
    ] = True,
    intercept: Annotated[bool, typer.Option(help="Fit an intercept.", rich_help_panel=_TRAINING)] = True,
    reduction: Annotated[
        Literal["mean", "sum"], typer.Option(help="Mean or sum of the squared residuals.", rich_help_panel=_TRAINING)
    ] = "mean",
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share of the rows to hold out, such as 0.2; descents stop by them.", rich_help_panel=_STOPPING
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(min=1, help="Passes without a lower loss on them before it stops.", rich_help_panel=_STOPPING)
    ] = 10,
    plan: Annotated[
        Literal["auto", "stream", "moments"],
        typer.Option(help="Read the data once a pass, or once in all.", rich_help_panel=_TRAINING),
    ] = "auto",
    backend: Annotated[
        Literal["native", "numpy", "torch"], typer.Option(help="What computes it.", rich_help_panel=_TRAINING)
    ] = "native",
    json: _Json = False,
) -> None:
    """Fit a linear model to a table."""
    if validation is not None and not 0 < validation < 1:
        raise fail(f"--validation is {validation}, accepted is a share between 0 and 1, such as 0.2")
    if vcov is not None and not summary:
        raise fail("--vcov says what the standard errors of --summary are: write --summary as well")
    if cluster is not None and (vcov is not None or not summary):
        raise fail("--cluster is for the standard errors of --summary: write --summary as well, and leave out --vcov")
    if folds is None and (l1_ratio is not None or rule is not None):
        raise fail("--l1-ratio and --rule are about the penalty that --folds chooses: write --folds 5 as well")
    if folds is not None and (l1 or l2 or summary or batch_size or plan == "stream" or reduction == "sum"):
        raise fail(
            "--folds chooses the penalty and solves for the model: leave out --l1, --l2, --summary, --batch-size, "
            "--plan stream and --reduction sum"
        )
    if folds is not None and (optimizer not in ("auto", "exact") or backend != "native"):
        raise fail("--folds solves for the model: leave out --optimizer and --backend")
    csv = _csv(delimiter, header, encoding, decimal, missing)
    options = {
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "momentum": momentum,
        "n_iters": n_iters,
        "tol": tol,
        "l2": l2,
        "l1": l1,
        "batch_size": batch_size,
        "standardize": standardize,
        "fit_intercept": intercept,
        "reduction": reduction,
        "patience": patience,
        "plan": plan,
        "backend": backend,
        "progress": True,
    }
    kind = "cluster" if cluster is not None else vcov or "iid"
    outputs = Outputs(model, chart, kind if summary else None, json)
    if moments_command.are_moments(data):
        of_rows = {
            "--columns": columns,
            "--exclude": exclude,
            "--weights": weights,
            "--cluster": cluster,
            "--drop-missing": drop_missing,
            "--dtype": dtype,
            "--batch-size": batch_size,
            "--folds": folds,
            "--validation": validation,
            "--plan stream": plan == "stream",
        }
        moments_command.fit(data, target, of_rows, outputs, options)
        return
    if len(data) > 1:
        raise fail(f"{data[0]} and {data[1]} are two tables: name one, or moments of them (`gdfast moments`)")
    fit_command.run(
        Data(data[0], target, columns or (), exclude or (), weights, drop_missing, dtype, csv, cluster),
        outputs,
        validation_share=validation,
        seed=seed,
        path_options=None
        if folds is None
        else {"folds": folds, "l1_ratio": 1.0 if l1_ratio is None else l1_ratio, "rule": rule or "min"},
        options=options,
    )


@app.command()
def moments(
    data: Annotated[
        Path, typer.Argument(help="Table to read: .csv, .csv.gz, .tsv, .parquet, or .npy.", readable=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .gdm.", dir_okay=False)],
    target: _Target = None,
    columns: _Columns = None,
    exclude: _Exclude = None,
    weights: _Weights = None,
    drop_missing: _DropMissing = False,
    dtype: _Dtype = None,
    delimiter: _Delimiter = None,
    header: _Header = None,
    encoding: _Encoding = None,
    decimal: _Decimal = ".",
    missing: _Missing = None,
    json: _Json = False,
) -> None:
    """Write the moments of a table: all that a fit needs of it. `gdfast fit day*.gdm` adds such files up."""
    csv = _csv(delimiter, header, encoding, decimal, missing)
    moments_command.write(
        Data(data, target, columns or (), exclude or (), weights, drop_missing, dtype, csv), output, json=json
    )


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Model file that gdfast fit wrote.", readable=False)],
    data: Annotated[
        Path, typer.Argument(help="Table with the model's columns, in any order and among others.", readable=False)
    ],
    output: Annotated[
        Path | None, typer.Option(help="File to write: .csv or .npy. Printed by default.", dir_okay=False)
    ] = None,
    delimiter: _Delimiter = None,
    header: _Header = None,
    encoding: _Encoding = None,
    decimal: _Decimal = ".",
    missing: _Missing = None,
    json: _Json = False,
) -> None:
    """Predict with a model, and say how well it does where the table has the target too."""
    csv = _csv(delimiter, header, encoding, decimal, missing)
    predict_command.run(model, data, output=output, csv=csv, json=json)


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
    output: Annotated[
        Path | None, typer.Option(help="JSON file to write; the chart goes beside it as .png.", dir_okay=False)
    ] = None,
    json: _Json = False,
) -> None:
    """Check gdfast and its rivals against float64, then time them side by side."""
    if roofline + targets + time_to_loss + path > 1:
        raise fail("--roofline, --targets, --time-to-loss and --path are four reports: ask for one at a time")
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        if roofline:
            written = bench_command.roofline(output, quick=quick)
        elif targets:
            written = bench_command.targets(output, quick=quick)
        elif time_to_loss:
            written = bench_command.time_to_loss(output, quick=quick)
        elif path:
            written = bench_command.paths(output, quick=quick)
        else:
            written = bench_command.compare(
                output, dtype=dtype, order=order, threads=threads, shapes=shapes, seconds=seconds, quick=quick
            )
    if json:
        as_json.show(as_json.of_file(written))
