"""The model in C++: one read of x a call, with SIMD and threads. These are the functions of `gdfast` itself."""

from __future__ import annotations

from gdfast import _core
from gdfast._core import forward, gradient, loss, loss_and_gradient
from gdfast.backends.base import Backend
from gdfast.conversion import Array
from gdfast.descent import Hooks, Options, Outcome, Samples
from gdfast.plan import NATIVE


def descend(
    train: Samples, validation: Samples | None, w: Array, b: float | None, options: Options, hooks: Hooks
) -> Outcome:
    """The loop in C++, without the GIL."""
    return Outcome(*_core.descend(train, validation, w, b, options, hooks))


BACKEND = Backend(
    "native",
    forward,
    loss,
    gradient,
    loss_and_gradient,
    descend,
    _core.moments,
    isa=_core.config()["isa"],
    threads=_core.get_num_threads,
    costs=NATIVE,
    is_reference=False,
)
