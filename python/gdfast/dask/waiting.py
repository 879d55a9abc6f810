"""Waiting for results, and for no worker that is gone without a word.

A worker that dies closes its connection, and the scheduler gives its tasks to others at once. One whose machine or
network goes away, or that is closed within a process while it works, leaves the connection as it is: the scheduler
believes in it, tasks and all, for five minutes (``distributed.scheduler.worker-ttl``). It is dismissed here as the
scheduler would, after one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import distributed

SILENT = 60.0  # seconds without a heartbeat, of which there are at least one in a few seconds
LOOK = 5.0  # seconds between looks at who is silent, while a result is waited for


def settled(client: Any, futures: Sequence[Any]) -> None:
    """Return when all futures are finished, or have failed."""
    while True:
        try:
            distributed.wait(futures, timeout=LOOK)  # type: ignore[no-untyped-call]
            return
        except TimeoutError:
            dismiss_silent(client)


def gathered(client: Any, futures: Sequence[Any]) -> list[Any]:
    """The results of all futures.

    Raises
    ------
    Exception
        What a task raised.
    """
    patience = LOOK
    while True:
        try:
            results: list[Any] = client.sync(_gather, client, list(futures), callback_timeout=patience)
            return results
        except TimeoutError:
            for future in futures:
                if future.status == "error":  # it was a task's own
                    raise future.exception() from None
            if not dismiss_silent(client):
                patience *= 2  # so that results that take long to come do come


async def _gather(client: Any, futures: list[Any]) -> Any:
    return await client.gather(futures, asynchronous=True)


def dismiss_silent(client: Any) -> list[str]:
    """Have the scheduler give up the workers that it hasn't heard of: their tasks are done again by others."""
    dismissed: list[str] = client.run_on_scheduler(_dismiss, seconds=SILENT)
    return dismissed


async def _dismiss(seconds: float, dask_scheduler: Any = None) -> list[str]:
    """Run by the scheduler, by its clock."""
    now = time.time()
    workers = list(dask_scheduler.workers.items())
    silent = [address for address, worker in workers if now - worker.last_seen > seconds]
    if len(silent) == len(workers):  # then it was the scheduler that didn't listen, and nobody is left to take over
        return []
    for address in silent:
        await dask_scheduler.remove_worker(address, stimulus_id=f"gdfast-silent-{now}")
    return silent
