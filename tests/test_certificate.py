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
