"""The pictures of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gdfast.bench.machine import headline
from gdfast.bench.peers import PEERS
from gdfast.bench.report import Row
from gdfast.bench.table import duration
from gdfast.drawing import BLUE, GREEN, GREY, GRID, INK, ORANGE, RED, VIOLET
from gdfast.drawing import figure as new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {"native": RED, "numpy": BLUE, "torch": ORANGE, "numba": GREEN, "numba_plain": VIOLET}
_MARKERS = {"native": "o", "numpy": "s", "torch": "^", "numba": "D", "numba_plain": "v"}
_ISA_COLOURS = (RED, BLUE, GREEN, VIOLET)
_ISA_MARKERS = ("o", "s", "D", "^")
_SHARE_AIMED_AT = 0.85
_TITLE_POINTS = 13
_TITLE_SPACING = 1.5


def bench_chart(rows: Sequence[Row], path: Path) -> None:
    """Draw every contender's GB/s, a line for each shape, with the read bandwidth as the wall.

    Parameters
    ----------
    rows : sequence of Row
    path : Path
        Of the PNG to write.
    """
    height = 2.2 + 0.42 * len(rows)
    figure, (panel,) = new_figure(1, 1, (9.5, height))
    for position, row in enumerate(rows):
        _draw_shape(panel, position, row)
    for peer in PEERS:
        if any(peer.name in row.timings for row in rows):
            panel.plot([], [], _MARKERS[peer.name], color=_COLOURS[peer.name], label=peer.title, markersize=7)
    panel.plot([], [], "|", color=INK, markersize=13, markeredgewidth=2, label="R, the read bandwidth")
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.set_yticks(range(len(rows)), [str(row.shape) for row in rows])
    panel.set_ylim(len(rows) - 0.4, -0.9)
    _write_beside(panel, -0.75, "data in", "a call of gdfast")
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color=GRID, linewidth=0.8)
    panel.set_xlabel("GB/s of x and y (log scale)")
    first = rows[0]
    threads = "1 thread" if first.threads == 1 else f"{first.threads} threads"
    _save(figure, path, f"One loss and gradient: {first.dtype}, {first.order} order, {threads} each")


def roofline_chart(rows: Sequence[Row], path: Path) -> None:
    """Draw gdfast's GB/s over d under the roof of the read bandwidth: a panel for each order, dtype and threads.

    Parameters
    ----------
    rows : sequence of Row
    path : Path
        Of the PNG to write.
    """
    threads = sorted({r.threads for r in rows})
    kinds = list(dict.fromkeys((r.order, r.dtype) for r in rows))
    figure, panels = new_figure(
        len(threads), len(kinds), (3.7 * len(kinds) + 0.6, 3.1 * len(threads) + 1.1), sharey=True
    )
    grid = ((count, order, dtype) for count in threads for order, dtype in kinds)
    for panel, (count, order, dtype) in zip(panels, grid, strict=True):
        _draw_roof(panel, [r for r in rows if (r.threads, r.order, r.dtype) == (count, order, dtype)])
        plural = "" if count == 1 else "s"
        panel.set_title(f"{order} order, {dtype}, {count} thread{plural}", fontsize=10, loc="left")
    for panel in panels[:: len(kinds)]:
        panel.set_ylabel("GB/s of x and y")
        panel.set_ylim(bottom=0)
    for panel in panels[-len(kinds) :]:
        panel.set_xlabel("d, columns of x")
    _save(figure, path, "loss_and_gradient under the roof of the read bandwidth")


def _draw_shape(panel: Axes, position: int, row: Row) -> None:
    rates = {name: row.gb_per_s(name) for name in row.timings if name != "read"}
    roof = [row.gb_per_s("read")] if row.bandwidth_matters else []
    panel.plot(roof, [position] * len(roof), "|", color=INK, markersize=16, markeredgewidth=2, zorder=2)
    reach = [*rates.values(), *roof]
    panel.plot([min(reach), max(reach)], [position] * 2, color=GRID, linewidth=2, zorder=1)
    for name, rate in rates.items():
        ours = name == "native"
        panel.plot(
            rate, position, _MARKERS[name], color=_COLOURS[name], markersize=9 if ours else 7, zorder=4 if ours else 3
        )
    _write_beside(panel, position, row.level, duration(row.timings["native"].p50))


def _write_beside(panel: Axes, position: float, level: str, time: str) -> None:
    """Two columns of text to the right of the panel."""
    for x, text, colour in ((1.02, level, GREY), (1.12, time, _COLOURS["native"])):
        panel.annotate(text, (x, position), xycoords=("axes fraction", "data"), va="center", fontsize=9, color=colour)


def _draw_roof(panel: Axes, rows: Sequence[Row]) -> None:
    isas = list(dict.fromkeys(r.isa for r in rows))
    columns = sorted({r.shape.d for r in rows})
    roof = [max(r.gb_per_s("read") for r in rows if r.shape.d == d) for d in columns]
    panel.fill_between(columns, roof, color="#f1f1f1", linewidth=0)
    panel.plot(columns, roof, color=INK, linewidth=2, label="R, the read bandwidth")
    aim = [_SHARE_AIMED_AT * value for value in roof]
    panel.plot(columns, aim, color=GREY, linewidth=1, linestyle=":", label=f"{_SHARE_AIMED_AT:g} R")
    for isa, colour, marker in zip(isas, _ISA_COLOURS, _ISA_MARKERS, strict=False):
        points = sorted((r.shape.d, r.gb_per_s()) for r in rows if r.isa == isa)
        panel.plot(*zip(*points, strict=True), marker + "-", color=colour, markersize=4, linewidth=1.4, label=isa)
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    panel.set_xticks([1, 10, 100, 1_000, 10_000])
    panel.grid(color=GRID, linewidth=0.7)


def _save(figure: Figure, path: Path, title: str) -> None:
    """Put title and legend above the panels, the machine below them, and write the file."""
    # The second line of the title is empty: the layout leaves its height free, and the legend goes there.
    figure.suptitle(f"{title}\n", x=0.012, ha="left", fontsize=_TITLE_POINTS, color=INK, linespacing=_TITLE_SPACING)
    below_title = 1 - _TITLE_SPACING * _TITLE_POINTS / 72 / figure.get_figheight()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0, below_title), ncols=len(labels), frameon=False)
    figure.supxlabel(headline(), x=0.012, ha="left", fontsize=8, color=GREY)
    figure.savefig(path)
