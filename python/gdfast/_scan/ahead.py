"""Reading ahead: while one piece is worked on, a thread makes the next one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Waiting:
    """How long whoever works on the pieces has waited for them."""

    seconds = 0.0


def read_ahead(pieces: Iterator[T], waiting: Waiting) -> Iterator[T]:
    """The same pieces, each made in a thread while the one before it is worked on; never more than one ahead.

    The piece after next isn't begun before the next one is asked for: so two are there at a time, and may take turns
    in the same memory.
    """
    reader = ThreadPoolExecutor(1, "gdfast-scan")
    coming = reader.submit(next, pieces, None)
    given_up = False
    try:
        while True:
            began = time.perf_counter()
            piece = coming.result()
            waiting.seconds += time.perf_counter() - began
            if piece is None:
                return
            coming = reader.submit(next, pieces, None)
            yield piece
            del piece
    except GeneratorExit:
        # It may be the garbage collector that ends a pass so, in a thread that is just being started, say, by somebody
        # who waits for that and holds the lock of all executors: nothing is waited for, and nothing handed in.
        given_up = True
        raise
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:  # of a generator, which can't be closed while it runs
            coming.add_done_callback(lambda _: close())
        reader.shutdown(wait=not given_up)
