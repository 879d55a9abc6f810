"""The tables of the three reports, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from gdfast.bench.peers import RIVALS, Peer
from gdfast.bench.problems import Shape
from gdfast.bench.report import Row
from gdfast.bench.scale import Taken
from gdfast.bench.time_to_loss import EXCESS, Arrival
from gdfast.bench.verdict import Verdict

# Beyond this relative error of the loss it stands beside the time: float32 sums of bounded length keep below it.
_EXACT_ENOUGH = 1e-5


def bench_table(rows: Sequence[Row]) -> Table:
    """Time, GB/s, share of R and the ratios to the rivals, a line for each shape.

    Parameters
    ----------
    rows : sequence of Row
        Of one dtype, order and number of threads.

    Returns
    -------
    rich.table.Table
    """
    first = rows[0]
    threads = f"{first.threads} thread{'s' if first.threads > 1 else ''}"
    table = Table(
        title=f"loss_and_gradient, {first.dtype}, {first.order} order, {threads} each, gdfast on {first.isa}",
        caption="R: read bandwidth, a SIMD sum over the same memory in the same rounds. "
        "Ratios: how many times longer the rival takes, and how far its loss is off where that shows. Medians.",
    )
    for name in ("n × d", "x and y", "in", "gdfast", "GB/s", "of R"):
        table.add_column(name, justify="left" if name in ("n × d", "in") else "right", no_wrap=True)
    for peer in RIVALS:
        table.add_column(peer.title, justify="right", no_wrap=True)
    for row in rows:
        share = f"{row.share_of_read:.2f}" if row.bandwidth_matters else "–"
        table.add_row(
            str(row.shape),
            size(row.nbytes),
            row.level,
            duration(row.timings["native"].p50),
            significant(row.gb_per_s()),
            share,
            *(_ratio(row, peer) for peer in RIVALS),
        )
    return table


def scale_table(nbytes: int, rows: Sequence[Taken]) -> Table:
    """Seconds of each way to go over Parquet files, the share of the speed of reading them, and the error.

    Returns
    -------
    rich.table.Table
    """
    table = Table(title=f"Parquet files of {size(nbytes)} as float64, the quickest of three rounds (of slow ones: one)")
    for name in ("", "how", "seconds", "of pyarrow alone", "off the optimum by"):
        table.add_column(name, justify="left" if name in ("", "how") else "right")
    for row in rows:
        figures = [
            "–" if row.seconds is None else significant(row.seconds),
            "–" if row.of_reading is None else f"{row.of_reading:.2f}",
            "–" if row.error is None else f"{row.error:.2g}",
        ]
        table.add_row(row.name, row.remark, *figures)
    return table


def missing_peers(rows: Iterable[Row]) -> list[str]:
    """A line for each rival that is not in the rows."""
    seen = {name for row in rows for name in row.timings}
    return [
        f"{peer.title} is not installed, or fails to import: pip install 'gdfast[bench]' to compare with it."
        for peer in RIVALS
        if peer.name not in seen
    ]


def roofline_tables(rows: Sequence[Row]) -> list[Table]:
    """For each ISA and number of threads, gdfast's GB/s and share of R by d; a column for each order and dtype."""
    kinds = dict.fromkeys((r.isa, r.threads) for r in rows)
    return [_roofline_table([r for r in rows if (r.isa, r.threads) == kind]) for kind in kinds]


def _roofline_table(rows: Sequence[Row]) -> Table:
    first = rows[0]
    threads = f"{first.threads} thread{'s' if first.threads > 1 else ''}"
    table = Table(
        title=f"loss_and_gradient on {first.isa}, {threads}: GB/s, share of R",
        caption="R: read bandwidth of as many threads, a SIMD sum over the same memory in the same rounds. Medians.",
    )
    table.add_column("d", justify="right", no_wrap=True)
    keys = list(dict.fromkeys((r.order, r.dtype) for r in rows))
    for order, dtype in keys:
        table.add_column(f"{order} order {dtype}", justify="right", no_wrap=True)
    for d in sorted({r.shape.d for r in rows}):
        cells = {(r.order, r.dtype): r for r in rows if r.shape.d == d}
        table.add_row(f"{d:,}", *(_rate_and_share(cells[key]) for key in keys))
    return table


def targets_tables(verdicts: Sequence[Verdict]) -> list[Table]:
    """A table of targets for each instruction set."""
    isas = dict.fromkeys(verdict.isa for verdict in verdicts)
    return [targets_table([verdict for verdict in verdicts if verdict.isa == isa]) for isa in isas]


def targets_table(verdicts: Sequence[Verdict]) -> Table:
    """Each target with what was measured, on one instruction set."""
    on = f", gdfast on {verdicts[0].isa}" if verdicts[0].isa else ""
    table = Table(
        title=f"Speed against its targets{on}",
        caption="R: read bandwidth. Where a row covers "
        "several problems, the worst one is shown. One thread unless stated. Medians. Rivals use what the CPU has.",
    )
    for name in ("work", "target", "measured", ""):
        table.add_column(name)
    for verdict in verdicts:
        table.add_row(verdict.work, verdict.target, verdict.measured, _mark(verdict))
    return table


def time_to_loss_table(shape: Shape, arrivals: Sequence[Arrival]) -> Table:
    """Each way to train, the quickest first."""
    table = Table(
        title=f"Time to a mean squared error within {EXCESS:.1%} of the least, {shape} f32",
        caption="Passes are the fewest that do. Closed forms give the optimum itself. Medians; every thread there is.",
    )
    for name in ("way to train", "passes", "time", "× the quickest"):
        table.add_column(name, justify="left" if name == "way to train" else "right", no_wrap=True)
    quickest = arrivals[0].timing
    for arrival in arrivals:
        if arrival.timing is None or quickest is None:
            table.add_row(arrival.name, f"excess {arrival.excess:.1%} after the most tried", "–", "–")
            continue
        passes = f"{arrival.passes:,}" if arrival.passes else "closed form"
        ratio = f"{arrival.timing.p50 / quickest.p50:.1f}"
        table.add_row(arrival.name, passes, duration(arrival.timing.p50), ratio)
    return table


def size(nbytes: int) -> str:
    """Bytes, in the unit of three digits."""
    value = float(nbytes)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def duration(seconds: float) -> str:
    """Seconds, in the unit of three digits."""
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{significant(seconds * factor)} {unit}"
    return f"{seconds:.3g} s"


def significant(value: float) -> str:
    """Three significant digits, never in exponent form."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(row: Row, peer: Peer) -> str:
    value = row.times_native.get(peer.name)
    if value is None:
        return "missing"
    error = row.loss_errors[peer.name]
    return f"{significant(value)}×" + (f", off {error:.0e}" if error > _EXACT_ENOUGH else "")


def _rate_and_share(row: Row) -> str:
    return f"{significant(row.gb_per_s())}   {row.share_of_read:.2f}"


def _mark(verdict: Verdict) -> str:
    if verdict.value != verdict.value:
        return "–"
    return "[green]reached[/]" if verdict.reached else "[red]short[/]"
