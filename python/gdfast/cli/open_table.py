"""The table in a file, by the file's suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gdfast.cli.arrow import ParquetTable
from gdfast.cli.csv_table import PLAIN, CsvOptions, CsvTable
from gdfast.cli.files import refuse_what_is_no_file
from gdfast.cli.npy_table import NpyTable
from gdfast.cli.tables import Table, TableError

_TEXT = (".csv", ".tsv")
_PACKED = ("", ".gz", ".bz2", ".zst")
CSV_SUFFIXES = tuple(text + packed for text in _TEXT for packed in _PACKED)

# What files of other kinds begin with.
BEGINNINGS = {".parquet": ("Parquet", b"PAR1"), ".npy": ("NumPy", b"\x93NUMPY")}

SUFFIXES = ".csv, .csv.gz, .parquet and .npy (CSV also as .tsv, and packed as .bz2 or .zst)"


def open_table(path: Path, options: CsvOptions = PLAIN, wanted: Sequence[str] = ()) -> Table:
    """The table in a file.

    Parameters
    ----------
    path : Path
    options : CsvOptions
        How it is written, if it is CSV.
    wanted : sequence of str
        Names of columns that it should have.

    Raises
    ------
    TableError
        When there is no such file, or no table in it.
    """
    refuse_what_is_no_file(path, TableError)
    name = path.name.lower()
    _refuse_another_kind(path, name)
    if name.endswith(CSV_SUFFIXES):
        return CsvTable(path, options, wanted)
    if options.missing:
        raise TableError(f"--missing is for CSV files, and {path} is none")
    if name.endswith(".parquet"):
        return ParquetTable(path)
    if name.endswith(".npy"):
        return NpyTable(path)
    advice = "; of an .npz file, save the one array that is meant with np.save" if name.endswith(".npz") else ""
    raise TableError(f"{path} is of no kind that can be read here: accepted are {SUFFIXES}{advice}")


def _refuse_another_kind(path: Path, name: str) -> None:
    """Raise if the file is of a kind that its name hides."""
    with path.open("rb") as file:
        start = file.read(8)
    for suffix, (kind, beginning) in BEGINNINGS.items():
        if start.startswith(beginning) and not name.endswith(suffix):
            raise TableError(f"{path} is a {kind} file by what is in it: give it a name that ends in {suffix}")
