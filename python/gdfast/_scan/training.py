"""A fit whose rows come from a scan."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from gdfast import doctor, magnitudes, plan, reading, step_size
from gdfast._fit.machinery import Machinery
from gdfast._inference.basis import Basis, Counted
from gdfast._scan import planning, sums
from gdfast._scan.descent import NO_WEIGHT, Noticed, Scanned
from gdfast._scan.finite import first_not_finite
from gdfast._scan.scales import scales_of
from gdfast._scan.sums import Passes
from gdfast.backends.reference import descend_on
from gdfast.certificate import UNKNOWN, Certificate, Streamed
from gdfast.descent import Hooks, Outcome, Samples
from gdfast.errors import Message
from gdfast.fit_options import FitArguments
from gdfast.objective import Coordinates, Data, Objective, Penalty, quiet
from gdfast.result import Fit
from gdfast.training import Training


class ScanTraining(Training):
    """As `Training`, but for all that looks at the rows."""

    def __init__(self, backend: Machinery, arguments: FitArguments) -> None:
        super().__init__(backend, arguments)
        assert arguments.passes is not None
        self.passes, self.held_out = arguments.passes, arguments.validation_passes
        self.shape = arguments.train
        self.noticed = Noticed()
        self.data = Scanned(self.passes, backend, self.options.reduction, self.noticed)

    @property
    def streams(self) -> bool:
        return self.plan == "stream"

    def choose_plan(self) -> plan.PlanName:
        return planning.choose(self.arguments)[0]

    def prepare(self) -> None:
        super().prepare()
        if not self.streams and self.held_out is not None:
            self.validation = self._moments(self.held_out)[0]

    def take_moments(self, samples: Samples) -> Samples:
        if samples is not self.shape:
            return super().take_moments(samples)
        taken, counted = self._moments(self.passes)
        self.arguments = self.arguments._replace(train=taken, counted=counted)
        return taken

    def _moments(self, passes: Passes) -> tuple[Samples, Counted]:
        found = sums.moments(passes, self.backend)
        if not found.gram.matrix[-2, -2]:
            raise ValueError(NO_WEIGHT)
        return Samples(None, None, None, found.gram), found.rows

    def find_scales(self) -> None:
        if not self.streams:
            return super().find_scales()
        with quiet():
            shift, scale = scales_of(self.data, self.arguments.b is not None)
        self.options = self.options._replace(shift=shift, scale=scale)
        if not np.isfinite(shift + scale).all():
            self.refuse_data()
        return None

    def find_reading(self) -> None:
        if not self.streams:
            return super().find_reading()
        of_y = self.noticed.of_y.total() if self.noticed.seen else None
        if of_y is not None:
            self.choose_reading(reading.spread_of_y(Samples(None, None, None, of_y.gram)))
        return None

    def curvature(self) -> float:
        if not self.streams:
            return super().curvature()
        dtype, intercept = self.arguments.w.dtype, self.arguments.b is not None
        d = self.passes.bound.d
        if d <= step_size.SMALL:
            gram = sums.moments(self.data, self.backend).gram
            largest = step_size.largest_of(step_size.hessian(gram, self.options, intercept))
        else:
            coordinates = Coordinates(dtype, intercept, self.options.shift, self.options.scale)
            objective = Objective(coordinates, Penalty(self.options.l2, 0.0, intercept))
            largest = step_size.largest_eigenvalue(
                lambda v: objective.product(self.data, v.astype(dtype)), d + intercept
            )
        return largest if largest <= float(np.finfo(dtype).max) else math.inf

    def descend_with(self, hooks: Hooks) -> Outcome:
        if not self.streams:
            return super().descend_with(hooks)
        arguments, kernel, reduction = self.arguments, self.backend.loss_and_gradient, self.options.reduction
        options, dtype = self.options, self.dtype
        held_out: Data | None = None
        if self.held_out is not None:
            held_out = Scanned(self.held_out, self.backend, reduction, None).as_read(options, dtype)
        elif self.validation is not None:
            held_out = reading.data_of(self.validation, kernel, options, dtype)
        w = arguments.w.astype(dtype, copy=False)
        return descend_on(self.data.as_read(options, dtype), held_out, None, w, arguments.b, options, hooks)

    def zero_loss(self) -> float:
        if not self.streams:
            return super().zero_loss()
        weight, squares = self.noticed.squares(about_mean=False)
        return squares / weight if self.options.reduction == "mean" else squares

    # --- what comes of it ---

    def fit(self, outcome: Outcome, ended_early: bool) -> Fit:
        if self.streams and self.noticed.seen:
            self.arguments = self.arguments._replace(train=self.noticed.sample())
        fit = super().fit(outcome, ended_early)
        passes = [one for one in (self.passes, self.held_out) if one is not None]
        bytes_read = sum(one.nbytes for one in passes) + (outcome.bytes_read if self.held_out is None else 0)
        report = dataclasses.replace(
            fit.report,
            passes=self.passes.nbytes / self.passes.one_read if self.passes.one_read else 0.0,
            bytes_read=bytes_read,
            peak_bytes=max([fit.report.peak_bytes, *(one.peak_bytes for one in passes)]),
            disk_bytes=sum(one.disk_bytes for one in passes),
            waited=sum(one.waiting.seconds for one in passes),
            dropped_rows=self.passes.dropped,
        )
        return dataclasses.replace(fit, report=report)

    def certificate(self, outcome: Outcome) -> Certificate:
        if not self.streams:
            return super().certificate(outcome)
        if outcome.gradient is None:
            return UNKNOWN
        with quiet():
            return _StreamedScan(self, outcome).certificate()

    def basis(self) -> Basis:
        if not self.streams and self.arguments.counted is not None:
            return super().basis()
        options = self.options
        rows, weighted = self.passes.rows or 0, self.passes.bound.weighted
        return Basis(None, None, rows, weighted, options.l2, options.l1, options.reduction)

    def check(self, outcome: Outcome) -> None:
        if self.streams and self.noticed.seen:
            self.arguments = self.arguments._replace(train=self.noticed.sample())
        super().check(outcome)

    def refuse_not_finite(self, validation: bool = False) -> None:
        passes = self.held_out if validation else self.passes
        if passes is None:
            return super().refuse_not_finite(validation)
        if not passes.bound.restartable:
            raise doctor.DivergenceError(
                "the data holds a NaN or an infinity, or squares beyond the range of its dtype"
            )
        found = first_not_finite(passes, self.arguments.name)
        if found is not None:
            error = doctor.DivergenceError(Message(found))
            error._of_data = True
            raise error
        return None


class _StreamedScan(Streamed):
    """Of rows of which some are there, and of all how y is spread."""

    def __init__(self, training: ScanTraining, outcome: Outcome) -> None:
        super().__init__(training.arguments, training.options, outcome)
        self.training = training

    @property
    def n(self) -> int:
        return self.training.passes.rows or 0

    def certificate(self) -> Certificate:
        known = super().certificate()
        sizes_were_known = self.options.scale is not None or self.options.optimizer != "cg"
        if known.small_columns or sizes_were_known or self.training.dtype != np.float32:
            return known
        small = magnitudes.vanishing_in_float32(self.arguments.train)
        return known._replace(gap=None, small_columns=small) if small else known

    def spread(self) -> tuple[float, float]:
        weight, squares = self.training.noticed.squares(about_mean=self.intercept)
        return (squares / weight, 1.0) if self.options.reduction == "mean" else (squares, weight)
