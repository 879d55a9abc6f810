"""``gdfast predict``: a model's predictions for a table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import typer

from gdfast.cli import model, tables
from gdfast.cli.console import fail
from gdfast.cli.model import Model
from gdfast.cli.score import score

SUFFIXES = (".csv", ".npy")


def run(model_path: Path, path: Path, *, output: Path | None, delimiter: str, header: bool) -> None:
    """Print the predictions, one a line, or write them.

    Where the table has the model's target as well, loss and R² are printed: to stderr, if stdout takes the predictions.
    """
    if output is not None:
        if output.suffix not in SUFFIXES:
            raise fail(f"--output: {str(output)!r} has to end in .csv or .npy")
        if not output.parent.is_dir():
            raise fail(f"--output: there is no folder {str(output.parent)!r}")
    try:
        loaded = model.load(model_path)
        table = tables.open_table(path, delimiter=delimiter, header=header)
        x = table.matrix(_names(loaded, table, model_path), loaded.w.dtype)
    except (model.ModelError, tables.TableError) as error:
        raise fail(str(error)) from None

    y_pred = loaded.predict(x)
    _write(y_pred, output)
    missing = int(np.isnan(x).any(axis=1).sum())
    if missing:
        rows = "1 row has" if missing == 1 else f"{missing:,} rows have"
        typer.echo(f"gdfast: {rows} missing values, and nan for a prediction", err=True)
    if loaded.target in table.names:
        _print_score(loaded, table, x, to_stderr=output is None)
    if output is not None:
        typer.echo(f"Written: {output} ({len(y_pred):,} predictions of {loaded.target!r})")


def _names(loaded: Model, table: tables.Table, model_path: Path) -> tuple[str, ...]:
    missing = [name for name in loaded.names if name not in table.names]
    if missing:
        raise tables.TableError(
            f"{table.path} lacks what {model_path} predicts from: {tables.listed(missing)}; "
            f"it has {tables.listed(table.names)}"
        )
    return loaded.names


def _write(y_pred: tables.Array, output: Path | None) -> None:
    try:
        if output is None:
            sys.stdout.writelines(f"{value}\n" for value in y_pred.tolist())
        elif output.suffix == ".npy":
            np.save(output, y_pred)
        else:
            from gdfast.cli.arrow import write_predictions

            write_predictions(output, y_pred)
    except BrokenPipeError:
        raise typer.Exit(1) from None
    except OSError as error:
        raise fail(f"not written: {error}", status=1) from None


def _print_score(loaded: Model, table: tables.Table, x: tables.Array, *, to_stderr: bool) -> None:
    """Of the rows where neither the target nor a column is missing."""
    try:
        y = table.matrix([loaded.target], loaded.w.dtype)[:, 0]
    except tables.TableError as error:
        typer.echo(f"gdfast: no loss, since {error}", err=True)
        return
    known = np.isfinite(y) & np.isfinite(x).all(axis=1)
    if not known.all():
        x, y = x[known], y[known]
    if len(y):
        result = score(x, y, loaded.w, loaded.b)
        typer.echo(
            f"loss {result.loss:.6g}, R² {result.r2_text} on {len(y):,} row{'' if len(y) == 1 else 's'}", err=to_stderr
        )
