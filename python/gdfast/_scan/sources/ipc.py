"""Arrow IPC files (Feather), by record batches, through a memory map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gdfast._scan.arrow import Storage, equal_parts, pyarrow, storage
from gdfast._scan.pieces import Wanted
from gdfast._scan.sources.files import Unit, unreadable
from gdfast._scan.sources.stamp import stamp


class IpcFile:
    """See `File`."""

    def __init__(self, path: Path) -> None:
        ipc = pyarrow("pyarrow.ipc")
        self.path, self.stamp = path, stamp(path)
        try:
            with pyarrow().memory_map(str(path)) as mapped, ipc.open_file(mapped) as file:
                self.names, kinds = tuple(file.schema.names), file.schema.types
                self.counts = [file.get_batch(i).num_rows for i in range(file.num_record_batches)]
        except Exception as error:
            raise unreadable(path, error) from None
        self.kinds = dict(zip(self.names, kinds, strict=True))
        self.rows: int | None = sum(self.counts)

    def storage(self, name: str) -> Storage:
        """See `File`."""
        return storage(self.kinds[name])

    def units(self, wanted: Wanted) -> Iterator[Unit]:
        """See `File`."""
        ipc = pyarrow("pyarrow.ipc")
        columns = sorted(self.names.index(name) for name in wanted.every)  # others aren't even unpacked
        try:
            mapped = pyarrow().memory_map(str(self.path))
            file = ipc.open_file(mapped, options=ipc.IpcReadOptions(included_fields=columns))
        except Exception as error:
            raise unreadable(self.path, error) from None
        with mapped, file:
            for i, rows in enumerate(self.counts):
                if not rows:
                    continue
                where = f"{self.path}, record batch {i}"
                try:
                    batch = file.get_batch(i)
                except Exception as error:
                    raise unreadable(where, error) from None
                yield Unit(where, equal_parts(rows, wanted.unit_rows), iter([batch]), batch.nbytes)
