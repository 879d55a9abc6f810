"""Whether a path takes moments or streams the data, and what either is expected to cost."""

from __future__ import annotations

from typing import NamedTuple, cast

from gdfast import plan
from gdfast.errors import Argument, Message

PLANS = ("auto", "moments", "stream")

# Memory that moments may take: this, or as much as the data.
_MOST_BYTES = 2**28
# Of the moments of a training set, for each penalty: sweeps, a product with the coefficients, the losses. Measured at
# 50 and at 1,000 columns, a third of which matter.
_SOLVE_S = 0.65e-9
_PASSES = 1.3  # for each penalty and training set: some are made again, and moments of some columns come on top
_CG_PASSES = 15
_FAR = 1e-4  # a gap that coefficients show; what float32 leaves of one is smaller


class Size(NamedTuple):
    """Of the problem."""

    n: int
    d: int
    data_bytes: int
    folds: int  # 1: none
    penalties: int  # of all mixtures
    ridge: int  # of these, with l1 = 0

    @property
    def models(self) -> int:
        return self.folds + (1 if self.folds > 1 else 0)


def moments_bytes(d: int, folds: int) -> int:
    """Each fold's, each training set's twice (as sums, and in standardised columns), and those of all rows."""
    return 8 * (d + 2) ** 2 * (3 * folds + 2 if folds > 1 else 3)


def choose(asked: str, size: Size) -> plan.PlanName:
    """The plan, where `asked` is what the user chose."""
    if asked != "auto":
        return cast(plan.PlanName, asked)
    return "moments" if moments_bytes(size.d, size.folds) <= _most(size) else "stream"


def _most(size: Size) -> int:
    return max(_MOST_BYTES, size.data_bytes)


def stopped_short(gap: float, gap_at_0: float, chosen: plan.PlanName, size: Size, standardize: bool) -> Message | None:
    """What to write where the largest gaps are these, of penalties and without one."""
    if chosen == "moments" and not gap > _FAR:
        return _alike(gap_at_0) if gap_at_0 > _FAR else None
    gap = max(gap, gap_at_0)
    if not gap > _FAR:
        return None
    far = f"not converged: at some penalties the objective may be {gap:.2g} of that at w = 0 above the least one. "
    if chosen == "stream" and moments_bytes(size.d, size.folds) <= _most(size):
        return Message(far, "Write ", Argument("plan", "moments"))
    return Message(far) if standardize else Message(far, "Write ", Argument("standardize", True))


def _alike(gap: float) -> Message:
    return Message(
        f"not converged: without a penalty the objective may be {gap:.2g} of that at w = 0 above the least one, "
        "since moments don't tell some columns apart. Have a difference of two of them in place of one: "
        "gdfast.fit(…, optimizer='exact') names them"
    )


def explain(asked: str, size: Size) -> plan.Explanation:
    """The plan that `choose` takes, why, and what each costs."""
    chosen = choose(asked, size)
    memory = moments_bytes(size.d, size.folds)
    if asked != "auto":
        why = f"plan={asked!r} was asked for"
    else:
        beyond = "no more than" if chosen == "moments" else "more than"
        of = f"{size.d:,} columns" if size.folds == 1 else f"{size.d:,} columns in {size.folds:,} folds"
        why = f"moments of {of} take {memory:,} bytes, {beyond} {_most(size):,}"
    return plan.Explanation(chosen, why, {"stream": _stream(size), "moments": _moments(size)})


def _moments(size: Size) -> plan.Cost:
    once = plan.of_moments(size.n, size.d, size.data_bytes, plan.NATIVE)
    solving = size.models * size.penalties * size.d**2 * _SOLVE_S / min(plan.THREADS, size.models)
    return plan.Cost(size.data_bytes, once + solving)


def _stream(size: Size) -> plan.Cost:
    of_a_model = (size.penalties - size.ridge) * _PASSES + size.ridge * _CG_PASSES
    share = (size.folds - 1) / size.folds if size.folds > 1 else 1.0  # a training set lacks a fold
    passes = 1 + of_a_model * (1 + (size.models - 1) * share)
    return plan.Cost(round(passes * size.data_bytes), passes * plan.of_a_pass(size.data_bytes, plan.NATIVE))
