"""A mask is never ignored, whatever carries it; nor is a unit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gdfast

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

X = np.array([[1.0, 2.0], [3.0, 1e4], [5.0, 7.0]])
Y = np.array([1.0, 2.0, 3.0])
HIDDEN = X > 1e3


class Scientific:
    """Some other package's array with a mask, as astropy's, and as xarray's might be."""

    def __init__(self, values: Any, mask: Any) -> None:
        self.values, self.mask, self.shape = values, mask, values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values


class Variable:
    """A variable of a file, as netCDF4 has them: `mask` says whether masked arrays come out of it."""

    def __init__(self, values: Any) -> None:
        self.values, self.mask, self.shape = values, True, values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.ma.masked_greater(self.values, 1e3)


def in_astropy() -> list[Any]:
    masked = pytest.importorskip("astropy.utils.masked")
    table = pytest.importorskip("astropy.table")
    column = table.MaskedColumn(X[:, 1], mask=HIDDEN[:, 1], name="b")
    return [
        masked.Masked(X, mask=HIDDEN),
        column,
        table.Table({"a": X[:, 0], "b": column}),
        [masked.Masked(row, mask=mask) for row, mask in zip(X, HIDDEN, strict=True)],
    ]


def in_torch() -> list[Any]:
    torch = pytest.importorskip("torch")
    masked = pytest.importorskip("torch.masked")
    return [masked.masked_tensor(torch.tensor(X), torch.tensor(~HIDDEN))]


def everywhere() -> list[Any]:
    rows = [np.ma.masked_greater(row, 1e3) for row in X]
    return [
        np.ma.masked_greater(X, 1e3),
        rows,
        tuple(rows),
        [[1.0, 2.0], rows[1], [5.0, 7.0]],
        [[1.0, 2.0], [3.0, np.ma.masked], [5.0, 7.0]],
        [[rows[0]], [rows[1]], [rows[2]]],
        Scientific(X, HIDDEN),
        [Scientific(row, mask) for row, mask in zip(X, HIDDEN, strict=True)],
        Variable(X),
    ]


@pytest.mark.filterwarnings("ignore")  # of what they come from, at its making
@pytest.mark.parametrize("make", [everywhere, in_astropy, in_torch])
def test_masked_numbers_are_refused(backend: Any, make: Any) -> None:
    for x in make():
        for call in (
            lambda x: backend.fit(x, Y),
            lambda x: backend.forward(x, [1.0, 2.0]),
            lambda x: backend.loss_and_gradient(x, Y, [1.0, 2.0]),
            lambda x: gdfast.Moments(2).update(x, Y),
            lambda x: backend.fit(X, Y, validation=(x, Y)),
        ):
            with pytest.raises(TypeError, match=r"its mask would be ignored|the mask would be ignored"):
                call(x)


@pytest.mark.parametrize("name", ["y", "sample_weight", "w", "b"])
def test_masked_vectors_are_refused(backend: Any, name: str) -> None:
    good = {"x": X, "y": Y, "w": X[0], "b": 1.0, "sample_weight": Y}
    bad = np.ma.masked_equal(good[name], np.ravel(good[name])[0])
    for value in (bad, list(bad) if bad.ndim else bad):
        with pytest.raises(TypeError, match=f"^{name} is a .*mask"):
            backend.loss_and_gradient(**good | {name: value})


def test_a_mask_of_nothing_hides_nothing(backend: Any) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    want = backend.forward(x, [1.0, 2.0])
    nothing = np.zeros(x.shape, bool)
    for given in (np.ma.array(x), np.ma.array(x, mask=nothing), Scientific(x, nothing), Variable(x)):
        np.testing.assert_array_equal(backend.forward(given, [1.0, 2.0]), want)
    np.testing.assert_array_equal(backend.forward(list(np.ma.array(x)), [1.0, 2.0]), want)


def test_units_are_refused(backend: Any) -> None:
    units = pytest.importorskip("astropy.units")
    with pytest.raises(TypeError, match=r"^x has the unit 'km', .* write x\.value"):
        backend.fit(X * units.km, Y)
    with pytest.raises(TypeError, match=r"^y has the unit 's', .* write y\.value"):
        backend.fit(X, Y * units.s)
    pint = SimpleNamespace(units="metre", magnitude=Y, __array__=lambda: Y)
    with pytest.raises(TypeError, match=r"^y has the unit 'metre', .* write y\.magnitude"):
        backend.fit(X, pint)
