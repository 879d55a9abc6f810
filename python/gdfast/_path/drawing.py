"""`Path.plot`: the coefficients over the penalty, and the cross-validated loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gdfast import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gdfast._path.result import Path

_COLOURS = (drawing.RED, drawing.BLUE, drawing.GREEN, drawing.VIOLET, drawing.ORANGE)
_NAMED = 8  # of the coefficients that end furthest from 0


def draw(path: Path, ratio: int) -> Figure:
    """Of the mixture of this number."""
    validated = path.cv_loss is not None
    figure, panels = drawing.figure(1, 2 if validated else 1, (11.0 if validated else 6.5, 4.2))
    _coefficients(panels[0], path, ratio)
    if validated:
        _losses(panels[1], path, ratio)
    for panel in panels:
        panel.set_xscale("log")
        panel.invert_xaxis()
        panel.set_xlabel("penalty λ")
        panel.grid(color=drawing.GRID, linewidth=0.7)
        panel.set_axisbelow(True)
    return figure


def _coefficients(panel: Axes, path: Path, ratio: int) -> None:
    penalties, curves = path.table.penalties[ratio], path.table.coefs[ratio]
    drawn = penalties > 0
    at_end = np.argsort(-np.abs(curves[-1]), kind="stable")
    named = {int(j) for j in at_end[:_NAMED] if curves[-1, j] != 0}
    apart = 0.05 * float(np.ptp(curves)) if curves.any() else 0.0
    labelled: list[float] = []  # names that would lie on one another are left out
    for order, j in enumerate(at_end):
        colour = _COLOURS[order % len(_COLOURS)] if int(j) in named else drawing.GREY
        width = 1.6 if int(j) in named else 0.7
        panel.plot(penalties[drawn], curves[drawn, j], color=colour, linewidth=width)
        if int(j) in named and all(abs(curves[-1, j] - other) > apart for other in labelled):
            labelled.append(float(curves[-1, j]))
            label = path.names[int(j)].replace("$", r"\$")
            panel.annotate(
                label, (penalties[drawn][-1], curves[drawn][-1, j]), xytext=(4, 0), textcoords="offset points",
                color=colour, fontsize=8, va="center",
            )  # fmt: skip
    panel.axhline(0, color=drawing.INK, linewidth=0.8)
    _rules(panel, path, ratio)
    panel.set_ylabel("coefficient")
    panel.set_title("coefficients", fontsize=10, loc="left", color=drawing.INK)


def _losses(panel: Axes, path: Path, ratio: int) -> None:
    penalties = path.table.penalties[ratio]
    drawn = penalties > 0
    mean, error = path.table.cv_mean[ratio], path.table.cv_se[ratio]
    panel.errorbar(
        penalties[drawn], mean[drawn], error[drawn], fmt="o", color=drawing.RED, ecolor=drawing.GREY, markersize=3,
        elinewidth=0.8, capsize=1.5,
    )  # fmt: skip
    _rules(panel, path, ratio)
    panel.set_ylabel("loss of the rows held out")
    panel.set_title("cross-validated loss, with standard errors", fontsize=10, loc="left", color=drawing.INK)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=9)


def _rules(panel: Axes, path: Path, ratio: int) -> None:
    """Where the two rules choose, if they chose this mixture."""
    if path.cv_loss is None:
        return
    for chosen, style, label in (
        (path.table.best, "-", "least loss"),
        (path.table.best_1se, "--", "one standard error"),
    ):
        if chosen is not None and chosen[0] == ratio and path.table.penalties[chosen] > 0:
            panel.axvline(
                path.table.penalties[chosen], color=drawing.INK, linewidth=1, linestyle=style, label=label, zorder=1
            )
