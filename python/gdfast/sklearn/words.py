"""What gdfast says and is told, in scikit-learn's names."""

from __future__ import annotations

import contextlib
import numbers
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import gdfast
from gdfast import errors

_OTHER_NAMES = {"n_iters": "max_iter", "rng": "random_state", "x": "X", "folds": "cv"}


def reraise(error: Exception) -> NoReturn:
    """Raise gdfast's error with the arguments called what they are called here."""
    if error.args and isinstance(error.args[0], errors.Message):
        error.args = (said(error), *error.args[1:])
    raise error


def said(message: object) -> str:
    """A message of gdfast, or that of an exception, with the arguments called what they are called here.

    Examples
    --------
    >>> from gdfast.errors import Argument, Message
    >>> from gdfast.sklearn.words import said
    >>> said(Message("write ", Argument("n_iters", 1_000)))
    'write max_iter=1000'
    """
    return errors.said(message, lambda part: str(part._replace(name=_OTHER_NAMES.get(part.name, part.name))))


def silent_about_defaults(train: Callable[..., gdfast.Fit], *data: Any, **options: Any) -> gdfast.Fit:
    """A fit without gdfast's own ConvergenceWarning, which plain gradient descent may give: scikit-learn's follows."""
    with warnings.catch_warnings() if options["optimizer"] == "gd" else contextlib.nullcontext():
        if options["optimizer"] == "gd":
            warnings.simplefilter("ignore", gdfast.ConvergenceWarning)
        return train(*data, **options)


def generator(random_state: Any) -> Any:
    """What `gdfast.fit` draws from: it knows seeds and generators, and not their predecessors."""
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if random_state is None or isinstance(random_state, numbers.Integral | np.random.Generator):
        return random_state
    raise TypeError(
        f"random_state is of type {type(random_state).__name__}, accepted are None, a seed (an int), a "
        "numpy.random.RandomState and a numpy.random.Generator: write random_state=0"
    )
