"""How a message shows a value that a user handed in: on one line, and short whatever it is."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import Any

import numpy as np

_LONGEST = 100  # characters of a value
_NAMED = 10  # names of a list

_short = reprlib.Repr()
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxdict = 4
_short.maxstring = _short.maxother = _LONGEST


def shown(value: object) -> str:
    """`value` as Python writes it, if that is short; else so much of it that its user knows it again."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 300:
        # Python itself refuses to write an int of more than 4,300 digits.
        return f"{'-' if value < 0 else ''}10**{int(value.bit_length() * 0.30103)} or so"
    if isinstance(value, np.ndarray) and value.size > 8:
        return f"an array of shape {value.shape}"
    try:
        text = " ".join(_short.repr(value).split())
    except Exception:  # a __repr__ that fails says nothing about what its user meant
        text = f"of type {type_name(value)}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def listed(names: Iterable[object]) -> str:
    """Names, of many the first ones."""
    names = list(names)
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(shown, names[:_NAMED])) + more


def type_name(value: object) -> str:
    """The type of `value` as its users know it: `torch.Tensor`, `int`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def short(w: Any) -> str:
    """Coefficients on one line: of many coefficients, the first and last three."""
    if isinstance(w, float):
        return f"{w:.6g}"
    return np.array2string(w, max_line_width=1_000, precision=6, threshold=8, edgeitems=3, separator=", ")
