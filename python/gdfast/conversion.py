"""Whatever a user hands in, as a NumPy array of numbers; or an exception that says what to write instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import copies, masks, remedies, tables
from gdfast._tables.table import Table
from gdfast.containers import SPARSE, TENSOR, container
from gdfast.storage import BFLOAT16, FLOAT32, FLOAT64, is_stored, named, widened
from gdfast.wording import type_name

__all__ = ["Array", "cast", "floating", "stored", "to_float", "to_ndarray", "type_name"]

Array = NDArray[Any]

# Up to so many numbers x is converted at once: piece by piece, in each pass, takes longer.
_SMALL = 2**14

ACCEPTED = "accepted are float64, float32, float16, bfloat16, integers and booleans"


def floating(name: str, value: Any) -> Array:
    """`value` as a float32 or float64 array; the exceptions call it `name`.

    These two are passed on without a copy. Shorter floats become float32; integers, booleans and lists of numbers
    become float64.
    """
    if type(value) is np.ndarray and (value.dtype is FLOAT32 or value.dtype is FLOAT64):
        return value  # what nearly everyone hands in, without the microsecond that looking closer takes
    if isinstance(value, Table):
        return value.copied()
    return to_float(name, to_ndarray(name, value), value)


def stored(name: str, value: Any) -> Array:
    """`value` as an array of numbers, of whatever type they are stored as: without a copy, if it is an array."""
    if type(value) is np.ndarray and (value.dtype is FLOAT32 or value.dtype is FLOAT64):
        return value
    array = _checked(name, to_ndarray(name, value), value)
    return copies.made(widened(array)) if array.size <= _SMALL and not is_float(array) else array


def to_ndarray(name: str, value: Any) -> Array:
    """`value` as a base-class NumPy array of any dtype, without a copy where it exports its memory.

    A mask is never ignored, nor a unit: numbers that mean more than themselves are refused.
    """
    if type(value) is np.ndarray or isinstance(value, (int, float, np.generic)):
        return np.asarray(value)
    if isinstance(value, (list, tuple)):
        masks.refuse(name, value)
        return copies.made(_read(name, value, np.asarray, remedies.unreadable))
    if tables.is_table(value):
        return tables.read(name, value)
    kind = container(value)
    masks.refuse(name, value)
    _refuse_units(name, value)
    if kind is SPARSE:
        raise TypeError(f"{name} ({type_name(value)}) is sparse, accepted are dense arrays: {_dense(name, value)}")
    if kind is TENSOR:
        return _read(name, value, _tensor_memory, remedies.tensor)
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
        return _read(name, value, np.from_dlpack, remedies.exporter)
    return _read(name, value, _plain, remedies.unreadable)


def to_float(name: str, array: Array, value: Any = None) -> Array:
    """`array` with its dtype checked; see `floating`. `value` is what it was made of."""
    checked = _checked(name, array, value)
    return checked if is_float(checked) else copies.made(widened(checked))


def is_float(array: Array) -> bool:
    """Whether it is what is computed with."""
    return array.dtype in (FLOAT32, FLOAT64)


def _checked(name: str, array: Array, value: Any) -> Array:
    array = named(array)
    if is_stored(array.dtype):
        return array.view(array.dtype.newbyteorder("=")) if array.dtype != BFLOAT16 else array  # "<f8" of a buffer
    if array.dtype.kind in "iub":
        return copies.made(array.astype(array.dtype.newbyteorder("=")))
    remedy = remedies.dtype(name, array if value is None else value, array)
    raise TypeError(f"{name} has dtype {_dtype_name(array.dtype)}, {ACCEPTED}: {remedy}")


def cast(array: Any, dtype: np.dtype[Any]) -> Array:
    """`array` in `dtype`, silent about overflow, as the native conversion is."""
    if array.dtype == dtype:
        same: Array = array
        return same
    if isinstance(array, Table):
        passes_for_one: Array = array.computed_in(dtype)  # type: ignore[assignment]
        return passes_for_one
    with np.errstate(over="ignore"):
        converted: Array = array.astype(dtype)
    return copies.made(converted)


def _read(name: str, value: Any, read: Callable[[Any], Array], remedy: Callable[[str, Any], str]) -> Array:
    try:
        array = read(value)
    except ValueError as error:  # what NumPy says of lists whose rows differ in length
        raise ValueError(f"{name} can't be read as an array ({_short(error)}): {remedy(name, value)}") from error
    except (TypeError, RuntimeError, BufferError, OverflowError, AttributeError) as error:
        raise TypeError(
            f"{name} ({type_name(value)}) can't be read ({_short(error)}): {remedy(name, value)}"
        ) from error
    if type(array) is np.ndarray:
        return array
    masks.refuse(name, array)  # what an object's __array__ gives may have a mask that the object hasn't (netCDF4)
    return np.asarray(array)


def _plain(value: Any) -> Array:
    """A list, a buffer, or what has __array__: with the mask that it may have."""
    array = np.asanyarray(value)
    return tables.read_unknown(value) if array.dtype.names and tables.has_names(value) else array


def _tensor_memory(tensor: Any) -> Array:
    """The memory of a torch tensor. Its DLPack leaves out that numbers still have to be negated."""
    if tensor.is_conj():
        tensor = tensor.resolve_conj()
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
    torch = sys.modules["torch"]
    # NumPy can't name it, and DLPack would. What is recorded for autograd isn't exported, whatever its dtype.
    if tensor.dtype is torch.bfloat16 and not tensor.requires_grad:
        return np.from_dlpack(tensor.view(torch.int16)).view(BFLOAT16)
    return np.from_dlpack(tensor)


def _refuse_units(name: str, value: Any) -> None:
    """Kilometres in one array and metres in the next would be added up."""
    for unit, number in (("unit", "value"), ("units", "magnitude")):
        if getattr(value, unit, None) is not None and hasattr(value, number):
            raise TypeError(
                f"{name} has the unit {str(getattr(value, unit))!r}, which would be ignored: write {name}.{number}"
            )


def _dense(name: str, value: Any) -> str:
    # A vector that is sparse has two dimensions in SciPy: it is flat where one is wanted.
    flat = ".ravel()" if 1 in value.shape and name not in ("x", "X", "validation[0]") else ""
    return f"write {name}.toarray(){flat}"


def _short(error: BaseException) -> str:
    """An exception's own words, of which some would fill a screen."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]}…"


def _dtype_name(dtype: np.dtype[Any]) -> str:
    if dtype.isnative:
        text = str(dtype)
        return text if len(text) <= 200 else f"{text[:200]}…"
    return f"{dtype.newbyteorder('=')} in another machine's byte order"
