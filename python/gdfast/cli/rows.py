"""The rows to train on: every value a finite number, or a message that says what to write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast.cli import shell
from gdfast.cli.integers import CollapsedError
from gdfast.cli.tables import Array, ColumnsError, Table, TableError, listed, not_finite


class Wanted(NamedTuple):
    """The columns to read, and what for."""

    table: Table
    names: list[str]  # to predict from
    target: str
    weights: str | None
    drop_missing: bool

    @property
    def every(self) -> list[str]:
        return [*self.names, self.target, *([] if self.weights is None else [self.weights])]

    def leave_out(self, bad: Collection[str]) -> str:
        """The advice to leave these columns out; nothing if that can't be done, or leaves nothing."""
        if not bad or not set(bad) < set(self.names):
            return ""
        names = [name for name in self.names if name in bad]
        what = "it" if len(names) == 1 else "the columns"
        return f"{shell.exclude(names, self.table.names)} leaves {what} out"


class Rows(NamedTuple):
    """The columns that were asked for, without the rows that were left out."""

    matrix: Array  # (n, k)
    in_file: NDArray[np.int64]  # the number of each row in the file, from 1
    dropped: int


def read(wanted: Wanted, dtype: np.dtype[Any] | None) -> Rows:
    """The columns that are wanted, names first, then target and weights.

    Raises
    ------
    TableError
        When a column holds no numbers; when a value is missing (unless such rows are to be left out) or infinite.
    """
    try:
        matrix = wanted.table.matrix(wanted.every, dtype)
    except ColumnsError as error:
        raise TableError(no_numbers(wanted, error)) from None
    except CollapsedError as error:
        raise TableError(collapsed(wanted, error)) from None
    missing, infinite = not_finite(matrix)
    if infinite.any():
        raise TableError(_infinite(wanted, infinite, dtype))
    numbers = np.arange(1, len(matrix) + 1)
    if not missing.any():
        return Rows(matrix, numbers, 0)
    kept = np.asarray(np.isfinite(matrix).all(axis=1))
    if not (wanted.drop_missing and kept.any()):
        without = np.asarray(np.isfinite(matrix[:, len(wanted.names) :]).all(axis=1))  # columns to predict from
        raise TableError(_missing(wanted, missing, kept, without))
    return Rows(matrix[kept], numbers[kept], int(len(kept) - kept.sum()))


def no_numbers(wanted: Wanted, error: ColumnsError) -> str:
    """What to do about columns of text, dates and other things."""
    by_name = {column.name: column for column in error.bad}
    for option, name, what in (
        ("--target", wanted.target, "what is to be predicted must be a number"),
        ("--weights", wanted.weights, "weights must be numbers"),
    ):
        if name in by_name:
            alone = ColumnsError(error.path, [by_name[name]])
            alone.delimiter = error.delimiter
            return f"{option}: {alone.found}, and {what}{_reading(wanted, alone)}"
    advice = [_reading(wanted, error).removeprefix(": "), wanted.leave_out(by_name)]
    if not any(advice):
        return f"{error}, and no other column is left to predict from"
    return f"{error}: {', '.join(filter(None, advice))}"


def _reading(wanted: Wanted, error: ColumnsError) -> str:
    """The advice to read as numbers what can be, together with what has to be left out then."""
    readable = [column.name for column in error.bad if column.can_be_read]
    if not readable:
        return ""
    options = [error.options()]
    if any(column.missing for column in error.bad) and not wanted.drop_missing:
        options.append("--drop-missing")
    others = [column.name for column in error.bad if not column.can_be_read]
    if others:
        options.append(shell.exclude(others, wanted.table.names))
    what = "it" if len(error.bad) == 1 else listed(readable)
    return f": {' '.join(options)} reads {what}{error.example()}"


def collapsed(wanted: Wanted, error: CollapsedError) -> str:
    """What to do about integers that float64 can't tell apart."""
    leave_out = wanted.leave_out([error.name])
    subtract = "subtract a number from the column so that they become small"
    return f"{error}: {leave_out}, or {subtract}" if leave_out else f"{error}: {subtract}"


def _infinite(wanted: Wanted, infinite: NDArray[np.int64], dtype: np.dtype[Any] | None) -> str:
    names = [wanted.every[j] for j in np.flatnonzero(infinite)]
    advice = wanted.leave_out(names) or "take out such rows"
    too_large = "; beyond float32's range counts, and --dtype f64 has more" if dtype == np.float32 else ""
    return f"{wanted.table.path} has infinite values in {listed(names)}: {advice}{too_large}"


def _missing(wanted: Wanted, missing: NDArray[np.int64], kept: Array, known: Array) -> str:
    """What to do about missing values: `kept` are the rows without one, `known` those with target and weight."""
    bad, n = np.flatnonzero(missing), len(kept)
    names = [wanted.every[j] for j in bad]
    counts = ", ".join(f"{listed([wanted.every[j]])} ({missing[j]:,} of {n:,} rows)" for j in bad[:5])
    more = f" and {len(bad) - 5} more columns" if len(bad) > 5 else ""
    leave_out = wanted.leave_out([name for name in names if name in wanted.names])
    if kept.any():
        advice = ["--drop-missing leaves such rows out", leave_out if known.all() else ""]
        return f"{wanted.table.path} has missing values in {counts}{more}: {', '.join(filter(None, advice))}"
    message = f"every row of {wanted.table.path} has a missing value, in {counts}{more}"
    if not leave_out or not known.any():
        return message
    drop = "" if known.all() or wanted.drop_missing else ", together with --drop-missing"
    return f"{message}: {leave_out}{drop}"
