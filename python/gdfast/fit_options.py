"""Every check of the options of `fit`: what they may be, and which of them mean something together."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gdfast import checks, copies, dropped, spelled, tables
from gdfast import validation as arrays
from gdfast._fit import combinations, data
from gdfast._inference.basis import Counted
from gdfast._scan.sums import Passes
from gdfast.conversion import Array
from gdfast.defaults import LEARNING_RATE, N_ITERS, OPTIMIZER, nothing_chosen
from gdfast.descent import Gram, Options, Samples
from gdfast.errors import Argument, Message
from gdfast.plan import Asked
from gdfast.scan import Scan
from gdfast.step import Callback
from gdfast.storage import computed
from gdfast.wording import shown, type_name

OPTIMIZERS = ("gd", "momentum", "nesterov", "adam", "cg", "exact")
PLANS = ("auto", "stream", "moments")


class FitArguments(NamedTuple):
    """All that `fit` was asked for, checked and in the form that a descent takes."""

    train: Samples  # x is (n, d)
    validation: Samples | None
    one_column: bool  # x was (n,), so w goes out as a float
    columns: tuple[str, ...] | None  # their names, where x came with any
    w: Array  # (d,) of the dtype of the computation
    b: float | None
    options: Options  # its learning rate is NaN for "auto"; without the scales of the columns
    finds_rate: bool  # learning_rate="auto"
    standardize: bool
    left_to_defaults: bool  # nothing was chosen that says how long training takes
    callback: Callback | None
    progress: bool
    plan: Asked
    given: tuple[Any, ...]  # x, y and sample_weight, none of them a name any more
    asked: spelled.Asked  # as they came, for messages
    given_validation: Any
    counted: Counted | None = None  # the rows of moments that came instead of samples
    passes: Passes | None = None  # of a scan that came instead of x: what is in `train` only has its shape
    validation_passes: Passes | None = None
    dropped_rows: int = 0  # with missing="drop"
    copied_bytes: int = 0

    def in_arrays(self) -> FitArguments:
        """The same without tables, which the reference backends don't read: copies."""
        copied = copies.total()
        train = data.in_arrays(self.train)
        validation = None if self.validation is None else data.in_arrays(self.validation)
        more = copies.total() - copied
        return self._replace(train=train, validation=validation, copied_bytes=self.copied_bytes + more)

    @property
    def rows(self) -> int:
        """Of the samples, those that count."""
        return 0 if self.train.y is None else len(self.train.y) - self.dropped_rows

    @property
    def weighted(self) -> bool:
        """Whether anybody gave weights: rows that were dropped have some, too."""
        return (self.given[2] if self.dropped_rows else self.train.sample_weight) is not None

    def name(self, j: int) -> str:
        """What messages call column j."""
        if self.one_column:
            return "x"
        if self.columns is not None and len(self.columns) == self.w.size:
            return repr(self.columns[j])
        return f"x[:, {j}]"


def check(
    x: Any,
    y: Any,
    *,
    w0: Any = None,
    b0: Any = None,
    fit_intercept: Any = False,
    learning_rate: Any = LEARNING_RATE,
    n_iters: Any = N_ITERS,
    optimizer: Any = OPTIMIZER,
    momentum: Any = 0.9,
    betas: Any = (0.9, 0.999),
    eps: Any = 1e-8,
    batch_size: Any = None,
    shuffle: Any = True,
    rng: Any = None,
    l2: Any = 0.0,
    l1: Any = 0.0,
    sample_weight: Any = None,
    standardize: Any = False,
    reduction: Any = "mean",
    tol: Any = None,
    validation: Any = None,
    patience: Any = 10,
    callback: Any = None,
    progress: Any = False,
    plan: Any = "auto",
    columns: Any = None,
    missing: Any = "error",
) -> FitArguments:
    """The arguments of `fit` but for its backend, with `fit`'s own defaults."""
    arrays.reduction(reduction)
    copied = copies.total()
    scanned = held_out = None
    rows_out, asked = 0, spelled.Asked(x, y, sample_weight, columns)
    if isinstance(x, Scan | Passes):
        given = x, y, sample_weight
        scanned = data.passes_over(x, y, sample_weight, columns, missing)
        x, y, sample_weight = scanned.shape()
        validation, held_out = data.scanned_validation(validation, scanned)
    else:
        x, y, sample_weight = given = tables.named("x", x, y, sample_weight, columns)
    try:
        if scanned is None and missing != "error":
            x, y, sample_weight, rows_out, _ = dropped.without(tables.Named(*given), missing)
        matrix = arrays.matrix(x, "x", in_columns=True)
        train = data.samples(matrix, y, sample_weight, "y", "sample_weight", "x")
    except (TypeError, ValueError):
        spelled.refuse(tables.Named(*given), asked, missing=missing if scanned is None else None)
        raise
    names = None if type(x) is np.ndarray else data.columns(given[0], matrix)
    if scanned is not None:
        names = scanned.bound.names
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is of type {type_name(callback)}, accepted is None or a function that takes a Step")
    rate = _learning_rate(learning_rate)
    arguments = FitArguments(
        train=train,
        validation=None if validation is None else data.validation(validation, matrix, names),
        one_column=matrix.ndim == 1,
        columns=names,
        w=data.start(w0, matrix),
        b=data.intercept(b0, fit_intercept, computed(matrix.dtype)),
        options=Options(
            learning_rate=rate,
            n_iters=checks.whole("n_iters", n_iters, 0, "a whole number of passes, 0 or more"),
            optimizer=checks.one_of("optimizer", optimizer, OPTIMIZERS),
            momentum=checks.share("momentum", momentum),
            betas=_betas(betas),
            eps=checks.number("eps", eps, "a finite number above 0", positive=True),
            batch_size=0 if batch_size is None else _batch_size(batch_size, len(matrix)),
            rng=_order(batch_size, checks.flag("shuffle", shuffle), rng),
            l2=checks.number("l2", l2, "a finite number, 0 or more"),
            l1=checks.number("l1", l1, "a finite number, 0 or more"),
            reduction=reduction,
            tol=-1.0 if tol is None else checks.number("tol", tol, "None or a finite number, 0 or more"),
            patience=checks.whole("patience", patience, 1, "a whole number of passes, 1 or more"),
            shift=None,
            scale=None,
        ),
        finds_rate=rate != rate,
        standardize=checks.flag("standardize", standardize),
        left_to_defaults=batch_size is None and nothing_chosen(learning_rate, n_iters, optimizer),
        callback=callback,
        progress=checks.flag("progress", progress),
        plan=checks.one_of("plan", plan, PLANS),
        given=given,
        asked=asked,
        given_validation=validation,
        passes=scanned,
        validation_passes=held_out,
        dropped_rows=rows_out,
        copied_bytes=copies.total() - copied,
    )
    return combinations.together(arguments)


def check_moments(gram: Gram, counted: Counted, **options: Any) -> FitArguments:
    """The arguments of a fit that has moments of so many rows and no samples; `options` are those of `fit`."""
    d = len(gram.origin) - 1
    row = np.broadcast_to(0.0, (1, d))  # stands for x where its shape and dtype matter
    arguments = check(row, row[:, 0], **options, plan="moments")
    return arguments._replace(train=Samples(None, None, None, gram), counted=counted)


def _learning_rate(value: Any) -> float:
    """NaN for "auto"."""
    accepted = "a finite number above 0, or 'auto'"
    if isinstance(value, str):
        if value == "auto":
            return math.nan
        raise ValueError(Message(Argument("learning_rate"), f" is {shown(value)}, accepted is {accepted}"))
    return checks.number("learning_rate", value, accepted, positive=True)


def _betas(value: Any) -> tuple[float, float]:
    accepted = "accepted are two numbers from 0 to below 1"
    if not isinstance(value, (tuple, list, np.ndarray)):
        raise TypeError(f"betas is {shown(value)}, {accepted}")
    if getattr(value, "ndim", 1) == 0 or len(value) != 2:
        raise ValueError(f"betas is {shown(value)}, {accepted}")
    return checks.share("betas[0]", value[0]), checks.share("betas[1]", value[1])


def _batch_size(value: Any, n: int) -> int:
    accepted = f"None or a whole number of rows from 1 to the {n} there are"
    size = checks.whole("batch_size", value, 1, accepted)
    if size > n:
        raise ValueError(Message(Argument("batch_size"), f" is {shown(size)}, accepted is {accepted}"))
    return size


def _order(batch_size: Any, shuffle: bool, rng: Any) -> np.random.Generator | None:
    """What draws the order of the rows: nothing, where there is one batch or no shuffling."""
    if rng is None and batch_size is None:
        return None
    if not (rng is None or isinstance(rng, (int, np.integer, np.random.Generator))) or isinstance(rng, bool):
        accepted = "accepted is None, a seed (an int) or a numpy.random.Generator: write rng=np.random.default_rng(0)"
        raise TypeError(Message(Argument("rng"), f" is of type {type_name(rng)}, {accepted}"))
    if isinstance(rng, (int, np.integer)) and rng < 0:
        raise ValueError(Message(Argument("rng"), f" is {shown(rng)}, accepted is a seed of 0 or more"))
    return np.random.default_rng(rng) if shuffle and batch_size is not None else None
