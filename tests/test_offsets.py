"""Columns far from 0: years, timestamps, 10⁸ + noise. The coefficients are those of a QR of the centred data."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import advice
import gdfast

CLOSE = 1e-8  # of sd(y) / sd(x)


def data(kind: str, n: int = 2_000) -> tuple[Any, Any]:
    """Columns of which one is far from 0, and a target that is as well."""
    rng = np.random.default_rng(0)
    far = {
        "years": rng.integers(1950, 2025, n).astype(np.float64),
        "timestamps": 1.7e9 + rng.uniform(0, 3600, n),
        "noise": 1e8 + rng.standard_normal(n),
    }[kind]
    x = np.column_stack([far, rng.standard_normal(n), rng.uniform(0, 1, n)])
    y = 1e6 + 0.5 * (far - far.mean()) + x[:, 1] - 2 * x[:, 2] + 0.1 * rng.standard_normal(n)
    return x, y


def reference(x: Any, y: Any, s: Any = None) -> tuple[Any, Any]:
    """Coefficients by QR of the centred data, and what an error in them is measured by."""
    s = np.ones(len(x)) if s is None else s
    wide = np.longdouble
    mean = (s[:, np.newaxis] * x.astype(wide)).sum(axis=0) / s.sum()
    mean_y = (s * y.astype(wide)).sum() / s.sum()
    z, t = (x - mean).astype(np.float64), (y - mean_y).astype(np.float64)
    root = np.sqrt(s)
    q, r = np.linalg.qr(root[:, np.newaxis] * z)
    return np.linalg.solve(r, q.T @ (root * t)), np.std(y) / np.std(x, axis=0)


def off(w: Any, x: Any, y: Any, s: Any = None) -> float:
    want, size = reference(x, y, s)
    return float(np.abs((w - want) / size).max())


KINDS = pytest.mark.parametrize("kind", ["years", "timestamps", "noise"])


@KINDS
@pytest.mark.parametrize("standardize", [False, True], ids=["as it is", "standardized"])
def test_exact(backend: Any, kind: str, standardize: bool) -> None:
    x, y = data(kind)
    fit = backend.fit(x, y, optimizer="exact", fit_intercept=True, standardize=standardize)
    assert off(fit.w, x, y) <= CLOSE
    assert np.abs(fit.predict(x) - y).max() < 0.6  # so b is right, too: the noise has a deviation of 0.1
    assert fit.converged


@KINDS
def test_streamed(backend: Any, kind: str) -> None:
    x, y = data(kind)
    fit = backend.fit(x, y, optimizer="cg", plan="stream", fit_intercept=True, standardize=True)
    assert off(fit.w, x, y) <= CLOSE


@KINDS
@pytest.mark.parametrize("offset", [2_000.0, 1e8, 1.7e9])
def test_a_target_that_is_as_far_off(backend: Any, kind: str, offset: float) -> None:
    """In both plans, from one Moments and from two added."""
    x, y = data(kind)
    y = y - 1e6 + offset
    halves = [gdfast.Moments(3).update(x[rows], y[rows]) for rows in (slice(700), slice(700, None))]
    fits = [
        backend.fit(x, y, optimizer="cg", plan="stream", fit_intercept=True),
        backend.fit(x, y, optimizer="cg", plan="moments", fit_intercept=True),
        backend.fit(x, y, optimizer="exact", fit_intercept=True),
        gdfast.Moments(3).update(x, y).solve(fit_intercept=True),
        (halves[0] + halves[1]).solve(fit_intercept=True),
    ]
    for fit in fits:
        assert off(fit.w, x, y) <= CLOSE


def chunks(name: str, x: Any, y: Any, s: Any) -> list[tuple[Any, Any, Any]]:
    """The rows in pieces, some of which look like nothing of the rest."""
    if name == "sorted":
        order = np.argsort(x[:, 0])
        x, y, s = x[order], y[order], s[order]
    cuts = {"two": [700], "ten": [200 * k for k in range(1, 10)], "one row first": [1], "sorted": [500, 1000]}
    parts = [np.arange(len(x))] if name not in cuts else np.split(np.arange(len(x)), cuts[name])
    pieces = [(x[part], y[part], s[part]) for part in parts]
    if name == "without weight":
        pieces.insert(0, (np.zeros((5, 3)), np.zeros(5), np.zeros(5)))
        pieces.append((np.full((5, 3), 1e12), np.full(5, -1e12), np.zeros(5)))
    return pieces


@KINDS
@pytest.mark.parametrize("name", ["one", "two", "ten", "one row first", "sorted", "without weight"])
def test_moments_in_pieces(kind: str, name: str) -> None:
    x, y = data(kind)
    x[0] = -5.0, 40.0, 7.0  # an outlier, which comes first
    s = np.random.default_rng(1).uniform(0.5, 2, len(x))
    s[0] = 1e-6 if kind == "timestamps" else 1e-3
    pieces = chunks(name, x, y, s)
    updated, added = gdfast.Moments(3), gdfast.Moments(3)
    for piece in pieces:
        updated.update(*piece)
        added = added + gdfast.Moments(3).update(*piece)
    want, _ = reference(x, y, s)
    size = np.sqrt(np.cov(y, aweights=s)) / np.sqrt(np.diag(np.cov(x.T, aweights=s)))
    for moments in (updated, added, pickle.loads(pickle.dumps(added)), copy.copy(added), copy.deepcopy(updated)):
        fit = moments.solve(fit_intercept=True)
        assert np.abs((fit.w - want) / size).max() <= CLOSE


def test_the_origin_is_near_rows_that_count(backend: Any) -> None:
    """However many without weight come first."""
    rng = np.random.default_rng(0)
    x = 1.7e9 + rng.uniform(0, 3600, (60_000, 1))
    y = 0.5 * (x[:, 0] - 1.7e9) + rng.standard_normal(60_000)
    x[:30_000] = 0
    s = np.repeat([0.0, 1.0], 30_000)
    fit = backend.fit(x, y, optimizer="exact", fit_intercept=True, sample_weight=s)
    assert off(fit.w, x, y, s) <= CLOSE


@KINDS
def test_plans_agree(kind: str) -> None:
    x, y = data(kind)
    fits = [
        gdfast.fit(x, y, optimizer="cg", plan=plan, fit_intercept=True, standardize=True)
        for plan in ("stream", "moments")
    ]
    np.testing.assert_allclose(fits[0].w, fits[1].w, rtol=1e-8)
    np.testing.assert_allclose(fits[0].predict(x), fits[1].predict(x), rtol=0, atol=1e-8 * np.std(y) + 1e-6)


# --- more than float32 has digits for --------------------------------------------------------------------------------


def far(dtype: str, offset: float) -> tuple[Any, Any]:
    """Two columns beside one that is far from 0."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 3))
    y = (x @ [1.0, 2.0, 3.0] + rng.standard_normal(500)).astype(dtype)
    x[:, 1] += offset
    return x.astype(dtype), y


@pytest.mark.parametrize("options", [
    {"optimizer": "cg"},
    {"optimizer": "cg", "standardize": True},
    {"standardize": True, "learning_rate": "auto"},
    {"standardize": True, "optimizer": "nesterov", "learning_rate": "auto", "l2": 0.1},
    {"standardize": True, "optimizer": "nesterov", "learning_rate": "auto", "l1": 0.1},
    {"standardize": True, "optimizer": "adam"},
    {"standardize": True, "batch_size": 100, "rng": 0},
    {"standardize": True, "tol": 0.1},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("offset", [1e5, 1e6, 1e7])
def test_streamed_float32_that_is_too_coarse_is_no_fit(backend: Any, offset: float, options: dict[str, Any]) -> None:
    """What rounding makes of a gradient may lead anywhere, and gaps and losses that follow from it are no better."""
    x, y = far("float32", offset)
    try:
        with pytest.warns(gdfast.ConvergenceWarning, match=r"float32 has too few digits .* x\[:, 1\]: ") as caught:
            fit = backend.fit(x, y, fit_intercept=True, plan="stream", **options)
    except gdfast.DivergenceError as error:
        said = str(error)
    else:
        assert fit.converged is False
        said = str(caught[0].message)
        assert caught[0].filename == __file__
        assert said in fit.report.advice
        residuals = x.astype(np.float64) @ fit.w + fit.b - y
        assert (np.mean(residuals**2) - least_loss(x, y)) / np.var(y) <= fit.gap
    assert "Have x in float64, or subtract a number near its mean" in said
    advice.followed(said)
    for better in (x.astype(np.float64), x - np.array([0, offset], np.float32)[[0, 1, 0]]):  # as it says
        options = {"optimizer": "cg", "standardize": True}
        assert backend.fit(better, y, fit_intercept=True, plan="stream", **options).report.advice == ()


def least_loss(x: Any, y: Any) -> float:
    w, _ = reference(x, y)
    z = x - x.mean(axis=0, dtype=np.float64)
    return float(np.mean((z @ w - y + y.mean(dtype=np.float64)) ** 2))


@pytest.mark.parametrize(("dtype", "offset"), [("float32", 0.0), ("float32", 5e3), ("float64", 1e7), ("float64", 1e10)])
def test_what_is_fine_enough_is_let_alone(backend: Any, dtype: str, offset: float) -> None:
    x, y = far(dtype, offset)
    for options in ({"optimizer": "cg"}, {"standardize": True, "learning_rate": "auto", "l2": 0.1}):
        fit = backend.fit(x, y, fit_intercept=True, plan="stream", **options)
        assert fit.report.advice == () or "digits" not in fit.report.advice[0]


# --- rules that stop ------------------------------------------------------------------------------------------------


def test_held_out_r2_of_a_timestamp_is_right() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3_000, 4))
    y = 1.7e9 + x @ np.array([3.0, -2.0, 1.0, 0.5]) + rng.standard_normal(3_000)
    held_x, held_y = x[2_000:], y[2_000:]
    for plan in ("auto", "moments"):
        fit = gdfast.fit(
            x[:2_000],
            y[:2_000],
            fit_intercept=True,
            standardize=True,
            optimizer="nesterov",
            learning_rate="auto",
            n_iters=2_000,
            validation=(held_x, held_y),
            plan=plan,
        )
        residuals = held_y - fit.predict(held_x)
        assert 1 - np.mean(residuals**2) / np.var(held_y) >= 0.9


def test_tol_stops_where_the_optimum_is_or_not_at_all() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2_000, 3))
    y = 1.7e9 + x @ np.array([1.0, 2.0, 3.0]) + 0.1 * rng.standard_normal(2_000)
    fit = gdfast.fit(
        x, y, fit_intercept=True, learning_rate=0.1, tol=1e-9, n_iters=5_000, plan="moments", standardize=True
    )
    assert fit.stop_reason == "n_iters" or fit.converged
