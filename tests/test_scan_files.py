"""What can be wrong with files of a scan, whatever their kind: an error that names the file, and never a wrong sum."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import scans
from scans import NAMES, SOURCES, X, Y

parquet = pytest.importorskip("pyarrow.parquet")
ds = pytest.importorskip("pyarrow.dataset")

EXACT: dict[str, Any] = {"optimizer": "exact"}
KINDS = ["parquet", "ipc", "csv", "npy", "fortran", "dataset"]


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ValueError) as error:  # callers look at what it says
        call()
    return str(error.value)


def third(folder: Path) -> Path:
    """The third file."""
    return sorted(path for path in folder.rglob("*") if path.is_file())[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_changes_between_passes_is_named(kind: str, tmp_path: Path) -> None:
    scan, _, y, s = SOURCES[kind](tmp_path, np.float64)
    path = third(tmp_path)

    def touch(step: gdfast.Step) -> None:
        if step.iteration == 1:
            os.utime(path, ns=(1, 1))

    def fit() -> None:
        gdfast.fit(scan, y, sample_weight=s, optimizer="cg", plan="stream", n_iters=5, callback=touch)

    assert f"{path} has changed since the scan began: the passes would be over different data" in refused(fit)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_gone_between_passes_is_named(kind: str, tmp_path: Path) -> None:
    scan, _, y, s = SOURCES[kind](tmp_path, np.float64)
    path = third(tmp_path)

    def remove(step: gdfast.Step) -> None:
        if step.iteration == 1:
            path.unlink()

    def fit() -> None:
        gdfast.fit(scan, y, sample_weight=s, optimizer="cg", plan="stream", n_iters=5, callback=remove)

    assert str(path) in refused(fit)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_named(kind: str, tmp_path: Path) -> None:
    scan, _, y, s = SOURCES[kind](tmp_path, np.float64)
    path = third(tmp_path)
    content = path.read_bytes()
    end = content.rindex(b",") if kind == "csv" else len(content) * 2 // 3
    path.write_bytes(content[:end])

    def fit() -> None:
        again = scan if kind == "dataset" else gdfast.scan(str(tmp_path / f"*{path.suffix}"))
        gdfast.fit(again, y, sample_weight=s, **EXACT)

    assert str(path) in refused(fit)


def test_a_matrix_unlike_the_others_is_named(tmp_path: Path) -> None:
    scans.of_npy(tmp_path, np.float64)
    for unlike in (X[:9], np.zeros((9, 6), np.float32)):
        np.save(tmp_path / "2.npy", unlike)
        message = refused(lambda: gdfast.scan(str(tmp_path / "*.npy")))
        assert message.startswith(f"{tmp_path / '2.npy'} has {unlike.shape[1]} columns of {unlike.dtype}")
        assert "accepted are matrices that are alike" in message


@pytest.mark.parametrize("kind", ["parquet", "dataset"])
def test_columns_that_nobody_asks_for_are_not_read(kind: str, tmp_path: Path) -> None:
    """Those of all other columns may be damaged."""
    paths = [tmp_path / f"{k}.parquet" for k in range(2)]
    for path, rows in zip(paths, (slice(0, 500), slice(500, 1000)), strict=True):
        parquet.write_table(scans.table(rows), path)
        group = parquet.read_metadata(path).row_group(0)
        content = bytearray(path.read_bytes())
        for j in range(group.num_columns):
            chunk = group.column(j)
            if chunk.path_in_schema not in ("a", "c", "y"):
                start = chunk.dictionary_page_offset or chunk.data_page_offset
                content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
        path.write_bytes(content)
    source: Any = paths if kind == "parquet" else ds.dataset(tmp_path)
    scan = gdfast.scan(source, columns=["a", "c"])
    want = gdfast.fit(X[:, [0, 2]], Y, **EXACT)
    np.testing.assert_allclose(gdfast.fit(scan, "y", **EXACT).w, want.w, rtol=1e-9)
    with pytest.raises(ValueError, match=r"parquet.*can't be read"):
        gdfast.fit(gdfast.scan(source, columns=NAMES), "y", **EXACT)


@pytest.mark.parametrize("kind", ["files", "partitions", "datasets", "memory"])
def test_datasets_may_be_filtered(kind: str, tmp_path: Path) -> None:
    parts = [scans.table(slice(start, start + 250)) for start in range(0, 1000, 250)]
    for k, part in enumerate(parts):
        (tmp_path / f"part={k}").mkdir()
        parquet.write_table(part, tmp_path / f"part={k}" / "x.parquet", row_group_size=100)
    dataset = {
        "files": lambda: ds.dataset(sorted(tmp_path.rglob("*.parquet"))),
        "partitions": lambda: ds.dataset(tmp_path, partitioning="hive").filter(ds.field("part") >= 0),
        "datasets": lambda: ds.dataset([ds.dataset(path) for path in sorted(tmp_path.iterdir())]),
        "memory": lambda: ds.dataset(scans.pa.concat_tables(parts)),
    }[kind]()
    filtered = dataset.filter((ds.field("a") > 0) & (ds.field("s") < 1.5))
    kept = (X[:, 0] > 0) & (scans.S < 1.5)
    for options in (EXACT, {"optimizer": "cg", "plan": "stream"}):
        fit = gdfast.fit(gdfast.scan(filtered, columns=NAMES), "y", **options)
        np.testing.assert_allclose(fit.w, gdfast.fit(X[kept], Y[kept], **options).w, rtol=1e-6)
        assert fit.basis.n == kept.sum()
    assert filtered.count_rows() == kept.sum()
    with pytest.raises(ValueError, match="the scan has no rows"):
        gdfast.fit(gdfast.scan(dataset.filter(ds.field("s") > 9), columns=NAMES), "y", **EXACT)
