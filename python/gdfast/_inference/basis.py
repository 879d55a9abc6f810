"""What a fit keeps of its data so that standard errors can be taken of it later."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast.descent import Gram

_BLOCK = 2**15  # weights whose logarithms are taken at once: an array of n numbers would be memory that nobody expects


class Counted(NamedTuple):
    """The rows that moments are of, as far as sums over them don't tell."""

    n: int
    weighted: bool
    above_0: int  # weights that are; of rows without weights all are 1
    logarithms: float  # the sum of those of the weights above 0: the likelihood has them

    def with_more(self, other: Counted) -> Counted:
        return Counted(
            self.n + other.n,
            self.weighted or other.weighted,
            self.above_0 + other.above_0,
            self.logarithms + other.logarithms,
        )


class Basis(NamedTuple):
    """What is known of the data of a fit, and how it was fitted."""

    gram: Gram | None = None  # None where the fit took no moments, or has penalties
    counted: Counted | None = None  # where there is a Gram matrix
    n: int = 0
    weighted: bool = False
    l2: float = 0.0
    l1: float = 0.0
    reduction: str = "mean"


def refuse_other_weights(basis: Basis, weighted: bool) -> None:
    """Raise where the data has weights and the fit had none, or the other way round."""
    if basis.weighted != weighted:
        had = "had a sample_weight: hand it over as well" if basis.weighted else "had none: leave it out"
        raise ValueError(f"sample_weight is {'here' if weighted else 'missing'}, and the fit {had}")


def counted(n: int, sample_weight: NDArray[Any] | None) -> Counted:
    """n rows, which count 1 where there are no weights."""
    if sample_weight is None:
        return Counted(n, False, n, 0.0)
    count, logarithms = 0, 0.0
    for start in range(0, n, _BLOCK):
        block = sample_weight[start : start + _BLOCK].astype(np.float64)
        positive = block[block > 0]
        count += len(positive)
        logarithms += float(np.log(positive).sum())
    return Counted(n, True, count, logarithms)
