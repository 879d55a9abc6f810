"""What training hands out at its end: a `Fit`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdfast import plot, validation
from gdfast._inference import summarise
from gdfast._inference.basis import Basis
from gdfast._scan import prediction
from gdfast.convergence import CONVERGED
from gdfast.descent import StopReason
from gdfast.report import Report
from gdfast.scan import Scan
from gdfast.summary import Summary
from gdfast.wording import short, type_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gdfast._fit.machinery import Machinery


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A trained model, and how it got there.

    Attributes
    ----------
    w : float or ndarray of shape (d,)
        Coefficients, of x's dtype; a float where x is (n,). With ``validation``, those of the lowest validation loss;
        else those after the last update.
    b : float or None
        Intercept that belongs to w; None where none was fitted.
    losses : ndarray of shape (n_iters,), float64
        ``losses[k]`` is the objective at the start of pass k; with mini-batches, the mean of what each update of the
        pass started from.
    validation_losses : ndarray of shape (n_iters,), float64
        ``validation_losses[k]`` is the loss on the validation data after pass k. Empty without validation.
    loss : float
        Objective at w and b. Ctrl-C spares the pass that this takes: then it is the last one known, or NaN.
    n_iters : int
        Passes over the data that were completed.
    stop_reason : {"n_iters", "tol", "converged", "validation", "callback", "interrupted", "diverged"}
        Why training ended: all passes were done; the loss changed by less than ``tol``; ``"cg"`` or ``"exact"`` left
        nothing to gain; no better validation loss in ``patience`` passes; the callback returned True; Ctrl-C, or an
        exception in the callback; the loss grew without bound. The last two are of fits that come with an exception.
    learning_rate : float
        The learning rate that was used: a number also where ``"auto"`` was asked for. NaN if none was found yet, or
        needed.
    gap : float or None
        An upper bound on how far the objective at w and b is above the least one, as a share of the objective at w = 0
        with the best b. From moments it is exact up to rounding; streamed it is known with a penalty only, from the
        gradient (with an intercept: if columns are standardised, or by ``"cg"``). None where it isn't known. Of
        streamed columns so far from 0 that their dtype has too few digits for a gradient, it is all of the objective.
    converged : bool or None
        Whether ``gap`` is at most 1e-6; None where that isn't known.
    loss_error : float
        By how much rounding may have put ``loss`` wrong: a bound from moments, an estimate from streamed data.
    gradient_norm : float
        Length of the objective's gradient at w and b, in the coordinates of the descent; with l1, of its shortest
        subgradient. NaN where it isn't known.
    report : Report
        What was read, and how fast.
    backend : Backend
        The implementation that trained, and that predicts.
    feature_names : tuple of str or None
        What the columns of x are called, where x was a table. `predict` finds them by these names in another one.
    sample : (ndarray, ndarray) or None
        Of at most 1,000 evenly spaced rows, for `plot`: x and y where x has one column; the model's values and y where
        it has several and ``"exact"`` solved for the optimum; else None.
    basis : Basis
        What `summary` knows of the data: its moments, where the fit took any and has no penalties.

    Examples
    --------
    >>> import gdfast
    >>> gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=10)
    Fit(w=1.60625, b=None, loss=1.16279, gap=None, n_iters=10, stop_reason='n_iters', backend='native')
    >>> fit = gdfast.fit([[1.0], [2.0]], [3.0, 5.0], fit_intercept=True, learning_rate=0.1, n_iters=2_000)
    >>> fit.w.round(3), round(fit.b, 3)
    (array([2.]), 1.0)
    >>> fit.predict([[10.0]]).round(3)
    array([21.])
    """

    w: Any
    b: float | None
    losses: NDArray[np.float64]
    validation_losses: NDArray[np.float64]
    loss: float
    n_iters: int
    stop_reason: StopReason
    learning_rate: float
    gap: float | None
    loss_error: float = field(repr=False)
    gradient_norm: float = field(repr=False)
    report: Report = field(repr=False)
    backend: Machinery = field(repr=False)
    feature_names: tuple[str, ...] | None = field(default=None, repr=False)
    sample: tuple[NDArray[Any], NDArray[Any]] | None = field(default=None, repr=False)
    basis: Basis = field(default=Basis(), repr=False)

    @property
    def converged(self) -> bool | None:
        return None if self.gap is None else self.gap <= CONVERGED

    def predict(self, x: ArrayLike | Scan) -> NDArray[Any]:
        """The model's value for each row of `x`, as `forward` gives it.

        Parameters
        ----------
        x : array of shape (n,) or (n, d), or table, or scan
            Of as many columns as the data of the fit. Where both are tables, the columns are found by name: their order
            doesn't matter, and further ones are ignored.

        Returns
        -------
        ndarray of shape (n,), of `x`'s dtype

        Raises
        ------
        ValueError, TypeError
            When `x` is of another shape, lacks a column, or is no array of real numbers.

        Examples
        --------
        >>> import gdfast
        >>> gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8]).predict([5.0]).round(3)
        array([10.])
        """
        w = self.w
        # An array that fits has no names to go by: it is on its way without a closer look.
        fits = type(x) is np.ndarray and type(w) is np.ndarray and x.shape[1:] == w.shape
        if isinstance(x, Scan):
            return prediction.as_array(self._predictions(x))
        rows = x if fits else validation.like_the_fit(x, np.shape(w), self.feature_names)
        y_pred: NDArray[Any] = self.backend.forward(rows, w, self.b)
        return y_pred

    def predict_to(self, path: str | os.PathLike[str], x: Scan) -> int:
        """Write the model's value for each row of a scan to a file, piece by piece.

        Parameters
        ----------
        path : str or path
            Ends in .parquet, .csv or .npy. The file is complete or not there.
        x : scan
            As for `predict`.

        Returns
        -------
        int
            How many rows there are.

        Raises
        ------
        ValueError, TypeError
            As `predict`; or the file would be of another kind.
        OSError
            When it can't be written.

        Examples
        --------
        >>> import gdfast
        >>> fit = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8])
        >>> fit.predict_to("y.parquet", gdfast.scan("x*.parquet"))  # doctest: +SKIP
        1000000
        """
        if not isinstance(x, Scan):
            raise TypeError(f"x is of type {type_name(x)}, accepted is a scan: write gdfast.scan(…), or fit.predict(x)")
        return prediction.write(path, (y_pred for _, y_pred in self._predictions(x)))

    def _predictions(self, x: Scan) -> Any:
        return prediction.predictions(x, self.feature_names, self.backend.forward, np.atleast_1d(self.w), self.b)

    def summary(
        self,
        x: ArrayLike | Scan | None = None,
        y: ArrayLike | str | None = None,
        *,
        sample_weight: ArrayLike | str | None = None,
        vcov: str | Mapping[str, ArrayLike | str] = "iid",
        weights: str = "analytic",
        level: float = 0.95,
    ) -> Summary:
        """Standard errors, t, p and confidence intervals of the coefficients, R², F, AIC and BIC, variance inflation.

        The moments that the fit was solved from are enough for ``vcov="iid"``. What needs each row's residual takes one
        read of the data, and so does a fit that streamed: a fit keeps no data, so hand it over again.

        Parameters
        ----------
        x, y : as for the fit, optional
            The data that the fit is of. A table's columns are found by name. Of a scan, y, sample_weight and clusters
            may be names of columns. Rows with nulls aren't counted, as they aren't in a fit with ``missing="drop"``.
        sample_weight : array of shape (n,), optional
            With x, where the fit had weights.
        vcov : {"iid", "HC0", "HC1"} or {"cluster": ids}, default "iid"
            What is taken for granted of the residuals: that they are of one variance (of σ²/s, with weights); that they
            are independent, with White's covariance and, for ``"HC1"``, the factor n/(n - k); or that they are
            independent between clusters, of which `ids` has a number or name for each row, with the factor
            g/(g - 1)·(n - 1)/(n - k) for g clusters. The last three need x and y.
        weights : {"analytic", "frequency"}, default "analytic"
            What weights mean: precisions, known up to a factor; or numbers of equal rows that each row stands for.
            Rows of weight 0 count for nothing in either.
        level : float, default 0.95
            Probability of the confidence intervals.

        Returns
        -------
        Summary

        Raises
        ------
        ValueError
            When the fit has penalties, isn't at the optimum, or isn't of x and y; when columns depend on one another,
            or there are no more rows than coefficients; when an argument is not as above.
        TypeError
            When an argument is not as above.
        ImportError
            When SciPy, which knows the distributions, is not installed; it comes with ``pip install 'gdfast[stats]'``.

        Notes
        -----
        t and F go by n - k degrees of freedom, also for ``"HC0"`` and ``"HC1"``, and by g - 1 for clusters: what
        statsmodels does with ``use_t=True``. Coefficients chosen by looking at the data, as those are that a penalty
        has left, have larger errors than any of these.

        Examples
        --------
        >>> import gdfast
        >>> x, y = [[1.0, 4.0], [2.0, 1.0], [3.0, 5.0], [4.0, 2.0], [5.0, 4.0], [6.0, 6.0]], [5, 5, 10, 9, 13, 15]
        >>> fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=True)
        >>> print(fit.summary())
        standard errors: residuals of one variance
                       coef  std error      t  P>|t|    [0.025   0.975]    VIF
        ----------------------------------------------------------------------
        x[0]        1.77437   0.157523  11.26  0.002   1.27306  2.27568  1.267
        x[1]       0.681058   0.158279  4.303  0.023  0.177345  1.18477  1.267
        intercept  0.792479    0.63556  1.247  0.301  -1.23016  2.81511
        <BLANKLINE>
        rows                     6, 3 residual degrees of freedom
        R²                       0.98769, adjusted 0.979484
        residual standard error  0.585336
        F                        120.356 on 2 and 3 degrees of freedom, P 0.001
        log-likelihood           -3.22078, AIC 12.4416, BIC 11.8168
        condition number         14.97
        >>> fit.summary(x, y, vcov="HC1").std_errors.round(4)
        array([0.1526, 0.1229, 0.4475])
        """
        return summarise.summary(self, x, y, sample_weight, vcov, weights, level)

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the objective over the passes, and for one column the data with the fitted line.

        Where ``"exact"`` solved for the optimum there are no passes to look at: then it is the line alone, or of
        several columns y over the model's values.

        The scale is logarithmic. A point lies after the passes that had been done: what pass k starts from,
        ``losses[k]``, at k. With validation there is a second curve, and the pass marked whose w and b were kept.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw the curves, and nothing else. By default a new figure, which needs no display: show it as the
            last line of a notebook's cell, or write it with ``savefig``.

        Returns
        -------
        matplotlib.figure.Figure
            The new figure, or that of `ax`.

        Raises
        ------
        ImportError
            When matplotlib is not installed; it comes with ``pip install 'gdfast[cli]'``.

        Examples
        --------
        >>> import gdfast
        >>> figure = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8]).plot()
        >>> figure.savefig("fit.png")  # doctest: +SKIP
        """
        return plot.draw(self, ax)

    def __repr__(self) -> str:
        b = "None" if self.b is None else f"{self.b:.6g}"
        gap = "None" if self.gap is None else f"{self.gap:.2g}"
        return (
            f"Fit(w={short(self.w)}, b={b}, loss={self.loss:.6g}, gap={gap}, n_iters={self.n_iters}, "
            f"stop_reason={self.stop_reason!r}, backend={self.backend.name!r})"
        )
