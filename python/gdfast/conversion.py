"""Whatever a user hands in, as a NumPy array of float32 or float64; or an exception that says what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

_AS_THEY_ARE = (np.dtype(np.float32), np.dtype(np.float64))

ACCEPTED = "accepted are float32, float64, integers and booleans"


def floating(name: str, value: Any) -> Array:
    """`value` as a float32 or float64 array; the exceptions call it `name`.

    Floating point is passed on without a copy. Integers, booleans and lists of numbers become float64.
    """
    if type(value) is np.ndarray and (value.dtype is _FLOAT32 or value.dtype is _FLOAT64):
        return value  # what nearly everyone hands in, without the microsecond that looking closer takes
    if type(value) is np.ndarray and value.dtype in _AS_THEY_ARE:
        return value
    return to_float(name, to_ndarray(name, value))


def to_ndarray(name: str, value: Any) -> Array:
    """`value` as a base-class NumPy array of any dtype, without a copy where it exports its memory."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, and its mask would be ignored: write {name}.filled(value)")
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        return _read(name, value, np.from_dlpack, _tensor_remedy)
    return _read(name, value, np.asarray, lambda value: "write it as an array or a list of numbers")


def to_float(name: str, array: Array) -> Array:
    """`array` with its dtype checked; see `floating`."""
    if is_floating(array.dtype):
        return array.view(np.float32 if array.itemsize == 4 else np.float64)  # "<f8" of a buffer is NumPy's own "=f8"
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    raise TypeError(f"{name} has dtype {_dtype_name(array.dtype)}, {ACCEPTED}: {_dtype_remedy(name, array.dtype)}")


def cast(array: Array, dtype: np.dtype[Any]) -> Array:
    """`array` in `dtype`, silent about overflow, as the native conversion is."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether the kernels read this dtype as it is: float32 or float64, in the byte order of this machine."""
    return dtype.type in (np.float32, np.float64) and dtype.isnative


def type_name(value: object) -> str:
    """The type of `value` as its users know it: `torch.Tensor`, `int`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _read(name: str, value: Any, read: Callable[[Any], Array], remedy: Callable[[Any], str]) -> Array:
    try:
        return read(value)
    except ValueError as error:  # what NumPy says of lists whose rows differ in length
        raise ValueError(f"{name} can't be read as an array ({error}): {remedy(value)}") from error
    except (TypeError, RuntimeError, BufferError) as error:
        raise TypeError(f"{name} ({type_name(value)}) can't be read ({error}): {remedy(value)}") from error


def _tensor_remedy(value: Any) -> str:
    """What to write for a tensor whose memory NumPy can't share."""
    if getattr(value, "requires_grad", False):
        return "it is recorded for autograd: write .detach() after it"
    if "cpu" not in str(getattr(value, "device", "cpu")).lower():
        return "it isn't in the memory of the CPU: write .cpu() after it"
    return "write it as a dense tensor of float32 or float64 on the CPU"


def _dtype_name(dtype: np.dtype[Any]) -> str:
    return str(dtype) if dtype.isnative else f"{dtype.newbyteorder('=')} in another machine's byte order"


def _dtype_remedy(name: str, dtype: np.dtype[Any]) -> str:
    """What to write for an array of numbers that the kernels don't read, or of something else."""
    if not dtype.isnative and dtype.kind in "fc":
        return f'write {name}.astype({name}.dtype.newbyteorder("="))'
    remedies = {
        "c": f"the model is real: write {name}.real, {name}.imag or abs({name})",
        "O": f"write np.asarray({name}, dtype=np.float64), once all of its columns are numbers",
        "M": f'write ({name} - start) / np.timedelta64(1, "s")',
        "m": f'write {name} / np.timedelta64(1, "s")',
    }
    if dtype.names:
        return f"write np.stack([{name}[field] for field in {name}.dtype.names], axis=1)"
    wider = "float32" if dtype == np.float16 else "float64"
    return remedies.get(dtype.kind, f"write {name}.astype(np.{wider})")
