"""The model in C++: one read of x a call, with SIMD and threads. These are the functions of `gdfast` itself."""

from __future__ import annotations

from gdfast import _core
from gdfast._core import forward, gradient, loss, loss_and_gradient
from gdfast.backends.base import Backend
from gdfast.plan import NATIVE

BACKEND = Backend(
    "native",
    forward,
    loss,
    gradient,
    loss_and_gradient,
    _core.descend,
    _core.moments,
    isa=_core.config()["isa"],
    threads=_core.get_num_threads,
    costs=NATIVE,
)
