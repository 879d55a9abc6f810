"""w of (n,) x, and b: any kind of number gives the bits of the float it is, and takes no longer."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from gdfast import validation

INTEGERS = ["int8", "int16", "int32", "int64", "longlong", "uint8", "uint16", "uint32", "uint64", "ulonglong"]
NUMBERS = ["float32", "float64", *INTEGERS]

X, Y = np.array([0.5, -1.25, 3.0]), np.array([1.0, 2.0, -0.75])


def values(name: str) -> list[Any]:
    """Numbers that show a value read in part, or as another type."""
    dtype = np.dtype(name)
    if dtype.kind == "f":
        return [0.1, -2.5e-40, 1e30, np.inf, np.nan, -0.0]
    limits = np.iinfo(dtype)
    return [0, 1, 77, limits.min, limits.max, limits.max - limits.max // 3]


def misaligned(value: Any) -> Any:
    """An array () that begins at an odd address."""
    memory = np.zeros(value.itemsize + 1, np.uint8)
    memory[1:] = np.frombuffer(value.tobytes(), np.uint8)
    return memory[1:].view(value.dtype).reshape(())


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_number_is_the_float_that_validation_makes_of_it(name: str, dtype: Any) -> None:
    x, y = X.astype(dtype), Y.astype(dtype)
    for value in values(name):
        number = np.dtype(name).type(value)
        want: Any = validation.scalar("b", np.asarray(number))
        array = np.array(number)
        given: list[Any] = [number, array, misaligned(array)]
        if array.dtype.kind != "f":  # floats of another byte order are refused
            given.append(array.astype(array.dtype.newbyteorder()))
        for one in given:
            case = f"{one!r} of type {type(one).__name__}"
            assert oracle.same_bits(gdfast.loss_and_gradient(x, y, one), gdfast.loss_and_gradient(x, y, want)), case
            results = gdfast.loss_and_gradient(x, y, one, one), gdfast.forward(x, 0.5, one), gdfast.forward(x, one)
            wanted = gdfast.loss_and_gradient(x, y, want, want), gdfast.forward(x, 0.5, want), gdfast.forward(x, want)
            assert oracle.same_bits(results, wanted), case


class Meters(float):
    """A float with more to it."""


class Count(np.int64):
    pass


ODD = [
    True,
    np.True_,
    np.array(True),
    np.float16(0.5),
    np.array(0.5, np.float16),
    np.longdouble(0.5),
    1j,
    np.complex64(1),
    "1",
    np.str_("1"),
    None,
    10**400,
    np.timedelta64(3, "s"),
    np.datetime64("2020-01-01"),
    np.array(3, "m8[s]"),
    np.array(object()),
    np.ma.masked,
    np.ma.array(0.5, mask=True),
    np.array([0.5]),
    [0.5],
    Meters(0.5),
    Count(3),
]


def told(call: Any) -> Any:
    try:
        return float(call())
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{type(value).__name__}-{str(value)[:12]}")
def test_anything_else_is_validations_to_judge(value: Any) -> None:
    one = np.ones(1)
    assert told(lambda: gdfast.forward(one, value)[0]) == told(lambda: validation.coefficients("w", value, one))
    if value is not None:
        assert told(lambda: gdfast.forward(one, 0.0, value)[0]) == told(lambda: validation.scalar("b", value))


def test_every_kind_is_as_quick_as_a_float() -> None:
    """In turns, so that a busy machine is busy for all of them. The way through Python takes seven times as long."""
    kinds: dict[str, Any] = {"float": 0.5}
    for name in NUMBERS:
        kinds[name] = np.dtype(name).type(1)
        kinds[f"{name} ()"] = np.array(1, name)
    least = dict.fromkeys(kinds, np.inf)
    for _ in range(100):
        for kind, value in kinds.items():
            start = time.perf_counter()
            for _ in range(50):
                gdfast.loss_and_gradient(X, Y, value, value)
            least[kind] = min(least[kind], time.perf_counter() - start)
    slow = {kind: round(seconds / least["float"], 2) for kind, seconds in least.items()}
    assert max(slow.values()) < 1.5, slow
