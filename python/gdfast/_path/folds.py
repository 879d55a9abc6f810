"""Which rows a cross-validation holds out together: from a number, fold numbers, or a splitter of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import checks
from gdfast._path.moments import Consecutive
from gdfast.descent import Gram
from gdfast.errors import Argument, Message
from gdfast.wording import shown, type_name

Ids = NDArray[np.intp]

_ACCEPTED = (
    "accepted are a number of folds, a fold number for each row, or a splitter of scikit-learn whose test sets have "
    "each row once"
)


def fold_of_each_row(folds: Any, groups: Any, rng: Any, x: Any, y: Any, n: int) -> Ids | Consecutive:
    """The fold of each row, numbered from 0.

    Raises
    ------
    ValueError, TypeError
        When there are no two folds, rows are in none or in two, or a group is in two.
    """
    names = None if groups is None else _labels("groups", groups, n)
    if hasattr(folds, "split"):
        ids = _of_splitter(folds, groups, x, y, n)
    elif np.ndim(folds) > 0:
        ids = _labels("folds", folds, n)
    else:
        return _of_number(folds, names, rng, n)
    if rng is not None:
        raise ValueError("rng draws the rows of each fold where folds is a number: leave it out")
    if ids.max() < 1:
        raise ValueError(
            Message(
                Argument("folds"), " has one fold, and at least two are needed: one to hold out, and others to train on"
            )
        )
    if names is not None:
        _refuse_split_groups(names, ids)
    return ids


def _of_number(folds: Any, names: Ids | None, rng: Any, n: int) -> Ids | Consecutive:
    k = checks.whole("folds", folds, 2, "None or a number of folds from 2")
    units = n if names is None else int(names.max()) + 1
    if k > units:
        what = "rows" if names is None else "groups"
        raise ValueError(
            Message(Argument("folds"), f" is {k:,}, accepted are up to the {units:,} {what} that there are")
        )
    sizes = n // k + (np.arange(k) < n % k)  # the first ones have a row more, as scikit-learn's have
    if names is None and rng is None:
        return Consecutive(tuple(np.cumsum(sizes).tolist()))
    order = np.arange(units) if rng is None else _generator(rng).permutation(units)
    if names is None:
        ids = np.empty(n, np.intp)
        ids[order] = np.repeat(np.arange(k), sizes)
        return ids
    # The largest group first, each to the fold that has the fewest rows so far.
    members = np.bincount(names)[order]
    fold_of = np.empty(units, np.intp)
    rows = np.zeros(k, np.int64)
    for group in np.argsort(-members, kind="stable"):
        smallest = int(np.argmin(rows))
        fold_of[order[group]] = smallest
        rows[smallest] += members[group]
    return np.asarray(fold_of[names])


def _generator(rng: Any) -> np.random.Generator:
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise TypeError(f"rng is {shown(rng)}, accepted is None, a seed of 0 or more, or a numpy.random.Generator")
    return np.random.default_rng(int(rng))


def _of_splitter(splitter: Any, groups: Any, x: Any, y: Any, n: int) -> Ids:
    ids = np.full(n, -1, np.intp)
    for fold, (_, test) in enumerate(splitter.split(x, y, groups)):
        rows = np.asarray(test)
        what = f"folds: split {fold} of {type_name(splitter)}"
        if not len(rows):
            raise ValueError(f"{what} holds out no row; {_ACCEPTED}")
        if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
            raise ValueError(f"{what} has to hold out row numbers from 0 to {n - 1:,}; {_ACCEPTED}")
        twice = rows[ids[rows] >= 0]
        if len(twice):
            raise ValueError(
                Message(
                    Argument("folds"),
                    f": row {int(twice[0])} is held out by splits {ids[twice[0]]} and {fold} of {_name(splitter)}; "
                    f"{_ACCEPTED}",
                )
            )
        ids[rows] = fold
    never = np.flatnonzero(ids < 0)
    if len(never):
        raise ValueError(
            Message(Argument("folds"), f": row {never[0]} is in no test set of {_name(splitter)}; {_ACCEPTED}")
        )
    return ids


def _name(splitter: Any) -> str:
    """Of a splitter, or of the one that another hands its arguments to."""
    return type_name(getattr(splitter, "splitter", splitter))


def _labels(name: str, given: Any, n: int) -> Ids:
    labels = np.asarray(given)
    if labels.shape != (n,):
        raise ValueError(f"{name} has shape {labels.shape}, accepted is one for each row: {(n,)}")
    if labels.dtype.kind in "fc" and np.isnan(labels).any():
        raise ValueError(f"{name}[{int(np.flatnonzero(np.isnan(labels))[0])}] is NaN, accepted is one for each row")
    try:
        _, ids = np.unique(labels, return_inverse=True)
    except TypeError:
        raise TypeError(f"{name} mixes types that have no order: write names or numbers alone") from None
    return np.asarray(ids, np.intp)


def _refuse_split_groups(names: Ids, ids: Ids) -> None:
    first = np.zeros(int(names.max()) + 1, np.intp)
    first[names[::-1]] = ids[::-1]
    wrong = np.flatnonzero(first[names] != ids)
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"groups: row {row} is in fold {ids[row]}, and others of its group in fold {first[names[row]]}; each group "
            "has to be in one fold"
        )


def check_moments(grams: list[Gram], names: Sequence[str]) -> None:
    """Of each fold, and of columns of these names.

    Raises
    ------
    ValueError
        When one isn't finite, or a fold has no weight.
    """
    for i, gram in enumerate(grams):
        where = f" in fold {i}" if len(grams) > 1 else ""
        wrong = np.flatnonzero(~np.isfinite(np.diag(gram.matrix)))
        if len(wrong):
            name = (*names, "sample_weight", "y")[int(wrong[0])]
            raise ValueError(f"{name} holds NaN or infinity{where}, or numbers whose squares are beyond float64")
        if gram.matrix[-2, -2] == 0:
            raise ValueError(f"sample_weight is 0 for all rows{where}: there is no loss of these to choose by")
