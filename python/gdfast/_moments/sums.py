"""Sums over rows: what they are called, what can be told of them, and how they are added up."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gdfast import checks, optimum, validation
from gdfast._inference.basis import Counted
from gdfast.descent import Gram
from gdfast.objective import quiet
from gdfast.wording import listed


class Sums:
    """The sums of `gdfast.Moments`, and of each of its groups."""

    def __init__(self, d: int, *, groups: int | None = None) -> None:
        self._d = validation.columns(d)
        count = None if groups is None else checks.whole("groups", groups, 1, "None or a number of groups from 1")
        self._groups: list[Any] | None = None if count is None else [type(self)(d) for _ in range(count)]
        self._rows = Counted(0, False, 0, 0.0)
        self._sums = Gram(np.zeros((self._d + 2, self._d + 2)), np.zeros(self._d + 1))
        self._names: tuple[str, ...] | None = None  # of the columns, once a table has come
        self.target: str | None = None

    @property
    def d(self) -> int:
        return self._d

    @property
    def n(self) -> int:
        return self._rows.n

    @property
    def gram(self) -> NDArray[np.float64]:
        with quiet():
            about_zero = optimum.moved(self._sums)
        about_zero.flags.writeable = False
        return about_zero

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        return self._names

    @property
    def mean(self) -> NDArray[np.float64]:
        self._has_weight()
        with quiet():
            return optimum.means(self._sums)

    @property
    def cov(self) -> NDArray[np.float64]:
        self._has_weight()
        with quiet():
            return np.asarray(optimum.centred(self._sums) / self._sums.matrix[-2, -2])

    def _has_weight(self) -> None:
        if self._rows.n == 0:
            raise ValueError("there are no samples yet: call update(X, y) first")
        if self._sums.matrix[-2, -2] == 0:
            raise ValueError(
                "sample_weight adds up to 0 over all samples so far, accepted are weights of which some are above 0"
            )

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Sums):
            return NotImplemented
        both = type(self)(self._d, groups=None if self._groups is None else len(self._groups))
        both += self
        both += other
        return both

    def __iadd__(self, other: Self) -> Self:
        if not isinstance(other, Sums):
            return NotImplemented
        validation.same_columns("the other Moments", other._d, self._d)
        mine, others = self._groups or [], other._groups or []
        if len(mine) != len(others):
            raise ValueError(f"the other Moments have {len(others)} groups, accepted are those of {len(mine)}")
        if self.target is not None and other.target not in (None, self.target):
            raise ValueError(
                f"the other Moments predict {other.target!r}, accepted are those that predict {self.target!r}"
            )
        self._add(other._by_name(self._names), other._rows)
        self._names, self.target = self._names or other._names, self.target or other.target
        for part, more in zip(mine, others, strict=True):
            part._add(more._by_name(self._names), more._rows)
            part._names, part.target = self._names, self.target
        return self

    def _by_name(self, wanted: tuple[str, ...] | None) -> Gram:
        """The sums, of columns in the order of these names."""
        if wanted is None or self._names is None or wanted == self._names:
            return self._sums
        if set(wanted) != set(self._names):
            raise ValueError(
                f"the other Moments are of the columns {listed(self._names)}, accepted are those of {listed(wanted)}"
            )
        order = [self._names.index(name) for name in wanted]
        matrix, origin = self._sums
        both = np.array([*order, self._d, self._d + 1])
        return Gram(matrix[np.ix_(both, both)], origin[np.array([*order, self._d])])

    def __copy__(self) -> Self:
        return type(self)(self._d, groups=None if self._groups is None else len(self._groups)) + self  # its own matrix

    def _add(self, sums: Gram, rows: Counted) -> None:
        with np.errstate(all="ignore"):
            self._sums = optimum.added(self._sums, sums)
        self._rows = self._rows.with_more(rows)

    def __repr__(self) -> str:
        groups = "" if self._groups is None else f", groups={len(self._groups)}"
        return f"<gdfast.Moments: n={self._rows.n}, d={self._d}{groups}>"
