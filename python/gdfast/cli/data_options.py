"""Options that say which columns of a table are meant, and how its file is written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from gdfast.cli import csv_head
from gdfast.cli.console import fail
from gdfast.cli.csv_table import CsvOptions
from gdfast.cli.groups import Group

PANEL = "Data"


def _csv(
    delimiter: Annotated[
        str | None,
        typer.Option(
            help="What stands between the values of a CSV file. Found in it by default.", rich_help_panel=PANEL
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether a CSV file begins with the names of its columns. It does by default, and may not be all "
            "numbers.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of a CSV file that isn't UTF-8, such as latin-1.", rich_help_panel=PANEL),
    ] = None,
    decimal: Annotated[
        Literal[".", ","], typer.Option(help="Decimal mark of the numbers in a CSV file.", rich_help_panel=PANEL)
    ] = ".",
    missing: Annotated[
        list[str] | None,
        typer.Option(
            help="Words for a missing value in a CSV file, beside NA, nan and null, such as '?'", rich_help_panel=PANEL
        ),
    ] = None,
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


def _columns(
    target: Annotated[
        str | None,
        typer.Option(help="Column to predict; of .npy its index, by default the last.", rich_help_panel=PANEL),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns to predict it from: a,b,c. All others by default.", rich_help_panel=PANEL),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Columns to leave out: a,b,c.", rich_help_panel=PANEL)
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Column of sample weights.", rich_help_panel=PANEL)] = None,
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out rows with missing values.", rich_help_panel=PANEL)
    ] = False,
    dtype: Annotated[
        Literal["f32", "f64"] | None,
        typer.Option(help="Type of the values; f32 by default if all columns are.", rich_help_panel=PANEL),
    ] = None,
) -> dict[str, Any]:
    return {
        "target": target,
        "columns": tuple(columns or ()),
        "exclude": tuple(exclude or ()),
        "weights": weights,
        "drop_missing": drop_missing,
        "dtype": dtype,
    }


CSV, COLUMNS = Group(_csv), Group(_columns)
