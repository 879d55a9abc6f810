"""The least objective in long double, from the data and from nothing of the package, and problems to find it for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[Any]
WIDE = np.longdouble


class Problem(NamedTuple):
    """Arguments of a fit."""

    x: Vector
    y: Vector
    options: dict[str, Any]


def problem(seed: int) -> Problem:
    """Of some shape, dtype, rank, offset, weights, penalties and optimiser, stopped early, late or at the optimum."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.choice([3, 8, 20, 60, 200])), int(rng.choice([1, 2, 3, 5, 8, 12]))
    dtype = rng.choice(["float32", "float64"])
    x = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-2, 2, d)
    kind = rng.choice(["plain", "twice", "sum", "constant", "offset"])
    if kind == "twice":
        x[:, -1] = x[:, 0]
    elif kind == "sum" and d > 2:
        x = np.round(x * 8) / 8  # so that the sum is exact
        x[:, -1] = x[:, 0] + x[:, 1]
    elif kind == "constant":
        x[:, 0] = rng.choice([0, 1, 3.5])
    elif kind == "offset":
        x += 10.0 ** rng.uniform(0, 6)
    x = x.astype(dtype)
    noise = rng.standard_normal(n) * 10.0 ** rng.uniform(-6, 1)
    y = (x.astype(np.float64) @ rng.standard_normal(d) + noise + rng.choice([0, 10, 1e4])).astype(dtype)
    return Problem(x, y, _options(rng, y))


def _options(rng: np.random.Generator, y: Vector) -> dict[str, Any]:
    options: dict[str, Any] = {
        "fit_intercept": bool(rng.random() < 0.6),
        "standardize": bool(rng.random() < 0.4),
        "reduction": str(rng.choice(["mean", "sum"])),
        "n_iters": int(rng.choice([1, 3, 10, 50, 300, 2000])),
    }
    total = float(len(y))
    if rng.random() < 0.4:
        s = np.where(rng.random(len(y)) < 0.3, 0, rng.uniform(0.1, 2, len(y))).astype(y.dtype)
        s[:2] = 1
        options["sample_weight"], total = s, float(s.sum())
    size = total if options["reduction"] == "sum" else 1.0
    penalties = rng.choice(["none", "l2", "l1", "both"])
    if penalties in ("l2", "both"):
        options["l2"] = size * 10.0 ** rng.uniform(-6, 1)
    if penalties in ("l1", "both"):
        options["l1"] = size * 10.0 ** rng.uniform(-4, 0) * (float(np.var(y.astype(np.float64))) + 1e-3)
    smooth = [] if "l1" in options else ["momentum", "adam", "cg"]
    options["optimizer"] = str(rng.choice(["gd", "nesterov", "exact", *smooth]))
    if options["optimizer"] in ("gd", "nesterov", "momentum"):
        options["learning_rate"] = "auto"
    return options


class Oracle:
    """The objective of a problem about its means, in long double."""

    def __init__(self, problem: Problem) -> None:
        x, y, options = problem.x.astype(WIDE), problem.y.astype(WIDE), problem.options
        s = options.get("sample_weight")
        self.s = np.ones(len(x), WIDE) if s is None else s.astype(WIDE)
        total = self.s.sum()
        self.share = 1 / total if options["reduction"] == "mean" else WIDE(1)
        self.l1, self.l2 = WIDE(options.get("l1", 0)), WIDE(options.get("l2", 0))
        counts = self.s > 0
        near, self.mean, self.mean_y = x[counts][0], np.zeros(x.shape[1], WIDE), WIDE(0)
        self.intercept = bool(options["fit_intercept"])
        if self.intercept:
            off = self.s @ (x - near) / total
            self.mean, self.mean_y = near + off, self.s @ y / total
            x, y = x - near - off, y - self.mean_y
            x[:, (problem.x[counts] == problem.x[counts][0]).all(axis=0)] = 0
        self.x, self.y = x, y
        self.scale = np.ones(x.shape[1], WIDE)
        if options["standardize"]:
            self.scale = np.sqrt(self.s @ x**2 / total)
        z = np.divide(x, self.scale, out=np.zeros_like(x), where=self.scale > 0)
        self.z = z
        self.a = self.share * (z * self.s[:, np.newaxis]).T @ z + self.l2 * np.eye(x.shape[1], dtype=WIDE)
        self.c = self.share * z.T @ (self.s * y)
        self.at_zero = self.share * self.s @ y**2

    def objective(self, w: Any, b: float | None) -> Any:
        w = np.asarray(w, dtype=WIDE)
        off = WIDE(b) - self.mean_y + self.mean @ w if self.intercept else WIDE(0)
        return self._value(self.x @ w - self.y + off, w * self.scale)

    def value(self, v: Vector) -> Any:
        """At the best intercept, in scaled columns."""
        return self._value(self.z @ v - self.y, v)

    def _value(self, r: Vector, v: Vector) -> Any:
        return self.share * (self.s @ r**2) + self.l2 * (v @ v) + self.l1 * np.abs(v).sum()

    def least(self, near: Vector) -> tuple[Any, Any]:
        """A value that is reached, and a bound from below; `near` is where the search with l1 starts."""
        if self.l1 == 0:
            v = solve(self.a, self.c)
            v = v + solve(self.a, self.c - self.a @ v)
            return self.value(v), self.value(v)
        v, d = near.astype(WIDE) * self.scale, len(near)
        for _ in range(300):
            for _ in range(10):
                for j in range(d):
                    alone = self.c[j] - self.a[j] @ v + self.a[j, j] * v[j]
                    size = abs(alone) - self.l1 / 2
                    v[j] = np.sign(alone) * size / self.a[j, j] if size > 0 and self.a[j, j] > 0 else 0
            on = np.flatnonzero(v)
            if len(on):
                alone = v.copy()
                alone[on] = solve(self.a[np.ix_(on, on)], self.c[on] - self.l1 / 2 * np.sign(v[on]))
                if (np.sign(alone[on]) == np.sign(v[on])).all() and self.value(alone) <= self.value(v):
                    v = alone
            if self.value(v) - self.dual(v) <= 1e-17 * self.at_zero:
                break
        return self.value(v), self.dual(v)

    def dual(self, v: Vector) -> Any:
        steepest = np.abs(self.c - self.a @ v).max()
        r = self.z @ v - self.y
        squares = self.share * (self.s @ r**2) + self.l2 * (v @ v)
        with_y = self.at_zero - self.c @ v
        most = self.l1 / (2 * steepest) if steepest > 0 else WIDE("inf")
        alpha = min(max(with_y / squares, -most), most) if squares > 0 else WIDE(0)
        return alpha * (2 * with_y - alpha * squares)


def solve(a: Vector, c: Vector) -> Vector:
    """A solution of A v = c by elimination, the largest pivot first; what depends on columns before stays 0."""
    scale = np.sqrt(np.where(np.diag(a) > 0, np.diag(a), 1))
    a, c = a / np.outer(scale, scale), c / scale
    left, used = list(range(len(c))), []
    while left:
        j = max(left, key=lambda k: a[k, k])
        if a[j, j] <= 1e-15:
            break
        used.append(j)
        left.remove(j)
        factor = a[:, j] / a[j, j]
        factor[used] = 0
        c = c - factor * c[j]
        a = a - np.outer(factor, a[j])
    v = np.zeros(len(c), WIDE)
    for j in reversed(used):
        v[j] = (c[j] - a[j, used] @ v[used]) / a[j, j]
    return v / scale
