"""A table whose columns are known: where they lie, what they are stored as, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdfast import table_errors
from gdfast._tables.stored import Stored, lying
from gdfast._tables.table import FLOAT32, FLOAT64, Array, Table
from gdfast.containers import Container
from gdfast.containers import labels as labels_of


@dataclass(frozen=True, eq=False)
class Opened:
    """Columns of a table; or one column, which has no name here.

    It stands for what a stream held that can be read once. To messages it is what it was made of.
    """

    given: Any
    columns: list[Stored]
    rows: int
    labels: list[Any] | None

    @property
    def column_names(self) -> list[Any] | None:
        return self.labels

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows,) if self.labels is None else (self.rows, len(self.columns))

    def __len__(self) -> int:
        return self.rows

    def select(self, positions: Sequence[int]) -> Opened:
        """These columns."""
        assert self.labels is not None
        return Opened(self.given, [self.columns[j] for j in positions], self.rows, [self.labels[j] for j in positions])

    @property
    def dtype(self) -> np.dtype[Any]:
        """What such columns are computed in."""
        single = bool(self.columns) and all(str(column.kind) in ("float32", "float16") for column in self.columns)
        return FLOAT32 if single else FLOAT64

    @property
    def nulls(self) -> int:
        return sum(column.nulls for column in self.columns)

    def check(self, name: str, drop: bool = False) -> None:
        """Raise unless all columns are of numbers, and no null is among these but where rows are dropped."""
        kinds = [column.kind for column in self.columns]
        if any(isinstance(kind, str) for kind in kinds):
            raise table_errors.no_numbers(name, self, kinds)
        if self.nulls and not (drop and not any(column.empty for column in self.columns)):
            raise table_errors.nulls(name, self)

    def table(self, dtype: np.dtype[Any] | None = None) -> Table:
        """The columns, which are numbers, computed in `dtype` or what suits them."""
        return Table([column.part for column in self.columns], self.rows, dtype or self.dtype)

    def array(self, dtype: np.dtype[Any] | None = None) -> Array:
        """(n, d), or (n,) of a single column: what lies in memory as such, else a copy."""
        table = self.table(dtype)
        ready: Array | None = table._lying() if len(self.columns) == 1 else None
        array = table.copied() if ready is None else ready[:, np.newaxis]
        return array[:, 0] if self.labels is None else array


def opened(value: Any, kind: Container) -> Opened:
    """What `value` holds; see `stored.lying` for what is raised."""
    if isinstance(value, Opened):
        return value
    columns, rows, names = lying(value, kind)
    labels = list(names) if names is not None else None
    if kind.kind.endswith("table") and labels_of(value) is not None:
        labels = list(labels_of(value))
    return Opened(value, columns, rows, labels)
