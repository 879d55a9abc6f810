"""Data that needn't fit into memory: read again for each pass, piece by piece."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

from gdfast import checks
from gdfast._scan.pieces import Asked, Bound, Missing
from gdfast._scan.sources import open_source
from gdfast.wording import shown

MISSING = ("error", "drop")


class Scan:
    """What `gdfast.scan` returns: data that `fit` and others take in place of x.

    Attributes
    ----------
    source : object
        What it was made of.
    columns : tuple of str or None
        The columns of x, where some were chosen.

    Examples
    --------
    >>> import gdfast
    >>> parts = gdfast.scan([([[1.0], [2.0]], [3.0, 5.0]), ([[3.0]], [7.0])])
    >>> fit = gdfast.fit(parts, optimizer="exact", fit_intercept=True)
    >>> fit.w.round(9), round(fit.b, 9)
    (array([2.]), 1.0)
    """

    def __init__(
        self, source: Any, columns: tuple[str, ...] | None, piece_rows: int | None, missing: Missing, progress: bool
    ) -> None:
        self.source, self.columns = source, columns
        self._piece_rows, self._missing, self._progress = piece_rows, missing, progress
        self._nan_is_missing = False  # on the command line, as in files that are loaded
        self._opened: Any = open_source(source)

    def _bound(self, y: str | None, sample_weight: str | None) -> Bound:
        bound: Bound = self._opened.bind(Asked(self.columns, y, sample_weight, self._piece_rows, self._missing))
        return bound

    def _loss_and_gradient(
        self, y: Any, w: Any, b: Any, sample_weight: Any, reduction: Any, out: Any, backend: str = "native"
    ) -> tuple[float, Any]:
        """What `gdfast.loss_and_gradient` returns of a scan; it knows one by this method."""
        from gdfast._scan import evaluate  # which builds on this module

        return evaluate.loss_and_gradient(self, y, w, b, sample_weight, reduction, out, backend)

    def with_columns(self, columns: Sequence[str]) -> Scan:
        """The same rows, with these columns of x, in this order.

        Parameters
        ----------
        columns : list of str

        Returns
        -------
        Scan
        """
        other = copy.copy(self)
        other.columns = tuple(columns)
        return other

    def __repr__(self) -> str:
        return f"<gdfast.Scan of {shown(self.source)}>"


def scan(
    source: Any,
    *,
    columns: Sequence[str] | None = None,
    piece_rows: int | None = None,
    missing: str = "error",
    progress: bool = False,
) -> Scan:
    """Data that is read in pieces, again for each pass, and so needn't fit into memory.

    While one piece is worked on, a thread reads and decodes the next one, with the columns that are asked for and no
    others. Memory is bounded by two pieces, whatever the size of the data.

    Parameters
    ----------
    source : str, path, list of them, pyarrow.dataset, callable or iterable
        Where the rows are:

        * files by name, a list of them, or a pattern such as ``"data/*.parquet"``, whose files are taken in the order
          of their names: Parquet (read row group by row group), Arrow IPC and Feather, CSV, and matrices as ``.npy``,
          whose columns are called ``"0"``, ``"1"`` and so on;
        * a ``pyarrow.dataset``;
        * a function that returns a fresh iterator each time it is called, of tables (of any package that gdfast
          knows), or of ``(x, y)`` or ``(x, y, sample_weight)`` arrays: then y isn't named. A list of such pieces is
          fine as well. An iterator that can't be started again serves where one pass is enough: ``plan="moments"``.
    columns : list of str, optional
        The columns of x, in this order. By default all but y and sample_weight.
    piece_rows : int, optional
        Rows of a piece, at most. By default so many that it takes 16 MiB, or eight rows a column where that is more;
        of row groups, record batches and matrices, four times as many. Pieces end with a row group, a record batch or
        a file. Functions make their own pieces.
    missing : {"error", "drop"}, default "error"
        What to do about nulls in the columns used: refuse them, or leave such rows out. (NaN is a number, as in
        arrays, and makes a fit fail that isn't finite.)
    progress : bool, default False
        Whether to show on stderr how many rows have been read, in passes that take more than two seconds.

    Returns
    -------
    Scan
        For `fit`, `path`, `explain`, `loss_and_gradient`, `Moments.update`, `Fit.predict`, `Fit.predict_to` and
        `Fit.summary`, in place of x; y and sample_weight are then names of columns, or arrays in memory.

    Raises
    ------
    ValueError, TypeError
        There is no such file, or it can't be read; files are of several kinds; an argument is not as above.
    ImportError
        pyarrow isn't installed, which reads all files but ``.npy``.

    Notes
    -----
    Sums are taken of each piece with the kernels, and added in float64 in a binary tree over the pieces' numbers: so
    the bits depend on the rows and on where they are cut, and on nothing else. Pieces without rows count for nothing.
    Files are looked at before and after each pass: one that has changed is an error, never a wrong sum.

    Examples
    --------
    >>> import gdfast
    >>> def days():
    ...     yield [[1.0], [2.0]], [3.0, 5.0]
    ...     yield [[3.0], [4.0]], [7.0, 9.0]
    >>> fit = gdfast.fit(gdfast.scan(days), optimizer="exact", fit_intercept=True)
    >>> fit.w.round(9), round(fit.b, 9), fit.report.passes
    (array([2.]), 1.0, 1.0)
    """
    rows = None if piece_rows is None else checks.whole("piece_rows", piece_rows, 1, "None or a whole number from 1")
    checks.one_of("missing", missing, MISSING)
    if isinstance(columns, str):
        raise TypeError(f"columns is {columns!r}, accepted is a list of names: write columns=[{columns!r}]")
    chosen = None if columns is None else tuple(map(str, columns))
    if chosen is not None and len(set(chosen)) < len(chosen):
        raise ValueError(f"columns is {shown(list(chosen))}, which names a column twice")
    return Scan(source, chosen, rows, cast(Missing, missing), checks.flag("progress", progress))
