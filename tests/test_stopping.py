"""What ends training: the rules, which of them comes first, and what the fit is then."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")


def noisy(n: int = 60, d: int = 20) -> tuple[Any, Any, tuple[Any, Any]]:
    """So few samples for so many columns that training first improves the validation loss, and then harms it."""
    x, y, _ = oracle.normal(2 * n, d, np.float64)
    y = y * 0.1 + 3 * np.random.default_rng(2).standard_normal(2 * n)
    return x[:n], y[:n], (x[n:], y[n:])


# --- tol --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tol", [0.1, 1e-3, 1e-6])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_tol_stops_at_the_first_small_change(backend: Any, tol: float, batch_size: int | None) -> None:
    x, y, _ = oracle.normal(30, 3, np.float64)
    options: dict[str, Any] = {"batch_size": batch_size, "shuffle": False, "n_iters": 3_000, "plan": "stream"}
    fit = backend.fit(x, y, tol=tol, **options)
    whole = backend.fit(x, y, **options)
    small = np.abs(np.diff(whole.losses)) <= tol * whole.losses[:-1]
    assert fit.stop_reason == "tol"
    assert fit.n_iters == np.argmax(small) + 2
    np.testing.assert_array_equal(fit.losses, whole.losses[: fit.n_iters])
    shorter = backend.fit(x, y, **{**options, "n_iters": fit.n_iters})
    np.testing.assert_array_equal(fit.w, shorter.w)  # the update of the last pass was made
    assert fit.loss == shorter.loss


def test_tol_0_stops_when_nothing_moves(backend: Any) -> None:
    fit = backend.fit([1.0, 2.0], [2.0, 4.0], w0=2.0, tol=0, n_iters=10)
    assert (fit.n_iters, fit.stop_reason, fit.loss) == (2, "tol", 0.0)


def test_tol_takes_two_passes(backend: Any) -> None:
    x, y, _ = oracle.normal(30, 3, np.float64)
    assert backend.fit(x, y, tol=1e3, n_iters=1).stop_reason == "n_iters"
    assert backend.fit(x, y, tol=1e3, n_iters=9).n_iters == 2


# --- validation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", ["stream", "moments"])
@pytest.mark.parametrize("patience", [1, 5])
@pytest.mark.parametrize("intercept", [False, True])
def test_validation_keeps_the_best(backend: Any, plan: str, patience: int, intercept: bool) -> None:
    x, y, held_out = noisy()
    steps: list[gdfast.Step] = []
    fit = backend.fit(
        x,
        y,
        validation=held_out,
        patience=patience,
        fit_intercept=intercept,
        n_iters=5_000,
        learning_rate=0.05,
        plan=plan,
        callback=steps.append,
        l2=0.01,
    )
    assert fit.stop_reason == "validation"
    assert len(fit.validation_losses) == len(fit.losses) == fit.n_iters < 5_000
    best = int(np.argmin(fit.validation_losses))
    assert fit.n_iters == best + 1 + patience
    np.testing.assert_array_equal(fit.w, steps[best].w)
    assert fit.b == steps[best].b
    want = [backend.loss(held_out[1], backend.forward(held_out[0], step.w, step.b)) for step in steps]
    np.testing.assert_allclose(fit.validation_losses, want, rtol=1e-10)  # the loss only: l2 is no part of it
    np.testing.assert_allclose(fit.loss, fit.losses[best + 1], rtol=1e-10)  # the objective where w and b are


def test_validation_counts_weights(backend: Any) -> None:
    x, y, (x_val, y_val) = noisy()
    s = np.arange(len(y_val)) % 2
    fit = backend.fit(x, y, validation=(x_val, y_val, s), n_iters=3)
    half = backend.fit(x, y, validation=(x_val[1::2], y_val[1::2]), n_iters=3)
    np.testing.assert_allclose(fit.validation_losses, half.validation_losses, rtol=1e-12)


def test_the_best_is_kept_without_early_stopping(backend: Any) -> None:
    x, y, held_out = noisy()
    fit = backend.fit(x, y, validation=held_out, patience=10_000, n_iters=1_000, learning_rate=0.05)
    best = int(np.argmin(fit.validation_losses))
    assert (fit.stop_reason, fit.n_iters) == ("n_iters", 1_000)
    assert best < 999
    np.testing.assert_allclose(
        backend.loss(held_out[1], fit.predict(held_out[0])), fit.validation_losses[best], rtol=1e-12
    )


def test_validation_of_one_column(backend: Any) -> None:
    fit = backend.fit([1.0, 2.0], [2.0, 4.0], validation=([3.0], [6.0]), n_iters=3)
    np.testing.assert_allclose(fit.validation_losses[-1], (3 * fit.w - 6) ** 2)


def test_no_validation_no_losses(backend: Any) -> None:
    assert backend.fit([1.0], [1.0]).validation_losses.shape == (0,)
    assert backend.fit([1.0], [1.0], n_iters=0, validation=([1.0], [1.0])).validation_losses.shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_validation_data_that_is_not_finite_is_named(backend: Any, bad: float) -> None:
    with pytest.raises(gdfast.DivergenceError, match=r"validation\[0\]\[1, 0\] is (nan|inf)"):
        backend.fit(np.eye(2), [1.0, 2.0], validation=([[1.0, 2.0], [bad, 4.0]], [1.0, 2.0]))


# --- which rule comes first -------------------------------------------------------------------------------------------


def test_the_order_of_the_rules(backend: Any) -> None:
    """After the second pass all of them are true."""
    x, y = [1.0, 2.0], [2.0, 4.0]
    tol: dict[str, Any] = {"tol": 1e9}
    worse_and_worse: dict[str, Any] = {"validation": ([1.0], [-5.0]), "patience": 1}
    asked: dict[str, Any] = {"callback": lambda step: step.iteration == 1}
    diverging: dict[str, Any] = {"learning_rate": 1e9}
    assert backend.fit(x, y, **tol).stop_reason == "tol"
    assert backend.fit(x, y, **tol, **worse_and_worse).stop_reason == "validation"
    assert backend.fit(x, y, **tol, **worse_and_worse, **asked).stop_reason == "callback"
    with pytest.raises(gdfast.DivergenceError) as caught:
        backend.fit(x, y, **tol, **worse_and_worse, **asked, **diverging)
    assert caught.value.fit.stop_reason == "diverged"
    assert caught.value.fit.n_iters == 2


# --- interruption -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"learning_rate": "auto"}, {"standardize": True}, {"plan": "moments"}], ids=str)
def test_ctrl_c_before_the_first_pass(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the learning rate, the scales or the moments are being found."""
    from gdfast import scaling, step_size

    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(scaling, "scaling", interrupt)
    monkeypatch.setattr(step_size, "curvature", interrupt)
    backend: Any = gdfast.backend("numpy")
    interrupted = dataclasses.replace(backend, moments=interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted.fit([1.0, 2.0], [2.0, 4.0], w0=3.0, **options)
    fit = caught.value.fit  # type: ignore[attr-defined]
    assert (fit.w, fit.n_iters, fit.stop_reason, np.isnan(fit.loss)) == (3.0, 0, "interrupted", True)


def test_an_exception_keeps_the_data_no_longer_than_itself(backend: Any) -> None:
    def fail(step: gdfast.Step) -> None:
        raise ZeroDivisionError

    def left_behind(**options: Any) -> Any:
        x = np.ones((3, 2))
        try:
            backend.fit(x, np.ones(3), **options)
        except ArithmeticError:
            return weakref.ref(x)

    gc.disable()
    try:
        assert left_behind(callback=fail)() is None
        assert left_behind(learning_rate=1e3)() is None
    finally:
        gc.enable()


def test_a_fit_that_diverged_knows_the_last_loss_of_a_pass(backend: Any) -> None:
    x, y, _ = oracle.normal(20, 3, np.float64)
    with pytest.raises(gdfast.DivergenceError) as caught:
        backend.fit(x, y, learning_rate=5.0, n_iters=1000, plan="stream")
    assert caught.value.fit.loss == caught.value.fit.losses[-1]


# --- what is said of a fit that hasn't arrived ------------------------------------------------------------------------


@pytest.mark.filterwarnings("default::gdfast.ConvergenceWarning")
def test_defaults_that_end_too_early_warn_at_the_line_of_the_user(backend: Any) -> None:
    x, y, _ = oracle.normal(30, 3, np.float64)
    moments = gdfast.Moments(3).update(x, y)
    for call in (lambda: backend.fit(x, y), lambda: gdfast.fit(x, y), moments.fit):
        with pytest.warns(gdfast.ConvergenceWarning, match="^not converged: ") as caught:
            fit = call()
        assert caught[0].filename == __file__
        assert str(caught[0].message) in fit.report.advice


def test_no_word_where_it_has_arrived_or_was_chosen(backend: Any, recwarn: pytest.WarningsRecorder) -> None:
    x, y, _ = oracle.normal(30, 3, np.float64)
    assert backend.fit(x, y, learning_rate=0.3).report.advice == ()
    assert backend.fit(x, y, optimizer="cg", plan="stream").report.advice == ()
    chosen: tuple[dict[str, Any], ...] = ({"n_iters": 100}, {"learning_rate": 0.01}, {"optimizer": "gd"})  # as they are
    for options in chosen:
        assert "optimizer=" in backend.fit(x, y, **options).report.advice[0]  # advice, and no warning
    assert not recwarn.list


@pytest.mark.parametrize("n_iters", [1, 2, 3, 4, 5, 6])
def test_silence_of_a_streamed_fit_means_that_it_has_arrived(backend: Any, n_iters: int) -> None:
    x, _, _ = oracle.normal(50, 3, np.float64)
    y = np.arange(50.0)
    fit = backend.fit(x, y, optimizer="cg", plan="stream", n_iters=n_iters)
    best = gdfast.fit(x, y, optimizer="exact").loss
    assert fit.report.advice or fit.loss <= best * (1 + 1e-6)
