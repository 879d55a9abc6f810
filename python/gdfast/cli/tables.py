"""Tables in files, as matrices of numbers: what every kind of file offers, and what can be wrong with its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gdfast.cli.console import printable
from gdfast.cli.shell import missing, option

Array = NDArray[Any]

BLOCK = 2**20  # numbers that are looked at together when missing values are counted


class TableError(ValueError):
    """A file that is no table of numbers; the message says what to do about it."""


@dataclass(frozen=True)
class BadColumn:
    """A column that holds no numbers, and what would make numbers of it."""

    name: str
    what: str  # "text ('Ulm' in row 2)"
    missing: tuple[str, ...] = ()  # words that stand where a value is missing
    decimal: str = ""  # the decimal mark of its numbers, where it is another one than was said
    example: str = ""  # what that reads as what
    thousands: bool = False  # whether that mark may stand at the thousands instead

    def of_thousands(self) -> BadColumn:
        """The column, if marks that may stand at the thousands do."""
        if not self.thousands:
            return self
        mark = "commas" if self.decimal == "," else "points"
        what = f"{self.what.removesuffix(')')}; numbers have to be written without {mark} at the thousands)"
        return replace(self, what=what, missing=(), decimal="", example="")

    @property
    def can_be_read(self) -> bool:
        return bool(self.missing or self.decimal)


class ColumnsError(TableError):
    """Columns that hold no numbers. What to do about them depends on what they are wanted for."""

    delimiter = ""  # of a CSV file, where it was found and not given

    def __init__(self, path: Path, bad: Sequence[BadColumn]) -> None:
        self.path, self.bad = path, tuple(bad)
        if len(bad) == 1:
            self.found = f"column {listed([bad[0].name])} of {path} holds {bad[0].what}"
        else:
            columns = ", ".join(f"{listed([column.name])} {column.what}" for column in bad[:10])
            more = f" and {len(bad) - 10:,} more" if len(bad) > 10 else ""
            self.found = f"columns of {path} hold no numbers: {columns}{more}"
        super().__init__(f"{self.found}; accepted are numbers and booleans")

    def options(self) -> str:
        """The options that make numbers of what can be read."""
        words = list(dict.fromkeys(word for column in self.bad for word in column.missing))
        marks = list(dict.fromkeys(column.decimal for column in self.bad if column.decimal))
        # Where commas are decimal ones, the delimiter is no longer for the file to say.
        delimiters = [option("--delimiter", self.delimiter)] if marks and self.delimiter not in ("", ",") else []
        return " ".join([*delimiters, *(option("--decimal", mark) for mark in marks), *missing(words)])

    def example(self) -> str:
        """What they read as what, in brackets."""
        return next((f" ({column.example})" for column in self.bad if column.decimal), "")


class Heading(Protocol):
    """What is known of a table before its columns are read."""

    @property
    def path(self) -> Path: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def index(self) -> str | None:
        """The column that only numbers or names the rows, if there is one."""

    @property
    def note(self) -> str | None:
        """What was decided about the file and isn't certain."""


class Table(Heading, Protocol):
    """A table whose columns have names, and are read when they are asked for."""

    def matrix(self, names: Sequence[str], dtype: np.dtype[Any] | None) -> Array:
        """These columns, (n, k), of `dtype` or else of the table's own; NaN where a value is missing."""

    def labels(self, name: str) -> Array:
        """A column of whatever kind, (n,): equal numbers where its values are equal."""


class Rows(NamedTuple):
    """The columns that were asked for, without the rows that were left out."""

    matrix: Array  # (n, k)
    kept: NDArray[np.int64] | None  # which rows of the file these are; None: all

    @property
    def in_file(self) -> Array:
        """The number of each row in the file, from 1."""
        return np.arange(1, len(self.matrix) + 1) if self.kept is None else self.kept + 1


class Columns:
    """A matrix whose columns have names: gdfast's messages use them where its argument x has some."""

    def __init__(self, matrix: Array, columns: Sequence[str]) -> None:
        self.matrix, self.columns = matrix, tuple(columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.matrix


def listed(names: Iterable[str]) -> str:
    """Names for a message, of many the first ten."""
    names = list(names)
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return ", ".join(f"'{printable(name)}'" for name in names[:10]) + more


def not_finite(matrix: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many NaNs and how many infinities each column has."""
    missing = np.zeros(matrix.shape[1], np.int64)
    infinite = np.zeros(matrix.shape[1], np.int64)
    rows = max(1, BLOCK // matrix.shape[1])
    for start in range(0, len(matrix), rows):
        block = matrix[start : start + rows]
        if np.isfinite(block).all():
            continue
        missing += np.isnan(block).sum(axis=0)
        infinite += np.isinf(block).sum(axis=0)
    return missing, infinite
