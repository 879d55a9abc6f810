"""Folds of `gdfast.path`: how rows are held out; and what it refuses, naming argument, fold and column."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
from test_path import FOLDS, Array, K, N, X, Y, cv_loss, linear_model, model_selection


def test_folds_as_numbers_names_and_splitters() -> None:
    want = cv_loss(gdfast.path(X, Y, folds=FOLDS))
    names = np.array(["a", "b", "c", "d", "e"])[FOLDS]
    for folds in (FOLDS * 10 - 3, names, model_selection.PredefinedSplit(FOLDS)):
        np.testing.assert_array_equal(cv_loss(gdfast.path(X, Y, folds=folds)), want)
    one = cv_loss(gdfast.path(X, Y, folds=model_selection.KFold(K)))
    np.testing.assert_array_equal(one, cv_loss(gdfast.path(X, Y, folds=K)))


def test_rng_shuffles_and_groups_stay_together() -> None:
    from gdfast._path.folds import fold_of_each_row as folds_of
    from gdfast._path.moments import Consecutive

    def fold_of_each_row(*arguments: Any) -> Array:
        found = folds_of(*arguments)
        return found.ids() if isinstance(found, Consecutive) else found

    plain = fold_of_each_row(K, None, None, X, Y, N)
    shuffled = fold_of_each_row(K, None, 3, X, Y, N)
    assert (np.diff(plain) >= 0).all()
    assert (np.diff(shuffled) < 0).any()
    np.testing.assert_array_equal(np.bincount(shuffled), np.bincount(plain))
    np.testing.assert_array_equal(shuffled, fold_of_each_row(K, None, np.random.default_rng(3), X, Y, N))
    groups = np.random.default_rng(1).integers(0, 40, N)
    for seed in (None, 0):
        ids = fold_of_each_row(K, groups, seed, X, Y, N)
        assert all(len(set(ids[groups == group])) == 1 for group in range(40))
        assert np.ptp(np.bincount(ids)) < 12
    by_splitter = fold_of_each_row(model_selection.GroupKFold(K), groups, None, X, Y, N)
    assert all(len(set(by_splitter[groups == group])) == 1 for group in range(40))


def test_one_row_a_fold_leaves_one_out() -> None:
    path = gdfast.path(X[:30], Y[:30], folds=30, penalties=[0.5], standardize=False)
    want = linear_model.LassoCV(cv=30, alphas=[0.25], tol=1e-14, max_iter=1_000_000).fit(X[:30], Y[:30])
    np.testing.assert_allclose(cv_loss(path)[0], np.ravel(want.mse_path_), rtol=1e-6)


def test_two_rows_and_a_training_set_of_one() -> None:
    """One row has no slope: the other is predicted by it."""
    path = gdfast.path(X[:2], Y[:2], folds=2)
    np.testing.assert_allclose(cv_loss(path), (Y[0] - Y[1]) ** 2)
    uneven = gdfast.path(X, Y, folds=np.arange(N) == 7)
    assert np.isfinite(cv_loss(uneven)).all()
    np.testing.assert_allclose(cv_loss(uneven)[:, 0], np.mean((np.delete(Y, 7) - Y[7]) ** 2))


# --- what it refuses --------------------------------------------------------------------------------------------------


class Splits:
    """A splitter of these test sets."""

    def __init__(self, *test_sets: list[int]) -> None:
        self.test_sets = test_sets

    def split(self, *_: Any) -> Any:
        return ((np.setdiff1d(np.arange(N), rows), np.array(rows, int)) for rows in self.test_sets)


def with_nan() -> Array:
    x = X.copy()
    x[np.flatnonzero(FOLDS == 3)[1], 4] = np.nan
    return x


ShuffleSplit = model_selection.ShuffleSplit
REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: gdfast.path(X, Y, folds=1), ValueError, "folds is 1, accepted is None or a number of folds from 2"),
    (lambda: gdfast.path(X, Y, folds=2.5), TypeError, "folds is 2.5"),
    (lambda: gdfast.path(X, Y, folds=N + 1), ValueError, "folds is 204, accepted are up to the 203 rows"),
    (lambda: gdfast.path(X, Y, folds=5, groups=FOLDS % 3), ValueError, "up to the 3 groups"),
    (lambda: gdfast.path(X, Y, folds=FOLDS[:9]), ValueError, "folds has shape (9,)"),
    (lambda: gdfast.path(X, Y, folds=np.zeros(N)), ValueError, "folds has one fold"),
    (lambda: gdfast.path(X, Y, folds=np.where(FOLDS == 1, np.nan, FOLDS)), ValueError, "is NaN"),
    (lambda: gdfast.path(X, Y, folds=FOLDS, rng=0), ValueError, "leave it out"),
    (lambda: gdfast.path(X, Y, folds=5, rng="a"), TypeError, "rng is 'a'"),  # type: ignore[arg-type]
    (lambda: gdfast.path(X, Y, rng=1), ValueError, "write folds=5 as well"),
    (lambda: gdfast.path(X, Y, folds=FOLDS, groups=np.zeros(N)), ValueError, "each group has to be in one fold"),
    (lambda: gdfast.path(X, Y, folds=ShuffleSplit(3, random_state=0)), ValueError, "of sklearn.model_selection"),
    (lambda: gdfast.path(X, Y, folds=ShuffleSplit(1, random_state=0)), ValueError, "is in no test set"),
    (
        lambda: gdfast.path(X, Y, folds=Splits([*range(N)], [])),
        ValueError,
        "folds: split 1 of test_path_folds.Splits holds out no row",
    ),
    (lambda: gdfast.path(X, Y, folds=Splits([*range(N)])), ValueError, "folds has one fold"),
    (lambda: gdfast.path(X, Y, folds=Splits([0, N], [])), ValueError, "folds: split 0 of test_path_folds.Splits"),
    (lambda: gdfast.path(X, Y, folds=FOLDS, sample_weight=FOLDS != 2), ValueError, "0 for all rows in fold 2"),
    (lambda: gdfast.path(X, Y, sample_weight=np.zeros(N)), ValueError, "not all of them 0"),
    (lambda: gdfast.path(with_nan(), Y, folds=FOLDS), ValueError, "x[4] holds NaN or infinity in fold 3"),
    (
        lambda: gdfast.path(X, np.where(FOLDS == 1, np.inf, Y), folds=FOLDS),
        ValueError,
        "y holds NaN or infinity in fold 1",
    ),
    (lambda: gdfast.path(X, Y, penalties=[1.0, -0.5]), ValueError, "penalties[1] is -0.5"),
    (lambda: gdfast.path(X, Y, penalties=[]), ValueError, "penalties has shape (0,)"),
    (lambda: gdfast.path(X, Y, penalties="auto"), TypeError, "penalties is 'auto'"),
    (lambda: gdfast.path(X, Y, n_penalties=0), ValueError, "n_penalties is 0"),
    (lambda: gdfast.path(X, Y, eps=1.0), ValueError, "eps is 1"),
    (lambda: gdfast.path(X, Y, l1_ratio=1.5), ValueError, "l1_ratio is 1.5"),
    (lambda: gdfast.path(X, Y, l1_ratio=[]), ValueError, "l1_ratio is []"),
    (lambda: gdfast.path(X, Y, rule="best"), ValueError, "accepted are 'min', '1se'"),
    (lambda: gdfast.path(X, Y[:5]), ValueError, "y has shape (5,)"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_what_it_refuses_and_why(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
