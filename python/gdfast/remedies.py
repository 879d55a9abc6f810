"""What to write for an argument that can't be read as it is. What is said here works when it is written.

`np`, `pd`, `pl`, `pa` and `torch` are the packages as everyone imports them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast.containers import ARRAY, LIST, TENSOR, column_of, container
from gdfast.wording import shown

Array = NDArray[Any]


def tensor(name: str, value: Any) -> str:
    """What to write for a tensor whose memory NumPy can't share."""
    if str(value.layout) != "torch.strided":
        return f"it is sparse: write {name}.to_dense()"
    device = str(value.device)
    if device == "meta":
        return "it is on the device 'meta', where tensors have no numbers"
    code = name
    why: list[str] = []
    if value.requires_grad:
        code, why = f"{code}.detach()", [*why, "is recorded for autograd"]
    if device != "cpu":
        code, why = f"{code}.cpu()", [*why, "isn't in the memory of the CPU"]
    if value.is_floating_point() and value.element_size() < 2:
        code, why = f"{code}.float()", [*why, f"is of {value.dtype}, accepted are floats of 16 bits or more"]
    if why:
        return f"it {' and '.join(why)}: write {code}"
    return "write it as a dense tensor of float32 or float64 on the CPU"


def exporter(name: str, value: Any) -> str:
    """What to write for another object with DLPack."""
    if hasattr(value, "get"):  # CuPy
        return f"it isn't in the memory of the CPU: write {name}.get()"
    if type(value).__module__.startswith("jax"):
        return f"it isn't in the memory of the CPU: write jax.device_get({name})"
    return "write it as an array of float32 or float64 in the memory of the CPU"


def unreadable(name: str, value: Any) -> str:
    """What to write for what NumPy makes no array of."""
    if container(value) is LIST:
        lengths = _lengths(value)
        if lengths is not None:
            (i, n), (j, m) = lengths
            return f"{name}[{i}] has {n} entries and {name}[{j}] has {m}, and rows must be equally long"
        if any(container(item) is TENSOR for item in value):
            return f"write torch.stack(list({name})).detach().cpu()"
    elif hasattr(value, "__arrow_c_stream__"):  # DuckDB
        return f"write pa.table({name})"
    return "write it as an array or a list of numbers"


def _lengths(value: Any) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Two entries of a list that differ in length, and their lengths."""
    first: tuple[int, int] | None = None
    for i, item in enumerate(value):
        n = len(item) if hasattr(item, "__len__") and not isinstance(item, str) else -1
        if first is None:
            first = (i, n)
        elif n != first[1]:
            return None if -1 in (n, first[1]) else (first, (i, n))
    return None


# --- shapes -----------------------------------------------------------------------------------------------------------


def flat(name: str, value: Any, array: Array, n: int | None) -> str:
    """What to write for a column, a row, or worse, where (n,) is wanted; n is None where any will do."""
    kind = container(value)
    if array.ndim == 0:
        return f"nothing is broadcast: write np.full({n or 1}, {name})"
    if array.ndim == 2 and array.shape[1] == 1 and n in (None, len(array)):
        return f"nothing is broadcast: write {column_of(name, value)}"
    if array.ndim == 2 and array.shape[0] == 1 and n in (None, array.shape[1]):
        return f"nothing is broadcast: write {kind.row.format(name)}"
    if array.ndim == 2 and array.shape[1] > 1 and n in (None, len(array)):
        return f"for its first column write {column_of(name, value)}"
    if array.ndim > 2 and n in (None, array.size):
        return f"write {kind.array.format(name)}.{'reshape(-1)' if kind is TENSOR else 'ravel()'}"
    if array.ndim == 1:
        return f"{array.size} entries don't go with {n} samples"
    return f"one entry a sample makes {n}"


def single_row(name: str, value: Any) -> str:
    """How a vector is written as the only row of a matrix."""
    return f"{container(value).array.format(name)}.reshape(1, -1)"


def single_column(name: str, value: Any) -> str:
    """How a vector is written as the only column of a matrix."""
    return f"{container(value).array.format(name)}.reshape(-1, 1)"


def item(name: str, value: Any) -> str:
    """What to write for the number in an array of one."""
    return f"write {container(value).item.format(name)}"


def rows(name: str, value: Any) -> str:
    """What to write for data of more than two dimensions."""
    return f"write {container(value).array.format(name)}.reshape(len({name}), -1)"


# --- dtypes -----------------------------------------------------------------------------------------------------------


def dtype(name: str, value: Any, array: Array) -> str:
    """What to write for an array of numbers that the kernels don't read, or of something else."""
    kind = container(value)
    code, found = kind.array.format(name), array.dtype
    if found.names:
        if not any(found[field].kind in "fiub" for field in found.names):
            return "it has no numbers"
        numbers = f'[{code}[field] for field in {code}.dtype.names if {code}.dtype[field].kind in "fiub"]'
        return f"write np.stack({numbers}, axis=1)"
    if not found.isnative and found.kind in "f":
        return f'write {code}.astype({code}.dtype.newbyteorder("="))'
    if found.kind == "c":
        if not found.isnative:
            return f"the model is real: write np.real({name}).astype(float) or np.imag({name}).astype(float)"
        if kind in (ARRAY, TENSOR):
            return f"the model is real: write {name}.real, {name}.imag or abs({name})"
        return f"the model is real: write np.real({name}), np.imag({name}) or np.abs({name})"
    if found.kind in "Mm":
        return _times(code, found.kind)
    if found.kind in "OSUT":
        return _objects(name, value, array)
    return f"write {code}.astype(np.float64)"


def _times(code: str, kind: str) -> str:
    if kind == "m":
        return f'write {code} / np.timedelta64(1, "s")'
    return f'write ({code} - np.min({code})) / np.timedelta64(1, "s")'


def _objects(name: str, value: Any, array: Array) -> str:
    """What to write for text or objects: they may all be numbers."""
    if array.ndim == 0:
        return _single(name, value)
    for position, entry in _entries(array):
        kind = "m" if isinstance(entry, datetime.timedelta) else "M"
        if isinstance(entry, (datetime.date, datetime.timedelta)):
            return _times(f'np.asarray({name}, dtype="{kind}8[us]")', kind)
        if not _is_number(entry):
            return f"{name}[{', '.join(map(str, position))}] is {shown(entry)}, which is no finite number"
    code = container(value).array.format(name)
    if array.dtype.kind == "O" or container(value) is not ARRAY:
        return f"write np.asarray({name}, dtype=np.float64)"
    return f"write {code}.astype(np.float64)"


def _entries(array: Array) -> Iterator[tuple[tuple[int, ...], Any]]:
    for position in np.ndindex(array.shape):
        yield position, array[position]


def _single(name: str, value: Any) -> str:
    """What to write for an object that is no array of anything."""
    if isinstance(value, dict) and value:
        return f"write np.column_stack(list({name}.values()))"
    if hasattr(value, "collect") and hasattr(value, "select"):  # polars.LazyFrame
        return f"write {name}.collect()"
    if hasattr(value, "__arrow_c_stream__"):
        return f"write pa.table({name})"
    if hasattr(value, "todense"):
        return f"write {name}.todense()"
    if isinstance(value, (set, frozenset)) or (hasattr(value, "__iter__") and not isinstance(value, (str, bytes))):
        return f"write list({name})"
    if _is_number(value):
        return f"write float({name})"
    return f"{name} is {shown(value)}, which is made of no finite numbers"


def _is_number(entry: Any) -> bool:
    try:
        return entry is not None and bool(np.isfinite(float(entry)))
    except (TypeError, ValueError, OverflowError):
        return False
