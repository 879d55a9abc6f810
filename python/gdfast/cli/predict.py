"""``gdfast predict``: a model's predictions for a table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import typer

from gdfast._scan import prediction
from gdfast.cli import as_json, model, names, tables
from gdfast.cli.console import fail, note, printable, stdout_is_closed
from gdfast.cli.csv_table import CsvOptions
from gdfast.cli.hand_out import check_output
from gdfast.cli.integers import CollapsedError
from gdfast.cli.model import Model
from gdfast.cli.open_table import open_table
from gdfast.cli.score import Score, score
from gdfast.cli.tables import Array, Table, TableError, listed


def run(model_path: Path, path: Path, *, output: Path | None, csv: CsvOptions, json: bool = False) -> None:
    """Print the predictions, one a line, or write them: as many as the table has rows.

    Where the table has the model's target as well, loss and R² are printed: to stderr, if stdout takes the predictions.
    """
    if output is None and stdout_is_closed():
        raise fail("stdout is closed, and the predictions would go there: name a file with --output", status=1)
    check_output(output, "--output", prediction.SUFFIXES)
    try:
        loaded = model.load(model_path)
        table = open_table(path, csv, loaded.names)
        x = _columns(loaded, table, model_path)
    except (model.ModelError, TableError) as error:
        raise fail(str(error)) from None

    y_pred = loaded.predict(x)
    if output is not None or not json:
        _write(y_pred, output)
    if table.note:
        note(table.note)
    missing = int(np.isnan(x).any(axis=1).sum())
    if missing:
        have = "1 row has" if missing == 1 else f"{missing:,} rows have"
        note(f"{have} missing values, and nan for a prediction")
    scored = _scored(loaded, table, x) if loaded.target in table.names else None
    if json:
        _print_json(loaded, y_pred, missing, scored, output)
        return
    if scored is not None:
        result, rows = scored
        text = f"loss {result.loss:.6g}, R² {result.r2_text} on {rows:,} row{'' if rows == 1 else 's'}"
        typer.echo(text, err=output is None)
    if output is not None:
        typer.echo(printable(f"Written: {output} ({len(y_pred):,} predictions of {listed([loaded.target])})"))


def _columns(loaded: Model, table: Table, model_path: Path) -> Array:
    """What the model predicts from."""
    missing = [name for name in loaded.names if name not in table.names]
    if missing:
        raise TableError(
            f"{table.path} lacks what {model_path} predicts from: {listed(missing)}; it has {listed(table.names)}"
        )
    names.refuse_twice(table, loaded.names, can_leave_out=False)
    try:
        return table.matrix(loaded.names, loaded.w.dtype)
    except tables.ColumnsError as error:
        raise TableError(no_numbers(model_path, error)) from None
    except CollapsedError as error:
        raise TableError(collapsed(error)) from None


def no_numbers(model_path: Path, error: tables.ColumnsError) -> str:
    """What to do about columns of text."""
    readable = [column.name for column in error.bad if column.can_be_read]
    advice = f": {error.options()} reads {listed(readable)}{error.example()}" if readable else ""
    return f"{error.found}, and {model_path} predicts from numbers{advice}"


def collapsed(error: CollapsedError) -> str:
    """What to do about integers that float64 can't tell apart."""
    return f"{error}: subtract a number from the column, here and where the model learned"


def _write(y_pred: Array, output: Path | None) -> None:
    try:
        if output is None:
            sys.stdout.writelines(f"{value}\n" for value in y_pred.tolist())
        else:
            prediction.write(output, [y_pred])
    except OSError as error:
        raise fail(f"--output: {str(output)!r} is not written: {error.strerror or error}", status=1) from None


def _print_json(
    loaded: Model, y_pred: Array, missing: int, scored: tuple[Score, int] | None, output: Path | None
) -> None:
    """The predictions are in it where they aren't in a file."""
    found = {"target": loaded.target, "rows": len(y_pred), "rows_with_missing_values": missing}
    if scored is not None:
        result, rows = scored
        found |= {"loss": result.loss, "r2": result.r2, "rows_with_target": rows}
    as_json.show(found | ({"predictions": y_pred} if output is None else {"written": [str(output)]}))


def _scored(loaded: Model, table: Table, x: Array) -> tuple[Score, int] | None:
    """Of the rows where neither the target nor a column is missing, and how many these are."""
    try:
        y = table.matrix([loaded.target], loaded.w.dtype)[:, 0]
    except TableError as error:
        note(f"no loss, since {error}")
        return None
    known = np.isfinite(y) & np.isfinite(x).all(axis=1)
    if not known.all():
        x, y = x[known], y[known]
    return (score(x, y, loaded.w, loaded.b), len(y)) if len(y) else None
