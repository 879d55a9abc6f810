"""A target, and whether it was reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """One row: a figure, what it should be, what it is.

    Attributes
    ----------
    work : str
    target : str
    measured : str
        The figure and where it was found; the worst one where a row covers several problems.
    value : float
    bound : float
    at_most : bool
        The target is an upper bound.
    isa : str
        Instruction set that it was measured on; empty where none is told apart.
    """

    work: str
    target: str
    measured: str
    value: float
    bound: float
    at_most: bool = False
    isa: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure is on the right side of its bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self) | {"reached": self.reached}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Verdict:
        """The inverse of `as_dict`."""
        return cls(**{key: value for key, value in plain.items() if key != "reached"})
