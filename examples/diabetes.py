"""Predict the progression of diabetes from ten measurements, and compare gradient descent with the closed form.

The data are those that come with scikit-learn (442 patients, nothing is downloaded): ``pip install scikit-learn``, then
``python examples/diabetes.py``.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_diabetes

import gdfast

# Enough for the slowest direction: the blood values s1 to s4 nearly determine one another, so the data say little about
# how they share a weight, and gradient descent finds that out slowly.
N_ITERS = 10_000


def main() -> None:
    """Standardise, train, compare."""
    data = load_diabetes(scaled=False)
    raw, y, names = data.data, data.target, data.feature_names

    # Gradient descent takes steps of one size in every direction: it needs columns of one scale.
    mean, scale = raw.mean(axis=0), raw.std(axis=0)
    x = (raw - mean) / scale
    n, d = x.shape

    # The loss curves by at most L, the largest eigenvalue of 2/n * [x 1]ᵀ[x 1]; beyond 2/L the descent would diverge.
    with_ones = np.column_stack([x, np.ones(n)])
    curvature = 2 / n * np.linalg.norm(with_ones, 2) ** 2
    learning_rate = 1.9 / curvature

    fit = gdfast.fit(x, y, fit_intercept=True, learning_rate=learning_rate, n_iters=N_ITERS)
    assert fit.b is not None
    *exact_w, exact_b = np.linalg.lstsq(with_ones, y, rcond=None)[0]

    print(f"{n} patients, {d} measurements, {fit.n_iters:,} passes at learning rate {learning_rate:.4f}\n")
    print(f"{'':10} {'descent':>12} {'closed form':>12} {'difference':>12}")
    for name, ours, exact in zip([*names, "intercept"], [*fit.w, fit.b], [*exact_w, exact_b], strict=True):
        print(f"{name:10} {ours:12.6f} {exact:12.6f} {ours - exact:12.1e}")
    print()

    for k in (0, 10, 100, 1_000):
        print(f"loss at the start of pass {k + 1:>5,}: {fit.losses[k]:12.4f}")
    print(f"loss after the last pass: {fit.loss:18.4f}")
    print(f"R² on the data it was trained on: {1 - fit.loss / y.var():.4f}")


if __name__ == "__main__":
    main()
