"""What the tests of scans share: the same rows in every kind of source, and sums over pieces of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import optimum
from gdfast.conversion import Array
from gdfast.descent import Gram

pa = pytest.importorskip("pyarrow")
from pyarrow import csv, feather, parquet  # noqa: E402
from pyarrow import dataset as ds  # noqa: E402

N, D = 1000, 4
NAMES = ["a", "b", "c", "d"]
rng = np.random.default_rng(3)
X = rng.standard_normal((N, D)) * [1.0, 20.0, 0.1, 5.0] + [0.0, 2000.0, 3.0, -1.0]
S = rng.uniform(0.5, 2.0, N)
Y = X @ [1.0, -0.5, 4.0, 0.25] + 7 + rng.standard_normal(N)
CUTS = [0, 300, 600, 601, 1000]  # where files end

Pieces = list[slice]


def table(rows: slice, dtype: Any = np.float64, order: Sequence[str] = (*NAMES, "y", "s")) -> Any:
    columns = {**dict(zip(NAMES, X.T, strict=True)), "y": Y, "s": S}
    return pa.table({name: columns[name][rows].astype(dtype) for name in order})


def slices(most: int, cuts: Sequence[int] = CUTS) -> Pieces:
    """Where pieces of at most so many rows begin and end, if they end with the parts that `cuts` makes."""
    found = []
    for start, end in pairwise(cuts):
        size = -(-(end - start) // -(-(end - start) // most))
        found += [slice(i, min(i + size, end)) for i in range(start, end, size)]
    return found


Made = tuple[gdfast.Scan, Pieces, Any, Any]  # the scan, its pieces, and what y and sample_weight are called


def of_parquet(folder: Path, dtype: Any) -> Made:
    for k, (start, end) in enumerate(pairwise(CUTS)):
        parquet.write_table(table(slice(start, end), dtype), folder / f"{k}.parquet", row_group_size=250)
    groups = sorted({*CUTS, 250, 550, 851})
    return gdfast.scan(str(folder / "*.parquet"), columns=NAMES, piece_rows=100), slices(100, groups), "y", "s"


def of_ipc(folder: Path, dtype: Any) -> Made:
    paths = []
    for k, (start, end) in enumerate(pairwise(CUTS)):
        paths.append(folder / f"{k}.arrow")
        feather.write_feather(table(slice(start, end), dtype), paths[-1], chunksize=10_000, compression="lz4")
    return gdfast.scan(paths, columns=NAMES, piece_rows=128), slices(128), "y", "s"


def of_csv(folder: Path, dtype: Any) -> Made:
    for k, (start, end) in enumerate(pairwise(CUTS)):
        csv.write_csv(table(slice(start, end), dtype), folder / f"{k}.csv")
    pieces = [slice(i, min(i + 170, end)) for start, end in pairwise(CUTS) for i in range(start, end, 170)]
    return gdfast.scan(folder / "*.csv", piece_rows=170), pieces, "y", "s"


def of_npy(folder: Path, dtype: Any, order: Any = "C") -> Made:
    matrix = np.column_stack([X, Y, S]).astype(dtype)
    for k, (start, end) in enumerate(pairwise(CUTS)):
        np.save(folder / f"{k}.npy", np.array(matrix[start:end], order=order))
    pieces = [slice(i, min(i + 128, end)) for start, end in pairwise(CUTS) for i in range(start, end, 128)]
    return gdfast.scan([folder / f"{k}.npy" for k in range(4)], piece_rows=128), pieces, -2, -1


def of_fortran_npy(folder: Path, dtype: Any) -> Made:
    return of_npy(folder, dtype, "F")


def of_dataset(folder: Path, dtype: Any) -> Made:
    for k, (start, end) in enumerate(pairwise(CUTS)):
        (folder / f"part={k}").mkdir()
        parquet.write_table(table(slice(start, end), dtype), folder / f"part={k}" / "x.parquet", row_group_size=10_000)
    dataset = ds.dataset(folder, partitioning="hive")
    return gdfast.scan(dataset, columns=NAMES, piece_rows=120), slices(120), "y", "s"


def of_tables(folder: Path, dtype: Any) -> Made:
    def pieces() -> Iterator[Any]:
        for start, end in pairwise(CUTS):
            yield table(slice(start, end), dtype)

    return gdfast.scan(pieces, columns=NAMES), slices(10_000), "y", "s"


def of_arrays(folder: Path, dtype: Any) -> Made:
    x, y, s = X.astype(dtype), Y.astype(dtype), S.astype(dtype)
    parts = [(x[rows], y[rows], s[rows]) for rows in slices(140)]
    return gdfast.scan(parts), slices(140), None, None


SOURCES: dict[str, Callable[[Path, Any], Made]] = {
    "parquet": of_parquet,
    "ipc": of_ipc,
    "csv": of_csv,
    "npy": of_npy,
    "fortran": of_fortran_npy,
    "dataset": of_dataset,
    "tables": of_tables,
    "arrays": of_arrays,
}


# --- the oracle: sums over the same pieces, in memory and by the definition -------------------------------------------


def in_a_tree(parts: list[Any], add: Callable[[Any, Any], Any]) -> Any:
    """Neighbours are added, level by level; the last one of an odd number goes up as it is."""
    while len(parts) > 1:
        pairs = [add(*parts[i : i + 2]) for i in range(0, len(parts) - 1, 2)]
        parts = pairs + parts[len(parts) - len(parts) % 2 :]
    return parts[0]


def moments_in_memory(x: Array, y: Array, s: Array | None, pieces: Pieces) -> Gram:
    parts = []
    for rows in pieces:
        x_f = np.asfortranarray(x[rows])
        moments = gdfast.Moments(x.shape[1]).update(x_f, y[rows].copy(), None if s is None else s[rows].copy())
        parts.append(moments._sums)
    return in_a_tree(parts, optimum.added)  # type: ignore[no-any-return]
