"""Checks of a single option: a number, a whole number, a choice."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gdfast.errors import Argument, Message
from gdfast.validation import scalar


def number(name: str, value: Any, accepted: str, positive: bool = False) -> float:
    """A finite number, 0 or more; above 0 if `positive`."""
    if type(value) is float and 0 < value < math.inf:
        return value
    if type(value) is not float:
        if isinstance(value, (bool, np.bool_, str)):
            raise TypeError(_wrong(name, repr(value), f"is {accepted}"))
        value = scalar(name, value)
    if not (value > 0 if positive else value >= 0) or value == math.inf:
        raise ValueError(_wrong(name, value, f"is {accepted}"))
    return float(value)


def share(name: str, value: Any) -> float:
    """A number from 0 to below 1: what is kept of an average."""
    if type(value) is float and 0 <= value < 1:
        return value
    accepted = "a number from 0 to below 1"
    kept = number(name, value, accepted)
    if kept >= 1:
        raise ValueError(_wrong(name, kept, f"is {accepted}"))
    return kept


def whole(name: str, value: Any, lowest: int, accepted: str) -> int:
    if type(value) is int and value >= lowest:
        return value
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(_wrong(name, repr(value), f"is {accepted}")) from None
    if count < lowest:
        raise ValueError(_wrong(name, count, f"is {accepted}"))
    return count


def flag(name: str, value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(_wrong(name, repr(value), "are True and False"))
    return bool(value)


def one_of(name: str, value: Any, accepted: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(_wrong(name, repr(value), f"are {', '.join(map(repr, accepted))}"))
    return value


def _wrong(name: str, came: object, accepted: str) -> Message:
    return Message(Argument(name), f" is {came}, accepted {accepted}")
