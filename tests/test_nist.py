"""NIST's certified regressions: the optimum has the digits of `numpy.linalg.lstsq` or more, or says why it hasn't."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gdfast
from nist import REGRESSIONS, Regression

regressions = pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda r: r.name)

# The references' sums are about a mean, not exact even for integers: of a polynomial of degree 5 that costs digits.
POLYNOMIALS = {"Filip", *(f"Wampler{k}" for k in range(1, 6))}


def rational_solution(regression: Regression) -> list[Fraction]:
    """The coefficients without any rounding: Gauss' elimination on the normal equations."""
    rows, right = [], []
    for y, *x in regression.table():
        numbers = [Fraction(value) for value in x]
        powers = range(1, regression.degree + 1)
        columns = [numbers[0] ** power for power in powers] if regression.degree else numbers
        rows.append([Fraction(1), *columns] if regression.fit_intercept else columns)
        right.append(Fraction(y))
    size = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)]
        + [sum(row[i] * y for row, y in zip(rows, right, strict=True))]
        for i in range(size)
    ]
    for i in range(size):  # no pivot of a positive definite matrix is 0
        for k in range(size):
            if k != i:
                factor = Fraction(system[k][i]) / system[i][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i], strict=True)]
    return [Fraction(system[i][size]) / system[i][i] for i in range(size)]


def solution(regression: Regression, backend: Any, **options: Any) -> tuple[Any, float]:
    """The fit, and its correct digits."""
    x, y = regression.samples()
    fit = backend.fit(x, y, optimizer="exact", fit_intercept=regression.fit_intercept, **options)
    return fit, regression.digits(np.append(fit.b, fit.w) if regression.fit_intercept else fit.w)


def lstsq_digits(regression: Regression) -> float:
    _, y = regression.samples()
    return regression.digits(np.linalg.lstsq(regression.design(), y, rcond=None)[0])


@regressions
def test_the_certified_values_are_those_of_the_data(regression: Regression) -> None:
    for certified, exact in zip(regression.certified, rational_solution(regression), strict=True):
        assert abs(Fraction(Decimal(certified)) / exact - 1) <= Fraction(1, 10**14)


@regressions
@pytest.mark.parametrize("standardize", [False, True], ids=["as it is", "standardized"])
def test_as_many_digits_as_lstsq(regression: Regression, standardize: bool) -> None:
    fit, digits = solution(regression, gdfast.backend("native"), standardize=standardize)
    if regression.name == "Filip":
        assert any("collinear to working precision" in str(advice) for advice in fit.report.advice)
    else:
        assert digits >= lstsq_digits(regression)
        assert fit.converged
        assert not any("collinear to working precision" in str(advice) for advice in fit.report.advice)


@regressions
@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_the_references_too_but_for_polynomials(regression: Regression, name: str) -> None:
    fit, digits = solution(regression, gdfast.backend(name))
    if regression.name == "Filip":
        assert any("collinear to working precision" in str(advice) for advice in fit.report.advice)
    elif regression.name in POLYNOMIALS:
        assert digits >= 5
    else:
        assert digits >= lstsq_digits(regression)


@pytest.mark.parametrize("name", ["Wampler1", "Wampler3", "Wampler4", "Wampler5"])
def test_sums_of_integers_lose_nothing(name: str) -> None:
    """A million times as much residual as signal costs lstsq ten digits, and the sums none."""
    regression = next(r for r in REGRESSIONS if r.name == name)
    _, digits = solution(regression, gdfast.backend("native"))
    assert digits >= 14


@pytest.mark.parametrize("standardize", [False, True], ids=["as it is", "standardized"])
def test_a_second_read_makes_up_for_rounded_sums(standardize: bool) -> None:
    """The targets of Wampler2 are decimal fractions, whose sums of products are rounded: that costs four digits."""
    regression = next(r for r in REGRESSIONS if r.name == "Wampler2")
    fit, digits = solution(regression, gdfast.backend("native"), standardize=standardize)
    x, y = regression.samples()
    of_moments = gdfast.Moments(5).update(x, y).solve(fit_intercept=True, standardize=standardize)
    assert of_moments.b is not None
    assert fit.report.passes == 2
    assert digits >= 12.5
    assert digits >= regression.digits(np.append(of_moments.b, of_moments.w)) + 3


@pytest.mark.parametrize("name", ["Norris", "Pontius", "NoInt1", "Longley", "Wampler5"])
def test_one_read_where_a_second_would_gain_nothing(name: str) -> None:
    fit, _ = solution(next(r for r in REGRESSIONS if r.name == name), gdfast.backend("native"))
    assert fit.report.passes == 1


@pytest.mark.parametrize("options", [{}, {"l2": 1e-12}, {"standardize": True}, {"reduction": "sum"}], ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("intercept", [False, True], ids=["no intercept", "intercept"])
def test_nearly_collinear_columns(options: dict[str, Any], weighted: bool, intercept: bool) -> None:
    """As QR of the data itself has them, to the digits that the condition leaves it."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4))
    x[:, 3] = x[:, 0] + 1e-4 * rng.standard_normal(200)
    y = x @ [1.0, 2.0, 3.0, 4.0] + 5 * intercept + 1e-6 * rng.standard_normal(200)
    s = rng.uniform(0.1, 2, 200) if weighted else np.ones(200)
    fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=intercept, sample_weight=s if weighted else None, **options)
    design = np.column_stack([x, np.ones(200)]) if intercept else x
    rows = np.sqrt(s / s.sum())[:, np.newaxis] * design
    penalty = np.sqrt(options.get("l2", 0.0)) * np.eye(4, design.shape[1])
    target = np.append(np.sqrt(s / s.sum()) * y, np.zeros(4))
    want = np.linalg.lstsq(np.vstack([rows, penalty]), target, rcond=None)[0]
    assert fit.report.passes == 2
    np.testing.assert_allclose(fit.w, want[:4], rtol=2e-11)
    assert fit.b is None or fit.b == pytest.approx(want[4], rel=1e-11)


def test_float32_and_far_columns_are_read_once() -> None:
    """Neither has residuals that would know more than the moments, which are float64 and about an origin near them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    x[:, 2] = x[:, 0] + 1e-3 * rng.standard_normal(200)
    y = x @ [1.0, 2.0, 3.0]
    assert gdfast.fit(x, y, optimizer="exact", fit_intercept=True).report.passes == 2
    narrow = x.astype(np.float32), y.astype(np.float32)
    assert gdfast.fit(*narrow, optimizer="exact", fit_intercept=True).report.passes == 1
    assert gdfast.fit(x + 1e6, y, optimizer="exact", fit_intercept=True).report.passes == 1
