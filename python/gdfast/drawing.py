"""How gdfast's pictures look: colours, and figures that need no display. matplotlib is imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that differ in hue and in lightness, and markers: a grey print and a colour-blind reader keep them apart.
RED, BLUE, GREEN, VIOLET, ORANGE = "#c1121f", "#1f77b4", "#5b8c3a", "#7b4ea3", "#e08e0b"
INK = "#222222"
GREY = "#777777"
GRID = "#e4e4e4"


def figure(
    rows: int, columns: int, size: tuple[float, float], *, sharey: bool = False
) -> tuple[Figure, tuple[Axes, ...]]:
    """A figure without a display: drawn by Agg, whatever backend a user has configured.

    Parameters
    ----------
    rows, columns : int
        Of panels.
    size : (float, float)
        Width and height in inches.
    sharey : bool
        Whether the panels of a row have one scale.

    Returns
    -------
    figure : matplotlib.figure.Figure
    panels : tuple of matplotlib.axes.Axes
        By rows.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        message = "pictures are drawn by matplotlib, which is not installed: pip install 'gdfast[cli]'"
        raise ImportError(message, name="matplotlib") from error

    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False, sharey="row" if sharey else False)
    for panel in panels.flat:
        tidy(panel)
    return figure, tuple(panels.flat)


def tidy(panel: Axes) -> None:
    """Leave of the frame what says something."""
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color(GREY)
    panel.tick_params(colors=INK, which="both", labelsize=9)
