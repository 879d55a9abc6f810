"""learning_rate="auto" is 1/L of an L that is proved: no less than the largest eigenvalue, of thousands of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast

ROUNDING = 1e-12


def matrix(seed: int) -> tuple[Any, Any]:
    """Gaussian, in half of the cases with columns of scales from 0.1 to 10."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(5, 300)), int(rng.choice([5, 9, 20, 40, 80, 200]))
    x = rng.standard_normal((n, d)) * (10.0 ** rng.uniform(-1, 1, d) if rng.integers(2) else 1)
    return x, x @ rng.standard_normal(d) + rng.standard_normal(n)


def too_large(seeds: Any) -> list[tuple[int, str]]:
    """Seeds and plans whose rate is beyond 1/L."""
    found = []
    for seed in seeds:
        x, y = matrix(seed)
        largest = 2 / len(x) * np.linalg.svd(x, compute_uv=False)[0] ** 2
        for plan in ("stream", "moments"):
            rate = gdfast.fit(x, y, learning_rate="auto", n_iters=0, plan=plan).learning_rate
            if not 1 / rate >= largest * (1 - ROUNDING):
                found.append((seed, plan))
    return found


def diverging(seeds: Any) -> list[tuple[int, dict[str, Any]]]:
    """Seeds and options of fits that end above where they began."""
    found = []
    for seed in seeds:
        x, y = matrix(seed)
        for options in (
            {},
            {"optimizer": "nesterov"},
            {"optimizer": "nesterov", "l1": 1e-3},
            {"optimizer": "momentum"},
        ):
            for plan in ("stream", "moments"):
                try:
                    fit = gdfast.fit(x, y, learning_rate="auto", n_iters=100, plan=plan, **options)
                except gdfast.DivergenceError:
                    found.append((seed, options))
                    continue
                if not fit.loss <= fit.losses[0]:
                    found.append((seed, options))
    return found


SAMPLE = [*range(0, 6_000, 20), 1405]  # and the one on which Lanczos' method once stopped at the second eigenvalue


def test_no_rate_is_beyond_the_largest_eigenvalue() -> None:
    assert too_large(SAMPLE) == []


def test_nothing_diverges() -> None:
    assert diverging([*SAMPLE[::20], 1405]) == []


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 6_000, 1_000))
def test_none_of_six_thousand(start: int) -> None:
    assert too_large(range(start, start + 1_000)) == []
    assert diverging(range(start, start + 1_000, 100)) == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("intercept", [False, True], ids=["w", "wb"])
def test_more_columns_than_moments_are_taken_of(seed: int, intercept: bool) -> None:
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(20, 600)), int(rng.integers(257, 500))
    x = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-1, 1, d)
    y = rng.standard_normal(n)
    z = np.column_stack([x, np.ones(n)]) if intercept else x
    largest = 2 / n * np.linalg.svd(z, compute_uv=False)[0] ** 2
    for plan in ("stream", "moments"):
        fit = gdfast.fit(x, y, learning_rate="auto", fit_intercept=intercept, optimizer="nesterov", plan=plan)
        assert largest * (1 - ROUNDING) <= 1 / fit.learning_rate <= 1.5 * largest
        assert fit.loss <= fit.losses[0]
