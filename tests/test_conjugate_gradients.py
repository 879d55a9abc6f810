"""optimizer="cg": the optimum in few passes over the data, downhill all the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast

REACHED = 1e-10  # of the least loss


def least(x: Any, y: Any, s: Any = None, l2: float = 0.0, intercept: bool = True) -> tuple[Any, float]:
    """Coefficients and objective by QR of the centred data, with √l2 below it."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    s = np.ones(len(x)) if s is None else s.astype(np.float64)
    if intercept:
        x, y = x - np.average(x, axis=0, weights=s), y - np.average(y, weights=s)
    root = np.sqrt(s / s.sum())
    z = np.vstack([root[:, np.newaxis] * x, np.sqrt(l2) * np.eye(x.shape[1])])
    t = np.append(root * y, np.zeros(x.shape[1]))
    w = np.linalg.lstsq(z, t, rcond=None)[0]
    return w, float(np.sum((z @ w - t) ** 2))


def conditioned(n: int, d: int, condition: float, seed: int = 0) -> tuple[Any, Any]:
    """float32 columns with singular values from 1 to 1 / condition, and a noisy target."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((n, d)))[0] * np.sqrt(n)
    right = np.linalg.qr(rng.standard_normal((d, d)))[0]
    x = left @ (np.logspace(0, -np.log10(condition), d)[:, np.newaxis] * right.T)
    y = x @ rng.standard_normal(d) + 0.1 * rng.standard_normal(n)
    return x.astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize("scaled", [True, False], ids=["as sklearn scales it", "as measured"])
@pytest.mark.parametrize("standardize", [True, False], ids=["standardized", "as it is"])
def test_diabetes_in_20_passes(backend: Any, standardize: bool, scaled: bool) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    x, y = datasets.load_diabetes(return_X_y=True, scaled=scaled)
    fit = backend.fit(x, y, optimizer="cg", plan="stream", fit_intercept=True, standardize=standardize, n_iters=20)
    assert fit.loss <= (1 + REACHED) * least(x, y)[1]
    assert fit.stop_reason == "converged"


def passes(losses: Any, target: float) -> int:
    """Before which the loss was down to `target`."""
    below = np.flatnonzero(losses <= target)
    assert len(below)
    return int(below[0])


@pytest.mark.parametrize("n", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_tenth_of_the_passes_of_nesterov(n: int) -> None:
    """Of which momentum does best, from moments, where passes cost nothing."""
    x, y = conditioned(n, 100, 1e4)
    target = 1.01 * gdfast.fit(x, y, optimizer="exact").loss
    fit = gdfast.fit(x, y, optimizer="cg", plan="stream", n_iters=100)
    moments = gdfast.Moments(100).update(x, y)
    sweep = [
        moments.fit(optimizer="nesterov", learning_rate="auto", momentum=momentum, n_iters=3_000)
        for momentum in (0.9, 0.97, 0.99, 0.995, 0.999)
    ]
    best = min(passes(other.losses, target) for other in sweep if other.losses.min() <= target)
    assert 10 * passes(np.append(fit.losses, fit.loss), target) <= best


@pytest.mark.parametrize("options", [{}, {"l2": 0.3}, {"standardize": True}, {"fit_intercept": False}], ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_d_plus_1_passes(backend: Any, options: dict[str, Any], weighted: bool, plan: str) -> None:
    """And one for the gradient it begins with, and three that find nothing more."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 5)) + 1
    y = x @ np.arange(1.0, 6.0) + rng.standard_normal(60) + 3
    s = rng.integers(0, 3, 60).astype(np.float64) if weighted else None
    options = {"fit_intercept": True} | options
    fit = backend.fit(x, y, optimizer="cg", plan=plan, sample_weight=s, **options)
    w, objective = least(x, y, s, options.get("l2", 0.0), options["fit_intercept"])
    assert fit.n_iters <= 5 + 1 + 1 + 3
    assert fit.stop_reason == "converged"
    np.testing.assert_allclose(fit.w, w, rtol=1e-9, atol=1e-10)
    assert fit.loss == pytest.approx(objective, rel=1e-10)
    assert (np.diff(fit.losses) <= 0).all()


def test_losses_are_those_at_the_start_of_each_pass(backend: Any) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 4)), rng.standard_normal(50)
    seen: list[tuple[Any, Any]] = []
    fit = backend.fit(
        x, y, optimizer="cg", plan="stream", fit_intercept=True, callback=lambda step: seen.append((step.w, step.b))
    )
    assert fit.losses[0] == pytest.approx(np.mean(y**2))
    for (w, b), loss in zip(seen, fit.losses[1:], strict=False):
        assert loss == pytest.approx(np.mean((x @ w + b - y) ** 2), rel=1e-12)


@pytest.mark.parametrize("tol", [0.0, 1e-9, 1e-4])
@pytest.mark.parametrize("standardize", [True, False], ids=["standardized", "as it is"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_tol_compares_passes_between_which_there_was_a_step(
    backend: Any, dtype: str, standardize: bool, tol: float
) -> None:
    """The first pass takes the gradient and moves nothing, so that the second has the same loss."""
    x, y = conditioned(5_000, 10, 10)
    x, y = (x, y) if dtype == "f32" else (x.astype(np.float64), y.astype(np.float64))
    options: dict[str, Any] = {"optimizer": "cg", "plan": "stream", "standardize": standardize, "fit_intercept": True}
    fit = backend.fit(x, y, tol=tol, n_iters=60, **options)
    assert fit.stop_reason in ("tol", "converged")
    assert fit.loss <= (1 + 10 * tol + 1e-7) * least(x, y)[1]


def test_callback_tol_and_validation_end_it(backend: Any) -> None:
    x, y = conditioned(500, 20, 1e3)
    common: dict[str, Any] = {"optimizer": "cg", "plan": "stream"}
    assert backend.fit(x, y, callback=lambda step: step.iteration == 2, **common).n_iters == 3
    assert backend.fit(x, y, tol=1e-3, **common).stop_reason == "tol"
    held = backend.fit(x[:100], y[:100], validation=(x[100:], y[100:]), patience=3, **common)
    kept = float(np.mean((held.predict(x[100:]) - y[100:]) ** 2))
    assert kept == pytest.approx(held.validation_losses.min(), rel=1e-4)


def test_backends_agree() -> None:
    x, y = conditioned(300, 8, 10)
    fits = [
        gdfast.backend(name).fit(x.astype(np.float64), y, optimizer="cg", plan="stream") for name in gdfast.backends()
    ]
    for other in fits[1:]:
        np.testing.assert_allclose(other.w, fits[0].w, rtol=1e-9)
        np.testing.assert_allclose(other.losses[:9], fits[0].losses[:9], rtol=1e-9)


def test_roundings_lead_nowhere(backend: Any, dtype: np.dtype[Any]) -> None:
    """Where columns are fitted exactly or depend on one another, what is left of the gradient is rounding."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(2, 9)), int(rng.integers(1, 9))
        x = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-2, 2, d)
        x[:, -1] = x[:, 0] + (x[:, 1] if d > 2 else 0)
        y = (x @ rng.standard_normal(d) + rng.choice([0, 1e4])).astype(dtype)
        x = x.astype(dtype)
        standardize = bool(rng.integers(2))
        fit = backend.fit(x, y, optimizer="cg", plan="stream", fit_intercept=True, standardize=standardize, n_iters=500)
        assert fit.loss <= fit.losses[0]
        assert (np.diff(fit.losses) <= 0).all()


@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_a_constant_column_takes_no_step_of_any_length(backend: Any, dtype: np.dtype[Any], plan: str) -> None:
    """Beside an intercept it changes nothing: the curvature that is left along it is rounding."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = np.column_stack([np.full(60, 3.5), *rng.standard_normal((seed % 3, 60))]).astype(dtype)
        y = (6.188 + 1e-5 * rng.standard_normal(60)).astype(dtype)
        fit = backend.fit(x, y, optimizer="cg", plan=plan, fit_intercept=True)
        assert np.abs(fit.w).max() < 10
        assert fit.loss <= 1e-9  # of 38 at first: the noise has 1e-10, and float32 rounds 6.188 to seven digits


@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_no_step_along_what_has_no_curvature(backend: Any, plan: str) -> None:
    """Of columns that depend on one another the solution is the shortest, as that of "exact" in the same columns."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 3))
    x = np.column_stack([x, x[:, 0] + x[:, 1]])
    y = 2 * x[:, 0] + rng.standard_normal(100)
    fit = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan=plan)
    want = gdfast.fit(x, y, optimizer="exact", fit_intercept=True, standardize=True)
    assert fit.stop_reason == "converged"
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-9)


@pytest.mark.parametrize("scales", [(1e-15,) * 3, (1e-3,) * 3, (1e12,) * 3, (1e-9, 1.0, 1e4)], ids=str)
@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_scales_are_no_matter(backend: Any, dtype: np.dtype[Any], plan: str, scales: tuple[float, ...]) -> None:
    """Beside an intercept a small column looks flat, and its coefficient would be left where it was."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((500, 3)) * scales).astype(dtype)
    y = (x / np.array(scales, dtype) @ np.array([1, 2, 3], dtype) + rng.standard_normal(500)).astype(dtype)
    fit = backend.fit(x, y, optimizer="cg", plan=plan, fit_intercept=True)
    want, _ = least(x / scales, y)
    np.testing.assert_allclose(fit.w * scales, want, rtol=1e-5 if dtype == np.float32 else 1e-9)
    assert fit.report.advice == ()


@pytest.mark.parametrize(("base", "step"), [(50.0, 1e-6), (1.0, 1e-12), (1e150, 1e140)])
def test_a_column_that_hardly_varies_has_its_coefficient(backend: Any, base: float, step: float) -> None:
    rng = np.random.default_rng(0)
    column = base + step * rng.standard_normal(500)
    varies = (column - column[0]) / step
    y = 3 * varies + 0.1 * rng.standard_normal(500)
    x = np.column_stack([column, rng.standard_normal(500)])
    fit = backend.fit(x, y, optimizer="cg", plan="stream", fit_intercept=True)
    want, _ = least(np.column_stack([varies, x[:, 1]]), y)
    assert fit.w[0] * step == pytest.approx(want[0], rel=1e-3)


@pytest.mark.parametrize("standardize", [False, True], ids=["as it is", "standardized"])
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e8, 1.7e9])
@pytest.mark.parametrize("offset_y", [0.0, 1e3, 1e6, 1.7e9])
@pytest.mark.filterwarnings("ignore:float32 has too few digits:gdfast.ConvergenceWarning")
def test_offsets_are_no_matter(
    backend: Any, dtype: np.dtype[Any], offset: float, offset_y: float, standardize: bool
) -> None:
    """Whatever is left when an objective of 10¹⁸ has fallen to 1 is no objective to stop by."""
    if dtype == np.float32 and max(offset, offset_y) > 1e6:
        pytest.skip("float32 has no digits there for what distinguishes the rows")
    rng = np.random.default_rng(3)
    z = rng.standard_normal((5_000, 3))
    x, y = offset + z, offset_y + z @ [1.0, 2.0, 3.0] + rng.standard_normal(5_000)
    x, y = x.astype(dtype), y.astype(dtype)
    fit = backend.fit(x, y, optimizer="cg", plan="stream", fit_intercept=True, standardize=standardize)
    t = y - y.mean(dtype=np.longdouble)
    want = np.linalg.lstsq(
        (x - x.mean(axis=0, dtype=np.longdouble)).astype(np.float64), t.astype(np.float64), rcond=None
    )[0]
    eps = float(np.finfo(dtype).eps)  # a residual is a sum of terms of 1 + 2 + 3 offsets, each rounded
    assert np.abs(fit.w - want).max() <= (6 * eps * offset / 2 + max(1e-9, 8 * eps)) * np.std(t)
    assert (np.diff(fit.losses) <= 0).all()
    assert fit.stop_reason == "converged"


@pytest.mark.parametrize("far", [1e8, 1.7e9])
def test_an_offset_is_no_matter_of_moments(backend: Any, far: float) -> None:
    rng = np.random.default_rng(0)
    x = far + rng.standard_normal((2_000, 3))
    z = x - x.mean(axis=0)
    y = z @ [1.0, 2.0, 3.0] + rng.standard_normal(2_000)
    fit = backend.fit(x, y, optimizer="cg", fit_intercept=True, plan="moments")
    want = np.linalg.lstsq(z, y - y.mean(), rcond=None)[0]
    np.testing.assert_allclose(fit.w, want, rtol=1e-9)
    assert fit.report.advice == ()


@pytest.mark.parametrize("optimizer", ["cg", "exact"])
def test_squares_that_overflow_are_refused(backend: Any, optimizer: str) -> None:
    with pytest.raises(gdfast.DivergenceError, match=r"squares of x\[:, 0\] are beyond the range"):
        backend.fit([[1e200, 2.0], [3e200, 5.0]], [1.0, 2.0], optimizer=optimizer)


def test_a_coefficient_that_overflows_is_refused(backend: Any) -> None:
    """y over x is 1e310; what it is beside the means can't be summed."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2))
    with pytest.raises(gdfast.DivergenceError, match="to numbers nearer to 1"):
        backend.fit(1e-160 * x, 1e150 * x.sum(axis=1), optimizer="exact", fit_intercept=True)
