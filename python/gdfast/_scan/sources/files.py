"""Files of tables, one after another as one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from gdfast._scan.arrow import Decoder, Storage, Undecoded, cut
from gdfast._scan.choice import wanted
from gdfast._scan.pieces import Asked, Piece, Wanted
from gdfast._scan.sources.stamp import Stamp
from gdfast.wording import listed


class Unit(NamedTuple):
    """What a file is read by, such as a row group."""

    where: str
    rows: int  # of its pieces, at most
    batches: Iterator[Any]
    disk_bytes: int


class File(Protocol):
    """One file."""

    path: Path
    stamp: Stamp
    names: tuple[str, ...]
    rows: int | None

    def __init__(self, path: Path) -> None: ...

    def storage(self, name: str) -> Storage: ...

    def units(self, wanted: Wanted) -> Iterator[Unit]:
        """Open the file and read it; batches have at least the columns that are wanted."""
        ...


def unreadable(where: object, error: Exception) -> ValueError:
    """What is said where a library can't read a file: damaged files make it stumble anywhere."""
    first = next(iter(str(error).splitlines()), type(error).__name__)
    return ValueError(f"{where} can't be read: {first}")


class FileSource:
    """Files with the same columns."""

    def __init__(self, files: Sequence[File]) -> None:
        self.files = files
        self.names = files[0].names

    def bind(self, asked: Asked) -> BoundFiles:
        """See `Source`."""
        first = self.files[0]
        found = wanted(str(first.path), first.names, asked, first.storage)
        kinds = {name: first.storage(name) for name in found.every}
        for file in self.files[1:]:
            missing = [name for name in found.every if name not in file.names]
            if missing:
                raise ValueError(
                    f"{file.path} lacks column {listed(missing)}, which {first.path} has: it has {listed(file.names)}"
                )
            if asked.columns is None:
                more = [name for name in file.names if name not in first.names]
                if more:
                    raise ValueError(
                        f"{file.path} has column {listed(more)}, which {first.path} hasn't: name the columns of x with "
                        "columns=[…]"
                    )
            for name in found.every:
                kind = file.storage(name)
                if kind != kinds[name]:
                    raise ValueError(
                        f"column {name!r} is {kind} in {file.path} and {kinds[name]} in {first.path}: write it as one "
                        "type in all files"
                    )
        return BoundFiles(self.files, found)


class BoundFiles:
    """Files whose columns are chosen; see `Bound`."""

    one_column = False
    restartable = True

    def __init__(self, files: Sequence[File], wanted: Wanted) -> None:
        self.files, self.wanted = files, wanted
        self.decoder = Decoder(wanted)
        self.names: tuple[str, ...] | None = wanted.x
        self.d, self.dtype = len(wanted.x), wanted.dtype
        self.has_y, self.weighted = wanted.y is not None, wanted.sample_weight is not None
        counts = [file.rows for file in files]
        known = None not in counts and wanted.missing != "drop"
        self.rows = int(np.sum([count or 0 for count in counts])) if known else None

    def read(self) -> Iterator[Undecoded]:
        """See `Bound`."""
        for file in self.files:
            file.stamp.check()
            for unit in file.units(self.wanted):
                try:
                    yield from cut(unit.batches, self.wanted.every, unit.rows, unit.where, unit.disk_bytes)
                except OSError as error:
                    raise unreadable(unit.where, error) from None
            file.stamp.check()

    def piece(self, read: Undecoded) -> Piece:
        """See `Bound`."""
        return self.decoder.piece(read)
