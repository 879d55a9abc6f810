"""``gdfast bench --targets``: every speed that the project has set itself, with what this machine gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import gdfast
from gdfast.bench import peers, suite
from gdfast.bench.machine import MIB, beyond_cache_bytes, usable_cpus
from gdfast.bench.measure import Contender, Effort, Measurement, compare
from gdfast.bench.problems import Arena, DtypeName, Order, Shape
from gdfast.bench.report import Row
from gdfast.bench.roofline import COLUMNS, DTYPE_NAMES, ORDERS, Sweep, measure
from gdfast.bench.suite import TUTORIAL, Tick
from gdfast.bench.threads import limited_to
from gdfast.bench.verdict import Verdict

# Widths that share no factor with a register, each with the nearest that fills registers.
ROUND_NEIGHBOURS = {17: 16, 33: 32, 100: 96, 129: 128, 257: 256, 1_001: 1_008}
_NARROW = 16
# At d = 1 and on four samples what NumPy takes depends on how it is written: the leanest way, and the usual one.
_RIVALS = (peers.RIVALS[0], peers.TUTORIAL_NUMPY, *peers.RIVALS[1:])
_IN_L2 = Shape(1_000, 100)
_RIVAL_COLUMNS = (1, 16, 100, 1_000)
_SCALING_COLUMNS = (1, 16, 100)
_QUICK_BYTES = 32 * MIB


@dataclass(frozen=True)
class Plan:
    """How large and how long.

    Attributes
    ----------
    nbytes : int
        Size of x and y of the large problems.
    columns : tuple of int
        Values of d of the sweep.
    sweep_seconds : float
        For each problem of the sweep.
    rival_seconds : float
        For the comparison with the rivals.
    """

    nbytes: int
    columns: tuple[int, ...]
    sweep_seconds: float
    rival_seconds: float

    @property
    def sweep(self) -> Sweep:
        """One thread, every order and dtype."""
        return Sweep(self.columns, self.nbytes, (1,), seconds=self.sweep_seconds)

    @property
    def rivals(self) -> suite.Settings:
        """The comparison with the rivals: one thread, float32, C order."""
        large = (Shape.of_size(self.nbytes, d, "f32") for d in _RIVAL_COLUMNS)
        shapes = (TUTORIAL, _IN_L2, *large)
        return suite.Settings(shapes, seconds=self.rival_seconds, contenders=(peers.NATIVE, *_RIVALS))

    @property
    def steps(self) -> int:
        """How often `run` calls `tick`."""
        return self.sweep.steps + self.rivals.steps + len(_SCALING_COLUMNS)


def default_plan(*, quick: bool = False) -> Plan:
    """Beyond the last cache, in a few minutes; `quick` takes 32 MiB, which proves that it runs and little else."""
    columns = tuple(sorted({*COLUMNS, *ROUND_NEIGHBOURS, *ROUND_NEIGHBOURS.values()}))
    if quick:
        return Plan(_QUICK_BYTES, columns, sweep_seconds=0.02, rival_seconds=5)
    return Plan(beyond_cache_bytes(), columns, sweep_seconds=0.5, rival_seconds=50)


def run(plan: Plan, tick: Tick = lambda text: None) -> list[Verdict]:
    """Measure everything.

    Parameters
    ----------
    plan : Plan
    tick : callable
        Called with a line on what comes next, `Plan.steps` times.

    Returns
    -------
    list of Verdict
    """
    swept = []
    tick("read bandwidth")
    for row in measure(plan.sweep):
        swept.append(row)
        if len(swept) < plan.sweep.steps:
            tick(f"against read bandwidth, after {row.shape} {row.dtype} {row.order}")
    call, in_l2, *large = suite.run(plan.rivals, tick)
    return [
        *_against_bandwidth(swept),
        *_odd_shapes(swept),
        *_against_rivals(large),
        _within_l2(in_l2),
        *_call_overhead(call),
        _thread_scaling(plan.nbytes, tick),
    ]


def _against_bandwidth(rows: Sequence[Row]) -> Iterator[Verdict]:
    limits: tuple[tuple[Order, str, Callable[[int], bool], float], ...] = (
        ("C", "any d", lambda d: True, 0.8),
        ("F", "d ≤ 256", lambda d: d <= 256, 0.75),
        ("F", "d > 256", lambda d: d > 256, 0.6),
    )
    for order, words, covers, bound in limits:
        for dtype in DTYPE_NAMES:
            chosen = [r for r in rows if (r.order, r.dtype) == (order, dtype) and covers(r.shape.d)]
            yield _worst(f"{order} order, {words}, {dtype}, x in {_levels(chosen)}", chosen, bound)


def _odd_shapes(rows: Sequence[Row]) -> Iterator[Verdict]:
    for order in ORDERS:
        for dtype in DTYPE_NAMES:
            share = {r.shape.d: r.share_of_read for r in rows if (r.order, r.dtype) == (order, dtype)}
            ratios = {d: share[d] / share[near] for d, near in ROUND_NEIGHBOURS.items() if {d, near} <= share.keys()}
            if ratios:
                d = min(ratios, key=lambda d: ratios[d])
                measured = f"{ratios[d]:.2f} at d = {d:,} beside {ROUND_NEIGHBOURS[d]:,}"
                work = f"odd n and d over round ones, d ≥ 16, {order} order, {dtype}"
                yield Verdict(work, "≥ 0.85 of the neighbour", measured, ratios[d], 0.85)
            narrow = [r for r in rows if (r.order, r.dtype) == (order, dtype) and 1 < r.shape.d < _NARROW]
            if narrow:
                yield _worst(f"odd n, 1 < d < 16, {order} order, {dtype}", narrow, 0.6)


def _worst(work: str, rows: Sequence[Row], bound: float) -> Verdict:
    worst = min(rows, key=lambda r: r.share_of_read)
    shares = sorted(r.share_of_read for r in rows)
    measured = f"{worst.share_of_read:.2f} R at d = {worst.shape.d:,} (median {shares[len(shares) // 2]:.2f})"
    return Verdict(work, f"≥ {bound:.2f} R", measured, worst.share_of_read, bound)


def _against_rivals(rows: Sequence[Row]) -> Iterator[Verdict]:
    limits = {"numpy": (10.0, 2.5), "numpy_tutorial": (10.0, 2.5), "torch": (50.0, 3.0), "numba": (1.3, 1.3)}
    narrow, wide = [r for r in rows if r.shape.d == 1], [r for r in rows if r.shape.d >= _NARROW]
    for peer in _RIVALS:
        for words, chosen, bound in zip(("d = 1", "d ≥ 16"), (narrow, wide), limits[peer.name], strict=True):
            yield _times(peer, f"against {peer.title}, {words}, f32, x in {_levels(chosen)}", chosen, bound)


def _call_overhead(row: Row) -> Iterator[Verdict]:
    seconds = row.timings["native"].p50
    yield Verdict("one call on 4 samples", "≤ 0.5 µs", f"{seconds * 1e6:.2f} µs", seconds, 0.5e-6, at_most=True)
    for peer, bound in zip(_RIVALS, (10.0, 10.0, 60.0), strict=False):
        yield _times(peer, f"one call on 4 samples, against {peer.title}", [row], bound)


def _times(peer: peers.Peer, work: str, rows: Sequence[Row], bound: float) -> Verdict:
    if not all(peer.name in r.times_native for r in rows):
        return Verdict(work, f"≥ {bound:g}×", f"{peer.title} is not installed", float("nan"), bound)
    worst = min(rows, key=lambda r: r.times_native[peer.name])
    value = worst.times_native[peer.name]
    return Verdict(work, f"≥ {bound:g}×", f"{value:.1f}× at {worst.shape}", value, bound)


def _within_l2(row: Row) -> Verdict:
    rate = row.shape.x_bytes(row.dtype) / row.timings["native"].p50 / 1e9
    return Verdict(f"x in {row.level}: {row.shape}, f32", "≥ 100 GB/s of x", f"{rate:.0f} GB/s", rate, 100.0)


def _thread_scaling(nbytes: int, tick: Tick) -> Verdict:
    gains = {d: _gains(Shape.of_size(nbytes, d, "f32"), tick) for d in _SCALING_COLUMNS}
    d = min(gains, key=lambda d: gains[d][0] / gains[d][1])
    ours, read = gains[d]
    measured = f"{ours / read:.2f} at d = {d} ({ours:.2f}× where R gains {read:.2f}×)"
    if usable_cpus() < 2:
        measured = "needs 2 CPUs"
    return Verdict("2 threads against 1, f32", "≥ 0.8 of what R gains", measured, ours / read, 0.8)


def _gains(shape: Shape, tick: Tick) -> tuple[float, float]:
    """How many times faster 2 threads are than 1: gdfast, and the read probe."""
    tick(f"2 threads against 1, {shape}")
    dtype: DtypeName = "f32"
    problem = Arena(shape.arena_bytes(dtype)).problem(shape, dtype)
    calls = {"native": peers.NATIVE.prepare(problem), "read": peers.read_probe(problem).call}
    contenders = [
        Contender(f"{name}@{k}", call, partial(gdfast.set_num_threads, k))
        for name, call in calls.items()
        for k in (1, 2)
    ]
    with limited_to(2):
        measured: Measurement = compare(contenders, Effort(seconds=2.0, min_rounds=5))
    return measured.ratio("native@1", "native@2"), measured.ratio("read@1", "read@2")


def _levels(rows: Sequence[Row]) -> str:
    return "/".join(sorted({r.level for r in rows}))
