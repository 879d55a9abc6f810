"""Sums over pieces, added in an order that depends on the pieces' numbers only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

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
        return both(a, b, self.add)


def both(a: T | None, b: T | None, add: Callable[[T, T], T]) -> T | None:
    """The sum of two parts, of which None counts for nothing."""
    if a is None or b is None:
        return b if a is None else a
    return add(a, b)


Nodes = dict[tuple[int, int], T | None]  # sums of the tree, each by its level, from the leaves up, and number there


def merged(nodes: Nodes[T], count: int, add: Callable[[Any, Any], Any]) -> Nodes[T]:
    """Add what stands side by side in the tree over `count` parts, as far as both are among `nodes`.

    So parts that several hold are added by each of them first, with the bits of `Tree`.

    Examples
    --------
    >>> from gdfast._scan.tree import merged
    >>> def add(a, b):
    ...     return f"({a} {b})"
    >>> one = merged({(0, 0): "a", (0, 1): "b", (0, 6): "g", (0, 3): "d"}, 7, add)
    >>> dict(sorted(one.items()))
    {(0, 3): 'd', (1, 0): '(a b)', (1, 3): 'g'}
    >>> merged({**one, (0, 2): "c", (0, 4): "e", (0, 5): "f"}, 7, add)
    {(3, 0): '(((a b) (c d)) ((e f) g))'}
    """
    nodes = dict(nodes)
    level = 0
    while count > 1:
        for i in sorted(number for at, number in nodes if at == level):
            place, beside = (level, i), (level, i ^ 1)
            if i ^ 1 >= count:  # it is left over at the end of the level
                nodes[level + 1, i // 2] = nodes.pop(place)
            elif place in nodes and beside in nodes:
                nodes[level + 1, i // 2] = both(nodes.pop(place), nodes.pop(beside), add)
        level, count = level + 1, -(-count // 2)
    return nodes
