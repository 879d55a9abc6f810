"""The largest eigenvalue that learning_rate="auto" is derived from, and that no rate derived from it diverges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from gdfast.step_size import ENOUGH, PRODUCTS, SMALL, largest_eigenvalue, largest_of


def largest(x: Any, s: Any, intercept: bool, reduction: str, l2: float, standardize: bool) -> float:
    """The largest eigenvalue of the Hessian, from all of it."""
    x = x.astype(np.float64).reshape(len(x), -1)
    weights = np.ones(len(x)) if s is None else np.asarray(s, np.float64)
    if standardize:
        mean = np.average(x, axis=0, weights=weights) if intercept else 0.0
        x = x - mean
        x = x / np.sqrt(np.average(x**2, axis=0, weights=weights))
    z = np.column_stack([x, np.ones(len(x))]) if intercept else x
    total = weights.sum() if reduction == "mean" else 1.0
    penalty = 2 * l2 * np.diag([1.0] * x.shape[1] + [0.0] * intercept)
    return float(np.linalg.eigvalsh(2 * z.T @ (weights[:, None] * z) / total + penalty)[-1])


@pytest.mark.parametrize("plan", ["stream", "moments"])
@pytest.mark.parametrize("standardize", [False, True], ids=["as it is", "standardized"])
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
@pytest.mark.parametrize(("n", "d"), [(5, None), (50, 1), (50, 3), (200, 40), (30, 60), (300, 270)])
def test_auto_is_1_over_l(
    backend: Any, dtype: np.dtype[Any], n: int, d: int | None, intercept: bool, standardize: bool, plan: str
) -> None:
    x, y, _ = oracle.normal(n, d, dtype)
    x = (x * np.logspace(0, 1, d or 1)[: d or 1].astype(dtype) if d else x) + dtype.type(0.5)
    s = np.random.default_rng(0).uniform(0.5, 2, n)
    for weights, reduction, l2 in ((None, "mean", 0.0), (s, "mean", 0.3), (s, "sum", 0.0)):
        want = largest(x, weights, intercept, reduction, l2, standardize)
        fit = backend.fit(
            x,
            y,
            learning_rate="auto",
            fit_intercept=intercept,
            sample_weight=weights,
            reduction=reduction,
            l2=l2,
            standardize=standardize,
            plan=plan,
            n_iters=0,
        )
        # No more than 1/L but for the rounding of x's dtype; and hardly less, but where it takes passes to find out.
        lowest = 0.78 if plan == "stream" and (d or 1) > SMALL else 0.94 if (d or 1) > SMALL else 1 - 1e-4
        assert lowest <= fit.learning_rate * want <= 1 + (1e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nesterov"])
@pytest.mark.parametrize("options", [{}, {"l2": 1.0}, {"standardize": True}, {"reduction": "sum"}], ids=str)
def test_auto_never_diverges(backend: Any, dtype: np.dtype[Any], optimizer: str, options: dict[str, Any]) -> None:
    for seed in range(5):
        x, y, _ = oracle.normal(40, 6, dtype, seed)
        x = x * np.float64(10.0) ** np.random.default_rng(seed).integers(-3, 4, 6)
        fit = backend.fit(
            x.astype(dtype), y, learning_rate="auto", optimizer=optimizer, fit_intercept=True, n_iters=300, **options
        )
        assert fit.loss <= fit.losses[0]
        if optimizer == "gd":
            assert np.all(np.diff(fit.losses) <= 1e-5 * fit.losses[:-1])  # at 1/L no step goes up, but for rounding


def test_auto_repeats(backend: Any) -> None:
    x, y, _ = oracle.normal(100, 50, np.float64)
    rates = {backend.fit(x, y, learning_rate="auto", n_iters=0).learning_rate for _ in range(3)}
    assert len(rates) == 1


def test_without_curvature_any_rate_will_do(backend: Any) -> None:
    for plan in ("stream", "moments"):
        fit = backend.fit(np.zeros((3, 2)), np.ones(3), learning_rate="auto", plan=plan)
        assert (fit.w.tolist(), fit.loss) == ([0.0, 0.0], 1.0)


def test_what_is_read_for_it_is_counted(backend: Any) -> None:
    x, y, _ = oracle.normal(100, 20, np.float64)
    passes = backend.fit(x, y, learning_rate="auto", n_iters=5, plan="stream").report.passes
    assert 6.9 <= passes <= 7  # up to SMALL columns one read of x
    assert backend.fit(x, y, learning_rate="auto", n_iters=5, plan="moments").report.passes == 1


# --- Lanczos' method itself -------------------------------------------------------------------------------------------


def of_diagonal(values: Any) -> tuple[float, int]:
    """The estimate for a diagonal matrix, and the products it took."""
    products = []

    def product(v: Any) -> Any:
        products.append(v)
        return values * v

    return largest_eigenvalue(product, len(values)), len(products)


@pytest.mark.parametrize(
    "values",
    [
        np.ones(1),
        np.full(1_000, 3.0),
        np.linspace(0, 1, 1_000),
        np.logspace(-8, 8, 500),
        np.append(np.ones(200_000), 3.0),  # a lone one, of which the start has next to nothing
        np.append(np.linspace(0.9, 1.0, 10_000), [5.0, 5.0]),
        np.random.default_rng(0).exponential(size=5_000),
        np.zeros(10),
    ],
    ids=["one", "all equal", "even", "16 decades", "lone", "double", "exponential", "zero"],
)
def test_spectra(values: Any) -> None:
    estimate, products = of_diagonal(values)
    assert values.max() <= estimate <= 1.05 * ENOUGH * values.max()
    assert products <= PRODUCTS


def test_a_dense_matrix_is_bounded_whatever_lanczos_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is proved by Cholesky's factors; without them all eigenvalues are taken."""
    from gdfast import step_size

    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, SMALL + 50)) * np.logspace(0, 1, SMALL + 50)
    matrix = x.T @ x
    want = np.linalg.eigvalsh(matrix)[-1]
    assert want <= largest_of(matrix) <= 1.06 * want
    monkeypatch.setattr(step_size, "largest_eigenvalue", lambda product, size, enough: 0.7 * want)
    assert want <= largest_of(matrix) <= (1 + 1e-9) * want


def test_few_columns_take_no_more_products_than_columns() -> None:
    estimate, products = of_diagonal(np.array([1.0, 2.0]))
    assert products == 2
    assert estimate == pytest.approx(2.0, rel=1e-14)


def test_what_is_not_finite_has_no_eigenvalue() -> None:
    assert np.isnan(largest_eigenvalue(lambda v: v * np.nan, 3))
    with pytest.raises(gdfast.DivergenceError, match=r"^x\[1, 0\] is nan"):
        gdfast.fit([[1.0], [np.nan]], [1.0, 2.0], learning_rate="auto", backend="numpy")
