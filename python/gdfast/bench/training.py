"""Every speed that training has set itself, with what this machine gave: a part of ``gdfast bench --targets``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import gdfast
from gdfast.bench import peers, training_rivals
from gdfast.bench.measure import Contender, Effort, Measurement, compare
from gdfast.bench.problems import Arena, FloatArray, Shape
from gdfast.bench.training_rivals import BATCH, RATE
from gdfast.bench.verdict import Verdict

Tick = Callable[[str], None]

_TUTORIAL_PASSES = 100
_FURTHER = 100_000
_PASSES = 1_000

# (n, d, passes) on both sides of where reading once overtakes reading once a pass.
_CROSSINGS = (
    *((4, 1, k) for k in (1, 100)),
    *((1_000, 16, k) for k in (1, 10, 100)),
    *((100_000, 16, k) for k in (1, 5, 50)),
    *((1_000_000, 16, k) for k in (1, 3, 10)),
    *((100_000, 100, k) for k in (3, 10, 30, 100)),
    *((20_000, 500, k) for k in (30, 100, 300)),
)


@dataclass(frozen=True)
class Sizes:
    """How large the problems are.

    Attributes
    ----------
    n : int
        Rows of the large ones.
    seconds : float
        For each comparison.
    crossings : tuple of (n, d, passes)
        Where both plans are timed.
    """

    n: int = 1_000_000
    seconds: float = 6.0
    crossings: tuple[tuple[int, int, int], ...] = _CROSSINGS

    @property
    def steps(self) -> int:
        """How often `run` calls `tick`."""
        return 6 + len(self.crossings)


FULL = Sizes()
QUICK = Sizes(n=20_000, seconds=0.5, crossings=_CROSSINGS[:5])


def run(sizes: Sizes, tick: Tick = lambda text: None) -> Iterator[Verdict]:
    """Measure everything, with as many threads as everyone takes unasked.

    Parameters
    ----------
    sizes : Sizes
    tick : callable
        Called with a line on what comes next, `Sizes.steps` times.

    Yields
    ------
    Verdict
    """
    effort = Effort(seconds=sizes.seconds)
    tick("the tutorial's loop")
    yield _tutorial_loop(effort)
    tick("each further pass on four samples")
    yield _further_pass(effort)
    tick(f"{_PASSES:,} passes over 16 columns")
    yield from _many_passes(Shape(sizes.n, 16), 2.0, effort, closed_form=True)
    tick(f"{_PASSES:,} passes over 100 columns")
    yield from _many_passes(Shape(sizes.n, 100), 8.0, effort, closed_form=False)
    tick("a streamed pass")
    yield _streamed_pass(Shape(sizes.n, 16), effort)
    tick("a pass of mini-batches")
    yield from _batches(Shape(sizes.n, 16), effort)
    yield _choices(sizes, tick)


# --- four samples -----------------------------------------------------------------------------------------------------


def _tutorial_data() -> tuple[FloatArray, FloatArray]:
    x = np.array([1, 2, 3, 4], np.float32)
    return x, 2 * x


def _tutorial_loop(effort: Effort) -> Verdict:
    x, y = _tutorial_data()
    loop, fit = (
        partial(training_rivals.tutorial_loop, x, y, _TUTORIAL_PASSES),
        partial(gdfast.fit, x, y, n_iters=_TUTORIAL_PASSES, reduction="sum"),
    )
    _agree("the tutorial's loop", fit().w, loop(), 1e-5)
    measured = compare([Contender("fit", fit), Contender("loop", loop)], effort)
    ratio, seconds = measured.ratio("loop", "fit"), measured.timing("fit").p50
    told = f"{ratio:.0f}× ({seconds * 1e6:.1f} µs)"
    return Verdict(f"the tutorial's loop, {_TUTORIAL_PASSES} passes, against NumPy's", "≥ 50×", told, ratio, 50.0)


def _further_pass(effort: Effort) -> Verdict:
    x, y = _tutorial_data()
    few, many = _PASSES, _PASSES + _FURTHER
    contenders = [Contender(str(k), partial(gdfast.fit, x, y, n_iters=k)) for k in (few, many)]
    measured = compare(contenders, effort)
    seconds = (measured.timing(str(many)).p50 - measured.timing(str(few)).p50) / _FURTHER
    told = f"{seconds * 1e9:.1f} ns"
    return Verdict("each further pass on 4 samples", "≤ 20 ns", told, seconds, 20e-9, at_most=True)


# --- a million rows ---------------------------------------------------------------------------------------------------


def _many_passes(shape: Shape, steps: float, effort: Effort, *, closed_form: bool) -> Iterator[Verdict]:
    problem = Arena(shape.arena_bytes("f32")).problem(shape)
    fit = partial(gdfast.fit, problem.x, problem.y, n_iters=_PASSES, learning_rate=0.1)
    truth = training_rivals.normal_equations(problem)
    _agree(f"{_PASSES} passes over {shape}", fit().w, truth, 1e-4)
    contenders = [Contender("fit", fit), Contender("step", peers.RIVALS[0].prepare(problem))]
    if closed_form:
        closed = training_rivals.linear_regression(problem)
        _agree("LinearRegression", closed().coef_, truth, 1e-3)
        contenders.append(Contender("closed form", closed))
    measured = compare(contenders, effort)
    value, seconds = 1 / measured.ratio("step", "fit"), measured.timing("fit").p50
    work = f"{_PASSES:,} passes over {shape} f32, in steps of NumPy"
    yield Verdict(work, f"≤ {steps:g} steps", f"{value:.2f} steps ({seconds * 1e3:.1f} ms)", value, steps, at_most=True)
    if closed_form:
        ratio = measured.ratio("closed form", "fit")
        yield Verdict("the same against scikit-learn's LinearRegression", "≥ 8×", f"{ratio:.0f}×", ratio, 8.0)


def _streamed_pass(shape: Shape, effort: Effort) -> Verdict:
    problem = Arena(shape.arena_bytes("f32")).problem(shape)
    passes = 10
    start = np.zeros(shape.d, np.float32)
    bare = partial(gdfast.loss_and_gradient, problem.x, problem.y, start)

    def alone() -> None:
        for _ in range(passes):
            bare()

    fit = partial(gdfast.fit, problem.x, problem.y, n_iters=passes - 1, plan="stream", learning_rate=RATE)
    assert fit().report.passes == passes  # the last one is for the loss that training ended with
    measured = compare([Contender("fit", fit), Contender("alone", alone)], effort)
    ratio = 1 / measured.ratio("alone", "fit")
    told = f"{ratio:.3f}×"
    return Verdict(f"a streamed pass over {shape}, against loss_and_gradient", "≤ 1.05×", told, ratio, 1.05, True)


def _batches(shape: Shape, effort: Effort) -> Iterator[Verdict]:
    problem = Arena(shape.arena_bytes("f32")).problem(shape)
    few, many = 1, 5

    def fit(passes: int) -> Any:
        return gdfast.fit(problem.x, problem.y, n_iters=passes, batch_size=BATCH, rng=0, learning_rate=RATE)

    epoch, loop = training_rivals.sgd_epoch(problem), training_rivals.torch_loop(problem)
    _agree("the torch loop over the same batches", loop(), fit(1).w, 1e-4)
    contenders = [Contender("few", partial(fit, few)), Contender("many", partial(fit, many)), Contender("epoch", epoch)]
    measured = compare([*contenders, Contender("loop", loop)], effort)
    seconds = (measured.timing("many").p50 - measured.timing("few").p50) / (many - few)
    work = f"a shuffled pass of batches of {BATCH} over {shape}, against"
    for name, title, bound in (
        ("epoch", "an epoch of SGDRegressor", 10.0),
        ("loop", "a torch loop of index_select", 35.0),
    ):
        ratio = measured.timing(name).p50 / seconds
        yield Verdict(f"{work} {title}", f"≥ {bound:g}×", f"{ratio:.0f}× ({seconds * 1e3:.1f} ms)", ratio, bound)


def _choices(sizes: Sizes, tick: Tick) -> Verdict:
    worst, where = 0.0, ""
    for n, d, passes in sizes.crossings:
        shape = Shape(n, d)
        tick(f"the choice of a plan, {passes} passes over {shape}")
        problem = Arena(shape.arena_bytes("f32")).problem(shape)
        x = problem.x
        chosen = gdfast.explain(x, problem.y, n_iters=passes).plan
        other = {"stream": "moments", "moments": "stream"}[chosen]
        fits = {
            plan: partial(gdfast.fit, x, problem.y, n_iters=passes, plan=plan, learning_rate=RATE)
            for plan in (chosen, other)
        }
        measured: Measurement = compare([Contender(k, f) for k, f in fits.items()], Effort(seconds=sizes.seconds / 8))
        ratio = 1 / measured.ratio(other, chosen)
        if ratio > worst:
            worst, where = ratio, f"{chosen} for {passes} passes over {shape}"
    return Verdict("the plan chosen against the other", "≤ 1.5×", f"{worst:.2f}× ({where})", worst, 1.5, at_most=True)


def _agree(what: str, found: Any, wanted: Any, tolerance: float) -> None:
    """A result that is timed must be right.

    Raises
    ------
    RuntimeError
        When it isn't.
    """
    error = float(np.max(np.abs(np.asarray(found) - np.asarray(wanted))))
    if not error <= tolerance * max(1.0, float(np.max(np.abs(np.asarray(wanted))))):
        raise RuntimeError(f"not timed, because {what} gave a result that is off by {error:.3g}")


def missing() -> list[str]:
    """What is not installed of the packages that training is compared with."""
    packages = {"sklearn": "scikit-learn", "torch": "torch"}
    return [name for package, name in packages.items() if find_spec(package) is None]
