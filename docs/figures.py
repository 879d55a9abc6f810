"""The pictures of the pages: `python docs/figures.py` draws them into docs/figures/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import gdfast
from gdfast.drawing import BLUE, GREEN, GREY, GRID, INK, ORANGE, RED, VIOLET, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURES = Path(__file__).parent / "figures"
COLOURS = (RED, BLUE, GREEN, VIOLET, ORANGE)

Array = NDArray[Any]


def ill_conditioned() -> tuple[Array, Array]:
    """Ten columns that all but repeat one another: curvatures from 1 to 1/1000."""
    rng = np.random.default_rng(0)
    columns, _ = np.linalg.qr(rng.standard_normal((500, 10)))
    directions, _ = np.linalg.qr(rng.standard_normal((10, 10)))
    x = columns * np.sqrt(500 * np.geomspace(1, 1e-3, 10)) @ directions
    return x, x @ rng.standard_normal(10) + 0.1 * rng.standard_normal(500)


def optimizers() -> Figure:
    """Four optimisers on a narrow valley, each at a learning rate that suits it."""
    x, y = ill_conditioned()
    best = float(np.mean((x @ np.linalg.lstsq(x, y, rcond=None)[0] - y) ** 2))
    picture, (panel,) = figure(1, 1, (7.5, 4.2))
    largest = gdfast.fit(x, y, learning_rate="auto", n_iters=0).learning_rate
    rates = {"gd": largest, "momentum": largest, "nesterov": largest, "adam": 0.1}
    for (name, rate), colour in zip(rates.items(), COLOURS, strict=False):
        fit = gdfast.fit(x, y, optimizer=name, learning_rate=rate, n_iters=400, plan="stream")
        above = np.maximum(fit.losses - best, 1e-16)
        panel.plot(above, color=colour, linewidth=1.8, label=f"{name}, learning rate {rate:.2g}")
    panel.set_yscale("log")
    panel.set_xlabel("passes over the data")
    panel.set_ylabel("loss above the least there is")
    return _finished(picture, panel, "Curvatures that differ by a factor of 1,000")


def divergence() -> Figure:
    """What learning rates below, at and above 2/L do."""
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 4.0, 6.0, 8.0])
    limit = 2 / (2 * np.mean(x**2))
    picture, (panel,) = figure(1, 1, (7.5, 3.8))
    for share, colour in zip((1.04, 1.0, 0.96, 0.5), (RED, ORANGE, BLUE, GREEN), strict=True):
        try:
            fit = gdfast.fit(x, y, w0=0.5, learning_rate=share * limit, n_iters=60)
        except gdfast.DivergenceError as error:
            fit = error.fit
        panel.plot(np.maximum(fit.losses, 1e-13), color=colour, linewidth=1.8, label=_of_the_limit(share, limit))
    panel.set_yscale("log")
    panel.set_ylim(1e-6, 1e8)
    panel.set_xlabel("passes over the data")
    panel.set_ylabel("loss")
    return _finished(picture, panel, "The largest stable learning rate is 2/L")


def lasso() -> Figure:
    """How l1 sets coefficients to 0, one after the other."""
    x, y = sparse_problem()
    penalties = np.geomspace(0.01, 8, 60)
    paths = np.array(
        [gdfast.fit(x, y, l1=l1, optimizer="nesterov", learning_rate="auto", n_iters=2_000).w for l1 in penalties]
    )
    picture, (panel,) = figure(1, 1, (7.5, 4.0))
    for j, path in enumerate(paths.T):
        used = j < 4
        panel.plot(penalties, path, color=COLOURS[j] if used else GREY, linewidth=1.8 if used else 1, zorder=3 - used)
        if used:
            panel.annotate(
                f"w[{j}]", (penalties[0], path[0]), xytext=(4, 5), textcoords="offset points", color=COLOURS[j]
            )
    panel.axhline(0, color=INK, linewidth=0.8)
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.set_xlabel("l1")
    panel.set_ylabel("coefficient")
    return _finished(picture, panel, "Four columns matter, eight (grey) don't: l1 takes them out")


def sparse_problem() -> tuple[Array, Array]:
    """Twelve columns, of which y depends on four."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((100, 12))
    return x, x[:, :4] @ [3.0, -2.0, 1.0, 0.5] + rng.standard_normal(100)


def validation() -> Figure:
    """`Fit.plot` of a fit that stopped when validation told it to."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((160, 60))
    y = x[:, :3] @ [2.0, -1.0, 1.0] + 2 * rng.standard_normal(160)
    fit = gdfast.fit(x[:80], y[:80], validation=(x[80:], y[80:]), learning_rate=0.02, n_iters=1_000, patience=40)
    return fit.plot()


def tutorial() -> Figure:
    """`Fit.plot` of a line through noisy points."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 5, 60)
    return gdfast.fit(x, 2 * x + rng.standard_normal(60), fit_intercept=True, learning_rate=0.05, n_iters=150).plot()


def path() -> Figure:
    """`Path.plot` of four columns that matter and eight that don't."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 12))
    y = x[:, :4] @ [3.0, -2.0, 1.0, 0.5] + 2 * rng.standard_normal(300)
    return gdfast.path(x, y, folds=5, rng=0).plot()


def intervals() -> Figure:
    """Confidence intervals where residuals grow with a column, and what their covariance makes of it."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3)) * [1.0, 10.0, 0.1]
    y = x @ [2.0, 0.1, 0.0] + 5 + rng.standard_normal(200) * (0.5 + abs(x[:, 0]))
    fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=True)
    picture, (panel,) = figure(1, 1, (7.5, 3.2))
    for vcov, colour, above in (("iid", BLUE, 0.12), ("HC1", RED, -0.12)):
        summary = fit.summary(x, y, vcov=vcov)
        scale = x.std(axis=0)  # so that all three fit one axis
        low, high = summary.conf_int[:3].T * scale
        at, places = summary.coefs[:3] * scale, np.arange(3)[::-1] + above
        panel.errorbar(at, places, xerr=[at - low, high - at], fmt="o", color=colour, capsize=3, label=f"vcov={vcov!r}")
    panel.axvline(0, color=INK, linewidth=0.8)
    panel.set_yticks(range(3), ["x[2]", "x[1]", "x[0]"])
    panel.set_xlabel("coefficient times the column's standard deviation, with its 95% interval")
    return _finished(picture, panel, "Residuals grow with x[0]: its interval is longer than iid says")


def _of_the_limit(share: float, limit: float) -> str:
    name = {1.0: "2/L", 0.5: "1/L, what auto takes"}.get(share, f"{share:g} · 2/L")
    return f"{share * limit:.4f} = {name}"


def _finished(picture: Figure, panel: Axes, title: str) -> Figure:
    panel.set_title(title, fontsize=10, loc="left", color=INK)
    panel.grid(color=GRID, linewidth=0.7)
    panel.set_axisbelow(True)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=9)
    return picture


if __name__ == "__main__":
    for draw in (tutorial, optimizers, divergence, lasso, validation, path, intervals):
        draw().savefig(FIGURES / f"{draw.__name__}.png", dpi=110)
