"""Masks: what says of some numbers that they are none. They are never dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

_PLAIN = {int, float, bool, complex, str, bytes, type(None), np.float64, np.float32, np.int64}
_DEEPEST = 64  # NumPy has no more dimensions, and a list may hold itself


def refuse(name: str, value: Any) -> None:
    """Raise if some of `value` is masked; whatever has a mask of which nothing is set is as good as without."""
    if isinstance(value, (list, tuple)):
        if any(_is_masked(item) for item in _special(value)):
            rows = f"[np.ma.array(row) for row in {name}]" if hasattr(value[0], "__len__") else name
            raise TypeError(
                f"{name} is a {type(value).__name__} in which numbers are masked, and the mask would be ignored: "
                f"write np.ma.array({rows}).filled(0)"
            )
    elif _is_masked(value):
        raise TypeError(f"{name} is a masked array, and its mask would be ignored: {_remedy(name, value)}")


def _remedy(name: str, value: Any) -> str:
    if isinstance(value, np.ma.MaskedArray):
        rows = f"~np.ma.getmaskarray({name}){'.any(axis=1)' if value.ndim == 2 else ''}"
        out = f"leave those rows out of all arguments (keep = {rows}, then {name}[keep]), or " if value.ndim else ""
        return f"{out}write {name}.filled(0)"
    if hasattr(value, "get_mask"):
        return f"write {name}.to_tensor(0)"
    return f"write {name}.filled(0)" if hasattr(value, "filled") else f"write np.where({name}.mask, 0, {name})"


def _special(values: Iterable[Any], depth: int = 0) -> Iterable[Any]:
    """Whatever a nested list holds besides plain numbers."""
    kinds = set(map(type, values)) - _PLAIN
    if not kinds or depth > _DEEPEST:
        return
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _special(value, depth + 1)
        elif type(value) in kinds and not isinstance(value, np.generic):
            yield value


def _is_masked(value: Any) -> bool:
    if type(value) is np.ndarray:
        return False
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value)) or _any(value.mask)
    mask = getattr(value, "mask", None)
    if mask is None and hasattr(value, "get_mask"):  # torch.masked
        mask = ~value.get_mask()
    if mask is None or callable(mask):  # pandas has a method of this name
        return False
    # A single flag says whether masks are made (netCDF4), and not that all is masked.
    mask = np.asarray(mask)
    return mask.ndim > 0 and len(mask) == len(value) and _any(mask)


def _any(mask: Any) -> bool:
    mask = np.asarray(mask)
    if mask.dtype.names:
        return any(_any(mask[field]) for field in mask.dtype.names)
    return bool(mask.any())
