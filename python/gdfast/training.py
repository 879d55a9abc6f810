"""The way of a fit: plan, scales of the columns, learning rate, descent; then a `Fit`, or an exception that has one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from gdfast import convergence, digits, doctor, magnitudes, optimum, plan, plot, reading, scaling, step_size
from gdfast._fit import handing_over, planning
from gdfast._fit.combinations import WITHOUT_RATE
from gdfast._fit.machinery import Machinery
from gdfast._inference.basis import Basis, counted
from gdfast.certificate import UNKNOWN, Certificate, certificate
from gdfast.conversion import Array
from gdfast.descent import Gram, Hooks, Outcome, Samples
from gdfast.errors import Message
from gdfast.fit_options import FitArguments
from gdfast.objective import quiet, sample_bytes
from gdfast.progress import ProgressBar
from gdfast.report import Report
from gdfast.result import Fit


def train(backend: Machinery, arguments: FitArguments) -> Fit:
    """Train as `arguments` say.

    Raises
    ------
    DivergenceError
        When the loss grew without bound, or the data isn't finite.
    KeyboardInterrupt, Exception
        Ctrl-C, and whatever the callback raised. The fit so far is on each of them.
    """
    if arguments.passes is not None:
        from gdfast._scan.training import ScanTraining  # which builds on this module

        return ScanTraining(backend, arguments).run()
    return Training(backend, arguments.in_arrays() if backend.is_reference else arguments).run()


def explanation(backend: Machinery, arguments: FitArguments) -> plan.Explanation:
    """The plan of the fit that `arguments` describe. Reads no data."""
    if arguments.passes is not None:
        from gdfast._scan.planning import explain  # which builds on this module

        return explain(arguments, planning.work(backend, arguments), backend.costs)
    return plan.explain(planning.work(backend, arguments), arguments.plan, backend.costs, backend.is_reference)


class Training:
    """One fit under way: what it has found and read so far."""

    def __init__(self, backend: Machinery, arguments: FitArguments) -> None:
        self.started = time.perf_counter()
        self.backend, self.arguments = backend, arguments
        self.train, self.validation = arguments.train, arguments.validation
        self.plan: str = arguments.plan
        self.options = arguments.options
        self.dtype: np.dtype[Any] = arguments.w.dtype  # of the descent
        self.bytes_read = self.peak_bytes = 0
        self.unfinished: Message | None = None  # what is said of a fit that hasn't arrived
        self.warns = False  # and whether it is said aloud
        self.kept: list[tuple[Any, ...]] = []

    def run(self) -> Fit:
        outcome: Outcome | None = None
        fit: Fit | None = None
        error: BaseException | None = None
        try:
            self.prepare()
            outcome = self.descend()
            error = outcome.error
            if error is None:
                self.check(outcome)
                fit = self.fit(outcome, ended_early=False)
        except doctor.DivergenceError as refused:
            outcome = outcome or handing_over.nothing_done(self.arguments, "diverged")
            outcome, error = outcome._replace(stop_reason="diverged"), refused
        except BaseException as raised:  # Ctrl-C, or what another signal's handler raises
            if not (self.kept or isinstance(raised, KeyboardInterrupt)):
                raise
            outcome = (outcome or self.descended())._replace(stop_reason="interrupted")
            error = raised
        if error is None:
            assert fit is not None
            if self.unfinished is not None and self.warns:
                convergence.warn(self.unfinished)
            return fit
        fit = self.fit(outcome, ended_early=True)
        try:
            handing_over.attach(error, fit)
            raise error
        finally:
            # The traceback holds this frame: without this the data would outlive the exception in a cycle.
            self.kept.clear()
            del error, outcome, fit, self

    def descended(self) -> Outcome:
        """What the descent kept, should Ctrl-C have come while it was handed out."""
        if not self.kept:
            return handing_over.nothing_done(self.arguments, "interrupted")
        return handing_over.rounded(Outcome(*self.kept[-1]), self.arguments)

    def prepare(self) -> None:
        """All that comes before the first pass."""
        arguments = self.arguments
        self.plan = self.choose_plan()
        if self.plan == "moments":
            self.train = self.take_moments(self.train)
            self.validation = None if self.validation is None else self.take_moments(self.validation)
        if arguments.standardize or self.options.optimizer == "cg":
            self.find_coordinates()
        if arguments.finds_rate:
            largest = self.curvature()
            if not math.isfinite(largest):
                self.refuse_data()
            # Without curvature there is no gradient either, and any rate leaves everything where it is.
            self.options = self.options._replace(learning_rate=1 / largest if largest > 0 else 1.0)

    def choose_plan(self) -> plan.PlanName:
        return planning.chosen(self.backend, self.arguments)

    def take_moments(self, samples: Samples) -> Samples:
        if samples.gram is not None:
            return samples
        assert samples.x is not None
        assert samples.y is not None
        matrix, origin, read, peak = self.backend.moments(samples.x, samples.y, samples.sample_weight)
        self.bytes_read += read
        self.peak_bytes = max(self.peak_bytes, peak)
        return Samples(*samples[:3], Gram(matrix, origin))

    def find_scales(self) -> None:
        """Shift and scale of the columns."""
        found = scaling.scaling(self.train, self.arguments.b is not None)
        self.bytes_read += found.bytes_read
        self.options = self.options._replace(shift=found.shift, scale=found.scale)
        if not np.isfinite(found.shift + found.scale).all():
            self.refuse_data()

    def find_coordinates(self) -> None:
        """Conjugate gradients descend in columns of mean 0: an offset is as bad for them as a column twice as there.

        And in columns of deviation 1, beside which an intercept doesn't make everything look flat, unless l2 would be
        of other coefficients then.
        """
        standardize, intercept = self.arguments.standardize, self.arguments.b is not None
        if standardize or intercept:
            self.find_scales()
        self.find_reading()
        if intercept and not standardize and self.options.l2 > 0:
            self.options = self.options._replace(scale=np.ones(self.arguments.w.size))

    def find_reading(self) -> None:
        """How rows are read. The native loop and the exact solution have moments about the means in any case."""
        if self.plan == "stream" or (self.backend.is_reference and self.options.optimizer != "exact"):
            self.choose_reading(reading.spread_of_y(self.train))

    def choose_reading(self, y: reading.Spread) -> None:
        intercept = self.arguments.b is not None
        self.options, self.dtype = reading.chosen(self.train, self.options, self.dtype, intercept, y)

    def curvature(self) -> float:
        """L, no less than the largest eigenvalue of the Hessian."""
        dtype, intercept = self.arguments.w.dtype, self.arguments.b is not None
        found = step_size.curvature(self.backend, self.train, self.options, dtype, intercept)
        self.bytes_read += found.bytes_read
        self.peak_bytes = max(self.peak_bytes, found.peak_bytes)
        # Moments are float64 whatever x is, but steps of 1/L have to be numbers of x's dtype.
        return found.largest if found.largest <= float(np.finfo(dtype).max) else math.inf

    def descend(self) -> Outcome:
        arguments = self.arguments
        callback = handing_over.after_pass(arguments)
        # The outcome is no variable here: it may hold an exception, whose traceback holds this frame.
        if not arguments.progress:
            return handing_over.rounded(self.descend_with(Hooks(callback, None, self.kept)), arguments)
        with ProgressBar(self.options.n_iters) as bar:
            return handing_over.rounded(bar.finished(self.descend_with(Hooks(callback, bar, self.kept))), arguments)

    def descend_with(self, hooks: Hooks) -> Outcome:
        arguments = self.arguments
        w = arguments.w.astype(self.dtype, copy=False)
        return self.backend.descend(self.train, self.validation, w, arguments.b, self.options, hooks)

    def zero_loss(self) -> float:
        """The loss at w = b = 0, which takes no read of x: all that is left of the residuals is y."""
        mean = self.options.reduction == "mean"
        gram = self.train.gram
        if gram is not None:
            with quiet():
                return float(optimum.moved(gram)[-1, -1] / (gram.matrix[-2, -2] if mean else 1))
        _, y, s, _ = self.train
        assert y is not None
        nothing = np.broadcast_to(np.zeros(1, y.dtype), y.shape)
        with quiet():
            loss, _ = self.backend.loss_and_gradient(nothing, y, 0.0, sample_weight=s, reduction=self.options.reduction)
        return loss

    # --- what comes of it ---

    def fit(self, outcome: Outcome, ended_early: bool) -> Fit:
        known = UNKNOWN if ended_early else self.certificate(outcome)
        advice = () if ended_early else self.advice(outcome, known)
        seconds = time.perf_counter() - self.started
        one_read = sample_bytes(self.train)
        bytes_read = self.bytes_read + outcome.bytes_read
        report = Report(
            plan=self.plan,
            passes=bytes_read / one_read if one_read else 0.0,
            bytes_read=bytes_read,
            seconds=seconds,
            threads=self.backend.threads(),
            isa=self.backend.isa,
            peak_bytes=max(self.peak_bytes, outcome.peak_bytes),
            advice=advice,
            form=outcome.form,
            copied_bytes=self.arguments.copied_bytes,
            dropped_rows=self.arguments.dropped_rows,
        )
        return Fit(
            w=handing_over.coefficients(outcome.w, self.arguments.one_column),
            b=outcome.b,
            losses=outcome.losses,
            validation_losses=outcome.validation_losses,
            loss=outcome.loss,
            n_iters=len(outcome.losses),
            stop_reason=outcome.stop_reason,
            learning_rate=self.options.learning_rate,
            gap=known.gap,
            loss_error=known.loss_error,
            gradient_norm=known.gradient_norm,
            report=report,
            backend=self.backend,
            feature_names=self.arguments.columns,
            sample=plot.sample_of(self.arguments.train, self.predicted(outcome)),
            basis=self.basis(),
        )

    def certificate(self, outcome: Outcome) -> Certificate:
        return certificate(self.arguments, self.train, self.options, outcome)

    def predicted(self, outcome: Outcome) -> Callable[[Array], Array] | None:
        """What the model makes of rows, where that is drawn: there is no descent to look at instead."""
        if self.options.optimizer != "exact" or outcome.stop_reason != "converged":
            return None
        return lambda rows: self.backend.forward(rows, outcome.w, outcome.b)

    def basis(self) -> Basis:
        """What a summary needs, and no more: moments of many columns are large."""
        options, rows = self.options, self.arguments.counted
        gram = None if options.l1 > 0 or options.l2 > 0 else self.train.gram
        n, weighted = self.arguments.rows, self.arguments.weighted
        if rows is not None:
            n, weighted = rows.n if rows.weighted else rows.above_0, rows.weighted
        elif gram is not None and self.train.y is not None:
            rows = counted(len(self.train.y), self.train.sample_weight)._replace(n=n, weighted=weighted)
        return Basis(gram, rows, n, weighted, options.l2, options.l1, options.reduction)

    def advice(self, outcome: Outcome, known: Certificate) -> tuple[str, ...]:
        if known.small_columns:
            self.unfinished = magnitudes.lost(self.arguments, known.small_columns)
            self.warns = True
        elif known.far_columns:
            self.unfinished = digits.lost(self.arguments, known.far_columns)
            self.warns = True
        else:
            self.unfinished = convergence.advice(self.arguments, outcome, known.gap, self.plan)
            self.warns = self.arguments.left_to_defaults
        found = doctor.advice(self.arguments)
        if outcome.dependent or outcome.smallest_pivot < convergence.NEARLY_COLLINEAR:
            found = convergence.collinear(outcome, self.arguments.name) + found
        return found if self.unfinished is None else (*found, self.unfinished)

    def check(self, outcome: Outcome) -> None:
        """Raise if the outcome is none that a user could want."""
        if outcome.stop_reason == "diverged":
            if self.options.optimizer in WITHOUT_RATE or handing_over.is_beyond(outcome.w, self.dtype):
                self.refuse_data()
            reached = doctor.Divergence(outcome.losses, outcome.loss, self.options.learning_rate, self.zero_loss())
            if not math.isfinite(reached.objective):
                self.refuse_not_finite()
            far = () if self.plan == "moments" else digits.far_columns(self.arguments, self.options)
            largest = math.nan if self.options.optimizer == "adam" else self.curvature()
            raise doctor.DivergenceError(doctor.diagnose(self.arguments, reached, largest, far))
        if self.arguments.validation is not None and not np.isfinite(outcome.validation_losses).all():
            self.refuse_not_finite(validation=True)

    def refuse_not_finite(self, validation: bool = False) -> None:
        """Raise if the data holds a NaN or an infinity."""
        doctor.refuse_not_finite(self.arguments, validation)

    def refuse_data(self) -> NoReturn:
        """There are no scales, or no learning rate, of such data."""
        self.refuse_not_finite()
        raise doctor.DivergenceError(magnitudes.beyond(self.arguments, self.options))
