"""`Moments(d, groups=k)`: each group's moments are those of its rows alone, and all together those of all rows."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from test_moments import plain

IDS = np.random.default_rng(0).integers(0, 4, 300)


def grouped(dtype: Any = np.float64, ids: Any = IDS) -> gdfast.Moments:
    x, y, _ = oracle.integers(300, 6, dtype)
    s = np.arange(300).astype(dtype) % 4
    first = slice(0, 110)
    moments = gdfast.Moments(6, groups=4).update(x[first], y[first], s[first], group=ids[first])
    return moments.update(x[110:], y[110:], s[110:], group=ids[110:])


@pytest.mark.parametrize("ids", [IDS, np.sort(IDS), np.sort(IDS)[::-1]], ids=["mixed", "together", "backwards"])
def test_each_group_is_its_rows(dtype: np.dtype[Any], ids: Any) -> None:
    """Sums of integers: so they are equal, however rows were read."""
    x, y, _ = oracle.integers(300, 6, dtype)
    s = np.arange(300).astype(dtype) % 4
    moments = grouped(dtype, ids)
    for i in range(4):
        for part, rows in ((moments[i], ids == i), (moments.without(i), ids != i)):
            np.testing.assert_array_equal(part.gram, plain(x[rows], y[rows], s[rows]))
            assert part.n == rows.sum()
    np.testing.assert_array_equal(moments.gram, plain(x, y, s))
    np.testing.assert_array_equal(moments[-1].gram, moments[3].gram)
    assert repr(moments) == "<gdfast.Moments: n=300, d=6, groups=4>"


def test_a_group_without_rows_adds_nothing() -> None:
    moments = grouped(ids=np.where(IDS == 2, 1, IDS))
    assert moments[2].n == 0
    np.testing.assert_array_equal(moments.without(2).gram, moments.gram)


@pytest.mark.parametrize("move", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_they_add_up_and_copy(move: Callable[[gdfast.Moments], gdfast.Moments]) -> None:
    moments = grouped()
    both = move(moments) + moments
    for i in range(4):
        np.testing.assert_array_equal(both[i].gram, 2 * moments[i].gram)
    np.testing.assert_array_equal(both.gram, 2 * moments.gram)
    part = moments[1]
    part += part
    np.testing.assert_array_equal(2 * moments[1].gram, part.gram)


def test_rows_beyond_a_block_are_gathered(dtype: np.dtype[Any]) -> None:
    """More than 4 MiB a group."""
    x, y, _ = oracle.integers(120_000, 12, dtype)
    ids = np.arange(120_000) % 2
    moments = gdfast.Moments(12, groups=2).update(x, y, group=ids)
    np.testing.assert_array_equal(moments[1].gram, plain(x[1::2], y[1::2], np.ones(60_000)))


X = np.ones((4, 3))
WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: gdfast.Moments(3, groups=0), ValueError, "groups is 0"),
    (lambda: gdfast.Moments(3, groups=2).update(X, np.ones(4)), ValueError, "group is missing"),
    (lambda: gdfast.Moments(3, groups=2).update(X, np.ones(4), group=[0, 1]), ValueError, "group has shape (2,)"),
    (lambda: gdfast.Moments(3, groups=2).update(X, np.ones(4), group=[0, 1, 2, 1]), ValueError, "group[2] is 2"),
    (lambda: gdfast.Moments(3, groups=2).update(X, np.ones(4), group=[0.0] * 4), TypeError, "dtype float64"),
    (lambda: gdfast.Moments(3).update(X, np.ones(4), group=[0] * 4), ValueError, "Moments(3, groups=…)"),
    (lambda: gdfast.Moments(3)[0], TypeError, "of no groups"),
    (lambda: gdfast.Moments(3, groups=2).without(2), IndexError, "from 0 to 1"),
    (lambda: gdfast.Moments(3, groups=2) + gdfast.Moments(3), ValueError, "have 0 groups, accepted are those of 2"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_errors_say_what_to_write(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
