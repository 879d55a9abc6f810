"""Every form of the kernel that is possible for a problem gives the same bits.

Run as a program it prints the digests of many problems, and the forms that ran, as GDFAST_ISA and GDFAST_FORM say.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import gdfast
from conftest import RunPython

ROW_FORMS = (
    "cached_narrow_rows",
    "near_narrow_rows",
    "narrow_rows",
    "cached_rows",
    "far_rows",
    "abreast_rows",
    "held_rows",
    "rows",
)
COLUMN_FORMS = (
    "cached_narrow_columns",
    "near_narrow_columns",
    "narrow_columns",
    "column_strips",
    "kept_strips",
    "long_columns",
    "column_blocks",
)
# From one row to segments of unequal lengths, with and without a register's remainder; in L2 and beyond.
SHAPES = (
    *(
        (n, d)
        for n in (1, 37, 1_003)
        for d in (1, 2, 3, 5, 8, 15, 16, 17, 20, 21, 33, 64, 80, 129, 257, 300, 600, 4_100)
    ),
    *((1_200_000 // d + 5, d) for d in (1, 2, 4, 7, 15, 16, 20, 21, 24, 31, 33, 48, 64, 80, 81, 100, 129, 257)),
    *((1_500_000 // d + 17, d) for d in (300, 600, 1_000, 4_100)),
)


def problems() -> Any:
    numbers = np.random.default_rng(0).standard_normal(4_200_000)
    # The scalar kernels are the same text, and slow: every second shape, in turns, so that each d is among them.
    scalar = os.environ.get("GDFAST_ISA") == "scalar"
    shapes = [shape for k, shape in enumerate(SHAPES) if not scalar or (k + k // 18) % 2]
    for dtype in (np.float32, np.float64):
        values = numbers.astype(dtype)
        for n, d in shapes:
            for order in "CF":
                x = np.reshape(values[3 : 3 + n * d], (n, d), order=order)  # type: ignore[call-overload]
                for weighted in (False, True):
                    s = np.abs(values[-n:]) if weighted else None
                    yield f"{np.dtype(dtype)} {n} {d} {order} {weighted}", x, values[5 : 5 + n], values[:d], s


def digests() -> dict[str, list[str]]:
    found = {}
    for key, x, y, w, s in problems():
        loss, (grad_w, grad_b) = gdfast.loss_and_gradient(x, y, w, 0.25, sample_weight=s)
        bits = hashlib.sha256(np.array([loss, grad_b]).tobytes() + grad_w.tobytes()).hexdigest()[:16]
        form = gdfast.fit(x, y, n_iters=1, learning_rate=1e-9, plan="stream", sample_weight=s).report.form
        found[key] = [bits, str(form)]
    return found


@functools.cache
def report(isa: str, form: str) -> dict[str, list[str]]:
    env = os.environ | {"GDFAST_ISA": isa, "GDFAST_FORM": form, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, __file__], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, list[str]] = json.loads(done.stdout)
    return parsed


@pytest.mark.parametrize("form", [*ROW_FORMS, *COLUMN_FORMS])
def test_every_form_gives_the_same_bits(isa: str, form: str) -> None:
    """A forced form runs where it is possible, and only there."""
    if form == "held_rows" and isa != "avx512":
        pytest.skip("no other instruction set has registers enough")
    want, got = report(isa, ""), report(isa, form)
    assert [key for key in want if got[key][0] != want[key][0]] == []
    assert 20 <= [name for _, name in got.values()].count(form) < len(got)


LONG_SEGMENTS = """
import hashlib
import numpy as np
import gdfast

rng = np.random.default_rng(1)
for n, d, dtype in ((40_000, 600, np.float32), (30_000, 400, np.float64)):
    x = rng.standard_normal((d, n), dtype).T
    loss, grad = gdfast.loss_and_gradient(x, x[:, 0] + x[:, 1], rng.standard_normal(d, dtype))
    print(loss, hashlib.sha256(grad.tobytes()).hexdigest())
"""


def test_sums_go_on_over_blocks_that_are_shorter_than_they(isa: str) -> None:
    """Only where a segment of columns is longer than a block, whose rows stay in L2, and a block shorter than a sum."""
    found = set()
    for form in ("column_blocks", "long_columns"):
        env = os.environ | {"GDFAST_ISA": isa, "GDFAST_FORM": form}
        command = [sys.executable, "-c", LONG_SEGMENTS]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=True)
        found.add(done.stdout)
    assert len(found) == 1


READS = """
import numpy as np
import gdfast

rng = np.random.default_rng(2)
x = np.asfortranarray(rng.standard_normal((3_000, 300)))
s = np.ones(len(x))
report = gdfast.fit(x, x[:, 0].copy(), n_iters=4, learning_rate=1e-9, plan="stream", sample_weight=s).report
print(report.form, report.bytes_read / (5 * len(x) * 8))
"""


@pytest.mark.parametrize(("form", "numbers_a_row"), [("column_blocks", 302), ("long_columns", 602)])
def test_a_report_counts_what_its_form_reads(run_python: RunPython, form: str, numbers_a_row: int) -> None:
    """Long columns are read twice from memory, targets and weights once."""
    out = run_python("import warnings; warnings.simplefilter('ignore')" + READS, env={"GDFAST_FORM": form})
    assert out.split() == [form, f"{numbers_a_row}.0"]


def test_large_problems_choose_the_form_for_them(isa: str) -> None:
    """Beyond any L2: four segments at once, or rows that are far apart by themselves."""
    code = "; ".join(
        ["import gdfast, numpy as np"]
        + [
            f"x = np.zeros({shape}, np.float32)"
            "; print(gdfast.fit(x, x[:, 0], n_iters=1, learning_rate=1e-9, plan='stream').report.form)"
            for shape in ((1_000_000, 40), (4_000, 8_000))
        ]
    )
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"GDFAST_ISA": isa},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert out.stdout.split() == ["abreast_rows", "far_rows"]


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7, 15, 19])
@pytest.mark.parametrize("weighted", [False, True])
def test_pieces_change_no_bit(dtype: np.dtype[Any], d: int, weighted: bool) -> None:
    """Vectors that don't lie ready are taken a few thousand rows at a time, and gaps between rows forbid reading on."""
    for n in (2_048, 2_049, 4_100, 6_144):
        numbers = np.random.default_rng(n).standard_normal((n, d + 4)).astype(dtype)
        x, w, s = numbers[:, :d], np.full(d, 0.3, dtype), np.abs(numbers[:, d]) if weighted else None
        found = [
            gdfast.loss_and_gradient(rows, y, w, 0.1, sample_weight=s)
            for rows in (x, x.copy())
            for y in (numbers[:, d + 1], numbers[:, d + 1].copy())
        ]
        bits = {np.array([loss, b]).tobytes() + grad.tobytes() for loss, (grad, b) in found}
        assert len(bits) == 1


def test_an_unknown_form_does_not_import(run_python: RunPython) -> None:
    code = """
try:
    import gdfast
except ImportError as error:
    print(error)
else:
    raise SystemExit("imported")
"""
    message = run_python(code, env={"GDFAST_FORM": "fast"})
    assert "GDFAST_FORM=fast" in message
    assert all(form in message for form in [*ROW_FORMS, *COLUMN_FORMS])


def test_moments_and_references_have_no_form() -> None:
    x, y = [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]
    assert gdfast.fit(x, y, plan="moments").report.form is None
    assert gdfast.fit(x, y, plan="stream", backend="numpy").report.form is None


if __name__ == "__main__":
    json.dump(digests(), sys.stdout)
