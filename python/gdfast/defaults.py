"""Defaults of `fit` that can be told from the same value written by hand.

Whoever writes `n_iters=100` has chosen 100 passes; of whoever left that out nobody knows. A default is its value in
every respect but its type.
"""

from __future__ import annotations


class DefaultNumber(float):
    """A number that nobody chose."""


class DefaultCount(int):
    """A whole number that nobody chose."""


class DefaultName(str):
    """One of several names, which nobody chose."""

    __slots__ = ()


LEARNING_RATE = DefaultNumber(0.01)
N_ITERS = DefaultCount(100)
OPTIMIZER = DefaultName("gd")


def nothing_chosen(learning_rate: object, n_iters: object, optimizer: object) -> bool:
    """Whether all of them are defaults."""
    return type(learning_rate) is DefaultNumber and type(n_iters) is DefaultCount and type(optimizer) is DefaultName
