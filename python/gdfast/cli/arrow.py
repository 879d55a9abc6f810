"""CSV and Parquet files, which pyarrow reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from pyarrow import parquet as pq

from gdfast.cli.tables import TableError

Array = NDArray[Any]

LOOKED_THROUGH = 100_000  # values of a text column among which the first that is no number is looked for


class CsvTable:
    """A table in a CSV file, compressed or not."""

    def __init__(self, path: Path, delimiter: str, header: bool) -> None:
        self.path = path
        self.parse = csv.ParseOptions(delimiter=delimiter)
        try:
            reader = csv.open_csv(path, csv.ReadOptions(autogenerate_column_names=not header), self.parse)
        except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
            raise TableError(f"{path} can't be read as CSV: {_first_line(error)}") from None
        self.names = tuple(reader.schema.names)
        reader.close()
        if not header:
            self.names = tuple(map(str, range(len(self.names))))
        elif all(map(_is_number, self.names)) and self.names != tuple(map(str, range(len(self.names)))):
            raise TableError(
                f"the first line of {path} has numbers ({', '.join(self.names[:3])}) where names of columns are "
                "expected: --no-header takes it as data"
            )
        if len(self.names) == 1:
            for other, option in ((";", "';'"), ("\t", "$'\\t'")):
                if delimiter != other and other in self.names[0]:
                    raise TableError(f"{path} has one column, {self.names[0]!r}: did you mean --delimiter {option}?")
        self.options = csv.ReadOptions(column_names=list(self.names), skip_rows=1 if header else 0)

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """See `gdfast.cli.tables.Table`."""
        convert = csv.ConvertOptions(include_columns=list(names))
        try:
            table = csv.read_csv(self.path, self.options, self.parse, convert)
        except (pa.ArrowInvalid, OSError) as error:
            raise TableError(f"{self.path} can't be read as CSV: {_first_line(error)}") from None
        return _matrix(self.path, table, dtype)


class ParquetTable:
    """A table in a Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise TableError(f"{path} can't be read as Parquet: {_first_line(error)}") from None
        self.names = tuple(self.file.schema_arrow.names)

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """See `gdfast.cli.tables.Table`."""
        try:
            table = self.file.read(columns=list(names)).select(list(names))
        except (pa.ArrowInvalid, OSError) as error:
            raise TableError(f"{self.path} can't be read as Parquet: {_first_line(error)}") from None
        return _matrix(self.path, table, dtype)


def write_predictions(path: Path, y_pred: Array) -> None:
    """A CSV file of one column, `prediction`, whose numbers read back as the same."""
    csv.write_csv(pa.table({"prediction": pa.array(y_pred, from_pandas=True)}), path)


def _matrix(path: Path, table: pa.Table, dtype: np.dtype[Any] | None) -> Array:
    if table.num_rows == 0:
        raise TableError(f"{path} has no rows")
    if dtype is None:
        single = all(field.type in (pa.float32(), pa.float16()) for field in table.schema)
        dtype = np.dtype(np.float32 if single else np.float64)
    # Column by column, in the order in which both formats keep them: gdfast reads such a matrix as it is.
    matrix = np.empty((table.num_rows, table.num_columns), dtype, order="F")
    for j, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        _refuse_what_is_no_number(path, name, column)
        start = 0
        for chunk in column.chunks:
            numbers = chunk if pa.types.is_floating(chunk.type) else chunk.cast(pa.float64(), safe=False)
            matrix[start : start + len(chunk), j] = numbers.to_numpy(zero_copy_only=False)
            start += len(chunk)
    return matrix


def _refuse_what_is_no_number(path: Path, name: str, column: pa.ChunkedArray) -> None:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    what = f"values of type {kind}"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        what = "text"
        for row, value in enumerate(column.slice(0, LOOKED_THROUGH).to_pylist()):
            if value is not None and not _is_number(value):
                what = f"text ({value[:40]!r} in row {row + 1:,})"
                break
    raise TableError(
        f"column {name!r} of {path} holds {what}, accepted are numbers and booleans: --exclude {name} leaves it out"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
