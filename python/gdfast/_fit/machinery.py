"""What training asks of a backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gdfast import plan
from gdfast.descent import Descend
from gdfast.objective import LossAndGradient
from gdfast.step_size import TakeMoments


class Machinery(Protocol):
    """What training asks of a backend."""

    @property
    def name(self) -> str: ...
    @property
    def loss_and_gradient(self) -> LossAndGradient: ...
    @property
    def descend(self) -> Descend: ...
    @property
    def moments(self) -> TakeMoments: ...
    @property
    def forward(self) -> Any: ...
    @property
    def costs(self) -> plan.CostModel: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> Callable[[], int | None]: ...
    @property
    def is_reference(self) -> bool: ...
