"""How long a cross-validated path takes, beside scikit-learn's and beside one fit from moments. One thread each."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gdfast
from gdfast.bench import measure
from gdfast.bench.problems import Shape
from gdfast.bench.threads import limited_to
from gdfast.bench.verdict import Verdict
from gdfast.bench.verify import DisagreementError

Array = NDArray[Any]

_TOL = 1e-7
_CLOSE = 1e-3  # of a loss of rows held out: scikit-learn stops at a gap of _TOL, of which that may be the root


class Sizes(NamedTuple):
    """The problems."""

    usual: Shape = Shape(200_000, 50)
    long: Shape = Shape(1_000_000, 16)
    wide: Shape = Shape(20_000, 1_000)
    seconds: float = 12.0  # for each row

    @property
    def steps(self) -> int:
        return 5


QUICK = Sizes(Shape(5_000, 50), Shape(20_000, 16), Shape(600, 100), 0.5)


def missing() -> list[str]:
    """What is not installed of the packages that a path is compared with."""
    return [name for package, name in {"sklearn": "scikit-learn"}.items() if find_spec(package) is None]


def run(sizes: Sizes, tick: Callable[[str], None]) -> list[Verdict]:
    """Check the losses against scikit-learn's, then time both.

    Raises
    ------
    DisagreementError
        When the losses of the rows held out differ.
    """
    with limited_to(1):
        x, y = _samples(sizes.usual)
        tick(f"{sizes.usual}: LassoCV")
        verdicts = [_against_lasso(x, y, sizes.usual, sizes.seconds, 40)]
        tick(f"{sizes.usual}: RidgeCV")
        verdicts.append(_against_ridge(x, y, sizes.usual, sizes.seconds))
        tick(f"{sizes.usual}: a fit")
        verdicts.append(_against_a_fit(x, y, sizes.usual, 5, 1.5, sizes.seconds / 4))
        tick(f"{sizes.long}: a fit")
        x, y = _samples(sizes.long)
        verdicts.append(_against_a_fit(x, y, sizes.long, 10, 1.3, sizes.seconds / 4))
        tick(f"{sizes.wide}: LassoCV")
        x, y = _samples(sizes.wide)
        verdicts.append(_against_lasso(x, y, sizes.wide, sizes.seconds, 5))
    return verdicts


def _samples(shape: Shape) -> tuple[Array, Array]:
    """A third of the columns matter."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((shape.n, shape.d))
    w = np.where(np.arange(shape.d) % 3 == 0, rng.standard_normal(shape.d), 0)
    return x, x @ w + 2 * rng.standard_normal(shape.n)


def _times(name: str, rival: Callable[[], Any], ours: Callable[[], Any], seconds: float) -> measure.Measurement:
    contenders = [measure.Contender("path", ours), measure.Contender(name, rival)]
    return measure.compare(contenders, measure.Effort(seconds, min_rounds=3))


def _agree(name: str, ours: Array, theirs: Array) -> None:
    error = float(np.max(np.abs(ours - theirs) / np.abs(theirs)))
    if not error <= _CLOSE:
        raise DisagreementError(f"the losses of gdfast.path and {name} differ by {error:.2g} of them")


def _against_lasso(x: Array, y: Array, shape: Shape, seconds: float, bound: float) -> Verdict:
    from sklearn.linear_model import LassoCV

    rival = LassoCV(cv=5, tol=_TOL, max_iter=100_000)
    found = gdfast.path(x, y, folds=5, standardize=False)
    assert found.cv_loss is not None
    _agree("LassoCV", found.cv_loss, rival.fit(x, y).mse_path_)
    taken = _times("LassoCV", lambda: rival.fit(x, y), lambda: gdfast.path(x, y, folds=5, standardize=False), seconds)
    return _faster("LassoCV", "5 folds × 100 penalties", shape, taken, bound)


def _against_ridge(x: Array, y: Array, shape: Shape, seconds: float) -> Verdict:
    from sklearn.linear_model import Ridge, RidgeCV

    alphas = np.geomspace(1, 1e5, 20)
    penalties = 2 * alphas / (0.8 * shape.n)  # of four folds of five
    rival = RidgeCV(alphas=alphas, cv=5)

    def ours() -> gdfast.Path:
        return gdfast.path(x, y, folds=5, l1_ratio=0, penalties=penalties, standardize=False)

    found = ours().cv_loss
    assert found is not None
    test = np.arange(shape.n) < shape.n // 5
    model = Ridge(alphas[10]).fit(x[~test], y[~test])
    _agree("Ridge", found[10, :1], np.array([np.mean((model.predict(x[test]) - y[test]) ** 2)]))
    taken = _times("RidgeCV", lambda: rival.fit(x, y), ours, seconds)
    return _faster("RidgeCV(cv=5)", "5 folds × 20 penalties, l2", shape, taken, 150)


def _faster(rival: str, work: str, shape: Shape, taken: measure.Measurement, bound: float) -> Verdict:
    name = rival.split("(")[0]
    ratio, ms = taken.ratio(name, "path"), 1e3 * taken.timing("path").p50
    measured = f"{ratio:.1f}× ({ms:.1f} ms against {1e3 * taken.timing(name).p50:,.0f} ms)"
    return Verdict(f"{work}, {shape} f64", f"≥ {bound:g}× {rival}", measured, ratio, bound)


def _against_a_fit(x: Array, y: Array, shape: Shape, folds: int, bound: float, seconds: float) -> Verdict:
    taken = _times(
        "fit",
        lambda: gdfast.fit(x, y, optimizer="exact", fit_intercept=True),
        lambda: gdfast.path(x, y, folds=folds),
        seconds,
    )
    ratio = 1 / taken.ratio("fit", "path")
    ms = 1e3 * taken.timing("path").p50
    measured = f"{ratio:.2f}× ({ms:.1f} ms)"
    work = f"{folds} folds × 100 penalties, {shape} f64"
    return Verdict(work, f"≤ {bound:g}× a fit from moments", measured, ratio, bound, at_most=True)
