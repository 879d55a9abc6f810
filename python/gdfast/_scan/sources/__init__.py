"""Sources of pieces, one kind a module; `open_source` finds the one that a user means."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gdfast._scan.pieces import Source
from gdfast._scan.sources.csv import CsvFile
from gdfast._scan.sources.dataset import DatasetSource
from gdfast._scan.sources.files import File, FileSource
from gdfast._scan.sources.frames import FrameSource
from gdfast._scan.sources.ipc import IpcFile
from gdfast._scan.sources.npy import NpySource
from gdfast._scan.sources.parquet import ParquetFile
from gdfast.wording import listed, type_name

Opens = Callable[[Path], File]

TABLES: dict[str, Opens] = {
    ".parquet": ParquetFile,
    ".arrow": IpcFile,
    ".feather": IpcFile,
    ".ipc": IpcFile,
    ".csv": CsvFile,
}
ACCEPTED = (
    "accepted are files (.parquet, .arrow, .feather, .ipc, .csv, .npy) by name, as a list, or as a pattern such as "
    "'data/*.parquet'; a pyarrow.dataset; or a function that returns an iterator of tables or of (x, y) arrays"
)


def open_source(source: Any) -> Source:
    """What `gdfast.scan` was given.

    Raises
    ------
    ValueError, TypeError
        It is nothing that can be read.
    """
    if isinstance(source, str | os.PathLike):
        return open_files([source])
    if isinstance(source, list | tuple) and source and all(isinstance(one, str | os.PathLike) for one in source):
        return open_files(source)
    if isinstance(source, FileSource | NpySource):  # whose files somebody has opened in a way of their own
        return source
    if hasattr(source, "get_fragments") and hasattr(source, "schema"):
        return DatasetSource(source)
    if isinstance(source, Iterator):
        return FrameSource(source, restartable=False)
    if callable(source):
        return FrameSource(source, restartable=True)
    if isinstance(source, Iterable) and not hasattr(source, "shape") and not hasattr(source, "columns"):
        return FrameSource(lambda: iter(source), restartable=True)
    raise TypeError(f"source is of type {type_name(source)}, {ACCEPTED}")


def open_files(given: Sequence[str | os.PathLike[str]], tables: Mapping[str, Opens] = TABLES) -> FileSource | NpySource:
    """The files of these names and patterns; `tables` says by a file's suffix how a table is opened.

    Raises
    ------
    ValueError
        There are none such, or they are of several kinds.
    """
    return _files([path for one in given for path in _matching(one)], tables)


def _matching(given: str | os.PathLike[str]) -> list[Path]:
    path = Path(given)
    if path.exists() or not glob.has_magic(str(given)):
        if path.is_dir():
            raise ValueError(f"{str(given)!r} is a folder: write {str(path / '*.parquet')!r} for the files in it")
        if not path.exists():
            raise ValueError(f"there is no file {str(given)!r}")
        return [path]
    found = sorted(glob.glob(str(given), recursive=True))
    files = [Path(name) for name in found if not os.path.isdir(name)]
    if not files:
        raise ValueError(f"no file has a name like {str(given)!r}")
    return files


def _files(paths: list[Path], tables: Mapping[str, Opens]) -> FileSource | NpySource:
    twice = sorted({str(path) for path in paths if paths.count(path) > 1}) if len(set(paths)) < len(paths) else []
    if twice:
        raise ValueError(f"source names {listed(twice)} more than once, and its rows would count twice")
    for path in paths:
        if not path.is_file():  # opening a pipe would wait for who writes to it
            raise ValueError(f"{str(path)!r} can't be read more than once: write what comes from it into a file first")
    suffixes = {path.suffix.lower() for path in paths}
    if len(suffixes) > 1:
        raise ValueError(f"source has files of several kinds, {listed(sorted(suffixes))}: scan files of one kind")
    (suffix,) = suffixes
    if suffix == ".npy":
        return NpySource(paths)
    if suffix not in tables:
        raise ValueError(f"{paths[0]} is of no kind that can be scanned: {ACCEPTED}")
    return FileSource([tables[suffix](path) for path in paths])
