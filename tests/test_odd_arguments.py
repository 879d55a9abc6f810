"""Odd arguments: too large, of many, or no number at all. The message blames the right one, and stays short."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

import gdfast

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
Y = np.array([1.0, 2.0, 3.0])

LONGEST = 600  # characters of a message


class Mute:
    """What can't say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


ODD: dict[str, Any] = {
    "2**63": 2**63,
    "-(10**400)": -(10**400),
    "10**400": 10**400,
    "10**5000": 10**5000,
    "NaN": np.nan,
    "None": None,
    "True": True,
    "np.True_": np.True_,
    "0-d flag": np.array(True),
    "complex": 1j,
    "text": "text",
    "long text": "t" * 200_000,
    "bytes": b"bytes",
    "long bytes": bytes(200_000),
    "datetime": datetime.datetime(2020, 1, 1),
    "datetime64": np.datetime64("2020-01-01"),
    "list": [0.5] * 200_000,
    "nested": [[0.5] * 200] * 1_000,
    "ragged": [[1.0], [1.0, 2.0]],
    "list of text": ["t" * 1_000] * 1_000,
    "dict": dict.fromkeys(range(200_000)),
    "set": set(range(200_000)),
    "array": np.ones(200_000),
    "array of two": np.ones(2) * 7,
    "matrix": np.ones((2, 2)) * 7,
    "array of text": np.array(["a", "b"]),
    "structured": np.ones(3, [(f"field{j}", float) for j in range(1_000)]),
    "no words": Mute(),
    "a class": int,
}
OPTIONS = (
    "n_iters",
    "patience",
    "batch_size",
    "l1",
    "l2",
    "tol",
    "eps",
    "momentum",
    "learning_rate",
    "betas",
    "optimizer",
    "plan",
    "reduction",
    "backend",
    "standardize",
    "shuffle",
    "progress",
    "fit_intercept",
    "rng",
    "w0",
    "b0",
    "validation",
    "callback",
)
MEANT = {  # what is right, odd as it looks
    *(("rng", odd) for odd in ("2**63", "10**400", "10**5000", "None")),
    *((name, "None") for name in ("batch_size", "tol", "w0", "b0", "validation", "callback")),
    *((name, odd) for name in ("standardize", "shuffle", "progress", "fit_intercept") for odd in ("True", "np.True_")),
    ("callback", "a class"),
    ("b0", "True"),
    ("b0", "np.True_"),
    ("b0", "0-d flag"),
    ("b0", "2**63"),
    ("w0", "array of two"),
    *((name, "2**63") for name in ("l1", "l2", "tol", "eps", "learning_rate")),
}


@pytest.mark.parametrize(
    ("option", "odd"), [(name, odd) for name in OPTIONS for odd in ODD if (name, odd) not in MEANT]
)
def test_odd_options(option: str, odd: str) -> None:
    options: dict[str, Any] = {"n_iters": 1, "learning_rate": 1e-3, "fit_intercept": True, option: ODD[odd]}
    if option == "rng":
        options["batch_size"] = 2
    for call in (gdfast.fit, gdfast.explain):
        with pytest.raises((ValueError, TypeError), match=option) as raised:
            call(X, Y, **options)
        assert len(str(raised.value)) <= LONGEST


OF_DATA = [odd for odd in ODD if odd not in ("array", "list", "2**63", "10**400", "NaN")]
MEANT_AS_DATA = {
    ("w", "array of two"),
    ("w", "matrix"),  # of two models
    *(("b", odd) for odd in ("True", "np.True_", "0-d flag", "None")),
    ("sample_weight", "None"),
}


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        (name, odd)
        for name in ("x", "y", "w", "b", "sample_weight")
        for odd in OF_DATA
        if (name, odd) not in MEANT_AS_DATA
    ],
)
def test_odd_data(backend: Any, name: str, odd: str) -> None:
    good = {"x": X, "y": Y, "w": X[0], "b": 1.0, "sample_weight": Y}
    with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b") as raised:
        backend.loss_and_gradient(**good | {name: ODD[odd]})
    assert len(str(raised.value)) <= LONGEST


@pytest.mark.parametrize("start", [np.nan, np.inf, -np.inf])
def test_a_start_that_is_not_finite_is_to_blame(backend: Any, dtype: np.dtype[Any], start: float) -> None:
    x, y = X.astype(dtype), Y.astype(dtype)
    with pytest.raises(ValueError, match=r"^w0 is -?(nan|inf) in float"):
        backend.fit(x[:, 0], y, w0=start)
    with pytest.raises(ValueError, match=r"^w0\[1\] is -?(nan|inf) in float"):
        backend.fit(x, y, w0=[0.0, start])
    with pytest.raises(ValueError, match=r"^b0 is -?(nan|inf) in float"):
        backend.fit(x, y, b0=start, fit_intercept=True)


def test_a_start_beyond_the_dtype_is_to_blame(backend: Any) -> None:
    with pytest.raises(ValueError, match=r"^w0\[0\] is inf in float32"):
        backend.fit(X.astype(np.float32), Y, w0=[1e300, 0.0])
    with pytest.raises(ValueError, match=r"^b0 is inf in float32"):
        backend.fit(X.astype(np.float32), Y, b0=1e300, fit_intercept=True)


def test_the_most_passes_that_there_are(backend: Any) -> None:
    fit = backend.fit(X, Y, n_iters=2**63 - 1, patience=2**63 - 1, callback=lambda step: step.iteration == 2)
    assert fit.n_iters == 3
    assert gdfast.explain(X, Y, n_iters=2**63 - 1).plan == "moments"


def test_rows_of_unequal_length_are_named(backend: Any) -> None:
    with pytest.raises(ValueError, match=r"x\[0\] has 2 entries and x\[2\] has 3, and rows must be equally long"):
        backend.forward([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0, 7.0]], [1.0, 2.0])


@pytest.mark.parametrize("name", [np.array(["native", "numpy"]), np.ones(3), ["numpy"], None, {}, "n" * 10_000])
def test_backends_have_a_name(name: Any) -> None:
    with pytest.raises(ValueError, match=r"^backend is .*accepted are 'native', 'numpy', 'torch'") as raised:
        gdfast.backend(name)
    assert len(str(raised.value)) <= LONGEST


@pytest.mark.parametrize("d", [10**400, 0, -(10**5000), 1.5, True, None, "3", [3], np.ones(2)], ids=type)
def test_moments_have_columns(d: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^d is ") as raised:
        gdfast.Moments(d)
    assert len(str(raised.value)) <= LONGEST
