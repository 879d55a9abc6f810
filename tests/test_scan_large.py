"""Four gigabytes of files in a process that may have one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

D, PER_FILE, FILES = 20, 3_000_000, 8  # 8 × 504 MB of numbers
GROUP = 250_000
W = np.arange(1.0, D + 1)

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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_four_gigabytes_in_one(kind: str, tmp_path: Path, run_python: Callable[..., str]) -> None:
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
    read, loss, *w = map(float, run_python(LIMITED, f"{tmp_path}/*.{kind}", "y" if kind == "parquet" else "-1").split())
    assert read == FILES * PER_FILE * (D + 1) * 8 > 4e9
    assert loss == pytest.approx(0.01, rel=1e-2)
    np.testing.assert_allclose(w, W, atol=1e-3)
