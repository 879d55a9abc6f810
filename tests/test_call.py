"""How `loss_and_gradient` takes its arguments: as any Python function does, and it leaves nothing behind."""

from __future__ import annotations

import gc
import inspect
import pickle
import sys
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
Y = np.array([1.0, 2.0, 3.0])
W = np.array([0.5, -0.25])
S = np.array([1.0, 0.0, 2.0])
NAMES = ("x", "y", "w", "b", "sample_weight", "reduction", "out")


def test_it_is_a_function_like_others() -> None:
    function: Any = gdfast.loss_and_gradient
    signature = "(x, y, w, b=None, *, sample_weight=None, reduction='mean', out=None)"
    assert str(inspect.signature(function)) == signature
    assert (function.__name__, function.__module__) == ("loss_and_gradient", "gdfast._core")
    assert function.__doc__.startswith("Loss and gradient of the linear model")
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("named", range(5))
def test_arguments_have_a_place_or_a_name(named: int) -> None:
    values: list[Any] = [X, Y, W, 0.5]
    want = gdfast.loss_and_gradient(X, Y, W, 0.5, sample_weight=S, reduction="sum", out=None)
    names = dict(zip(NAMES[named:4], values[named:], strict=True))
    backwards = dict(reversed({**names, "sample_weight": S, "reduction": "sum", "out": None}.items()))
    assert oracle.same_bits(gdfast.loss_and_gradient(*values[:named], **backwards), want)


def test_a_name_need_not_be_the_same_object() -> None:
    given: dict[str, Any] = {"".join(list(name)): value for name, value in zip(NAMES, (X, Y, W), strict=False)}
    assert oracle.same_bits(gdfast.loss_and_gradient(**given), gdfast.loss_and_gradient(X, Y, W))


REFUSED: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((), {}, "is missing its argument 'x': needed are x, y, w"),
    ((X, Y), {}, "is missing its argument 'w': needed are x, y, w"),
    ((X,), {"w": W}, "is missing its argument 'y': needed are x, y, w"),
    (
        (X, Y, W, None, S),
        {},
        "takes at most 4 positional arguments (x, y, w, b) but 5 were given: name the others, which are sample_weight, "
        "reduction, out",
    ),
    ((X, Y, W), {"x": X}, "got multiple values for argument 'x'"),
    ((X, Y, W, None), {"b": None}, "got multiple values for argument 'b'"),
    ((X, Y, W), {"weights": S}, f"got an unexpected keyword argument 'weights': accepted are {', '.join(NAMES)}"),
    ((X, Y, W), {"ŵ": S}, f"got an unexpected keyword argument 'ŵ': accepted are {', '.join(NAMES)}"),
]


@pytest.mark.parametrize(("values", "names", "message"), REFUSED)
def test_arguments_that_are_refused(values: Any, names: Any, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        gdfast.loss_and_gradient(*values, **names)
    assert str(raised.value) == f"loss_and_gradient() {message}"


class Kept(np.ndarray[Any, Any]):
    """An array that may mean more than its floats."""


@pytest.mark.parametrize("name", ["x", "y", "w", "sample_weight"])
def test_subclasses_are_taken(name: str) -> None:
    given: dict[str, Any] = {"x": X, "y": Y, "w": W, "sample_weight": S}
    want = gdfast.loss_and_gradient(**given)
    given[name] = given[name].view(Kept)
    assert oracle.same_bits(gdfast.loss_and_gradient(**given), want)


def test_out_is_what_comes_back() -> None:
    want = gdfast.loss_and_gradient(X, Y, W)
    for out in (np.empty(2), np.empty(2).view(Kept), np.empty(4)[1:3]):
        loss, grad = gdfast.loss_and_gradient(X, Y, W, out=out)
        assert grad is out
        assert oracle.same_bits((loss, np.array(grad)), want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 7, 15, 16, 17, 20, 21, 24, 33, 100, 255, 256, 257])
def test_nothing_behind_w_is_used(dtype: Any, d: int) -> None:
    """Kernels load whole registers of it."""
    for n in (1, 3, 16, 37):
        x, y, w = oracle.normal(n, d, dtype)
        w = np.asarray(w).reshape(d)
        padded = np.full(d + 64, np.nan, dtype)
        padded[:d] = w
        for order in "CF":
            given = np.asarray(x.reshape(n, d), order=order)  # type: ignore[call-overload]
            loss, grad = gdfast.loss_and_gradient(given, y, padded[:d])
            want = gdfast.backend("numpy").loss_and_gradient(given, y, w)
            slack = 1e-4 if dtype == np.float32 else 1e-11
            np.testing.assert_allclose(loss, want[0], rtol=slack)
            np.testing.assert_allclose(grad, want[1], rtol=slack, atol=slack * np.abs(want[1]).max())


def calls() -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Some that succeed and some that don't, of every kind."""
    one = X[:, 0].copy()
    return [
        ((X, Y, W), {}),
        ((X, Y, W, 0.5), {"sample_weight": S, "out": np.empty(2)}),
        ((one, Y, np.float32(0.5), np.array(2)), {"reduction": "sum"}),
        ((X[:2].tolist(), [1, 2], [1, 2]), {}),
        ((X, Y, W), {"sample_weight": -S}),
        ((X, Y, W), {"sample_weight": 0 * S}),
        ((X, Y, W), {"reduction": "median"}),
        ((X, Y, W), {"out": np.empty(3)}),
        ((X, Y[:2], W), {}),
        ((X, Y, "w"), {}),
        *((values, names) for values, names, _ in REFUSED),
    ]


def test_nothing_is_left_behind() -> None:
    """Neither blocks of memory nor references, however a call ends."""
    tried = calls()
    objects = [X, Y, W, S, None, *(value for values, names in tried for value in (*values, *names.values()))]

    def repeat(times: int) -> None:
        for _ in range(times):
            for values, names in tried:
                try:
                    gdfast.loss_and_gradient(*values, **names)
                except (TypeError, ValueError):
                    continue

    times, grown = 500, []
    repeat(20)
    gc.collect()  # what other tests have left, which refers to None
    counts = [sys.getrefcount(value) for value in objects]
    for _ in range(3):  # what Python keeps for errors to come varies, and ends
        gc.collect()
        blocks = sys.getallocatedblocks()
        repeat(times)
        gc.collect()
        grown.append(sys.getallocatedblocks() - blocks)
    more = [sys.getrefcount(value) - count for value, count in zip(objects, counts, strict=True)]
    assert max(map(abs, more)) < times, more
    assert min(grown) < times / 2, grown


@pytest.mark.slow
def test_nothing_is_left_behind_after_many() -> None:
    """A hundred thousand calls that fail at once, and as many that succeed."""
    none, count = sys.getrefcount(None), sys.getrefcount(X)
    for _ in range(100_000):
        gdfast.loss_and_gradient(X, Y, W)
        with pytest.raises(TypeError):
            gdfast.loss_and_gradient(X, Y, W, x=X)  # type: ignore[call-overload]
    assert abs(sys.getrefcount(None) - none) < 1_000
    assert abs(sys.getrefcount(X) - count) < 1_000
