"""Which options of a fit mean something together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gdfast.errors import Argument, Message

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments

WITHOUT_RATE = ("cg", "exact")  # these need no learning rate


def together(arguments: FitArguments) -> FitArguments:
    """The options that each are right, if they mean something together."""
    options = arguments.options
    optimizer, batches = options.optimizer, options.batch_size > 0
    if optimizer in WITHOUT_RATE:
        return _without_rate(arguments)
    if arguments.finds_rate:
        auto = Argument("learning_rate", "auto")
        if batches:
            raise ValueError(
                Message(
                    auto,
                    " is derived from all of the data, and a batch may be steeper: write a number, or ",
                    Argument("batch_size", None),
                )
            )
        if optimizer == "adam":
            raise ValueError(
                Message(
                    auto,
                    " is the largest step that the loss allows, and Adam's steps don't grow with the loss: "
                    "write a number (0.001 is usual) or ",
                    Argument("optimizer", "nesterov"),
                )
            )
    if batches and arguments.plan == "moments":
        raise ValueError(
            Message(
                Argument("plan", "moments"),
                " knows sums over all rows and no single batch: write ",
                Argument("batch_size", None),
            )
        )
    if options.l1 > 0:
        if optimizer in ("momentum", "adam"):
            raise ValueError(
                Message(
                    Argument("l1", options.l1),
                    " with ",
                    Argument("optimizer", optimizer),
                    " would end at the optimum of another penalty, since its steps differ from the learning rate: "
                    "write ",
                    Argument("optimizer", "gd"),
                    " or ",
                    Argument("optimizer", "nesterov"),
                )
            )
        if optimizer == "nesterov":
            if batches:
                raise ValueError(
                    Message(
                        Argument("optimizer", "nesterov"),
                        " with l1 is FISTA, which takes the gradient of all data: write ",
                        Argument("optimizer", "gd"),
                        ", or ",
                        Argument("batch_size", None),
                    )
                )
            return arguments._replace(options=options._replace(optimizer="fista"))
    return arguments


def _without_rate(arguments: FitArguments) -> FitArguments:
    """The two ways that choose their steps themselves, and whatever learning rate stands beside them."""
    options = arguments.options
    if options.batch_size > 0:
        raise ValueError(
            Message(
                Argument("optimizer", options.optimizer),
                " takes all rows at once: write ",
                Argument("batch_size", None),
            )
        )
    if options.optimizer == "cg" and options.l1 > 0:
        raise ValueError(
            Message(
                Argument("l1", options.l1), " with ", Argument("optimizer", "cg"),
                " has no meaning, since conjugate gradients need a quadratic objective: write ",
                Argument("optimizer", "exact"), ", or ", Argument("optimizer", "nesterov"), ", which is FISTA",
            )
        )  # fmt: skip
    if options.optimizer == "exact" and arguments.plan == "stream":
        raise ValueError(
            Message(
                Argument("optimizer", "exact"), " solves for the optimum from moments: write ",
                Argument("plan", "moments"), ", or ", Argument("optimizer", "cg"), " to stream",
            )
        )  # fmt: skip
    return arguments._replace(options=options._replace(learning_rate=math.nan), finds_rate=False)
