"""What of a table is trained on: columns, target, weights, and rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import gdfast
from gdfast.cli import names as columns_of
from gdfast.cli import tables
from gdfast.cli.csv_table import PLAIN, CsvOptions
from gdfast.cli.open_table import open_table
from gdfast.cli.rows import Wanted, read
from gdfast.cli.score import Score, score
from gdfast.cli.tables import Array, TableError, listed

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
    csv: CsvOptions = PLAIN
    cluster: str | None = None

    @property
    def asked(self) -> list[str]:
        """Names of columns, as they were given, and what they are where they hold several."""
        given = (self.target, self.weights, self.cluster, *self.columns, *self.exclude)
        words = [word for word in given if word is not None]
        return [*words, *(name for word in words for name in word.split(","))]


@dataclass(frozen=True)
class Samples:
    """Rows to train on, or to test on."""

    x: Array
    y: Array
    sample_weight: Array | None
    in_file: Array  # the number of each row in the file, from 1
    clusters: Array | None = None  # which one each row belongs to, as numbers

    def rows(self, chosen: Array) -> Samples:
        s = self.sample_weight
        clusters = None if self.clusters is None else self.clusters[chosen]
        return Samples(self.x[chosen], self.y[chosen], None if s is None else s[chosen], self.in_file[chosen], clusters)

    def again(self, columns: Sequence[str], vcov: str) -> tuple[tuple[Any, ...], Any, Any]:
        """What `Fit.summary` takes of them: x and y, the weights, and vcov."""
        kind = {"cluster": self.clusters} if vcov == "cluster" else vcov
        return (tables.Columns(self.x, columns), self.y), self.sample_weight, kind

    def score(self, fit: gdfast.Fit) -> Score:
        return score(self.x, self.y, fit.w, fit.b, self.sample_weight)


@dataclass(frozen=True)
class Chosen:
    """What `Data` says, read.

    Attributes
    ----------
    names : list of str
        Of the columns of x.
    target : str
    weights : str or None
    samples : Samples
    dropped : int
        Rows left out because a value is missing.
    notes : list of str
        What was decided without being asked for.
    """

    names: list[str]
    target: str
    weights: str | None
    samples: Samples
    dropped: int
    notes: list[str] = field(default_factory=list)


def samples_of(data: Data) -> Chosen:
    """What `data` says, read.

    Raises
    ------
    TableError
        When there is no such file, column or number.
    """
    table = open_table(data.path, data.csv, data.asked)
    notes = [table.note] if table.note else []
    target = columns_of.one(table, target_of(table, data), "--target")
    weights = None if data.weights is None else columns_of.one(table, data.weights, "--weights")
    if target == weights:
        raise TableError(f"{listed([target])} is the target and can't be the weights as well")
    cluster = None if data.cluster is None else columns_of.one(table, data.cluster, "--cluster")
    special = [name for name in (target, weights, cluster) if name is not None]
    names = features_of(table, data, special, notes)

    wanted = Wanted(table, names, target, weights, data.drop_missing)
    rows = read(wanted, None if data.dtype is None else DTYPES[data.dtype])
    d = len(names)
    matrix = rows.matrix
    s = matrix[:, d + 1] if weights is not None else None
    clusters = None if cluster is None else _clusters(table, cluster, rows.in_file)
    samples = Samples(matrix[:, :d], matrix[:, d], s, rows.in_file, clusters)
    if weights is not None:
        _refuse_bad_weights(samples, weights)
    return Chosen(names, target, weights, samples, rows.dropped, notes)


def target_of(table: tables.Heading, data: Data) -> str:
    """The column to predict."""
    by_number = table.path.suffix == ".npy"
    if data.target is None:
        if by_number:
            return table.names[-1]
        raise TableError(f"--target says which column to predict; {data.path} has {listed(table.names)}")
    from_end = data.target.removeprefix("-")
    if by_number and data.target.startswith("-") and from_end in map(str, range(1, len(table.names) + 1)):
        return str(len(table.names) - int(from_end))
    return data.target


def features_of(table: tables.Heading, data: Data, special: Sequence[str], notes: list[str]) -> list[str]:
    """The columns to predict from."""
    left_out = columns_of.many(table, data.exclude, "--exclude")
    if data.columns:
        chosen = columns_of.many(table, data.columns, "--columns")
        both = [name for name in chosen if name in special]
        if both:
            raise TableError(f"--columns: {listed(both)} is what the model is to predict, or weights or clusters")
    else:
        chosen = [name for name in table.names if name not in special]
        if table.index in chosen and table.index not in left_out:
            chosen.remove(table.index)
            notes.append(
                f"the first column of {table.path}, {listed([table.index])}, is taken for the numbers or names of the "
                "rows and left out; --columns names the columns to use, if it shall be one"
            )
    names = [name for name in chosen if name not in left_out]
    if not names:
        raise TableError(f"{data.path} has no column left to predict {listed(special[:1])} from")
    columns_of.refuse_twice(table, names)
    return names


def _clusters(table: tables.Table, name: str, in_file: Array) -> Array:
    clusters: Array = table.labels(name)[in_file - 1]
    if (clusters == clusters[0]).all():
        raise TableError(f"--cluster: column {listed([name])} is the same in all rows, and two clusters are the least")
    return clusters


def _refuse_bad_weights(samples: Samples, name: str) -> None:
    s = samples.sample_weight
    assert s is not None
    wrong = np.flatnonzero(s < 0)
    if wrong.size:
        raise TableError(
            f"--weights: column {listed([name])} is {s[wrong[0]]:g} in row {samples.in_file[wrong[0]]:,}, "
            "accepted are numbers from 0"
        )
    if not s.any():
        raise TableError(f"--weights: column {listed([name])} is 0 in all rows, and at least one has to count")


def split(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples]:
    """Rows to train on, and a random share of them to hold out; both in the order of the file.

    Raises
    ------
    TableError
        When there is but one row, or no weight in one of the two.
    """
    n = len(samples.y)
    if n < 2:
        raise TableError("--validation: there is but one row, and none to hold out")
    order = np.random.default_rng(seed).permutation(n)
    held_out = min(max(1, round(share * n)), n - 1)
    both = samples.rows(np.sort(order[held_out:])), samples.rows(np.sort(order[:held_out]))
    for part, what in zip(both, ("to train on", "held out"), strict=True):
        if part.sample_weight is not None and not part.sample_weight.any():
            raise TableError(
                f"--validation: all rows {what} have the weight 0; another --seed draws other rows, and without "
                "--validation all are trained on"
            )
    return both
