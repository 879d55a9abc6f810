"""`Fit.gap` is true: what is above the least objective is no more, and from moments hardly less."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

import gdfast
from optimum_oracle import Oracle, problem

pytestmark = pytest.mark.skipif(
    bool(np.finfo(np.longdouble).eps > 1e-18), reason="long double has no more digits here than double"
)

QUICK = 500
REFERENCE = 30


def check(seed: int, backend: str, plan: str) -> str | None:
    """What is wrong with the certificate of a problem; None if nothing is."""
    x, y, options = problem(seed)
    if plan == "stream" and options["optimizer"] == "exact":
        options |= {"optimizer": "nesterov", "learning_rate": "auto"}
    oracle = Oracle(problem(seed))
    wide = {k: v for k, v in options.items() if k not in ("n_iters", "optimizer", "learning_rate")}
    near = gdfast.fit(x.astype(np.float64), y.astype(np.float64), optimizer="exact", **wide)
    fit = gdfast.backend(backend).fit(x, y, plan=plan, **options)
    if fit.gap is None:
        return None if plan == "stream" else f"{seed}: no gap"
    reached, bound = oracle.least(near.w)
    whole = oracle.at_zero
    if not whole > 1e-28 * float(np.square(y.astype(np.float64)).sum()):
        return None  # y is the same wherever it counts: a share of nothing
    at = oracle.objective(fit.w, fit.b)
    least_gap, most_gap = float((at - reached) / whole), float((at - bound) / whole)
    name = f"{seed} {x.shape} {x.dtype} {options['optimizer']}: true {least_gap:.3g}, said {fit.gap:.3g}"
    collinear = any("collinear to working precision" in str(advice) for advice in fit.report.advice)
    unseen = fit.loss_error / float(whole) if collinear else 0  # along directions that the sums can't tell from nothing
    rounding = 1e-6 if plan == "stream" and x.dtype == np.float32 else 1e-9  # of the loss
    if not least_gap <= fit.gap * (1 + rounding) + 1e-15 + unseen:
        return f"{name}, too low"
    floor = 3e-13 + 2 * fit.loss_error / float(whole)
    if plan == "moments" and backend == "native" and not fit.gap <= 1.05 * most_gap + floor:
        return f"{name}, too high"
    return None


def wrong(seeds: Iterable[int], backend: str = "native", plan: str = "moments") -> list[str]:
    with np.errstate(all="ignore"):
        return [found for seed in seeds if (found := check(seed, backend, plan)) is not None]


@pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")
class TestGap:
    def test_of_moments(self) -> None:
        assert wrong(range(QUICK)) == []

    @pytest.mark.parametrize("backend", ["numpy", "torch"])
    def test_of_the_references(self, backend: str) -> None:
        assert wrong(range(1_000, 1_000 + REFERENCE), backend) == []

    def test_of_columns_that_depend_on_one_another(self) -> None:
        """Where coordinate descent alone has too far to go: the loss is the same all along the way."""
        assert wrong([10_436, 12_035, 13_362]) == []

    def test_of_streamed_data(self) -> None:
        assert wrong(range(2_000, 2_000 + QUICK), plan="stream") == []

    @pytest.mark.slow
    def test_of_a_thousand_more(self) -> None:
        """None is too low. The bound of one is higher: its coefficients are 1e5 times y, and so is their rounding."""
        found = wrong(range(10_000, 11_000))
        assert [said for said in found if said.endswith("too low")] == []
        assert [said for said in found if not said.startswith("10061 ")] == []

    @pytest.mark.slow
    def test_of_a_thousand_more_streamed(self) -> None:
        assert wrong(range(10_000, 11_000), plan="stream") == []


def test_gaps_of_all_sizes_occur() -> None:
    """Else the tests above would prove little."""
    sizes = set()
    for seed in range(300):
        x, y, options = problem(seed)
        gap = gdfast.fit(x, y, plan="moments", **options).gap
        assert gap is not None
        sizes.add(int(np.clip(np.floor(np.log10(max(gap, 1e-300))), -15, 0)))
    assert sizes >= set(range(-15, 1))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("optimizer", ["exact", "cg", "nesterov"])
@pytest.mark.parametrize("offset", [0.0, 1e5, 1e6])
def test_the_loss_of_float32_is_that_of_the_coefficients_handed_out(
    offset: float, optimizer: Any, standardize: bool
) -> None:
    """Rounded to float32, as they are: beside columns far from 0 the intercept's rounding is in every residual."""
    rng = np.random.default_rng(0)
    x = (offset + 10 * rng.standard_normal((500, 2))).astype(np.float32)
    y = (5 * (x[:, 0] - np.float32(offset)) + 0.01 * rng.standard_normal(500)).astype(np.float32)
    rate: dict[str, Any] = {"learning_rate": "auto"} if optimizer == "nesterov" else {}
    fit = gdfast.fit(x, y, optimizer=optimizer, plan="moments", fit_intercept=True, standardize=standardize, **rate)
    assert fit.b is not None
    residuals = x.astype(np.float64) @ fit.w.astype(np.float64) + fit.b - y
    assert fit.loss == pytest.approx(np.mean(residuals**2), rel=1e-9, abs=2 * fit.loss_error)


@pytest.mark.parametrize("share", [1e-7, 1e-8, 1e-9, 1e-11])
@pytest.mark.parametrize("optimizer", ["exact", "cg", "nesterov"])
def test_what_moments_hide_is_not_certified(optimizer: Any, share: float) -> None:
    """Columns that differ by a share of their deviation, their products by its square; y is that difference."""
    rng = np.random.default_rng(0)
    a, z = rng.standard_normal((2, 500))
    x, y = np.c_[a, a + share * z], z + 0.1 * rng.standard_normal(500)
    with_ones = np.c_[x, np.ones(500)]
    least = np.mean((with_ones @ np.linalg.lstsq(with_ones, y, rcond=None)[0] - y) ** 2)
    rate: dict[str, Any] = {"learning_rate": "auto", "n_iters": 1_000} if optimizer == "nesterov" else {}
    fit = gdfast.fit(x, y, optimizer=optimizer, plan="moments", fit_intercept=True, **rate)
    assert fit.gap is not None
    assert fit.loss - least <= fit.gap * y.var() * (1 + 1e-9)
    assert not fit.converged
    says = "beyond what moments tell" if optimizer == "exact" else "Write optimizer='exact'"
    assert any(says in advice for advice in fit.report.advice)
    difference = gdfast.fit(np.c_[a, x[:, 1] - x[:, 0]], y, optimizer="exact", fit_intercept=True)
    assert difference.loss == pytest.approx(least, rel=max(1e-6, 1e-15 / share))  # the digits that a difference has
    assert difference.converged


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("order", ["C", "F", "table"])
def test_samples_tell_what_moments_hide(order: Any, intercept: bool, reduction: Any) -> None:
    """Beside columns that do depend on one another, with weights, and far from 0."""
    rng = np.random.default_rng(3)
    a, b, z = rng.standard_normal((3, 800))
    columns = [100 + a, 100 + a + 1e-9 * z, b, 2 * b, (b > 0).astype(float), (b <= 0).astype(float)]
    x: Any = np.asarray(np.column_stack(columns), order="C" if order == "table" else order)
    if order == "table":
        x = pytest.importorskip("polars").DataFrame({f"x{j}": column for j, column in enumerate(columns)})
    y, s = z + 0.1 * rng.standard_normal(800), rng.random(800)
    options: dict[str, Any] = {"optimizer": "exact", "fit_intercept": intercept, "reduction": reduction}
    assert not gdfast.fit(x, y, sample_weight=s, **options).converged
    other = gdfast.fit(x, b + 0.01 * a, sample_weight=s, **options)  # which the columns tell without that difference
    assert other.converged
    assert other.report.passes == 3


@pytest.mark.parametrize("intercept", [False, True])
def test_columns_that_do_depend_on_one_another_are_certified(intercept: bool) -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(30, 3_000)), int(rng.integers(2, 12))
        own = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-3, 4, d) + 10.0 ** rng.integers(-2, 3)
        levels = rng.integers(0, 5, n)
        x = np.c_[own, own[:, 0] + own[:, 1], -3 * own[:, 0], levels[:, np.newaxis] == np.arange(5)]
        y = x[:, 0] - x[:, 1] + rng.standard_normal(n)
        fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=intercept, plan="moments")
        assert fit.converged, seed
        assert any("fit equally well" in advice for advice in fit.report.advice), seed
