"""The data of a fit, where it is a scan: the sums of `sandwich`, taken of each piece and added up in a tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdfast._inference import sandwich
from gdfast._inference.basis import Basis, Counted, refuse_other_weights
from gdfast._inference.sandwich import Meat, Model, Partial, Rows, Scores
from gdfast._scan import sums
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Passes
from gdfast._scan.tree import Tree
from gdfast.conversion import Array
from gdfast.descent import Gram
from gdfast.errors import Argument, Message

if TYPE_CHECKING:
    from gdfast.scan import Scan

EXACT_IDS = 2**53  # whole numbers beyond are not all told apart as float64


class ScannedRows:
    """See `sandwich.Rows`."""

    def __init__(self, scan: Scan, y: Any, sample_weight: Any, rows: int, passes: Passes) -> None:
        self.scan, self.y, self.sample_weight = scan, y, sample_weight
        self.rows, self.passes = rows, passes

    @classmethod
    def of_fit(
        cls, scan: Scan, y: Any, sample_weight: Any, basis: Basis, names: tuple[str, ...] | None, w: Array
    ) -> ScannedRows:
        """Of a fit with such a basis, whose columns have these names.

        Raises
        ------
        ValueError
            When it isn't the data of that fit, as far as is known before it is read.
        """
        if names is not None:
            scan = scan.with_columns(names)
        passes = Passes.over(scan, y, sample_weight)
        if passes.bound.d != w.size:
            raise ValueError(f"x has {passes.bound.d:,} columns, and the fit {w.size:,}: write the scan of the fit")
        found = cls(scan, y, sample_weight, basis.n, passes)
        found._check_rows()
        refuse_other_weights(basis, passes.bound.weighted)
        return found

    def _check_rows(self) -> None:
        if self.passes.rows not in (None, self.rows):
            raise ValueError(
                f"x has {self.passes.rows:,} rows, and the fit was of {self.rows:,}: write the scan that it was fitted "
                "to"
            )

    def moments(self) -> tuple[Gram, Counted]:
        """Of all rows."""
        found = sums.moments(self.passes)
        self._check_rows()
        return found.gram, found.rows

    def scores(self, model: Model, meat: Meat) -> Scores:
        """In one pass."""
        found = self.passes.reduce(partial(_scores_of_piece, model, meat), Partial.__add__)
        self._check_rows()
        assert found is not None
        return sandwich.total(found, model)

    def scores_of_clusters(self, model: Model, ids: Any) -> tuple[Scores, int]:
        """In one pass, and how many clusters there are: `ids` has one for each row, or is the name of a column."""
        clusters = _Clusters(len(model.w) + model.intercept)
        if isinstance(ids, str):
            pieces = self._with_ids(ids, clusters)
        else:
            pieces = self._beside(sandwich.codes_of(ids, self.rows), clusters)

        def part(rows: Rows) -> Partial:
            return sandwich.partial(rows, model, Meat(False, False), clusters.codes, clusters.sums)

        found = self._sum(pieces, part)
        if clusters.count < 2:
            raise ValueError(Message(Argument("vcov['cluster']"), " has one cluster, and at least two are needed"))
        return sandwich.total_of_clusters(found, model, clusters.sums[: clusters.count]), clusters.count

    def _sum(self, pieces: Any, part: Any) -> Partial:
        tree: Tree[Partial] = Tree(Partial.__add__)
        for piece in pieces:
            tree.put(part(Rows(*piece[:3])) if len(piece.x) else None)
        self._check_rows()
        total = tree.total()
        assert total is not None
        return total

    def _beside(self, codes: NDArray[np.intp], clusters: _Clusters) -> Iterator[Piece]:
        start = 0
        for piece in self.passes:
            clusters.take(codes[start : start + len(piece.x)])
            start += len(piece.x)
            yield piece
            del piece

    def _with_ids(self, name: str, clusters: _Clusters) -> Iterator[Piece]:
        """The pieces, of which a further column says which cluster a row belongs to."""
        columns = self.scan.columns or self.passes.bound.names
        if columns is None:
            raise ValueError(
                "vcov['cluster'] is the name of a column, and the columns of x have none: name them with "
                "gdfast.scan(…, columns=[…]), or hand in an array with a number for each row"
            )
        extra = name not in columns
        every = (*columns, name) if extra else columns
        self.passes = Passes.over(self.scan.with_columns(every), self.y, self.sample_weight)
        for piece in self.passes:
            ids = piece.x[:, every.index(name)]
            wrong = np.flatnonzero(~(np.abs(ids) < EXACT_IDS))
            if len(wrong):
                raise ValueError(
                    f"{piece.where}: column {name!r} is {ids[wrong[0]]} in row {wrong[0]:,} of this piece, accepted "
                    "are numbers of clusters below 2**53"
                )
            clusters.take(ids)
            yield piece._replace(x=piece.x[:, :-1]) if extra else piece
            del piece


def _scores_of_piece(model: Model, meat: Meat, piece: Piece) -> Partial:
    return sandwich.partial(Rows(*piece[:3]), model, meat)


class _Clusters:
    """Clusters are numbered as they come, and have a row of sums each."""

    def __init__(self, size: int) -> None:
        self.numbers: dict[Any, int] = {}
        self.sums = np.zeros((64, size))
        self.codes: NDArray[np.intp] = np.empty(0, np.intp)

    @property
    def count(self) -> int:
        return len(self.numbers)

    def take(self, ids: Array) -> None:
        """The clusters of the rows of the next piece."""
        values, codes = np.unique(ids, return_inverse=True)
        known = [self.numbers.setdefault(value, len(self.numbers)) for value in values.tolist()]
        if self.count > len(self.sums):
            grown = np.zeros((max(self.count, 2 * len(self.sums)), self.sums.shape[1]))
            grown[: len(self.sums)] = self.sums
            self.sums = grown
        self.codes = np.array(known, np.intp)[codes]
