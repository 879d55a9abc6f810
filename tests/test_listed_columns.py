"""Columns of a table are walked one address a column: with the bits of the Fortran-order matrix of the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import gdfast

pa = pytest.importorskip("pyarrow")

KINDS = [np.float32, np.float64]
# Narrow and blocks of columns; less than a register, several runs.
SHAPES = [(n, d) for n in (1, 50, 9_001) for d in (1, 2, 3, 5, 9, 16, 17, 24, 41)]


def columns(n: int, d: int, kind: Any) -> Any:
    """In Fortran order. A row more is left out, so that a single row isn't one in C order, too."""
    return np.asfortranarray(np.random.default_rng(d).standard_normal((n + 1, d)).astype(kind))[:n]


def table(x: Any, cuts: list[int]) -> Any:
    """Each column in memory of its own; chunks end at other rows in every other one."""
    n = len(x)
    found = {}
    for j in range(x.shape[1]):
        ends = sorted({min(cut + 7 * (j % 2), n) for cut in cuts} | {n})
        pieces = [x[start:end, j].copy() for start, end in zip([0, *ends], ends, strict=False)]
        found[f"c{j}"] = pa.chunked_array([pa.array(piece) for piece in pieces if len(piece)])
    return pa.table(found)


def same(left: Any, right: Any) -> bool:
    return bool(left[0] == right[0] and np.array_equal(left[1][0], right[1][0]) and left[1][1] == right[1][1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cuts", [[], [1, 20, 3_000], list(range(100, 9_000, 100))], ids=["whole", "chunks", "many"])
def test_tables_have_the_bits_of_columns(kind: Any, cuts: list[int]) -> None:
    for n, d in SHAPES:
        x = columns(n, d, kind)
        lying = table(x, cuts)
        rng = np.random.default_rng(1)
        y, s, w = rng.standard_normal(n).astype(kind), rng.random(n).astype(kind), rng.standard_normal(d).astype(kind)
        for threads in (1, 3):
            gdfast.set_num_threads(threads)
            got = gdfast.loss_and_gradient(lying, y, w, 0.5, sample_weight=s)
            assert same(got, gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=s)), (n, d)
            assert np.array_equal(gdfast.forward(lying, w, 0.5), gdfast.forward(x, w, 0.5)), (n, d)
            assert np.array_equal(gdfast.gradient(lying, y, s), gdfast.gradient(x, y, s)), (n, d)


FORCED = """
import sys
sys.path.insert(0, {folder!r})
import test_listed_columns as t
import numpy as np, gdfast

np.random.seed(0)
for kind in t.KINDS:
    for n, d in ((1, 17), (37, 5), (1_003, 16), (1_003, 17), (5_001, 40), (9_001, 112)):
        x = t.columns(n, d, kind)
        y, s, w = (np.random.rand(k).astype(kind) for k in (n, n, d))
        for cuts in ([], [100, 3_000]):
            table = t.table(x, cuts)
            form = gdfast.fit(table, y, n_iters=1, learning_rate=1e-9, plan="stream").report.form
            got = gdfast.loss_and_gradient(table, y, w, 0.5, sample_weight=s)
            same = t.same(got, gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=s))
            print(form if same else f"{{form}} differs at {{n}}, {{d}}, {{cuts}}")
"""


@pytest.mark.parametrize("form", ["near_narrow_listed", "narrow_listed", "listed_strips", "listed_blocks"])
def test_every_form_of_listed_columns_gives_the_bits_of_columns(isa: str, form: str) -> None:
    env = os.environ | {"GDFAST_ISA": isa, "GDFAST_FORM": form, "PYTHONWARNINGS": "ignore"}
    code = FORCED.format(folder=os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=True
    )
    found = done.stdout.splitlines()
    assert [line for line in found if " " in line] == []
    assert found.count(form) >= 8


NARROW, WIDE = {"near_narrow_listed", "narrow_listed"}, {"listed_strips", "listed_blocks"}


@pytest.mark.parametrize(("d", "forms"), [(4, NARROW), (16, NARROW), (17, WIDE), (113, {"listed_blocks"})])
def test_what_lies_ready_takes_no_room(d: int, forms: set[str]) -> None:
    x = columns(300_000, d, np.float32)
    y = x @ np.ones(d, np.float32)
    options: dict[str, Any] = {"n_iters": 3, "learning_rate": 0.01, "plan": "stream", "tol": None}
    gdfast.set_num_threads(1)  # how many of several threads find work is a matter of chance, and so the room they take
    got, wanted = gdfast.fit(table(x, []), y, **options), gdfast.fit(x, y, **options)
    assert got.report.form in forms
    assert ("strips" in str(got.report.form)) == ("strips" in str(wanted.report.form))  # pay for both
    assert np.array_equal(got.w, wanted.w)
    assert got.report.peak_bytes < wanted.report.peak_bytes + 4_096
    assert got.report.copied_bytes == 0


def test_what_does_not_stays_in_the_cache() -> None:
    x = columns(300_000, 40, np.float64)
    mixed = table(x, [])
    for j in range(0, 40, 2):
        mixed = mixed.set_column(j, f"c{j}", pa.array((x[:, j] * 100).astype(np.int16)))
    fit = gdfast.fit(mixed, x[:, 1], n_iters=2, learning_rate=1e-7, plan="stream")
    assert fit.report.peak_bytes < 2**20 * (1 + gdfast.get_num_threads())
