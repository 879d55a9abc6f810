"""How gdfast compares with what a user would take instead: a part of ``gdfast bench --targets``."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

import gdfast
from gdfast.bench import peers, suite
from gdfast.bench.measure import Contender, Effort, compare
from gdfast.bench.problems import Arena, Shape
from gdfast.bench.report import Row
from gdfast.bench.suite import TUTORIAL
from gdfast.bench.verdict import Verdict

COLUMNS = (1, 2, 3, 7, 16, 33, 100, 256, 1_000, 4_096)
# Where a cache's size can't be read.
_ASSUMED_L2, _ASSUMED_L3 = 1 << 20, 32 << 20
_CALLS = (TUTORIAL, Shape(1_000, 1))
CALL_STEPS = len(_CALLS)

# Of the rivals at d = 1 from memory, in a cache, and from two columns on.
_BOUNDS = {"numba_plain": (0.95, 0.7, 1.05), "torch": (20.0, 20.0, 1.9), "numpy": (3.0, 3.0, 1.6)}
_MEDIAN_OF_NUMBA = 1.3


def settings(columns: Sequence[int], nbytes: int, seconds: float) -> suite.Settings:
    """One thread, float32, C order: d = 1 within L2 and L3, then all widths beyond the caches."""
    config = gdfast.config()
    l2, l3 = int(config["l2_bytes"] or _ASSUMED_L2), int(config["l3_bytes"] or _ASSUMED_L3)
    cached = (Shape.of_size(l2 // 2, 1, "f32"), Shape.of_size(min(4 * l2, l3 // 2), 1, "f32"))
    large = (Shape.of_size(nbytes, d, "f32") for d in columns)
    return suite.Settings((*cached, *large), seconds=seconds)


def of_settings(rows: Sequence[Row]) -> Iterator[Verdict]:
    """What `settings` gave."""
    cached, memory, wide = list(rows[:2]), [rows[2]], list(rows[3:])
    for row in cached:
        share = row.share_of_read
        work = f"d = 1, {row.shape} f32, x in {row.level}, beside a sum over x and y"
        yield Verdict(work, "≥ 0.70 of its speed", f"{share:.2f}", share, 0.7)
    for peer in (peers.PLAIN_NUMBA, *peers.RIVALS[:2]):
        for chosen, bound in zip((memory, cached, wide), _BOUNDS[peer.name], strict=True):
            words = "d = 1" if chosen is not wide else "2 ≤ d"
            yield _worst(peer, f"against {peer.title}, {words}, f32, x in {_levels(chosen)}", chosen, bound)
    ratios = [row.times_native[peers.PLAIN_NUMBA.name] for row in wide if peers.PLAIN_NUMBA.name in row.times_native]
    if ratios:
        ratio = statistics.median(ratios)
        work = f"against {peers.PLAIN_NUMBA.title}, 2 ≤ d, f32, median"
        yield Verdict(work, f"≥ {_MEDIAN_OF_NUMBA:g}×", f"{ratio:.2f}×", ratio, _MEDIAN_OF_NUMBA)


def _worst(peer: peers.Peer, work: str, rows: Sequence[Row], bound: float) -> Verdict:
    target = f"≥ {bound:g}×"
    if not all(peer.name in row.times_native for row in rows):
        return Verdict(work, target, f"{peer.title} is not installed", float("nan"), bound)
    worst = min(rows, key=lambda row: row.times_native[peer.name])
    value = worst.times_native[peer.name]
    measured = f"{value:.2f}× at {worst.shape}, whose loss is off by {worst.loss_errors[peer.name]:.0e}"
    return Verdict(work, target, measured, value, bound)


def _levels(rows: Sequence[Row]) -> str:
    return "/".join(sorted({row.level for row in rows}))


# --- a call


def calls(seconds: float, tick: suite.Tick) -> Iterator[Verdict]:
    """A call on little data, whatever kind of number w is; `tick` is called `CALL_STEPS` times."""
    for shape in _CALLS:
        tick(f"a call, {shape}")
        problem = Arena(shape.arena_bytes("f32")).problem(shape)
        w = float(problem.w)
        kinds = {"float": w, "np.float32": np.float32(w), "np.float64": np.float64(w), "0-d array": np.array(w)}
        ways = {kind: partial(gdfast.loss_and_gradient, problem.x, problem.y, value) for kind, value in kinds.items()}
        numpy = Contender("NumPy", peers.RIVALS[0].prepare(problem))
        measured = compare([*(Contender(*way) for way in ways.items()), numpy], Effort(seconds=seconds))
        kind = max(ways, key=lambda name: measured.timing(name).p50)
        micros = measured.timing(kind).p50 * 1e6
        if shape == TUTORIAL:
            told = f"{micros:.3f} µs for w {kind}"
            yield Verdict(f"a call, {shape} f32", "≤ 0.25 µs, whatever w is", told, micros, 0.25, at_most=True)
        ratio, bound = measured.ratio("NumPy", kind), 15.0 if shape == TUTORIAL else 3.0
        told = f"{ratio:.1f}× ({micros:.3f} µs, w {kind})"
        yield Verdict(f"a call, {shape} f32, against NumPy", f"≥ {bound:g}×", told, ratio, bound)
