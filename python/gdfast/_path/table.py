"""All numbers of a path, by mixture and penalty, and what both rules choose."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Table(NamedTuple):
    """All of a path, by mixture and penalty."""

    penalties: Vector  # (R, P)
    coefs: Vector  # (R, P, d)
    intercepts: Vector  # (R, P)
    df: Vector  # (R, P)
    gaps: Vector  # (R, P)
    cv_loss: Vector  # (R, P, k)
    cv_mean: Vector  # (R, P)
    cv_se: Vector  # (R, P)
    best: tuple[int, int] | None
    best_1se: tuple[int, int] | None


def table_of(found: tuple[Vector, ...], weights: Vector) -> Table:
    penalties, coefs, intercepts, df, gaps, losses = found
    cv_loss = np.moveaxis(losses, 0, -1)
    if not len(losses):
        return Table(penalties, coefs, intercepts, df, gaps, cv_loss, np.empty(0), np.empty(0), None, None)
    share = weights / weights.sum()
    mean = cv_loss @ share
    se = np.sqrt(((cv_loss - mean[..., np.newaxis]) ** 2) @ share / (len(weights) - 1))
    ratio, place = map(int, np.unravel_index(int(np.argmin(mean)), mean.shape))
    within = np.flatnonzero(mean[ratio] <= mean[ratio, place] + se[ratio, place])
    sparing = int(within[np.argmax(penalties[ratio, within])])
    return Table(penalties, coefs, intercepts, df, gaps, cv_loss, mean, se, (ratio, place), (ratio, sparing))
