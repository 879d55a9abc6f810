"""`Fit.plot`: what is on the picture, for every way in which a fit can end."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

RunPython = Callable[..., str]

X = np.array([1.0, 2.0, 3.0, 4.0])
WIDE = np.random.default_rng(0).standard_normal((60, 20))
NOISE = np.random.default_rng(1).standard_normal(60)


def drawn(fit: gdfast.Fit, path: Path) -> Figure:
    """The figure, which can also be written."""
    figure = fit.plot()
    figure.savefig(path / "fit.png")
    assert (path / "fit.png").stat().st_size > 5_000
    return figure


def curve(figure: Figure, label: str) -> tuple[Any, Any]:
    (line,) = (line for line in figure.axes[0].lines if label in str(line.get_label()))
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_one_column_has_curve_and_line(backend: Any, tmp_path: Path) -> None:
    fit = backend.fit(X, 2 * X, n_iters=50)
    figure = drawn(fit, tmp_path)
    losses, data = figure.axes
    passes, values = curve(figure, "training")
    np.testing.assert_array_equal(passes, np.arange(50))
    np.testing.assert_array_equal(values, fit.losses)
    assert losses.get_yscale() == "log"
    assert "50 passes, all passes done" in losses.get_title(loc="left")
    np.testing.assert_array_equal(np.asarray(data.collections[0].get_offsets()), np.column_stack([X, 2 * X]))
    np.testing.assert_allclose(np.asarray(data.lines[0].get_ydata()), fit.predict([1.0, 4.0]))


def test_the_line_has_its_intercept(tmp_path: Path) -> None:
    fit = gdfast.fit(X[:, None], 2 * X - 5, fit_intercept=True, learning_rate="auto", n_iters=2_000)
    _, data = drawn(fit, tmp_path).axes
    assert data.lines[0].get_label() == "y = 2·x − 5"


def test_several_columns_have_a_curve_alone(tmp_path: Path) -> None:
    fit = gdfast.fit(WIDE, NOISE, n_iters=99)
    assert fit.sample is None
    assert len(drawn(fit, tmp_path).axes) == 1


@pytest.mark.parametrize("held_out", [False, True])
def test_an_optimum_has_predictions_beside_y(backend: Any, tmp_path: Path, held_out: bool) -> None:
    options = {"validation": (WIDE[30:], NOISE[30:])} if held_out else {}
    fit = backend.fit(WIDE, NOISE, optimizer="exact", fit_intercept=True, **options)
    (panel,) = drawn(fit, tmp_path).axes
    drawn_at = np.asarray(panel.collections[0].get_offsets())
    np.testing.assert_allclose(drawn_at, np.column_stack([fit.predict(WIDE), NOISE]))
    ends = [drawn_at[:, 0].min(), drawn_at[:, 0].max()]
    np.testing.assert_array_equal(np.asarray(panel.lines[0].get_data()), [ends, ends])
    title = panel.get_title(loc="left")
    assert "1 pass, converged" in title
    assert ("validation loss" in title) == held_out


def test_an_optimum_of_one_column_has_its_line_alone(tmp_path: Path) -> None:
    fit = gdfast.fit(X, 2 * X - 5, optimizer="exact", fit_intercept=True)
    (panel,) = drawn(fit, tmp_path).axes
    assert panel.lines[0].get_label() == "y = 2·x − 5"


def test_an_optimum_of_moments_says_why_there_is_no_curve(tmp_path: Path) -> None:
    fit = gdfast.Moments(20).update(WIDE, NOISE).solve()
    assert "no descent to draw" in drawn(fit, tmp_path).axes[0].texts[0].get_text()


def test_the_sample_of_an_optimum_is_small() -> None:
    x = np.random.default_rng(0).standard_normal((50_000, 30))
    fit = gdfast.fit(x, x[:, 0], optimizer="exact")
    assert fit.sample is not None
    assert [part.shape for part in fit.sample] == [(1_000,), (1_000,)]
    np.testing.assert_allclose(fit.sample[0], fit.sample[1], atol=1e-12)


def test_validation_has_a_curve_and_the_pass_that_was_kept(tmp_path: Path) -> None:
    fit = gdfast.fit(WIDE[:30], NOISE[:30], validation=(WIDE[30:], NOISE[30:]), n_iters=200, patience=5)
    figure = drawn(fit, tmp_path)
    passes, values = curve(figure, "validation")
    np.testing.assert_array_equal(values, fit.validation_losses)
    assert passes[0] == 1
    kept, _ = curve(figure, "lowest")
    assert kept[0] == np.argmin(fit.validation_losses) + 1
    assert "no lower validation loss" in figure.axes[0].get_title(loc="left")


def test_the_sample_is_small_and_a_copy() -> None:
    x = np.arange(1_000_001, dtype=np.float32)
    fit = gdfast.fit(x, x, n_iters=0)
    assert fit.sample is not None
    assert 500 <= len(fit.sample[0]) <= 1_000
    assert fit.sample[0].base is None
    assert (np.diff(fit.sample[0]) == 1_001).all()
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.sample[0], fit.sample[0])


def test_a_fit_that_diverged(tmp_path: Path) -> None:
    with pytest.raises(gdfast.DivergenceError) as caught:
        gdfast.fit(X, 2 * X, learning_rate=1.0)
    figure = drawn(caught.value.fit, tmp_path)
    assert "diverged" in figure.axes[0].get_title(loc="left")


def test_losses_that_are_not_finite(tmp_path: Path) -> None:
    with pytest.raises(gdfast.DivergenceError) as caught:
        gdfast.fit(X, [1.0, np.nan, 1.0, 1.0])
    figure = drawn(caught.value.fit, tmp_path)
    assert "not finite" in figure.axes[0].texts[0].get_text()


def test_losses_of_zero_have_no_logarithm(tmp_path: Path) -> None:
    exact = gdfast.fit([1.0, 2.0], [0.0, 0.0], n_iters=5)
    assert drawn(exact, tmp_path).axes[0].get_yscale() == "linear"
    halved = gdfast.fit([1.0], [4.0], learning_rate=0.25, n_iters=2_000)
    assert halved.loss == 0
    figure = drawn(halved, tmp_path)
    assert figure.axes[0].get_yscale() == "log"
    assert "exactly 0" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize("n_iters", [0, 1, 2])
def test_few_passes(n_iters: int, tmp_path: Path) -> None:
    figure = drawn(gdfast.fit(X, X, n_iters=n_iters), tmp_path)
    assert f"{n_iters} pass" in figure.axes[0].get_title(loc="left")


def test_every_reason_to_stop_has_its_words() -> None:
    from typing import get_args

    from gdfast.descent import StopReason
    from gdfast.plot import STOPPED

    assert set(get_args(StopReason)) == set(STOPPED)


def test_axes_of_ones_own() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert gdfast.fit(X, X).plot(ax=left) is figure
    assert left.lines
    assert not right.lines


def test_pyplot_stays_out(run_python: RunPython) -> None:
    code = "import sys, gdfast; gdfast.fit([1.0], [1.0]).plot(); print('matplotlib.pyplot' in sys.modules)"
    assert run_python(code) == "False\n"


def test_without_matplotlib(run_python: RunPython) -> None:
    code = """
import sys
sys.modules["matplotlib"] = None
import gdfast
try:
    gdfast.fit([1.0], [1.0]).plot()
except ImportError as error:
    print(error.name, error)
"""
    output = run_python(code)
    assert output.startswith("matplotlib ")
    assert "pip install 'gdfast[cli]'" in output
