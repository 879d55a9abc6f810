"""`Moments(d, groups=k)`: each group's moments are those of its rows alone, and all together those of all rows."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gdfast
import oracle
from gdfast import _core
from gdfast._path.moments import by_group
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


def numbers(n: int, count: int) -> dict[str, NDArray[np.int64]]:
    """Groups of rows that lie together, in several runs or anywhere; many rows of one and few of others."""
    rng = np.random.default_rng(n)
    anywhere = rng.integers(0, count, n)
    rare = np.where(rng.random(n) < 0.02, anywhere, count // 2)
    runs = np.arange(n) // max(1, n // (3 * count)) % count
    return {"anywhere": anywhere, "rare": rare, "runs": runs, "together": np.sort(anywhere)}


def assert_as_if_alone(x: Any, y: Any, s: Any, ids: NDArray[np.int64], count: int) -> None:
    found = by_group(x, y, s, ids, count)
    assert found is not None
    assert found.bytes_read == x.size * x.itemsize + y.nbytes + (0 if s is None else s.nbytes)
    assert found.peak_bytes <= 4 * 2**20 + 3 * 8 * (x.shape[1] + 2) ** 2 + 8 * len(x) // count
    for i, (gram, rows) in enumerate(found.folds):
        own = ids == i
        assert rows.n == own.sum()
        if rows.n:
            matrix, origin, _, _ = _core.moments(x[own], y[own], None if s is None else s[own])
            np.testing.assert_array_equal(gram.matrix, matrix)
            np.testing.assert_array_equal(gram.origin, origin)
            assert rows.above_0 == (rows.n if s is None else (s[own] > 0).sum())


@pytest.mark.parametrize("d", [1, 3, 4, 5, 8, 17, 60])
def test_bits_are_those_of_the_rows_alone(d: int, dtype: np.dtype[Any], layout: oracle.Layout) -> None:
    for n in (1, 7, 300, 5_000):
        values, y, _ = oracle.normal(n, d, dtype)
        x, s = layout(values + 3), np.round(2 * np.abs(y)).astype(np.float64) / 2  # half of them 0
        for count in (1, 2, 7):
            for which, ids in enumerate(numbers(n, count).values()):
                gdfast.set_num_threads(1 + which % 2)
                assert_as_if_alone(x, y, s if which % 2 else None, ids, count)


@pytest.mark.parametrize(("n", "d", "count"), [(400_000, 2, 3), (200_000, 9, 6), (30_000, 100, 8), (6_000, 150, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_bits_of_much_data(n: int, d: int, count: int, order: Any, dtype: np.dtype[Any]) -> None:
    """Several pieces a matrix, more groups than there is memory for in one walk, matrices beyond the cache."""
    values, y, _ = oracle.normal(n, d, dtype)
    x = np.asarray(values, order=order)
    for threads in (1, 2):
        gdfast.set_num_threads(threads)
        assert_as_if_alone(x, y, None, numbers(n, count)["anywhere"], count)


def test_many_groups() -> None:
    x, y, _ = oracle.normal(3_000, 6, "float64")
    assert_as_if_alone(x, y, None, numbers(3_000, 1_000)["anywhere"], 1_000)


def test_a_group_that_weighs_nothing() -> None:
    x, y, _ = oracle.normal(300, 6, "float64")
    assert_as_if_alone(x, y, (IDS != 1).astype(np.float64), IDS, 4)


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
