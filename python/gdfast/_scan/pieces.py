"""What goes over between sources and sums: pieces, the columns that are wanted, and what a pass has read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from gdfast.conversion import Array

# What to do about nulls: refuse them, leave such rows out, or take them for NaN.
Missing = Literal["error", "drop", "nan"]


class Piece(NamedTuple):
    """Consecutive rows. The arrays are valid until the next piece is asked for."""

    x: Array  # (n, d)
    y: Array  # (n,) of x's dtype
    sample_weight: Array | None  # (n,) of x's dtype
    where: str  # for messages: "b.parquet, row group 3"
    disk_bytes: int = 0  # that were read for it
    dropped: int = 0  # rows left out of it, since a number was missing
    number: int = 0  # among all pieces
    start: int = 0  # number of its first row

    @property
    def nbytes(self) -> int:
        s = self.sample_weight
        return self.x.nbytes + self.y.nbytes + (0 if s is None else s.nbytes)


class Asked(NamedTuple):
    """Which columns a user names: those of x (None: all others), y and the weights, by name."""

    columns: tuple[str, ...] | None
    y: str | None
    sample_weight: str | None
    piece_rows: int | None
    missing: Missing


class Wanted(NamedTuple):
    """The columns to read, where a source has names for them."""

    x: tuple[str, ...]
    y: str | None  # None: y comes from elsewhere
    sample_weight: str | None
    dtype: np.dtype[Any]
    piece_rows: int
    unit_rows: int  # a row group or record batch of so many is one piece
    missing: Missing

    @property
    def every(self) -> list[str]:
        return [*self.x, *(name for name in (self.y, self.sample_weight) if name is not None)]


class Bound(Protocol):
    """A source of which it is settled what x, y and weights are."""

    names: tuple[str, ...] | None  # of x's columns
    d: int
    dtype: np.dtype[Any]
    one_column: bool  # x came as (n,)
    has_y: bool
    weighted: bool
    rows: int | None  # None: not known before they are read
    restartable: bool

    def read(self) -> Iterator[Any]:
        """One pass, from the first piece: what a thread reads ahead, of which `piece` makes a piece."""
        ...

    def piece(self, read: Any) -> Piece:
        """The piece of what was read, in the order in which it was."""
        ...


class Source(Protocol):
    """Where pieces come from. Those of files have `files`, and `names` of their columns."""

    def bind(self, asked: Asked) -> Bound:
        """Settle what x, y and weights are.

        Raises
        ------
        ValueError, TypeError
            There is no such column, or one holds no numbers.
        """
        ...


@dataclass
class PassRead:
    """What a pass has read."""

    rows: int = 0
    dropped: int = 0
    pieces: int = 0
    nbytes: int = 0  # of x, y and weights, as arrays
    disk_bytes: int = 0
    largest_piece: int = 0

    def count(self, piece: Piece) -> None:
        self.rows += len(piece.x)
        self.dropped += piece.dropped
        self.pieces += 1
        self.nbytes += piece.nbytes
        self.disk_bytes += piece.disk_bytes
        self.largest_piece = max(self.largest_piece, piece.nbytes)


# A piece has so many bytes, as floats: large beside what it costs to begin one, small beside a machine's memory.
PIECE_BYTES = 2**24

# But at least so many rows a column: adding the moments of two pieces costs as much as those of a few rows a column.
ROWS_A_COLUMN = 8


# A row group or record batch is what its file is read by, and is left whole up to so many pieces' rows. A piece of a
# matrix is mapped, so that many rows take no memory of ours.
UNIT_PIECES = 4


def piece_rows(columns: int, dtype: np.dtype[Any]) -> int:
    """Rows of a piece where nobody chose them: it depends on the data only."""
    return int(max(PIECE_BYTES // (columns * dtype.itemsize), ROWS_A_COLUMN * columns, 1))
