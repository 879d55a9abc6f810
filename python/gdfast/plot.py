"""`Fit.plot`: the losses of a descent; beside them, or alone where the optimum was solved for, model and data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdfast import drawing
from gdfast.conversion import Array
from gdfast.descent import Samples
from gdfast.storage import widened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gdfast.result import Fit

POINTS = 1_000  # more on one picture hide one another
FEW = 30  # up to so many points each is drawn as a mark of its own

STOPPED = {
    "n_iters": "all passes done",
    "tol": "stopped: the change is below tol",
    "converged": "converged",
    "validation": "stopped: no lower validation loss",
    "callback": "stopped by the callback",
    "interrupted": "interrupted",
    "diverged": "diverged",
}

Curve = NDArray[np.float64]


Sample = tuple[NDArray[Any], NDArray[Any]]


def sample_of(train: Samples, predicted: Callable[[Array], Array] | None) -> Sample | None:
    """x and y of evenly spaced rows, for data of one column: copies, so that a fit doesn't keep all data alive.

    Of several columns what the model makes of them, and y, where `predicted` says that: there is nothing else to see of
    an optimum that was solved for.
    """
    x, y = train.x, train.y
    if x is None or y is None or not (x.shape[1] == 1 or predicted):
        return None
    at = np.arange(0, len(y), -(-len(y) // POINTS))
    if train.sample_weight is not None:  # those that count: what is dropped weighs nothing
        at = at[train.sample_weight[at] > 0]
    rows = x[at]
    return widened(rows[:, 0]).copy() if predicted is None or x.shape[1] == 1 else predicted(rows), y[at]


def draw(fit: Fit, ax: Axes | None = None) -> Figure:
    """Draw `fit` into a new figure, or its curves into `ax`; see `gdfast.Fit.plot`."""
    if ax is not None:
        _draw_losses(ax, fit)
        figure = ax.get_figure(root=True)
        assert figure is not None
        return figure
    data = fit.sample is not None
    losses = not (data and was_solved(fit))
    figure, panels = drawing.figure(1, 2 if data and losses else 1, (10.5 if data and losses else 6.5, 4.0))
    if losses:
        _draw_losses(panels[0], fit)
    else:
        panels[0].set_title(_title(fit), fontsize=10, loc="left", color=drawing.INK)
    if data:
        (_draw_line if np.size(fit.w) == 1 else _draw_predictions)(panels[-1], fit)
    return figure


def was_solved(fit: Fit) -> bool:
    """Whether there was no descent to look at: `optimizer="exact"`, which is done in a pass."""
    return fit.n_iters == 1 and fit.stop_reason == "converged"


def _draw_losses(panel: Axes, fit: Fit) -> None:
    from matplotlib.ticker import MaxNLocator

    training, validation = fit.losses, fit.validation_losses
    everything = np.concatenate([training, validation, [fit.loss]])
    logarithmic = bool((_drawable(everything) > 0).sum() > 1)
    if logarithmic:
        _use_logarithms(panel, _drawable(everything))

    _curve(panel, np.arange(len(training)), training, "o-", drawing.RED, "objective on the training data", logarithmic)
    end = fit.n_iters
    if len(validation):
        after = np.arange(1, len(validation) + 1)
        _curve(panel, after, validation, "s-", drawing.BLUE, "loss on the validation data", logarithmic)
        end = int(np.argmin(np.where(np.isnan(validation), np.inf, validation))) + 1
        panel.axvline(end, color=drawing.GREY, linewidth=1, linestyle=":", zorder=1, label="lowest: w and b are kept")
    _mark_end(panel, end, fit.loss, logarithmic)

    panel.set_xlim(-0.02 * max(fit.n_iters, 1), 1.04 * max(fit.n_iters, 1))
    panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    panel.set_xlabel("passes over the data")
    panel.set_ylabel("loss" if len(validation) else "objective")
    panel.set_title(_title(fit), fontsize=10, loc="left", color=drawing.INK)
    panel.grid(color=drawing.GRID, linewidth=0.7)
    panel.set_axisbelow(True)
    if len(validation):
        panel.legend(frameon=False, fontsize=9)
    if was_solved(fit):
        _annotate(panel, "solved for in one pass: there is no descent to draw")
    else:
        _say_what_is_not_drawn(panel, everything, logarithmic)


def _title(fit: Fit) -> str:
    loss = "" if np.isnan(fit.loss) else f"objective {fit.loss:.4g}"
    held_out = (
        f"validation loss {fit.validation_losses[-1]:.4g}" if was_solved(fit) and len(fit.validation_losses) else ""
    )
    rate = "" if np.isnan(fit.learning_rate) else f"learning rate {fit.learning_rate:.3g}"
    passes = f"{fit.n_iters:,} pass{'' if fit.n_iters == 1 else 'es'}, {STOPPED[fit.stop_reason]}"
    return f"{passes}\n{', '.join(filter(None, (loss, held_out, rate)))}"


def _drawable(losses: Curve) -> Curve:
    return losses[np.isfinite(losses) & (losses >= 0)]


def _use_logarithms(panel: Axes, losses: Curve) -> None:
    panel.set_yscale("log")
    positive = losses[losses > 0]
    ratio = positive.max() / positive.min()
    if ratio < 1_000:  # few powers of ten are in sight then, and plain numbers say more than exponents
        panel.yaxis.set_major_formatter(_plain)
        panel.yaxis.set_minor_formatter(lambda value, _: _plain(value) if ratio < 3 or f"{value:e}"[0] in "25" else "")


def _plain(value: float, _: object = None) -> str:
    return f"{value:,.6g}"


def _curve(
    panel: Axes, passes: NDArray[np.int64], losses: Curve, style: str, colour: str, label: str, logarithmic: bool
) -> None:
    few = len(losses) <= FEW  # then each pass is a mark; a single one would be no line at all
    drawn = np.isfinite(losses) & ((losses > 0) | (not logarithmic))
    panel.plot(
        passes,
        np.where(drawn, losses, np.nan),
        style if few else "-",
        color=colour,
        linewidth=1.8,
        markersize=4,
        label=label,
    )


def _mark_end(panel: Axes, passes: int, loss: float, logarithmic: bool) -> None:
    """The objective at the w and b of the fit. No line leads there: with mini-batches it is of other rows."""
    if not np.isfinite(loss) or (logarithmic and loss <= 0):
        return
    panel.plot([passes], [loss], "o", color=drawing.RED, markerfacecolor="white", markersize=6, zorder=4)


def _say_what_is_not_drawn(panel: Axes, losses: Curve, logarithmic: bool) -> None:
    zeros = int((losses == 0).sum()) if logarithmic else 0
    infinite = int((~np.isfinite(losses)).sum())
    notes = (
        f"{zeros:,} of exactly 0" if zeros else "",
        f"{infinite:,} not finite" if infinite else "",
    )
    if zeros or infinite:
        _annotate(panel, f"not drawn: {', '.join(filter(None, notes))}")


def _annotate(panel: Axes, text: str) -> None:
    panel.annotate(text, (0.02, 0.03), xycoords="axes fraction", fontsize=9, color=drawing.GREY)


def _draw_line(panel: Axes, fit: Fit) -> None:
    assert fit.sample is not None
    x, y = fit.sample
    _scatter(panel, x, y)
    seen = x[np.isfinite(x)]
    if len(seen):
        ends = np.array([seen.min(), seen.max()], dtype=np.float64)
        w, b = float(np.ravel(fit.w)[0]), fit.b or 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            line = ends * w + b
        if np.isfinite(line).all():
            panel.plot(ends, line, color=drawing.RED, linewidth=2, label=_equation(w, fit.b))
    _label(panel, "x")


def _draw_predictions(panel: Axes, fit: Fit) -> None:
    """y over what the model makes of the rows, and where both are equal."""
    assert fit.sample is not None
    predicted, y = fit.sample
    _scatter(panel, predicted, y)
    seen = predicted[np.isfinite(predicted)]
    if len(seen):
        ends = seen.min(), seen.max()
        panel.plot(ends, ends, color=drawing.RED, linewidth=2, label="y = prediction")
    _label(panel, "prediction")


def _scatter(panel: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    size = 36.0 if len(x) <= FEW else 12.0
    panel.scatter(x, y, s=size, color=drawing.BLUE, alpha=0.9 if len(x) <= 100 else 0.45, linewidths=0, label="data")


def _label(panel: Axes, x: str) -> None:
    panel.set_xlabel(x)
    panel.set_ylabel("y")
    panel.grid(color=drawing.GRID, linewidth=0.7)
    panel.set_axisbelow(True)
    panel.legend(frameon=False, fontsize=9)


def _equation(w: float, b: float | None) -> str:
    intercept = "" if b is None else f" {'-' if b < 0 else '+'} {abs(b):.4g}"
    return f"y = {w:.4g}·x{intercept}".replace("-", "−")
