"""Bad options of `fit`, and good ones that don't go together, get an exception that says what is accepted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import fit_options

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
X1 = np.array([1.0, 2.0, 4.0])
Y = np.array([1.0, 2.0, 3.0])

Case = tuple[type[Exception], dict[str, Any], tuple[str, ...]]


def all_of(*parts: str) -> str:
    """A pattern: all of these, in any order."""
    return "(?s)" + "".join(f"(?=.*{part})" for part in parts)


START: dict[str, Case] = {
    "a start that isn't used": (ValueError, {"b0": 1.0}, ("b0", "fit_intercept=True")),
    "starts of b": (ValueError, {"b0": [1.0], "fit_intercept": True}, ("b0 has shape \\(1,\\)",)),
    "intercept a number": (TypeError, {"fit_intercept": 1}, ("fit_intercept is 1", "True and False")),
    "start too long": (ValueError, {"w0": np.ones(3)}, ("w0 has shape \\(3,\\)", "2 columns")),
    "start a number": (ValueError, {"w0": 0.0}, ("w0 has shape \\(\\)", "np.full\\(2, w0\\)")),
}

NUMBERS: dict[str, Case] = {
    "rate 0": (ValueError, {"learning_rate": 0}, ("learning_rate is 0", "above 0")),
    "rate below 0": (ValueError, {"learning_rate": -0.1}, ("learning_rate is -0.1", "above 0")),
    "rate NaN": (ValueError, {"learning_rate": np.nan}, ("learning_rate is nan", "finite")),
    "rate infinite": (ValueError, {"learning_rate": np.inf}, ("learning_rate is inf", "finite")),
    "rate a word": (ValueError, {"learning_rate": "fast"}, ("learning_rate is 'fast'", "number", "'auto'")),
    "rate a boolean": (TypeError, {"learning_rate": True}, ("learning_rate is True", "number")),
    "rate None": (TypeError, {"learning_rate": None}, ("learning_rate is None",)),
    "rates": (ValueError, {"learning_rate": [0.1, 0.2]}, ("learning_rate has shape \\(2,\\)",)),
    "passes below 0": (ValueError, {"n_iters": -1}, ("n_iters is -1", "0 or more")),
    "passes a float": (TypeError, {"n_iters": 10.0}, ("n_iters is 10.0", "whole number")),
    "passes a boolean": (TypeError, {"n_iters": True}, ("n_iters is True",)),
    "passes None": (TypeError, {"n_iters": None}, ("n_iters is None",)),
    "momentum 1": (ValueError, {"momentum": 1}, ("momentum is 1", "below 1")),
    "momentum below 0": (ValueError, {"momentum": -0.1}, ("momentum is -0.1", "from 0")),
    "momentum NaN": (ValueError, {"momentum": np.nan}, ("momentum is nan",)),
    "momentum None": (TypeError, {"momentum": None}, ("momentum is None",)),
    "momentum a word": (TypeError, {"momentum": "0.9"}, ("momentum is '0.9'",)),
    "a beta of 1": (ValueError, {"betas": (0.9, 1.0)}, ("betas\\[1\\] is 1", "below 1")),
    "a beta below 0": (ValueError, {"betas": (-0.9, 0.9)}, ("betas\\[0\\] is -0.9",)),
    "one beta": (TypeError, {"betas": 0.9}, ("betas is 0.9", "two numbers")),
    "three betas": (ValueError, {"betas": (0.9, 0.9, 0.9)}, ("betas is \\(0.9, 0.9, 0.9\\)", "two numbers")),
    "a beta a word": (TypeError, {"betas": ("a", 0.9)}, ("betas\\[0\\] is 'a'",)),
    "eps 0": (ValueError, {"eps": 0.0}, ("eps is 0", "above 0")),
    "eps infinite": (ValueError, {"eps": np.inf}, ("eps is inf",)),
    "l2 below 0": (ValueError, {"l2": -1e-9}, ("l2 is -1e-09", "0 or more")),
    "l2 infinite": (ValueError, {"l2": np.inf}, ("l2 is inf", "finite")),
    "l2 None": (TypeError, {"l2": None}, ("l2 is None",)),
    "l1 below 0": (ValueError, {"l1": -1}, ("l1 is -1", "0 or more")),
    "l1 NaN": (ValueError, {"l1": np.nan}, ("l1 is nan",)),
    "l1 a boolean": (TypeError, {"l1": False}, ("l1 is False", "number")),
    "tol below 0": (ValueError, {"tol": -1e-3}, ("tol is -0.001", "0 or more")),
    "tol infinite": (ValueError, {"tol": np.inf}, ("tol is inf",)),
    "tol a word": (TypeError, {"tol": "small"}, ("tol is 'small'",)),
    "patience 0": (ValueError, {"patience": 0}, ("patience is 0", "1 or more")),
    "patience a float": (TypeError, {"patience": 5.0}, ("patience is 5.0",)),
    "patience None": (TypeError, {"patience": None}, ("patience is None",)),
}

BATCHES: dict[str, Case] = {
    "batches of 0": (ValueError, {"batch_size": 0}, ("batch_size is 0", "from 1 to the 3 there are")),
    "batches below 0": (ValueError, {"batch_size": -1}, ("batch_size is -1",)),
    "batches of more than all": (ValueError, {"batch_size": 4}, ("batch_size is 4", "the 3 there are")),
    "batches of a float": (TypeError, {"batch_size": 2.0}, ("batch_size is 2.0", "whole number")),
    "batches of True": (TypeError, {"batch_size": True}, ("batch_size is True",)),
    "shuffle a number": (TypeError, {"shuffle": 1}, ("shuffle is 1", "True and False")),
    "rng a float": (TypeError, {"rng": 1.0}, ("rng is of type float", "np.random.default_rng")),
    "rng a boolean": (TypeError, {"rng": True}, ("rng is of type bool",)),
    "rng of the old kind": (TypeError, {"rng": np.random.RandomState}, ("rng is of type", "default_rng")),
    "rng below 0": (ValueError, {"rng": -1, "batch_size": 2}, ("rng is -1", "0 or more")),
}

DATA: dict[str, Case] = {
    "weights a column": (ValueError, {"sample_weight": Y[:, None]}, ("sample_weight\\[:, 0\\]",)),
    "weights too short": (ValueError, {"sample_weight": Y[:2]}, ("sample_weight has shape \\(2,\\)",)),
    "weights of words": (TypeError, {"sample_weight": ["a", "b", "c"]}, ("sample_weight has dtype",)),
    "a weight below 0": (
        ValueError,
        {"sample_weight": [1.0, -2.0, 5.0]},
        ("sample_weight\\[1\\] is -2.0", "0 or more"),
    ),
    "a weight NaN": (ValueError, {"sample_weight": [1.0, 2.0, np.nan]}, ("sample_weight\\[2\\] is nan", "finite")),
    "a weight infinite": (ValueError, {"sample_weight": [np.inf, 2.0, 1.0]}, ("sample_weight\\[0\\] is inf",)),
    "weights of 0": (ValueError, {"sample_weight": np.zeros(3)}, ("sample_weight adds up to 0", "not all of them 0")),
    "validation an array": (TypeError, {"validation": X}, ("validation is of type numpy.ndarray", "\\(x, y\\)")),
    "validation True": (TypeError, {"validation": True}, ("validation is of type bool",)),
    "validation x only": (ValueError, {"validation": (X,)}, ("validation has 1 parts", "\\(x, y, sample_weight\\)")),
    "validation of four": (ValueError, {"validation": (X, Y, Y, Y)}, ("validation has 4 parts",)),
    "validation too wide": (ValueError, {"validation": (np.ones((3, 3)), Y)}, ("validation\\[0\\]", "\\(n, 2\\)")),
    "validation of one column": (ValueError, {"validation": (X1, Y)}, ("validation\\[0\\] has shape \\(3,\\)",)),
    "validation of nothing": (ValueError, {"validation": (X[:0], Y[:0])}, ("validation\\[0\\]", "no samples")),
    "validation complex": (TypeError, {"validation": (X * 1j, Y)}, ("validation\\[0\\] has dtype complex128",)),
    "validation y too short": (
        ValueError,
        {"validation": (X, Y[:2])},
        ("validation\\[1\\] has shape \\(2,\\)", "validation\\[0\\] has shape \\(3, 2\\)"),
    ),
    "validation weights of 0": (ValueError, {"validation": (X, Y, 0 * Y)}, ("validation\\[2\\] adds up to 0",)),
}

CHOICES: dict[str, Case] = {
    "another optimizer": (ValueError, {"optimizer": "sgd"}, ("optimizer is 'sgd'", "'gd', 'momentum', 'nesterov'")),
    "FISTA by name": (ValueError, {"optimizer": "fista"}, ("optimizer is 'fista'",)),
    "optimizer None": (ValueError, {"optimizer": None}, ("optimizer is None",)),
    "another plan": (ValueError, {"plan": "once"}, ("plan is 'once'", "'auto', 'stream', 'moments'")),
    "another reduction": (ValueError, {"reduction": "median"}, ("reduction is 'median'", "'mean' and 'sum'")),
    "standardize a word": (TypeError, {"standardize": "yes"}, ("standardize is 'yes'", "True and False")),
    "progress a number": (TypeError, {"progress": 1}, ("progress is 1", "True and False")),
    "callback no function": (TypeError, {"callback": 3}, ("callback is of type int", "Step")),
}

TOGETHER: dict[str, Case] = {
    "auto and batches": (ValueError, {"learning_rate": "auto", "batch_size": 2}, ("'auto'", "batch_size=None")),
    "auto and adam": (ValueError, {"learning_rate": "auto", "optimizer": "adam"}, ("'auto'", "Adam", "'nesterov'")),
    "moments and batches": (ValueError, {"plan": "moments", "batch_size": 2}, ("plan='moments'", "batch_size=None")),
    "l1 and momentum": (
        ValueError,
        {"l1": 0.1, "optimizer": "momentum"},
        ("l1=0.1", "optimizer='gd' or optimizer='nesterov'"),
    ),
    "l1 and adam": (
        ValueError,
        {"l1": 0.1, "optimizer": "adam"},
        ("optimizer='adam'", "optimizer='gd' or optimizer='nesterov'"),
    ),
    "FISTA and batches": (
        ValueError,
        {"l1": 0.1, "optimizer": "nesterov", "batch_size": 2},
        ("FISTA", "batch_size=None"),
    ),
}

CASES = START | NUMBERS | BATCHES | DATA | CHOICES | TOGETHER


@pytest.mark.parametrize("case", CASES)
def test_bad_options_are_named(backend: Any, case: str) -> None:
    error, options, parts = CASES[case]
    with pytest.raises(error, match=all_of(*parts)):
        backend.fit(X, Y, **options)


@pytest.mark.parametrize("case", CASES)
def test_explain_refuses_what_fit_refuses(case: str) -> None:
    error, options, parts = CASES[case]
    with pytest.raises(error, match=all_of(*parts)):
        gdfast.explain(X, Y, backend="numpy", **options)


@pytest.mark.parametrize("option", ["lr", "epochs", "alpha", "verbose"])
def test_options_that_are_not_there_are_not_accepted(backend: Any, option: str) -> None:
    absent: dict[str, Any] = {option: None}
    with pytest.raises(TypeError, match=option):
        backend.fit(X, Y, **absent)
    with pytest.raises(TypeError, match=option):
        gdfast.fit(X, Y, **absent)
    with pytest.raises(TypeError, match=option):
        gdfast.explain(X, Y, **absent)


def test_defaults_are_the_same_everywhere() -> None:
    wanted = defaults(gdfast.fit)
    del wanted["backend"]
    assert wanted == defaults(fit_options.check)
    assert defaults(gdfast.explain)["n_iters"] == wanted["n_iters"]


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Of the options, which are those given by name only."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": np.float32(0.01), "n_iters": np.int64(2), "momentum": np.float64(0), "betas": [0, 0.0]},
        {"l1": 0, "l2": 1, "tol": 0, "patience": np.int32(1), "shuffle": np.True_, "standardize": np.False_},
        {"batch_size": np.int64(3), "rng": np.int64(3)},
        {"batch_size": 1, "rng": np.random.default_rng(1), "shuffle": False},
        {"sample_weight": [0, 1, True]},
        {"validation": [X.tolist(), [1, 2, 3]]},
        {"validation": (X.astype(np.float32), Y, [1, 1, 0])},
        {"rng": 3},
        {"l1": 0.1, "l2": 0.1, "optimizer": "nesterov", "momentum": 0},
    ],
    ids=" ".join,  # by what is given: what it is may have an address, which another process would call otherwise
)
def test_what_means_something_is_accepted(backend: Any, options: dict[str, Any]) -> None:
    fit = backend.fit(X, Y, **{"n_iters": 2, **options})
    assert fit.n_iters == 2
    assert np.isfinite(fit.w).all()
