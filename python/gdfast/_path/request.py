"""What `gdfast.path` was asked for: every argument checked, no row read yet."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import checks, dropped, spelled, tables, validation
from gdfast._fit.data import passes_over
from gdfast._path import planning
from gdfast._path.folds import fold_of_each_row
from gdfast._scan.folds import Folds, count_of, folds_of
from gdfast._scan.sums import Passes
from gdfast.conversion import Array
from gdfast.scan import Scan
from gdfast.wording import shown

Vector = NDArray[np.float64]

RULES = ("min", "1se")


class Options(NamedTuple):
    """In the order in which `_core.path` takes them."""

    ratios: Vector
    penalties: Vector | None  # (R, P)
    penalty_count: int  # P
    eps: float
    fit_intercept: bool
    standardize: bool


class Request(NamedTuple):
    """Samples, or a scan and what has the shape of samples; their folds, and what is wanted of them."""

    x: Array
    y: Array
    s: Array | None
    folds: Folds | None
    options: Options
    names: tuple[str, ...]  # of the columns, in messages and pictures
    feature_names: tuple[str, ...] | None
    one_ratio: bool
    plan: str
    passes: Passes | None = None
    dropped_rows: int = 0  # with missing="drop", of what isn't a scan

    @property
    def size(self) -> planning.Size:
        """Of the problem."""
        ids, options = self.folds, self.options
        folds = 1
        if ids is not None:
            folds = count_of(ids)
        data_bytes = self.x.nbytes + self.y.nbytes + (0 if self.s is None else self.s.nbytes)
        if self.passes is not None:
            data_bytes = self.passes.one_read
        if options.penalties is None:
            ridge = options.penalty_count * int((options.ratios == 0).sum())
        else:
            ridge = int((options.penalties * options.ratios[:, np.newaxis] == 0).sum())
        penalties = options.penalty_count * len(options.ratios)
        return planning.Size(len(self.y), len(self.names), data_bytes, folds, penalties, ridge)


def request(
    x: Any,
    y: Any,
    *,
    l1_ratio: Any = 1.0,
    penalties: Any = None,
    n_penalties: int = 100,
    eps: float = 1e-3,
    folds: Any = None,
    groups: Any = None,
    rng: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = True,
    standardize: bool = True,
    rule: str = "min",
    plan: str = "auto",
    columns: Any = None,
    missing: Any = "error",
) -> Request:
    """The arguments of `gdfast.path`, with its defaults.

    Raises
    ------
    ValueError, TypeError
        When one is none that it accepts.
    """
    ratios, one_ratio = _ratios(l1_ratio)
    asked = None if penalties is None else _penalties(penalties)
    count = checks.whole("n_penalties", n_penalties, 1, "a whole number, 1 or more") if asked is None else len(asked)
    smallest = checks.number("eps", eps, "a number above 0 and below 1", positive=True)
    if smallest >= 1:
        raise ValueError(f"eps is {smallest:g}, accepted is a number above 0 and below 1")
    intercept, standard = checks.flag("fit_intercept", fit_intercept), checks.flag("standardize", standardize)
    checks.one_of("rule", rule, RULES)
    checks.one_of("plan", plan, planning.PLANS)
    passes, rows_out = None, 0
    if isinstance(x, Scan | Passes):
        if plan == "stream":
            raise ValueError(
                "plan='stream' walks over columns here and there in each pass, and a scan reads rows: write plan='auto'"
            )
        passes, plan = passes_over(x, y, sample_weight, columns, missing), "moments"
        feature_names = passes.bound.names
        matrix, targets, s = passes.shape()
    else:
        given = tables.named("x", x, y, sample_weight, columns)
        feature_names = tables.names("x", given.x)
        try:
            kept = dropped.without(given, missing)
            rows_out = kept.rows
            matrix, targets, s = validation.samples(kept.x, kept.y, kept.sample_weight, in_columns=True)
        except (TypeError, ValueError):
            spelled.refuse(given, spelled.Asked(x, y, sample_weight, columns), missing=missing)
            raise
    if s is not None:
        validation.weights("sample_weight", s)
    names = feature_names or tuple(["x"] if matrix.ndim == 1 else [f"x[{j}]" for j in range(matrix.shape[1])])
    if folds is None and (groups is not None or rng is not None):
        raise ValueError("groups and rng are about folds: write folds=5 as well")
    ids: Folds | None = None
    if folds is not None:
        ids = (
            fold_of_each_row(folds, groups, rng, matrix, targets, len(targets))
            if passes is None
            else folds_of(folds, groups, rng, passes)
        )
    grid = None if asked is None else np.broadcast_to(asked, (len(ratios), count)).copy()
    options = Options(ratios, grid, count, smallest, intercept, standard)
    return Request(matrix, targets, s, ids, options, names, feature_names, one_ratio, plan, passes, rows_out)


def _ratios(l1_ratio: Any) -> tuple[Vector, bool]:
    one = np.ndim(l1_ratio) == 0
    accepted = "a number from 0 to 1, or a list of them"
    ratios = [checks.number("l1_ratio", ratio, accepted) for ratio in ([l1_ratio] if one else l1_ratio)]
    if not ratios or max(ratios) > 1:
        raise ValueError(f"l1_ratio is {shown(l1_ratio)}, accepted is {accepted}")
    return np.array(ratios), one


def _penalties(penalties: Any) -> Vector:
    accepted = "accepted is a list of finite numbers, 0 or more"
    try:
        values = np.array(penalties, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"penalties is {shown(penalties)}, {accepted}") from None
    if values.ndim != 1 or not len(values):
        raise ValueError(f"penalties has shape {values.shape}, {accepted}")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        raise ValueError(f"penalties[{wrong[0]}] is {values[wrong[0]]:g}, {accepted}")
    return values
