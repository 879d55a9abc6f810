"""``gdfast bench --roofline``: gdfast's GB/s against the read bandwidth, for any d, order, dtype, ISA and threads."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import gdfast
from gdfast.bench import peers
from gdfast.bench.isa_process import lines_of
from gdfast.bench.machine import MIB, beyond_cache_bytes, usable_cpus
from gdfast.bench.measure import Contender, Effort, compare
from gdfast.bench.problems import Arena, DtypeName, Order, Shape
from gdfast.bench.report import Row, row_of
from gdfast.bench.suite import Tick
from gdfast.bench.threads import limited_to
from gdfast.bench.verify import check, loss_error, reference

COLUMNS = (1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 32, 33, 64, 100, 129, 257, 1_001, 4_096, 20_000)
_QUICK_COLUMNS = (1, 3, 7, 16, 33, 100, 1_001, 20_000)
_QUICK_BYTES = 64 * MIB
DTYPE_NAMES: tuple[DtypeName, ...] = ("f32", "f64")
ORDERS: tuple[Order, ...] = ("C", "F")
# Scalar code is far below the speed of any memory: what it computes on need not be beyond the caches, and a quarter
# of the size takes a quarter of the minutes.
_SCALAR_SHARE = 4


@dataclass(frozen=True)
class Sweep:
    """Problems of one size over many d.

    Attributes
    ----------
    columns : tuple of int
        The values of d.
    nbytes : int
        Size of x and y.
    threads : tuple of int
        Each problem is measured once with each of these.
    dtypes : tuple of {"f32", "f64"}
    orders : tuple of {"C", "F"}
    seconds : float
        Time for one problem and one number of threads.
    offsets : tuple of int
        Bytes from the start of a cache line to where x and y start: each problem is measured once with each of these.
    """

    columns: tuple[int, ...]
    nbytes: int
    threads: tuple[int, ...]
    dtypes: tuple[DtypeName, ...] = DTYPE_NAMES
    orders: tuple[Order, ...] = ORDERS
    seconds: float = 0.4
    offsets: tuple[int, ...] = (0,)

    @property
    def steps(self) -> int:
        """How many rows it gives."""
        kinds = len(self.dtypes) * len(self.orders) * len(self.offsets)
        return len(self.columns) * len(self.threads) * kinds


def default_sweep(*, quick: bool = False) -> Sweep:
    """All of `COLUMNS` beyond the last cache on 1 and on all CPUs; `quick` takes fewer at 64 MiB."""
    threads = tuple(sorted({1, usable_cpus()}))
    if quick:
        return Sweep(_QUICK_COLUMNS, _QUICK_BYTES, threads, seconds=0.1)
    return Sweep(COLUMNS, beyond_cache_bytes(), threads)


def measure(sweep: Sweep) -> Iterator[Row]:
    """Measure gdfast against the read probe in this process, on the ISA that it runs on.

    Each problem is checked against float64 before it is timed.

    Parameters
    ----------
    sweep : Sweep

    Yields
    ------
    Row
    """
    shapes = {(dtype, d): _shape(sweep.nbytes, d, dtype) for dtype in sweep.dtypes for d in sweep.columns}
    arena = Arena(max(shape.arena_bytes(dtype) for (dtype, _), shape in shapes.items()))
    for order, ((dtype, _), shape), offset in product(sweep.orders, shapes.items(), sweep.offsets):
        problem = arena.problem(shape, dtype, order, offset=offset)
        call, truth = peers.NATIVE.prepare(problem), reference(problem)
        error_used = check(peers.NATIVE.title, call, problem, truth)
        loss_errors = {"native": loss_error(call, truth)}
        for threads in sweep.threads:
            with limited_to(threads):
                timed = (Contender("native", call), peers.read_probe(problem))
                measured = compare(timed, Effort(seconds=sweep.seconds))
                yield row_of(problem, threads, measured, error_used, loss_errors)


def _shape(nbytes: int, d: int, dtype: DtypeName) -> Shape:
    # Whole registers everywhere for a d that fills them, tails everywhere for one that doesn't: n is odd then.
    shape = Shape.of_size(nbytes, d, dtype)
    return shape if d % 16 == 0 else Shape(shape.n - 1 + shape.n % 2, d)


def run(sweep: Sweep, isas: Sequence[str] | None = None, tick: Tick = lambda text: None) -> list[Row]:
    """Measure a sweep on several ISAs, each in a process of its own: the ISA is chosen when gdfast is loaded.

    Parameters
    ----------
    sweep : Sweep
    isas : sequence of str or None
        All that this CPU supports when None.
    tick : callable
        Called with a line on what comes next, once for every row.

    Returns
    -------
    list of Row

    Raises
    ------
    RuntimeError
        If a process fails; with the end of what it wrote.
    """
    if isas is None:
        isas = gdfast.config()["isas_supported"]
    return [row for isa in isas for row in _rows_from_process(sweep, isa, tick)]


def _rows_from_process(sweep: Sweep, isa: str, tick: Tick) -> Iterator[Row]:
    tick(f"{isa}: starting")
    if isa == "scalar":
        sweep = replace(sweep, nbytes=sweep.nbytes // _SCALAR_SHARE)
    for count, line in enumerate(lines_of("gdfast.bench.roofline", asdict(sweep), isa), start=1):
        row = Row.from_dict(line)
        if count < sweep.steps:
            tick(f"{isa}: after {row.shape} {row.dtype} {row.order}")
        yield row


def _main() -> None:
    """The process of one ISA: a sweep as JSON comes in as argument, rows as JSON go out, a line each."""
    fields: dict[str, Any] = json.loads(sys.argv[1])
    for name in ("columns", "threads", "dtypes", "orders", "offsets"):
        fields[name] = tuple(fields[name])
    for row in measure(Sweep(**fields)):
        print(json.dumps(row.as_dict()), flush=True)


if __name__ == "__main__":
    _main()
