"""Pieces that a user's function makes: tables, or (x, y) arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gdfast import dropped, tables, validation
from gdfast._scan.arrow import nulls
from gdfast._scan.choice import refuse_no_numbers, wanted
from gdfast._scan.pieces import Asked, Piece, Wanted
from gdfast._tables.opened import Opened, opened
from gdfast.containers import container
from gdfast.conversion import Array, cast, floating
from gdfast.wording import listed, type_name

Names = tuple[str, str, str]  # of x, y and weights
Values = tuple[Any, Any, Any]


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
        labels = _names(self.first, first)
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
        x, y, s, out = self._parts(item, where)
        if (x.ndim == 1) != self.one_column or (x.ndim == 2 and x.shape[1] != self.d):
            wanted_shape = "(n,)" if self.one_column else f"(n, {self.d})"
            raise ValueError(f"{where} has x of shape {x.shape}, accepted is {wanted_shape}, as of {self.first}")
        if x.dtype != self.dtype:
            raise ValueError(f"{where} has x of {x.dtype}, and {self.first} of {self.dtype}: convert all to one dtype")
        if (s is not None) != self.weighted:
            raise ValueError(f"{where} has {'' if self.weighted is False else 'no '}sample_weight, unlike {self.first}")
        matrix = x.reshape(-1, 1) if x.ndim == 1 else x
        return Piece(matrix, cast(y, self.dtype), None if s is None else cast(s, self.dtype), where, dropped=out)

    def _parts(self, item: Any, where: str) -> tuple[Array, Array, Array | None, int]:
        """x, y and weights of a piece, which may have no rows; and how many rows are left out of it."""
        names, values = self._given(item, where) if self.wanted is None else self._columns(item, where)
        holes = [self._with_nulls(where, name, value) for name, value in zip(names, values, strict=True)]
        arrays = [
            None if value is None else _read(where, name, hole or value)
            for name, value, hole in zip(names, values, holes, strict=True)
        ]
        assert arrays[0] is not None
        x = _matrix(where if self.wanted is not None else f"x of {where}", arrays[0])
        y, s = (
            None if array is None else _column(f"{name} of {where}", array, x, tables.has_names(value))
            for name, array, value in zip(names[1:], arrays[1:], values[1:], strict=True)
        )
        out = 0
        if any(holes):
            kept = dropped.rows_without_nulls(holes, len(x))
            y, s = (None if array is None else array[kept] for array in (y, s))
            x, out = x[kept], int(np.count_nonzero(~kept))
        return x, np.empty(0, x.dtype) if y is None else y, s, out

    def _with_nulls(self, where: str, name: str, value: Any) -> Opened | None:
        """A table or column in which something is missing, where such rows are left out."""
        if not tables.is_table(value):
            return None
        found = opened(value, container(value))
        labels = [name] if found.labels is None else [f"column {str(label)!r}" for label in found.labels]
        if self.wanted is not None:
            refuse_no_numbers(
                where, {str(label): one.kind for label, one in zip(found.labels or (), found.columns, strict=True)}
            )
        if found.nulls and self.asked.missing == "error":
            counts = [column.nulls for column in found.columns]
            raise self._nulls(where, *next(one for one in zip(labels, counts, strict=True) if one[1]))
        with _about(where):
            return dropped.with_nulls(name, found)

    def _nulls(self, where: str, what: str, count: int) -> ValueError:
        if self.what == "piece":
            return nulls(where, what, count)
        some = f"{count:,} null{'' if count == 1 else 's'}"
        return ValueError(f"{where}: {what} has {some}: write frame.dropna() to leave such rows out, or fill them in")

    def _given(self, item: Any, where: str) -> tuple[Names, Values]:
        """What a piece of arrays holds, and what it is called."""
        if not isinstance(item, tuple) or len(item) not in (2, 3):
            came = f"a tuple of {len(item)}" if isinstance(item, tuple) else f"of type {type_name(item)}"
            raise TypeError(f"{where} is {came}, accepted are tables, (x, y) and (x, y, sample_weight)")
        return ("x", "y", "sample_weight"), (*item, *(None,) * (3 - len(item)))

    def _columns(self, item: Any, where: str) -> tuple[Names, Values]:
        """The columns of a table that are wanted."""
        assert self.wanted is not None
        labels = _names(where, item)
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
        y, weight = self.wanted.y, self.wanted.sample_weight
        chosen = self.wanted.x, None if y is None else (y,), None if weight is None else (weight,)
        x, y_of, s_of = (None if one is None else tables.by_name("x", item, one) for one in chosen)
        return ("x", f"column {y!r}", f"column {weight!r}"), (x, y_of, s_of)


@contextmanager
def _about(where: str) -> Iterator[None]:
    """What is said of x, y and weights of a piece says which one, too: there they have such names at best."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{where}: {error}") from None


def _names(where: str, item: Any) -> tuple[str, ...] | None:
    """Of the columns of a table; None of arrays."""
    if isinstance(item, tuple):
        return None
    with _about(where):
        tables.refuse_lazy("x", item)
        return tables.names("x", item)


def _read(where: str, name: str, value: Any) -> Array:
    with _about(where):
        return floating(name, tables.read(name, value, drop=True) if isinstance(value, Opened) else value)


def _matrix(name: str, array: Array) -> Array:
    return array if array.ndim == 2 and len(array) == 0 and array.shape[1] else validation.matrix(array, name)


def _column(name: str, array: Array, x: Array, of_table: bool) -> Array:
    array = array[:, 0] if of_table and array.ndim == 2 and array.shape[1] == 1 else array
    if array.shape != (len(x),):
        raise ValueError(f"{name} has shape {array.shape} and x has shape {x.shape}: accepted is {(len(x),)}")
    return array
