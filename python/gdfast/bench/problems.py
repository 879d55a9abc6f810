"""The problems that are timed: arrays of any shape, dtype and order, cut from one block of memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
DtypeName: TypeAlias = Literal["f32", "f64"]
Order: TypeAlias = Literal["C", "F"]

DTYPES: dict[DtypeName, np.dtype[Any]] = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}

# A cache line. Arrays start on one unless another offset is asked for: NumPy's large ones lie 16 bytes beyond.
_ALIGNMENT = 64
# Rows that are drawn at random before the rest repeats them: enough values to have no visible period, few enough
# that filling a gigabyte costs one copy rather than a quarter of a billion random numbers.
_TILE_VALUES = 262_144
_SHORTEST_TILE = 67
# y repeats with another period than x (a prime), so that no row of (x, y) has a twin nearby.
_Y_PERIOD = 65_521


@dataclass(frozen=True)
class Shape:
    """n rows of d columns; d = 1 is the tutorial's case, a 1-D x with a scalar w."""

    n: int
    d: int

    def __str__(self) -> str:
        return f"{self.n:,} × {self.d:,}"

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Read ``"1000x16"``.

        Parameters
        ----------
        text : str
            Rows, an ``x``, columns.

        Returns
        -------
        Shape

        Raises
        ------
        ValueError
            If the text is anything else, or a size is not positive.
        """
        n, cross, d = text.strip().replace("_", "").replace("×", "x").partition("x")
        if not (cross and n.isdecimal() and d.isdecimal() and int(n) > 0 and int(d) > 0):
            raise ValueError(f"a shape is rows x columns, such as 1000x16; got {text.strip()!r}")
        return cls(int(n), int(d))

    @classmethod
    def of_size(cls, nbytes: int, d: int, dtype: DtypeName) -> Shape:
        """The shape with d columns whose x and y take about `nbytes`, n rounded to two digits.

        Parameters
        ----------
        nbytes : int
            Size aimed at.
        d : int
            Columns.
        dtype : {"f32", "f64"}
            Type of the values.

        Returns
        -------
        Shape
        """
        n = max(1, nbytes // ((d + 1) * DTYPES[dtype].itemsize))
        unit = 10 ** max(0, math.floor(math.log10(n)) - 1)
        return cls(round(n / unit) * unit, d)

    def x_bytes(self, dtype: DtypeName) -> int:
        """Bytes of x."""
        return self.n * self.d * DTYPES[dtype].itemsize

    def arena_bytes(self, dtype: DtypeName) -> int:
        """Bytes of x and y, each from the start of a cache line."""
        return _aligned(self.x_bytes(dtype)) + _aligned(self.n * DTYPES[dtype].itemsize)


@dataclass(frozen=True, eq=False)
class Problem:
    """One least-squares problem in memory.

    Attributes
    ----------
    shape : Shape
    dtype : {"f32", "f64"}
    order : {"C", "F"}
    x : ndarray, (n,) when d = 1, else (n, d)
        Its rows repeat with the period `tile_rows`.
    y : ndarray (n,)
    w : float when d = 1, else ndarray (d,)
    memory : ndarray, 1-D
        The stretch of memory that holds x and then y, and nothing else: what the read probe sums.
    tile_rows : int
    """

    shape: Shape
    dtype: DtypeName
    order: Order
    x: FloatArray
    y: FloatArray
    w: Any
    memory: FloatArray
    tile_rows: int

    @property
    def offset(self) -> int:
        """Bytes from the start of a cache line to where x starts."""
        return int(self.memory.ctypes.data % _ALIGNMENT)

    @property
    def nbytes(self) -> int:
        """Bytes of x and y, what one `loss_and_gradient` must read."""
        return int(self.x.nbytes + self.y.nbytes)


class Arena:
    """One block of memory that every problem is cut from.

    Its pages are touched once and kept, so that no problem pays for fresh ones. A new problem overwrites the last one.

    Attributes
    ----------
    nbytes : int
        Size of the block.

    Parameters
    ----------
    nbytes : int
        The largest `Shape.arena_bytes` that will be asked for.
    """

    def __init__(self, nbytes: int) -> None:
        raw = np.empty(nbytes + 2 * _ALIGNMENT, dtype=np.uint8)
        start = -raw.ctypes.data % _ALIGNMENT
        self._bytes = raw[start : start + nbytes + _ALIGNMENT]
        self.nbytes = nbytes

    def problem(
        self, shape: Shape, dtype: DtypeName = "f32", order: Order = "C", seed: int = 0, offset: int = 0
    ) -> Problem:
        """Cut a problem from the block and fill it.

        Parameters
        ----------
        shape : Shape
        dtype : {"f32", "f64"}
        order : {"C", "F"}
            Memory order of x.
        seed : int
            Seed of the random values.
        offset : int
            Bytes from the start of a cache line to where x and y start, a multiple of the size of a value below 64.

        Returns
        -------
        Problem
            Standard normal x and y, and a w that gives predictions of the same scale.

        Raises
        ------
        ValueError
            If the block is too small for the shape.
        """
        needed = shape.arena_bytes(dtype)
        if needed > self.nbytes:
            raise ValueError(f"{shape} {dtype} needs {needed} bytes, the arena has {self.nbytes}")
        memory = self._bytes[offset : offset + needed].view(DTYPES[dtype])
        rng = np.random.default_rng(seed)
        x, tile_rows = _fill_x(memory[: shape.n * shape.d], shape, order, rng)
        memory[shape.n * shape.d :] = 0
        y_start = _aligned(shape.x_bytes(dtype)) // memory.itemsize
        y = memory[y_start : y_start + shape.n]
        _fill_y(y, rng)
        w = rng.standard_normal(shape.d, dtype=memory.dtype.type) / np.sqrt(memory.dtype.type(shape.d))
        if shape.d == 1:
            return Problem(shape, dtype, order, x[:, 0], y, float(w[0]), memory, tile_rows)
        return Problem(shape, dtype, order, x, y, w, memory, tile_rows)


def _aligned(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


def _fill_x(values: FloatArray, shape: Shape, order: Order, rng: np.random.Generator) -> tuple[FloatArray, int]:
    """Lay x over `values`, fill it with repeats of a random tile of rows; also say how many rows the tile has."""
    n, d = shape.n, shape.d
    rows = min(n, max(_SHORTEST_TILE, _TILE_VALUES // d))
    tile = rng.standard_normal((rows, d), dtype=values.dtype.type)
    full = n // rows * rows
    if order == "C":
        x = values.reshape(n, d)
        x[:full].reshape(-1, rows, d)[:] = tile
        x[full:] = tile[: n - full]
    else:
        columns = values.reshape(d, n)
        columns[:, :full].reshape(d, -1, rows)[:] = tile.T[:, np.newaxis, :]
        columns[:, full:] = tile[: n - full].T
        x = columns.T
    return x, rows


def _fill_y(y: FloatArray, rng: np.random.Generator) -> None:
    period = min(len(y), _Y_PERIOD)
    tile = rng.standard_normal(period, dtype=y.dtype.type)
    full = len(y) // period * period
    y[:full].reshape(-1, period)[:] = tile
    y[full:] = tile[: len(y) - full]
