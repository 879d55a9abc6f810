"""What a report says, what estimators, operators and optimisers say to write works."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import advice
import gdfast
from advice_cases import MANY as X
from advice_cases import TARGET as Y
from advice_cases import Case, beside, exact, follow, torch

pytest.importorskip("sklearn")

pytestmark = pytest.mark.filterwarnings(
    "ignore::gdfast.ConvergenceWarning", "ignore::UserWarning", "ignore::DeprecationWarning"
)

GD: dict[str, Any] = {"learning_rate": 0.1, "n_iters": 3}


# --- what a report says -----------------------------------------------------------------------------------------------


def test_collinear_columns() -> None:
    x = beside(X, X[:, 0])
    (said,) = exact(x).report.advice
    assert "leave a column out, or write l2=1e-06" in said
    advice.followed(said)
    assert exact(X).report.advice == ()
    assert not any("collinear to working precision:" in other for other in exact(x, l2=1e-6).report.advice)


@pytest.mark.parametrize("options", [
    {"plan": "moments"},
    {"plan": "stream", "n_iters": 15},
    {"plan": "stream", "optimizer": "cg", "n_iters": 1},
    {"plan": "stream", "optimizer": "nesterov", "l1": 0.1, "n_iters": 30},
], ids=str)  # fmt: skip
def test_fits_that_have_not_arrived(options: dict[str, Any]) -> None:
    options = {"learning_rate": 0.05, "n_iters": 4, **options}
    fit = gdfast.fit(X, Y, **options)
    said = next(said for said in fit.report.advice if said.startswith("not converged"))
    changes = advice.options(said)
    assert changes
    for change in changes:
        better = gdfast.fit(X, Y, **options | change)
        assert not any(other.startswith("not converged") for other in better.report.advice)


def test_uneven_columns() -> None:
    x = X * [1.0, 1.0, 1e4]
    options: dict[str, Any] = {"learning_rate": 1e-9, "n_iters": 5}
    said = next(said for said in gdfast.fit(x, Y, **options).report.advice if "slow along the small ones" in said)
    assert "Write standardize=True" in said
    advice.followed(said)
    assert not any("slow along" in other for other in gdfast.fit(x, Y, standardize=True, **options).report.advice)


def test_an_optimum_between_two_numbers() -> None:
    """The intercept of float32 columns that are far from 0 has no digits for it."""
    x, y = (X + 3e6).astype(np.float32), Y.astype(np.float32)
    fits = gdfast.fit(x, y, optimizer="exact", fit_intercept=True)
    (said,) = [said for said in fits.report.advice if "between the numbers" in said]
    assert "have x in float64, or subtract something from the columns or from y" in said
    advice.followed(said)
    for better, target in ((x.astype(np.float64), y), (x - np.float32(3e6), y)):
        fit = gdfast.fit(better, target, optimizer="exact", fit_intercept=True)
        assert not any("between the numbers" in other for other in fit.report.advice)


@pytest.mark.parametrize(("dtype", "largest", "options", "says", "ways"), [
    ("float32", 1e25, {}, "Write standardize=True, or scale the columns down.",
     [(1, {"standardize": True}), (1e-25, {})]),
    ("float32", 1e25, {"standardize": True, "learning_rate": 1e3}, "learning_rate='auto'.",
     [(1, {"standardize": True, "learning_rate": "auto"})]),
    ("float64", 1e160, {}, "Scale the columns down.", [(1e-160, {})]),
    ("float64", 1e160, {"optimizer": "cg", "plan": "stream", "fit_intercept": True}, "scale columns to numbers",
     [(1e-160, {"optimizer": "cg", "plan": "stream"})]),
], ids=str)  # fmt: skip
def test_columns_without_finite_squares(
    dtype: str, largest: float, options: dict[str, Any], says: str, ways: list[tuple[float, dict[str, Any]]]
) -> None:
    x, y = (X * [1, 1, largest]).astype(dtype), Y.astype(dtype)
    follow(Case(lambda: gdfast.fit(x, y, **GD | {"learning_rate": 0.01} | options), says, ()))
    for factor, chosen in ways:
        better = (x * [1, 1, factor]).astype(dtype)
        gdfast.fit(better, y, **GD | {"learning_rate": 0.01} | chosen)


def test_targets_without_finite_squares() -> None:
    follow(
        Case(
            lambda: gdfast.fit(X, Y * 1e160, optimizer="cg"),
            "scale columns, or y, to numbers nearer to 1",
            (lambda: gdfast.fit(X, Y, optimizer="cg"),),
        )
    )


# --- estimators and operators -----------------------------------------------------------------------------------------


def test_estimators() -> None:
    from sklearn.exceptions import ConvergenceWarning

    from gdfast.sklearn import GDRegressor, GDRegressorCV

    masked, bad = np.ma.masked_equal(X, X[0, 0]), cast(Any, "a")
    follow(Case(lambda: GDRegressorCV(cv=50).fit(X, Y), "write cv=40", (lambda: GDRegressorCV(cv=40).fit(X, Y),)))
    follow(
        Case(
            lambda: GDRegressor().fit(masked, Y), "write X.filled(0)", (lambda: GDRegressor().fit(masked.filled(0), Y),)
        )
    )
    follow(
        Case(
            lambda: GDRegressor(batch_size=4).partial_fit(X, Y),
            "write batch_size=None",
            (lambda: GDRegressor(batch_size=None).partial_fit(X, Y),),
        )
    )
    follow(
        Case(
            lambda: GDRegressor(random_state=bad, batch_size=4, learning_rate=1e-3).fit(X, Y),
            "write random_state=0",
            (lambda: GDRegressor(random_state=0, batch_size=4, learning_rate=1e-3).fit(X, Y),),
        )
    )
    follow(
        Case(
            lambda: GDRegressor().partial_fit(X * 1e160, Y),
            "scale the largest columns down",
            (lambda: GDRegressor().partial_fit(X, Y),),
        )
    )
    options: dict[str, Any] = {"optimizer": "gd", "learning_rate": 1e-3, "batch_size": 8, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match="Write max_iter=|n_iters") as caught:
        GDRegressor(max_iter=2, tol=None, **options).fit(X, Y)
    advice.followed(str(caught[0].message))
    GDRegressor(max_iter=20, tol=1e3, **options).fit(X, Y)


def test_operators() -> None:
    from torch.autograd import forward_ad

    from gdfast.torch import mse_linear

    x, y, w = torch.tensor(X), torch.tensor(Y), torch.zeros(3, dtype=torch.float64)

    def forward() -> None:
        with forward_ad.dual_level():
            mse_linear(x, y, cast(Any, forward_ad).make_dual(w, w + 1))

    v = w.clone().requires_grad_()
    cases = [
        Case(
            forward,
            "write torch.autograd.grad(loss, w)",
            (
                lambda: torch.autograd.grad(mse_linear(x, y, v), v),
                lambda: torch.autograd.functional.hessian(lambda w: mse_linear(x, y, w), w, vectorize=True),
            ),
        ),
        Case(
            lambda: mse_linear(x.numpy(), y, w),
            "write torch.as_tensor(x)",
            (lambda: mse_linear(torch.as_tensor(x.numpy()), y, w),),
        ),
        Case(
            lambda: mse_linear(x.to_sparse(), y, w),
            "write x.to_dense()",
            (lambda: mse_linear(x.to_sparse().to_dense(), y, w),),
        ),
        Case(
            lambda: mse_linear(x.half(), y, w),
            "write x.float()",
            (lambda: mse_linear(x.half().float(), y.float(), w.float()),),
        ),
        Case(
            lambda: mse_linear(x, y.float(), w),
            "write y.to(x.dtype)",
            (lambda: mse_linear(x, y.float().to(x.dtype), w),),
        ),
        Case(
            lambda: mse_linear(x, y[:, None], w),
            "write y.reshape((40,))",
            (lambda: mse_linear(x, y[:, None].reshape((40,)), w),),
        ),
    ]
    for case in cases:
        follow(case)


# --- other packages' arrays -------------------------------------------------------------------------------------------


def test_units_and_masks_of_others() -> None:
    distance = SimpleNamespace(unit="km", value=X, __array__=lambda *_, **__: X)
    follow(Case(lambda: gdfast.fit(distance, Y, **GD), "write x.value", (lambda: gdfast.fit(distance.value, Y, **GD),)))

    class Masked:
        """As packages beside NumPy make them."""

        mask = X > 1
        shape, dtype = X.shape, X.dtype

        def __len__(self) -> int:
            return len(X)

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return X

    x = Masked()
    say = "write np.where(x.mask, 0, x)"
    follow(Case(lambda: gdfast.fit(x, Y, **GD), say, (lambda: gdfast.fit(np.where(x.mask, 0, x), Y, **GD),)))
    thin = SimpleNamespace(todense=lambda: X)  # as packages of sparse arrays beside SciPy have it
    follow(Case(lambda: gdfast.fit(thin, Y, **GD), "write x.todense()", (lambda: gdfast.fit(thin.todense(), Y, **GD),)))
    from torch.masked import masked_tensor

    tensor: Any = masked_tensor(torch.tensor(X), torch.tensor(X < 1))
    follow(
        Case(
            lambda: gdfast.fit(tensor, Y, **GD),
            "write x.to_tensor(0)",
            (lambda: gdfast.fit(tensor.to_tensor(0), Y, **GD),),
        )
    )


@pytest.mark.parametrize("chosen", [
    {"optimizer": "exact", "batch_size": 4},
    {"optimizer": "cg", "batch_size": 4},
    {"optimizer": "cg", "l1": 0.1},
    {"optimizer": "exact", "plan": "stream"},
], ids=str)  # fmt: skip
def test_options_of_optimizers(chosen: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="write") as raised:
        gdfast.fit(X, Y, **chosen)
    changes = advice.options(str(raised.value))
    assert changes
    for change in changes:
        gdfast.fit(X, Y, **{"learning_rate": 0.01, **chosen, **change})
