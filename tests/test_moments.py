"""Moments: exact where they can be, within a bound elsewhere, and the same bits everywhere."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gdfast
import oracle
from gdfast import _core, optimum
from gdfast.backends.moments import moments as reference
from gdfast.descent import Gram

ISAS: list[str] = gdfast.config()["isas_supported"]
# Both sides of every form, strip and block: few columns to 4, strips of 8, one matrix from 127 columns on.
COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 64, 100, 126, 127, 129, 257]
ROWS = [1, 2, 7, 8, 9, 63, 127, 128, 129, 517]
THREADS = [1, 2, 3, 7]
Array = NDArray[Any]


def plain(x: Array, y: Array, s: Array | None = None, dtype: Any = np.float64) -> Array:
    """The formula."""
    z = np.column_stack([x.reshape(len(x), -1), np.ones(len(x), x.dtype), y]).astype(dtype)
    weighted = z if s is None else s[:, np.newaxis].astype(dtype) * z
    gram: Array = weighted.T @ z
    return gram


def sums_of(x: Array, y: Array, s: Array | None = None) -> Gram:
    """As they are summed: about an origin near the data."""
    matrix, origin, _, _ = _core.moments(x, y, s)
    return Gram(matrix, origin)


def gram_of(x: Array, y: Array, s: Array | None = None) -> Array:
    """The same about 0."""
    with np.errstate(all="ignore"):
        return optimum.moved(sums_of(x, y, s))


def bits_of(x: Array, y: Array, s: Array | None = None) -> bytes:
    matrix, origin = sums_of(x, y, s)
    return matrix.tobytes() + origin.tobytes()


# --- right ---


@pytest.mark.parametrize("d", COLUMNS)
def test_integers_are_exact(dtype: np.dtype[Any], d: int) -> None:
    for n in ROWS:
        x, y, _ = oracle.integers(n, d, dtype)
        s = np.arange(n).astype(dtype) % 3
        for order in "CF":
            arranged = np.asarray(x, order=order)  # type: ignore[call-overload]
            np.testing.assert_array_equal(gram_of(arranged, y), plain(x, y), str((n, order)))
            np.testing.assert_array_equal(gram_of(arranged, y, s), plain(x, y, s), str((n, order)))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8, 17, 33, 130])
def test_every_layout_is_exact_and_has_the_same_bits(
    layout: oracle.Layout, layout_1d: oracle.Layout, dtype: np.dtype[Any], d: int
) -> None:
    """Everything is packed to the same panels, so not even the layout shows."""
    n = 300 if d < 100 else 50
    x, y, _ = oracle.integers(n, d, dtype)
    view, vector = layout(x), layout_1d(y)
    s = layout_1d(np.arange(n).astype(dtype) % 3)
    np.testing.assert_array_equal(gram_of(view, vector, s), plain(view, vector, s))
    x = oracle.normal(n, d, dtype).x
    same = layout(x)
    assert bits_of(same, y) == bits_of(np.ascontiguousarray(same), y)


def test_one_dimensional_x(layout_1d: oracle.Layout, dtype: np.dtype[Any]) -> None:
    for n in (1, 7, 300, 5000):
        x, y, _ = oracle.integers(n, None, dtype)
        view = layout_1d(x)
        np.testing.assert_array_equal(gram_of(view, y), plain(view, y))


@pytest.mark.parametrize(("n", "d"), [(3, 4), (50_000, 1), (20_000, 3), (9_000, 16), (3_000, 65), (1_500, 140)])
@pytest.mark.parametrize("weighted", [False, True])
def test_error_is_bounded_component_by_component(dtype: np.dtype[Any], n: int, d: int, weighted: bool) -> None:
    """A chain of 128 FMAs, then sums of at most 64 and 128 terms: below 40 units in the last place, of random signs."""
    x, y, _ = oracle.normal(n, d, dtype)
    x += 1000  # far from the origin: products are large, their sums don't cancel
    s = np.linspace(0.5, 1.5, n).astype(dtype) if weighted else None
    sums = sums_of(x, y, s)
    about = x.astype(np.longdouble) - sums.origin[:-1], y.astype(np.longdouble) - sums.origin[-1]
    want = plain(*about, s, np.longdouble)
    sizes = plain(abs(about[0]), abs(about[1]), s, np.longdouble)
    eps = 20 * np.finfo(np.float64).eps
    assert oracle.share(sums.matrix, want.reshape(-1), eps * sizes.reshape(-1)) <= 1
    whole = plain(abs(x), abs(y), s, np.longdouble)
    assert oracle.share(gram_of(x, y, s), plain(x, y, s, np.longdouble).reshape(-1), eps * whole.reshape(-1)) <= 1


def test_equal_terms_do_not_drift(dtype: np.dtype[Any]) -> None:
    """Their roundings all go one way: the worst case for a long chain."""
    n = 3_000_000
    value = dtype.type(0.1)
    gram = gram_of(np.full((n, 1), value), np.full(n, value))
    assert gram[0, 0] == pytest.approx(n * float(value) ** 2, rel=1e-14)
    assert gram[1, 1] == n


def test_vectors_of_another_dtype_are_rounded_to_that_of_x() -> None:
    x = np.array([[1.0], [2.0]], np.float32)
    y = np.array([0.1, 0.2])
    assert bits_of(x, y, y) == bits_of(x, y.astype(np.float32), y.astype(np.float32))
    assert gram_of(x, y)[2, 2] != gram_of(x.astype(float), y)[2, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("d", [1, 3, 8, 11, 130])
def test_what_is_not_finite_reaches_all_it_belongs_to_and_no_more(dtype: np.dtype[Any], value: float, d: int) -> None:
    n = 150
    x, y, _ = oracle.integers(n, d, dtype)
    clean = plain(x, y)
    for i in (0, 77, n - 1):
        for j in {0, d // 2, d - 1}:
            spoilt = x.copy()
            spoilt[i, j] = value
            got = gram_of(spoilt, y)
            rest = np.delete(np.arange(d + 2), j)
            np.testing.assert_array_equal(got[np.ix_(rest, rest)], clean[np.ix_(rest, rest)])
            assert not np.isfinite(got[j, [j, d]]).any()
    spoilt = y.copy()
    spoilt[5] = value
    got = gram_of(x, spoilt)
    np.testing.assert_array_equal(got[:-1, :-1], clean[:-1, :-1])
    assert not np.isfinite(got[-1, -2:]).any()


def test_the_reference_agrees(dtype: np.dtype[Any]) -> None:
    for n, d in [(1, 1), (70_000, 3), (200, 40)]:
        x, y, _ = oracle.integers(n, d, dtype)
        s = np.arange(n).astype(dtype) % 3
        for weights in (None, s):
            want, native = reference(x, y, weights), _core.moments(x, y, weights)
            np.testing.assert_array_equal(optimum.moved(Gram(*want[:2])), optimum.moved(Gram(*native[:2])))
            assert want[2] == native[2]  # bytes read
        np.testing.assert_array_equal(optimum.moved(Gram(*reference(x[:, 0], y)[:2])), gram_of(x[:, 0], y))


# --- the same everywhere ---


def problems() -> Any:
    """(key, x, y, s) whose bits mustn't depend on ISA, threads or alignment."""
    for dtype in ("float32", "float64"):
        for d in COLUMNS:
            for n in (5, 140, 700 if d < 100 else 300):
                x, y, _ = oracle.normal(n, d, dtype)
                s = np.linspace(0.5, 1.5, n).astype(dtype)
                for order in "CF":
                    arranged = np.asarray(x, order=order)  # type: ignore[call-overload]
                    yield f"{dtype} {order} {n} x {d}", arranged, y, None
                    yield f"{dtype} {order} {n} x {d} weighted", arranged, y, s


def digest(x: Array, y: Array, s: Array | None = None) -> str:
    return hashlib.sha256(bits_of(x, y, s)).hexdigest()[:16]


@functools.cache
def report(isa: str) -> dict[str, Any]:
    """What `work` prints in a process with that ISA: it is chosen at import."""
    env = os.environ | {"GDFAST_ISA": isa}
    done = subprocess.run([sys.executable, __file__], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def work() -> dict[str, Any]:
    return {"isa": gdfast.config()["isa"], "digests": {key: digest(x, y, s) for key, x, y, s in problems()}}


def test_every_isa_gives_the_same_bits(isa: str) -> None:
    assert report(isa)["isa"] == isa
    want, got = report(ISAS[0])["digests"], report(isa)["digests"]
    assert len(got) > 400
    assert [key for key in want if got[key] != want[key]] == []


@pytest.mark.parametrize(("n", "d"), [(200_000, 2), (60_001, 17), (9_001, 100), (2_001, 150), (600, 700)])
def test_every_thread_count_gives_the_same_bits(dtype: np.dtype[Any], n: int, d: int) -> None:
    x, y, _ = oracle.normal(n, d, dtype)
    s = np.linspace(0.5, 1.5, n).astype(dtype)
    for weights in (None, s):
        digests = set()
        for k in THREADS * 2:
            gdfast.set_num_threads(k)
            digests.add(digest(x, y, weights))
        assert len(digests) == 1


@pytest.mark.parametrize("d", [1, 3, 8, 19, 130])
def test_every_alignment_gives_the_same_bits(dtype: np.dtype[Any], d: int) -> None:
    x, y, _ = oracle.normal(200, d, dtype)
    want = digest(x, y)
    for offset in (0, 1, 4, 8, 12, 60):
        at = oracle.aligned_at(offset)
        assert digest(at(x), at(y)) == want
        assert digest(at(np.ascontiguousarray(x.T)).T, at(y)) == want


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7, 8, 9, 17])
def test_nothing_beyond_the_last_byte_is_read(dtype: np.dtype[Any], d: int) -> None:
    for n in (1, 3, 16, 17, 35, 140):
        x, y, _ = map(oracle.walled, oracle.integers(n, d, dtype))
        np.testing.assert_array_equal(gram_of(x, y, y), plain(x, y, y))
        columns = oracle.walled(np.ascontiguousarray(x.T)).T
        np.testing.assert_array_equal(gram_of(columns, y), plain(x, y))
        wider = oracle.walled(np.concatenate([np.zeros((n, 3), dtype), x], axis=1))
        np.testing.assert_array_equal(gram_of(wider[:, 3:], y), plain(x, y))


if __name__ == "__main__":
    json.dump(work(), sys.stdout)


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["native", "numpy"])
def test_moments_train_as_their_samples(name: str) -> None:
    x, y, _ = oracle.normal(200, 3, np.float64)
    s = np.linspace(0.5, 1, 200)
    moments = gdfast.Moments(3).update(x[:50], y[:50], s[:50]).update(x[50:], y[50:], s[50:])
    options: Any = {"fit_intercept": True, "learning_rate": "auto", "optimizer": "nesterov", "l2": 0.1, "n_iters": 50}
    fit = moments.fit(backend=name, **options)
    want = gdfast.fit(x, y, sample_weight=s, plan="stream", **options)
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-11)
    np.testing.assert_allclose(fit.losses, want.losses, rtol=1e-11)
    assert (fit.report.plan, fit.report.bytes_read, fit.report.passes) == ("moments", 0, 0.0)


def test_moments_train_standardized_with_validation_and_callback() -> None:
    x, y, _ = oracle.normal(200, 3, np.float64)
    seen: list[int] = []
    fit = gdfast.Moments(3).update(x, y).fit(
        standardize=True, fit_intercept=True, validation=(x[:20], y[:20]), l1=0.01, optimizer="nesterov",
        callback=lambda step: seen.append(step.iteration),
    )  # fmt: skip
    want = gdfast.fit(
        x, y, plan="stream", standardize=True, fit_intercept=True, validation=(x[:20], y[:20]), l1=0.01,
        optimizer="nesterov",
    )  # fmt: skip
    np.testing.assert_allclose(fit.w, want.w, rtol=1e-9)
    np.testing.assert_allclose(fit.validation_losses, want.validation_losses, rtol=1e-9)
    assert len(seen) == fit.n_iters == want.n_iters


def test_moments_know_no_single_sample() -> None:
    moments = gdfast.Moments(1)
    with pytest.raises(ValueError, match=r"no samples yet: call update"):
        moments.fit()
    moments.update([1.0, 2.0], [1.0, 2.0])
    options: Any
    for name in ("sample_weight", "batch_size", "shuffle", "rng", "plan"):
        options = {name: 1}
        with pytest.raises(TypeError, match=f"{name} is no option of Moments.fit"):
            moments.fit(**options)
    with pytest.raises(TypeError, match="learning_rates"):
        moments.fit(learning_rates=0.1)


def test_a_diverging_fit_of_moments_says_so() -> None:
    moments = gdfast.Moments(2).update([[1.0, 20.0], [2.0, 10.0], [3.0, 40.0]], [5.0, 6.0, 11.0])
    with pytest.raises(gdfast.DivergenceError, match=r"largest stable") as caught:
        moments.fit(learning_rate=1.0)
    assert caught.value.fit.stop_reason == "diverged"
