"""Moments of a data set: all that least squares needs of it, in a matrix whose size doesn't depend on n."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from gdfast import _core, dropped, moments_format, spelled, tables, validation
from gdfast._inference.basis import counted
from gdfast._moments.groups import group_numbers, wrong_number
from gdfast._moments.models import Models
from gdfast._path.moments import by_group
from gdfast._scan import sums
from gdfast._scan.sums import Passes
from gdfast.descent import Gram
from gdfast.scan import Scan


class Moments(Models):
    """Sums over samples that give the loss and its gradient at any w, without reading a sample again.

    With ``z = [x, 1, y]`` they are the matrix ``G = sum(s * outer(z, z))`` over the samples: it holds n (or the sum of
    the weights), the sums of x and y, XᵀX, Xᵀy and yᵀy. With ``v = [w, b, -1]`` a residual is ``z @ v``; so

    ==================  ==========================================
    loss                ``v @ G @ v / G[d, d]``
    gradient in (w, b)  ``2 * (G @ v)[: d + 1] / G[d, d]``
    ==================  ==========================================

    and ``reduction="sum"`` leaves the division out. Moments of parts of the data add up to those of the whole: update
    them chunk by chunk, or add those that several processes return.

    All sums are float64, whatever dtype the data has, and are taken about a point near the data: a column of years, of
    timestamps or of 10⁸ + noise loses no digits to its offset. What is computed from them is float64 as well; a loss
    is usually right to 1e-15 of the variance of y.

    Parameters
    ----------
    d : int
        Columns of the data, at least 1.
    groups : int, optional
        Keep the moments of so many groups of rows apart, and their sum: `update` is then told the group of each row,
        ``moments[i]`` are those of one, and ``moments.without(i)`` of all others.

    Attributes
    ----------
    d : int
    n : int
        Samples seen so far. Weights don't count here; their sum is ``gram[d, d]``.
    gram : ndarray of float64, (d + 2, d + 2)
        The matrix G, about 0: a new array, rounded to float64.
    mean : ndarray of float64, (d + 1,)
        Weighted means of the columns of x, then of y.
    cov : ndarray of float64, (d + 1, d + 1)
        Their weighted covariances ``sum(s * outer(z - mean, z - mean)) / sum(s)``, z = [x, y].
    feature_names : tuple of str or None
        What the columns are called, where they came in a table.
    target : str or None
        What y is called, where that is known; it may be set. Moments of different targets don't add up.

    Raises
    ------
    TypeError, ValueError
        `d` is no whole number, or less than 1.

    See Also
    --------
    gdfast.loss_and_gradient : The same from the data.

    Notes
    -----
    The memory is 8 (d + 2)² bytes. An update costs about (d + 2)² multiplications a sample, half of what NumPy's
    ``Z.T @ Z`` costs.

    Examples
    --------
    >>> import gdfast
    >>> moments = gdfast.Moments(1).update([1.0, 2.0], [2.0, 4.0]).update([3.0, 4.0], [6.0, 8.0])
    >>> moments
    <gdfast.Moments: n=4, d=1>
    >>> moments.loss_and_gradient(0.0)
    (30.0, -30.0)
    >>> gdfast.loss_and_gradient([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], 0.0)
    (30.0, -30.0)
    >>> moments.gram
    array([[ 30.,  10.,  60.],
           [ 10.,   4.,  20.],
           [ 60.,  20., 120.]])
    """

    _groups: list[Moments] | None

    def update(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        group: Any = None,
        columns: Sequence[str] | None = None,
        missing: str = "error",
    ) -> Moments:
        """Add samples, in one read.

        Parameters
        ----------
        X : array_like, (n, d), or (n,) where d is 1; or a scan
            Numbers are read as they lie in memory, float16, bfloat16, integers and booleans among them; lists become
            float64. The columns of a table are found by the names of the first table that came, whatever their order.
            Of a table or a scan, y and sample_weight may be names of columns.
        y : array_like, (n,)
            Converted to X's dtype.
        sample_weight : array_like, (n,), optional
            What each sample counts; 1 by default.
        group : array_like of int, (n,)
            The group of each sample, from 0, where there are groups. Samples of a group may lie together or anywhere:
            the moments of a group have the bits of those of its samples alone, in their order.
        columns : list of str, optional
            The columns of X, where it is a table or a scan. By default all but y and sample_weight.
        missing : {"error", "drop"}, default "error"
            What to do about nulls of a table: refuse them, or leave such rows out: they count in `n`, without weight.

        Returns
        -------
        Moments
            This object, which is as it was if an exception comes instead, Ctrl-C's included.

        Raises
        ------
        TypeError, ValueError
            As `gdfast.loss_and_gradient`; and X hasn't got d columns. Weights may all be 0 here: those of other
            samples may not.

        Examples
        --------
        >>> import gdfast
        >>> gdfast.Moments(2).update([[1, 2], [3, 4]], [1, 0], sample_weight=[1, 0.5]).gram
        array([[ 5.5,  8. ,  2.5,  1. ],
               [ 8. , 12. ,  4. ,  2. ],
               [ 2.5,  4. ,  1.5,  1. ],
               [ 1. ,  2. ,  1. ,  1. ]])
        >>> moments = gdfast.Moments(1, groups=2).update([1, 2, 3], [1, 3, 2], group=[0, 1, 0])
        >>> moments[0], moments.without(0), moments
        (<gdfast.Moments: n=2, d=1>, <gdfast.Moments: n=1, d=1>, <gdfast.Moments: n=3, d=1, groups=2>)
        """
        target = y if isinstance(y, str) else None
        columns = self._names if columns is None and target is not None else columns
        if isinstance(X, Scan):
            return self._update_from_scan(X if columns is None else X.with_columns(columns), y, sample_weight, group)
        given = tables.named("X", X, y, sample_weight, columns)
        given = given._replace(x=tables.by_name("X", given.x, self._names))
        try:
            x, y, s, *_ = dropped.without(given, missing, "X")
            x, y, s = validation.samples(x, y, s, "X", in_columns=True)
        except (TypeError, ValueError):
            asked = spelled.Asked(X, target or y, sample_weight, columns)
            spelled.refuse(given, asked, ("X", "y", "sample_weight"), missing=missing)
            raise
        validation.same_columns("X", 1 if x.ndim == 1 else x.shape[1], self._d)
        names = self._names or tables.names("X", given.x)
        names = names if names is not None and len(names) == self._d else None
        if self._groups is None:
            if group is not None:
                raise ValueError(
                    f"group says which of several groups, and there are none: Moments({self._d}, groups=…)"
                )
            matrix, origin, _, _ = _core.moments(x, y, s)
            rows = counted(len(x), s)._replace(weighted=given.sample_weight is not None)
            self._add(Gram(matrix, origin), rows)
        else:
            ids = group_numbers(group, len(x), len(self._groups))
            read = by_group(x, y, s, ids, len(self._groups))
            if read is None:
                raise ValueError(wrong_number(ids, len(self._groups)))
            for own, part in zip(self._groups, read.folds, strict=True):
                if part.rows.n > 0:
                    own._add(*part)
                    own._names = names
                    self._add(*part)
        self._names, self.target = names, self.target or target
        return self

    def _update_from_scan(self, scan: Scan, y: Any, sample_weight: Any, group: Any) -> Moments:
        if group is not None or self._groups is not None:
            raise ValueError("group goes with arrays and tables: update with the pieces of the scan, one by one")
        passes = Passes.over(scan if self._names is None else scan.with_columns(self._names), y, sample_weight)
        validation.same_columns("X", passes.bound.d, self._d)
        return self._add_passes(passes, y if isinstance(y, str) else None)

    def _add_passes(self, passes: Passes, target: str | None) -> Moments:
        found = sums.moments(passes)
        part = Moments(self._d)
        part._sums, part._rows, part._names = found.gram, found.rows, passes.bound.names
        part.target = target
        self += part
        return self

    def __getitem__(self, i: int) -> Moments:
        """A copy of the moments of group i."""
        return copy.copy(self._group(i))

    def without(self, i: int) -> Moments:
        """The moments of all groups but i: those before it and those after it, added up and never subtracted.

        Parameters
        ----------
        i : int
            Number of a group.

        Returns
        -------
        Moments
            Without groups.

        Raises
        ------
        IndexError, TypeError
            There is no such group, or there are none.
        """
        self._group(i)
        assert self._groups is not None
        before, after = Moments(self._d), Moments(self._d)
        for part in self._groups[: i % len(self._groups)]:
            before += part
        for part in reversed(self._groups[i % len(self._groups) + 1 :]):
            after = part + after
        return before + after

    def _group(self, i: int) -> Moments:
        if self._groups is None:
            raise TypeError(f"these moments are of no groups: write gdfast.Moments({self._d}, groups=…)")
        if not -len(self._groups) <= i < len(self._groups):
            raise IndexError(f"there is no group {i}: they are numbered from 0 to {len(self._groups) - 1}")
        return self._groups[i]

    def to_bytes(self) -> bytes:
        """The moments as bytes, for a file or a message: with a version and a checksum, and without pickle.

        Returns
        -------
        bytes
            About 4 (d + 2)² of them, and as many for each group: the same for equal moments. `from_bytes` makes moments
            of them that are equal in every bit.

        Examples
        --------
        >>> import gdfast
        >>> monday = gdfast.Moments(1).update([1.0, 2.0], [2.0, 4.0]).to_bytes()
        >>> tuesday = gdfast.Moments(1).update([3.0, 4.0], [6.0, 8.0]).to_bytes()
        >>> gdfast.Moments.from_bytes(monday) + gdfast.Moments.from_bytes(tuesday)
        <gdfast.Moments: n=4, d=1>
        """
        parts = [moments_format.Part(part._sums, part._rows) for part in (self, *(self._groups or ()))]
        return moments_format.dumped(
            moments_format.Content(self._d, parts, self._groups is not None, self._names, self.target)
        )

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Moments:
        """The moments that `to_bytes` made bytes of, on this machine or another one.

        Parameters
        ----------
        data : bytes, bytearray or memoryview

        Returns
        -------
        Moments

        Raises
        ------
        TypeError, ValueError
            `data` isn't bytes; or is something else, damaged, incomplete, or of a later version of gdfast.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(1).update([1.0, 2.0], [2.0, 4.0])
        >>> gdfast.Moments.from_bytes(moments.to_bytes()).solve().w
        array([2.])
        """
        content = moments_format.loaded(data)
        moments = cls(content.d, groups=len(content.parts) - 1 if content.grouped else None)
        for into, part in zip((moments, *(moments._groups or ())), content.parts, strict=True):
            into._sums, into._rows = part.sums, part.rows
            into._names, into.target = content.names, content.target
        return moments
