"""Every instruction set this CPU runs: chosen when asked for, right, and equal to the others to the last bit.

The ISA is chosen at import. So each gets one process, this file run as a script, that works through all problems and
reports; the tests compare the reports.
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
import oracle
from conftest import RunPython

ISAS: list[str] = gdfast.config()["isas_supported"]

# Small: the scalar variant computes each FMA in software where the compiler may not assume the instruction.
SHAPES = [(n, d) for n in (1, 15, 16, 17, 33, 130) for d in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100)]
MANY_SHAPES = [(n, d) for n in (1, 2, 3, 16, 31, 65, 257) for d in range(1, 41)]
# Up to the last byte before a page that can't be read.
WALLED_SHAPES = [(n, d) for n in (1, 3, 16, 17, 35, 140) for d in (*range(1, 23), 31, 33, 40, 257)]
TALL_SHAPES = [(1025, 1), (1025, 7), (1025, 16), (4097, 3), (4097, 17), (3, 4097), (40, 1000)]
THREADED_SHAPES = [(60_001, 3), (9_001, 17), (35_003, 33), (501, 300)]
THREADS = [1, 2, 3, 7, 16]


def bits(value: Any) -> bytes:
    if isinstance(value, tuple):
        return b"".join(map(bits, value))
    return np.ascontiguousarray(value).tobytes()


def problems() -> Any:
    """(key, x, y, w) of everything that the variants must agree on."""
    for dtype in ("float32", "float64"):
        for name, layout in oracle.LAYOUTS.items():
            shapes = SHAPES + TALL_SHAPES + (MANY_SHAPES if name in ("c", "f") else [])
            for n, d in shapes:
                values, y, w = oracle.normal(n, d, dtype)
                yield f"{dtype} {name} {n} x {d}", layout(values), y, w
        for n, d in WALLED_SHAPES:
            x, y, w = map(oracle.walled, oracle.normal(n, d, dtype))
            yield f"{dtype} walled c {n} x {d}", x, y, w
            yield f"{dtype} walled f {n} x {d}", oracle.walled(np.ascontiguousarray(x.T)).T, y, w
            wider = oracle.walled(np.concatenate([np.zeros((n, 3), dtype), x], axis=1))
            yield f"{dtype} walled {n} x last {d} of {d + 3}", wider[:, 3:], y, w
            yield f"{dtype} walled {n} x {d} column", wider[:, -1], y, float(w[-1])
        for name, layout in oracle.LAYOUTS_1D.items():
            for n in (*range(1, 40), 255, 256, 257, 1025, 4097):
                values, y, w = oracle.normal(n, None, dtype)
                yield f"{dtype} {name} {n}", layout(values), y, w


def compute(x: Any, y: Any, w: Any) -> tuple[bytes, bool]:
    """The bits of all five functions' results, and whether they are within the bound."""
    s = oracle.walled(np.linspace(0.5, 1.5, len(y)).astype(y.dtype))
    plain = gdfast.loss_and_gradient(x, y, w)
    full = gdfast.loss_and_gradient(x, y, w, 0.375, sample_weight=s, reduction="sum")
    y_pred = gdfast.forward(x, w, 0.375)
    alone = gdfast.loss(y, y_pred), gdfast.gradient(x, y, y_pred)
    right = (
        oracle.error_share(plain, oracle.solve(x, y, w)) <= 1
        and oracle.error_share(full, oracle.solve(x, y, w, 0.375, s, "sum")) <= 1
        and oracle.error_share(alone, oracle.solve_given(x, y, y_pred)) <= 1
        and oracle.share(y_pred, *oracle.predict(x, w, 0.375)) <= 1
    )
    return bits((plain, full, y_pred, alone)), right


def trajectory(dtype: str, d: int | None) -> bytes:
    x, y, _ = oracle.normal(300, d, dtype)
    fit = gdfast.fit(x, y, fit_intercept=True, learning_rate=0.05, n_iters=20)
    return bits((fit.w, fit.b, fit.losses))


def path_of(l1_ratio: float, d: int) -> bytes:
    """Of columns that depend on one another, so that many sweeps are made."""
    x, y, _ = oracle.normal(200, d, "float64")
    found = gdfast.path(x @ (np.eye(d) + 0.5), y, folds=3, l1_ratio=l1_ratio, n_penalties=30)
    return bits((found.coefs, found.intercepts, found.cv_loss))


def threaded() -> Any:
    """(key, bits) of problems large enough to be shared among threads."""
    for dtype in ("float32", "float64"):
        for n, d in THREADED_SHAPES:
            x, y, w = oracle.normal(n, d, dtype)
            for order, arranged in (("C", x), ("F", np.asfortranarray(x))):
                for k in THREADS:
                    gdfast.set_num_threads(k)
                    yield f"{dtype} {order} {n} x {d} {k} threads", bits(gdfast.loss_and_gradient(arranged, y, w, 0.5))


def work() -> dict[str, Any]:
    """What the process of one ISA does."""
    digests, wrong = {}, []
    for key, x, y, w in problems():
        result, right = compute(x, y, w)
        digests[key] = result
        if not right:
            wrong.append(key)
    digests |= dict(threaded())
    digests |= {f"fit {t} {d}": trajectory(t, d) for t in ("float32", "float64") for d in (None, 3, 16, 40)}
    digests |= {f"path {ratio} {d}": path_of(ratio, d) for ratio in (0.0, 0.5, 1.0) for d in (1, 7, 16, 45)}
    hashed = {key: hashlib.sha256(value).hexdigest()[:16] for key, value in digests.items()}
    return {"isa": gdfast.config()["isa"], "wrong": wrong, "digests": hashed}


@functools.cache
def report(isa: str) -> dict[str, Any]:
    env = os.environ | {"GDFAST_ISA": isa}
    done = subprocess.run([sys.executable, __file__], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def test_the_forced_isa_is_the_running_one(isa: str) -> None:
    assert report(isa)["isa"] == isa


def test_every_problem_is_within_the_bound(isa: str) -> None:
    assert report(isa)["wrong"] == []


def test_every_isa_gives_the_same_bits(isa: str) -> None:
    want, got = report(ISAS[-1])["digests"], report(isa)["digests"]
    assert len(got) > 1500
    assert [key for key in want if got[key] != want[key]] == []


def test_every_thread_count_gives_the_same_bits(isa: str) -> None:
    digests = report(isa)["digests"]
    for key in digests:
        if key.endswith(" 1 threads"):
            stem = key.removesuffix(" 1 threads")
            assert {digests[f"{stem} {k} threads"] for k in THREADS} == {digests[key]}, stem


def test_the_best_supported_isa_runs_by_default(run_python: RunPython) -> None:
    out = run_python("import gdfast; c = gdfast.config(); print(c['isa'], c['isas_supported'][0])")
    running, best = out.split()
    assert running == best


def test_supported_isas_are_compiled_ones() -> None:
    config = gdfast.config()
    assert set(config["isas_supported"]) <= set(config["isas_compiled"])
    assert "scalar" in config["isas_supported"]


@pytest.mark.parametrize("name", ["sse9", "AVX2 ", "avx", "native", "0", *({"neon", "avx2"} - set(ISAS))])
def test_an_unknown_or_unsupported_isa_does_not_import(run_python: RunPython, name: str) -> None:
    """The message names what was asked for and everything that could be."""
    code = """
try:
    import gdfast
except ImportError as error:
    print(error)
else:
    raise SystemExit("imported")
"""
    message = run_python(code, env={"GDFAST_ISA": name})
    assert "GDFAST_ISA" in message
    assert name in message
    assert all(isa in message for isa in ISAS)


def test_an_empty_choice_is_no_choice(run_python: RunPython) -> None:
    out = run_python("import gdfast; print(gdfast.config()['isa'])", env={"GDFAST_ISA": ""})
    assert out.strip() == ISAS[0]


if __name__ == "__main__":
    json.dump(work(), sys.stdout)
