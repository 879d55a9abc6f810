"""Bad input gets an exception that names the argument, what came and what is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
X1 = np.array([1.0, 2.0, 4.0])
Y = np.array([1.0, 2.0, 3.0])
W = np.array([0.5, -1.0])

Call = Callable[[Any], Any]


def all_of(*parts: str) -> str:
    """A pattern: all of these, in any order."""
    return "(?s)" + "".join(f"(?=.*{part})" for part in parts)


# --- shapes -----------------------------------------------------------------------------------------------------------

# What to call (`g` is a backend), and what the ValueError says of it.
SHAPES: dict[str, tuple[Call, tuple[str, ...]]] = {
    "x of no samples": (lambda g: g.loss_and_gradient(X[:0], Y[:0], W), ("x has shape \\(0, 2\\)", "no samples")),
    "x of no samples, 1-D": (lambda g: g.loss_and_gradient(X1[:0], Y[:0], 1.0), ("x has shape \\(0,\\)", "no samples")),
    "x of no columns": (lambda g: g.loss_and_gradient(X[:, :0], Y, W[:0]), ("x has shape \\(3, 0\\)", "no columns")),
    "x of three dimensions": (lambda g: g.loss_and_gradient(X[None], Y, W), ("x has shape \\(1, 3, 2\\)", "reshape")),
    "x a number": (lambda g: g.loss_and_gradient(3.0, Y, 1.0), ("x is a single number", "\\[x\\]")),
    "x a number, forward": (lambda g: g.forward(3.0, 1.0), ("x is a single number",)),
    "ragged x": (lambda g: g.loss_and_gradient([[1.0], [2.0, 3.0]], Y, W), ("x can't be read", "inhomogeneous")),
    "y a column": (
        lambda g: g.loss_and_gradient(X, Y[:, None], W),
        ("y has shape \\(3, 1\\)", "x has shape \\(3, 2\\)", "y\\[:, 0\\]"),
    ),
    "y a column, x 1-D": (
        lambda g: g.loss_and_gradient(X1, Y[:, None], 1.0),
        ("y has shape \\(3, 1\\)", "x has shape \\(3,\\)", "y\\[:, 0\\]"),
    ),
    "y a row": (lambda g: g.loss_and_gradient(X, Y[None], W), ("y has shape \\(1, 3\\)", "y\\[0\\]")),
    "y a number": (lambda g: g.loss_and_gradient(X, 1.0, W), ("y has shape \\(\\)", "np.full")),
    "y of one": (lambda g: g.loss_and_gradient(X, Y[:1], W), ("y has shape \\(1,\\)", "x has shape \\(3, 2\\)")),
    "y too short": (lambda g: g.loss_and_gradient(X, Y[:2], W), ("2 entries", "3 samples")),
    "y of two targets": (lambda g: g.loss_and_gradient(X, X, W), ("y has shape \\(3, 2\\)", "y\\[:, 0\\]")),
    "w a number for 2-D x": (lambda g: g.loss_and_gradient(X, Y, 1.0), ("w has shape \\(\\)", "np.full\\(2, w\\)")),
    "w a number for one column": (lambda g: g.forward(X[:, :1], 1.0), ("w has shape \\(\\)", "x has shape \\(3, 1\\)")),
    "w of one for 1-D x": (lambda g: g.loss_and_gradient(X1, Y, W[:1]), ("w has shape \\(1,\\)", "w.item\\(\\)")),
    "w an array for 1-D x": (lambda g: g.forward(X1, W), ("w has shape \\(2,\\)", "x has shape \\(3,\\)")),
    "w a row": (lambda g: g.loss_and_gradient(X, Y, W[None]), ("w has shape \\(1, 2\\)", "w\\[0\\]")),
    "w too long": (lambda g: g.forward(X, np.ones(3)), ("3 coefficients", "2 columns")),
    "b an array": (lambda g: g.loss_and_gradient(X, Y, W, np.ones(3)), ("b has shape \\(3,\\)", "a number")),
    "b of one": (lambda g: g.forward(X, W, [1.0]), ("b has shape \\(1,\\)", "np.asarray\\(b\\).item\\(\\)")),
    "sample_weight a column": (
        lambda g: g.loss_and_gradient(X, Y, W, sample_weight=Y[:, None]),
        ("sample_weight has shape \\(3, 1\\)", "sample_weight\\[:, 0\\]"),
    ),
    "sample_weight too short": (
        lambda g: g.loss_and_gradient(X, Y, W, sample_weight=Y[:2]),
        ("sample_weight", "2 ent"),
    ),
    "loss of nothing": (lambda g: g.loss([], []), ("y has shape \\(0,\\)", "no samples")),
    "loss of numbers": (lambda g: g.loss(1.0, 2.0), ("y has shape \\(\\)", "\\(n,\\)")),
    "loss, y a column": (lambda g: g.loss(Y[:, None], Y), ("y has shape \\(3, 1\\)", "y\\[:, 0\\]")),
    "loss, y_pred a column": (
        lambda g: g.loss(Y, Y[:, None]),
        ("y_pred has shape \\(3, 1\\)", "y has shape \\(3,\\)", "y_pred\\[:, 0\\]"),
    ),
    "loss, y_pred too short": (lambda g: g.loss(Y, Y[:2]), ("y_pred has shape \\(2,\\)", "y has shape \\(3,\\)")),
    "gradient, y_pred a column": (lambda g: g.gradient(X, Y, Y[:, None]), ("y_pred has shape \\(3, 1\\)",)),
    "gradient, y_pred a row": (lambda g: g.gradient(X1, Y, Y[None]), ("y_pred has shape \\(1, 3\\)", "y_pred\\[0\\]")),
    "gradient, y too short": (lambda g: g.gradient(X1, Y[:2], Y), ("y has shape \\(2,\\)", "x has shape \\(3,\\)")),
    "gradient of nothing": (lambda g: g.gradient(X[:0], Y[:0], Y[:0]), ("x has shape \\(0, 2\\)",)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_wrong_shapes_are_named(backend: Any, case: str) -> None:
    call, parts = SHAPES[case]
    with pytest.raises(ValueError, match=all_of(*parts)):
        call(backend)


@pytest.mark.parametrize("value", ["median", "Mean", None, 1, ["mean"], np.array(["mean", "sum"])])
def test_unknown_reductions_are_refused(backend: Any, value: Any) -> None:
    said = all_of("reduction is", "'mean' and 'sum'")
    with pytest.raises(ValueError, match=said):
        backend.loss(Y, Y, reduction=value)
    with pytest.raises(ValueError, match=said):
        backend.gradient(X, Y, Y, reduction=value)
    with pytest.raises(ValueError, match=said):
        backend.loss_and_gradient(X, Y, W, reduction=value)
    with pytest.raises(ValueError, match=said):
        backend.fit(X, Y, reduction=value)


# --- dtypes -----------------------------------------------------------------------------------------------------------

DTYPES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "complex64": (np.ones(3, np.complex64), ("complex64", "real")),
    "complex128": (np.ones(3, np.complex128), ("complex128", "real")),
    "object": (np.array([1, 2, None]), ("object", "\\[2\\] is None")),
    "string": (np.array(["1", "2", "3"]), ("<U1", "astype\\(np.float64\\)")),
    "bytes": (np.array([b"1", b"2", b"3"]), ("S1", "astype\\(np.float64\\)")),
    "datetime": (np.array(["2020-01-01"] * 3, "M8[D]"), ("datetime64\\[D\\]", "timedelta64")),
    "timedelta": (np.ones(3, "m8[s]"), ("timedelta64\\[s\\]", "timedelta64")),
    "longdouble": (np.ones(3, np.longdouble), ("float(96|128)", "astype\\(np.float64\\)")),
    "swapped float32": (np.ones(3, np.dtype(np.float32).newbyteorder()), ("float32 in another", "newbyteorder")),
    "swapped float64": (np.ones(3, np.dtype(np.float64).newbyteorder()), ("float64 in another", "newbyteorder")),
    "structured": (np.ones(3, [("a", float), ("b", float)]), ("'a'", "np.stack")),
    "huge integers": ([10**30] * 3, ("object",)),
    "text": (["one", "two", "three"], ("<U5",)),
    "masked": (np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), ("masked array", "filled")),
    "a dict": ({"a": 1.0}, ("object",)),
    "None": ([None] * 3, ("object",)),
}


@pytest.mark.parametrize("case", DTYPES)
def test_wrong_dtypes_are_named(backend: Any, case: str) -> None:
    bad, parts = DTYPES[case]
    calls: dict[str, Call] = {
        "x": lambda g: g.loss_and_gradient(bad, Y, 1.0),
        "y": lambda g: g.loss_and_gradient(X1, bad, 1.0),
        "sample_weight": lambda g: g.loss_and_gradient(X1, Y, 1.0, sample_weight=bad),
        "y_pred": lambda g: g.gradient(X1, Y, bad),
        "w": lambda g: g.forward(np.ones((2, 3)), bad),
        "w0": lambda g: g.fit(np.ones((2, 3)), Y[:2], w0=bad),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=all_of(f"^{name} (has dtype|is a)", *parts)):
            call(backend)
    with pytest.raises(TypeError, match=all_of("^y_pred ", *parts)):
        backend.loss(Y, bad)
    with pytest.raises(TypeError, match=all_of("^y ", *parts)):
        backend.loss(bad, Y)


@pytest.mark.parametrize("bad", ["1.5", 1j, {}, 10**400], ids=["text", "complex", "dict", "beyond float64"])
def test_b_is_a_number(backend: Any, bad: Any) -> None:
    with pytest.raises(TypeError, match=r"^b has dtype"):
        backend.loss_and_gradient(X, Y, W, bad)


# --- out --------------------------------------------------------------------------------------------------------------


def read_only(values: Any) -> Any:
    values.flags.writeable = False
    return values


OUTS: dict[str, tuple[type[Exception], Any, str]] = {
    "a list": (TypeError, [0.0, 0.0], "list"),
    "another dtype": (TypeError, np.empty(2, np.float32), "float32"),
    "integers": (TypeError, np.empty(2, np.int64), "int64"),
    "another byte order": (TypeError, np.empty(2, np.dtype(np.float64).newbyteorder()), "dtype"),
    "too long": (ValueError, np.empty(3), "\\(3,\\)"),
    "a column": (ValueError, np.empty((2, 1)), "\\(2, 1\\)"),
    "a number": (ValueError, np.empty(()), "\\(\\)"),
    "strided": (ValueError, np.empty(4)[::2], "strides"),
    "misaligned": (ValueError, np.empty(17, np.uint8)[1:].view(np.float64), "misaligned"),
    "read-only": (ValueError, read_only(np.empty(2)), "read-only"),
}


@pytest.mark.parametrize("case", OUTS)
def test_a_bad_out_is_refused(backend: Any, case: str) -> None:
    error, out, part = OUTS[case]
    with pytest.raises(error, match=all_of("^out ", part, "shape \\(2,\\) and dtype float64")):
        backend.loss_and_gradient(X, Y, W, out=out)


def test_out_goes_with_columns(backend: Any) -> None:
    with pytest.raises(ValueError, match=all_of("^out ", "\\(3,\\)", "without out=")):
        backend.loss_and_gradient(X1, Y, 1.0, out=np.empty(1))


# --- fit (its options are in test_fit_options.py) ---------------------------------------------------------------------


def test_fit_checks_its_data(backend: Any) -> None:
    with pytest.raises(ValueError, match=r"y has shape \(3, 1\)"):
        backend.fit(X, Y[:, None])
    with pytest.raises(ValueError, match="no samples"):
        backend.fit(X[:0], Y[:0])
    with pytest.raises(TypeError, match=r"^x has dtype complex128"):
        backend.fit(X * 1j, Y)
    with pytest.raises(ValueError, match=r"w0 has shape \(1,\)"):
        backend.fit(X1, Y, w0=[0.0])


def test_what_is_accepted_and_what_came_are_kept_apart() -> None:
    pd = pytest.importorskip("pandas")
    columns = (
        (pd.Series(pd.period_range("2020-01-01", periods=3)), r": Period\('2020-01-01', 'D'\) is none"),
        (pd.Series([1j, 2, 3]), ": the model is real, write np.real"),
    )
    for column, says in columns:
        with pytest.raises(TypeError, match=f"^y has dtype .*, accepted are numbers and Booleans{says}"):
            gdfast.fit([1.0, 2.0, 3.0], column)
        with pytest.raises(TypeError, match=f"^x has dtype .*, accepted are numbers and Booleans{says}"):
            gdfast.fit(column, [1.0, 2.0, 3.0])
