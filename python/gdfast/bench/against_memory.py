"""How near gdfast comes to the speed of memory and caches: a part of ``gdfast bench --targets``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import gdfast
from gdfast.bench import peers, suite
from gdfast.bench.machine import usable_cpus
from gdfast.bench.measure import Contender, Effort, Measurement, compare
from gdfast.bench.problems import Arena, DtypeName, Shape
from gdfast.bench.report import Row
from gdfast.bench.roofline import DTYPE_NAMES, Sweep, measure
from gdfast.bench.threads import limited_to
from gdfast.bench.verdict import Verdict

Tick = Callable[[str], None]

# From where on rows are wide, in C order.
WIDE = 16
C_COLUMNS = (1, 2, 3, 5, 7, 8, 11, 13, 15, 16, 17, 24, 31, 33, 48, 64, 100, 129, 256, 400, 1_000, 4_096, 20_000)
F_COLUMNS = (2, 7, 16, 17, 33, 64, 100, 129, 256, 1_000, 4_096, 20_000)
# Where arrays start, in bytes from a cache line: as aligned allocators do, and as NumPy's own large ones.
OFFSETS = (0, 16)
_IN_L2 = {Shape(1_024, 16): 32.0, Shape(1_024, 64): 42.0, Shape(1_024, 100): 42.0}
_SCALING_COLUMNS = (1, 16, 100)


def in_c_order(columns: Sequence[int], nbytes: int, seconds: float) -> Sweep:
    """One thread, both dtypes and offsets; `seconds` for each problem."""
    return Sweep(tuple(columns), nbytes, (1,), orders=("C",), seconds=seconds, offsets=OFFSETS)


def in_fortran_order(columns: Sequence[int], nbytes: int, seconds: float) -> Sweep:
    """One thread, both dtypes."""
    return Sweep(tuple(columns), nbytes, (1,), orders=("F",), seconds=seconds)


def swept(sweep: Sweep, tick: Tick) -> list[Row]:
    """Measure a sweep; `tick` is called ``sweep.steps`` times."""
    rows = []
    tick(f"against read bandwidth, {sweep.orders[0]} order")
    for row in measure(sweep):
        rows.append(row)
        if len(rows) < sweep.steps:
            tick(f"against read bandwidth, after {row.shape} {row.dtype} {row.order}")
    return rows


def c_order(rows: Sequence[Row]) -> Iterator[Verdict]:
    """What a sweep in C order gave: each width, and the median of the wide ones."""
    for dtype in DTYPE_NAMES:
        own = [row for row in rows if row.dtype == dtype]
        groups = {
            "d = 1": ([row for row in own if row.shape.d == 1], 0.9),
            f"2 ≤ d < {WIDE}": ([row for row in own if 1 < row.shape.d < WIDE], 0.85),
            f"d ≥ {WIDE}": ([row for row in own if row.shape.d >= WIDE], 0.85),
        }
        for words, (chosen, bound) in groups.items():
            yield _worst(f"C order, {words}, {dtype}, offsets 0 and 16, x in {_levels(chosen)}", chosen, bound)
        yield _median(f"the same, d ≥ {WIDE}, {dtype}, median", groups[f"d ≥ {WIDE}"][0], 0.92)
    yield _sums(next(row for row in rows if (row.shape.d, row.dtype) == (1, "f32")))


def fortran_order(rows: Sequence[Row]) -> Iterator[Verdict]:
    """What a sweep in Fortran order gave."""
    bands = (("d ≤ 256", range(257), 0.78), ("256 < d ≤ 1,000", range(257, 1_001), 0.68), ("d > 1,000", None, 0.48))
    for words, columns, bound in bands:
        for dtype in DTYPE_NAMES:
            chosen = [
                row
                for row in rows
                if row.dtype == dtype and (row.shape.d in columns if columns else row.shape.d > 1_000)
            ]
            yield _worst(f"Fortran order, {words}, {dtype}, x in {_levels(chosen)}", chosen, bound)


def _worst(work: str, rows: Sequence[Row], bound: float) -> Verdict:
    worst = min(rows, key=lambda row: row.share_of_read)
    where = f"d = {worst.shape.d:,}" + (f", offset {worst.offset}" if worst.offset else "")
    measured = f"{worst.share_of_read:.2f} R at {where}"
    short = [row for row in rows if row.share_of_read < bound]
    if len(short) > 1:
        measured += f"; {len(short)} of {len(rows)} short"
    return Verdict(work, f"≥ {bound:.2f} R each", measured, worst.share_of_read, bound)


def _median(work: str, rows: Sequence[Row], bound: float) -> Verdict:
    share = statistics.median(row.share_of_read for row in rows)
    return Verdict(work, f"≥ {bound:.2f} R", f"{share:.2f} R", share, bound)


def _sums(row: Row) -> Verdict:
    error = row.loss_errors["native"]
    return Verdict(f"error of the loss, {row.shape} f32", "≤ 1e-7", f"{error:.1e}", error, 1e-7, at_most=True)


def _levels(rows: Sequence[Row]) -> str:
    return "/".join(sorted({row.level for row in rows}))


# --- in L2


def l2_settings(seconds: float) -> suite.Settings:
    """A thousand rows, beside both Numba loops."""
    numba = (peers.NUMBA, peers.PLAIN_NUMBA)
    return suite.Settings(tuple(_IN_L2), seconds=seconds, contenders=(peers.NATIVE, *numba))


def within_l2(rows: Sequence[Row]) -> Iterator[Verdict]:
    """What `l2_settings` gave."""
    for row in rows:
        bound = _IN_L2[row.shape]
        rate = row.shape.x_bytes(row.dtype) / row.timings["native"].p50 / 1e9
        yield Verdict(f"x in {row.level}: {row.shape}, f32", f"≥ {bound:g} GB/s of x", f"{rate:.0f} GB/s", rate, bound)
        yield _beside_numba(row)


def _beside_numba(row: Row) -> Verdict:
    ratios = [row.times_native[name] for name in ("numba", "numba_plain") if name in row.times_native]
    ratio = min(ratios, default=float("nan"))
    measured = f"{ratio:.2f}×" if ratios else "Numba is not installed"
    return Verdict(f"the same against the quicker Numba loop, {row.shape}", "≥ 1.3×", measured, ratio, 1.3)


# --- two threads

SCALING_STEPS = len(_SCALING_COLUMNS)


def thread_scaling(nbytes: int, tick: Tick) -> Verdict:
    """How much faster two threads are than one, beside the read probe; `tick` is called `SCALING_STEPS` times."""
    gains = {d: _gains(Shape.of_size(nbytes, d, "f32"), tick) for d in _SCALING_COLUMNS}
    d = min(gains, key=lambda d: gains[d][0] / gains[d][1])
    ours, read = gains[d]
    measured = f"{ours / read:.2f} at d = {d} ({ours:.2f}× where R gains {read:.2f}×)"
    value = ours / read
    if usable_cpus() < 2:
        measured, value = "needs 2 CPUs", float("nan")
    return Verdict("2 threads against 1, f32", "≥ 0.90 of what R gains", measured, value, 0.9)


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
