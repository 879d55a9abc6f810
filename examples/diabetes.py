"""Predict the progression of diabetes from ten measurements: the optimum, how sure it is, and how descent gets there.

The data are those that come with scikit-learn (442 patients, nothing is downloaded): ``pip install scikit-learn``, then
``python examples/diabetes.py``.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_diabetes

import gdfast


def main() -> None:
    """Solve, compare with NumPy, and look at what descent does with as many passes as it likes."""
    data = load_diabetes(scaled=False)
    x, y, names = data.data, data.target, data.feature_names
    n, d = x.shape

    # The optimum itself, from one read of x. The report says what was read.
    fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=True)
    assert fit.b is not None
    *lstsq_w, lstsq_b = np.linalg.lstsq(np.column_stack([x, np.ones(n)]), y, rcond=None)[0]

    print(f"{n} patients, {d} measurements, {fit.report.passes:.0f} read of x\n")
    print(f"{'':10} {'exact':>12} {'lstsq':>12} {'difference':>12}")
    for name, ours, other in zip([*names, "intercept"], [*fit.w, fit.b], [*lstsq_w, lstsq_b], strict=True):
        print(f"{name:10} {ours:12.6f} {other:12.6f} {ours - other:12.1e}")
    print(f"\nconverged: {fit.converged}; R² on the data it was trained on: {1 - fit.loss / y.var():.4f}\n")

    # Descent finds it as well, if one lets it. The blood values s1 to s4 nearly determine one another, so the data say
    # little about how they share a weight: gradient descent finds that out slowly, conjugate gradients at once.
    print(f"{'':10} {'passes':>12} {'loss':>12} {'above optimum':>14}")
    for optimizer, n_iters in (("gd", 100), ("gd", 10_000), ("nesterov", 1_000), ("cg", 100)):
        descent = gdfast.fit(
            x,
            y,
            optimizer=optimizer,
            n_iters=n_iters,
            fit_intercept=True,
            standardize=True,  # steps of one size in every direction need columns of one scale
            learning_rate="auto",
        )
        print(f"{optimizer:10} {descent.n_iters:12,} {descent.loss:12.4f} {descent.loss - fit.loss:14.1e}")


if __name__ == "__main__":
    main()
