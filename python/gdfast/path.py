"""A regularisation path, cross-validated, from one read of the data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdfast import _core, convergence
from gdfast._path import planning
from gdfast._path.folds import check_moments
from gdfast._path.moments import Moments, by_fold
from gdfast._path.request import Request, request
from gdfast._path.result import Path
from gdfast._path.streamed import Found, streamed
from gdfast._path.table import table_of
from gdfast._scan import folds as scan_folds
from gdfast._scan.finite import first_not_finite
from gdfast._scan.folds import ByPiece
from gdfast.containers import Exporter
from gdfast.descent import Gram
from gdfast.report import Report
from gdfast.scan import Scan

if TYPE_CHECKING:
    pass

Vector = NDArray[np.float64]


def path(
    x: ArrayLike | Exporter | Scan,
    y: ArrayLike | str | None = None,
    *,
    l1_ratio: float | Sequence[float] = 1.0,
    penalties: ArrayLike | None = None,
    n_penalties: int = 100,
    eps: float = 1e-3,
    folds: Any = None,
    groups: ArrayLike | None = None,
    rng: int | np.random.Generator | None = None,
    sample_weight: ArrayLike | str | None = None,
    fit_intercept: bool = True,
    standardize: bool = True,
    rule: str = "min",
    plan: str = "auto",
    columns: Sequence[str] | None = None,
    missing: str = "error",
) -> Path:
    r"""Fit a whole path of penalties, and cross-validate it, from one read of the data.

    For each penalty λ the coefficients are those at which
    :math:`\sum_i s_i r_i^2 / \sum_i s_i + \lambda \rho \|v\|_1 + \lambda (1 - \rho) / 2 \|v\|^2` is least, ρ being
    ``l1_ratio``: the lasso for 1, ridge regression for 0, the elastic net between them.

    Parameters
    ----------
    x : array of shape (n,) or (n, d), or table, or scan
    y : array of shape (n,)
        Of a table or a scan, y and sample_weight may be names of columns.
    l1_ratio : float or list of float, default 1
        From 0 to 1.
    penalties : array of shape (P,), optional
        The λ, 0 or more. By default found: ``n_penalties`` of them, from the least that sets all coefficients to 0 (for
        ``l1_ratio`` below 0.001, of 0.001) to ``eps`` times that, in equal ratios.
    n_penalties : int, default 100
    eps : float, default 1e-3
    folds : int, array of shape (n,), or splitter, optional
        How to cross-validate: in so many folds of consecutive rows; in folds of these numbers or names; or in the test
        sets of a splitter of scikit-learn, which have each row once. By default not at all. Of a scan whose number of
        rows isn't known before they are read (CSV, functions), a number k puts all rows of piece i into fold i % k.
    groups : array of shape (n,), optional
        Rows of one group stay in one fold.
    rng : int or numpy.random.Generator, optional
        Shuffles the rows, or groups, of a number of folds.
    sample_weight : array of shape (n,), optional
        What each row counts, in training and in the loss of the rows held out. 1 by default.
    fit_intercept : bool, default True
    standardize : bool, default True
        Whether the penalty acts on coefficients of columns of deviation 1; each training set has scales of its own.
    rule : {"min", "1se"}, default "min"
        What ``Path.fit`` takes: the penalty of the least loss, or the largest within one standard error of that.
    plan : {"auto", "moments", "stream"}, default "auto"
        Read the data once for its moments, (d + 2)² numbers a fold, or about once a penalty and training set, and solve
        on the columns that may have a coefficient. "auto" streams where moments would take too much memory;
        ``gdfast.explain(x, y, folds=5)`` says which, and why.
    columns : list of str, optional
        The columns of x, where it is a table or a scan. By default all but y and sample_weight.
    missing : {"error", "drop"}, default "error"
        What to do about nulls of a table: refuse them, or leave such rows out.

    Returns
    -------
    Path

    Raises
    ------
    ValueError, TypeError
        When an argument is not as above: folds that have a row twice or never, a group in two folds, a fold whose
        weights are all 0, data that isn't finite.

    Warns
    -----
    ConvergenceWarning
        When at some penalty the objective may be more than 10⁻⁴ of that at w = 0 above the least one; what to write is
        in ``report.advice``, too.

    Notes
    -----
    Moments of each fold are taken in one read; a training set is the sum of the other folds. Coefficients go down the
    path by coordinate descent from those before, to a duality gap of 10⁻¹² of the objective at 0, or of what rounding
    leaves of it: more where columns are nearly alike or, with ``standardize=False``, of very different scales. With
    ``l1_ratio=0`` one tridiagonal form serves all penalties. Bits don't depend on the number of threads.

    Streamed, moments are of the columns at work, and a pass over all columns bounds the gap at each penalty: as closely
    as x's dtype lets it. With ``l1_ratio=0`` it is conjugate gradients, and ``df`` is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import gdfast
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((200, 6))
    >>> y = 3 * x[:, 0] - 2 * x[:, 1] + rng.standard_normal(200)
    >>> path = gdfast.path(x, y, folds=5, l1_ratio=[0.5, 1.0], rng=0)
    >>> path.penalties.shape, path.coefs.shape, path.cv_loss.shape
    ((2, 100), (2, 100, 6), (2, 100, 5))
    >>> path.fit.w.round(2)
    array([ 2.94, -1.93,  0.02,  0.05,  0.04, -0.19])
    """
    started = time.perf_counter()
    asked = request(
        x, y, l1_ratio=l1_ratio, penalties=penalties, n_penalties=n_penalties, eps=eps, folds=folds, groups=groups,
        rng=rng, sample_weight=sample_weight, fit_intercept=fit_intercept, standardize=standardize, rule=rule,
        plan=plan, columns=columns, missing=missing,
    )  # fmt: skip
    options, size = asked.options, asked.size
    chosen = planning.choose(asked.plan, size)
    if chosen == "stream":
        rows = asked.x.reshape(-1, 1) if asked.x.ndim == 1 else asked.x
        assert not isinstance(asked.folds, ByPiece)
        found = streamed(rows, asked.y, asked.s, asked.folds, options, asked.names)
    else:
        found = _from_moments(asked)
    passes = asked.passes
    short = planning.stopped_short(*_largest_gaps(found), chosen, size, options.standardize)
    if short is not None:
        convergence.warn(short)
    report = Report(
        plan=chosen,
        passes=found.bytes_read / (size.data_bytes if passes is None else passes.one_read),
        bytes_read=found.bytes_read,
        seconds=time.perf_counter() - started,
        threads=_core.get_num_threads(),
        isa=str(_core.config()["isa"]),
        peak_bytes=found.peak_bytes,
        disk_bytes=0 if passes is None else passes.disk_bytes,
        waited=0.0 if passes is None else passes.waiting.seconds,
        advice=() if short is None else (short,),
        dropped_rows=asked.dropped_rows if passes is None else passes.dropped,
    )
    return Path(
        table=table_of(found.numbers, found.weights),
        l1_ratio=options.ratios,
        one_ratio=asked.one_ratio,
        rule=rule,
        names=asked.names,
        feature_names=asked.feature_names,
        fit_intercept=options.fit_intercept,
        standardize=options.standardize,
        all_rows=found.moments,
        report=report,
        columns=found.columns,
        fits=found.fits,
    )


def _largest_gaps(found: Found) -> tuple[float, float]:
    """Of those penalties that aren't 0, and of 0."""
    penalties, gaps = found.numbers[0], found.numbers[4]
    return float(np.nanmax([found.largest_gap, *gaps[penalties > 0]])), float(np.nanmax([0.0, *gaps[penalties == 0]]))


def _from_moments(asked: Request) -> Found:
    if asked.passes is not None:
        read = scan_folds.by_fold(asked.passes, asked.folds)
    else:
        assert not isinstance(asked.folds, ByPiece)
        read = by_fold(asked.x, asked.y, asked.s, asked.folds)
    grams = [moments.gram for moments in read.folds]
    if asked.passes is not None and not all(np.isfinite(np.diag(gram.matrix)).all() for gram in grams):
        where = first_not_finite(asked.passes, lambda j: repr(asked.names[j]))
        if where is not None:
            raise ValueError(where)
    check_moments(grams, asked.names)
    found = _core.path(
        [gram.matrix for gram in grams],
        [gram.origin for gram in grams],
        *asked.options,
    )
    rows = read.folds[0].rows
    for moments in read.folds[1:]:
        rows = rows.with_more(moments.rows)
    weights = np.array([gram.matrix[-2, -2] for gram in grams])
    together = Moments(Gram(*found[6:]), rows)
    return Found(found[:6], None, together, {}, weights, read.bytes_read, read.peak_bytes)
