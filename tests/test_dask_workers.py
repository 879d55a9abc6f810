"""Workers that come, go, are killed or fall silent: the same bits, within a bounded time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

import gdfast
from clusters import SOLVED, STREAMED, cluster_of, distributed, frames, on_cluster, same_fit, scanned
from scans import X, Y

da: Any = pytest.importorskip("dask.array")

import gdfast.dask as gdask  # noqa: E402
from gdfast.dask import tasks, waiting  # noqa: E402


def fitted(**options: Any) -> gdfast.Fit:
    return gdask.fit(on_cluster(frames()), "y", sample_weight="s", **options)


def by_scan(**options: Any) -> gdfast.Fit:
    return gdfast.fit(scanned(frames()), "y", sample_weight="s", **options)


# Functions that stand in for a task are of this module: they are sent by their name, and what they note stays here.
OF_PARTITIONS = tasks.of_partitions
RAN: list[list[int]] = []  # partitions of each task


def closing(items: Any, group: tasks.Group, *rest: Any) -> Any:
    """The first one closes its worker while it runs, and ends when nobody can hear of it."""
    RAN.append(group.numbers)
    if len(RAN) == 1:
        worker = distributed.get_worker()
        worker.loop.add_callback(worker.close, timeout=0, executor_wait=False, nanny=False)
        until = time.monotonic() + 20
        while worker.status != distributed.Status.closed and time.monotonic() < until:
            time.sleep(0.01)
    return OF_PARTITIONS(items, group, *rest)


def slow(items: Any, group: tasks.Group, *rest: Any) -> Any:
    RAN.append(group.numbers)
    time.sleep(0.4)
    return OF_PARTITIONS(items, group, *rest)


def late(*_: Any) -> Any:
    raise TimeoutError("of the task's own")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed soon."""
    RAN.clear()
    monkeypatch.setattr(waiting, "SILENT", 3.0)
    monkeypatch.setattr(waiting, "LOOK", 0.2)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_bits_do_not_depend_on_the_number_of_workers(workers: int) -> None:
    with cluster_of(workers):
        for options in (STREAMED[0], SOLVED[0]):
            same_fit(fitted(**options), by_scan(**options))


def test_more_workers_than_partitions_and_workers_without_data() -> None:
    x, y = da.from_array(X, chunks=(1000, 4)), da.from_array(Y, chunks=1000)
    with cluster_of(3):
        same_fit(gdask.fit(x, y, **STREAMED[0]), gdfast.fit(gdfast.scan([(X, Y)]), **STREAMED[0]))


def test_workers_that_leave_between_passes() -> None:
    with cluster_of(4) as (_, client):

        def leave(step: gdfast.Step) -> None:
            if step.iteration < 3:
                client.retire_workers([max(client.nthreads())])

        found = fitted(callback=leave, **STREAMED[0])
        assert len(client.nthreads()) == 1
    same_fit(found, by_scan(**STREAMED[0]))


def test_workers_that_come_between_passes() -> None:
    with cluster_of(1) as (cluster, client):

        def come(step: gdfast.Step) -> None:
            if step.iteration == 1:
                cluster.scale(3)
                client.wait_for_workers(3)

        found = fitted(callback=come, **STREAMED[0])
    same_fit(found, by_scan(**STREAMED[0]))


def test_the_cluster_is_restarted_between_fits_and_between_passes() -> None:
    with cluster_of(2) as (cluster, client):
        for options in (STREAMED[0], SOLVED[0]):
            before = fitted(**options)
            restarted(cluster, client)
            same_fit(fitted(**options), before)
            same_fit(before, by_scan(**options))

        def restart(step: gdfast.Step) -> None:
            if step.iteration == 2:
                restarted(cluster, client)

        same_fit(fitted(callback=restart, **STREAMED[0]), by_scan(**STREAMED[0]))


def restarted(cluster: Any, client: Any) -> None:
    """All that the cluster held is forgotten, and its workers are others: threads, which no nanny starts anew."""
    before = set(client.nthreads())
    client.restart(wait_for_workers=False)
    cluster.scale(0)
    until = time.monotonic() + 60
    while cluster.workers and time.monotonic() < until:
        time.sleep(0.05)
    cluster.scale(2)
    client.wait_for_workers(2, timeout=60)
    assert not before & set(client.nthreads())


@pytest.mark.parametrize("options", [STREAMED[0], SOLVED[0]], ids=str)
@pytest.mark.usefixtures("soon")
def test_a_task_that_runs_twice_counts_once(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "of_partitions", closing)
    with cluster_of(3) as (_, client):
        found = fitted(**options)
        assert len(client.nthreads()) == 2
    assert RAN.count(RAN[0]) > 1, RAN  # later passes have other tasks, for two workers
    same_fit(found, by_scan(**options))


@pytest.mark.usefixtures("soon")
def test_a_worker_whose_process_stands_still() -> None:
    """Its connections stay open, as those of a machine that was lost: only silence tells."""
    stopped = []
    with cluster_of(3, processes=True) as (_, client):
        pids = client.run(os.getpid)

        def stop(step: gdfast.Step) -> None:
            if step.iteration == 2:
                stopped.append(pids[min(pids)])
                os.kill(stopped[0], signal.SIGSTOP)

        began = time.monotonic()
        try:
            found = fitted(callback=stop, **STREAMED[0])
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert time.monotonic() - began < 60
        assert min(pids) not in client.nthreads()
    same_fit(found, by_scan(**STREAMED[0]))


class Scheduler:
    """As far as `_dismiss` asks one: when workers were last seen, by their addresses."""

    def __init__(self, **ago: float) -> None:
        now = time.time()
        self.workers = {address: SimpleNamespace(last_seen=now - seconds) for address, seconds in ago.items()}

    async def remove_worker(self, address: str, stimulus_id: str) -> None:
        assert stimulus_id
        del self.workers[address]


def test_where_all_are_silent_nobody_is_dismissed() -> None:
    """It is the scheduler that didn't listen for a while; and nobody would be left to take over."""
    one, all_of_them = Scheduler(a=90, b=2, c=70), Scheduler(a=90, b=80)
    assert asyncio.run(waiting._dismiss(60.0, one)) == ["a", "c"]
    assert list(one.workers) == ["b"]
    assert asyncio.run(waiting._dismiss(60.0, all_of_them)) == []
    assert list(all_of_them.workers) == ["a", "b"]


def test_what_a_task_raises_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "of_partitions", late)
    with cluster_of(1), pytest.raises(TimeoutError, match="of the task's own"):
        fitted(**STREAMED[0])


@pytest.mark.usefixtures("soon")
def test_results_that_take_longer_than_a_look_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "of_partitions", slow)
    with cluster_of(2):
        same_fit(fitted(**SOLVED[0]), by_scan(**SOLVED[0]))
    assert len(RAN) == 2


@pytest.mark.slow
def test_a_worker_killed_in_each_of_ten_passes() -> None:
    """Each is another process, killed as the kernel kills; its nanny starts a new one."""
    options: dict[str, Any] = {**STREAMED[1], "n_iters": 10}
    with cluster_of(3, processes=True) as (cluster, _):
        killed: list[int] = []

        def running() -> list[int]:
            """Not those that are being started: who is killed then isn't started again."""
            nannies = [nanny for nanny in cluster.workers.values() if nanny.status == distributed.Status.running]
            return sorted({nanny.pid for nanny in nannies if nanny.pid} - set(killed))

        def kill(step: gdfast.Step) -> None:
            while not (pids := running()):
                time.sleep(0.05)
            pid = pids[step.iteration % len(pids)]
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

        found = fitted(callback=kill, **options)
    assert len(set(killed)) == 10
    same_fit(found, by_scan(**options))
