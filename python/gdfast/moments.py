"""Moments of a data set: all that least squares needs of it, in a matrix whose size doesn't depend on n."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, checks, dropped, fit_options, moments_format, optimum, tables, training, validation
from gdfast._inference.basis import Counted, counted
from gdfast._path.moments import by_group
from gdfast._scan import sums
from gdfast._scan.sums import Passes
from gdfast.backends import backend as backend_by_name
from gdfast.descent import Gram
from gdfast.objective import FromMoments, quiet
from gdfast.result import Fit
from gdfast.scan import Scan
from gdfast.wording import listed

_OF_SINGLE_SAMPLES = {"sample_weight", "batch_size", "shuffle", "rng", "plan"}


class Moments:
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

    def __init__(self, d: int, *, groups: int | None = None) -> None:
        self._d = validation.columns(d)
        count = None if groups is None else checks.whole("groups", groups, 1, "None or a number of groups from 1")
        self._groups = None if count is None else [Moments(d) for _ in range(count)]
        self._rows = Counted(0, False, 0, 0.0)
        self._sums = Gram(np.zeros((self._d + 2, self._d + 2)), np.zeros(self._d + 1))
        self._names: tuple[str, ...] | None = None  # of the columns, once a table has come
        self.target: str | None = None

    @property
    def d(self) -> int:
        return self._d

    @property
    def n(self) -> int:
        return self._rows.n

    @property
    def gram(self) -> NDArray[np.float64]:
        with quiet():
            about_zero = optimum.moved(self._sums)
        about_zero.flags.writeable = False
        return about_zero

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        return self._names

    @property
    def mean(self) -> NDArray[np.float64]:
        self._has_weight()
        with quiet():
            return optimum.means(self._sums)

    @property
    def cov(self) -> NDArray[np.float64]:
        self._has_weight()
        with quiet():
            return np.asarray(optimum.centred(self._sums) / self._sums.matrix[-2, -2])

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
        X, y, sample_weight, _ = dropped.without(given, missing, "X")
        x, y, s = validation.samples(X, y, sample_weight, "X", in_columns=True)
        validation.same_columns("X", 1 if x.ndim == 1 else x.shape[1], self._d)
        names = self._names or tables.names("X", given.x)
        names = names if names is not None and len(names) == self._d else None
        if self._groups is None:
            if group is not None:
                raise ValueError(
                    f"group says which of several groups, and there are none: Moments({self._d}, groups=…)"
                )
            matrix, origin, _, _ = _core.moments(x, y, s)
            self._add(Gram(matrix, origin), counted(len(x), s))
        else:
            ids = _group_numbers(group, len(x), len(self._groups))
            read = by_group(x, y, s, ids, len(self._groups))
            if read is None:
                raise ValueError(_wrong_number(ids, len(self._groups)))
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

    def loss_and_gradient(self, w: Any, b: Any = None, *, reduction: str = "mean") -> tuple[float, Any]:
        """The loss over all samples seen, and its derivatives.

        Parameters
        ----------
        w : array_like, (d,), or float where d is 1
        b : float, optional
            The intercept. Without it the model has none.
        reduction : {"mean", "sum"}

        Returns
        -------
        loss : float
        grad : ndarray (d,) of float64, or float for a number w; with b a pair of that and a float

        Raises
        ------
        TypeError, ValueError
            w has another shape, b is no number, the reduction is neither of the two, or there are no samples yet.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(2).update([[1, 2], [3, 4]], [1, 0])
        >>> moments.loss_and_gradient([0.0, 0.0], 1.0)
        (0.5, (array([3., 4.]), 1.0))
        """
        validation.reduction(reduction)
        w, b = validation.point(w, b, self._d)
        self._has_weight()
        with np.errstate(all="ignore"):  # the kernels are silent about overflow, too
            loss, grad, grad_b = FromMoments(self._sums, reduction).evaluate(np.atleast_1d(w), b)
        grad_w = float(grad[0]) if np.ndim(w) == 0 else grad
        return loss, grad_w if b is None else (grad_w, grad_b)

    def fit(self, *, backend: str = "native", **options: Any) -> Fit:
        """Train on the samples seen, none of which is read again: each pass takes one product with the matrix.

        Parameters
        ----------
        backend : {"native", "numpy", "torch"}
        **options
            Those of `gdfast.fit` that ask for no single sample: all but `sample_weight`, `batch_size`, `shuffle`, `rng`
            and `plan`. With them come its defaults.

        Returns
        -------
        Fit
            Its w is an array (d,) of float64.

        Raises
        ------
        TypeError, ValueError
            As `gdfast.fit`; an option is none of those, or there are no samples yet.

        See Also
        --------
        gdfast.fit : What it does, and what it raises besides.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(1).update([1, 2], [3, 5]).update([3, 4], [7, 9])
        >>> fit = moments.fit(fit_intercept=True, learning_rate="auto", optimizer="nesterov", n_iters=1_000)
        >>> fit.w.round(6), round(fit.b, 6), fit.report.bytes_read
        (array([2.]), 1.0, 0)
        """
        for name in _OF_SINGLE_SAMPLES & options.keys():
            raise TypeError(
                f"{name} is no option of Moments.fit, which has no single sample: write gdfast.fit(x, y, …)"
            )
        self._has_weight()
        held_out = options.get("validation")
        if isinstance(held_out, tuple | list) and held_out:
            options["validation"] = (tables.by_name("validation[0]", held_out[0], self._names), *held_out[1:])
        arguments = fit_options.check_moments(self._sums, self._rows, **options)
        return training.train(backend_by_name(backend), arguments._replace(columns=self._names))

    def solve(
        self,
        *,
        fit_intercept: bool = False,
        l2: float = 0.0,
        l1: float = 0.0,
        standardize: bool = False,
        reduction: str = "mean",
        backend: str = "native",
    ) -> Fit:
        """The optimum itself: `fit` with ``optimizer="exact"``.

        Parameters
        ----------
        fit_intercept, l2, l1, standardize, reduction, backend
            As of `gdfast.fit`.

        Returns
        -------
        Fit
            Its ``gap`` says how close rounding let it come.

        Raises
        ------
        TypeError, ValueError
            As `fit`.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(1).update([1, 2, 3, 4], [3, 5, 7, 9])
        >>> fit = moments.solve(fit_intercept=True)
        >>> fit.w.round(12), round(fit.b, 12), fit.converged
        (array([2.]), 1.0, True)
        >>> moments.solve(fit_intercept=True, l1=1.0).w.round(12)
        array([1.6])
        """
        return self.fit(
            optimizer="exact",
            fit_intercept=fit_intercept,
            l2=l2,
            l1=l1,
            standardize=standardize,
            reduction=reduction,
            backend=backend,
        )

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

    def _has_weight(self) -> None:
        if self._rows.n == 0:
            raise ValueError("there are no samples yet: call update(X, y) first")
        if self._sums.matrix[-2, -2] == 0:
            raise ValueError(
                "sample_weight adds up to 0 over all samples so far, accepted are weights of which some are above 0"
            )

    def __add__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        both = Moments(self._d, groups=None if self._groups is None else len(self._groups))
        both += self
        both += other
        return both

    def __iadd__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        validation.same_columns("the other Moments", other._d, self._d)
        mine, others = self._groups or [], other._groups or []
        if len(mine) != len(others):
            raise ValueError(f"the other Moments have {len(others)} groups, accepted are those of {len(mine)}")
        if self.target is not None and other.target not in (None, self.target):
            raise ValueError(
                f"the other Moments predict {other.target!r}, accepted are those that predict {self.target!r}"
            )
        self._add(other._by_name(self._names), other._rows)
        self._names, self.target = self._names or other._names, self.target or other.target
        for part, more in zip(mine, others, strict=True):
            part._add(more._by_name(self._names), more._rows)
            part._names, part.target = self._names, self.target
        return self

    def _by_name(self, wanted: tuple[str, ...] | None) -> Gram:
        """The sums, of columns in the order of these names."""
        if wanted is None or self._names is None or wanted == self._names:
            return self._sums
        if set(wanted) != set(self._names):
            raise ValueError(
                f"the other Moments are of the columns {listed(self._names)}, accepted are those of {listed(wanted)}"
            )
        order = [self._names.index(name) for name in wanted]
        matrix, origin = self._sums
        both = np.array([*order, self._d, self._d + 1])
        return Gram(matrix[np.ix_(both, both)], origin[np.array([*order, self._d])])

    def __copy__(self) -> Moments:
        return Moments(self._d, groups=None if self._groups is None else len(self._groups)) + self  # its own matrix

    def _add(self, sums: Gram, rows: Counted) -> None:
        with np.errstate(all="ignore"):
            self._sums = optimum.added(self._sums, sums)
        self._rows = self._rows.with_more(rows)

    def __repr__(self) -> str:
        groups = "" if self._groups is None else f", groups={len(self._groups)}"
        return f"<gdfast.Moments: n={self._rows.n}, d={self._d}{groups}>"


def _group_numbers(group: Any, n: int, count: int) -> NDArray[Any]:
    accepted = _accepted(n, count)
    if group is None:
        raise ValueError(f"group is missing, {accepted}")
    ids = np.asarray(group)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"group is of dtype {ids.dtype}, {accepted}")
    if ids.shape != (n,):
        raise ValueError(f"group has shape {ids.shape}, {accepted}")
    return ids


def _wrong_number(ids: NDArray[Any], count: int) -> str:
    first = np.flatnonzero((ids < 0) | (ids >= count))[0]
    return f"group[{first}] is {ids[first]}, {_accepted(len(ids), count)}"


def _accepted(n: int, count: int) -> str:
    return f"accepted are numbers of groups, from 0 to {count - 1}, of shape {(n,)}"
