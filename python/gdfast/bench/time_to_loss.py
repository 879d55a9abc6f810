"""``gdfast bench --time-to-loss``: how long each way to train takes until the model is as good as it gets.

The data have columns of different scale and noise in y. Every way has to bring the mean squared error to within 0.1% of
the least there is. The iterative ones are given the fewest passes that do, found beforehand and not timed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

import gdfast
from gdfast.bench.measure import Contender, Effort, Timing, compare
from gdfast.bench.problems import FloatArray, Shape

Tick = Callable[[str], None]
Coefficients = FloatArray

EXCESS = 1e-3
_BATCH = 256


@dataclass(frozen=True)
class Data:
    """A problem, and the error to reach on it.

    Attributes
    ----------
    x, y : ndarray
        float32, (n, d) and (n,).
    least : float
        The mean squared error at the optimum.
    rate : float
        The learning rate of full gradients, 1/L.
    """

    x: FloatArray
    y: FloatArray
    least: float
    rate: float

    @property
    def goal(self) -> float:
        """The mean squared error that is good enough."""
        return self.least * (1 + EXCESS)


@dataclass(frozen=True)
class Way:
    """A way to train.

    Attributes
    ----------
    name : str
    train : callable
        From a number of passes (1 for a closed form) to the coefficients (d,).
    most_passes : int
        Where the search for the fewest gives up; 0 for a closed form.
    """

    name: str
    train: Callable[[Data, int], Coefficients]
    most_passes: int = 0

    @property
    def iterative(self) -> bool:
        """Whether it isn't a closed form."""
        return self.most_passes > 0


@dataclass(frozen=True)
class Arrival:
    """How long a way took.

    Attributes
    ----------
    name : str
    iterative : bool
    passes : int or None
        None where no number tried was enough.
    timing : Timing or None
    excess : float
        Relative to the least error.
    """

    name: str
    iterative: bool
    passes: int | None
    timing: Timing | None
    excess: float

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def data(shape: Shape, seed: int = 0) -> Data:
    """Columns with scales from 0.5 to 2, all correlated a little, and a noise of a third of the signal.

    Parameters
    ----------
    shape : Shape
    seed : int

    Returns
    -------
    Data
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((shape.n, shape.d), dtype=np.float32)
    x += 0.3 * rng.standard_normal((shape.n, 1), dtype=np.float32)
    x *= np.geomspace(0.5, 2, shape.d, dtype=np.float32)
    signal = x @ rng.standard_normal(shape.d).astype(np.float32)
    y = signal + rng.standard_normal(shape.n, dtype=np.float32) * (signal.std() / 3)
    wide = x.astype(np.float64)
    optimum = np.linalg.solve(wide.T @ wide, wide.T @ y)
    rate = gdfast.fit(x, y, n_iters=0, learning_rate="auto").learning_rate
    return Data(x, y, _error(x, y, optimum), rate)


def ways() -> tuple[Way, ...]:
    """gdfast, and what a user would take instead."""
    return (
        Way("gdfast, nesterov", partial(_gdfast, optimizer="nesterov", learning_rate="auto"), 4_096),
        Way("gdfast, gd", partial(_gdfast, learning_rate="auto"), 4_096),
        Way(
            "gdfast, nesterov, streamed",
            partial(_gdfast, optimizer="nesterov", learning_rate="auto", plan="stream"),
            512,
        ),
        Way("gdfast, batches of 256", partial(_gdfast, batch_size=_BATCH, rng=0, learning_rate=2e-3), 32),
        Way("torch.optim.SGD, nesterov", _torch_full, 256),
        Way("torch.optim.Adam, batches of 256", _torch_batches, 8),
        Way("scikit-learn SGDRegressor", _sgd_regressor, 32),
        Way("NumPy, normal equations", _normal_equations),
        Way("scikit-learn Ridge, cholesky", _ridge),
        Way("scikit-learn LinearRegression", _linear_regression),
        Way("NumPy, lstsq", _lstsq),
    )


def steps() -> int:
    """How often `run` calls `tick`."""
    return len(ways()) + 1


def run(shape: Shape, seconds: float, tick: Tick = lambda text: None) -> list[Arrival]:
    """Find the passes that each way needs, then time all of them in turns.

    Parameters
    ----------
    shape : Shape
    seconds : float
        For the timing.
    tick : callable
        Called with a line on what comes next, `steps()` times.

    Returns
    -------
    list of Arrival
        The quickest first; those that never arrived last.
    """
    problem = data(shape)
    found: dict[str, tuple[Way, int | None, float]] = {}
    for way in ways():
        tick(f"passes that {way.name} needs")
        found[way.name] = (way, *_fewest_passes(way, problem))
    tick("timing all of them in turns")
    contenders = [
        Contender(name, partial(way.train, problem, passes))
        for name, (way, passes, _) in found.items()
        if passes is not None
    ]
    measured = compare(contenders, Effort(seconds=seconds, min_rounds=5))
    timings = {c.name: measured.timing(c.name) for c in contenders}
    arrivals = [
        Arrival(name, way.iterative, passes if way.iterative else None, timings.get(name), excess)
        for name, (way, passes, excess) in found.items()
    ]
    return sorted(arrivals, key=lambda a: a.timing.p50 if a.timing else np.inf)


def _fewest_passes(way: Way, problem: Data) -> tuple[int | None, float]:
    """The fewest passes after which the error is small enough, by doubling and halving; and the excess left."""
    if not way.iterative:
        return 1, _excess(way, problem, 1)
    tried = (1 << k for k in range(way.most_passes.bit_length()))
    enough = next((passes for passes in tried if _excess(way, problem, passes) <= EXCESS), None)
    if enough is None:
        return None, _excess(way, problem, way.most_passes)
    low = enough // 2
    while enough - low > 1:
        middle = (low + enough) // 2
        low, enough = (low, middle) if _excess(way, problem, middle) <= EXCESS else (middle, enough)
    return enough, _excess(way, problem, enough)


def _excess(way: Way, problem: Data, passes: int) -> float:
    return _error(problem.x, problem.y, way.train(problem, passes)) / problem.least - 1


def _error(x: FloatArray, y: FloatArray, w: Coefficients) -> float:
    loss, _ = gdfast.loss_and_gradient(x, y, np.asarray(w, x.dtype))
    return float(loss)


# --- the ways ---------------------------------------------------------------------------------------------------------


def _gdfast(problem: Data, passes: int, **options: Any) -> Coefficients:
    w: Coefficients = gdfast.fit(problem.x, problem.y, n_iters=passes, **options).w
    return w


def _torch_full(problem: Data, passes: int) -> Coefficients:
    """With the learning rate that gdfast found."""
    import torch

    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    w = torch.zeros(x.shape[1], requires_grad=True)
    step = torch.optim.SGD([w], lr=problem.rate, momentum=0.9, nesterov=True)
    for _ in range(passes):
        step.zero_grad()
        torch.nn.functional.mse_loss(x @ w, y).backward()  # type: ignore[no-untyped-call]
        step.step()
    return w.detach().numpy()


def _torch_batches(problem: Data, passes: int) -> Coefficients:
    import torch

    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    generator = torch.Generator().manual_seed(0)
    w = torch.zeros(x.shape[1], requires_grad=True)
    step = torch.optim.Adam([w], lr=3e-3)
    for _ in range(passes):
        for rows in torch.split(torch.randperm(len(x), generator=generator), _BATCH):
            step.zero_grad()
            loss = torch.nn.functional.mse_loss(x.index_select(0, rows) @ w, y.index_select(0, rows))
            loss.backward()  # type: ignore[no-untyped-call]
            step.step()
    return w.detach().numpy()


def _sgd_regressor(problem: Data, passes: int) -> Coefficients:
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(max_iter=passes, tol=None, penalty=None, fit_intercept=False, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the passes are few
        coefficients: Coefficients = model.fit(problem.x, problem.y).coef_
    return coefficients


def _normal_equations(problem: Data, passes: int) -> Coefficients:
    solution: Coefficients = np.linalg.solve(problem.x.T @ problem.x, problem.x.T @ problem.y)
    return solution


def _ridge(problem: Data, passes: int) -> Coefficients:
    from sklearn.linear_model import Ridge

    coefficients: Coefficients = (
        Ridge(alpha=1e-6, fit_intercept=False, solver="cholesky").fit(problem.x, problem.y).coef_
    )
    return coefficients


def _linear_regression(problem: Data, passes: int) -> Coefficients:
    from sklearn.linear_model import LinearRegression

    coefficients: Coefficients = LinearRegression(fit_intercept=False).fit(problem.x, problem.y).coef_
    return coefficients


def _lstsq(problem: Data, passes: int) -> Coefficients:
    solution: Coefficients = np.linalg.lstsq(problem.x, problem.y, rcond=None)[0]
    return solution
