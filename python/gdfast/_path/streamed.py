"""A path of data whose moments would take too much memory: each penalty is solved on the columns that may have a
coefficient, from moments of these alone, and a pass over all columns says whether others are needed.

Which columns may have one is told by the strong rule (Tibshirani and others 2012): the derivatives at one penalty bound
those at the next. It may fail, so the pass at each penalty has the last word, and gives the duality gap as well. Where
every column has a coefficient (l1 is 0) there is nothing to screen: conjugate gradients go on from the penalty before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, fit_options, optimum, training
from gdfast._inference.basis import counted
from gdfast._path import parts
from gdfast._path.folds import check_moments
from gdfast._path.moments import Consecutive, Moments
from gdfast._path.parts import TrainingSet, Vector
from gdfast._path.request import Options
from gdfast.backends import backend as backend_by_name
from gdfast.conversion import Array
from gdfast.result import Fit

_FIRST = 32  # columns to start with
_GROWTH = 0.5  # moments are taken again where columns join: then these are many
_NOISE = 64  # roundings of x's dtype in a derivative, as a share of the most that it can be


class Found(NamedTuple):
    """What `_core.path` finds, and what a fit of all rows needs."""

    # penalties (R, P), coefs (R, P, d), intercepts, df, gaps (R, P), losses (k, R, P)
    numbers: tuple[Vector, ...]
    columns: NDArray[np.intp] | None  # those that `moments` are of; None: all
    moments: Moments  # of all rows
    fits: dict[tuple[int, int], Fit]  # where l1 is 0
    weights: Vector  # of the folds
    bytes_read: int
    peak_bytes: int
    largest_gap: float = 0.0  # of training sets, where l1 is 0


def streamed(
    x: Array,
    y: Array,
    s: Array | None,
    folds: NDArray[np.intp] | Consecutive | None,
    options: Options,
    names: Sequence[str],
) -> Found:
    """The whole path."""
    return _Path(parts.Data(x, y, s, folds), options, names).found()


class _Path:
    def __init__(self, data: parts.Data, options: Options, names: Sequence[str]) -> None:
        self.data, self.options, self.names = data, options, names
        self.sets = parts.training_sets(data, options.fit_intercept, options.standardize, names)
        self.columns = np.arange(min(data.d, 1))
        self.take_moments()
        for one in self.sets:
            self.derivatives(one, np.zeros(0), self.start_intercept(one))
        self.grow(np.zeros(0, np.intp))
        ratios = len(options.ratios)
        shape = ratios, options.penalty_count
        self.penalties = self.grid() if options.penalties is None else options.penalties
        self.coefs = np.zeros((*shape, data.d))
        self.intercepts, self.df, self.gaps = np.zeros(shape), np.full(shape, np.nan), np.zeros(shape)
        self.losses = np.zeros((len(self.sets) - 1, *shape))
        self.fits: dict[tuple[int, int], Fit] = {}
        self.largest_gap = 0.0

    def found(self) -> Found:
        for r, ratio in enumerate(self.options.ratios):
            order = np.argsort(-self.penalties[r], kind="stable")
            for at, i in enumerate(order):
                following = self.penalties[r, order[min(at + 1, len(order) - 1)]]
                l1, l2 = self.penalties[r, i] * ratio, self.penalties[r, i] * (1 - ratio) / 2
                if l1 == 0:
                    self.conjugate_gradients((r, int(i)), l2)
                else:
                    self.solve((r, int(i)), l1, l2, following * ratio)
        return Found(
            (self.penalties, self.coefs, self.intercepts, self.df, self.gaps, self.losses), self.columns,
            Moments(self.grams[0], counted(len(self.data.y), self.data.s)), self.fits, self.fold_weights,
            self.data.bytes_read, self.data.peak_bytes, self.largest_gap,
        )  # fmt: skip

    # --- columns at work ---

    def take_moments(self) -> None:
        """Of the columns at work, for each training set: sums of the others' folds."""
        folds = parts.moments_by_fold(self.data, self.columns)
        check_moments(folds, [self.names[int(j)] for j in self.columns])
        self.held_out = folds if len(self.sets) > 1 else []
        self.fold_weights = np.array([gram.matrix[-2, -2] for gram in folds])
        self.grams = [parts.together(folds)]
        self.grams += [parts.together(folds[:i] + folds[i + 1 :]) for i in range(len(self.held_out))]

    def grow(self, needed: NDArray[np.intp]) -> None:
        """Takes in the columns needed, and those of the largest derivatives beside them, where there is room."""
        if len(self.columns) == self.data.d:
            return
        steepest = np.max([np.abs(one.h) / one.size for one in self.sets], axis=0)
        steepest[needed] = np.inf
        steepest[self.columns] = -1
        more = max(len(needed), int(_GROWTH * len(self.columns)), _FIRST)
        joining = np.argsort(-steepest, kind="stable")[: min(more, self.data.d - len(self.columns))]
        self.columns = np.sort(np.concatenate([self.columns, joining]))
        self.take_moments()

    # --- one penalty ---

    def grid(self) -> Vector:
        """From the least penalty that sets all coefficients of all rows to 0, as `_core.path` has it."""
        steepest = float(np.abs(self.sets[0].h).max())
        largest = 2 * steepest / np.maximum(self.options.ratios, 1e-3) * (1 + 4 * np.finfo(np.float64).eps)
        largest[~(largest > 0)] = 1
        steps = np.arange(self.options.penalty_count) / max(self.options.penalty_count - 1, 1)
        return np.asarray(largest[:, np.newaxis] * self.options.eps**steps)

    def solve(self, place: tuple[int, int], l1: float, l2: float, following: float) -> None:
        left = list(range(len(self.sets)))
        while left:
            needed: list[NDArray[np.intp]] = []
            again = []
            for i in left:
                w, b, df = self.on_columns_at_work(i, l1, l2)
                one = self.sets[i]
                loss = self.derivatives(one, w, b)
                missed = self.outside(one, l1 / 2 + _NOISE * np.finfo(self.data.y.dtype).eps * one.size * one.deviation)
                if len(missed):
                    needed.append(missed)
                    again.append(i)
                elif i > 0:
                    self.losses[(i - 1, *place)] = parts.loss_of(self.held_out[i - 1], w, b)
                else:
                    self.coefs[place][self.columns] = w
                    self.intercepts[place], self.df[place] = b, df
                    self.gaps[place] = self.gap(one, w, loss, l1, l2)
            left = again
            if left:
                self.grow(np.unique(np.concatenate(needed)))
        expected = [self.outside(one, following - l1 / 2) for one in self.sets]
        if following < l1 and any(map(len, expected)):
            self.grow(np.unique(np.concatenate(expected)))

    def on_columns_at_work(self, i: int, l1: float, l2: float) -> tuple[Vector, float, float]:
        gram = self.grams[i]
        penalty = l1 + 2 * l2
        ratio, grid = np.array([l1 / penalty]), np.array([[penalty]])
        options = self.options
        found = _core.path(
            [gram.matrix], [gram.origin], ratio, grid, 1, 0.5,
            options.fit_intercept, options.standardize,
        )  # fmt: skip
        return found[1][0, 0], float(found[2][0, 0]), float(found[3][0, 0])

    def derivatives(self, one: TrainingSet, w: Vector, b: float) -> float:
        """The loss at w of the columns at work, or of none; what it falls by along each column is kept in `one.h`."""
        full = np.zeros(self.data.d)
        full[self.columns[: len(w)]] = w
        return one.derivatives(self.data, full, b)

    def outside(self, one: TrainingSet, threshold: Any) -> NDArray[np.intp]:
        beyond = (np.abs(one.h) > threshold) & (one.scale > 0)
        beyond[self.columns] = False
        return np.flatnonzero(beyond)

    def gap(self, one: TrainingSet, w: Vector, loss: float, l1: float, l2: float) -> float:
        """By the dual at the residual, with √l2·v beside it."""
        v = w * one.scale[self.columns]
        h = one.h.copy()
        h[self.columns] -= l2 * v
        with_y = loss + float(one.h[self.columns] @ v)
        squares = loss + l2 * float(v @ v)
        least = optimum.dual(h, squares, with_y, l1)
        return max(squares + l1 * float(np.abs(v).sum()) - least, 0.0) / one.at_zero if one.at_zero > 0 else 0.0

    def start_intercept(self, one: TrainingSet) -> float:
        gram = self.grams[self.sets.index(one)]
        mean = float(optimum.means(gram)[-1])
        weight = gram.matrix[-2, -2]
        square = optimum.centred(gram)[-1, -1] / weight
        one.at_zero = float(square if self.options.fit_intercept else square + mean**2)
        one.size = float(np.sqrt(one.at_zero)) or 1.0
        return mean if self.options.fit_intercept else 0.0

    # --- where l1 is 0 ---

    def conjugate_gradients(self, place: tuple[int, int], l2: float) -> None:
        data, options = self.data, self.options
        standardize = options.standardize or l2 == 0  # without a penalty the optimum is that of any columns' scales
        for i, one in enumerate(self.sets):
            arguments = fit_options.check(
                data.x, data.y, optimizer="cg", plan="stream", n_iters=10_000, l2=l2, w0=one.w, b0=one.b,
                fit_intercept=options.fit_intercept, standardize=standardize, sample_weight=one.weights(data),
            )  # fmt: skip
            fit = training.train(backend_by_name("native"), arguments)
            one.w, one.b = fit.w, fit.b
            self.largest_gap = max(self.largest_gap, fit.gap or 0.0)
            data.bytes_read += fit.report.bytes_read
            if i > 0:
                self.losses[(i - 1, *place)] = parts.held_out_loss(data, i - 1, fit.w, fit.b or 0.0)
                continue
            self.fits[place] = fit
            self.coefs[place], self.intercepts[place] = fit.w, fit.b or 0.0
            self.gaps[place] = np.nan if fit.gap is None else fit.gap
