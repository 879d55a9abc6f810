"""The contenders: gdfast and what a user would take instead, each in its leanest usual form.

None of them checks its input, and each runs on the same arrays without a copy. The classes say what is in the timed
part.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from typing import Any, ClassVar

import gdfast
from gdfast.bench import numba_loops
from gdfast.bench.measure import Contender
from gdfast.bench.problems import FloatArray, Problem

Call = Callable[[], tuple[Any, Any]]


class Peer(ABC):
    """A way to obtain loss and gradient.

    Attributes
    ----------
    name : str
        In results and JSON; also the name of the package that it needs.
    title : str
        In tables and charts.
    plain_sums : bool
        Whether all n terms are added in x's dtype (see `gdfast.bench.verify.check`).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    plain_sums: ClassVar[bool] = True

    def installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(self.name) is not None

    def version(self) -> str | None:
        """Version of the package, None when it isn't installed."""
        return metadata.version(self.name) if self.installed() else None

    def load(self) -> None:
        """Import the package, so that threads can be set and no import is timed."""
        importlib.import_module(self.name)

    @abstractmethod
    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        """Bind the peer to a problem.

        Parameters
        ----------
        problem : Problem
        threads : int
            Only the Numba loop is compiled for it; the others follow `gdfast.bench.threads.limited_to`.

        Returns
        -------
        callable
            Takes nothing; returns (loss, gradient in w).
        """


class Native(Peer):
    """`gdfast.loss_and_gradient`, as it is imported."""

    name = "native"
    title = "gdfast"
    plain_sums = False

    def installed(self) -> bool:
        return True

    def version(self) -> str | None:
        return gdfast.__version__

    def load(self) -> None:
        pass

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        return partial(gdfast.loss_and_gradient, problem.x, problem.y, problem.w)


class NumPy(Peer):
    """Two BLAS passes over x and one temporary of n values; residuals in place, no array where a number will do."""

    name = "numpy"
    title = "NumPy"

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        if problem.shape.d == 1:
            return partial(_numpy_1d, problem.x, problem.y, problem.x.dtype.type(problem.w))
        return partial(_numpy_2d, problem.x, problem.y, problem.w)


class Torch(Peer):
    """Eager autograd: forward, `mse_loss`, `backward`. Tensors share memory with the arrays and exist beforehand."""

    name = "torch"
    title = "torch"

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        import torch

        x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        w = torch.tensor(problem.w, dtype=x.dtype, requires_grad=True)
        multiply = torch.mul if problem.shape.d == 1 else torch.mv
        mse_loss = torch.nn.functional.mse_loss

        def call() -> tuple[Any, Any]:
            w.grad = None
            loss = mse_loss(multiply(x, w), y)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach(), w.grad

        return call


class Numba(Peer):
    """A hand-fused ``@njit(fastmath=True)`` loop, one read of x from memory; see `gdfast.bench.numba_loops`."""

    name = "numba"
    title = "Numba"

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        call = numba_loops.compiled(problem, threads)
        if problem.shape.d > 1:
            return call

        def scalar() -> tuple[Any, Any]:
            loss, grad = call()
            return loss, grad[0]

        return scalar


NATIVE = Native()
RIVALS: tuple[Peer, ...] = (NumPy(), Torch(), Numba())
PEERS: tuple[Peer, ...] = (NATIVE, *RIVALS)


def read_probe(problem: Problem) -> Contender:
    """A SIMD sum over the memory of x and y, with gdfast's threads: the read bandwidth R that this machine has now."""
    return Contender("read", partial(gdfast._core.probe_sum, problem.memory))


def installed(peers: Sequence[Peer] = PEERS) -> tuple[Peer, ...]:
    """Those of the peers that can run here, loaded."""
    found = tuple(p for p in peers if p.installed())
    for peer in found:
        peer.load()
    return found


def _numpy_1d(x: FloatArray, y: FloatArray, w: Any) -> tuple[Any, Any]:
    r = x * w
    r -= y
    return r @ r / len(y), r @ x * (2 / len(y))


def _numpy_2d(x: FloatArray, y: FloatArray, w: FloatArray) -> tuple[Any, Any]:
    r = x @ w
    r -= y
    grad = r @ x
    grad *= 2 / len(y)
    return r @ r / len(y), grad
