"""The model in C++: one read of x a call, with SIMD and threads. These are the functions of `gdfast` itself."""

from __future__ import annotations

from gdfast._core import descend, forward, gradient, loss, loss_and_gradient
from gdfast.backends.base import Backend

BACKEND = Backend("native", forward, loss, gradient, loss_and_gradient, descend)
