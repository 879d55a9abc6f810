"""One number of threads for everything that is compared."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

import gdfast


@contextmanager
def limited_to(threads: int) -> Iterator[None]:
    """Let gdfast, NumPy's BLAS, torch and Numba work with `threads` threads each, until the end of the block.

    BLAS obeys only where threadpoolctl is installed (see `blas_is_limited`). torch and Numba are set if they have been
    imported.

    Parameters
    ----------
    threads : int
    """
    with ExitStack() as stack:
        if blas_is_limited():
            stack.enter_context(importlib.import_module("threadpoolctl").threadpool_limits(limits=threads))
        stack.callback(gdfast.set_num_threads, gdfast.get_num_threads())
        gdfast.set_num_threads(threads)
        for name in ("torch", "numba"):
            if library := sys.modules.get(name):
                stack.callback(library.set_num_threads, library.get_num_threads())
                library.set_num_threads(_possible(library, threads))
        yield


def blas_is_limited() -> bool:
    """Whether threadpoolctl is there to hold NumPy's BLAS to a number of threads."""
    return find_spec("threadpoolctl") is not None


def _possible(library: object, threads: int) -> int:
    # Numba refuses more threads than it started with; torch takes any number.
    config = getattr(library, "config", None)
    return min(threads, int(getattr(config, "NUMBA_NUM_THREADS", threads)))
