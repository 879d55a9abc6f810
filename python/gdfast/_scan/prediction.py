"""Predictions for the rows of a scan: in pieces, as an array, or into a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gdfast._scan.arrow import pyarrow
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Passes
from gdfast.conversion import Array
from gdfast.progress import RowsBar
from gdfast.whole_files import write_whole

if TYPE_CHECKING:
    from gdfast.scan import Scan

SUFFIXES = (".csv", ".npy", ".parquet")
TOGETHER = 2**16  # predictions that are made text together

Forward = Callable[[Any, Any, float | None], Array]


def predictions(
    scan: Scan, names: Sequence[str] | None, forward: Forward, w: Array, b: float | None, y: str | None = None
) -> Iterator[tuple[Piece, Array]]:
    """Each piece, with what the model makes of its rows. `names` are those of the columns, `y` that of the target.

    Raises
    ------
    ValueError
        The scan hasn't these columns.
    """
    bound = (scan if names is None else scan.with_columns(names))._bound(y, None)
    if bound.d != w.size:
        raise ValueError(
            f"x has {bound.d:,} columns, and the model {w.size:,} coefficients: name them with columns=[…]"
        )
    for piece in Passes(bound, RowsBar() if scan._progress else None):
        yield piece, forward(piece.x, w, b) if len(piece.x) else np.empty(0, bound.dtype)
        del piece


def as_array(found: Iterable[tuple[Piece, Array]]) -> Array:
    """All predictions, one after another."""
    return np.concatenate([y_pred for _, y_pred in found])


def write(path: str | os.PathLike[str], parts: Iterable[Array], name: str = "prediction") -> int:
    """Write a column of predictions to a file, of the kind that its suffix says, and return how many there are.

    Raises
    ------
    ValueError
        There is no such kind.
    OSError
        It can't be written. What was in the file before is there still.
    """
    target = Path(path)
    if target.suffix not in _WRITERS:
        raise ValueError(f"{str(target)!r} has to end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    counted = _Counted(parts)
    write_whole(target, lambda file: _WRITERS[target.suffix](file, counted, name))
    return counted.rows


class _Counted:
    def __init__(self, parts: Iterable[Array]) -> None:
        self.parts, self.rows = parts, 0

    def __iter__(self) -> Iterator[Array]:
        for part in self.parts:
            self.rows += len(part)
            yield part


def lines(parts: Iterable[Array], name: str) -> Iterator[bytes]:
    """A CSV file of one column, whose numbers read back as the same; nan where there is none."""
    yield f"{name}\n".encode()
    for part in parts:
        for start in range(0, len(part), TOGETHER):
            yield "".join(f"{value}\n" for value in part[start : start + TOGETHER].tolist()).encode()


def _csv(file: IO[bytes], parts: _Counted, name: str) -> None:
    file.writelines(lines(parts, name))


def _npy(file: IO[bytes], parts: _Counted, name: str) -> None:
    """The header is written again once the number of rows is known; it has room for any."""
    start = file.tell()
    dtype = np.dtype(np.float64)
    for k, part in enumerate(parts):
        if k == 0:
            dtype = part.dtype
            file.write(_header(dtype, 0))
        file.write(part.tobytes())
    file.seek(start)
    file.write(_header(dtype, parts.rows))
    file.seek(0, os.SEEK_END)


def _header(dtype: np.dtype[Any], rows: int) -> bytes:
    text = f"{{'descr': {dtype.str!r}, 'fortran_order': False, 'shape': ({rows},), }}"
    length = 128 - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1).encode() + b"\n"


def _parquet(file: IO[bytes], parts: _Counted, name: str) -> None:
    arrow, writer = pyarrow(), None
    for part in parts:
        table = arrow.table({name: part})
        if writer is None:
            writer = pyarrow("pyarrow.parquet").ParquetWriter(file, table.schema)
        if len(part):
            writer.write_table(table)
    if writer is not None:
        writer.close()


_WRITERS: dict[str, Callable[[IO[bytes], _Counted, str], None]] = {".csv": _csv, ".npy": _npy, ".parquet": _parquet}
