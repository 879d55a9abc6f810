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
from typing import Any, ClassVar

import numpy as np

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
        In results and JSON.
    title : str
        In tables and charts.
    package : str
        What it needs to be installed.
    one_thread : bool
        Whether it runs on one thread whatever it is told.
    plain_sums : bool
        Whether all n terms are added in x's dtype (see `gdfast.bench.verify.check`).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    package: ClassVar[str]
    one_thread: ClassVar[bool] = False
    plain_sums: ClassVar[bool] = True

    def installed(self) -> bool:
        """Whether it can run here; finding out imports it, so that no import is timed."""
        try:
            importlib.import_module(self.package)
        except ImportError:
            return False
        return True

    def version(self) -> str | None:
        """Version of the package, None where there is none."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

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
    package = "gdfast"
    plain_sums = False

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        return partial(gdfast.loss_and_gradient, problem.x, problem.y, problem.w)


class NumPy(Peer):
    """Two BLAS passes over x and one temporary of n values; residuals in place, no array where a number will do."""

    name = "numpy"
    title = "NumPy"
    package = "numpy"

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        if problem.shape.d == 1:
            return partial(_numpy_1d, problem.x, problem.y, problem.x.dtype.type(problem.w))
        return partial(_numpy_2d, problem.x, problem.y, problem.w)


class TutorialNumPy(Peer):
    """The tutorial's own lines, as most people write them: a temporary for every operation."""

    name = "numpy_tutorial"
    title = "NumPy as the tutorial has it"
    package = "numpy"

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        function = _tutorial_1d if problem.shape.d == 1 else _tutorial_2d
        return partial(function, problem.x, problem.y, problem.w)


class Torch(Peer):
    """Eager autograd: forward, `mse_loss`, `backward`. Tensors share memory with the arrays and exist beforehand."""

    name = "torch"
    title = "torch"
    package = "torch"

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
    package = "numba"
    plain: ClassVar[bool] = False

    def prepare(self, problem: Problem, threads: int = 1) -> Call:
        call = numba_loops.compiled(problem, threads, plain=self.plain)
        if problem.shape.d > 1:
            return call

        def scalar() -> tuple[Any, Any]:
            loss, grad = call()
            return loss, grad[0]

        return scalar


class PlainNumba(Numba):
    """The loop that first comes to mind, with every sum in x's dtype: quick at few columns, and inexact."""

    name = "numba_plain"
    title = "Numba, plain"
    one_thread = True
    plain = True


NATIVE = Native()
NUMBA = Numba()
PLAIN_NUMBA = PlainNumba()
RIVALS: tuple[Peer, ...] = (NumPy(), Torch(), NUMBA, PLAIN_NUMBA)
PEERS: tuple[Peer, ...] = (NATIVE, *RIVALS)
TUTORIAL_NUMPY = TutorialNumPy()


def read_probe(problem: Problem) -> Contender:
    """A SIMD sum over the memory of x and y, with gdfast's threads: the read bandwidth R that this machine has now."""
    return Contender("read", partial(gdfast._core.probe_sum, problem.memory))


def installed(peers: Sequence[Peer] = PEERS) -> tuple[Peer, ...]:
    """Those of the peers that can run here, imported."""
    return tuple(peer for peer in peers if peer.installed())


def _numpy_1d(x: FloatArray, y: FloatArray, w: Any) -> tuple[Any, Any]:
    r = x * w
    r -= y
    return r @ r / len(y), r @ x * (2 / len(y))


def _tutorial_1d(x: FloatArray, y: FloatArray, w: Any) -> tuple[Any, Any]:
    y_pred = w * x
    return ((y_pred - y) ** 2).mean(), np.dot(2 * x, y_pred - y) / len(y)


def _tutorial_2d(x: FloatArray, y: FloatArray, w: FloatArray) -> tuple[Any, Any]:
    y_pred = x @ w
    return ((y_pred - y) ** 2).mean(), 2 * np.dot(y_pred - y, x) / len(y)


def _numpy_2d(x: FloatArray, y: FloatArray, w: FloatArray) -> tuple[Any, Any]:
    r = x @ w
    r -= y
    grad = r @ x
    grad *= 2 / len(y)
    return r @ r / len(y), grad
