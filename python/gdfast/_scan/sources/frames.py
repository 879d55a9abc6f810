"""Pieces that a user's function makes: tables, or (x, y) arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gdfast import tables, validation
from gdfast._scan.choice import wanted
from gdfast._scan.pieces import Asked, Piece, Wanted
from gdfast.conversion import Array, cast, floating
from gdfast.wording import listed, type_name


class FrameSource:
    """A function that returns a fresh iterator; or an iterator, which can be read but once."""

    def __init__(self, source: Any, *, restartable: bool) -> None:
        self.restartable = restartable
        self.make: Callable[[], Iterator[Any]] = source if restartable else _Once(source)

    def bind(self, asked: Asked) -> BoundFrames:
        """See `Source`: the first piece says what all are like."""
        items = self._begun()
        try:
            first = next(items)
        except StopIteration:
            raise ValueError("source has no pieces, and at least one is needed") from None
        if not self.restartable:
            self.make = _Once(itertools.chain([first], items))
        elif hasattr(items, "close"):
            items.close()
        return BoundFrames(self._begun, first, asked, self.restartable)

    def _begun(self) -> Iterator[Any]:
        items = self.make()
        try:
            return iter(items)
        except TypeError:
            raise TypeError(
                f"source returned {type_name(items)}, accepted is an iterator of tables or (x, y) arrays: write a "
                "function with yield, or lambda: iter([…])"
            ) from None


class _Once:
    """An iterator as a function that can be called once."""

    def __init__(self, items: Iterator[Any]) -> None:
        self.items: Iterator[Any] | None = items

    def __call__(self) -> Iterator[Any]:
        items, self.items = self.items, None
        if items is None:
            raise ValueError(
                "source is an iterator that was read already, and can't be started again: hand in a function that "
                "returns a fresh one (lambda: …), or write plan='moments', which reads once"
            )
        return items


class _Seen:
    """What a piece was, so that another one is noticed in the next pass."""

    def __init__(self, piece: Piece) -> None:
        self.rows = len(piece.x)
        self.sum = np.float64(piece.y.sum(dtype=np.float64)).tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Seen) and (self.rows, self.sum) == (other.rows, other.sum)

    __hash__ = None  # type: ignore[assignment]


class BoundFrames:
    """Pieces of which the first says what all are like; see `Bound`."""

    def __init__(self, make: Callable[[], Iterator[Any]], first: Any, asked: Asked, restartable: bool) -> None:
        self.make, self.restartable = make, restartable
        self.reader = reader = Reader(first, asked)
        self.rows: int | None = None
        self.seen: list[_Seen] | None = None  # by the first pass
        self.names, self.d, self.dtype = reader.names, reader.d, reader.dtype
        self.one_column, self.has_y, self.weighted = reader.one_column, reader.has_y, reader.weighted

    def read(self) -> Iterator[Piece]:
        """See `Bound`."""
        seen: list[_Seen] = []
        for number, item in enumerate(self.make()):
            piece = self.reader.piece(item, number)
            if self.restartable:
                now = _Seen(piece)
                if self.seen is not None and (number >= len(self.seen) or self.seen[number] != now):
                    raise self._changed(number)
                seen.append(now)
            yield piece
        if self.seen is not None and len(seen) < len(self.seen):
            raise self._changed(len(seen))
        self.seen = seen

    def piece(self, read: Piece) -> Piece:
        """See `Bound`."""
        return read

    def _changed(self, number: int) -> ValueError:
        return ValueError(
            f"piece {number} is not what it was in the pass before: a source has to return the same pieces in the same "
            "order each time it is called. What shuffles or draws must use the same seed again"
        )


class Reader:
    """Makes pieces of what a function yields, or a cluster holds; the first one says what all are like."""

    def __init__(self, first: Any, asked: Asked, what: str = "piece", number: int = 0) -> None:
        self.asked, self.what, self.first = asked, what, f"{what} {number}"
        labels = None if isinstance(first, tuple) else tables.names(self.first, first)
        self.wanted: Wanted | None = None
        self.names: tuple[str, ...] | None = None
        if labels is not None:
            self.wanted = wanted(self.first, labels, asked, lambda _: np.dtype(np.float64))
            self.names = self.wanted.x
        elif asked.y is not None or asked.sample_weight is not None or asked.columns is not None:
            raise ValueError(
                "y, sample_weight and columns name columns of tables, and the pieces are arrays: yield (x, y) or "
                "(x, y, sample_weight), and write y=None"
            )
        self.has_y = self.wanted is None or asked.y is not None
        self.weighted = asked.sample_weight is not None or (isinstance(first, tuple) and len(first) == 3)
        x = self._parts(first, self.first)[0]
        self.one_column = x.ndim == 1
        self.d, self.dtype = 1 if x.ndim == 1 else x.shape[1], x.dtype

    def piece(self, item: Any, number: int) -> Piece:
        """The piece; or an exception that names it."""
        where = f"{self.what} {number}"
        x, y, s = self._parts(item, where)
        if (x.ndim == 1) != self.one_column or (x.ndim == 2 and x.shape[1] != self.d):
            wanted_shape = "(n,)" if self.one_column else f"(n, {self.d})"
            raise ValueError(f"{where} has x of shape {x.shape}, accepted is {wanted_shape}, as of {self.first}")
        if x.dtype != self.dtype:
            raise ValueError(f"{where} has x of {x.dtype}, and {self.first} of {self.dtype}: convert all to one dtype")
        if (s is not None) != self.weighted:
            raise ValueError(f"{where} has {'' if self.weighted is False else 'no '}sample_weight, unlike {self.first}")
        matrix = x.reshape(-1, 1) if x.ndim == 1 else x
        return Piece(matrix, cast(y, self.dtype), None if s is None else cast(s, self.dtype), where)

    def _parts(self, item: Any, where: str) -> tuple[Array, Array, Array | None]:
        """x, y and weights of a piece, which may have no rows."""
        if self.wanted is not None:
            return self._columns(item, where)
        if not isinstance(item, tuple) or len(item) not in (2, 3):
            came = f"a tuple of {len(item)}" if isinstance(item, tuple) else f"of type {type_name(item)}"
            raise TypeError(f"{where} is {came}, accepted are tables, (x, y) and (x, y, sample_weight)")
        x = _matrix(f"x of {where}", item[0])
        names = ("y", "sample_weight")[: len(item) - 1]
        rest = [_column(f"{name} of {where}", value, x) for name, value in zip(names, item[1:], strict=True)]
        return x, rest[0], rest[1] if len(rest) == 2 else None

    def _columns(self, item: Any, where: str) -> tuple[Array, Array, Array | None]:
        assert self.wanted is not None
        labels = None if isinstance(item, tuple) else tables.names(where, item)
        if labels is None:
            raise TypeError(
                f"{where} is of type {type_name(item)} and {self.first} was a table: accepted are tables alone"
            )
        missing = [name for name in self.wanted.every if name not in labels]
        if missing:
            raise ValueError(f"{where} lacks column {listed(missing)}, which {self.first} has: it has {listed(labels)}")
        more = [name for name in labels if name not in self.wanted.every]
        if more and self.asked.columns is None:
            raise ValueError(
                f"{where} has column {listed(more)}, which {self.first} hasn't: name the columns of x with columns=[…]"
            )
        x = _matrix(where, tables.by_name(where, item, self.wanted.x))
        rest = [
            None if name is None else _column(f"column {name!r} of {where}", tables.by_name(where, item, (name,)), x)
            for name in (self.wanted.y, self.wanted.sample_weight)
        ]
        return x, np.empty(0, x.dtype) if rest[0] is None else rest[0], rest[1]


def _matrix(name: str, value: Any) -> Array:
    array = floating(name, value)
    return array if array.ndim == 2 and len(array) == 0 and array.shape[1] else validation.matrix(array, name)


def _column(name: str, value: Any, x: Array) -> Array:
    array = floating(name, value)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 and tables.has_names(value) else array
    if array.shape != (len(x),):
        raise ValueError(f"{name} has shape {array.shape} and x has shape {x.shape}: accepted is {(len(x),)}")
    return array
