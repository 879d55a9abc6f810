"""Parquet files, by row groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gdfast._scan.arrow import Storage, equal_parts, pyarrow, storage
from gdfast._scan.pieces import Wanted
from gdfast._scan.sources.files import Unit, unreadable
from gdfast._scan.sources.stamp import stamp


class ParquetFile:
    """See `File`."""

    def __init__(self, path: Path) -> None:
        parquet = pyarrow("pyarrow.parquet")
        self.path, self.stamp = path, stamp(path)
        try:
            with parquet.ParquetFile(path) as file:
                self.metadata, schema = file.metadata, file.schema_arrow
        except Exception as error:
            raise unreadable(path, error) from None
        self.names = tuple(schema.names)
        self.kinds = dict(zip(schema.names, schema.types, strict=True))
        self.rows: int | None = self.metadata.num_rows

    def storage(self, name: str) -> Storage:
        """See `File`."""
        return storage(self.kinds[name])

    def units(self, wanted: Wanted) -> Iterator[Unit]:
        """See `File`."""
        parquet = pyarrow("pyarrow.parquet")
        sizes = self._sizes(set(wanted.every))
        try:
            # The chunks of a row group are read at once, and one row group after another.
            file = parquet.ParquetFile(self.path, pre_buffer=True)
        except Exception as error:
            raise unreadable(self.path, error) from None
        with file:
            for i in range(self.metadata.num_row_groups):
                rows = self.metadata.row_group(i).num_rows
                if rows:
                    part = equal_parts(rows, wanted.unit_rows)
                    yield Unit(f"{self.path}, row group {i}", part, self._batches(file, i, wanted, part), sizes[i])

    def _batches(self, file: Any, i: int, wanted: Wanted, part: int) -> Iterator[Any]:
        rows = self.metadata.row_group(i).num_rows
        if rows == part:
            batches = (file.read_row_group(i, wanted.every) for _ in range(1))  # which is the quicker way
        else:
            batches = file.iter_batches(part, row_groups=[i], columns=wanted.every)
        count = 0
        for batch in batches:
            count += batch.num_rows
            yield batch
        if count != rows:
            raise ValueError(f"{self.path}, row group {i} has {count:,} rows, and {rows:,} by its metadata")

    def _sizes(self, names: set[str]) -> list[int]:
        """Bytes of each row group's chunks of these columns in the file."""
        groups = map(self.metadata.row_group, range(self.metadata.num_row_groups))
        return [
            sum(
                chunk.total_compressed_size
                for chunk in map(group.column, range(group.num_columns))
                if chunk.path_in_schema in names
            )
            for group in groups
        ]
