"""Sums over pieces, added in an order that depends on the pieces' numbers only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Tree(Generic[T]):
    """Adds parts in a binary tree over their numbers: 0 and 1, 2 and 3; then both of these, and so on.

    What is left over at the end of a level goes up as it is. A part that is None counts for nothing, but has a number.
    Of n parts at most log2(n) + 1 sums are kept at a time.

    Examples
    --------
    >>> from gdfast._scan.tree import Tree
    >>> tree = Tree(lambda a, b: f"({a} {b})")
    >>> for part in "abcdefg":
    ...     tree.put(part)
    >>> tree.total()
    '(((a b) (c d)) ((e f) g))'
    """

    def __init__(self, add: Callable[[T, T], T]) -> None:
        self.add = add
        self.sums: list[tuple[int, T | None]] = []  # each with its level, which is lower than that of the one before

    def put(self, part: T | None) -> None:
        """The next part."""
        level = 0
        while self.sums and self.sums[-1][0] == level:
            part = self._both(self.sums.pop()[1], part)
            level += 1
        self.sums.append((level, part))

    def total(self) -> T | None:
        """The sum of all parts so far; None where none counts."""
        whole: T | None = None
        for _, part in reversed(self.sums):
            whole = self._both(part, whole)
        return whole

    def _both(self, a: T | None, b: T | None) -> T | None:
        if a is None or b is None:
            return b if a is None else a
        return self.add(a, b)
