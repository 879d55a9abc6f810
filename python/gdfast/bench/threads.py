"""One number of threads for everything that is compared."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any

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
        # Numba first: on being set it starts its OpenMP runtime, which may be torch's, with threads for every CPU.
        _limit(stack, sys.modules.get("numba"), threads)
        if blas_is_limited():
            stack.enter_context(importlib.import_module("threadpoolctl").threadpool_limits(limits=threads))
        _limit(stack, sys.modules.get("torch"), threads)
        _limit(stack, gdfast, threads)
        yield


def blas_is_limited() -> bool:
    """Whether threadpoolctl is there to hold NumPy's BLAS to a number of threads."""
    return find_spec("threadpoolctl") is not None


def _limit(stack: ExitStack, library: Any, threads: int) -> None:
    """Set a library's threads, and put them back at the end of the stack."""
    if library is None:
        return
    stack.callback(library.set_num_threads, library.get_num_threads())
    # Numba refuses more threads than it started with; the others take any number.
    most = library.config.NUMBA_NUM_THREADS if library.__name__ == "numba" else threads
    library.set_num_threads(min(threads, most))
