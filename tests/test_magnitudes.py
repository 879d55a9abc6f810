"""Columns whose squares are beyond the range of float64: a fit says so, and names them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import advice
import gdfast

LEARNT = [1.0, 2.0]


def data(scale: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 2))
    y = x @ LEARNT + 0.1 * rng.standard_normal(200)
    return x * [1.0, scale], y


WAYS: list[dict[str, Any]] = [
    {"optimizer": "exact"},
    {"optimizer": "exact", "standardize": True},
    {"optimizer": "cg", "plan": "moments"},
    {"optimizer": "cg", "plan": "stream"},
    {"optimizer": "nesterov", "learning_rate": "auto", "standardize": True, "plan": "moments"},
    {"optimizer": "nesterov", "learning_rate": "auto", "standardize": True, "plan": "stream"},
]


@pytest.mark.parametrize("options", WAYS, ids=str)
@pytest.mark.parametrize("scale", [1e-165, 1e-170, 1e-200, 1e-290])
def test_columns_too_small_to_be_squared_are_named(backend: Any, scale: float, options: dict[str, Any]) -> None:
    x, y = data(scale)
    with pytest.warns(gdfast.ConvergenceWarning, match=r"squares of what is so small .* x\[:, 1\]") as caught:
        fit = backend.fit(x, y, fit_intercept=True, **options)
    message = str(caught[0].message)
    assert message in fit.report.advice
    advice.followed(message)
    assert fit.gap is None
    assert fit.converged is None
    said = re.search(r"a number such as (1e\d+)", message)
    assert said is not None
    better = x * [1.0, float(said[1])]  # as it says
    again = backend.fit(better, y, fit_intercept=True, **options, n_iters=500 if "learning_rate" in options else 100)
    assert not any("squares" in advice for advice in again.report.advice)
    np.testing.assert_allclose(again.w * np.std(better, axis=0), LEARNT, atol=0.2)


@pytest.mark.parametrize("intercept", [False, True])
def test_small_columns_of_moments_and_of_tables(intercept: bool) -> None:
    pd = pytest.importorskip("pandas")
    x, y = data(1e-170)
    for x_ in (x, pd.DataFrame(x, columns=["a", "tiny"])):
        moments = gdfast.Moments(2).update(x_, y)
        with pytest.warns(gdfast.ConvergenceWarning, match="so small"):
            assert moments.solve(fit_intercept=intercept).gap is None
    with pytest.warns(gdfast.ConvergenceWarning, match="'tiny'"):
        gdfast.fit(x_, y, optimizer="exact", fit_intercept=intercept)


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_constant_columns_are_none_of_them(backend: Any, options: dict[str, Any]) -> None:
    x, y = data(1.0)
    for constant in (0.0, 3.0, 1e-170, 1e9):
        x[:, 1] = constant
        fit = backend.fit(x, y, fit_intercept=True, n_iters=300, **options)
        assert fit.w[1] == 0
        assert not any("squares" in advice for advice in fit.report.advice)


@pytest.mark.parametrize("scale", [1e-155, 1e160])
def test_what_has_no_finite_squares_is_named(scale: float) -> None:
    """Nor finite inverses of squares."""
    x, y = data(scale)
    with pytest.raises(gdfast.DivergenceError, match=r"squares of x\[:, 1\] .* beyond the range of float64"):
        gdfast.fit(x, y, optimizer="cg", plan="moments", fit_intercept=True)


# --- y ----------------------------------------------------------------------------------------------------------------

FINDERS = WAYS[:4]


@pytest.mark.parametrize("options", FINDERS, ids=str)
@pytest.mark.parametrize("scale", [1e-160, 1e-200, 1e-300])
def test_a_target_too_small_to_be_squared_is_named(backend: Any, scale: float, options: dict[str, Any]) -> None:
    x, y = data(1.0)
    y = y * scale
    with pytest.warns(gdfast.ConvergenceWarning, match=r"squares of what is so small .*: y \(about") as caught:
        fit = backend.fit(x, y, fit_intercept=True, **options)
    message = str(caught[0].message)
    advice.followed(message)
    assert fit.gap is None
    said = re.search(r"a number such as (1e\d+)", message)
    assert said is not None
    better = y * float(said[1])  # as it says
    again = backend.fit(x, better, fit_intercept=True, **options)
    assert again.report.advice == ()
    np.testing.assert_allclose(again.w / (scale * float(said[1])), LEARNT, atol=0.1)


def test_a_small_target_and_a_small_column_are_named_together() -> None:
    x, y = data(1e-170)
    with pytest.warns(gdfast.ConvergenceWarning, match=r"x\[:, 1\] \(about .*e-171\), y \(about .*e-171\)"):
        gdfast.fit(x, y * 1e-170, optimizer="exact", fit_intercept=True)


@pytest.mark.parametrize("options", FINDERS, ids=str)
@pytest.mark.parametrize("value", [0.0, 3.0, 1e-170, 1.7e9])
def test_a_constant_target_is_none(backend: Any, options: dict[str, Any], value: float) -> None:
    x, _ = data(1.0)
    fit = backend.fit(x, np.full(len(x), value), fit_intercept=True, **options)
    assert fit.report.advice == ()
    np.testing.assert_allclose(fit.w, 0, atol=1e-12 * value)


@pytest.mark.parametrize("options", FINDERS, ids=str)
@pytest.mark.parametrize("scale", [1e-150, 1e-120, 1e-90, 1e120, 1e145])
def test_the_scale_of_a_target_makes_no_difference(backend: Any, scale: float, options: dict[str, Any]) -> None:
    """Steps are found without squares of squares."""
    x, y = data(1.0)
    want = backend.fit(x, y, fit_intercept=True, optimizer="exact")
    fit = backend.fit(x, y * scale, fit_intercept=True, **options)
    np.testing.assert_allclose(fit.w / scale, want.w, rtol=1e-10)
    assert fit.report.advice == ()


@pytest.mark.parametrize("plan", ["moments", "auto"])
@pytest.mark.parametrize("at", [0, 100, 199])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_exact_says_where_data_is_not_finite(backend: Any, value: float, at: int, plan: Any) -> None:
    x, y = data(1.0)
    x[at, 1] = value
    with pytest.raises(gdfast.DivergenceError, match=rf"x\[{at}, 1\] is {value}"):
        backend.fit(x, y, fit_intercept=True, optimizer="exact", plan=plan)


@pytest.mark.parametrize("scale", [1e160, 1e200])
def test_exact_names_what_has_no_finite_squares(backend: Any, scale: float) -> None:
    x, y = data(scale)
    with pytest.raises(gdfast.DivergenceError, match=r"squares of x\[:, 1\].* beyond the range of float64"):
        backend.fit(x, y, fit_intercept=True, optimizer="exact")
