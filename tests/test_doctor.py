"""Divergence is noticed, explained, and told apart from data that isn't finite; and slow fits get advice."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from gdfast import doctor
from gdfast.descent import Samples

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")


class Table:
    """What a data frame is to fit: an array with names of columns."""

    def __init__(self, values: Any, columns: list[str]) -> None:
        self.values, self.columns = values, columns

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values


def message_of(backend: Any, *data: Any, **options: Any) -> str:
    with pytest.raises(gdfast.DivergenceError) as caught:
        backend.fit(*data, **options)
    fit = caught.value.fit
    assert isinstance(fit, gdfast.Fit)
    assert fit.stop_reason == "diverged"
    return str(caught.value)


def lipschitz(x: Any, intercept: bool = False) -> float:
    x = x.astype(np.float64).reshape(len(x), -1)
    z = np.column_stack([x, np.ones(len(x))]) if intercept else x
    return float(2 * np.linalg.norm(z, 2) ** 2 / len(x))


# --- divergence -------------------------------------------------------------------------------------------------------

STABLE: dict[str, Callable[[float], float]] = {
    "gd": lambda m: 2.0,
    "momentum": lambda m: 2 * (1 + m),
    "nesterov": lambda m: (2 + 2 * m) / (1 + 2 * m),
}


@pytest.mark.parametrize("plan", ["stream", "moments"])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("optimizer", STABLE)
def test_the_largest_stable_rate_is_just_that(backend: Any, optimizer: str, momentum: float, plan: str) -> None:
    """Just below it training goes on for ever, just above it doesn't."""
    x, y, _ = oracle.normal(50, 3, np.float64)
    limit = STABLE[optimizer](momentum) / lipschitz(x, intercept=True)
    options: dict[str, Any] = {
        "optimizer": optimizer,
        "momentum": momentum,
        "fit_intercept": True,
        "n_iters": 3_000,
        "plan": plan,
    }
    below = backend.fit(x, y, learning_rate=0.99 * limit, **options)
    assert below.loss < below.losses[0]
    message = message_of(backend, x, y, learning_rate=1.01 * limit, **options)
    stated = re.search(r"largest stable learning rate is ([\d.e+-]+) ", message)
    assert stated is not None, message
    assert float(stated[1]) == pytest.approx(limit, rel=0.02)


def test_fista_diverges_where_it_is_said_to(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 3, np.float64)
    options: dict[str, Any] = {"optimizer": "nesterov", "l1": 1e-6, "n_iters": 3_000}
    limit = 4 / 3 / lipschitz(x)
    assert backend.fit(x, y, learning_rate=0.98 * limit, **options).stop_reason == "n_iters"
    assert "4/(3L)" in message_of(backend, x, y, learning_rate=1.05 * limit, **options)


def test_what_the_message_says(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 4, np.float64)
    x = x * [1.0, 1000.0, 10.0, 0.1]
    message = message_of(backend, x, y, learning_rate=0.5)
    for part in (
        r"diverged in pass \d+ of 100 with learning_rate=0.5: the objective is \S+ \(at first ",
        r"The largest stable learning rate is \S+ \(2/L",
        r"largest scale \(root mean square\): x\[:, 1\] \([\d.]+\), x\[:, 2\] \(\S+\), x\[:, 0\]",
        r"Write learning_rate='auto'\.",
    ):
        assert re.search(part, message), message


def test_the_advice_works(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y, _ = oracle.normal(50, 4, dtype)
    x = (x * [1.0, 1000.0, 10.0, 0.1]).astype(dtype)
    assert "Write learning_rate='auto' or standardize=True." in message_of(backend, x, y)
    assert backend.fit(x, y, learning_rate="auto").loss < np.mean(y**2)
    assert backend.fit(x, y, standardize=True).loss < np.mean(y**2)


def test_columns_are_called_by_their_names(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 2, np.float64)
    table = Table(x * [1, 500], ["age", "income"])
    assert re.search(r": 'income' \([\d.]+\), 'age' \(", message_of(backend, table, y))
    assert re.search(r": x \(", message_of(backend, [1e3, 2e3], [1.0, 2.0]))


def test_the_pass_is_the_one_that_was_seen(backend: Any) -> None:
    steps: list[gdfast.Step] = []
    x, y = [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]
    with pytest.raises(gdfast.DivergenceError) as caught:
        backend.fit(x, y, learning_rate=1.0, callback=steps.append)
    fit = caught.value.fit
    assert f"in pass {fit.n_iters} of 100" in str(caught.value)
    assert [step.loss for step in steps] == fit.losses.tolist()
    assert fit.losses[-1] > 1e10 * fit.losses[0] >= fit.losses[-2]
    assert fit.w == steps[-1].w


def test_the_last_update_may_be_the_one(backend: Any) -> None:
    message = message_of(backend, [1.0, 2.0], [2.0, 4.0], learning_rate=1e12, n_iters=1)
    assert "after pass 1" in message


@pytest.mark.parametrize("plan", ["stream", "moments"])
def test_a_start_at_the_optimum_diverges_from_the_size_of_y(backend: Any, plan: str) -> None:
    """losses[0] is 0 or next to nothing there, and any rounding is more than 1e10 times that."""
    x, y, w = oracle.integers(50, 3, np.float64)
    fit = backend.fit(x, x @ w, w0=w, n_iters=10, plan=plan)
    assert fit.stop_reason == "n_iters"
    fit = backend.fit(x, x @ w + 1e-9 * y, w0=w * (1 + 1e-12), n_iters=10, batch_size=10 if plan == "stream" else None)
    assert fit.stop_reason == "n_iters"


def test_no_target_is_no_divergence(backend: Any) -> None:
    assert backend.fit(np.eye(3), np.zeros(3), fit_intercept=True).loss == 0.0


def test_batches_and_adam_have_no_such_rate(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 3, np.float64)
    message = message_of(backend, x, y, learning_rate=10.0, batch_size=7, rng=0)
    assert "less for batches" in message
    assert "Write a smaller learning_rate" in message
    assert "auto" not in message
    message = message_of(backend, x, y, learning_rate=1e9, optimizer="adam")
    assert "Adam moves each coefficient" in message
    assert "stable" not in message


def test_standardised_columns_are_not_told_to_be(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 3, np.float64)
    message = message_of(backend, x, y, learning_rate=100.0, standardize=True)
    assert message.endswith("Write learning_rate='auto'.")


@pytest.mark.parametrize("learning_rate", [0.01, "auto"])
def test_squares_beyond_the_dtype(backend: Any, learning_rate: Any) -> None:
    x = np.full((4, 2), 1e30, np.float32)
    message = message_of(backend, x, np.ones(4), learning_rate=learning_rate, plan="stream")
    assert "squares of the data are beyond the range of its dtype" in message


def test_the_error_is_an_arithmetic_error_and_pickles(backend: Any) -> None:
    with pytest.raises(ArithmeticError) as caught:
        backend.fit([1.0, 2.0], [1.0, 2.0], learning_rate=1e9)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert repr(copy.fit) == repr(caught.value.fit)  # type: ignore[attr-defined]


# --- data that isn't finite -------------------------------------------------------------------------------------------


def spoilt(name: str, bad: float) -> tuple[Any, Any, str]:
    """Data with two bad entries, and a pattern of where the first one is."""
    x, y, _ = oracle.normal(1_000, 7, np.float64)
    if name == "x":
        x[700, 5] = x[703, 2] = bad
        return x, y, r"x\[700, 5\]"
    y[700] = y[703] = bad
    return x, y, r"y\[700\]"


@pytest.mark.parametrize("plan", ["stream", "moments"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("options", [{}, {"learning_rate": "auto"}, {"standardize": True}, {"n_iters": 0}], ids=str)
def test_the_first_bad_entry_is_named(backend: Any, name: str, bad: float, options: dict[str, Any], plan: str) -> None:
    x, y, where = spoilt(name, bad)
    message = message_of(backend, x, y, plan=plan, **options)
    assert re.match(rf"{where} is {bad}, and no loss is finite with it: leave out", message), message


@pytest.mark.parametrize("name", [name for name in oracle.LAYOUTS if "stride_0" not in name and name != "windows"])
def test_the_first_bad_entry_is_found_in_every_layout(backend: Any, name: str) -> None:
    x, y, where = spoilt("x", np.nan)
    assert re.match(where, message_of(backend, oracle.LAYOUTS[name](x), y))


def test_the_first_bad_entry_of_many(dtype: np.dtype[Any]) -> None:
    for shape, position in [((300_000,), (299_999,)), ((70_000, 3), (69_999, 1)), ((3, 200_000), (2, 199_999))]:
        array = np.zeros(shape, dtype)
        assert doctor.first_not_finite(array) is None
        array[position] = np.nan
        assert doctor.first_not_finite(array) == position


# --- advice -----------------------------------------------------------------------------------------------------------


def test_uneven_columns_are_told(backend: Any) -> None:
    x, y, _ = oracle.normal(5_000, 4, np.float64)
    table = Table(x * [1.0, 5e3, 1.0, 0.5], ["a", "b", "c", "d"])
    advice = backend.fit(table, y, learning_rate="auto").report.advice[0]
    assert re.search(r"factor of 1e\+04, from 'd' \(0\.\d+\) to 'b' \([\d.]+\)", advice), advice
    assert "standardize=True" in advice
    assert backend.fit(table, y, standardize=True, n_iters=1_000).report.advice == ()


def test_even_columns_are_not_told(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 4, np.float64)
    assert backend.fit(x, y, n_iters=0).report.advice == ()
    assert backend.fit(x * [1.0, 0.0, 500.0, 1.0], y, learning_rate="auto", n_iters=0).report.advice == ()  # 0: nothing
    assert backend.fit(x[:, 0] * 1e-6, y, n_iters=0).report.advice == ()


@pytest.mark.parametrize(("n", "d"), [(1, 3), (100, 5), (5_000, 7), (100_000, 3), (40, 30_000)])
def test_scales_are_estimated_on_evenly_spaced_rows(dtype: np.dtype[Any], n: int, d: int) -> None:
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.integers(-3, 4, d)
    x = (rng.standard_normal((n, d)) * scales).astype(dtype)
    found = doctor.column_scales(Samples(x, None, None))
    if n <= 100:
        rows = x if d < 1000 else x[: len(x) // 16 * 16 : len(x) // 16][:16]
        np.testing.assert_allclose(found, np.sqrt(np.mean(rows.astype(np.float64) ** 2, axis=0)), rtol=1e-12)
    else:
        np.testing.assert_allclose(found, scales, rtol=0.2)
