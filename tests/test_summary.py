"""`Fit.summary`: the numbers of statsmodels and of NIST, from moments or one more read."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import gdfast
import nist
from summaries import CLUSTERS, COUNTS, Array, D, N, S, X, Y, exact, rng

pytest.importorskip("scipy")

NUMBERS = (
    *("coefs", "std_errors", "t", "p", "conf_int", "r2", "adjusted_r2", "f", "f_p", "aic", "bic", "log_likelihood"),
    *("condition_number", "covariance", "residual_std_error", "df_resid", "df_model"),
)


def theirs(x: Array, y: Array, intercept: bool, s: Array | None, vcov: str, clusters: Array | None) -> dict[str, Any]:
    """What statsmodels says, the intercept last."""
    sm = pytest.importorskip("statsmodels.api")
    design = np.column_stack([x, np.ones(len(x))]) if intercept else x
    model = sm.OLS(y, design) if s is None else sm.WLS(y, design, weights=s)
    kind = "nonrobust" if vcov == "iid" else vcov
    fit = model.fit(cov_type=kind, cov_kwds=None if clusters is None else {"groups": clusters}, use_t=True)
    return {
        "coefs": fit.params,
        "std_errors": fit.bse,
        "t": fit.tvalues,
        "p": fit.pvalues,
        "conf_int": fit.conf_int(),
        "r2": fit.rsquared,
        "adjusted_r2": fit.rsquared_adj,
        "f": fit.fvalue,
        "f_p": fit.f_pvalue,
        "aic": fit.aic,
        "bic": fit.bic,
        "log_likelihood": fit.llf,
        "condition_number": fit.condition_number,
        "covariance": fit.cov_params(),
        "residual_std_error": np.sqrt(fit.scale),
        "df_resid": fit.df_resid,
        "df_model": fit.df_model,
    }


def assert_equal(summary: gdfast.Summary, want: dict[str, Any], rtol: float = 1e-8) -> None:
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(summary, name), want[name], rtol=rtol, atol=1e-300, err_msg=name)


@pytest.mark.parametrize("vcov", ["iid", "HC0", "HC1", "cluster"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_equals_statsmodels(vcov: str, weighted: bool, intercept: bool) -> None:
    s = S if weighted else None
    fit = exact(fit_intercept=intercept, sample_weight=s)
    clusters = CLUSTERS if vcov == "cluster" else None
    want = theirs(X, Y, intercept, s, vcov, clusters)
    asked: Any = {"cluster": CLUSTERS} if vcov == "cluster" else vcov
    assert_equal(fit.summary(X, Y, sample_weight=s, vcov=asked), want)
    if vcov == "iid":
        assert_equal(fit.summary(), want)


@pytest.mark.parametrize("vcov", ["iid", "HC0", "HC1", "cluster"])
def test_frequencies_stand_for_so_many_rows(vcov: str) -> None:
    rows = np.repeat(np.arange(N), COUNTS)
    clusters = CLUSTERS[rows] if vcov == "cluster" else None
    want = theirs(X[rows], Y[rows], True, None, vcov, clusters)
    fit = exact(sample_weight=COUNTS)
    asked: Any = {"cluster": CLUSTERS} if vcov == "cluster" else vcov
    summary = fit.summary(X, Y, sample_weight=COUNTS, vcov=asked, weights="frequency")
    want["condition_number"] = np.linalg.cond(np.column_stack([X, np.ones(N)]) * np.sqrt(COUNTS)[:, np.newaxis])
    assert_equal(summary, want)
    assert summary.n == COUNTS.sum()


def test_variance_inflation_is_statsmodels() -> None:
    of = pytest.importorskip("statsmodels.stats.outliers_influence")
    design = np.column_stack([X, np.ones(N)])
    want = [of.variance_inflation_factor(design, j) for j in range(D)]
    np.testing.assert_allclose(exact().summary().inflation[:D], want, rtol=1e-8)


def test_variance_inflation_without_an_intercept_is_about_0() -> None:
    """By its meaning: the variance beside the other columns, as a multiple of that of the column alone."""
    got = exact(fit_intercept=False).summary()
    s2 = got.residual_std_error**2
    want = [got.covariance[j, j] / (s2 / (X[:, j] @ X[:, j])) for j in range(D)]
    np.testing.assert_allclose(got.inflation, want, rtol=1e-8)


def test_a_column_of_ones_is_an_intercept() -> None:
    """As statsmodels has it: R² is then about the mean, and F of the other columns."""
    design = np.column_stack([np.ones(N), X])
    summary = exact(design, fit_intercept=False).summary()
    assert_equal(summary, theirs(design, Y, False, None, "iid", None))
    assert np.isnan(summary.inflation[0])
    np.testing.assert_allclose(summary.inflation[1:], exact().summary().inflation[:D], rtol=1e-9)


def test_one_column_and_one_number() -> None:
    summary = exact(X[:, 0], fit_intercept=False).summary()
    assert_equal(summary, theirs(X[:, :1], Y, False, None, "iid", None))
    assert summary.names == ("x",)


def test_every_way_to_the_optimum_has_the_same_summary(backend: Any) -> None:
    want = exact().summary().to_dict()
    moments = gdfast.Moments(D).update(X[:50], Y[:50]) + gdfast.Moments(D).update(X[50:], Y[50:])
    fits = {
        "backend": backend.fit(X, Y, optimizer="exact", fit_intercept=True),
        "standardized": exact(standardize=True),
        "sum": exact(reduction="sum"),
        "moments": moments.solve(fit_intercept=True),
        "copied": pickle.loads(pickle.dumps(moments)).solve(fit_intercept=True),
    }
    for name, fit in fits.items():
        got = fit.summary().to_dict()
        for key in NUMBERS:
            np.testing.assert_allclose(got[key], want[key], rtol=1e-8, err_msg=f"{name}: {key}")


def test_streamed_fits_take_the_data_again() -> None:
    fit = gdfast.fit(X, Y, fit_intercept=True, optimizer="cg", plan="stream")
    assert fit.basis.gram is None
    got, want = fit.summary(X, Y), exact().summary()
    for key in NUMBERS:
        np.testing.assert_allclose(getattr(got, key), getattr(want, key), rtol=1e-6, err_msg=key)


def test_weighted_moments_know_the_likelihood() -> None:
    moments = gdfast.Moments(D).update(X[:30], Y[:30], S[:30])
    moments += gdfast.Moments(D).update(X[30:], Y[30:], S[30:])
    assert_equal(moments.solve(fit_intercept=True).summary(), theirs(X, Y, True, S, "iid", None))


def test_a_row_of_weight_0_is_as_if_it_were_not_there() -> None:
    s = np.where(np.arange(N) % 3 == 0, 0.0, S)
    kept = s > 0
    kinds: list[Any] = ["iid", "HC1", {"cluster": CLUSTERS}]
    for vcov in kinds:
        inner = {"cluster": CLUSTERS[kept]} if isinstance(vcov, dict) else vcov
        got = exact(sample_weight=s).summary(X, Y, sample_weight=s, vcov=vcov)
        fit = exact(X[kept], Y[kept], sample_weight=s[kept])
        want = fit.summary(X[kept], Y[kept], sample_weight=s[kept], vcov=inner)
        for key in NUMBERS:
            np.testing.assert_allclose(getattr(got, key), getattr(want, key), rtol=1e-9, err_msg=key)


def test_offsets_cost_no_digits() -> None:
    """Timestamps beside a price: all but the intercept's row is as if they were counted from today."""
    far = X + 1.7e9
    got, want = exact(far).summary(far, Y, vcov="HC1"), exact(far - 1.7e9).summary(far - 1.7e9, Y, vcov="HC1")
    np.testing.assert_allclose(got.std_errors[:D], want.std_errors[:D], rtol=1e-8)
    np.testing.assert_allclose(got.r2, want.r2, rtol=1e-8)


def test_more_rows_than_a_block_and_float32() -> None:
    """Blocks of 2¹⁶ numbers, of x as it lies: the scores are summed in float64."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((30_000, 5)).astype(np.float32)
    y = (x @ np.ones(5, np.float32) + rng.standard_normal(30_000)).astype(np.float32)
    ids = rng.integers(0, 40, 30_000)
    fit = exact(np.asfortranarray(x), y)
    wide = exact(x.astype(np.float64), y)
    kinds: list[Any] = ["HC0", {"cluster": ids}]
    for vcov in kinds:
        got = fit.summary(x, y, vcov=vcov)
        want = wide.summary(x.astype(np.float64), y, vcov=vcov)
        np.testing.assert_allclose(got.std_errors, want.std_errors, rtol=1e-5)
        assert got.names == want.names


def test_equal_bits_for_any_number_of_threads() -> None:
    found = []
    for k in (1, 2, 3):
        gdfast.set_num_threads(k)
        found.append(exact().summary(X, Y, vcov="HC1").covariance.tobytes())
    assert len(set(found)) == 1


CERTIFIED = {
    "Longley": (
        "84.9149257747669 0.0334910077722432 0.488399681651699 0.214274163161675 0.226073200069370 455.478499142212 "
        "890420.383607373",
        *("304.854073561965", "0.995479004577296", "330.285339234588"),
    ),
    "Norris": (
        "0.000429796848199937 0.232818234301152",
        *("0.884796396144373", "0.999993745883712", "5436385.54079785"),
    ),
}


@pytest.mark.parametrize("name", CERTIFIED)
def test_standard_errors_are_those_that_nist_certifies(name: str) -> None:
    (regression,) = (one for one in nist.REGRESSIONS if one.name == name)
    x, y = regression.samples()
    errors, deviation, r2, f = CERTIFIED[name]
    summary = exact(x, y).summary()
    np.testing.assert_allclose(summary.std_errors, np.array(errors.split(), float), rtol=1e-9)
    assert summary.residual_std_error == pytest.approx(float(deviation), rel=1e-10)
    assert summary.r2 == pytest.approx(float(r2), rel=1e-13)
    assert summary.f == pytest.approx(float(f), rel=1e-9)


def test_residuals_that_moments_lose_are_found_in_the_data() -> None:
    """R² is 1 but for 1e-18: the loss from moments is rounding, and the summary says so."""
    y = X @ [1.0, -0.5, 0.0, 2.0] + 5 + 1e-9 * rng.standard_normal(N)
    fit = exact(X, y)
    assert any("moments tell" in note for note in fit.summary().notes)
    sharp = fit.summary(X, y)
    assert sharp.notes == ()
    r = y - np.column_stack([X, np.ones(N)]) @ np.linalg.lstsq(np.column_stack([X, np.ones(N)]), y, rcond=None)[0]
    assert sharp.residual_std_error == pytest.approx(np.sqrt(r @ r / (N - D - 1)), rel=1e-5)


def test_clusters_fewer_than_columns_have_no_f() -> None:
    summary = exact().summary(X, Y, vcov={"cluster": np.arange(N) % 3})
    assert np.isnan(summary.f)
    assert "too few for F" in summary.notes[0]
    assert np.isfinite(summary.std_errors).all()
