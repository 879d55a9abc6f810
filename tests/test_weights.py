"""Weights that leave the loss without a least value are refused everywhere alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
Y = np.array([1.0, 2.0, 3.0])
W = np.array([0.5, -1.0])

BAD: dict[str, tuple[Any, str]] = {
    "below 0": ([1.0, -2.0, 5.0], r"^sample_weight\[1\] is -2.0, .*0 or more"),
    "just below 0": ([1.0, 2.0, -(2.0**-140)], r"^sample_weight\[2\] is -7.17"),
    "NaN": ([1.0, 2.0, np.nan], r"^sample_weight\[2\] is nan"),
    "infinite": ([np.inf, 2.0, 1.0], r"^sample_weight\[0\] is inf"),
    "both infinities": ([np.inf, -np.inf, 1.0], r"^sample_weight\[0\] is inf"),
    "minus infinity": ([1.0, 2.0, -np.inf], r"^sample_weight\[2\] is -inf"),
}
NOTHING = {"0": np.zeros(3), "-0": -np.zeros(3)}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("case", BAD)
def test_bad_weights_are_refused(backend: Any, dtype: np.dtype[Any], case: str, reduction: str) -> None:
    weights, said = BAD[case]
    x, y = X.astype(dtype), Y.astype(dtype)
    for s in (weights, np.array(weights), np.array(weights, dtype), np.repeat(np.array(weights, dtype), 2)[::2]):
        with pytest.raises(ValueError, match=said):
            backend.loss_and_gradient(x, y, W, sample_weight=s, reduction=reduction)
        with pytest.raises(ValueError, match=said):
            backend.loss_and_gradient(x[:, 0], y, 0.5, 1.0, sample_weight=s, reduction=reduction)
        with pytest.raises(ValueError, match=said):
            backend.fit(x, y, sample_weight=s, reduction=reduction)
        with pytest.raises(ValueError, match=said):
            gdfast.Moments(2).update(x, y, s)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("case", NOTHING)
def test_some_weight_has_to_count(backend: Any, dtype: np.dtype[Any], case: str, reduction: str) -> None:
    said = r"^sample_weight adds up to -?0.0, .*not all of them 0"
    x, options = X.astype(dtype), {"sample_weight": NOTHING[case], "reduction": reduction}
    with pytest.raises(ValueError, match=said):
        backend.loss_and_gradient(x, Y, W, **options)
    with pytest.raises(ValueError, match=said):
        backend.loss_and_gradient(x, Y, W, 0.5, **options)
    with pytest.raises(ValueError, match=said):
        backend.fit(x, Y, **options)


def test_weights_beyond_float32_are_refused(backend: Any) -> None:
    with pytest.raises(ValueError, match=r"^sample_weight\[1\] is inf"):
        backend.loss_and_gradient(X.astype(np.float32), Y, W, sample_weight=[1.0, 1e300, 1.0])


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 100_003])
@pytest.mark.parametrize("d", [1, 3, 16, 300])
def test_the_one_bad_weight_of_many_is_found(dtype: np.dtype[Any], n: int, d: int) -> None:
    d = d if n < 1000 else min(d, 16)
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal(n).astype(dtype)
    for order in ("C", "F"):
        arranged = np.asarray(x, order=order)
        for position in {0, n // 2, n - 1}:
            for bad in (-1e-30, np.nan, np.inf):
                s = np.ones(n, dtype)
                s[position] = bad
                with pytest.raises(ValueError, match=rf"^sample_weight\[{position}\] is "):
                    gdfast.loss_and_gradient(arranged, y, np.zeros(d, dtype), sample_weight=s)
    good = np.zeros(n, dtype)
    good[-1] = 2
    loss, _ = gdfast.loss_and_gradient(x, y, np.zeros(d, dtype), sample_weight=good)
    assert loss == pytest.approx(float(y[-1]) ** 2, rel=1e-6)


def test_what_is_good_is_taken(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y = X.astype(dtype), Y.astype(dtype)
    for s in ([0.0, 1.0, 0.0], [-0.0, 1.0, 0.0], [1e-30, 0.0, 0.0], [True, False, True], np.array([1, 0, 2], np.int8)):
        loss, grad = backend.loss_and_gradient(x, y, W, sample_weight=s)
        want_loss, want = backend.loss_and_gradient(x, y, W, sample_weight=np.abs(np.array(s, dtype)))
        assert loss == want_loss
        np.testing.assert_array_equal(grad, want)


def test_a_batch_may_weigh_nothing(backend: Any) -> None:
    x, y = np.repeat(X, 4, axis=0), np.repeat(Y, 4)
    s = np.r_[np.zeros(6), np.ones(6)]
    options: dict[str, Any] = {"batch_size": 3, "shuffle": False, "n_iters": 2, "sample_weight": s}
    want = gdfast.backend("numpy").fit(x, y, **options)
    np.testing.assert_allclose(backend.fit(x, y, **options).w, want.w, rtol=1e-12)


# --- moments ----------------------------------------------------------------------------------------------------------

Use = Callable[[gdfast.Moments], Any]


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.loss_and_gradient(W),
        lambda m: m.loss_and_gradient(W, 0.5, reduction="sum"),
        lambda m: m.fit(),
        lambda m: m.fit(learning_rate="auto", backend="numpy"),
    ],
)
def test_moments_of_which_no_sample_counts(use: Use) -> None:
    moments = gdfast.Moments(2).update(X, Y, np.zeros(3))
    assert moments.n == 3
    with pytest.raises(ValueError, match=r"^sample_weight adds up to 0"):
        use(moments)
    with pytest.raises(ValueError, match="no samples yet"):
        use(gdfast.Moments(2))
    use(moments.update(X, Y, [0.0, 1.0, 0.0]))  # other samples may


def test_refused_weights_leave_moments_as_they_were() -> None:
    moments = gdfast.Moments(2).update(X, Y)
    before = moments.gram.copy()
    for weights, _ in BAD.values():
        with pytest.raises(ValueError, match="sample_weight"):
            moments.update(X, Y, weights)
    np.testing.assert_array_equal(moments.gram, before)
    assert moments.n == 3


OF_A_FIT: tuple[dict[str, Any], ...] = (
    {"optimizer": "exact"},
    {"optimizer": "cg", "plan": "stream"},
    {"optimizer": "cg", "plan": "stream", "standardize": True},
    {"learning_rate": 0.1, "plan": "stream"},
    {"learning_rate": 0.1, "plan": "stream", "standardize": True},
    {"learning_rate": 0.1, "batch_size": 10, "rng": 0},
)


@pytest.mark.parametrize("options", OF_A_FIT, ids=str)
def test_a_row_without_weight_counts_for_nothing_however_large(
    backend: Any, dtype: np.dtype[Any], options: dict[str, Any]
) -> None:
    """Also where its square is infinite."""
    rng = np.random.default_rng(0)
    x, s = rng.standard_normal((40, 2)).astype(dtype), (rng.random(40) < 0.6).astype(dtype)
    y = (x @ np.array([1, 2], dtype) + 0.1 * rng.standard_normal(40)).astype(dtype)
    want = backend.fit(x, y, sample_weight=s, fit_intercept=True, **options)
    x[s == 0], y[s == 0] = np.sqrt(np.finfo(dtype).max) * 100, -np.sqrt(np.finfo(dtype).max) * 100
    fit = backend.fit(x, y, sample_weight=s, fit_intercept=True, **options)
    np.testing.assert_allclose([*fit.w, fit.b], [*want.w, want.b], rtol=1e-4 if dtype == np.float32 else 1e-9)
    assert fit.loss == pytest.approx(want.loss, rel=1e-4)


SCALES = [1e-300, 1e-200, 1e-160, 1e-100, 1e100, 1e155, 1e160, 1e300]
OPTIMA: list[dict[str, Any]] = [
    {"optimizer": "exact"},
    {"optimizer": "exact", "reduction": "sum"},
    {"optimizer": "exact", "standardize": True},
    {"optimizer": "cg", "plan": "moments"},
    {"optimizer": "cg", "plan": "stream"},
    {"optimizer": "cg", "plan": "stream", "reduction": "sum"},
    {"optimizer": "cg", "plan": "moments", "reduction": "sum"},
]


def weighted() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 3))
    return x, x @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(300) + 3, rng.uniform(0.5, 2, 300)


@pytest.mark.parametrize("options", OPTIMA, ids=str)
@pytest.mark.parametrize("scale", SCALES)
def test_the_optimum_is_that_of_weights_of_any_size(backend: Any, scale: float, options: dict[str, Any]) -> None:
    x, y, s = weighted()
    for intercept in (True, False):
        want = backend.fit(x, y, sample_weight=s, fit_intercept=intercept, optimizer="exact")
        fit = backend.fit(x, y, sample_weight=s * scale, fit_intercept=intercept, **options)
        np.testing.assert_allclose(fit.w, want.w, rtol=1e-10)
        assert fit.converged is not False


@pytest.mark.parametrize("scale", SCALES)
def test_moments_of_weights_of_any_size(scale: float) -> None:
    x, y, s = weighted()
    x[:, 2] = 7.3  # still constant then
    whole = gdfast.Moments(3).update(x, y, s)
    parts = [gdfast.Moments(3).update(x[rows], y[rows], s[rows] * scale) for rows in (slice(100), slice(100, None))]
    both = parts[0] + parts[1]
    np.testing.assert_allclose(both.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(both.cov, whole.cov, rtol=1e-12, atol=1e-14)
    fit = both.solve(fit_intercept=True)
    np.testing.assert_allclose(fit.w, whole.solve(fit_intercept=True).w, rtol=1e-12)
    assert fit.w[2] == 0


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.0}, {"plan": "stream"}], ids=str)
@pytest.mark.parametrize("scale", SCALES)
def test_paths_of_weights_of_any_size(scale: float, options: dict[str, Any]) -> None:
    x, y, s = weighted()
    want = gdfast.path(x, y, folds=3, n_penalties=10, sample_weight=s, **options)
    path = gdfast.path(x, y, folds=3, n_penalties=10, sample_weight=s * scale, **options)
    np.testing.assert_allclose(path.coefs, want.coefs, rtol=1e-9, atol=1e-12)
    assert path.cv_loss is not None
    assert want.cv_loss is not None
    np.testing.assert_allclose(path.cv_loss, want.cv_loss, rtol=1e-9)
