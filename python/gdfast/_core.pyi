"""The compiled extension. Its functions are public under `gdfast`, but for `descend`, `moments` and `probe_sum`."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdfast.conversion import Array
from gdfast.descent import Hooks, Options, Outcome, Samples
from gdfast.scan import Scan

BFLOAT16: np.dtype[np.void]  # stands for bfloat16, which NumPy can't name

def forward(x: ArrayLike, w: ArrayLike, b: ArrayLike | None = None) -> Array: ...

# The loss is a float for one model and an array (K,) for several, which no type checker can tell: hence Any.
def loss(y: ArrayLike, y_pred: ArrayLike, *, reduction: str = "mean") -> Any: ...

# The gradient in w is a float for (n,) x and an array (d,) for (n, d) x, which no type checker can tell: hence Any.
def gradient(x: ArrayLike, y: ArrayLike, y_pred: ArrayLike, *, reduction: str = "mean") -> Any: ...
@overload
def loss_and_gradient(
    x: ArrayLike | Scan,
    y: ArrayLike | str | None,
    w: ArrayLike,
    b: None = None,
    *,
    sample_weight: ArrayLike | str | None = None,
    reduction: str = "mean",
    out: Array | None = None,
) -> tuple[Any, Any]: ...
@overload
def loss_and_gradient(
    x: ArrayLike | Scan,
    y: ArrayLike | str | None,
    w: ArrayLike,
    b: ArrayLike,
    *,
    sample_weight: ArrayLike | str | None = None,
    reduction: str = "mean",
    out: Array | None = None,
) -> tuple[Any, tuple[Any, Any]]: ...
def descend(
    train: Samples,
    validation: Samples | None,
    w: Array,
    b: float | None,
    options: Options,
    hooks: Hooks,
) -> Outcome:
    """The training loop of `gdfast.fit`, on checked arguments: see `gdfast.descent`."""

def moments(
    x: Array, y: Array, sample_weight: Array | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], int, int]:
    """The Gram matrix of [x - o, 1, y - p], [o, p], the bytes read for it, and the most extra bytes in use."""

def moments_of_groups(
    x: Array, y: Array, sample_weight: Array | None, group: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], int, int] | None:
    """Gram matrices, origins and sizes of groups, bytes read, most extra bytes in use; None for numbers of no group."""

def probe_sum(x: Array) -> float:
    """The sum of x, contiguous float32 or float64, at the speed of memory: what bandwidth is measured by."""

def config() -> dict[str, Any]: ...
def get_num_threads() -> int: ...
def set_num_threads(k: int) -> None: ...
def path(
    matrices: Sequence[NDArray[np.float64]],
    origins: Sequence[NDArray[np.float64]],
    ratios: NDArray[np.float64],
    penalties: NDArray[np.float64] | None,
    count: int,
    eps: float,
    fit_intercept: bool,
    standardize: bool,
) -> tuple[NDArray[np.float64], ...]:
    """A path on the moments of folds: penalties, coefs, intercepts, df, gaps, losses of each fold, and all moments."""

class ArrowError(ValueError): ...

class ArrowTable:
    """Columns that came through Arrow's C Data Interface, where they lie."""

    @property
    def names(self) -> tuple[str, ...] | None: ...
    @property
    def kinds(self) -> tuple[str, ...]: ...
    @property
    def numbers(self) -> tuple[bool, ...]: ...
    @property
    def nulls(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def chunks(self, j: int) -> list[tuple[int, int, int, int, int]]: ...

class Columns:
    """Columns of a table, where they lie; `gdfast._tables.table.Table` is what is made of it."""

    @overload
    def __init__(self, columns: Sequence[tuple[Any, Any]], n: int, single: bool) -> None: ...
    @overload
    def __init__(self, other: Columns, start: int, end: int, single: bool) -> None: ...
    def _array(self, rows: NDArray[np.int64] | None) -> Array: ...
    def _clear_missing(self, weights: Array) -> int: ...
    def _lying(self) -> Array | None: ...
    @property
    def _row_bytes(self) -> int: ...
    @property
    def _single(self) -> bool: ...
    @property
    def _size(self) -> tuple[int, int]: ...

def arrow_stream(capsule: Any) -> ArrowTable: ...
def arrow_array(schema: Any, array: Any) -> ArrowTable: ...
