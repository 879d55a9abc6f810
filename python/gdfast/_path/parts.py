"""Rows that are trained on, and rows held out, where they lie: views of folds that lie together, weights for others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, optimum, scaling
from gdfast._path.moments import Consecutive
from gdfast.conversion import Array
from gdfast.descent import Gram, Samples

Vector = NDArray[np.float64]

_BLOCK_BYTES = 2**22  # of columns that are gathered at a time: the extra memory that there may be


@dataclass
class Data:
    """All samples, which fold each is in, and what has been read of them."""

    x: Array  # (n, d)
    y: Array
    s: Array | None
    folds: NDArray[np.intp] | Consecutive | None
    bytes_read: int = 0
    peak_bytes: int = 0

    @property
    def d(self) -> int:
        return int(self.x.shape[1])

    @property
    def count(self) -> int:
        """Folds, or 1."""
        if self.folds is None:
            return 1
        return len(self.folds.ends) if isinstance(self.folds, Consecutive) else int(self.folds.max()) + 1

    def fold(self, i: int) -> slice | NDArray[np.intp]:
        """The rows of a fold."""
        if self.folds is None:
            return slice(0, len(self.y))
        if isinstance(self.folds, Consecutive):
            return slice((0, *self.folds.ends)[i], self.folds.ends[i])
        return np.flatnonzero(self.folds == i)

    def masked(self, kept: Any) -> Array:
        """Weights that are 0 for all other rows."""
        weights = np.zeros(len(self.y), self.y.dtype)
        weights[kept] = 1 if self.s is None else self.s[kept]
        return weights

    def part(self, rows: slice) -> Part:
        return Part(self.x[rows], self.y[rows], None if self.s is None else self.s[rows])


@dataclass
class Part:
    """Rows that follow each other."""

    x: Array
    y: Array
    s: Array | None

    @property
    def nbytes(self) -> int:
        return int(self.x.nbytes + self.y.nbytes + (0 if self.s is None else self.s.nbytes))


@dataclass(eq=False)
class TrainingSet:
    """All rows but those of a fold. v are coefficients of the columns (x - shift) / scale."""

    held_out: int | None
    parts: list[Part]
    weight: float
    shift: Vector
    scale: Vector  # 0 for a column that is the same everywhere
    deviation: Vector  # of a column of v
    at_zero: float = 0.0
    size: float = 1.0
    h: Vector = field(default_factory=lambda: np.zeros(0))  # half of what the loss falls by, along each column
    w: Array | None = None  # where conjugate gradients go on from
    b: float | None = None

    def derivatives(self, data: Data, w: Vector, b: float) -> float:
        """One pass. The loss; `h` is kept."""
        loss, along, along_b = 0.0, np.zeros(data.d), 0.0
        for part in self.parts:
            data.bytes_read += part.nbytes
            own, (grad, grad_b) = _core.loss_and_gradient(
                part.x, part.y, w.astype(data.y.dtype), b, sample_weight=part.s, reduction="sum"
            )
            loss += own
            along += grad
            along_b += float(grad_b)
        factor = np.divide(1, self.scale, out=np.zeros(data.d), where=self.scale > 0)
        self.h = -(along - self.shift * along_b) / (2 * self.weight) * factor
        return loss / self.weight

    def weights(self, data: Data) -> Array | None:
        """For a fit of these rows alone."""
        if self.held_out is None:
            return data.s
        kept = np.ones(len(data.y), bool)
        kept[data.fold(self.held_out)] = False
        return data.masked(kept)


def training_sets(data: Data, intercept: bool, standardize: bool, names: Sequence[str]) -> list[TrainingSet]:
    """All rows; then, where there are folds, all but each. Their columns' means and deviations take one read."""
    count = data.count
    columns = [_columns_of(data, i) for i in range(count)]
    for i, (weight, mean, variance) in enumerate(columns):
        where = f" in fold {i}" if count > 1 else ""
        wrong = np.flatnonzero(~np.isfinite(mean + variance))
        if len(wrong):
            raise ValueError(f"{names[wrong[0]]} holds NaN or infinity{where}, or numbers beyond its dtype")
        if weight == 0:
            raise ValueError(f"sample_weight is 0 for all rows{where}: there is no loss of these to choose by")
    sets = []
    for out in (None, *range(count)) if count > 1 else (None,):
        weight, mean, variance = _merged([column for i, column in enumerate(columns) if i != out])
        if not intercept:
            mean, variance = np.zeros_like(mean), variance + mean**2
        deviation = np.sqrt(variance)
        scale = deviation if standardize else np.where(deviation > 0, 1.0, 0.0)
        size = np.ones_like(deviation) if standardize else deviation
        sets.append(TrainingSet(out, _parts(data, out), weight, mean, scale, size))
    return sets


def _parts(data: Data, out: int | None) -> list[Part]:
    if out is None:
        return [data.part(slice(None))]
    rows = data.fold(out)
    if not isinstance(rows, slice):
        kept = np.ones(len(data.y), bool)
        kept[rows] = False
        return [Part(data.x, data.y, data.masked(kept))]
    both = slice(0, rows.start), slice(rows.stop, len(data.y))
    return [data.part(part) for part in both if part.stop > part.start]


def _blocks(rows: slice | NDArray[np.intp], size: int, row_bytes: int) -> Iterator[Any]:
    """Rows in blocks that may be copied."""
    step = max(1, _BLOCK_BYTES // max(row_bytes, 1))
    start, stop = (rows.start, rows.stop) if isinstance(rows, slice) else (0, size)
    for first in range(start, stop, step):
        block = slice(first, min(first + step, stop))
        yield block if isinstance(rows, slice) else rows[block]


def _columns_of(data: Data, fold: int) -> tuple[float, Vector, Vector]:
    """Weight of a fold, and means and variances of its columns."""
    rows = data.fold(fold)
    if isinstance(rows, slice):
        blocks: list[Any] = [rows]
    else:
        blocks = list(_blocks(rows, len(rows), data.d * data.x.itemsize))
    found = []
    for block in blocks:
        s = None if data.s is None else data.s[block]
        weight = float(len(data.y[block]) if s is None else s.sum(dtype=np.float64))
        if weight == 0:
            continue
        own = scaling.scaling(Samples(data.x[block], None, s, None), intercept=True)
        data.bytes_read += own.bytes_read
        found.append((weight, own.shift, own.scale**2))
    return _merged(found) if found else (0.0, np.zeros(data.d), np.zeros(data.d))


def _merged(columns: list[tuple[float, Vector, Vector]]) -> tuple[float, Vector, Vector]:
    """As in Chan, Golub and LeVeque (1983)."""
    total, mean, variance = columns[0]
    for weight, own_mean, own_variance in columns[1:]:
        share = weight / (total + weight)
        step = own_mean - mean
        variance = variance + share * (own_variance - variance) + share * (1 - share) * step**2
        mean = mean + share * step
        total += weight
    return total, mean, variance


def moments_by_fold(data: Data, columns: NDArray[np.intp]) -> list[Gram]:
    """Of some columns and y, a block of rows after the other."""
    folds = []
    for fold in range(data.count):
        rows = data.fold(fold)
        size = len(data.y[rows])
        found: list[Gram] = []
        for block in _blocks(rows, size, len(columns) * data.x.itemsize):
            picked = data.x[block].take(columns, axis=1) if isinstance(block, slice) else data.x[np.ix_(block, columns)]
            s = None if data.s is None else data.s[block]
            matrix, origin, bytes_read, extra = _core.moments(picked, data.y[block], s)
            data.bytes_read += bytes_read
            data.peak_bytes = max(data.peak_bytes, extra + picked.nbytes + 2 * data.count * matrix.nbytes)
            found = [optimum.added(found[0], Gram(matrix, origin))] if found else [Gram(matrix, origin)]
        folds += found
    return folds


def together(grams: list[Gram]) -> Gram:
    """Added in their order."""
    total = grams[0]
    for gram in grams[1:]:
        total = optimum.added(total, gram)
    return total


def loss_of(gram: Gram, w: Vector, b: float) -> float:
    """Mean squared residual, from moments of the columns of w."""
    z = np.concatenate([w, [b + gram.origin[:-1] @ w - gram.origin[-1], -1.0]])
    return max(float(z @ gram.matrix @ z), 0.0) / float(gram.matrix[-2, -2])


def held_out_loss(data: Data, fold: int, w: Array, b: float) -> float:
    """Mean squared residual on the rows of a fold, which are read for it."""
    rows = data.fold(fold)
    part = data.part(rows) if isinstance(rows, slice) else Part(data.x, data.y, data.masked(rows))
    data.bytes_read += part.nbytes
    loss, _ = _core.loss_and_gradient(part.x, part.y, w, b, sample_weight=part.s)
    return float(loss)
