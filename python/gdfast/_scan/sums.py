"""Passes over a scan, and the two sums that are taken of its pieces: moments, and loss with gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gdfast import _core, validation
from gdfast._inference.basis import counted
from gdfast._path.moments import Moments, together
from gdfast._scan.ahead import Waiting, read_ahead
from gdfast._scan.bind import Beside, bind
from gdfast._scan.pieces import Bound, PassRead, Piece
from gdfast._scan.tree import Tree
from gdfast.conversion import Array
from gdfast.descent import Gram
from gdfast.errors import Message
from gdfast.objective import LossAndGradient
from gdfast.progress import RowsBar
from gdfast.step_size import TakeMoments

if TYPE_CHECKING:
    from gdfast.scan import Scan


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Part(Protocol[T_co]):
    """What a pass makes of one piece."""

    def __call__(self, piece: Piece, /) -> T_co | None: ...


class Noticing(Protocol):
    """Takes note of pieces in the first pass."""

    seen: int

    def note(self, piece: Piece) -> None: ...


class Reducible(Protocol):
    """Rows in pieces, of which sums can be taken; see `Passes.reduce`."""

    def reduce(self, part: Part[T], add: Callable[[T, T], T]) -> T | None: ...


class Machinery(Protocol):
    """What is asked of a backend."""

    @property
    def moments(self) -> TakeMoments: ...
    @property
    def loss_and_gradient(self) -> LossAndGradient: ...


class Passes:
    """Pass after pass over a scan, and what all of them have read."""

    def __init__(self, bound: Bound, on_rows: RowsBar | None = None) -> None:
        self.bound, self.on_rows = bound, on_rows
        self.rows = bound.rows
        self.done = 0
        self.dropped = 0  # rows that the last pass left out
        self.nbytes = self.disk_bytes = self.largest_piece = 0
        self.waiting = Waiting()

    @classmethod
    def over(cls, scan: Scan, y: Any = None, sample_weight: Any = None) -> Passes:
        """Of a scan with its y and weights; see `bind`."""
        return cls(bind(scan, y, sample_weight), RowsBar() if scan._progress else None)

    @property
    def one_read(self) -> int:
        """Bytes of one pass, as arrays."""
        bound = self.bound
        return (self.rows or 0) * (bound.d + 1 + bound.weighted) * bound.dtype.itemsize

    @property
    def peak_bytes(self) -> int:
        """Of the two pieces that are there at a time."""
        return 2 * self.largest_piece

    def shape(self) -> tuple[Array, Array, None]:
        """What stands for x, y and weights where only shape and dtype matter: it has no memory."""
        bound, rows = self.bound, self.rows or 2**40  # of unknown ones there may be any number
        nothing = np.zeros(1, bound.dtype)
        x = np.broadcast_to(nothing, (rows,) if bound.one_column else (rows, bound.d))
        return x, np.broadcast_to(nothing, rows), None

    def reduce(self, part: Part[T], add: Callable[[T, T], T], noticed: Noticing | None = None) -> T | None:
        """One pass: what `part` makes of each piece that has rows, added up in a tree over their numbers.

        Parameters
        ----------
        part : callable
            Takes a piece and returns a sum, or None where nothing counts. It may be sent elsewhere, pickled.
        add : callable
            Adds two sums.
        noticed : Noticing, optional
            Takes note of the pieces by the way, if it hasn't yet.
        """
        noticed = None if noticed is None or noticed.seen else noticed
        tree: Tree[T] = Tree(add)
        for piece in self:
            if noticed is not None and len(piece.x):
                noticed.note(piece)
            tree.put(part(piece) if len(piece.x) else None)
            del piece
        return tree.total()

    def __iter__(self) -> Iterator[Piece]:
        """One pass.

        Raises
        ------
        ValueError
            When there are no rows, weights are no weights, or the rows are other ones than in the pass before.
        """
        if self.done and not self.bound.restartable:
            raise ValueError(
                "source is an iterator that was read already, and can't be started again: hand in a function that "
                "returns a fresh one (lambda: …), or write plan='moments', which reads once"
            )
        read = PassRead()
        for undecoded in read_ahead(self.bound.read(), self.waiting):
            piece = self.bound.piece(undecoded)._replace(number=read.pieces, start=read.rows)
            read.count(piece)
            if piece.sample_weight is not None and len(piece.x):
                check_weights(piece)
            yield piece
            self.nbytes, self.disk_bytes = self.nbytes + piece.nbytes, self.disk_bytes + piece.disk_bytes
            if self.on_rows is not None:
                self.on_rows(read.rows, self.rows)
            del piece
        if self.on_rows is not None:
            self.on_rows.finished()
        if not read.rows:
            raise ValueError("the scan has no rows, and at least one is needed")
        if self.rows is not None and read.rows != self.rows:
            by = "by y, " if isinstance(self.bound, Beside) else ""
            raise ValueError(
                f"the scan has {read.rows:,} rows, and {self.rows:,} were expected {by}by the metadata of files or by "
                "the pass before"
            )
        self.rows, self.dropped = read.rows, read.dropped
        self.largest_piece = max(self.largest_piece, read.largest_piece)
        self.done += 1


def check_weights(piece: Piece) -> None:
    """Raise where they are no weights; all may be 0."""
    try:
        validation.weights("sample_weight", piece.sample_weight, some=False)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(Message(f"{piece.where}: ", *error.args)) from None


class Sums(NamedTuple):
    """Loss and gradient as sums over rows, in float64."""

    weight: float
    loss: Any  # a number, or (K,) of K models
    grad: NDArray[np.float64]  # in w, and then in b: (d + 1,), or (d + 1, K)


def moments(data: Reducible, backend: Machinery | None = None) -> Moments:
    """The moments of all rows, in one pass; with the native backend where none is said."""
    total = data.reduce(partial(moments_of_piece, backend), together)
    assert total is not None
    return total


def moments_of_piece(backend: Machinery | None, piece: Piece) -> Moments | None:
    """A part for `Passes.reduce`."""
    take = _core.moments if backend is None else backend.moments
    return moments_of(piece.x, piece.y, piece.sample_weight, take)


def moments_of(x: Array, y: Array, s: Array | None, take: TakeMoments = _core.moments) -> Moments | None:
    """Of one piece; None where it has no rows."""
    if not len(x):
        return None
    matrix, origin, _, _ = take(x, y, s)
    return Moments(Gram(matrix, origin), counted(len(x), s))


def loss_and_gradient(data: Reducible, w: Any, b: Any, backend: Machinery) -> Sums:
    """Of all rows, in one pass."""
    return data.reduce(partial(sums_of_piece, backend, w, b), added) or Sums(
        0.0, 0.0, np.zeros((len(w) + 1, *w.shape[1:]))
    )


def sums_of_piece(backend: Machinery, w: Array, b: Any, piece: Piece) -> Sums | None:
    """A part for `Passes.reduce`."""
    return sums_of(piece.x, piece.y, piece.sample_weight, w, b, backend.loss_and_gradient)


def sums_of(x: Array, y: Array, s: Array | None, w: Array, b: Any, kernel: LossAndGradient) -> Sums | None:
    """Of one piece; None where no row counts.

    The kernel's means times what the rows weigh: in float32, sums of gradients could overflow where means don't.
    """
    weight = float(len(x)) if s is None else float(s.sum(dtype=np.float64))
    if not weight:
        return None
    b = np.zeros(w.shape[1:]) if b is None else b
    loss, (grad_w, grad_b) = kernel(x, y, w, b if w.ndim == 2 else float(b), sample_weight=s)
    grad = np.concatenate([grad_w, np.reshape(grad_b, (1, *w.shape[1:]))])
    return Sums(weight, loss * weight, grad.astype(np.float64) * weight)


def added(a: Sums, b: Sums) -> Sums:
    """Of the rows of both."""
    return Sums(a.weight + b.weight, a.loss + b.loss, a.grad + b.grad)
