"""A regularisation path, cross-validated, from one read of the data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdfast import _core, checks, fit_options, tables, training, validation
from gdfast._path import drawing
from gdfast._path.folds import fold_of_each_row
from gdfast._path.moments import Moments, by_fold
from gdfast.backends import backend as backend_by_name
from gdfast.descent import Gram
from gdfast.report import Report
from gdfast.result import Fit
from gdfast.wording import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]

RULES = ("min", "1se")


class Table(NamedTuple):
    """All of a path, by mixture and penalty."""

    penalties: Vector  # (R, P)
    coefs: Vector  # (R, P, d)
    intercepts: Vector  # (R, P)
    df: Vector  # (R, P)
    gaps: Vector  # (R, P)
    cv_loss: Vector  # (R, P, k)
    cv_mean: Vector  # (R, P)
    cv_se: Vector  # (R, P)
    best: tuple[int, int] | None
    best_1se: tuple[int, int] | None


@dataclass(frozen=True, eq=False, repr=False)
class Path:
    """The models of a path of penalties, and how they do on rows that they weren't trained on.

    Where ``l1_ratio`` was a list, all arrays have one more axis in front, for its numbers, and ``best`` and
    ``best_1se`` are pairs of both places.

    Attributes
    ----------
    penalties : ndarray of shape (P,)
        λ, with ``l1 = λ·l1_ratio`` and ``l2 = λ·(1 - l1_ratio)/2``: twice scikit-learn's and glmnet's. As given; else
        from the least that sets all coefficients to 0 downwards.
    coefs : ndarray of shape (P, d)
        Coefficients on all rows, in the units of x.
    intercepts : ndarray of shape (P,)
        0 without an intercept.
    df : ndarray of shape (P,)
        Coefficients that aren't 0; with ``l1_ratio=0`` the trace of the matrix that makes predictions of y.
    gaps : ndarray of shape (P,)
        What the objective is above the least one, at most, as a share of it at w = 0.
    cv_loss : ndarray of shape (P, k) or None
        Mean squared residual on each fold of the model of all others. None without folds, as the next four.
    cv_mean, cv_se : ndarray of shape (P,) or None
        Its mean over the folds, by their weights, and the standard error of that.
    best, best_1se : int or None
        Place of the penalty of the least ``cv_mean``, and of the largest whose is within one standard error of that.
    rule : {"min", "1se"}
        Which of both ``fit`` takes.
    l1_ratio : ndarray of shape (R,)
    names : tuple of str
        Of the columns.
    report : Report
        What was read: the data, once.

    Examples
    --------
    >>> import numpy as np
    >>> import gdfast
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((200, 6))
    >>> path = gdfast.path(x, 3 * x[:, 0] - 2 * x[:, 1] + rng.standard_normal(200), folds=5, rule="1se")
    >>> path
    <gdfast.Path: 100 penalties from 5.26 to 0.00526, 5 folds, chosen 0.262>
    >>> path.fit.w.round(2), path.df[path.best_1se], path.report.passes
    (array([ 2.83, -1.84,  0.  ,  0.  ,  0.  , -0.09]), np.float64(3.0), 1.0)
    """

    table: Table = field(repr=False)
    l1_ratio: Vector
    one_ratio: bool
    rule: str
    names: tuple[str, ...]
    feature_names: tuple[str, ...] | None
    fit_intercept: bool
    standardize: bool
    all_rows: Moments = field(repr=False)
    report: Report = field(repr=False)

    def _of(self, values: Vector) -> Vector:
        return np.asarray(values[0]) if self.one_ratio else values

    @property
    def penalties(self) -> Vector:
        return self._of(self.table.penalties)

    @property
    def coefs(self) -> Vector:
        return self._of(self.table.coefs)

    @property
    def intercepts(self) -> Vector:
        return self._of(self.table.intercepts)

    @property
    def df(self) -> Vector:
        return self._of(self.table.df)

    @property
    def gaps(self) -> Vector:
        return self._of(self.table.gaps)

    @property
    def cv_loss(self) -> Vector | None:
        return None if self.table.best is None else self._of(self.table.cv_loss)

    @property
    def cv_mean(self) -> Vector | None:
        return None if self.table.best is None else self._of(self.table.cv_mean)

    @property
    def cv_se(self) -> Vector | None:
        return None if self.table.best is None else self._of(self.table.cv_se)

    @property
    def best(self) -> int | tuple[int, int] | None:
        return self._place(self.table.best)

    @property
    def best_1se(self) -> int | tuple[int, int] | None:
        return self._place(self.table.best_1se)

    def _place(self, place: tuple[int, int] | None) -> int | tuple[int, int] | None:
        return place[1] if place is not None and self.one_ratio else place

    @property
    def _chosen(self) -> tuple[int, int] | None:
        return self.table.best if self.rule == "min" else self.table.best_1se

    @cached_property
    def fit(self) -> Fit:
        """The model of all rows at the penalty that ``rule`` chooses: `gdfast.fit` with ``optimizer="exact"``.

        Raises
        ------
        ValueError
            Without folds, which leave nothing to choose by.
        """
        if self._chosen is None:
            raise ValueError("no penalty is chosen without rows held out: write gdfast.path(x, y, folds=5)")
        ratio, penalty = float(self.l1_ratio[self._chosen[0]]), float(self.table.penalties[self._chosen])
        arguments = fit_options.check_moments(
            self.all_rows.gram,
            self.all_rows.rows,
            optimizer="exact",
            l1=penalty * ratio,
            l2=penalty * (1 - ratio) / 2,
            fit_intercept=self.fit_intercept,
            standardize=self.standardize,
        )
        return training.train(backend_by_name("native"), arguments._replace(columns=self.feature_names))

    def plot(self, l1_ratio: float | None = None) -> Figure:
        """Draw the coefficients over the penalty and, with folds, the loss of the rows held out.

        Lines mark where both rules choose.

        Parameters
        ----------
        l1_ratio : float, optional
            Which mixture; by default the chosen one, else the first.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            When the path has no such mixture.
        ImportError
            When matplotlib is not installed; it comes with ``pip install 'gdfast[cli]'``.
        """
        if l1_ratio is None:
            return drawing.draw(self, 0 if self._chosen is None else self._chosen[0])
        found = np.flatnonzero(self.l1_ratio == l1_ratio)
        if not len(found):
            raise ValueError(
                f"l1_ratio is {shown(l1_ratio)}, accepted are {', '.join(map(str, self.l1_ratio.tolist()))}"
            )
        return drawing.draw(self, int(found[0]))

    def __repr__(self) -> str:
        penalties = self.table.penalties
        k = self.table.cv_loss.shape[-1]
        ratios = "" if self.one_ratio else f" for each of {len(self.l1_ratio)} mixtures"
        chosen = "" if self._chosen is None else f", {k} folds, chosen {penalties[self._chosen]:.3g}"
        if self._chosen is not None and not self.one_ratio:
            chosen += f" at l1_ratio={self.l1_ratio[self._chosen[0]]:g}"
        return (
            f"<gdfast.Path: {penalties.shape[1]} penalties{ratios} from {penalties.max():.3g} to {penalties.min():.3g}"
            f"{chosen}>"
        )


def path(
    x: ArrayLike,
    y: ArrayLike,
    *,
    l1_ratio: float | Sequence[float] = 1.0,
    penalties: ArrayLike | None = None,
    n_penalties: int = 100,
    eps: float = 1e-3,
    folds: Any = None,
    groups: ArrayLike | None = None,
    rng: int | np.random.Generator | None = None,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    standardize: bool = True,
    rule: str = "min",
) -> Path:
    r"""Fit a whole path of penalties, and cross-validate it, from one read of the data.

    For each penalty λ the coefficients are those at which
    :math:`\sum_i s_i r_i^2 / \sum_i s_i + \lambda \rho \|v\|_1 + \lambda (1 - \rho) / 2 \|v\|^2` is least, ρ being
    ``l1_ratio``: the lasso for 1, ridge regression for 0, the elastic net between them.

    Parameters
    ----------
    x : array of shape (n,) or (n, d), or table
    y : array of shape (n,)
    l1_ratio : float or list of float, default 1
        From 0 to 1.
    penalties : array of shape (P,), optional
        The λ, 0 or more. By default found: ``n_penalties`` of them, from the least that sets all coefficients to 0 (for
        ``l1_ratio`` below 0.001, of 0.001) to ``eps`` times that, in equal ratios.
    n_penalties : int, default 100
    eps : float, default 1e-3
    folds : int, array of shape (n,), or splitter, optional
        How to cross-validate: in so many folds of consecutive rows; in folds of these numbers or names; or in the test
        sets of a splitter of scikit-learn, which have each row once. By default not at all.
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

    Returns
    -------
    Path

    Raises
    ------
    ValueError, TypeError
        When an argument is not as above: folds that have a row twice or never, a group in two folds, a fold whose
        weights are all 0, data that isn't finite.

    Notes
    -----
    Moments of each fold are taken in one read; a training set is the sum of the other folds. Coefficients go down the
    path by coordinate descent from those before, to a duality gap of 10⁻¹² of the objective at 0. With ``l1_ratio=0``
    one tridiagonal form serves all penalties. Bits don't depend on the number of threads.

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
    ratios, one_ratio = _ratios(l1_ratio)
    asked = None if penalties is None else _penalties(penalties)
    count = checks.whole("n_penalties", n_penalties, 1, "a whole number, 1 or more") if asked is None else len(asked)
    smallest = checks.number("eps", eps, "a number above 0 and below 1", positive=True)
    if smallest >= 1:
        raise ValueError(f"eps is {smallest:g}, accepted is a number above 0 and below 1")
    intercept, standard = checks.flag("fit_intercept", fit_intercept), checks.flag("standardize", standardize)
    checks.one_of("rule", rule, RULES)
    given = x
    feature_names = tables.names("x", given)
    matrix, y, s = validation.samples(given, y, sample_weight)
    if s is not None:
        validation.weights("sample_weight", s)
    d = 1 if matrix.ndim == 1 else matrix.shape[1]
    names = feature_names or tuple("x" if matrix.ndim == 1 else f"x[{j}]" for j in range(d))
    if folds is None and (groups is not None or rng is not None):
        raise ValueError("groups and rng are about folds: write folds=5 as well")
    ids = None if folds is None else fold_of_each_row(folds, groups, rng, matrix, y, len(y))
    read = by_fold(matrix, y, s, ids)
    _check(read.folds, names)
    grid = None if asked is None else np.broadcast_to(asked, (len(ratios), count)).copy()
    grams = [moments.gram for moments in read.folds]
    found = _core.path(
        np.stack([gram.matrix for gram in grams]),
        np.stack([gram.origin for gram in grams]),
        ratios,
        grid,
        count,
        smallest,
        intercept,
        standard,
    )
    weights = np.array([gram.matrix[-2, -2] for gram in grams])
    rows = read.folds[0].rows
    for moments in read.folds[1:]:
        rows = rows.with_more(moments.rows)
    one_read = matrix.nbytes + y.nbytes + (0 if s is None else s.nbytes)
    report = Report(
        plan="moments",
        passes=read.bytes_read / one_read,
        bytes_read=read.bytes_read,
        seconds=time.perf_counter() - started,
        threads=_core.get_num_threads(),
        isa=str(_core.config()["isa"]),
        peak_bytes=read.peak_bytes,
    )
    return Path(
        table=_table(found[:6], weights),
        l1_ratio=ratios,
        one_ratio=one_ratio,
        rule=rule,
        names=names,
        feature_names=feature_names,
        fit_intercept=intercept,
        standardize=standard,
        all_rows=Moments(Gram(*found[6:]), rows),
        report=report,
    )


def _table(found: tuple[Vector, ...], weights: Vector) -> Table:
    penalties, coefs, intercepts, df, gaps, losses = found
    cv_loss = np.moveaxis(losses, 0, -1)
    if not len(losses):
        return Table(penalties, coefs, intercepts, df, gaps, cv_loss, np.empty(0), np.empty(0), None, None)
    share = weights / weights.sum()
    mean = cv_loss @ share
    se = np.sqrt(((cv_loss - mean[..., np.newaxis]) ** 2) @ share / (len(weights) - 1))
    ratio, place = map(int, np.unravel_index(int(np.argmin(mean)), mean.shape))
    within = np.flatnonzero(mean[ratio] <= mean[ratio, place] + se[ratio, place])
    sparing = int(within[np.argmax(penalties[ratio, within])])
    return Table(penalties, coefs, intercepts, df, gaps, cv_loss, mean, se, (ratio, place), (ratio, sparing))


def _ratios(l1_ratio: Any) -> tuple[Vector, bool]:
    one = np.ndim(l1_ratio) == 0
    accepted = "a number from 0 to 1, or a list of them"
    ratios = [checks.number("l1_ratio", ratio, accepted) for ratio in ([l1_ratio] if one else l1_ratio)]
    if not ratios or max(ratios) > 1:
        raise ValueError(f"l1_ratio is {shown(l1_ratio)}, accepted is {accepted}")
    return np.array(ratios), one


def _penalties(penalties: Any) -> Vector:
    accepted = "accepted is a list of finite numbers, 0 or more"
    try:
        values = np.array(penalties, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"penalties is {shown(penalties)}, {accepted}") from None
    if values.ndim != 1 or not len(values):
        raise ValueError(f"penalties has shape {values.shape}, {accepted}")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        raise ValueError(f"penalties[{wrong[0]}] is {values[wrong[0]]:g}, {accepted}")
    return values


def _check(folds: list[Moments], names: tuple[str, ...]) -> None:
    for i, (gram, _) in enumerate(folds):
        where = f" in fold {i}" if len(folds) > 1 else ""
        wrong = np.flatnonzero(~np.isfinite(np.diag(gram.matrix)))
        if len(wrong):
            name = (*names, "sample_weight", "y")[int(wrong[0])]
            raise ValueError(f"{name} holds NaN or infinity{where}, or numbers whose squares are beyond float64")
        if gram.matrix[-2, -2] == 0:
            raise ValueError(f"sample_weight is 0 for all rows{where}: there is no loss of these to choose by")
