"""What `gdfast.path` hands out: a `Path`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gdfast import fit_options, training
from gdfast._path import drawing
from gdfast._path.moments import Moments
from gdfast._path.table import Table
from gdfast.backends import backend as backend_by_name
from gdfast.report import Report
from gdfast.result import Fit
from gdfast.wording import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]


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
        What was read: the data, once; with ``plan="stream"`` about once a penalty and training set.

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
    columns: NDArray[np.intp] | None = field(default=None, repr=False)  # that all_rows are of; None: all
    fits: dict[tuple[int, int], Fit] = field(default_factory=dict, repr=False)  # that are known already

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
        if self._chosen in self.fits:
            return replace(self.fits[self._chosen], feature_names=self.feature_names)
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
        fit = training.train(backend_by_name("native"), arguments._replace(columns=self.feature_names))
        if self.columns is None:
            return fit
        w = np.zeros(self.table.coefs.shape[-1])
        w[self.columns] = fit.w
        return replace(fit, w=w, gap=float(self.table.gaps[self._chosen]), report=self.report)

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
