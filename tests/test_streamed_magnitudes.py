"""float32 that holds numbers, but no products of them: streamed fits are those of float64."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import advice
import gdfast

LEARNT = [1.0, 2.0]
WAYS: dict[str, dict[str, Any]] = {
    "cg": {"optimizer": "cg", "fit_intercept": True},
    "cg without b": {"optimizer": "cg"},
    "cg, standardized": {"optimizer": "cg", "fit_intercept": True, "standardize": True},
    "nesterov": {"optimizer": "nesterov", "learning_rate": "auto", "fit_intercept": True, "standardize": True},
}
EXPONENTS = [-35, -25, -20, -15, 0, 15, 20, 25, 35]
SCALES = [(i, j) for i in EXPONENTS for j in EXPONENTS if abs(i - j) <= 35]


def data(x_exponent: int, y_exponent: int, dtype: str = "float32") -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((300, 2))
    t = z @ LEARNT + 0.1 * rng.standard_normal(300)
    return (z * 10.0**x_exponent).astype(dtype), (t * 10.0**y_exponent).astype(dtype)


@pytest.mark.parametrize("options", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize(("x_exponent", "y_exponent"), SCALES)
def test_the_size_of_float32_makes_no_difference(
    backend: Any, x_exponent: int, y_exponent: int, options: dict[str, Any]
) -> None:
    x, y = data(x_exponent, y_exponent)
    fit = backend.fit(x, y, plan="stream", **options)
    assert fit.w.dtype == np.float32
    wide = x.astype(np.float64), y.astype(np.float64)
    want = gdfast.fit(*wide, optimizer="exact", fit_intercept=options.get("fit_intercept", False))
    np.testing.assert_allclose(fit.w.astype(np.float64), want.w, rtol=1e-4)
    np.testing.assert_allclose(fit.loss, want.loss, rtol=1e-4)
    assert not any("squares" in said for said in fit.report.advice)


@pytest.mark.parametrize("storage", ["float16", "table", "batches", "scan", "validation"])
@pytest.mark.parametrize("exponent", [-25, 25])
def test_however_it_is_stored(backend: Any, exponent: int, storage: str) -> None:
    x, y = data(exponent, exponent)
    options: dict[str, Any] = {"optimizer": "cg"}
    given: Any = (x, y)
    if storage == "float16":
        x = (x * np.float32(10.0**-exponent)).astype(np.float16)
        given = (x, y)
    elif storage == "table":
        pd = pytest.importorskip("pandas")
        given = (pd.DataFrame(x, columns=["a", "b"]), y)
    elif storage == "batches":
        options = {"standardize": True, "learning_rate": 0.1, "batch_size": 50, "rng": 0}
    elif storage == "scan":
        given = (gdfast.scan(lambda: iter([(x[:100], y[:100]), (x[100:], y[100:])])),)
    elif storage == "validation":
        options["validation"] = (x, y)
    seen: list[Any] = []
    fit = backend.fit(*given, plan="stream", fit_intercept=True, callback=lambda step: seen.append(step.w), **options)
    want = gdfast.fit(x.astype(np.float64), y.astype(np.float64), optimizer="exact", fit_intercept=True)
    np.testing.assert_allclose(fit.w, want.w, rtol=0.02 if storage == "batches" else 1e-4)
    assert fit.w.dtype == seen[-1].dtype == np.float32
    np.testing.assert_array_equal(seen[-1], fit.w)


def test_coefficients_that_float32_has_not_are_an_error(backend: Any) -> None:
    x, y = data(-30, 15)
    with pytest.raises(gdfast.DivergenceError, match="scale columns, or y, to numbers nearer to 1"):
        backend.fit(x, y, plan="stream", optimizer="cg")
    scaled = x * np.float32(1e30), y * np.float32(1e-15)  # as it says
    np.testing.assert_allclose(backend.fit(*scaled, plan="stream", optimizer="cg").w, LEARNT, atol=0.1)


def test_a_scan_whose_sizes_nobody_asked_for_says_so(backend: Any) -> None:
    """Without an intercept nothing is known of its columns before they are read."""
    x, y = data(-25, -25)

    def fitted(x: Any, y: Any) -> Any:
        scan = gdfast.scan(lambda: iter([(x[:100], y[:100]), (x[100:], y[100:])]))
        return backend.fit(scan, plan="stream", optimizer="cg")

    said = r"squares of what is so small are 0 in float32: x\[:, 0\] \(about .*e-25\), .*, y \(about"
    with pytest.warns(gdfast.ConvergenceWarning, match=said) as caught:
        fit = fitted(x, y)
    message = str(caught[0].message)
    advice.followed(message)
    assert fit.gap is None
    number = re.search(r"a number such as (1e\d+)", message)
    assert number is not None
    factor = np.float32(number[1])  # as it says
    again = fitted(x * factor, y * factor)
    assert again.report.advice == ()
    np.testing.assert_allclose(again.w, LEARNT, atol=0.1)
