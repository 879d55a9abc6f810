"""Mean and standard deviation of each column of a scan, for `standardize=True`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import scaling
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Reducible

Columns = NDArray[np.float64]


class Spread(NamedTuple):
    """Of some rows."""

    weight: float
    mean: Columns
    variance: Columns


def scales_of(data: Reducible, intercept: bool) -> tuple[Columns, Columns]:
    """Shift and scale as `gdfast.scaling.scaling` has them, in one pass."""
    total = data.reduce(spread_of, _both)
    if total is None:
        raise ValueError("sample_weight adds up to 0 over all rows, accepted are weights of which some are above 0")
    if intercept:
        return total.mean, np.sqrt(total.variance)
    return np.zeros_like(total.mean), np.sqrt(total.variance + total.mean**2)


def spread_of(piece: Piece) -> Spread | None:
    """A part for `Passes.reduce`."""
    s = piece.sample_weight
    weight = float(len(piece.x)) if s is None else float(s.sum(dtype=np.float64))
    return Spread(weight, *scaling.of_samples(piece.x, s)) if weight else None


def _both(a: Spread, b: Spread) -> Spread:
    """Chan, Golub and LeVeque (1983); what is the same everywhere stays exactly so."""
    weight = a.weight + b.weight
    share = b.weight / weight
    step = b.mean - a.mean
    variance = (1 - share) * a.variance + share * b.variance + share * (1 - share) * step**2
    return Spread(weight, a.mean + share * step, variance)
