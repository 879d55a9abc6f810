"""Every backend against the oracle, within its componentwise bound, at every length where a kernel changes its way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

# Registers have 16 lanes (float32) or 8 (float64), tiles 16 rows; below 16 columns lanes hold rows, above columns.
TAILS_N = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257]
TAILS_D = [*range(1, 41), 63, 64, 65]
# Rows after which sums move to float64 (128, 256, 1024), and the segments of the block tree.
TALL_N = [1023, 1024, 1025, 4095, 4096, 4097, 20011]
TALL_D = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33]
WIDE_N = [1, 2, 3, 15, 16, 17, 33, 65]
WIDE_D = [100, 127, 128, 129, 255, 256, 257, 1000, 4097, 5000]

ORDERS = ["C", "F"]


def worst_share(backend: Any, shapes: list[tuple[int, int | None]], dtype: Any, order: Any) -> dict[Any, float]:
    """The shapes whose result is further from the oracle than the bound, each with its error as a share of that."""
    wrong = {}
    for n, d in shapes:
        x, y, w = oracle.normal(n, d, dtype)
        result = backend.loss_and_gradient(np.asarray(x, order=order), y, w)
        error = oracle.error_share(result, oracle.solve(x, y, w))
        if error > oracle.allowance(backend, x):
            wrong[n, d] = error
    return wrong


@pytest.mark.parametrize("order", ORDERS)
def test_tails_of_rows_and_columns(backend: Any, dtype: Any, order: str) -> None:
    assert worst_share(backend, [(n, d) for n in TAILS_N for d in TAILS_D], dtype, order) == {}


@pytest.mark.parametrize("order", ORDERS)
def test_tall_problems(backend: Any, dtype: Any, order: str) -> None:
    assert worst_share(backend, [(n, d) for n in TALL_N for d in TALL_D], dtype, order) == {}


@pytest.mark.parametrize("order", ORDERS)
def test_wide_problems(backend: Any, dtype: Any, order: str) -> None:
    assert worst_share(backend, [(n, d) for n in WIDE_N for d in WIDE_D], dtype, order) == {}


@pytest.mark.parametrize(("n", "d"), [(1025, 1000), (300, 4097), (20011, 100)])
@pytest.mark.parametrize("order", ORDERS)
def test_tall_and_wide_problems(backend: Any, dtype: Any, order: str, n: int, d: int) -> None:
    assert worst_share(backend, [(n, d)], dtype, order) == {}


def test_one_dimensional_x(backend: Any, dtype: Any) -> None:
    lengths = [*range(1, 70), *TAILS_N, *TALL_N, 100_003]
    assert worst_share(backend, [(n, None) for n in lengths], dtype, "C") == {}


@pytest.mark.parametrize("d", [1, 5, 16, 40, 1000])
def test_terms_that_cancel(backend: Any, dtype: Any, d: int) -> None:
    """Close to the optimum the gradient is a small difference of large sums: the bound follows the terms, not it."""
    x, _, w = oracle.normal(2003, d, dtype)
    y = (x.astype(np.float64) @ w.astype(np.float64)).astype(dtype)
    error = oracle.error_share(backend.loss_and_gradient(x, y, w), oracle.solve(x, y, w))
    assert error <= oracle.allowance(backend, x)


@pytest.mark.parametrize("d", [None, 1, 7, 16, 33])
def test_forward_loss_and_gradient_alone(backend: Any, dtype: Any, d: int | None) -> None:
    for n in [1, 16, 17, 257, 1025, 4097]:
        x, y, w = oracle.normal(n, d, dtype)
        y_pred = backend.forward(x, w)
        assert y_pred.shape == (n,)
        assert y_pred.dtype == dtype
        allowed = oracle.allowance(backend, x)
        assert oracle.share(y_pred, *oracle.predict(x, w)) <= allowed
        for reduction in ("mean", "sum"):
            loss = backend.loss(y, y_pred, reduction=reduction)
            grad = backend.gradient(x, y, y_pred, reduction=reduction)
            assert oracle.error_share((loss, grad), oracle.solve_given(x, y, y_pred, reduction)) <= allowed


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000, 1_000_000])
@pytest.mark.parametrize("d", [None, 5, 16])
@pytest.mark.parametrize("order", ORDERS)
def test_float32_accuracy_is_flat_in_n(n: int, d: int | None, order: Any) -> None:
    """As good at a million rows as at a thousand: sums leave float32 before its rounding can pile up."""
    x, y, w = oracle.normal(n, d, np.float32)
    loss, grad = gdfast.loss_and_gradient(np.asarray(x, order=order), y, w)
    answer = oracle.solve(x, y, w)
    assert abs(loss - answer.loss) <= 1e-7 * answer.loss
    assert np.linalg.norm(grad - answer.grad_w) <= 1e-6 * np.linalg.norm(answer.grad_w)


@pytest.mark.parametrize("d", [None, 1, 3, 16, 33])
@pytest.mark.parametrize("order", ORDERS)
def test_equal_rows_do_not_pile_up_rounding(d: int | None, order: Any) -> None:
    """All terms equal: the rounding of a sum in float32 goes one way, and grows with the terms it has in float32."""
    row, _, w = oracle.normal(1, d, np.float32)

    def evaluate(n: int) -> Any:
        x = np.broadcast_to(row[0], (n, *row.shape[1:]))
        return gdfast.loss_and_gradient(np.array(x, order=order), np.full(n, 0.7, np.float32), w)

    few, many = evaluate(2**14), evaluate(2_000_003)
    assert many[0] == pytest.approx(few[0], rel=1e-7)
    assert np.linalg.norm(many[1] - few[1]) <= 1e-6 * np.linalg.norm(few[1])


# Every form: narrow, held rows, rows and columns in the cache and beyond (1 MiB and more), strips of columns; more
# columns than a chain has terms, and so many that chains make chains.
ONE_WAY_SHAPES: list[tuple[int, int | None]] = [
    *((n, d) for n in (17, 256, 1000, 4096) for d in (None, 1, 3, 4, 8, 15, 16, 17, 20, 21, 33, 64, 100, 257)),
    *((100_000, d) for d in (None, 1, 3, 16)),
    *((20_000, d) for d in (17, 24, 40)),
    *((3000, d) for d in (100, 112, 300)),
    *((300, d) for d in (520, 1000, 2100, 4200)),
    (40, 20_000),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("n", "d"), ONE_WAY_SHAPES)
def test_rounding_errors_that_all_go_one_way(n: int, d: int | None, order: Any) -> None:
    """Constant columns, residuals and weights: whatever one addition loses, each of them loses."""
    rng = np.random.default_rng([n, d or 0])
    for _ in range(8):
        value, target, weight, b, s = rng.uniform(1, 2, 5).astype(np.float32)
        x = np.full(n if d is None else (n, d), value, order=order)
        y, samples = np.full(n, -target), np.full(n, s)
        for w_value in (np.float32(0), weight):
            w: Any = float(w_value) if d is None else np.full(d, w_value)
            r = (d or 1) * float(value) * float(w_value) + float(b) + float(target)
            _, (grad_w, grad_b) = gdfast.loss_and_gradient(x, y, w, float(b), sample_weight=samples)
            assert np.abs(np.float64(grad_w) / (2 * r * float(value)) - 1).max() <= 1e-6
            assert grad_b == pytest.approx(2 * r, rel=1e-6)
            assert np.abs(np.float64(gdfast.forward(x, w, float(b))) / (r - float(target)) - 1).max() <= 1e-6
        given = np.float64(gdfast.gradient(x, y, np.full(n, b)))
        assert np.abs(given / (2 * (float(b) + float(target)) * float(value)) - 1).max() <= 1e-6


@pytest.mark.parametrize("n", [1, 15, 16, 1000, 100_003])
def test_the_loss_of_a_prediction_is_that_of_float64(backend: Any, n: int) -> None:
    """A residual that was rounded to float32 before it is squared would cost 1.2e-7 where all are equal."""
    for value, target in np.random.default_rng(n).uniform(1, 2, (20, 2)).astype(np.float32):
        loss = backend.loss(np.full(n, -target), np.full(n, value))
        assert loss == pytest.approx((float(value) + float(target)) ** 2, rel=1e-12)


@pytest.mark.parametrize("d", [100, 300, 2100, 5000])
@pytest.mark.parametrize("order", ORDERS)
def test_float64_rounding_that_goes_one_way(d: int, order: Any) -> None:
    for value, target, weight in np.random.default_rng(d).uniform(1, 2, (5, 3)):
        x = np.full((300, d), value, order=order)
        r = d * np.longdouble(value) * np.longdouble(weight) + np.longdouble(target)
        loss, grad = gdfast.loss_and_gradient(x, np.full(300, -target), np.full(d, weight))
        assert abs(loss / (r * r) - 1) <= 1e-14
        assert np.abs(grad / (2 * r * np.longdouble(value)) - 1).max() <= 1e-14


@pytest.mark.parametrize("n", [1_000, 100_000, 1_000_000])
@pytest.mark.parametrize("d", [None, 5, 16])
def test_float64_accuracy(n: int, d: int | None) -> None:
    x, y, w = oracle.normal(n, d, np.float64)
    loss, grad = gdfast.loss_and_gradient(x, y, w)
    answer = oracle.solve(x, y, w)
    assert abs(loss - answer.loss) <= 1e-14 * answer.loss
    error = np.linalg.norm((np.atleast_1d(grad) - answer.grad_w).astype(np.float64))
    assert error <= 1e-14 * np.linalg.norm(answer.grad_w.astype(np.float64))


def test_float64_accuracy_of_equal_terms() -> None:
    """The same for float64, where nothing hides it: in the loss of a given prediction, and in loss and gradient."""
    n = 1_000_000
    x, y = np.full(n, 0.1), np.full(n, 0.83)
    r = np.longdouble(0.1) * np.longdouble(0.7) - np.longdouble(0.83)
    loss, grad = gdfast.loss_and_gradient(x, y, 0.7)
    assert abs(loss - r * r) <= 1e-14 * r * r
    assert abs(grad - 2 * r * np.longdouble(0.1)) <= 1e-14 * abs(2 * r * np.longdouble(0.1))
    r = np.longdouble(0.1) - np.longdouble(0.83)
    assert abs(gdfast.loss(y, x) - r * r) <= 1e-14 * r * r
