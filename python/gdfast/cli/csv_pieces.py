"""CSV files in blocks of text, written in all the ways in which one file that is read as a whole may be written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from gdfast._scan.sources.csv import BLOCK_BYTES, CsvFile
from gdfast.cli.csv_table import CsvOptions, CsvTable
from gdfast.cli.tables import BadColumn, ColumnsError, TableError
from gdfast.cli.text import describe, no_numbers


class CsvPieces(CsvFile):
    """See `gdfast._scan.sources.files.File`.

    Parameters
    ----------
    path : Path
    options : CsvOptions
    wanted : sequence of str
        As of `CsvTable`.
    """

    as_text: Collection[str] = ()  # columns that are read as they stand

    def __init__(self, path: Path, options: CsvOptions, wanted: Sequence[str]) -> None:
        self.table = CsvTable(path, options, wanted)
        super().__init__(path)

    @contextmanager
    def open(self, **convert: Any) -> Iterator[Any]:
        """See `CsvFile`."""
        read = csv.ReadOptions(column_names=list(self.table.names), block_size=BLOCK_BYTES)
        options = self.table.convert_options(**convert)
        with self.table.rows() as rows:
            try:
                file = csv.open_csv(rows, read, self.table.parse_options(), options)
            except pa.ArrowInvalid as error:
                if str(error) != "Empty CSV file":
                    raise
                file = _without_rows(self.table.names)
            with file:
                yield file

    def unreadable(self, error: Exception) -> ValueError:
        """See `CsvFile`."""
        return TableError(self.table.said(error))

    def kind(self, name: str) -> Any:
        """See `CsvFile`."""
        return pa.large_string() if name in self.as_text else super().kind(name)

    def no_number(self, name: str, reason: str) -> ValueError:
        """See `CsvFile`."""
        return self.no_numbers([name])

    def no_numbers(self, names: Sequence[str]) -> ColumnsError:
        """What is wrong with columns that hold something else."""
        return self.table.no_numbers([self._first_text(name) for name in names])

    def _first_text(self, name: str) -> BadColumn:
        """By the first block in which there is text."""
        before, decimal = 0, self.table.options.decimal
        try:
            for text in self.texts(name):
                column = pa.chunked_array([text])
                if no_numbers(column, decimal)[0] is not None:
                    return describe(name, column, decimal, before)
                before += len(text)
        except pa.ArrowInvalid:  # it isn't UTF-8
            pass
        return BadColumn(name, "text")

    def texts(self, name: str) -> Iterator[pa.Array]:
        """The values of a column as they stand in the file."""
        with self.open(column_types={name: pa.large_string()}, include_columns=[name]) as file:
            for batch in file:
                yield batch.column(0)


def _without_rows(names: Sequence[str]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(pa.schema([(name, pa.null()) for name in names]), [])
