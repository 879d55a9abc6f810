"""The thread that reads a scan's next piece."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import thread as executors

from gdfast._scan.ahead import Waiting, read_ahead


def test_a_pass_that_was_given_up_ends_whatever_is_held() -> None:
    """The garbage collector may end it in a thread that is being started by who holds the lock of all executors."""
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(3)
        finally:
            closed.set()

    pieces = read_ahead(source(), Waiting())
    assert next(pieces) == 0
    with executors._global_shutdown_lock:
        ending = threading.Thread(target=pieces.close, daemon=True)  # type: ignore[attr-defined]
        ending.start()
        ending.join(5)
        assert not ending.is_alive()
    assert closed.wait(5)
