"""Files that are read in pieces, with the care that a file gets which is read as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gdfast._scan.arrow import Storage
from gdfast._scan.choice import FLOAT32, FLOAT64
from gdfast._scan.pieces import Wanted
from gdfast._scan.sources import TABLES, Opens, open_files
from gdfast._scan.sources.files import FileSource, Unit
from gdfast._scan.sources.npy import NpyFile, NpySource
from gdfast.cli import integers
from gdfast.cli.arrow import INDEX
from gdfast.cli.console import printable
from gdfast.cli.csv_pieces import CsvPieces
from gdfast.cli.csv_table import PLAIN, CsvOptions
from gdfast.cli.tables import Array, BadColumn, ColumnsError, TableError, listed
from gdfast.cli.text import SHOWN, no_numbers

HALF = np.dtype(np.float16)


class Look:
    """What is looked for while files are read, and what it is called in messages; the files of a command share it."""

    used: Sequence[str] = ()  # columns of numbers
    label: str | None = None  # a column of any kind, of which it is wanted where values are equal
    widened = False  # columns of float32 are read as float64
    optional: str | None = None  # a column that isn't needed: where it holds no numbers, `unread` says so
    unread: str | None = None

    def __init__(self) -> None:
        # What is said of integers that would collapse, and of text.
        self.collapsed: Callable[[integers.CollapsedError], str] = str
        self.no_numbers: Callable[[ColumnsError], str] = str
        self._seen: dict[str, integers.Seen] = {}
        self._labels: dict[Any, int] = {}

    def refuse_collapsed(self, path: Path, name: str, values: Any) -> None:
        """Raise where integers of this column would become the same float64, in all pieces so far."""
        seen = self._seen.setdefault(name, integers.Seen(name))
        try:
            if isinstance(values, np.ndarray):
                seen.add(path, values)
            else:
                seen.refuse_collapsed(path, values)
        except integers.CollapsedError as error:
            raise TableError(self.collapsed(error)) from None

    def numbered(self, path: Path, column: Any) -> pa.Array:
        """A number for each row: equal ones where the values are equal, in all pieces."""
        if column.null_count:
            name = listed([self.label or ""])
            raise TableError(f"{path} has no value of column {name} in some rows, and each row needs one")
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        values = pc.unique(column)
        known = np.array([self._labels.setdefault(value, len(self._labels)) for value in values.to_pylist()], np.int64)
        places = pc.index_in(column, value_set=values)
        places = places.combine_chunks() if isinstance(places, pa.ChunkedArray) else places
        return pa.array(known[places.to_numpy()])


class TableFile:
    """A file of a table; see `gdfast._scan.sources.files.File`."""

    def __init__(self, file: Any, look: Look) -> None:
        self.file, self.look = file, look
        self.path, self.stamp, self.names = file.path, file.stamp, file.names
        self.rows: int | None = file.rows
        self.in_file: int | None = file.rows  # known of CSV files once they have been read
        self._count = 0
        self._looked_at: set[str] = set()  # columns, from beginning to end

    @property
    def index(self) -> str | None:
        """See `gdfast.cli.tables.Table`."""
        if isinstance(self.file, CsvPieces):
            return self.file.table.index
        return INDEX if INDEX in self.names else None

    @property
    def note(self) -> str | None:
        """See `gdfast.cli.tables.Table`."""
        return self.file.table.note if isinstance(self.file, CsvPieces) else None

    def storage(self, name: str) -> Storage:
        """See `File`."""
        if name in self._as_text():
            return FLOAT64
        kind = self.file.kinds[name]
        if pa.types.is_null(kind) or (name == self.look.label and not pa.types.is_floating(kind)):
            return FLOAT64
        found: Storage = self.file.storage(name)
        return FLOAT64 if self.look.widened and found in (HALF, FLOAT32) else found

    def units(self, wanted: Wanted) -> Iterator[Unit]:
        """See `File`."""
        if isinstance(self.file, CsvPieces):
            self.file.as_text = self._as_text()
        self._count = 0
        for unit in self.file.units(wanted):
            yield unit._replace(batches=self._batches(self._readable(unit.batches), wanted.every))
        self.in_file = self._count
        self._looked_at.update(wanted.every)

    def _readable(self, batches: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from batches
        except ColumnsError as error:  # text further down
            raise TableError(self.look.no_numbers(error)) from None

    def _as_text(self) -> list[str]:
        if not isinstance(self.file, CsvPieces):
            return []
        asked = (self.look.label, self.look.optional)
        return [name for name in asked if name is not None and not pa.types.is_boolean(self.file.kinds[name])]

    def _batches(self, batches: Iterator[Any], names: Sequence[str]) -> Iterator[Any]:
        for batch in batches:
            for name in names:
                column = batch.column(name)
                if name == self.look.label and not pa.types.is_floating(column.type):
                    batch = _with(batch, name, self.look.numbered(self.path, column))
                elif pa.types.is_null(column.type):
                    batch = _with(batch, name, column.cast(pa.float64()))
                elif pa.types.is_large_string(column.type):
                    batch = _with(batch, name, self._numbers(name, column))
                elif name not in self._looked_at:
                    self._refuse_collapsed(name, column)
            self._count += batch.num_rows
            yield batch

    def refuse_text(self, names: Sequence[str]) -> None:
        """Raise if one of these columns begins with something else than numbers, where an option may read it."""
        if not isinstance(self.file, CsvPieces):
            return
        bad = [name for name in names if isinstance(self.storage(name), str)]
        if bad:
            raise TableError(self.look.no_numbers(self.file.no_numbers(bad)))

    def _numbers(self, name: str, column: Any) -> Any:
        """The numbers in the text of a column that isn't needed; nulls where it isn't of numbers alone."""
        decimal = self.file.table.options.decimal
        first, _, _ = no_numbers(pa.chunked_array([column]), decimal)
        if first is None:
            text = pc.replace_substring(pc.utf8_trim_whitespace(column), decimal, ".")
            return text.cast(pa.float64())
        row, value = first
        bad = BadColumn(name, f"text ('{printable(value[:SHOWN])}' in row {self._count + row:,})")
        self.look.unread = self.look.unread or str(ColumnsError(self.path, [bad]))
        return pa.nulls(len(column), pa.float64())

    def _refuse_collapsed(self, name: str, column: Any) -> None:
        if not isinstance(self.file, CsvPieces):
            self.look.refuse_collapsed(self.path, name, column)
        elif pa.types.is_floating(column.type) and _beyond(column):
            self._looked_at.add(name)
            for texts in self.file.texts(name):  # integers have lost their digits in what was read
                self.look.refuse_collapsed(self.path, name, texts)


class MatrixFile(NpyFile):
    """A file of a matrix."""

    def __init__(self, file: NpyFile, look: Look) -> None:
        vars(self).update(vars(file))
        self.look = look

    @property
    def in_file(self) -> int:
        """How many rows there are."""
        return int(self.n)

    def rows(self, handle: int, start: int, count: int) -> Array:
        """See `NpyFile`."""
        found = super().rows(handle, start, count)
        if self.dtype.kind in "iu" and self.dtype.itemsize == 8:
            for name in self.look.used:
                self.look.refuse_collapsed(self.path, name, found[:, int(name)])
        return found


def open_pieces(paths: Sequence[Path], csv: CsvOptions, wanted: Sequence[str], look: Look) -> FileSource | NpySource:
    """These files, and those that patterns among them mean.

    Raises
    ------
    ValueError
        When there are no such files, or no tables in them.
    """
    kinds: dict[str, Opens] = {**TABLES, ".csv": partial(CsvPieces, options=csv, wanted=wanted)}
    tables = {suffix: partial(_table, opened, look) for suffix, opened in kinds.items()}
    source = open_files(paths, tables)
    if isinstance(source, NpySource):
        source.files = [MatrixFile(file, look) for file in source.files]
    if csv != PLAIN and not source.files[0].path.name.lower().endswith(".csv"):
        raise TableError(f"options about CSV files are for such files, and {source.files[0].path} is none")
    return source


def _table(opened: Opens, look: Look, path: Path) -> TableFile:
    return TableFile(opened(path), look)


def _with(batch: Any, name: str, column: Any) -> pa.Table:
    table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
    return table.set_column(table.column_names.index(name), name, column)


def _beyond(column: Any) -> bool:
    ends = pc.min_max(column).values()
    return any(end.is_valid and abs(end.as_py()) >= integers.LARGEST for end in ends)
