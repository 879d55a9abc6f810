"""Memory that scans take: two pieces and a constant; and four gigabytes of files in a process that may have one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

RunPython = Callable[..., str]

D, PER_FILE, FILES = 20, 3_000_000, 8  # 8 × 504 MB of numbers
GROUP = 250_000
W = np.arange(1.0, D + 1)

# Threads would reserve 64 to 128 MB of addresses each for what they allocate, or not, as it comes.
ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
import gdfast
name = sys.argv[2] if sys.argv[2] == "y" else int(sys.argv[2])
scan = gdfast.scan(sys.argv[1])
fit = gdfast.fit(scan, name, optimizer="exact")
loss, _ = gdfast.loss_and_gradient(scan, name, fit.w)
print(fit.report.bytes_read, loss, *fit.w)
"""


def rows(rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    matrix = rng.standard_normal((GROUP, D + 1))
    matrix[:, D] = matrix[:, :D] @ W + 0.1 * matrix[:, D]
    return matrix


MEASURED = """
import os, resource, sys
import numpy as np, pyarrow, pyarrow.parquet
import gdfast
small, large = gdfast.scan(sys.argv[1], piece_rows=20_000), gdfast.scan(sys.argv[2], piece_rows=20_000)
for plan in ("moments", "stream"):
    gdfast.fit(small, "y", optimizer="cg", plan=plan, n_iters=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for plan in ("moments", "stream"):
    gdfast.fit(large, "y", optimizer="cg", plan=plan, n_iters=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_memory_is_bounded_by_two_pieces(kind: str, tmp_path: Path, run_python: RunPython) -> None:
    """80 MB of data in pieces of 3.4 MB, after a run over 8 MB has brought in what every run needs."""
    rng = np.random.default_rng(0)
    names = []
    for n in (50_000, 500_000):
        matrix = rng.standard_normal((n, 21))
        names.append(tmp_path / f"{n}.{kind}")
        if kind == "npy":
            np.save(names[-1], matrix)
        else:
            columns = {("y" if j == 20 else f"x{j}"): matrix[:, j] for j in range(21)}
            parquet.write_table(pa.table(columns), names[-1], row_group_size=20_000)
    code = MEASURED.replace('"y"', "-1") if kind == "npy" else MEASURED
    grown = int(run_python(code, *names)) * 1024
    assert grown < 2 * 20_000 * 21 * 8 + 8 * 2**20


def test_a_limit_on_address_space_is_kept(tmp_path: Path, run_python: RunPython) -> None:
    """A matrix of 200 MB where no more than 100 MB may be mapped beside what the imports take."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((1_250_000, 20)))
    code = """
import resource, sys
import gdfast
scan = gdfast.scan(sys.argv[1])
gdfast.get_num_threads()
import threading; thread = threading.Thread(target=int); thread.start(); thread.join()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20, resource.RLIM_INFINITY))
print(gdfast.fit(scan, -1, optimizer="exact").report.passes)
"""
    assert run_python(code, tmp_path / "x.npy", env=ONE_ARENA) == "1.0\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_four_gigabytes_in_one(kind: str, tmp_path: Path, run_python: RunPython) -> None:
    """The files are names of one: what is read is what would be of eight."""
    first = tmp_path / f"0.{kind}"
    rng = np.random.default_rng(0)
    if kind == "npy":
        into = np.lib.format.open_memmap(first, mode="w+", dtype=np.float64, shape=(PER_FILE, D + 1))
        for start in range(0, PER_FILE, GROUP):
            into[start : start + GROUP] = rows(rng)
        del into
    else:
        names = [*(f"x{j}" for j in range(D)), "y"]
        schema = pa.schema([(name, pa.float64()) for name in names])
        with parquet.ParquetWriter(first, schema) as writer:
            for _ in range(0, PER_FILE, GROUP):
                writer.write_table(pa.table(dict(zip(names, rows(rng).T, strict=True))), row_group_size=GROUP)
    for k in range(1, FILES):
        os.link(first, tmp_path / f"{k}.{kind}")
    target = "y" if kind == "parquet" else "-1"
    read, loss, *w = map(float, run_python(LIMITED, f"{tmp_path}/*.{kind}", target, env=ONE_ARENA).split())
    assert read == FILES * PER_FILE * (D + 1) * 8 > 4e9
    assert loss == pytest.approx(0.01, rel=1e-2)
    np.testing.assert_allclose(w, W, atol=1e-3)
