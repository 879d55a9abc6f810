"""CSV files, read by pyarrow."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from gdfast.cli import csv_head, integers
from gdfast.cli.arrow import first_line, labels, matrix
from gdfast.cli.console import printable
from gdfast.cli.names import IS_COMMENT
from gdfast.cli.shell import option
from gdfast.cli.tables import BadColumn, ColumnsError, TableError, listed

Array = NDArray[Any]

INDEX = ("", "Unnamed: 0")  # what an index is called by whoever wrote it without a name, and by pandas that read it

_RAGGED = re.compile(r"Expected (\d+) columns, got (\d+): (.*)")

# pyarrow reads files in blocks, and a line must fit into one: what doesn't is read again in larger ones.
BLOCKS = (2**20, 2**30)


class CsvOptions(NamedTuple):
    """How a CSV file is written."""

    delimiter: str | None = None  # found in the file
    header: bool | None = None  # the first line has names, unless it has numbers
    encoding: str | None = None  # UTF-8, or what a byte order mark says
    decimal: str = "."
    missing: tuple[str, ...] = ()  # words for missing values, beside the usual ones


PLAIN = CsvOptions()


class CsvTable:
    """A table in a CSV file, compressed or not.

    Parameters
    ----------
    path : Path
    options : CsvOptions
    wanted : sequence of str
        Names of columns that somebody asks for: a first line of numbers that has them is one of names.
    """

    def __init__(self, path: Path, options: CsvOptions, wanted: Sequence[str] = ()) -> None:
        self.path, self.options = path, options
        self.head = self._reading(lambda: csv_head.head(path, options.encoding, options.delimiter))
        first = self.head.first
        self.header, self.note = _has_names(path, first, options.header, wanted)
        self.names = first if self.header else tuple(map(str, range(len(first))))
        self.index = self.names[0] if self.header and len(first) > 1 and first[0] in INDEX else None
        if len(first) == 1 and options.delimiter is not None:
            for other in csv_head.DELIMITERS:
                if other in first[0]:
                    advice = option("--delimiter", other)
                    raise TableError(f"{path} has one column, {listed(first)}: did you mean {advice}?")

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """See `gdfast.cli.tables.Table`."""
        table = self._read(names, None)
        try:
            numbers = matrix(self.path, names, table, dtype, self.options.decimal)
        except ColumnsError as error:
            raise self.no_numbers(error.bad) from None
        # Text of more digits than a 64-bit integer has was read as floating point.
        doubtful = [
            name
            for j, (name, column) in enumerate(zip(names, table.columns, strict=True))
            if pa.types.is_floating(column.type) and np.any(np.abs(numbers[:, j]) >= integers.LARGEST)
        ]
        if doubtful:
            for name, column in zip(doubtful, self._read(doubtful, pa.large_string()).columns, strict=True):
                integers.refuse_collapsed(self.path, name, column)
        return numbers

    def labels(self, name: str) -> Array:
        """See `gdfast.cli.tables.Table`."""
        return labels(self.path, name, self._read([name], pa.large_string()).column(0))

    def no_numbers(self, bad: Sequence[BadColumn]) -> ColumnsError:
        """The error about such columns."""
        if "," in (self.head.delimiter, self.options.decimal):  # else decimal marks are as likely
            bad = [column.of_thousands() for column in bad]
        error = ColumnsError(self.path, bad)
        error.delimiter = "" if self.options.delimiter else self.head.delimiter
        return error

    def _read(self, names: Sequence[str], kind: pa.DataType | None) -> pa.Table:
        """Columns by position, since names may stand twice; of a type found in the values, if `kind` is None."""
        every = [str(j) for j in range(len(self.names))]
        chosen = [every[self.names.index(name)] for name in names]
        types = None if kind is None else dict.fromkeys(chosen, kind)
        convert = self.convert_options(include_columns=chosen, column_types=types)

        def read(block: int) -> Any:
            with self.rows() as rows, _quiet_about_rows_that_are_no_text():
                options = csv.ReadOptions(column_names=every, block_size=block)
                return csv.read_csv(rows, options, self.parse_options(), convert)

        return self._reading(lambda: _in_larger_and_larger_blocks(read))

    @contextmanager
    def rows(self) -> Iterator[pa.NativeFile]:
        """The text of the file from the first row on, without names."""
        with csv_head.opened(self.path, self.head.encoding) as file:
            file.read(self.head.after if self.header else self.head.before)
            yield file

    def parse_options(self) -> csv.ParseOptions:
        """How pyarrow cuts the text into values."""
        return csv.ParseOptions(
            delimiter=self.head.delimiter, newlines_in_values=True, invalid_row_handler=_skip_blank_lines
        )

    def convert_options(self, **columns: Any) -> csv.ConvertOptions:
        """What pyarrow makes of the values; `columns` says of which, and their types."""
        return csv.ConvertOptions(
            null_values=[*csv.ConvertOptions().null_values, *self.options.missing],
            strings_can_be_null=True,
            decimal_point=self.options.decimal,
            **columns,
        )

    def _reading(self, read: Callable[[], Any]) -> Any:
        """What `read` returns.

        Raises
        ------
        TableError
            Whatever `read` raises: a damaged file makes a library stumble anywhere.
        """
        try:
            return read()
        except TableError:
            raise
        except UnicodeError:
            raise TableError(csv_head.wrong_encoding(self.path, self.options.encoding or "utf-8")) from None
        except Exception as error:
            if str(error) == "Empty CSV file":
                raise TableError(f"{self.path} has no rows") from None
            raise TableError(self.said(error)) from None

    def said(self, error: Exception) -> str:
        """What to say of an error of pyarrow's."""
        said = f"{self.path} can't be read as CSV: {first_line(error)}"
        ragged = _RAGGED.search(said)
        if ragged is None or not hasattr(self, "head"):
            return said
        expected, got, row = ragged.groups()
        delimiter = self.head.delimiter
        if self.head.first[0].startswith("#"):
            return f"{said}; {IS_COMMENT}"
        if int(got) == int(expected) + 1 and row.endswith(delimiter):
            return f"{said}; write the rows without the {printable(delimiter)!r} at their ends"
        return said


def _in_larger_and_larger_blocks(read: Callable[[int], Any]) -> Any:
    *sizes, largest = BLOCKS
    for size in sizes:
        try:
            return read(size)
        except pa.ArrowInvalid:
            continue
    return read(largest)


@contextmanager
def _quiet_about_rows_that_are_no_text() -> Iterator[None]:
    """pyarrow decodes a row of the wrong length before it hands it to Python, and prints what that raises."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


def _skip_blank_lines(row: csv.InvalidRow) -> str:
    return "error" if row.text.strip() else "skip"


def _has_names(path: Path, first: Sequence[str], header: bool | None, wanted: Sequence[str]) -> tuple[bool, str | None]:
    """Whether the first line has names, and what to say about it."""
    numbered = tuple(map(str, range(len(first))))
    if header is not None or not all(map(_is_number, first)) or tuple(first) == numbered:
        return header is not False, None
    shown = ", ".join(first[:3])
    if any(name in first and name not in numbered for name in wanted):
        return True, f"the first line of {path} ({shown}) is taken for names of columns; --no-header takes it for data"
    raise TableError(
        f"the first line of {path} has numbers ({shown}): --header takes them for names of columns, "
        "--no-header for data whose columns are called 0, 1, 2 and so on"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
