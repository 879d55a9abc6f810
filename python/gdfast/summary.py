"""Coefficients with what statistics packages print beside them."""

from __future__ import annotations

import dataclasses
import html
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_KINDS = {"iid": "residuals of one variance", "HC0": "robust, HC0", "HC1": "robust, HC1"}


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """Standard errors of a fit, and what follows from them. `print` shows it as text, a notebook as a table.

    Attributes
    ----------
    names : tuple of str
        Of the k coefficients: the columns, and ``"intercept"`` last where there is one.
    coefs, std_errors, t, p : ndarray of shape (k,)
        Coefficients, their standard errors, the ratio of both, and how probable so large a ratio is where the
        coefficient is 0, by Student's t with ``df_t`` degrees of freedom.
    conf_int : ndarray of shape (k, 2)
        Confidence intervals, of probability ``level``.
    inflation : ndarray of shape (k,)
        Variance inflation: by how much the other columns make the variance of a coefficient larger; NaN for a constant.
    covariance : ndarray of shape (k, k)
        Of the coefficients.
    level : float
    vcov : {"iid", "HC0", "HC1", "cluster"}
        What the standard errors take residuals for.
    weights : {"analytic", "frequency"} or None
        What weights are: of variances σ²/s, or numbers of equal rows. None where there are none.
    n : float
        Rows of weight above 0; with frequencies their sum.
    n_clusters : int or None
    df_model, df_resid, df_t : float
        Coefficients beside a constant; rows less coefficients; what t and F go by: ``df_resid``, or clusters less 1.
    residual_std_error : float
        √(Σ s·r² / df_resid).
    r2, adjusted_r2 : float
        About the mean of y where there is an intercept or a column that is the same everywhere; else about 0.
    f, f_p : float
        Test of all coefficients but a constant being 0, and its p-value. Wald's unless ``vcov`` is ``"iid"``.
    log_likelihood, aic, bic : float
        Of normal residuals.
    condition_number : float
        Of the matrix of all columns as they are, and ones: it depends on their units.
    notes : tuple of str
        What to know of these numbers.

    See Also
    --------
    gdfast.Fit.summary : Makes one.

    Examples
    --------
    >>> import gdfast
    >>> fit = gdfast.fit([1, 2, 3, 4, 5], [2.1, 3.9, 6.2, 7.8, 10.1], optimizer="exact", fit_intercept=True)
    >>> summary = fit.summary()
    >>> summary.names, summary.std_errors.round(4), round(summary.r2, 4)
    (('x', 'intercept'), array([0.0597, 0.1981]), 0.9973)
    """

    names: tuple[str, ...]
    coefs: Vector
    std_errors: Vector
    t: Vector
    p: Vector
    conf_int: Vector
    inflation: Vector
    covariance: Vector
    level: float
    vcov: str
    weights: str | None
    n: float
    n_clusters: int | None
    df_model: float
    df_resid: float
    df_t: float
    residual_std_error: float
    r2: float
    adjusted_r2: float
    f: float
    f_p: float
    log_likelihood: float
    aic: float
    bic: float
    condition_number: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it as numbers, strings and lists, which JSON can hold but for infinities and NaN.

        Returns
        -------
        dict
            Its keys are the attributes'.

        Examples
        --------
        >>> import gdfast
        >>> moments = gdfast.Moments(1).update([1, 2, 3, 4], [1, 3, 2, 4])
        >>> moments.solve(fit_intercept=True).summary().to_dict()["names"]
        ['x[0]', 'intercept']
        """
        plain: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            value = value.tolist() if isinstance(value, np.ndarray) else value
            plain[field.name] = list(value) if isinstance(value, tuple) else value
        return plain

    def __str__(self) -> str:
        head, *rows = self._table()
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [self._errors()]
        for row in (head, *rows):
            cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
        lines.insert(2, "-" * max(map(len, lines)))
        labels = max(len(name) for name, _ in self._whole())
        lines += ["", *(f"{name:<{labels}}  {value}" for name, value in self._whole())]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return f"<gdfast.Summary: {len(self.names)} coefficients, vcov={self.vcov!r}, n={self.n:g}, r2={self.r2:.6g}>"

    def _repr_html_(self) -> str:
        head, *rows = self._table()
        right = ' style="text-align: right"'
        cells = [f"<tr><th></th>{''.join(f'<th{right}>{html.escape(name)}</th>' for name in head[1:])}</tr>"]
        for name, *values in rows:
            numbers = "".join(f"<td{right}>{value}</td>" for value in values)
            cells.append(f'<tr><th style="text-align: left">{html.escape(name)}</th>{numbers}</tr>')
        whole = "".join(
            f'<tr><th style="text-align: left">{html.escape(name)}</th><td style="text-align: left">{value}</td></tr>'
            for name, value in self._whole()
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f"<p>{html.escape(self._errors())}</p><table>{''.join(cells)}</table><table>{whole}</table>{notes}"
        )  # fmt: skip

    def _errors(self) -> str:
        kind = _KINDS.get(self.vcov, f"{self.n_clusters or 0:,} clusters")
        weights = "" if self.weights is None else f"; {self.weights} weights"
        return f"standard errors: {kind}{weights}"

    def _table(self) -> list[tuple[str, ...]]:
        tail = (1 - self.level) / 2
        rows: list[tuple[str, ...]] = [
            ("", "coef", "std error", "t", "P>|t|", f"[{tail:.4g}", f"{1 - tail:.4g}]", "VIF")
        ]
        numbers = zip(
            self.names, self.coefs, self.std_errors, self.t, self.p, self.conf_int, self.inflation, strict=True
        )
        for name, coef, error, t, p, (low, high), inflation in numbers:
            vif = "" if math.isnan(inflation) else f"{inflation:.4g}"
            rows.append((name, _six(coef), _six(error), f"{t:.4g}", _p(p), _six(low), _six(high), vif))
        return rows

    def _whole(self) -> list[tuple[str, str]]:
        degrees = f"{self.df_model:g} and {self.df_t:g} degrees of freedom"
        return [
            ("rows", f"{self.n:,.12g}, {self.df_resid:,.12g} residual degrees of freedom"),
            ("R²", f"{self.r2:.6g}, adjusted {self.adjusted_r2:.6g}"),
            ("residual standard error", _six(self.residual_std_error)),
            ("F", "none" if math.isnan(self.f) else f"{self.f:.6g} on {degrees}, P {_p(self.f_p)}"),
            ("log-likelihood", f"{self.log_likelihood:.6g}, AIC {self.aic:.6g}, BIC {self.bic:.6g}"),
            ("condition number", f"{self.condition_number:.4g}"),
        ]


def _six(number: float) -> str:
    return f"{number:.6g}"


def _p(probability: float) -> str:
    """Three digits; what is below that is of no interest but in its size."""
    return f"{probability:.3f}" if probability >= 0.0005 or math.isnan(probability) else f"{probability:.1e}"
