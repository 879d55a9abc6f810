"""What the suites share: one thread for everyone, and problems made once for all that are timed on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gdfast.bench import peers
from gdfast.bench.machine import level_of
from gdfast.bench.problems import Arena, DtypeName, Order, Problem, Shape
from gdfast.bench.threads import limited_to
from gdfast.bench.verify import Reference, check, reference

TimeOn = Callable[[Shape, DtypeName, Order], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--beyond-cache", action="store_true", help="also time problems that no cache holds: minutes, up to 1 GiB"
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread_each() -> Iterator[None]:
    peers.installed()
    with limited_to(1):
        yield


@pytest.fixture(params=["read", *(peer.name for peer in peers.PEERS)])
def time_on(request: pytest.FixtureRequest, benchmark: BenchmarkFixture) -> TimeOn:
    """Checks a contender on a problem, then times it there, in a group of its own with the others.

    ``read`` is the read probe, a sum over the memory of x and y: the time that no contender can go below.
    """

    def run(shape: Shape, dtype: DtypeName, order: Order) -> None:
        problem, truth = _problem(shape, dtype, order)
        benchmark.group = f"{shape} {dtype} {order} order, {level_of(shape, dtype)}"
        benchmark.extra_info["bytes"] = problem.nbytes
        if request.param == "read":
            benchmark(peers.read_probe(problem).call)
            return
        (peer,) = (p for p in peers.PEERS if p.name == request.param)
        if not peer.installed():
            pytest.skip(f"{peer.title} is not installed")
        call = peer.prepare(problem)
        benchmark.extra_info["error, of its bound"] = check(
            peer.title, call, problem, truth, plain_sums=peer.plain_sums
        )
        benchmark(call)

    return run


@lru_cache(maxsize=1)
def _problem(shape: Shape, dtype: DtypeName, order: Order) -> tuple[Problem, Reference]:
    problem = Arena(shape.arena_bytes(dtype)).problem(shape, dtype, order)
    return problem, reference(problem)
