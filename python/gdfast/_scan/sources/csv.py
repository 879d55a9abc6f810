"""CSV files, in blocks of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gdfast._scan.arrow import Storage, pyarrow, storage
from gdfast._scan.pieces import Wanted
from gdfast._scan.sources.files import Unit, unreadable
from gdfast._scan.sources.stamp import stamp

BLOCK_BYTES = 2**22  # of text that is read and parsed together


class CsvFile:
    """See `File`. The first block says which columns are numbers; these are read as float64 all the way."""

    rows: int | None = None

    def __init__(self, path: Path) -> None:
        self.path, self.stamp = path, stamp(path)
        if not self.stamp.size:
            raise ValueError(f"{path} is empty: not even a line with the names of columns is in it")
        try:
            with self.open() as file:
                self.names = tuple(file.schema.names)
                self.kinds = dict(zip(self.names, file.schema.types, strict=True))
        except Exception as error:
            raise self.unreadable(error) from None

    def unreadable(self, error: Exception) -> ValueError:
        """What is said of a file that can't be read."""
        return unreadable(self.path, error)

    def storage(self, name: str) -> Storage:
        """See `File`: whole numbers are float64, for a later one may have decimals; so is what is empty at first."""
        types = pyarrow().types
        kind = self.kinds[name]
        if types.is_integer(kind) or types.is_null(kind):
            return np.dtype(np.float64)
        return storage(kind)

    @contextmanager
    def open(self, **convert: Any) -> Iterator[Any]:
        """The file, to be read in blocks; `convert` are pyarrow's options on columns and their types."""
        csv = pyarrow("pyarrow.csv")
        options = csv.ConvertOptions(**convert)
        with csv.open_csv(self.path, csv.ReadOptions(block_size=BLOCK_BYTES), convert_options=options) as file:
            yield file

    def kind(self, name: str) -> Any:
        """The type of Arrow's that a column is read as."""
        arrow = pyarrow()
        return self.kinds[name] if arrow.types.is_boolean(self.kinds[name]) else arrow.float64()

    def units(self, wanted: Wanted) -> Iterator[Unit]:
        """See `File`."""
        kinds = {name: self.kind(name) for name in wanted.every}
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self.open(column_types=kinds, include_columns=wanted.every))
            except Exception as error:
                raise self._named(error) from None
            yield Unit(str(self.path), wanted.piece_rows, self._batches(file), self.stamp.size)

    def _batches(self, file: Any) -> Iterator[Any]:
        batches = iter(file)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception as error:
                raise self._named(error) from None
            yield batch

    def _named(self, error: Exception) -> ValueError:
        """The error with the name of the column that it is about."""
        found = re.search(r"In CSV column #(\d+):? *(.*)", str(error).splitlines()[0] if str(error) else "")
        if found is None:
            return self.unreadable(error)
        return self.no_number(self.names[int(found[1])], found[2])

    def no_number(self, name: str, reason: str) -> ValueError:
        """What is said of a column that was of numbers at first."""
        return ValueError(f"{self.path}: column {name!r} can't be read as numbers: {reason}")
