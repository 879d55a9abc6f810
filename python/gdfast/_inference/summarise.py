"""The way of `Fit.summary`: what it takes, what it refuses, and the numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdfast import checks, dropped, spelled, tables, validation
from gdfast._inference import sandwich
from gdfast._inference.asked import WEIGHTS, Covariance, asked_covariance, asked_level
from gdfast._inference.basis import Basis, refuse_other_weights
from gdfast._inference.design import Design, design
from gdfast._inference.scanned import ScannedRows
from gdfast.convergence import CONVERGED
from gdfast.errors import Argument, Message
from gdfast.scan import Scan
from gdfast.summary import Summary

if TYPE_CHECKING:
    from gdfast.result import Fit

Vector = NDArray[np.float64]

_CLOSE = 0.01  # of a standard error: no more may coefficients be off by
_ROUNDING = 1e-11  # of the sum of squares at w = 0: less can't be asked for of what was streamed


def summary(
    fit: Fit, x: Any, y: Any, sample_weight: Any, vcov: Any, weights: str, level: float, special: Any = None
) -> Summary:
    """As `gdfast.Fit.summary` says; `special` stands for scipy.special."""
    basis = fit.basis
    asked = asked_covariance(vcov)
    frequency = checks.one_of("weights", weights, WEIGHTS) == "frequency"
    level = asked_level(level)
    refuse_penalties(basis.l1, basis.l2)
    special = special or scipy_special()
    if x is None and (y is not None or sample_weight is not None):
        raise ValueError("y and sample_weight go with x: write fit.summary(x, y)")
    if x is None and asked.kind != "iid":
        raise ValueError(
            Message(Argument("vcov", vcov if isinstance(vcov, str) else "…"), " needs the residual of each row, and a "
                    "fit keeps no data: write fit.summary(x, y, vcov=…)")
        )  # fmt: skip
    if x is None and basis.gram is None:
        raise ValueError("this fit streamed its data and kept no moments of it: write fit.summary(x, y)")
    if x is None:
        _refuse_unfinished(fit.converged)
    return _Summarised(fit, asked, frequency, level, _rows(fit, x, y, sample_weight)).summary(special)


def scipy_special() -> Any:
    """Where the distributions are.

    Raises
    ------
    ImportError
        When SciPy is not installed.
    """
    try:
        from scipy import special
    except ImportError as error:
        message = "p-values are SciPy's, which is not installed: pip install 'gdfast[stats]'"
        raise ImportError(message, name="scipy") from error
    return special


def refuse_penalties(l1: float, l2: float) -> None:
    """There is no telling how far off coefficients are that were pulled towards 0."""
    name, value = ("l1", l1) if l1 > 0 else ("l2", l2)
    if value > 0:
        raise ValueError(
            Message(
                "a summary is of fits without penalties, since what pulls coefficients towards 0 leaves no unbiased "
                "standard errors, and this one has ",
                Argument(name, value),
                ": fit again with ",
                Argument(name, 0),
            )
        )


def _refuse_unfinished(converged: bool | None) -> None:
    if not converged:
        raise ValueError(
            Message(
                "this fit is not at the optimum, and standard errors are of the coefficients there: fit again with ",
                Argument("optimizer", "exact"),
            )
        )


def _rows(fit: Fit, x: Any, y: Any, sample_weight: Any) -> sandwich.Rows | ScannedRows | None:
    """The data, if it is that of the fit as far as its shape tells."""
    if x is None:
        return None
    basis = fit.basis
    if isinstance(x, Scan):
        return ScannedRows.of_fit(x, y, sample_weight, basis, fit.feature_names, np.atleast_1d(fit.w))
    given = tables.named("x", x, y, sample_weight)
    given = given._replace(x=tables.by_name("x", given.x, fit.feature_names))
    asked = spelled.Asked(x, y, sample_weight)
    try:
        # Rows with nulls are none of the fit: it refused them, or left them out.
        x, y, s, left_out, kept = dropped.without(given, "drop")
        validation.like_the_fit(x, np.shape(fit.w), fit.feature_names)
        x, y, s = validation.samples(x, y, s, in_columns=True)
    except (TypeError, ValueError):
        spelled.refuse(given, asked, missing="drop", needed=True)
        raise
    if len(x) - left_out != basis.n:
        rows = f"{len(x) - left_out:,} rows{' without a null' if left_out else ''}"
        raise ValueError(f"x has {rows}, and the fit was of {basis.n:,}: write the x that it was fitted to")
    refuse_other_weights(basis, given.sample_weight is not None)
    return sandwich.Rows(x.reshape(-1, 1) if x.ndim == 1 else x, y, s, kept)


class _Summarised:
    """One summary under way."""

    def __init__(self, fit: Fit, asked: Covariance, frequency: bool, level: float, rows: Any) -> None:
        self.fit, self.asked, self.frequency, self.level, self.rows = fit, asked, frequency, level, rows
        self.basis = _with_moments(fit.basis, rows)
        assert self.basis.gram is not None
        assert self.basis.counted is not None
        self.gram, self.counted = self.basis.gram, self.basis.counted
        self.intercept = fit.b is not None
        w = np.atleast_1d(np.asarray(fit.w, np.float64))
        self.coefs = np.append(w, fit.b) if fit.b is not None else w
        self.total_weight = float(self.gram.matrix[-2, -2])
        self.n = self.total_weight if frequency else float(self.counted.above_0)
        self.design: Design = design(self.gram, self.intercept, self.name)
        self.df_resid = self.n - len(self.coefs)
        if not self.df_resid > 0:
            raise ValueError(
                f"{self.n:g} rows leave nothing to tell the errors of {len(self.coefs)} coefficients by: there have to "
                "be more rows than coefficients"
            )
        self.groups: int | None = None
        self.notes: list[str] = []

    def name(self, j: int) -> str:
        names = self.fit.feature_names
        if names is not None:
            return repr(names[j])
        return "x" if np.ndim(self.fit.w) == 0 else f"x[:, {j}]"

    def names(self) -> tuple[str, ...]:
        d = len(self.coefs) - self.intercept
        names = self.fit.feature_names or tuple("x" if np.ndim(self.fit.w) == 0 else f"x[{j}]" for j in range(d))
        return (*names, "intercept") if self.intercept else tuple(names)

    def summary(self, special: Any) -> Summary:
        squares, covariance = self.residuals()
        std_errors = np.sqrt(np.maximum(np.diag(covariance), 0))
        df = self.df_resid if self.groups is None else float(self.groups - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self.coefs / std_errors
        wide = float(special.stdtrit(df, 0.5 + self.level / 2))
        total = self.design.total
        has_constant = self.design.constant is not None
        df_model = len(self.coefs) - has_constant
        r2 = 1 - squares / total if total > 0 else math.nan
        f = self.f(covariance, squares, df_model)
        likelihood = self.log_likelihood(squares)
        return Summary(
            names=self.names(),
            coefs=self.coefs,
            std_errors=std_errors,
            t=t,
            p=np.asarray(2 * special.stdtr(df, -np.abs(t))),
            conf_int=np.column_stack([self.coefs - wide * std_errors, self.coefs + wide * std_errors]),
            inflation=self.design.inflation,
            covariance=covariance,
            level=self.level,
            vcov=self.asked.kind,
            weights=("frequency" if self.frequency else "analytic") if self.basis.weighted else None,
            n=self.n,
            n_clusters=self.groups,
            df_model=df_model,
            df_resid=self.df_resid,
            df_t=df,
            residual_std_error=math.sqrt(squares / self.df_resid),
            r2=r2,
            adjusted_r2=1 - (self.n - has_constant) / self.df_resid * (1 - r2),
            f=f,
            f_p=float(special.fdtrc(df_model, df, f)) if df_model else math.nan,
            log_likelihood=likelihood,
            aic=2 * len(self.coefs) - 2 * likelihood,
            bic=math.log(self.n) * len(self.coefs) - 2 * likelihood,
            condition_number=self.design.condition,
            notes=tuple(self.notes),
        )

    def residuals(self) -> tuple[float, Vector]:
        """Their squares, and the covariance of the coefficients that follows."""
        bread, to_x = self.design.inverse, self.design.to_x
        if self.rows is None:
            mean = self.basis.reduction == "mean"
            squares = self.fit.loss * (self.total_weight if mean else 1.0)
            error = self.fit.loss_error * (self.total_weight if mean else 1.0)
            self.refuse_far((self.fit.gap or 0.0) * (self.design.total or 1.0), squares, error)
            self.doubt(squares, error)
            return squares, squares / self.df_resid * (to_x @ bread @ to_x.T)
        d = len(self.design.shift)
        w = self.coefs[:d]
        c = self.mean_of_y() - float(self.design.missed @ w) if self.intercept else 0.0
        model = sandwich.Model(self.design.shift, self.design.missed, w, c, self.intercept)
        if self.asked.kind == "cluster":
            found, self.groups = self.rows.scores_of_clusters(model, self.asked.ids)
        else:
            found = self.rows.scores(model, sandwich.Meat(self.asked.kind != "iid", self.frequency))
        above = float(found.gradient @ bread @ found.gradient) + self.off(w)
        if not above <= CONVERGED * (self.design.total or 1.0):
            if self.fit.converged:
                raise ValueError("x and y are not those of the fit: its coefficients are not the optimum there")
            _refuse_unfinished(False)
        self.refuse_far(above, found.squares, 0.0)
        if found.meat is None:
            return found.squares, found.squares / self.df_resid * (to_x @ bread @ to_x.T)
        covariance = to_x @ bread @ found.meat @ bread @ to_x.T
        covariance = (covariance + covariance.T) / 2
        return found.squares, self.correction() * covariance

    def refuse_far(self, above: float, squares: float, error: float) -> None:
        """Where the sum of squares is so much above the least one that coefficients are standard errors off.

        By as many of them, together, as the root of that over the variance of the residuals.
        """
        known = max(error, _ROUNDING * (self.design.total or 1.0))
        if above > max(_CLOSE**2 * squares / max(self.df_resid, 1), known):
            _refuse_unfinished(False)

    def mean_of_y(self) -> float:
        return float(self.gram.origin[-1] + self.gram.matrix[-1, -2] / self.total_weight)

    def off(self, w: Vector) -> float:
        """What the squares are more at the fit's intercept than at the best one.

        The residuals are of that one: beside columns of timestamps, the rounding of an intercept would show in them.
        """
        if not self.intercept:
            return 0.0
        best = math.fsum([self.mean_of_y(), *(-self.design.shift * w), *(-self.design.missed * w)])
        return self.total_weight * (float(self.coefs[-1]) - best) ** 2

    def correction(self) -> float:
        """For how much closer residuals are to 0 than errors."""
        if self.groups is not None:
            return self.groups / (self.groups - 1) * (self.n - 1) / self.df_resid
        return self.n / self.df_resid if self.asked.kind == "HC1" else 1.0

    def doubt(self, squares: float, error: float) -> None:
        if error > 1e-6 * squares:
            digits = max(0, math.floor(-math.log10(error / squares))) if squares > 0 else 0
            self.notes.append(
                f"the residuals are so small that moments tell {digits} digits of them for sure: summary(x, y) takes "
                "them from the data"
            )

    def f(self, covariance: Vector, squares: float, df_model: int) -> float:
        """Of all coefficients but a constant being 0; Wald's where residuals are not taken to be alike."""
        if df_model == 0:
            return math.nan
        if self.asked.kind == "iid":
            explained = (self.design.total - squares) / df_model
            return explained / (squares / self.df_resid) if squares > 0 else math.inf
        if self.groups is not None and self.groups - 1 < df_model:
            self.notes.append(f"{self.groups} clusters are too few for F of {df_model} coefficients")
            return math.nan
        constant = self.design.constant
        kept = np.arange(len(self.coefs)) if constant is None else np.delete(np.arange(len(self.coefs)), constant)
        scale = np.sqrt(np.maximum(np.diag(covariance)[kept], np.finfo(float).tiny))
        inner = covariance[np.ix_(kept, kept)] / np.outer(scale, scale)
        standardised = self.coefs[kept] / scale
        try:
            return float(standardised @ np.linalg.solve(inner, standardised)) / df_model
        except np.linalg.LinAlgError:
            return math.nan

    def log_likelihood(self, squares: float) -> float:
        """Of normal residuals, of variance σ² or, with analytic weights, σ²/s."""
        if squares <= 0:
            return math.inf
        logarithms = 0.0 if self.frequency else self.counted.logarithms
        return -self.n / 2 * (math.log(2 * math.pi * squares / self.n) + 1) + logarithms / 2


def _with_moments(basis: Basis, rows: Any) -> Basis:
    if basis.gram is not None:
        return basis
    gram, counted = rows.moments()
    return basis._replace(gram=gram, counted=counted)
