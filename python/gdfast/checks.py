"""Checks of a single option: a number, a whole number, a choice."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from gdfast.errors import Argument, Message
from gdfast.validation import scalar
from gdfast.wording import shown

_BEYOND_INT64 = 2**63


def number(name: str, value: Any, accepted: str, positive: bool = False) -> float:
    """A finite number, 0 or more; above 0 if `positive`."""
    if type(value) is float and 0 < value < math.inf:
        return value
    if type(value) is not float:
        value = _real(name, value, accepted)
    if not (value > 0 if positive else value >= 0) or value == math.inf:
        raise ValueError(_wrong(name, value, f"is {accepted}"))
    return float(value)


def _real(name: str, value: Any, accepted: str) -> float:
    """A number of any package; True is none, though it counts as 1."""
    if isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, complex, np.complexfloating)):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(_wrong(name, shown(value), f"is {accepted}")) from None
    is_array = isinstance(value, (list, tuple)) or hasattr(value, "shape")
    if not is_array or "bool" in str(getattr(value, "dtype", "")):
        raise TypeError(_wrong(name, shown(value), f"is {accepted}"))
    return scalar(name, value)


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
    """A whole number from `lowest` that an int64 holds."""
    if type(value) is int and lowest <= value < _BEYOND_INT64:
        return value
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise TypeError(_wrong(name, shown(value), f"is {accepted}")) from None
    if count < lowest:
        raise ValueError(_wrong(name, shown(count), f"is {accepted}"))
    if count >= _BEYOND_INT64:
        raise ValueError(_wrong(name, shown(count), f"is {accepted}, below 2**63"))
    return count


def flag(name: str, value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(_wrong(name, shown(value), "are True and False"))
    return bool(value)


def one_of(name: str, value: Any, accepted: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(_wrong(name, shown(value), f"are {', '.join(map(repr, accepted))}"))
    return value


def _wrong(name: str, came: object, accepted: str) -> Message:
    return Message(Argument(name), f" is {came}, accepted {accepted}")
