"""The training loop of the reference backends: the tutorial's, with each of its lines a piece that can be exchanged.

The pieces know nothing of one another: data, coordinates and penalties are in `gdfast.objective`, the optimisers in
`optimizers`, and what ends training is `StoppingRules`. All of them keep the dtype of x.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gdfast.backends.optimizers import OPTIMIZERS
from gdfast.conversion import Array
from gdfast.descent import GROWTH, Gram, Hooks, OnProgress, Options, Outcome, Samples, StopReason
from gdfast.objective import Coordinates, Data, LossAndGradient, Objective, Penalty, quiet
from gdfast.optimum import certify
from gdfast.reading import data_of

PROGRESS_SECONDS = 0.1


def descend(
    loss_and_gradient: LossAndGradient,
    train: Samples,
    validation: Samples | None,
    w: Array,
    b: float | None,
    options: Options,
    hooks: Hooks,
) -> Outcome:
    """Train; `Backend.descend` for a backend that has no loop of its own. Counts no memory: `peak_bytes` is 0."""
    data = data_of(train, loss_and_gradient, options, w.dtype)
    held_out = None if validation is None else data_of(validation, loss_and_gradient, options, w.dtype)
    return descend_on(data, held_out, train.gram, w, b, options, hooks)


def descend_on(
    data: Data,
    held_out: Data | None,
    gram: Gram | None,
    w: Array,
    b: float | None,
    options: Options,
    hooks: Hooks,
) -> Outcome:
    """Train on whatever can be evaluated; `gram` are its moments, if there are any."""
    wide = options.optimizer in ("cg", "exact")  # these reckon in float64, whatever dtype x has
    dtype = np.dtype(np.float64) if wide else w.dtype
    coordinates = Coordinates(dtype, b is not None, options.shift, options.scale, options.target)
    penalty = Penalty(options.l2, options.l1, b is not None)
    objective = Objective(coordinates, penalty)
    optimizer = OPTIMIZERS[options.optimizer](coordinates.enter(w, b), options, penalty.prox)
    zero_b = None if options.target is None else -options.target
    rules = StoppingRules(options, lambda: data.evaluate(np.zeros_like(w), zero_b)[0])
    report = _throttled(hooks.progress)

    stop: StopReason | None = None
    error: BaseException | None = None
    loss = math.nan
    best: Array | None = None
    gradient: Array | None = None
    try:
        for iteration in range(options.n_iters):
            batches = data.batches(options.batch_size, options.rng)
            with quiet():
                loss = float(np.mean([optimizer.update(objective, batch) for batch in batches]))
            rules.losses.append(loss)

            if held_out is not None:
                with quiet():
                    point = coordinates.at(optimizer.p)
                    value, _, _ = held_out.evaluate(*point)
                if rules.is_best(value, held_out.error(*point, value)):
                    best = optimizer.p
            asked = hooks.callback is not None and bool(
                hooks.callback(iteration, *_in_dtype(coordinates.leave(optimizer.p), w.dtype), loss)
            )
            report(iteration + 1, loss)
            error_now = data.error(*coordinates.at(optimizer.p), loss) if options.tol >= 0 else 0.0
            stop = rules.after_pass(asked, optimizer.arrived, optimizer.had_moved, error_now)
            if stop is not None:
                break
        if stop != "diverged":
            loss, gradient = objective(data, optimizer.p if best is None else best)
            stop = "diverged" if rules.diverged(loss) else stop or "n_iters"
    except BaseException as raised:  # Ctrl-C, or whatever the callback raised: `Backend.fit` raises it again
        stop, error = "interrupted", raised

    def outcome(stop: StopReason, error: BaseException | None) -> Outcome:
        # Without a pass they are where they began, and to and fro between coordinates would round them.
        last = (w, b)
        if rules.losses:
            last = _in_dtype(coordinates.leave(optimizer.p if best is None else best), w.dtype)
        known = (math.nan,) * 3
        if gram is not None and error is None and stop != "diverged":
            with quiet():
                known = certify(gram, options, last[0].astype(np.float64), last[1])
        return Outcome(
            *last,
            losses=np.array(rules.losses, dtype=np.float64),
            validation_losses=np.array(rules.validation_losses, dtype=np.float64),
            loss=loss,
            stop_reason=stop,
            error=error,
            bytes_read=data.bytes_read + (0 if held_out is None else held_out.bytes_read),
            peak_bytes=0,
            gap=known[0],
            loss_error=known[1],
            gradient_norm=known[2],
            gradient=gradient,
            dependent=getattr(optimizer, "dependent", ()),
            smallest_pivot=getattr(optimizer, "smallest_pivot", 1.0),
        )

    try:
        hooks.kept.append(outcome(stop, error))
    except KeyboardInterrupt as late:  # which must not cost what has been reached
        hooks.kept.append(outcome("interrupted", late))
    finally:
        del error  # its traceback holds this frame: see `gdfast.training`
    return Outcome(*hooks.kept[-1])


class StoppingRules:
    """What has been reached so far, and whether that is enough."""

    def __init__(self, options: Options, zero_loss: Callable[[], float]) -> None:
        self.tol, self.patience, self.zero_loss = options.tol, options.patience, zero_loss
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.lowest, self.passes_since = math.inf, 0

    def is_best(self, validation_loss: float, error: float) -> bool:
        """Take note of the validation loss after a pass, which may be off by `error`: whether none was lower."""
        self.validation_losses.append(validation_loss)
        better = validation_loss + error < self.lowest
        self.lowest, self.passes_since = (validation_loss, 0) if better else (self.lowest, self.passes_since + 1)
        return better

    def after_pass(self, asked: bool, arrived: bool, had_moved: bool, error: float) -> StopReason | None:
        """Why training ends after this pass, the most important reason first; None if it goes on.

        `error` is what each loss may be off by: what is known less exactly than `tol` asks for ends nothing.
        """
        if self.diverged(self.losses[-1]):
            return "diverged"
        if asked:
            return "callback"
        if arrived:
            return "converged"
        if self.passes_since >= self.patience:
            return "validation"
        if len(self.losses) > 1 and had_moved and self.tol >= 0:
            before, now = self.losses[-2:]
            if abs(now - before) + 2 * error <= self.tol * before:
                return "tol"
        return None

    def diverged(self, loss: float) -> bool:
        start = self.losses[0] if self.losses else loss
        # The loss without a model costs a pass, and is seldom asked for.
        return not (math.isfinite(loss) and (loss <= GROWTH * start or loss <= GROWTH * self.zero_loss()))


def _in_dtype(model: tuple[Array, float | None], dtype: np.dtype[Any]) -> tuple[Array, float | None]:
    """w and b as they are handed out."""
    w, b = model
    return w.astype(dtype, copy=False), None if b is None else float(dtype.type(b))


def _throttled(progress: OnProgress | None) -> OnProgress:
    """`progress`, but called at most every `PROGRESS_SECONDS`."""
    last = time.monotonic()

    def report(done: int, loss: float) -> None:
        nonlocal last
        if progress is not None and time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            progress(done, loss)

    return report
