"""Whether a fit of a scan reads it once in all or once a pass, why, and what either is expected to cost."""

from __future__ import annotations

from gdfast import plan
from gdfast._scan.sums import Passes
from gdfast.fit_options import FitArguments

# Of columns decoded from files, where their reading takes longer than the work on them: two cores did so much.
BYTES_PER_S = 1e9


def choose(arguments: FitArguments) -> tuple[plan.PlanName, str]:
    """The plan, and why.

    Reading files takes so long that one read is better than several, if moments fit into memory at all.
    """
    passes, options = _passes(arguments), arguments.options
    if options.batch_size:
        return "stream", "mini-batches need single rows"
    if arguments.plan != "auto":
        return arguments.plan, f"plan={arguments.plan!r} was asked for"
    if options.optimizer == "exact":
        return "moments", "optimizer='exact' solves for the optimum from moments"
    if not passes.bound.restartable:
        return "moments", "an iterator can be read but once"
    d = passes.bound.d
    memory = f"the moments of {d:,} columns take {8 * (d + 2) ** 2:,} bytes"
    if plan.moments_fit(d, passes.one_read):
        return "moments", f"{memory}, and a scan is better read once than {options.n_iters + 1:,} times"
    return "stream", memory


def explain(arguments: FitArguments, work: plan.Work, model: plan.CostModel) -> plan.Explanation:
    """The plan and its reasons. `costs` is empty where nothing tells how many rows there are before they are read."""
    chosen, why = choose(arguments)
    passes = _passes(arguments)
    if passes.rows is None:
        return plan.Explanation(chosen, f"{why}; how many rows there are is not known before they are read", {})
    once = passes.one_read
    work = work._replace(data_bytes=once)
    found: dict[plan.PlanName, plan.Cost] = {}
    for name, cost in plan.explain(work, "auto", model, False).costs.items():
        read = once if name == "moments" else cost.bytes_read
        found[name] = plan.Cost(read, max(cost.seconds, read / BYTES_PER_S))
    return plan.Explanation(chosen, why, found)


def _passes(arguments: FitArguments) -> Passes:
    assert arguments.passes is not None
    return arguments.passes
