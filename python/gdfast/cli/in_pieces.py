"""Which files are read piece by piece, and which as a whole."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from gdfast.cli.csv_table import PLAIN
from gdfast.cli.data import Data

ONLY_IN_PIECES = (".arrow", ".feather", ".ipc")

# A Parquet file of more numbers than that, as float64, isn't loaded: its row groups are pieces. It is little beside the
# memory of any machine, and enough for the time that a file takes not to depend on which way it is read.
LARGE = 2**28


def are_scanned(paths: Sequence[Path], data: Data | None = None, *, whole: bool = False) -> bool:
    """Whether files are read piece by piece: several, a pattern, a large one, or of a kind that is read in no other.

    `whole` says that an option needs a file's rows at once.
    """
    first = paths[0]
    if len(paths) > 1 or (glob.has_magic(str(first)) and not first.exists()) or first.suffix in ONLY_IN_PIECES:
        return True
    as_it_is = data is None or (data.dtype is None and data.csv == PLAIN)
    return as_it_is and not whole and _is_large(first)


def _is_large(path: Path) -> bool:
    """By its metadata. Decimals are read as numbers by those who load a file only."""
    if path.suffix.lower() != ".parquet":
        return False
    try:
        if not path.is_file():  # opening a pipe would wait for who writes to it
            return False
        with parquet.ParquetFile(path) as file:
            rows, kinds = file.metadata.num_rows, file.schema_arrow.types
    except (OSError, pa.ArrowException):  # whoever loads it says what is wrong
        return False
    return 8 * rows * len(kinds) > LARGE and not any(map(pa.types.is_decimal, kinds))
