"""The table of measured and predicted times in docs/scans-and-clusters.md: `python docs/clusters.py` writes it anew.

Workers are processes of this machine with one thread each. What one thread does is measured first, and the cost model
says from it what 1, 2 and 4 of them do, of which no more work at once than there are cores.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gdfast

N, D, PARTITIONS = 2_000_000, 100, 32  # 800 MB of float32
WORKERS = (1, 2, 4)
PASS_S = 0.025  # what a pass costs beside its work
ROUNDS = 7

PAGE = Path(__file__).parent / "scans-and-clusters.md"
TABLE = re.compile(r"(<!-- clusters: begin -->\n).*?(<!-- clusters: end -->)", re.DOTALL)


class OneThread(NamedTuple):
    """What one thread does, in seconds a row."""

    moments: float
    row_of_a_pass: float

    def moments_of(self, n: int, at_once: int) -> float:
        """Of all rows: one round trip."""
        return PASS_S + n / at_once * self.moments

    def pass_of(self, n: int, at_once: int) -> float:
        return PASS_S + n / at_once * self.row_of_a_pass


def median(call: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Seconds that a call takes, without the first one."""
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def block(rows: int, seed: int) -> Any:
    """A partition, y in its last column."""
    return np.random.default_rng(seed).standard_normal((rows, D + 1), dtype=np.float32)


def one_thread() -> OneThread:
    """Of this machine, on rows that lie in memory."""
    rows = 2 * N // PARTITIONS
    both = block(rows, 0)
    x, y, w = np.ascontiguousarray(both[:, :D]), both[:, D].copy(), np.zeros(D, np.float32)
    before = gdfast.get_num_threads()
    gdfast.set_num_threads(1)
    try:
        moments = median(lambda: gdfast.Moments(D).update(x, y))
        one_pass = median(lambda: gdfast.loss_and_gradient(x, y, w, 0.0))
    finally:
        gdfast.set_num_threads(before)
    return OneThread(moments / rows, one_pass / rows)


def measured(workers: int) -> tuple[float, float]:
    """Seconds of one round of moments, and of a pass, over partitions that lie on the workers."""
    import dask
    import dask.array as da
    from distributed import Client, LocalCluster

    from gdfast._scan import sums
    from gdfast.dask.passes import ClusterPasses

    rows = N // PARTITIONS
    parts = [da.from_delayed(dask.delayed(block)(rows, k), (rows, D + 1), np.float32) for k in range(PARTITIONS)]
    both = da.concatenate(parts)
    w, backend = np.zeros(D, np.float32), gdfast.backend("native")
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        passes = ClusterPasses(client, both[:, :D], both[:, D])
        return (
            median(lambda: sums.moments(passes, backend)),
            median(lambda: sums.loss_and_gradient(passes, w, 0.0, backend)),
        )


def table() -> str:
    import os

    cores = len(os.sched_getaffinity(0))
    each = one_thread()
    lines = [
        f"{N:,} × {D} float32 in {PARTITIONS} partitions, {cores} cores; one thread takes {each.moments * 1e9:,.0f} ns "
        f"a row for moments and {each.row_of_a_pass * 1e9:,.1f} ns for a pass "
        f"({4e-9 * D / each.row_of_a_pass:.1f} GB/s).",
        "",
        "| workers | moments, measured | predicted | a pass, measured | predicted |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for workers in WORKERS:
        at_once = min(workers, cores)
        found = measured(workers)
        wanted = each.moments_of(N, at_once), each.pass_of(N, at_once)
        cells = [f"{seconds * 1e3:,.0f} ms" for pair in zip(found, wanted, strict=True) for seconds in pair]
        lines.append(f"| {workers} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    made = table()
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda found: found[1] + made + found[2], page), encoding="utf-8")
