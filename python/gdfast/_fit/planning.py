"""What a fit has to do, as the cost model takes it, and the plan that follows."""

from __future__ import annotations

from gdfast import plan
from gdfast._fit.machinery import Machinery
from gdfast.fit_options import FitArguments
from gdfast.objective import sample_bytes


def chosen(backend: Machinery, arguments: FitArguments) -> plan.PlanName:
    options = arguments.options
    simple = arguments.plan == "auto" and not (arguments.finds_rate or arguments.standardize or options.batch_size)
    if simple and options.optimizer != "exact" and arguments.validation is None and not backend.is_reference:
        data_bytes = sample_bytes(arguments.train)
        tiny = plan.of_a_tiny_fit(data_bytes, arguments.w.size, options.n_iters + 1, backend.costs)
        if tiny is not None:
            return tiny
    return plan.choose(work(backend, arguments), arguments.plan, backend.costs, backend.is_reference)


def work(backend: Machinery, arguments: FitArguments) -> plan.Work:
    held_out = arguments.validation
    x = arguments.train.x
    return plan.Work(
        n=0 if x is None else len(x),
        d=arguments.w.size,
        data_bytes=sample_bytes(arguments.train),
        n_validation=0 if held_out is None or held_out.x is None else len(held_out.x),
        validation_bytes=0 if held_out is None else sample_bytes(held_out),
        n_iters=arguments.options.n_iters,
        finds_rate=arguments.finds_rate,
        finds_scales=arguments.standardize,
        batches=arguments.options.batch_size > 0,
        given_moments=x is None,
        solves=arguments.options.optimizer == "exact",
    )
