"""What of several files is used, and as what; they are read piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import gdfast
from gdfast._scan.choice import FLOAT32
from gdfast._scan.sources.files import FileSource
from gdfast._scan.sources.npy import NpySource
from gdfast.cli import names as columns_of
from gdfast.cli import shell
from gdfast.cli.console import fail, note
from gdfast.cli.csv_table import CsvOptions
from gdfast.cli.data import Data, features_of, target_of
from gdfast.cli.messages import Words
from gdfast.cli.pieces import HALF, Look, MatrixFile, open_pieces
from gdfast.cli.rows import Wanted, collapsed, no_numbers
from gdfast.cli.tables import TableError, listed


@dataclass(frozen=True)
class Named:
    """The columns of files that are one table."""

    path: Path
    names: tuple[str, ...]
    index: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Chosen:
    """A scan, and what its columns are to be."""

    scan: gdfast.Scan
    source: str
    names: Sequence[str]
    target: str
    weights: str | None
    cluster: str | None
    files: Sequence[Any]

    @property
    def file_bytes(self) -> int:
        return sum(file.stamp.size for file in self.files)

    def dropped(self, rows: int) -> int:
        """Rows left out, where so many are left; of CSV files this is known once they have been read."""
        counts = [file.in_file for file in self.files]
        return 0 if None in counts else sum(counts) - rows

    @property
    def words(self) -> Words:
        return Words(self.names, self.target, self.weights, np.empty(0), None)

    def again(self, columns: Sequence[str], vcov: str) -> tuple[tuple[Any, ...], Any, Any]:
        """See `Samples.again`."""
        return (self.scan, self.target), self.weights, {"cluster": self.cluster} if vcov == "cluster" else vcov


def scan_of(
    paths: Sequence[Path], csv: CsvOptions, missing: str, wanted: Sequence[str], look: Look
) -> tuple[gdfast.Scan, FileSource | NpySource]:
    """The scan of these files, and the files; or fail with why there is none."""
    try:
        source = open_pieces(paths, csv, wanted, look)
        scan = gdfast.scan(source, missing="error" if missing == "nan" else missing, progress=True)
    except (ValueError, TypeError) as error:
        raise fail(str(error)) from None
    if missing == "nan":
        scan._missing = "nan"
    scan._nan_is_missing = missing == "drop"
    return scan, source


def chosen(paths: Sequence[Path], data: Data) -> Chosen:
    """What `data` says of these files; or fail with why there is no such thing."""
    if data.dtype is not None:
        raise fail("--dtype is for one file: of several the columns say it, float32 where all are")
    look = Look()
    scan, source = scan_of(paths, data.csv, "drop" if data.drop_missing else "error", data.asked, look)
    files: Any = source.files
    first = Named(files[0].path, source.names, getattr(files[0], "index", None), getattr(files[0], "note", None))
    table: Any = first
    notes = [first.note] if first.note else []
    try:
        target = columns_of.one(table, target_of(table, data), "--target")
        weights = None if data.weights is None else columns_of.one(table, data.weights, "--weights")
        cluster = None if data.cluster is None else columns_of.one(table, data.cluster, "--cluster")
        special = [name for name in (target, weights, cluster) if name is not None]
        names = _features(first, files, data, special, notes)
        wanted = Wanted(table, names, target, weights, data.drop_missing)
        look.used, look.label = wanted.every, cluster
        look.collapsed, look.no_numbers = partial(collapsed, wanted), partial(no_numbers, wanted)
        if isinstance(source, FileSource):
            _refuse_no_numbers(files, wanted)
    except TableError as error:
        raise fail(str(error)) from None
    for message in notes:
        note(message)
    look.widened = isinstance(source, FileSource) and any(_is_double(file, wanted) for file in files)
    return Chosen(
        scan=scan.with_columns(names),
        source=str(files[0].path) if len(files) == 1 else f"{len(files):,} files, {files[0].path} to {files[-1].path}",
        names=names,
        target=target,
        weights=weights,
        cluster=cluster,
        files=files,
    )


def _features(first: Named, files: Sequence[Any], data: Data, special: Sequence[str], notes: list[str]) -> list[str]:
    """The columns to predict from; each file must have them, and no others where nobody chose them."""
    if isinstance(files[0], MatrixFile):  # they are alike
        return features_of(first, data, special, notes)
    every = tuple(dict.fromkeys(name for file in files for name in file.names))
    left_out = columns_of.many(Named(first.path, every), data.exclude, "--exclude")
    here = [name for name in left_out if name in first.names]
    names = features_of(first, replace(data, exclude=here), special, notes)
    for file in files:
        lacking = [name for name in [*special, *names] if name not in file.names]
        if lacking:
            advice = f": {shell.exclude(lacking, every)} leaves {_it(lacking)} out" if set(lacking) < set(names) else ""
            raise TableError(f"{file.path} lacks column {listed(lacking)}, which {first.path} has{advice}")
        more = [name for name in file.names if name not in first.names and name not in left_out]
        if more and not data.columns:
            advice = f"{shell.exclude(more, every)} leaves {_it(more)} out"
            raise TableError(f"{file.path} has column {listed(more)}, which {first.path} hasn't: {advice}")
    return names


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _is_double(file: Any, wanted: Wanted) -> bool:
    """Whether a column isn't of float32: then all are read as float64, as they are of one file."""
    return any(file.storage(name) not in (HALF, FLOAT32) for name in wanted.every)


def _refuse_no_numbers(files: Sequence[Any], wanted: Wanted) -> None:
    """Raise if columns hold no numbers, with the options that read them or leave them out."""
    names = wanted.names
    for file in files:
        file.refuse_text(wanted.every)
        for option, name in (("--target", wanted.target), ("--weights", wanted.weights)):
            if name is not None and isinstance(file.storage(name), str):
                what = f"is of type {file.storage(name)}, and no number"
                raise TableError(f"{option}: column {listed([name])} of {file.path} {what}")
        bad = [name for name in names if isinstance(file.storage(name), str)]
        if not bad:
            continue
        what = "column" if len(bad) == 1 else "columns"
        message = f"{file.path} has no numbers in {what} {listed(bad)} (type {file.storage(bad[0])})"
        advice = "" if len(bad) == len(names) else f": {wanted.leave_out(bad)}"
        raise TableError(f"{message}{advice}")
