"""The partitions of a frame or an array on a cluster, each in the memory of a worker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import dask.base
import numpy as np
from dask.delayed import delayed

from gdfast._scan.pieces import Asked
from gdfast.dask import tasks
from gdfast.wording import listed, type_name

ACCEPTED = "accepted are a dask.dataframe, with y the name of a column, and a dask.array"


def partitions(
    client: Any, data: Any, y: Any, sample_weight: Any, columns: Sequence[str] | None
) -> tuple[list[Any], Asked]:
    """A future of each partition, as `gdfast.scan` takes it from a function, and what is asked of its columns.

    Raises
    ------
    ValueError, TypeError
        `data` is nothing that lies on a cluster; y or weights go by other rows than x, as far as can be told.
    """
    if not dask.base.is_dask_collection(data):
        raise TypeError(f"frame is of type {type_name(data)}, {ACCEPTED}; what is in memory is for gdfast.fit")
    if hasattr(data, "columns") and hasattr(data, "npartitions"):
        return _of_frame(client, data, y, sample_weight, columns)
    if hasattr(data, "chunks") and hasattr(data, "ndim"):
        if columns is not None:
            raise ValueError("columns are names, and an array has none: select them, x[:, […]]")
        return _of_array(client, data, y, sample_weight), Asked(None, None, None, None, "error")
    raise TypeError(f"frame is of type {type_name(data)}, {ACCEPTED}")


def _of_frame(
    client: Any, frame: Any, y: Any, sample_weight: Any, columns: Sequence[str] | None
) -> tuple[list[Any], Asked]:
    named = {"y": y, "sample_weight": sample_weight}
    for name, value in named.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(
                f"{name} is of type {type_name(value)}, accepted is the name of a column of the frame, so that rows "
                f"can't go astray: write frame.assign({name}=…) and {name}={name!r}"
            )
    if y is None:
        raise ValueError(f"y is missing: write the name of the column to predict; there are {listed(frame.columns)}")
    asked = Asked(None if columns is None else tuple(columns), y, sample_weight, None, "error")
    known = list(map(str, frame.columns))
    wanted = [name for name in (*(columns or ()), y, sample_weight) if name is not None]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ValueError(f"the frame has no column {listed(missing)}: it has {listed(known)}")
    if columns is not None:
        frame = frame[wanted]
    return client.compute(list(frame.to_delayed())), asked


def _of_array(client: Any, x: Any, y: Any, sample_weight: Any) -> list[Any]:
    if x.ndim not in (1, 2):
        raise ValueError(f"x has {x.ndim} dimensions, accepted is (n,) or (n, d)")
    if y is None:
        raise ValueError("y is missing: write gdfast.dask.fit(x, y) with a dask.array of (n,)")
    blocks = x.to_delayed(optimize_graph=False).reshape(x.numblocks[0], -1)
    beside = [_beside(name, value, x) for name, value in (("y", y), ("sample_weight", sample_weight))]
    join = delayed(tasks.joined, pure=True)
    rows = zip(blocks, *(len(blocks) * [None] if value is None else value for value in beside), strict=True)
    return list(client.compute([join(list(row), *rest, number) for number, (row, *rest) in enumerate(rows)]))


def _beside(name: str, value: Any, x: Any) -> Any:
    """Blocks of y or weights, one for each of x."""
    if value is None:
        return None
    rows = x.chunks[0]
    counted = not any(math.isnan(count) for count in rows)
    if isinstance(value, np.ndarray) and counted:
        import dask.array as da

        value = da.from_array(value, chunks=-1)  # type: ignore[no-untyped-call]
    if not hasattr(value, "chunks") or value.ndim != 1:
        raise TypeError(f"{name} is of type {type_name(value)}, accepted is a dask.array of shape (n,), as x is one")
    if counted and not any(map(math.isnan, value.chunks[0])):
        if sum(value.chunks[0]) != sum(rows):
            raise ValueError(f"{name} has {sum(value.chunks[0]):,} rows, and x has {sum(rows):,}")
        value = value.rechunk((rows,))
    if value.numblocks[0] != len(rows):
        raise ValueError(
            f"{name} has {value.numblocks[0]} chunks and x has {len(rows)}, of which some are of unknown size: write "
            "x.compute_chunk_sizes(), or make both of one frame"
        )
    return value.to_delayed(optimize_graph=False).ravel()
