"""What numbers are stored as changes no bit: x of any storage type gives what the converted array gives."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast import _core
from gdfast.storage import BFLOAT16, computed, widened

STORED = ["float16", "bfloat16", "bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
# Narrow, strips, rows in registers, columns; with rows enough for several runs and segments, or for not even one lane.
SHAPES = [(1, 1), (1, 7), (5, 1), (3000, 1), (5000, 3), (9001, 5), (5000, 16), (7001, 17), (4000, 21), (3000, 100)]

LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1, ::-1],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
}


def numbers(stored: str, n: int, d: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    if stored == "float16":
        return rng.standard_normal((n, d)).astype(np.float16)
    if stored == "bfloat16":
        bits = rng.standard_normal((n, d)).astype(np.float32).view(np.uint32) >> 16
        return bits.astype(np.uint16).view(BFLOAT16)
    if stored == "bool":
        return rng.random((n, d)) < 0.5
    limits = np.iinfo(stored)
    return rng.integers(limits.min, limits.max, (n, d), stored, endpoint=True)


def vectors(x: Any, seed: int = 1) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    n, d = x.shape
    kind = computed(x.dtype)
    return rng.standard_normal(n).astype(kind), rng.random(n).astype(kind), rng.standard_normal(d).astype(kind)


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(np.array_equal(left, right, equal_nan=True))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stored", STORED)
def test_every_function_has_the_bits_of_the_converted_array(stored: str, layout: str) -> None:
    for n, d in SHAPES:
        x = LAYOUTS[layout](numbers(stored, n, d))
        y, s, w = vectors(x)
        wide = np.asfortranarray(widened(x)) if layout == "Fortran" else np.ascontiguousarray(widened(x))
        for threads in (1, 3):
            gdfast.set_num_threads(threads)
            assert equal(
                gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=s),
                gdfast.loss_and_gradient(wide, y, w, 0.5, sample_weight=s),
            ), (n, d)
            assert equal(gdfast.forward(x, w, 0.5), gdfast.forward(wide, w, 0.5)), (n, d)
            assert equal(gdfast.gradient(x, y, s), gdfast.gradient(wide, y, s)), (n, d)
            assert equal(_core.moments(x, y, s)[:2], _core.moments(wide, y, s)[:2]), (n, d)


FITS: dict[str, dict[str, Any]] = {
    "exact": {"optimizer": "exact"},
    "gd": {"n_iters": 50, "standardize": True},
    "gd, streamed": {"n_iters": 50, "standardize": True, "plan": "stream"},
    "batches": {"n_iters": 2, "batch_size": 100, "rng": 3, "learning_rate": 1e-40},
}


@pytest.mark.parametrize("case", FITS)
@pytest.mark.parametrize("stored", STORED)
def test_fits(stored: str, case: str) -> None:
    x = numbers(stored, 4000, 9)
    y, s, _ = vectors(x)
    options: dict[str, Any] = {"fit_intercept": True, "sample_weight": s, **FITS[case]}
    got, wanted = gdfast.fit(x, y, **options), gdfast.fit(widened(x), y, **options)
    assert equal((got.w, got.b, got.loss), (wanted.w, wanted.b, wanted.loss))


@pytest.mark.parametrize("stored", STORED)
def test_the_references_agree(backend: Any, stored: str) -> None:
    x = numbers(stored, 300, 6)
    y, s, w = vectors(x)
    wanted = gdfast.loss_and_gradient(widened(x).astype(np.float64), y, w, 0.5, sample_weight=s)
    loss, (grad_w, grad_b) = backend.loss_and_gradient(x, y, w, 0.5, sample_weight=s)
    close = 1e-4 if computed(x.dtype) == np.float32 else 1e-12
    assert loss == pytest.approx(wanted[0], rel=close)
    assert grad_w.dtype == computed(x.dtype)
    scale = np.abs(wanted[1][0]).max() + abs(wanted[1][1])
    assert np.abs(np.append(grad_w, grad_b) - np.append(*wanted[1])).max() <= close * scale


def test_every_half_is_what_numpy_says() -> None:
    """All 65,536 of them: subnormal ones, infinities, and NaNs as such."""
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    for x in (halves, np.repeat(halves, 2)[::2]):
        got = gdfast.forward(x, 1.0)
        assert got.dtype == np.float32
        assert np.array_equal(got, halves.astype(np.float32), equal_nan=True)


def test_every_bfloat16_is_the_upper_half_of_a_float32() -> None:
    bits = np.arange(2**16, dtype=np.uint16)
    wanted = (bits.astype(np.uint32) << 16).view(np.float32)
    assert np.array_equal(gdfast.forward(bits.view(BFLOAT16), 1.0), wanted, equal_nan=True)


@pytest.mark.parametrize("stored", ["int64", "uint64"])
def test_integers_beyond_float64_are_rounded_once(stored: str) -> None:
    limits = np.iinfo(stored)
    x = np.tile(np.array([limits.max, limits.max - 1, 2**53 + 1, 2**53 + 3, limits.min], stored), 4000)
    assert np.array_equal(gdfast.forward(x, 1.0), x.astype(np.float64))


@pytest.mark.parametrize("n", [3, 300])
def test_tensors_of_short_floats(n: int) -> None:
    torch = pytest.importorskip("torch")
    x, y, w = torch.randn(n, 100), np.ones(n, np.float32), np.ones(100, np.float32)
    for short in (x.half(), x.bfloat16()):
        got = gdfast.loss_and_gradient(short, y, w)
        assert equal(got, gdfast.loss_and_gradient(short.float(), y, w))


def test_no_copy_of_x_is_made() -> None:
    x = numbers("int16", 200_000, 20)
    y, s, w = vectors(x)
    tracemalloc.start()
    gdfast.loss_and_gradient(x, y, w, 0.5, sample_weight=s)
    gdfast.fit(x, y, sample_weight=s, optimizer="exact", fit_intercept=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 4
