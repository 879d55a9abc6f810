"""A scan as data that a descent evaluates: a pass over it for each gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gdfast import optimum
from gdfast._path.moments import Moments, together
from gdfast._scan import sums
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Machinery, Part, Passes
from gdfast._scan.tree import Tree
from gdfast.conversion import Array
from gdfast.descent import Gram, Options, Samples
from gdfast.objective import Data, Streamed, Value
from gdfast.reading import as_read

T = TypeVar("T")

NO_WEIGHT = "sample_weight adds up to 0 over all rows, accepted are weights of which some are above 0"

COPIED = 2**18  # numbers of which a copy is made at a time, where rows aren't read as they are

SAMPLED = 1024  # rows that are kept, for pictures and for messages about scales


class Noted(NamedTuple):
    """Of some rows: moments of y, and a sample."""

    of_y: Moments | None
    rows: list[tuple[Array, ...]]
    seen: int


class Noticed:
    """What the first pass over a scan tells by the way: how y is spread, and some rows to show."""

    def __init__(self) -> None:
        self.of_y: Tree[Moments] = Tree(together)
        self.rows: list[tuple[Array, ...]] = []
        self.step = 1
        self.seen = 0

    def note(self, piece: Piece) -> None:
        """Take note of a piece."""
        x, y, s = piece[:3]
        self.of_y.put(sums.moments_of(y.reshape(-1, 1), y, s))
        while self.seen + len(x) > SAMPLED * self.step:
            self.rows, self.step = self.rows[::2], 2 * self.step
        self.rows += _every(piece, self.step, self.seen)
        self.seen += len(x)

    @staticmethod
    def part_of(rows: int | None) -> Part[Noted]:
        """What is noted of a piece of so many rows in all: a part for `Passes.reduce`, where pieces lie elsewhere."""
        return partial(_noted, -(-(rows or 1) // SAMPLED))

    @staticmethod
    def joined(a: Noted, b: Noted) -> Noted:
        """Of the rows of both."""
        of_y = together(a.of_y, b.of_y) if a.of_y is not None and b.of_y is not None else a.of_y or b.of_y
        return Noted(of_y, a.rows + b.rows, a.seen + b.seen)

    def take(self, noted: Noted | None) -> None:
        """What was noted elsewhere, of all rows."""
        if noted is not None:
            self.of_y.put(noted.of_y)
            self.rows, self.seen = noted.rows, noted.seen

    def sample(self) -> Samples:
        """Evenly spaced rows."""
        x, y, *s = (np.array(part) for part in zip(*self.rows, strict=True))
        return Samples(x, y, s[0] if s else None)

    def squares(self, about_mean: bool) -> tuple[float, float]:
        """The weights' sum, and that of the squares of y, or of its differences from its mean."""
        moments = self.of_y.total()
        assert moments is not None
        gram: Gram = moments.gram
        matrix: NDArray[np.float64] = optimum.centred(gram) if about_mean else optimum.moved(gram)
        return float(gram.matrix[-2, -2]), float(matrix[-1, -1])


class Scanned:
    """See `gdfast.objective.Data`."""

    def __init__(self, passes: Passes, backend: Machinery, reduction: str, noticed: Noticed | None) -> None:
        self.passes, self.backend, self.reduction = passes, backend, reduction
        self.noticed = noticed
        self.target = True
        self.bytes_read = 0  # is counted by the passes
        self.eps = float(np.finfo(passes.bound.dtype).eps)
        self.reading: tuple[Options, np.dtype[Any]] | None = None  # None: rows as they are

    def as_read(self, options: Options, dtype: np.dtype[Any]) -> Scanned:
        """The same, for a descent in `dtype`: see `gdfast.reading`."""
        other = Scanned(self.passes, self.backend, self.reduction, self.noticed)
        if options.target is not None or dtype != self.passes.bound.dtype:
            other.reading = options._replace(rng=None), dtype  # which goes to other machines
            other.eps = float(np.finfo(dtype).eps)
        return other

    def evaluate(self, w: Array, b: float | None) -> Value:
        """A pass."""
        total = sums.loss_and_gradient(self, w, b, self.backend)
        if not total.weight:
            raise ValueError(NO_WEIGHT)
        divisor = total.weight if self.reduction == "mean" else 1.0
        grad = total.grad / divisor
        return total.loss / divisor, grad[:-1], float(grad[-1])

    def reduce(self, part: Part[T], add: Callable[[T, T], T]) -> T | None:
        """See `Passes.reduce`; the first pass is taken note of."""
        of_targets: Part[T] = part if self.target else partial(_of_no_y, part)
        if self.reading is None:
            return self.passes.reduce(of_targets, add, self.noticed)
        options, dtype = self.reading
        of_read: Part[T] = partial(_of_read, of_targets, add, options, dtype)
        return self.passes.reduce(of_read, add, self.noticed)

    def without_y(self) -> Data:
        """See `Data`."""
        other = Scanned(self.passes, self.backend, self.reduction, None)
        other.target = False
        other.reading, other.eps = self.reading, self.eps
        return other

    def error(self, w: Array, b: float | None, loss: float) -> float:
        """See `Data`."""
        return 0.0

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Data]:
        """See `Data`: the rows of a piece are shuffled among themselves, and no batch has rows of two pieces."""
        if not size:
            yield self
            return
        noticed = self.noticed if self.noticed is not None and not self.noticed.seen else None
        for piece in self.passes:
            if noticed is not None:
                noticed.note(piece)
            order = np.arange(len(piece.x)) if rng is None else rng.permutation(len(piece.x))
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                s = piece.sample_weight
                batch = Samples(piece.x[rows], piece.y[rows], None if s is None else s[rows])
                if self.reading is not None:
                    batch = as_read(batch, *self.reading)
                yield Streamed(self.backend.loss_and_gradient, batch, self.reduction)


def _of_no_y(part: Part[T], piece: Piece) -> T | None:
    """A part of the same rows with every target 0."""
    return part(piece._replace(y=np.broadcast_to(np.zeros(1, piece.y.dtype), len(piece.y))))


def _of_read(
    part: Part[Any], add: Callable[[Any, Any], Any], options: Options, dtype: np.dtype[Any], piece: Piece
) -> Any:
    """A part of the same rows as they are read, a block of them at a time: so little of a piece is there twice."""
    rows = max(1, COPIED // piece.x.shape[1])
    total = None
    for block in (slice(start, start + rows) for start in range(0, len(piece.x), rows)):
        s = piece.sample_weight
        x, y, s, _ = as_read(Samples(piece.x[block], piece.y[block], None if s is None else s[block]), options, dtype)
        assert x is not None
        assert y is not None
        found = part(piece._replace(x=x, y=y, sample_weight=s))
        total = found if total is None else total if found is None else add(total, found)
    return total


def _noted(step: int, piece: Piece) -> Noted:
    of_y = sums.moments_of(piece.y.reshape(-1, 1), piece.y, piece.sample_weight)
    return Noted(of_y, _every(piece, step, piece.start), len(piece.x))


def _every(piece: Piece, step: int, start: int) -> list[tuple[Array, ...]]:
    """Every so manieth row, of a piece whose first one has this number."""
    arrays = [np.array(array[-start % step :: step]) for array in piece[:3] if array is not None]
    return list(zip(*arrays, strict=True))
