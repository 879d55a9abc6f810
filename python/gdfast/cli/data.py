"""What of a table is trained on: columns, target, weights, and rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gdfast
from gdfast.cli import tables
from gdfast.cli.score import Score, score
from gdfast.cli.tables import Array

DTYPES: dict[str, np.dtype[Any]] = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}


@dataclass(frozen=True)
class Data:
    """What of a table is used, and as what."""

    path: Path
    target: str | None
    columns: Sequence[str] = ()  # none: all
    exclude: Sequence[str] = ()
    weights: str | None = None
    drop_missing: bool = False
    dtype: str | None = None
    delimiter: str = ","
    header: bool = True


@dataclass(frozen=True)
class Samples:
    """Rows to train on, or to test on."""

    x: Array
    y: Array
    sample_weight: Array | None

    def rows(self, chosen: Array) -> Samples:
        s = self.sample_weight
        return Samples(self.x[chosen], self.y[chosen], None if s is None else s[chosen])

    def score(self, fit: gdfast.Fit) -> Score:
        return score(self.x, self.y, fit.w, fit.b, self.sample_weight)


def samples_of(data: Data) -> tuple[list[str], str, Samples, int]:
    """What `data` says, read.

    Returns
    -------
    names : list of str
        Of the columns of x.
    target : str
    samples : Samples
    dropped : int
        Rows left out because a value is missing.

    Raises
    ------
    TableError
        When there is no such file, column or number.
    """
    table = tables.open_table(data.path, delimiter=data.delimiter, header=data.header)
    target = _target(table, data)
    special = [target] if data.weights is None else [target, data.weights]
    _known(table, special[:1], "--target")
    _known(table, special[1:], "--weights")
    if len(set(special)) < len(special):
        raise tables.TableError(f"{target!r} is the target and can't be the weights as well")
    chosen = _names(table, data.columns, "--columns") or [name for name in table.names if name not in special]
    left_out = _names(table, data.exclude, "--exclude")
    both = [name for name in chosen if name in special]
    if both:
        raise tables.TableError(f"--columns: {tables.listed(both)} is what the model is to predict, or the weights")
    names = [name for name in chosen if name not in left_out]
    if not names:
        raise tables.TableError(f"{data.path} has no column left to predict {target!r} from")

    dtype = None if data.dtype is None else DTYPES[data.dtype]
    wanted = [*names, *special]
    matrix, dropped = tables.read(table, wanted, dtype, drop_missing=data.drop_missing)
    d = len(names)
    return names, target, Samples(matrix[:, :d], matrix[:, d], matrix[:, d + 1] if data.weights else None), dropped


def _target(table: tables.Table, data: Data) -> str:
    if data.target is not None:
        index = data.target.removeprefix("-")
        if isinstance(table, tables.NpyTable) and index.isdigit() and data.target.startswith("-"):
            from_end = len(table.names) - int(index)
            return str(from_end)
        return data.target
    if isinstance(table, tables.NpyTable):
        return table.names[-1]
    raise tables.TableError(f"--target says which column to predict; {data.path} has {tables.listed(table.names)}")


def _names(table: tables.Table, given: Sequence[str], option: str) -> list[str]:
    """Names of columns as they were given: several in one word with commas between them, or one that has a comma."""
    names = [name for word in given for name in ([word] if word in table.names else word.split(","))]
    _known(table, names, option)
    return list(dict.fromkeys(names))


def _known(table: tables.Table, names: Sequence[str], option: str) -> None:
    unknown = [name for name in names if name not in table.names]
    if unknown:
        raise tables.TableError(
            f"{option}: {table.path} has no column {tables.listed(unknown)}; it has {tables.listed(table.names)}"
        )


def split(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples]:
    """Rows to train on, and a random share of them to hold out; both in the order of the file.

    Raises
    ------
    TableError
        When there is but one row.
    """
    n = len(samples.y)
    if n < 2:
        raise tables.TableError("--validation: there is but one row, and none to hold out")
    order = np.random.default_rng(seed).permutation(n)
    held_out = min(max(1, round(share * n)), n - 1)
    return samples.rows(np.sort(order[held_out:])), samples.rows(np.sort(order[:held_out]))
